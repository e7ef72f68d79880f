//! Dynamically registered clients (RFC 7591): the registration is a sealed record inside the client id. Nothing is
//! stored, so nothing piles up (DC-11), and an id survives restarts and works at every replica (K24).

use serde::{Deserialize, Serialize};

use super::{Authentication, Client, ClientError, Fingerprint, Kind};
use crate::clock::Timestamp;
use crate::oauth::redirect_uri::RedirectUri;
use crate::seal::{CannotSeal, Sealable, Sealer};

/// Characters of a client id: it travels in URLs, which proxies cut at 8 KiB.
const LONGEST: usize = 2_048;

#[derive(Debug, Serialize, Deserialize)]
struct Registration {
    redirect_uris: Vec<RedirectUri>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    at: u64,
}

impl Sealable for Registration {
    const PURPOSE: &'static str = "client/1";
    const PREFIX: &'static str = "egc_";
}

/// Why a registration cannot be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum RegisterError {
    #[error("redirect_uris and client_name are too long together: fewer or shorter ones are needed")]
    TooLong,
    #[error("{0}")]
    CannotSeal(#[from] CannotSeal),
}

/// A client id of its own for each registration (DC-12).
pub(crate) fn register(
    seal: &Sealer,
    redirect_uris: Vec<RedirectUri>,
    name: Option<String>,
    now: Timestamp,
) -> Result<String, RegisterError> {
    let id = seal.seal(&Registration { redirect_uris, name, at: now.as_unix() })?;
    if id.len() > LONGEST { Err(RegisterError::TooLong) } else { Ok(id) }
}

pub(super) fn open(seal: &Sealer, id: &str) -> Result<Client, ClientError> {
    let Registration { redirect_uris, name, at } = seal.open(id).map_err(|_| ClientError::Unknown)?;
    let fingerprint = Fingerprint::of(id);
    Ok(Client {
        label: format!("dcr:{}", fingerprint.as_str()),
        fingerprint,
        name,
        kind: Kind::Registered { at: Timestamp::from_unix(at) },
        redirect_uris,
        authentication: Authentication::None,
        digest: String::new(),
    })
}
