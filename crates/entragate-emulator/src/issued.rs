//! The list of tokens handed out.

use serde::Serialize;

/// A token that the token endpoint handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IssuedToken {
    /// What kind of token.
    pub kind: TokenKind,
    /// The token.
    pub token: String,
    /// Id of the app it is for; of a refresh token, the client.
    pub audience: String,
    /// Id of the client it was given to.
    pub client: String,
    /// Name of the user; none for an app-only token.
    pub user: Option<String>,
    /// Emulated Unix time of issue.
    pub issued_at: u64,
    /// Emulated Unix time of expiry, where there is a fixed one.
    pub expires_at: Option<u64>,
}

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TokenKind {
    /// An access token.
    Access,
    /// An ID token.
    Id,
    /// A refresh token.
    Refresh,
}
