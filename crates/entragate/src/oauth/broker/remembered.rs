//! Consents that a browser remembers: a sealed list in a cookie. Bound to the client, what it said of itself, its
//! redirect URI, the scopes and the resource, and to the person who gave them.

use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, Response};
use serde::{Deserialize, Serialize};

use super::Broker;
use super::transaction::{Asked, hashed};
use crate::clock::Timestamp;
use crate::idp::entra::registration::ApiApp;
use crate::idp::entra::scopes;
use crate::oauth::client::Kind;
use crate::seal::Sealable;

const COOKIE: &str = "grants";
/// Characters that a browser keeps of one cookie, with room for name and attributes.
const ROOM: usize = 3_700;
/// Sign-ins of one consent that "remove" also ends.
const FAMILIES: usize = 3;

/// The list.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Remembered(pub(crate) Vec<Consent>);

/// One consent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Consent {
    /// What it is bound to.
    pub(crate) key: String,
    /// Hash of the person who gave it.
    pub(crate) user: String,
    pub(crate) name: String,
    /// The MCP server, for people; cookies of the time before there were several have none.
    #[serde(default)]
    pub(crate) resource: String,
    pub(crate) host: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) at: Timestamp,
    /// Token families of this consent, so that removing it ends them.
    pub(crate) families: Vec<String>,
}

impl Sealable for Remembered {
    const PURPOSE: &'static str = "grants/1";
    const PREFIX: &'static str = "";
}

impl Remembered {
    /// The consents in the request's cookie that still count.
    pub(crate) fn read(broker: &Broker, headers: &HeaderMap, now: Timestamp) -> Self {
        let opened: Option<Self> =
            broker.cookies.get(headers, COOKIE).and_then(|text| broker.seal.open(&text).ok());
        let mut list = opened.unwrap_or_default();
        list.0.retain(|consent| now.since(consent.at) < broker.remember_for);
        list
    }

    /// Who gave this consent, if it was given.
    pub(crate) fn user_of(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|consent| consent.key == key).map(|consent| consent.user.as_str())
    }

    /// Adds a consent, or a family to it; the oldest make room. A consent that is only used does not last longer for it.
    pub(crate) fn add(&mut self, mut consent: Consent, renewed: bool) {
        if let Some(at) =
            self.0.iter().position(|known| known.key == consent.key && known.user == consent.user)
        {
            let known = self.0.remove(at);
            consent.at = if renewed { consent.at } else { known.at };
            consent.families.extend(known.families);
            consent.families.truncate(FAMILIES);
        } else {
            // One person a key: another one gives the consent anew.
            self.0.retain(|known| known.key != consent.key);
        }
        self.0.insert(0, consent);
    }

    /// Writes the cookie.
    pub(crate) fn write(mut self, broker: &Broker, response: &mut Response<Body>) {
        loop {
            if self.0.is_empty() {
                return broker.cookies.clear(response, COOKIE);
            }
            match broker.seal.seal(&self) {
                Ok(text) if text.len() <= ROOM => {
                    return broker.cookies.set(response, COOKIE, &text, broker.remember_for);
                }
                // Without the seal there is nothing to remember; the person is asked again.
                Err(_) => return,
                Ok(_) => drop(self.0.pop()),
            }
        }
    }
}

/// What a consent is bound to. The port of a loopback URI changes from run to run and is left out.
pub(crate) fn key(asked: &Asked, api: &ApiApp) -> String {
    let redirect_uri = asked.reply.redirect_uri.without_loopback_port();
    let mut scopes = scopes::names(asked.scope.as_deref(), api);
    scopes.sort();
    let parts = [
        asked.client.fingerprint.as_str(),
        &asked.client.digest,
        &redirect_uri,
        &scopes.join(" "),
        &asked.resource,
    ];
    hashed(&parts.join("\n"))
}

/// Whether a consent to this can be remembered at all. Not for a client ID that everybody knows with a loopback or
/// private-use redirect: any program on the computer can claim to be that client (RFC 8252 §8.4, §8.6).
pub(crate) fn is_possible(broker: &Broker, asked: &Asked) -> bool {
    let known_to_all = !matches!(asked.client.kind, Kind::Registered { .. });
    broker.remember_for > NEVER && !(known_to_all && asked.reply.redirect_uri.is_local())
}

/// Whether the consent page may be left out when the consent is remembered: only if the person came from nowhere else. A
/// page that sends people here could be an authorization server in the middle that wants their silent approval.
pub(crate) fn may_skip(broker: &Broker, asked: &Asked, headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    matches!(site, Some("none" | "same-origin")) && is_possible(broker, asked)
}

/// Never is also an answer.
const NEVER: Duration = Duration::ZERO;
