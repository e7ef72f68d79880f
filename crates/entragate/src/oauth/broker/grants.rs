//! `/auth/grants`: the consents that this browser remembers, and the way to end them (S-09).

use askama::Template;
use axum::body::Body;
use axum::extract::{Request, State};
use http::{HeaderMap, Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::remembered::Remembered;
use super::transaction::{FORM_LIFE, hashed};
use super::{BROWSER, BROWSER_LIFE, Broker, broker, browser_of, dead_end, is_from_here, single};
use crate::clock::Timestamp;
use crate::facade::{Facade, body_bytes};
use crate::oauth::error::{Code, OAuthError};
use crate::oauth::pages::{Forms, STYLE, page};
use crate::oauth::params::Params;
use crate::oauth::reply::see_other;
use crate::random;
use crate::seal::Sealable;

const PATH: &str = "/auth/grants";
const MAX_BODY: usize = 16 * 1024;

/// Binds the form to the browser, as the consent page's does.
#[derive(Debug, Serialize, Deserialize)]
struct Guard {
    browser: String,
    expires: Timestamp,
}

impl Sealable for Guard {
    const PURPOSE: &'static str = "guard/1";
    const PREFIX: &'static str = "";
}

#[derive(Template)]
#[template(path = "grants.html")]
struct GrantsPage {
    consents: Vec<Shown>,
    resource_name: String,
    action: String,
    guard: String,
    style: &'static str,
}

struct Shown {
    key: String,
    name: String,
    resource: String,
    host: String,
    scopes: Vec<String>,
    since: String,
}

pub(crate) async fn get(State(facade): State<Facade>, request: Request) -> Response<Body> {
    let broker = match broker(&facade) {
        Ok(broker) => broker,
        Err(elsewhere) => return *elsewhere,
    };
    show(&facade, broker, request.headers()).unwrap_or_else(|error| error.response())
}

fn show(facade: &Facade, broker: &Broker, headers: &HeaderMap) -> Result<Response<Body>, OAuthError> {
    let now = facade.entra.clock.now();
    let failed = || OAuthError::new(Code::ServerError, "the page cannot be made at the moment");
    let browser = match browser_of(broker, headers) {
        Some(known) => known,
        None => random::unguessable().map_err(|_| failed())?,
    };
    let guard = Guard { browser: hashed(&browser), expires: now.plus(FORM_LIFE) };
    let shown = |consent: super::remembered::Consent| Shown {
        key: consent.key,
        name: consent.name,
        resource: consent.resource,
        host: consent.host,
        scopes: consent.scopes,
        since: ago(now, consent.at),
    };
    let html = GrantsPage {
        consents: Remembered::read(broker, headers, now).0.into_iter().map(shown).collect(),
        resource_name: facade.gate.shown_name(),
        action: format!("{}{PATH}", facade.gate.base_url().path()),
        guard: broker.seal.seal(&guard).map_err(|_| failed())?,
        style: STYLE,
    };
    let mut response = page(StatusCode::OK, &html, Forms::To(Vec::new()));
    broker.cookies.set(&mut response, BROWSER, &browser, BROWSER_LIFE);
    Ok(response)
}

pub(crate) async fn post(State(facade): State<Facade>, request: Request) -> Response<Body> {
    let broker = match broker(&facade) {
        Ok(broker) => broker,
        Err(elsewhere) => return *elsewhere,
    };
    let headers = request.headers().clone();
    let params = match body_bytes(request, MAX_BODY).await {
        Ok(body) => Params::parse(&body),
        Err(status) => {
            let error = OAuthError::new(Code::InvalidRequest, "the body is too large, slow, or was cut off");
            return OAuthError { status, ..error }.response();
        }
    };
    let now = facade.entra.clock.now();
    let guard = single(&params, "guard").and_then(|text| broker.seal.open::<Guard>(text).ok());
    let is_its = guard.is_some_and(|guard| {
        now < guard.expires
            && browser_of(broker, &headers).is_some_and(|browser| hashed(&browser) == guard.browser)
    });
    if !is_its || !is_from_here(&facade, &headers) {
        let fix = "Open the list of applications again, and use its buttons.";
        return dead_end(
            StatusCode::FORBIDDEN,
            "This request does not come from the list that was shown to this browser",
            fix,
        );
    }
    let mut list = Remembered::read(broker, &headers, now);
    let which = single(&params, "remove").unwrap_or_default();
    let (removed, kept): (Vec<_>, Vec<_>) =
        list.0.into_iter().partition(|consent| which == "all" || consent.key == which);
    for family in removed.iter().flat_map(|consent| &consent.families) {
        if let Err(error) = broker.families.revoke(family).await {
            // Nothing is taken off the list that was not ended.
            return super::failure::Failure::from(error).error.response();
        }
    }
    list = Remembered(kept);
    let mut response = see_other(&format!("{}{PATH}", facade.gate.base_url().path()));
    list.write(broker, &mut response);
    response
}

/// Time for people, without a calendar.
fn ago(now: Timestamp, then: Timestamp) -> String {
    let minutes = now.since(then).as_secs() / 60;
    match minutes {
        0 => "just now".to_owned(),
        1..=119 => format!("{minutes} min ago"),
        120..=2_879 => format!("{} hours ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1_440),
    }
}
