//! Hashes and their base64url form, the alphabet of everything in JOSE.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// base64url without padding.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// base64url of SHA-1: the thumbprint that Entra uses as `kid`.
pub(crate) fn thumbprint(certificate: &[u8]) -> String {
    base64url(digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate).as_ref())
}

/// base64url of SHA-256, 43 characters: PKCE challenges and pairwise subjects.
pub(crate) fn sha256_base64url(bytes: &[u8]) -> String {
    base64url(&sha256(bytes))
}
