//! A certificate and its private key, and the assertion signed with them ([Microsoft: certificate credentials]).
//!
//! PS256, because that is what Microsoft asks for today; the key stays inside the crypto provider.
//!
//! [Microsoft: certificate credentials]: https://learn.microsoft.com/entra/identity-platform/certificate-credentials

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest;
use aws_lc_rs::signature::RsaKeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};
use serde::Serialize;

use super::error::{CredentialError, FileProblem};
use super::file::{self, LastGood};
use crate::clock::Timestamp;
use crate::random;
use crate::secret::Secret;

/// Microsoft recommends five to ten minutes.
const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// Where certificate and private key are; one file may hold both.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PemFiles {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// A certificate that is read again when its files change.
pub(super) struct Certificate {
    files: PemFiles,
    last: LastGood<Pair>,
}

/// A certificate and its private key, as they were at one moment.
pub(super) struct Pair {
    stamps: [Stamp; 2],
    /// `x5t#S256` (RFC 7515 §4.1.8), which tells Entra the certificate among those of the app.
    thumbprint: String,
    /// SHA-1 and SHA-256.
    pub(super) digests: [Vec<u8>; 2],
    key: Arc<dyn SigningKey>,
}

/// What changes when somebody writes a file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
}

impl Certificate {
    pub(super) fn open(files: PemFiles) -> Result<Self, CredentialError> {
        let stamps = files.stamps()?;
        let last = LastGood::new(Pair::load(&files, stamps)?);
        Ok(Self { files, last })
    }

    /// What the files hold now, or held when they were last good. A pair of which only one half has been replaced
    /// yet counts as broken, and is tried again next time.
    pub(super) async fn current(&self) -> Arc<Pair> {
        let (files, known) = (self.files.clone(), self.last.get().stamps);
        let read = file::blocking(&self.files.certificate, move || {
            // The stamps come first: what is written while the files are read is noticed next time.
            let stamps = files.stamps()?;
            if stamps == known { Ok(None) } else { Pair::load(&files, stamps).map(Some) }
        });
        self.last.update(read.await)
    }
}

impl PemFiles {
    fn stamps(&self) -> Result<[Stamp; 2], CredentialError> {
        Ok([Stamp::of(&self.certificate)?, Stamp::of(&self.key)?])
    }
}

impl Stamp {
    fn of(path: &Path) -> Result<Self, CredentialError> {
        let stamp = |file: std::fs::Metadata| Ok(Self { modified: file.modified()?, length: file.len() });
        std::fs::metadata(path).and_then(stamp).map_err(|error| FileProblem::Unreadable(error).at(path))
    }
}

impl Pair {
    fn load(files: &PemFiles, stamps: [Stamp; 2]) -> Result<Self, CredentialError> {
        let of_key = |problem: FileProblem| problem.at(&files.key);
        let of_certificate = |problem: FileProblem| problem.at(&files.certificate);
        let key = private_key(&file::read(&files.key).map_err(of_key)?).map_err(of_key)?;
        let pem = file::read(&files.certificate).map_err(of_certificate)?;
        let certificate = certificate_of(&key, &pem).map_err(of_certificate)?;
        // SHA-1 is a name here, as the portal and Microsoft Graph have it: nothing is trusted because of it.
        let digests = [&digest::SHA1_FOR_LEGACY_USE_ONLY, &digest::SHA256]
            .map(|algorithm| digest::digest(algorithm, &certificate).as_ref().to_vec());
        let thumbprint = URL_SAFE_NO_PAD.encode(&digests[1]);
        Ok(Self { stamps, thumbprint, digests, key })
    }

