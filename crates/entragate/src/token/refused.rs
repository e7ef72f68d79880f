//! Why a token was refused: the exact check for the operator's log, a short sentence for the client.

use crate::invisible::is_invisible;

/// One failed check. `Display` is the log line's reason; nothing of the token itself is in it but public
/// identifiers (issuer, audience, key id, tenant), shortened.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Another scheme, no token, or characters that no token has (RFC 6750 §2.1).
    #[error("not a bearer token")]
    Header,
    /// More bytes than any Entra token has.
    #[error("the token is longer than {0} bytes")]
    TooLong(usize),
    /// Five parts: encrypted for the API app.
    #[error("the token is encrypted (JWE): remove tokenEncryptionKeyId from the API app registration")]
    Encrypted,
    /// Not three base64url parts of JSON.
    #[error("not a signed JWT: {0}")]
    Malformed(&'static str),
    /// Anything but RS256.
    #[error("signature algorithm `{0}` is not RS256")]
    Algorithm(String),
    /// A token for another purpose.
    #[error("token type `{0}` is not that of an access token")]
    Type(String),
    /// A header the verifier does not implement (RFC 7515 §4.1.11).
    #[error("header `crit` demands extensions that are not implemented")]
    Critical,
    /// No `kid`.
    #[error("header `kid` is missing")]
    NoKeyId,
    /// A Microsoft Graph token: its signature can only be checked by Graph.
    #[error(
        "the token was issued for Microsoft Graph, not for the API app: the client asked for an unqualified scope"
    )]
    Graph,
    /// No such key, after asking Entra.
    #[error("no signing key `{0}` in the tenant's key set")]
    UnknownKey(String),
    /// The key belongs to another issuer (e.g. personal accounts).
    #[error("signing key `{key}` belongs to issuer `{issuer}`")]
    KeyIssuer {
        /// The key id.
        key: String,
        /// The issuer the key set names.
        issuer: String,
    },
    /// The key belongs to another cloud.
    #[error("signing key `{0}` belongs to another cloud instance")]
    KeyCloud(String),
    /// The signature does not verify.
    #[error("the signature does not verify with key `{0}`")]
    Signature(String),
    /// A claim is missing or has the wrong type.
    #[error("claims: {0}")]
    Claims(String),
    /// Two spellings of `tid`.
    #[error("claim `tid` appears in more than one spelling")]
    AmbiguousTenant,
    /// Not one of the tenant's two issuers.
    #[error("issuer `{0}` is not this tenant's")]
    Issuer(String),
    /// `tid` is not the configured tenant.
    #[error("tenant `{0}` is not the configured one")]
    Tenant(String),
    /// Not for our API app.
    #[error("audience `{0}` is not the API app")]
    Audience(String),
    /// An ID token: proof of sign-in for a client, not a key to an API.
    #[error("this is an ID token, not an access token")]
    IdToken,
    /// Past `exp`.
    #[error("expired {0} s ago")]
    Expired(u64),
    /// Before `nbf` or issued in the future.
    #[error("not valid for another {0} s: compare the clocks")]
    NotYet(u64),
    /// Neither `scp` nor `roles`.
    #[error("neither `scp` nor `roles`: no permission or app role granted (row 5 of docs/incompatibilities)")]
    NoPermission,
    /// No `oid`.
    #[error("claim `oid` is missing")]
    NoObjectId,
    /// Made up, changed, or sealed with a key that is gone.
    #[error("the token was not issued by this server, or its key is no longer in the ring")]
    NotSealedHere,
    /// For another MCP server.
    #[error("the token is for the resource `{0}`")]
    Resource(String),
    /// The sign-in that it came from was ended, or may have been.
    #[error("the token's sign-in was revoked, or the store forgot whether it was")]
    Revoked,
}

impl Refused {
    /// A stable name of the check, for logs and metrics.
    pub(crate) const fn check(&self) -> &'static str {
        match self {
            Self::Header => "authorization_header",
            Self::TooLong(_) => "length",
            Self::Encrypted => "encrypted",
            Self::Malformed(_) => "format",
            Self::Algorithm(_) => "algorithm",
            Self::Type(_) => "type",
            Self::Critical => "crit",
            Self::NoKeyId => "kid_missing",
            Self::Graph => "graph_token",
            Self::UnknownKey(_) => "kid_unknown",
            Self::KeyIssuer { .. } => "key_issuer",
            Self::KeyCloud(_) => "key_cloud",
            Self::Signature(_) => "signature",
            Self::Claims(_) => "claims",
            Self::AmbiguousTenant => "tenant_ambiguous",
            Self::Issuer(_) => "issuer",
            Self::Tenant(_) => "tenant",
            Self::Audience(_) => "audience",
            Self::IdToken => "id_token",
            Self::Expired(_) => "expired",
            Self::NotYet(_) => "not_yet_valid",
            Self::NoPermission => "no_permission",
            Self::NoObjectId => "object_id",
            Self::NotSealedHere => "not_sealed_here",
            Self::Resource(_) => "resource",
            Self::Revoked => "revoked",
        }
    }

    /// What the client is told (RFC 6750 §3, `error_description`): enough to act on, nothing to probe with.
    pub(crate) const fn public_text(&self) -> &'static str {
        match self {
            Self::Header => "The Authorization header holds no bearer token",
            Self::Expired(_) => "The access token expired",
            Self::NotYet(_) => "The access token is not valid yet",
            Self::Graph => "The access token was issued for Microsoft Graph, not for this server",
            Self::Revoked => "The access token was revoked",
            Self::Audience(_) | Self::Resource(_) => "The access token was issued for another server",
            Self::IdToken => "An ID token is not an access token",
            Self::NoPermission => "The access token carries no permission for this server",
            _ => "The access token is invalid",
        }
    }
}

/// Keeps a text that came from outside short and readable as it is before it enters a log line or a report.
pub(crate) fn shown(value: &str) -> String {
    value.chars().filter(|c| !is_invisible(*c)).take(120).collect()
}

/// A text that came from outside, whole, with what is invisible in it written out: for whoever asked about that very text.
pub(crate) fn escaped(value: &str) -> String {
    let written = |c: char| if is_invisible(c) { c.escape_default().to_string() } else { c.to_string() };
    value.chars().map(written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_reads_as_it_is() {
        let marks = "\u{ad}\u{61c}\u{180e}\u{200b}\u{200d}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2060}\u{2066}\u{2069}\u{feff}\u{e0041}\u{1b}\u{9b}\n";
        assert_eq!(shown(&format!("a{marks}b é 日本")), "ab é 日本");
        assert_eq!(shown(&"x".repeat(200)).len(), 120);
    }
}
