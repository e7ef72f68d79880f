//! Clients that the operator configures: a fixed id, fixed redirect URIs, perhaps a secret (Copilot Studio and
//! claude.ai in their manual modes, docs/clients.md K28).

use super::{Authentication, Client, Fingerprint, Kind};
use crate::oauth::redirect_uri::{RedirectUri, RedirectUriError};
use crate::secret::Secret;

/// Why a configured client cannot be right.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfiguredClientError {
    /// Empty, too long, or it looks like an id of another kind.
    #[error(
        "client id `{0}` must be 1 to 200 printable characters without spaces, and begin neither with http nor with egc_"
    )]
    Id(String),
    /// No redirect URI, or one that no client may have.
    #[error("redirect URI `{uri}`: {reason}")]
    RedirectUri {
        /// The URI.
        uri: String,
        /// Why not.
        reason: String,
    },
    /// A secret that could be guessed.
    #[error("the secret needs at least {0} characters")]
    Secret(usize),
}

/// Characters of a client's secret (RFC 6749 §10.10: 128 bits at the least).
const SHORTEST_SECRET: usize = 22;

/// A client by configuration.
#[derive(Debug, Clone)]
pub struct ConfiguredClient {
    id: String,
    name: Option<String>,
    redirect_uris: Vec<RedirectUri>,
    secret: Option<Secret>,
}

impl ConfiguredClient {
    /// A public client: PKCE alone protects its codes.
    pub fn new<I: IntoIterator<Item = S>, S: AsRef<str>>(
        id: impl Into<String>,
        redirect_uris: I,
    ) -> Result<Self, ConfiguredClientError> {
        let id = id.into();
        let of_another_kind =
            ["http", "egc_"].iter().any(|prefix| id.to_ascii_lowercase().starts_with(prefix));
        if id.is_empty() || id.len() > 200 || of_another_kind || !id.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ConfiguredClientError::Id(id));
        }
        let parse = |uri: S| {
            let uri = uri.as_ref();
            RedirectUri::parse(uri).map_err(|reason: RedirectUriError| ConfiguredClientError::RedirectUri {
                uri: uri.to_owned(),
                reason: reason.to_string(),
            })
        };
        let redirect_uris = redirect_uris.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        if redirect_uris.is_empty() {
            let (uri, reason) = (String::new(), "at least one is needed".to_owned());
            return Err(ConfiguredClientError::RedirectUri { uri, reason });
        }
        Ok(Self { id, name: None, redirect_uris, secret: None })
    }

    /// What people read on the consent page.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Makes it a confidential client.
    pub fn with_secret(mut self, secret: Secret) -> Result<Self, ConfiguredClientError> {
        if secret.expose().len() < SHORTEST_SECRET {
            return Err(ConfiguredClientError::Secret(SHORTEST_SECRET));
        }
        self.secret = Some(secret);
        Ok(self)
    }

    /// The client id.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn has_secret(&self) -> bool {
        self.secret.is_some()
    }

    pub(super) fn client(&self) -> Client {
        Client {
            fingerprint: Fingerprint::of(&self.id),
            label: self.id.clone(),
            name: Some(self.name.clone().unwrap_or_else(|| self.id.clone())),
            kind: Kind::Configured,
            redirect_uris: self.redirect_uris.clone(),
            authentication: self.secret.clone().map_or(Authentication::None, Authentication::Secret),
            digest: String::new(),
        }
    }
}