    /// A fresh assertion that whoever asks is `client_id`.
    pub(super) fn assertion(
        &self,
        client_id: &str,
        token_endpoint: &str,
        now: Timestamp,
    ) -> Result<Secret, CredentialError> {
        let header = Header { alg: "PS256", typ: "JWT", thumbprint: &self.thumbprint };
        let claims = Claims {
            aud: token_endpoint,
            iss: client_id,
            sub: client_id,
            jti: random::id().map_err(|_| CredentialError::Randomness)?,
            nbf: now.as_unix(),
            iat: now.as_unix(),
            exp: now.plus(LIFETIME).as_unix(),
        };
        let message = format!("{}.{}", part(&header)?, part(&claims)?);
        // RSASSA-PSS of TLS and of JOSE is the same: SHA-256 throughout, a salt as long as the hash (RFC 7518 §3.5).
        let signer = self.key.choose_scheme(&[SignatureScheme::RSA_PSS_SHA256]);
        let signature = signer.and_then(|signer| signer.sign(message.as_bytes()).ok());
        let signature = URL_SAFE_NO_PAD.encode(signature.ok_or(CredentialError::Signing)?);
        Ok(Secret::new(format!("{message}.{signature}")))
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(rename = "x5t#S256")]
    thumbprint: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    nbf: u64,
    iat: u64,
    exp: u64,
}

fn part(value: &impl Serialize) -> Result<String, CredentialError> {
    serde_json::to_vec(value).map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(|_| CredentialError::Signing)
}

fn private_key(pem: &[u8]) -> Result<Arc<dyn SigningKey>, FileProblem> {
    let der = PrivateKeyDer::from_pem_slice(pem).map_err(|error| no_key(&error, pem))?;
    let key = any_supported_type(&der)
        .map_err(|_| if is_weak(&der) { FileProblem::WeakKey } else { FileProblem::BrokenKey })?;
    if key.algorithm() == SignatureAlgorithm::RSA { Ok(key) } else { Err(FileProblem::NotRsa) }
}

/// Encrypted keys have a label of their own (PKCS#8), or a header that is not base64 (OpenSSL's old format).
fn no_key(error: &pem::Error, pem: &[u8]) -> FileProblem {
    let contains = |text: &str| pem.windows(text.len()).any(|window| window == text.as_bytes());
    match error {
        _ if contains("BEGIN ENCRYPTED PRIVATE KEY") || contains("4,ENCRYPTED") => FileProblem::EncryptedKey,
        pem::Error::NoItemsFound if contains("-----BEGIN ") => FileProblem::NoKey,
        _ => FileProblem::NotPem,
    }
}

/// Whether the key was refused for its length alone. The provider says so in words only.
fn is_weak(der: &PrivateKeyDer<'_>) -> bool {
    let refused = match der {
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()).err(),
        PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).err(),
        _ => None,
    };
    refused.is_some_and(|refused| refused.to_string() == "TooSmall")
}

