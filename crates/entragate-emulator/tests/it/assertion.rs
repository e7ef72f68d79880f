//! Client assertions made by hand, starting from one that is accepted.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use aws_lc_rs::{digest, rand::SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use entragate_emulator::fixtures::{CLIENT_CERTIFICATE, CLIENT_KEY, TENANT};
use serde_json::{Value, json};

use crate::fixture::{Entra, Token, base64url};

pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An assertion before it is signed.
#[derive(Clone)]
pub(crate) struct Assertion {
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

impl Assertion {
    /// What MSAL sends: PS256, and the SHA-256 thumbprint.
    pub(crate) fn of(entra: &Entra, client: &str) -> Self {
        let now = entra.control().now();
        Self {
            header: json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint(&digest::SHA256) }),
            claims: json!({
                "aud": format!("{}/{TENANT}/oauth2/v2.0/token", entra.b()),
                "iss": client,
                "sub": client,
                "jti": "4f6ed0f9-94f1-4b0a-8a3b-0d4f0bd1f4f3",
                "nbf": now,
                "exp": now + 600,
            }),
        }
    }

    /// The older kind: RS256, and the SHA-1 thumbprint.
    pub(crate) fn rs256(mut self) -> Self {
        self.header = json!({ "alg": "RS256", "x5t": thumbprint(&digest::SHA1_FOR_LEGACY_USE_ONLY) });
        self
    }

    pub(crate) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    /// Signed with the key of the fixture certificate.
    pub(crate) fn sign(&self) -> String {
        self.sign_with(&client_key())
    }

    #[expect(clippy::disallowed_methods, reason = "the salt of a test's signature")]
    pub(crate) fn sign_with(&self, key: &KeyPair) -> String {
        let part = |value: &Value| base64url(value.to_string().as_bytes());
        let input = format!("{}.{}", part(&self.header), part(&self.claims));
        let encoding: &'static dyn RsaEncoding =
            if self.header["alg"] == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(encoding, &SystemRandom::new(), input.as_bytes(), &mut signature).expect("it signs");
        format!("{input}.{}", base64url(&signature))
    }
}

impl Token {
    /// With an assertion instead of a secret.
    pub(crate) fn asserting(self, assertion: &str) -> Self {
        let bare = self.without("client_secret");
        bare.with("client_assertion_type", JWT_BEARER).with("client_assertion", assertion)
    }
}

pub(crate) fn other_key() -> KeyPair {
    KeyPair::generate(KeySize::Rsa2048).expect("a key")
}

/// The key document of an issuer with this one key.
pub(crate) fn jwks(key: &KeyPair, kid: &str) -> String {
    let public = key.public_key();
    let big_endian = |bytes: &[u8]| base64url(bytes);
    let (n, e) = (public.modulus(), public.exponent());
    let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
    json!({ "keys": [{ "kty": "RSA", "kid": kid, "n": big_endian(n), "e": big_endian(e) }] }).to_string()
}

fn client_key() -> KeyPair {
    KeyPair::from_pkcs8(&pem(CLIENT_KEY)).expect("the fixture key parses")
}

fn thumbprint(algorithm: &'static digest::Algorithm) -> String {
    base64url(digest::digest(algorithm, &pem(CLIENT_CERTIFICATE)).as_ref())
}

fn pem(text: &str) -> Vec<u8> {
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).expect("base64")
}

#[test]
fn the_fixture_key_is_the_certificate_s() {
    let public = client_key().public_key().as_der();
    let public: aws_lc_rs::encoding::PublicKeyX509Der<'_> = public.expect("an RSA key has a DER form");
    let certificate = pem(CLIENT_CERTIFICATE);
    assert!(certificate.windows(public.as_ref().len()).any(|window| window == public.as_ref()));
}
