//! A token for the MCP server.

use std::fmt;

use http::HeaderValue;

use crate::clock::Timestamp;

/// A bearer token that goes to the MCP server. Cloning shares it.
#[derive(Clone)]
pub struct UpstreamToken {
    bearer: HeaderValue,
    expires_at: Timestamp,
}

/// The scheme in front of every token.
const SCHEME: &str = "Bearer ";

impl UpstreamToken {
    /// `None` when no header can hold it.
    pub(crate) fn new(token: &str, expires_at: Timestamp) -> Option<Self> {
        let mut bearer = HeaderValue::try_from(format!("{SCHEME}{token}")).ok()?;
        bearer.set_sensitive(true);
        Some(Self { bearer, expires_at })
    }

    /// The value of an `Authorization` header.
    pub fn bearer(&self) -> HeaderValue {
        self.bearer.clone()
    }

    /// The token itself. Whoever calls this sends it to the one place it is meant for.
    pub fn expose(&self) -> &str {
        self.bearer.to_str().ok().and_then(|text| text.strip_prefix(SCHEME)).unwrap_or_default()
    }

    /// When it ends.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

impl fmt::Debug for UpstreamToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UpstreamToken(until {})", self.expires_at)
    }
}

/// Why there is no token of Entra's to pass on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoEntraToken {
    /// Authentication is off.
    #[error("nobody signed in: authentication is off")]
    Development,
    /// The caller holds a token of this gateway's own, which is for nobody else.
    #[error("the caller signed in at this gateway and holds its token, which is not passed on")]
    Sealed,
    /// The request is on its way, and the token was let go of: [`crate::Permit::forget_token`].
    #[error("the caller's token was let go of")]
    Forgotten,
}