/// The certificate that belongs to the key, wherever in the chain it is.
fn certificate_of(key: &Arc<dyn SigningKey>, pem: &[u8]) -> Result<CertificateDer<'static>, FileProblem> {
    let mut problem = FileProblem::NoCertificate;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| FileProblem::NotPem)?;
        match CertifiedKey::new(vec![certificate.clone()], Arc::clone(key)).keys_match() {
            Ok(()) => return Ok(certificate),
            Err(rustls::Error::InconsistentKeys(_)) => problem = FileProblem::Mismatch,
            Err(error) => problem = FileProblem::BrokenCertificate(error.to_string()),
        }
    }
    Err(problem)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation};
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, PublicKeyData as _};
    use serde_json::Value;

    use super::super::scratch::{Scratch, exposed};
    use super::super::{Credential, JWT_BEARER};
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
    const ENDPOINT: &str = "https://login.test/tenant/oauth2/v2.0/token";
    /// An RSA key of 512 bits, PKCS#1.
    const WEAK: &str = "MIIBOwIBAAJBAOG1mEpJSuKdHDD3A9/MDwrfS3DYyExRRKpos1y+yV6BCadbN9kxIj68NLlW6YA6a4Ka8z4QziZ+ajClRLpLYZcC\
        AwEAAQJBAKEAA+2Zck1LfHyA9saArIo41XtdZyLpJW3Y2Xhirwk081rfyL2+dgPmdTcY16q/cd8AVrQ3Ry1IQXs9kUfaC4ECIQDx\
        K8OQuwj+xhBwqyYD/nwNBReYb0A2lPOW0JWSiOrXxwIhAO+Wc8ZpRbYRA/KulnQQkSeKOkV4PJXg+MWkzawpTEexAiBGjDnKBZxt\
        Ar1eaAJX2sKpAFtVoP2Uud/Dt0J5ugmQkwIgJTVWcZ/zxZzK4iufDhNsl5luB0/vCM/RktBPaMdZI2ECIQCVHcxJCDa63JXO50jF\
        8gYgoFQBLwYlF5opmrPY8A4mKQ==";

    struct Made {
        key: KeyPair,
        certificate: Vec<u8>,
    }

    impl Made {
        fn new(algorithm: &'static rcgen::SignatureAlgorithm, name: &str) -> Self {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let certificate = CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
            Self { key, certificate: certificate.der().to_vec() }
        }

        fn rsa(name: &str) -> Self {
            Self::new(&PKCS_RSA_SHA256, name)
        }

        fn certificate(&self) -> String {
            pem("CERTIFICATE", &self.certificate)
        }

        fn key(&self) -> String {
            pem("PRIVATE KEY", self.key.serialized_der())
        }

        /// The key inside the PKCS#8 envelope, which for RSA has a fixed length.
        fn key_pkcs1(&self) -> String {
            pem("RSA PRIVATE KEY", &self.key.serialized_der()[26..])
        }

        fn both(&self) -> String {
            self.certificate() + &self.key()
        }

        fn thumbprint(&self) -> String {
            URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &self.certificate))
        }

        /// The claims, if this certificate's key signed the assertion.
        fn verify(&self, assertion: &str) -> Option<Value> {
            let mut validation = Validation::new(Algorithm::PS256);
            validation.validate_exp = false;
            validation.set_audience(&[ENDPOINT]);
            let key = DecodingKey::from_rsa_der(self.key.der_bytes());
            jsonwebtoken::decode(assertion, &key, &validation).ok().map(|token| token.claims)
        }
    }

    fn pem(label: &str, der: &[u8]) -> String {
        use base64::engine::general_purpose::STANDARD;
        let text = STANDARD.encode(der);
        let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    }

    async fn assertion(credential: &Credential) -> String {
        let parameters = exposed(credential.parameters("client", ENDPOINT, NOW).await.unwrap());
        let [(kind, jwt_bearer), ("client_assertion", assertion)] = parameters.as_slice() else {
            panic!("{:?}", parameters.iter().map(|(name, _)| name).collect::<Vec<_>>());
        };
        assert_eq!((*kind, jwt_bearer.as_str()), ("client_assertion_type", JWT_BEARER));
        assertion.clone()
    }

    fn problem(certificate: &str, key: &str) -> FileProblem {
        let scratch = Scratch::new();
        let files = (scratch.file("certificate", certificate), scratch.file("key", key));
        match Credential::certificate_files(&files.0, &files.1) {
            Err(CredentialError::File { path, problem }) => {
                assert!(path == files.0 || path == files.1);
                problem
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn the_assertion_is_what_microsoft_documents() {
        let (scratch, made) = (Scratch::new(), Made::rsa("one"));
        let credential = Credential::certificate_file(scratch.file("app.pem", made.both())).unwrap();
        assert_eq!(credential.kind(), "certificate");
        assert_eq!(credential.warning(), None);
        let (first, second) = (assertion(&credential).await, assertion(&credential).await);
        let header = jsonwebtoken::decode_header(&first).unwrap();
        assert_eq!((header.alg, header.typ.as_deref()), (Algorithm::PS256, Some("JWT")));
        assert_eq!(header.x5t_s256, Some(made.thumbprint()));
        let claims = made.verify(&first).expect("the signature is wrong");
        assert_eq!(
            (&claims["aud"], &claims["iss"], &claims["sub"]),
            (&ENDPOINT.into(), &"client".into(), &"client".into())
        );
        assert_eq!(
            (&claims["nbf"], &claims["iat"], &claims["exp"]),
            (&1_800_000_000.into(), &1_800_000_000.into(), &1_800_000_300.into())
        );
        assert_ne!(claims["jti"], made.verify(&second).unwrap()["jti"]);
        assert_eq!(made.verify(&format!("{first}A")), None);
        assert_eq!(format!("{credential:?}"), "Credential(certificate)");
    }

    #[tokio::test]
    async fn a_pkcs1_key_and_a_certificate_anywhere_in_the_chain_are_good() {
        let (scratch, made, authority) = (Scratch::new(), Made::rsa("one"), Made::rsa("authority"));
        let certificates = scratch.file("tls.crt", authority.certificate() + &made.certificate());
        let key = scratch.file("tls.key", made.key_pkcs1());
        let credential = Credential::certificate_files(certificates, key).unwrap();
        let assertion = assertion(&credential).await;
        assert!(made.verify(&assertion).is_some());
        assert_eq!(jsonwebtoken::decode_header(&assertion).unwrap().x5t_s256, Some(made.thumbprint()));
    }

    #[tokio::test]
    async fn a_replaced_certificate_counts_and_a_half_replaced_one_does_not() {
        let (scratch, old, new) = (Scratch::new(), Made::rsa("old"), Made::rsa("new.example"));
        let certificate = scratch.file("tls.crt", old.certificate());
        let key = scratch.file("tls.key", old.key());
        let credential = Credential::certificate_files(&certificate, &key).unwrap();
        assert!(old.verify(&assertion(&credential).await).is_some());
        scratch.file("tls.crt", new.certificate());
        assert!(old.verify(&assertion(&credential).await).is_some(), "a mismatched pair was used");
        scratch.file("tls.key", new.key());
        assert!(new.verify(&assertion(&credential).await).is_some());
        for broken in ["", "-----BEGIN CERTIFICATE-----\nMIIB", "not PEM"] {
            scratch.file("tls.crt", broken);
            assert!(new.verify(&assertion(&credential).await).is_some(), "{broken}");
        }
        std::fs::remove_file(&certificate).unwrap();
        assert!(new.verify(&assertion(&credential).await).is_some());
    }

    #[test]
    fn halves_of_different_pairs_are_refused() {
        let (one, other) = (Made::rsa("one"), Made::rsa("other"));
        assert!(matches!(problem(&one.certificate(), &other.key()), FileProblem::Mismatch));
    }

    #[test]
    fn an_elliptic_curve_is_refused() {
        let made = Made::new(&PKCS_ECDSA_P256_SHA256, "one");
        assert!(matches!(problem(&made.certificate(), &made.key()), FileProblem::NotRsa));
    }

    #[test]
    fn a_short_rsa_key_is_refused() {
        use base64::engine::general_purpose::STANDARD;
        let weak = pem("RSA PRIVATE KEY", &STANDARD.decode(WEAK).unwrap());
        assert!(matches!(problem("-", &weak), FileProblem::WeakKey));
    }

    #[test]
    fn what_is_not_certificate_and_key_is_refused_with_its_reason() {
        let made = Made::rsa("one");
        let (certificate, key) = (&made.certificate(), &made.key());
        assert!(matches!(problem(certificate, certificate), FileProblem::NoKey));
        assert!(matches!(problem(key, key), FileProblem::NoCertificate));
        assert!(matches!(problem(certificate, ""), FileProblem::Empty));
        assert!(matches!(problem(certificate, "0\u{2}\u{1}"), FileProblem::NotPem));
        assert!(matches!(problem("-----BEGIN CERTIFICATE-----\nMIIB", key), FileProblem::NotPem));
        assert!(matches!(problem(certificate, &pem("PRIVATE KEY", b"hunter2")), FileProblem::BrokenKey));
        let broken = problem(&pem("CERTIFICATE", b"hunter2"), key);
        assert!(matches!(broken, FileProblem::BrokenCertificate(_)));
        assert!(!broken.to_string().contains("hunter2"));
        let encrypted = pem("ENCRYPTED PRIVATE KEY", b"hunter2");
        assert!(matches!(problem(certificate, &encrypted), FileProblem::EncryptedKey));
        let old_style = key.replace("PRIVATE KEY-----\nM", "PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nM");
        assert!(matches!(problem(certificate, &old_style), FileProblem::EncryptedKey));
    }

    #[test]
    fn a_missing_file_is_refused_at_construction() {
        let (scratch, made) = (Scratch::new(), Made::rsa("one"));
        let error = Credential::certificate_file(scratch.path("nowhere")).unwrap_err();
        assert!(matches!(error, CredentialError::File { problem: FileProblem::Unreadable(_), .. }));
        let certificate = scratch.file("tls.crt", made.certificate());
        let error = Credential::certificate_files(certificate, scratch.path("nowhere.key")).unwrap_err();
        assert!(error.to_string().contains("nowhere.key"));
    }
}
