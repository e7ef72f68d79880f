//! `GET /authorize` with `prompt=none` and no session: Entra checks client, redirect URI, scope and resource before it
//! looks for a session, so its refusal tells which of them is wrong, and AADSTS50058 that none is. Nothing is followed,
//! nobody signs in. Not verified against a live tenant; the emulator behaves so.

use entragate::ClientId;
use entragate::aadsts::codes_in;
use http::{Method, StatusCode};
use url::Url;

use super::wire::{Question, Wire, WireError};
use crate::clients::{self, AtEntra};

/// AADSTS50058: no session. Everything before it was in order.
const NO_SESSION: u64 = 50058;

/// A code challenge like any other (RFC 7636, appendix B); no code will ever be redeemed with it.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// What Entra said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::doctor) enum Probe {
    /// Sign in first: nothing is wrong with the request.
    Healthy,
    /// Refused with a code.
    Refused(u64),
    /// An answer that nobody expected.
    Strange(String),
    /// No answer.
    Unreachable(WireError),
}

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::doctor) enum Stage {
    Client,
    RedirectUri,
    Api,
    Scope,
    Other,
}

impl Probe {
    /// What a refusal is about.
    pub(in crate::doctor) fn stage(&self) -> Option<(Stage, u64)> {
        let Self::Refused(code) = *self else { return None };
        let stage = match code {
            700_016 | 700_011 | 50194 | 7_000_112 | 7_000_229 | 90002 | 900_023 => Stage::Client,
            50011 | 500_113 | 900_971 | 90102 => Stage::RedirectUri,
            500_011 | 650_052 | 500_014 => Stage::Api,
            70011 | 650_053 | 650_056 | 650_057 | 65005 | 9_010_010 | 901_002 | 90009 | 90008 | 28000
            | 900_144 => Stage::Scope,
            _ => Stage::Other,
        };
        Some((stage, code))
    }
}

/// One probe for each redirect URI, and the one that got furthest.
#[derive(Debug)]
pub(in crate::doctor) struct Probes {
    pub(in crate::doctor) by_redirect_uri: Vec<(String, Probe)>,
    /// The same with `resource`, as a client sends it that goes to Entra directly.
    authorize: Url,
    query: Vec<(String, String)>,
}

impl Probes {
    /// The probe whose redirect URI was accepted, else the first one.
    pub(in crate::doctor) fn main(&self) -> &Probe {
        static NONE: Probe = Probe::Healthy;
        let accepted = self.by_redirect_uri.iter().find(|(_, probe)| !is_about_redirect(probe));
        accepted.or(self.by_redirect_uri.first()).map_or(&NONE, |(_, probe)| probe)
    }

    /// What Entra says to this redirect URI of a client; `None` when it was not asked.
    pub(in crate::doctor) fn of(&self, redirect_uri: &str) -> Option<&Probe> {
        self.by_redirect_uri.iter().find(|(uri, _)| uri == redirect_uri).map(|(_, probe)| probe)
    }

    /// The healthy probe again, with `resource`.
    pub(in crate::doctor) async fn with_resource(&self, wire: &Wire, scope: &str, resource: &str) -> Probe {
        let redirect = self.by_redirect_uri.iter().find(|(_, probe)| *probe == Probe::Healthy);
        let Some((redirect_uri, _)) = redirect else { return Probe::Healthy };
        let mut query = self.query.clone();
        for (name, value) in &mut query {
            if name == "scope" {
                scope.clone_into(value);
            }
        }
        query.push(("resource".to_owned(), resource.to_owned()));
        send(wire, &self.authorize, &query, redirect_uri).await
    }
}

fn is_about_redirect(probe: &Probe) -> bool {
    matches!(probe.stage(), Some((Stage::RedirectUri, _)))
}

/// Every callback that known clients send and whose string is known.
pub(super) fn known_callbacks(mcp_url: &str) -> Vec<String> {
    let mut uris = Vec::new();
    for client in clients::all() {
        for callback in client.callbacks_without_iss.unwrap_or(client.callbacks) {
            if matches!(callback.at_entra(mcp_url), AtEntra::Register(_))
                && let Some(uri) = callback.as_sent(mcp_url)
                && !uris.contains(&uri)
            {
                uris.push(uri);
            }
        }
    }
    uris
}

pub(super) async fn probe(
    wire: &Wire,
    endpoint: &str,
    client: &ClientId,
    scope: &str,
    redirect_uris: &[String],
) -> Probes {
    let pairs = [
        ("client_id", client.as_str()),
        ("response_type", "code"),
        ("scope", scope),
        ("prompt", "none"),
        ("state", "entragate-doctor"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let query: Vec<(String, String)> =
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let Ok(authorize) = Url::parse(endpoint) else {
        let strange = Probe::Strange(format!("{endpoint} is no URL"));
        let by_redirect_uri = vec![(String::new(), strange)];
        return Probes { by_redirect_uri, authorize: Url::parse("about:blank").expect("a URL"), query };
    };
    let mut by_redirect_uri = Vec::new();
    for redirect_uri in redirect_uris {
        let probe = send(wire, &authorize, &query, redirect_uri).await;
        // Whatever is wrong with the client is wrong with every redirect URI.
        let hopeless = !is_about_redirect(&probe) && probe != Probe::Healthy;
        by_redirect_uri.push((redirect_uri.clone(), probe));
        if hopeless {
            break;
        }
    }
    Probes { by_redirect_uri, authorize, query }
}

async fn send(wire: &Wire, authorize: &Url, query: &[(String, String)], redirect_uri: &str) -> Probe {
    let mut url = authorize.clone();
    url.query_pairs_mut().extend_pairs(query).append_pair("redirect_uri", redirect_uri);
    let answer = match wire.ask(&Question::new(Method::GET, url)).await {
        Ok(answer) => answer,
        Err(error) => return Probe::Unreachable(error),
    };
    let location = answer.header("location").unwrap_or_default().to_owned();
    let text = if answer.status.is_redirection() { location.into() } else { answer.text() };
    // The page is 200 with the real status inside, so the status says nothing.
    match codes_in(&text).first() {
        Some(&NO_SESSION) => Probe::Healthy,
        Some(&code) => Probe::Refused(code),
        None if answer.status == StatusCode::OK => Probe::Strange("a page without an error code".to_owned()),
        None => Probe::Strange(format!("status {} without an error code", answer.status)),
    }
}
