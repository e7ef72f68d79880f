//! The key document of another issuer, as a federated credential carries it (RFC 7517).

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// A key document.
#[derive(Debug, Deserialize)]
pub(crate) struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Debug, Deserialize)]
struct Jwk {
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

pub(crate) fn parse(text: &str) -> Option<Jwks> {
    serde_json::from_str(text).ok()
}

impl Jwks {
    /// Whether a key of the document, and of this `kid` if there is one, made the RS256 signature.
    pub(super) fn verify(&self, kid: Option<&str>, message: &str, signature: &[u8]) -> bool {
        let named = |key: &&Jwk| kid.is_none() || key.kid.as_deref() == kid;
        self.keys.iter().filter(named).any(|key| key.verify(message, signature))
    }
}

impl Jwk {
    fn verify(&self, message: &str, signature: &[u8]) -> bool {
        let part = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
        let (Some(n), Some(e)) = (part(&self.n), part(&self.e)) else { return false };
        let key = RsaPublicKeyComponents { n, e };
        key.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), signature).is_ok()
    }
}
