//! The token that a caller came with, kept beside the permit: what goes to the MCP server is made from it, and nothing
//! else ever reads it.

use std::fmt;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use super::cache::TokenHash;
use crate::principal::Principal;
use crate::secret::Secret;

/// Who calls, and with what.
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) held: Held,
}

/// A token that was verified.
#[derive(Clone)]
pub(crate) enum Held {
    /// None: authentication is off.
    Nothing,
    /// Entra's own, as the header that it came in, until nobody needs it: a part of the buffer of the whole request, not a
    /// copy.
    Entra { hash: TokenHash, header: Option<HeaderValue> },
    /// One of ours, with Entra's inside where it is kept. Ours goes nowhere.
    Sealed { hash: TokenHash, entra: Option<Arc<Secret>> },
}

impl Held {
    /// The verified token of a request.
    pub(crate) fn entra(hash: TokenHash, headers: &HeaderMap) -> Self {
        headers
            .get(AUTHORIZATION)
            .map_or(Self::Nothing, |header| Self::Entra { hash, header: Some(header.clone()) })
    }

    /// Lets go of the token, and keeps its name.
    pub(crate) fn forget(&mut self) {
        match self {
            Self::Nothing => {}
            Self::Entra { header, .. } => *header = None,
            Self::Sealed { entra, .. } => *entra = None,
        }
    }

    /// Names the token in caches that must not hold it.
    pub(crate) const fn hash(&self) -> Option<&TokenHash> {
        match self {
            Self::Nothing => None,
            Self::Entra { hash, .. } | Self::Sealed { hash, .. } => Some(hash),
        }
    }

    /// Entra's token for the API app.
    pub(crate) fn entra_token(&self) -> Option<&str> {
        match self {
            Self::Nothing => None,
            Self::Entra { header, .. } => {
                header.as_ref()?.to_str().ok()?.split_once(' ').map(|(_, token)| token.trim_matches(' '))
            }
            Self::Sealed { entra, .. } => entra.as_ref().map(|token| token.expose()),
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Held(nothing)",
            Self::Entra { .. } => "Held(Entra's token)",
            Self::Sealed { .. } => "Held(a sealed token)",
        })
    }
}
