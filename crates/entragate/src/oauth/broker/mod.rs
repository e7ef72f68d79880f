//! Broker mode: an authorization server of our own in front of Entra. Entra knows one confidential client and one
//! redirect URI; clients, consent, codes and tokens are ours. There is no database: what must survive travels sealed,
//! and [`crate::once::Once`] remembers what was used.

pub(crate) mod begin;
pub(crate) mod callback;
pub(crate) mod code;
pub(crate) mod consent;
pub(crate) mod cookies;
pub(crate) mod failure;
pub(crate) mod family;
pub(crate) mod grants;
pub(crate) mod refresh;
pub(crate) mod remembered;
pub(crate) mod revoke;
pub(crate) mod step_up;
pub(crate) mod tokens;
pub(crate) mod trace;
pub(crate) mod transaction;
pub(crate) mod upstream;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, Response, StatusCode};

use self::cookies::Cookies;
use self::family::Families;
use super::client::Clients;
use super::error::OAuthError;
use super::pages::ErrorPage;
use super::params::Params;
use crate::facade::Facade;
use crate::idp::entra::credential::Credential;
use crate::idp::entra::registration::ClientId;
use crate::once::Once;
use crate::random::{self, NoRandomness};
use crate::seal::Sealer;
use crate::token::sealed::SealedTokens;
use crate::trace::Traces;

/// What the mode holds.
pub(crate) struct Broker {
    /// The client that signs people in at Entra: the API app itself, or an app of its own.
    pub(crate) client: ClientId,
    pub(crate) credential: Credential,
    pub(crate) seal: Arc<Sealer>,
    pub(crate) once: Arc<dyn Once>,
    pub(crate) families: Arc<Families>,
    pub(crate) clients: Clients,
    pub(crate) cookies: Cookies,
    pub(crate) traces: Arc<Traces>,
    pub(crate) tokens: SealedTokens,
    pub(crate) access_life: Duration,
    /// How long a browser may remember a consent; zero: it may not.
    pub(crate) remember_for: Duration,
}

/// A handler of this mode got the facade of another: the routes are wired wrongly, and nothing is there.
fn broker(facade: &Facade) -> Result<&Broker, Box<Response<Body>>> {
    let elsewhere = || {
        let error = OAuthError::new(super::error::Code::InvalidRequest, "there is nothing at this path");
        Box::new(OAuthError { status: StatusCode::NOT_FOUND, ..error }.response())
    };
    facade.entra.way.broker().ok_or_else(elsewhere)
}

/// The browser's own cookie: tells browsers apart, and allows nothing.
pub(crate) const BROWSER: &str = "browser";
/// It outlives a consent page and a look at the trace.
const BROWSER_LIFE: Duration = Duration::from_secs(12 * 60 * 60);

/// The value of the browser's cookie, if it can be one that we set.
fn browser_of(broker: &Broker, headers: &HeaderMap) -> Option<String> {
    let is_ours = |value: &String| {
        value.len() == 43 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    broker.cookies.get(headers, BROWSER).filter(is_ours)
}

/// The browser's cookie, or a value for a browser that has none yet.
fn browser_or_new(broker: &Broker, headers: &HeaderMap) -> Result<String, NoRandomness> {
    browser_of(broker, headers).map_or_else(random::unguessable, Ok)
}

/// Whether a form comes from a page of ours, by what a browser says of it. What a browser does not say is not held
/// against it: the cookie and the seal decide.
fn is_from_here(facade: &Facade, headers: &HeaderMap) -> bool {
    let all = |name: &str, ours: &dyn Fn(&str) -> bool| {
        headers.get_all(name).iter().all(|value| value.to_str().is_ok_and(ours))
    };
    let origin = facade.gate.base_url().origin();
    all("origin", &|from| from.eq_ignore_ascii_case(&origin))
        && all("sec-fetch-site", &|site| site == "same-origin")
}

/// A page for a person whose browser cannot be sent anywhere.
fn dead_end(status: StatusCode, what: &str, fix: &str) -> Response<Body> {
    tracing::warn!(target: "entragate::signin", leg = "refused", reason = what);
    ErrorPage::new("This sign-in cannot go on", what, "", fix).response(status)
}

/// The operator may have taken a server away while somebody was signing in for it.
const NO_SUCH_SERVER: &str = "The MCP server that this sign-in is for is no longer here";

const START_AGAIN: &str = "Close this page and start the sign-in again in your application.";

/// A parameter that may be there once.
fn single<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    let mut all = params.all(name);
    let first = all.next()?;
    if all.next().is_some() { None } else { Some(first) }
}
