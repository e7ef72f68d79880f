//! Who asks: clients as this server knows them, wherever their metadata comes from.
//!
//! Three kinds, told apart by the id alone: an https URL is a client ID metadata document, `egc_…` a sealed
//! registration, anything else an entry of the operator's list.

pub(crate) mod address;
pub(crate) mod assertion;
pub(crate) mod authentication;
mod configured;
pub(crate) mod document;
pub(crate) mod document_url;
pub(crate) mod documents;
pub(crate) mod fetch;
pub(crate) mod freshness;
pub(crate) mod name;
mod registered;
pub(crate) mod resolve;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use self::document::KeySource;
use self::document_url::looks_like_one;
use self::documents::{Documents, When};
use super::error::{Code, OAuthError};
use super::redirect_uri::RedirectUri;
use crate::clock::Timestamp;
use crate::seal::Sealer;
use crate::secret::Secret;

pub use configured::{ConfiguredClient, ConfiguredClientError};
pub use documents::{ClientDocuments, ClientDocumentsError};
pub(crate) use registered::{RegisterError, register};

/// 128 bits of the SHA-256 of a client id: names the client in what has no room for its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Fingerprint(String);

impl Fingerprint {
    pub(crate) fn of(id: &str) -> Self {
        let hash = digest(&SHA256, id.as_bytes());
        Self(URL_SAFE_NO_PAD.encode(hash.as_ref().get(..16).unwrap_or_default()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a client's metadata comes from, and so how far its name can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// It registered itself: anybody can claim any name.
    Registered {
        /// When.
        at: Timestamp,
    },
    /// A document of its own at this host says so.
    Document {
        /// The host of the document.
        host: String,
    },
    /// The operator says so.
    Configured,
}

/// How a client proves at the token endpoint that it is itself.
#[derive(Debug, Clone)]
pub(crate) enum Authentication {
    /// Not at all: a public client. A secret that it sends all the same is not looked at (K25).
    None,
    /// With a secret of the operator's choice.
    Secret(Secret),
    /// With a signature by a key that its document names (RFC 7523 §2.2).
    PrivateKeyJwt(KeySource),
}

/// A client that is known here.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) fingerprint: Fingerprint,
    /// What logs and the MCP server call it.
    pub(crate) label: String,
    pub(crate) name: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) redirect_uris: Vec<RedirectUri>,
    pub(crate) authentication: Authentication,
    /// Changes when what a person consented to changes (CI-15).
    pub(crate) digest: String,
}

impl Client {
    /// Whether the client registered this redirect URI: the same string, but for the port of a loopback one (RFC 8252
    /// §7.3).
    pub(crate) fn has_redirect_uri(&self, uri: &RedirectUri) -> bool {
        self.redirect_uris.iter().any(|known| known.as_str() == uri.as_str() || known.differs_in_port(uri))
    }
}

/// Why there is no such client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Not known here.
    #[error("The client_id is not known here")]
    Unknown,
    /// A document, and documents are not read here, or not this one.
    #[error("This server does not accept this application: {0}")]
    NotAccepted(&'static str),
    /// The document is not one that describes a client.
    #[error("The application's metadata document is not usable: {0}")]
    Document(String),
    /// The document could not be read now.
    #[error("{0}")]
    Unreadable(&'static str),
}

impl ClientError {
    /// What to do about it.
    pub(crate) const fn fix(&self) -> &'static str {
        match self {
            Self::Unknown => {
                "Remove this server from the application and add it again, so that it registers anew. A client id set by hand must be one that the operator has configured."
            }
            Self::NotAccepted(_) => {
                "If you trust the application, the operator of this server can add its domain to client_documents.allow (ENTRAGATE_CLIENT_DOCUMENTS_ALLOW) or set it up under clients."
            }
            Self::Document(_) => {
                "Who makes the application has to repair the document at the URL that is its client_id."
            }
            Self::Unreadable(_) => {
                "Try again in a minute. If it stays: where this gateway has no way out to the internet, its operator switches documents off (client_documents.enabled = false), so that applications register instead; otherwise who makes the application has to repair where its client_id points."
            }
        }
    }

    /// The error at the token endpoint. `invalid_client` makes clients register anew, which an outage is no reason for.
    pub(crate) fn at_token(&self) -> OAuthError {
        if matches!(self, Self::Unreadable(_)) {
            return OAuthError::new(Code::TemporarilyUnavailable, self.to_string());
        }
        let error = OAuthError::new(Code::InvalidClient, format!("{self}. {}", self.fix()));
        OAuthError { status: StatusCode::UNAUTHORIZED, ..error }
    }
}

/// The clients of this server.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) configured: Vec<ConfiguredClient>,
    /// Whether clients may register themselves.
    pub(crate) registration: bool,
    pub(crate) documents: Option<Documents>,
}

impl Clients {
    /// The client with this id. At the token endpoint a document that was read before is good enough while its host does
    /// not answer.
    pub(crate) async fn resolve(&self, seal: &Sealer, id: &str, when: When) -> Result<Client, ClientError> {
        if let Some(known) = self.configured.iter().find(|client| client.id() == id) {
            return Ok(known.client());
        }
        if looks_like_one(id) {
            let off = ClientError::NotAccepted("client ID metadata documents are switched off");
            return self.documents.as_ref().ok_or(off)?.client(id, when).await;
        }
        // A switched-off registration ends the ids that it gave out, too.
        if self.registration { registered::open(seal, id) } else { Err(ClientError::Unknown) }
    }

    /// Whether a client may have a secret.
    pub(crate) fn has_secrets(&self) -> bool {
        self.configured.iter().any(ConfiguredClient::has_secret)
    }
}
