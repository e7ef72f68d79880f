//! PKCE (RFC 7636), compulsory and S256 only. Entra would also take none at all.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Why a code challenge is refused, as `error_description`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum PkceError {
    #[error("code_challenge is missing: PKCE with S256 is required")]
    Missing,
    #[error("code_challenge_method must be S256")]
    Method,
    #[error("code_challenge must be the 43 characters of a base64url SHA-256 hash")]
    Challenge,
}

/// A checked S256 challenge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct CodeChallenge(String);

impl CodeChallenge {
    /// An absent method means `plain` (RFC 7636 §4.3), which is refused.
    pub(crate) fn parse(challenge: Option<&str>, method: Option<&str>) -> Result<Self, PkceError> {
        let challenge = challenge.ok_or(PkceError::Missing)?;
        if method != Some("S256") {
            return Err(PkceError::Method);
        }
        let is_base64url = challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if challenge.len() != 43 || !is_base64url {
            return Err(PkceError::Challenge);
        }
        Ok(Self(challenge.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the verifier is the one that the challenge was made of (RFC 7636 §4.6).
    pub(crate) fn fits(&self, verifier: &str) -> bool {
        let made = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        is_verifier(verifier) && verify_slices_are_equal(made.as_bytes(), self.0.as_bytes()).is_ok()
    }
}

/// A `code_verifier` has 43 to 128 unreserved characters (RFC 7636 §4.1).
pub(crate) fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_s256_challenge_passes() {
        let good = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(CodeChallenge::parse(Some(good), Some("S256")).is_ok());
        let short = &good[..42];
        for (challenge, method, error) in [
            (None, Some("S256"), PkceError::Missing),
            (Some(good), None, PkceError::Method),
            (Some(good), Some("plain"), PkceError::Method),
            (Some(good), Some("s256"), PkceError::Method),
            (Some(short), Some("S256"), PkceError::Challenge),
            (Some("a"), Some("S256"), PkceError::Challenge),
            (Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"), Some("S256"), PkceError::Challenge),
        ] {
            assert_eq!(CodeChallenge::parse(challenge, method), Err(error));
        }
    }
}
