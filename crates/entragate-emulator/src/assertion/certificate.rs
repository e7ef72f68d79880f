//! A certificate registered on an app: its thumbprints, and its key.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::clock;
use crate::der;
use crate::digest::{sha256_base64url, thumbprint};

/// A certificate, as far as client assertions need it. Its validity is not looked at.
#[derive(Debug)]
pub(crate) struct Certificate {
    der: Vec<u8>,
    /// `RSAPublicKey`, PKCS#1.
    key: Vec<u8>,
}

impl Certificate {
    /// The first certificate of a PEM text, if its key is an RSA key.
    pub(crate) fn from_pem(pem: &str) -> Option<Self> {
        let (_, after) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
        let (body, _) = after.split_once("-----END CERTIFICATE-----")?;
        let der = STANDARD.decode(body.split_whitespace().collect::<String>()).ok()?;
        let key = der::rsa_key_of_certificate(&der)?.to_vec();
        Some(Self { der, key })
    }

    /// From when until when it is valid, in Unix seconds; 0 where that cannot be read.
    pub(crate) fn validity(&self) -> (u64, u64) {
        let described = der::describe(&self.der);
        let [from, until] = described.map_or([None, None], |it| [seconds(it.from), seconds(it.until)]);
        (from.unwrap_or_default(), until.unwrap_or_default())
    }

    /// The common name of its subject.
    pub(crate) fn subject(&self) -> Option<String> {
        let name = der::describe(&self.der)?.common_name?;
        Some(String::from_utf8_lossy(name).into_owned())
    }

    /// SHA-1 of it in hexadecimal, as portals show it.
    pub(crate) fn fingerprint(&self) -> String {
        use std::fmt::Write;
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &self.der);
        hash.as_ref().iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02X}").expect("writing to a String succeeds");
            text
        })
    }

    /// Whether a header means this certificate: `x5t` with SHA-1, `x5t#S256` with SHA-256.
    pub(super) fn has_thumbprint(&self, sha1: Option<&str>, sha256: Option<&str>) -> bool {
        sha1.is_some_and(|sent| same(sent, &thumbprint(&self.der)))
            || sha256.is_some_and(|sent| same(sent, &sha256_base64url(&self.der)))
    }

    /// RS256 or PS256, whichever the header names.
    pub(super) fn verify(&self, alg: &str, message: &str, signature: &[u8]) -> bool {
        let algorithm: &dyn VerificationAlgorithm = match alg {
            "PS256" => &RSA_PSS_2048_8192_SHA256,
            "RS256" => &RSA_PKCS1_2048_8192_SHA256,
            _ => return false,
        };
        UnparsedPublicKey::new(algorithm, &self.key).verify(message.as_bytes(), signature).is_ok()
    }
}

/// `UTCTime` and `GeneralizedTime` (RFC 5280, section 4.1.2.5).
fn seconds(date: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(date).ok()?;
    let text = match text.len() {
        13 if text.starts_with(['5', '6', '7', '8', '9']) => format!("19{text}"),
        13 => format!("20{text}"),
        _ => text.to_owned(),
    };
    let part = |from: usize, to: usize| text.get(from..to);
    let date = format!("{}-{}-{}", part(0, 4)?, part(4, 6)?, part(6, 8)?);
    clock::parse_iso(&format!("{date}T{}:{}:{}", part(8, 10)?, part(10, 12)?, text.get(12..)?))
}

/// MSAL for Go writes thumbprints in plain base64, with padding; everybody else in base64url.
fn same(sent: &str, thumbprint: &str) -> bool {
    sent.trim_end_matches('=').replace('+', "-").replace('/', "_") == thumbprint
}

#[cfg(test)]
mod tests {
    use super::{Certificate, same};
    use crate::fixtures::CLIENT_CERTIFICATE;

    #[test]
    fn only_a_certificate_is_one() {
        assert!(Certificate::from_pem(CLIENT_CERTIFICATE).is_some());
        assert!(Certificate::from_pem(&CLIENT_CERTIFICATE.replace('\n', "\r\n")).is_some());
        for pem in
            ["", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----", crate::fixtures::CLIENT_KEY]
        {
            assert!(Certificate::from_pem(pem).is_none(), "{pem}");
        }
    }

    #[test]
    fn validity_and_subject_are_read() {
        let certificate = Certificate::from_pem(CLIENT_CERTIFICATE).expect("a certificate");
        let (from, until) = certificate.validity();
        assert_eq!(crate::clock::iso_seconds(from), "2026-11-25T16:27:09Z");
        assert_eq!(crate::clock::iso_seconds(until), "2126-11-01T16:27:09Z");
        assert_eq!(certificate.subject().as_deref(), Some("entragate test client"));
        assert_eq!(certificate.fingerprint().len(), 40);
    }

    #[test]
    fn both_alphabets_of_thumbprints_are_read() {
        assert!(same("a-_b", "a-_b") && same("a+/b=", "a-_b"));
        assert!(!same("a+/c", "a-_b"));
    }
}
