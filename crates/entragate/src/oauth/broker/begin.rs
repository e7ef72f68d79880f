//! From the client's authorization request to the consent page, or past it when the consent is remembered.

use std::time::Duration;

use askama::Template;
use axum::body::Body;
use http::{HeaderMap, Response, StatusCode};

use super::failure::Failure;
use super::remembered::{self, Remembered};
use super::transaction::{
    Approval, Asked, AskingClient, Consented, ENTRA_LIFE, FORM_LIFE, Pending, Prompt, hashed,
};
use super::{BROWSER, BROWSER_LIFE, Broker, browser_or_new, upstream};
use crate::facade::Facade;
use crate::idp::entra::scopes;
use crate::oauth::authorize::AuthorizeRequest;
use crate::oauth::client::name::suspicious;
use crate::oauth::client::{Client, Kind};
use crate::oauth::error::Code;
use crate::oauth::pages::{Forms, STYLE, page};
use crate::oauth::reply::see_other;
use crate::oauth::target::Target;
use crate::rate::ClientAddress;
use crate::trace::{Leg, Outcome};

/// A client's request is in order; the person is next.
pub(crate) async fn begin(
    facade: &Facade,
    broker: &Broker,
    client: &Client,
    request: AuthorizeRequest<'_>,
    headers: &HeaderMap,
    from: Option<ClientAddress>,
) -> Response<Body> {
    let reply = request.reply.clone();
    match try_begin(facade, broker, client, request, headers, from).await {
        Ok(response) => response,
        Err(failure) => reply.error(&failure.at_the_front().error),
    }
}

async fn try_begin(
    facade: &Facade,
    broker: &Broker,
    client: &Client,
    request: AuthorizeRequest<'_>,
    headers: &HeaderMap,
    from: Option<ClientAddress>,
) -> Result<Response<Body>, Failure> {
    let now = facade.entra.clock.now();
    let browser = browser_or_new(broker, headers)?;
    let registered = if let Kind::Registered { at } = client.kind { Some(at) } else { None };
    let (target, name) = (request.target, shown_name(&AskingClient::from(client)));
    let trace = broker.traces.begin(&name, target.url(), &hashed(&browser), from, registered)?;
    let asked = Asked {
        trace,
        client: client.into(),
        reply: request.reply,
        challenge: request.challenge,
        scope: request.scope,
        resource: target.url().to_owned(),
        prompt: request.prompt,
        login_hint: request.login_hint,
        domain_hint: request.domain_hint,
    };
    broker.traces.record(
        &asked.trace,
        Leg::Authorize,
        Outcome::Passed,
        "the browser arrived with a request that is in order",
    );
    let list = Remembered::read(broker, headers, now);
    let user = list.user_of(&remembered::key(&asked, target.api())).map(str::to_owned);
    let mut response = match user {
        Some(user) if remembered::may_skip(broker, &asked, headers) => {
            broker.traces.record(
                &asked.trace,
                Leg::Consent,
                Outcome::Passed,
                "this browser remembers the consent",
            );
            let (consented, cookie) = Consented::new(asked, Approval::Before { user }, None, now)?;
            to_entra(facade, broker, target, &consented, &cookie, headers).await?
        }
        // Without a page there is nobody to ask (OpenID Connect Core §3.1.2.6).
        _ if asked.prompt == Some(Prompt::None) => {
            let text =
                "prompt=none, and this browser does not remember that the person allowed this application";
            broker.traces.record(&asked.trace, Leg::Consent, Outcome::Failed, text);
            return Err(Failure::told(Code::ConsentRequired, text).in_trace(&asked.trace));
        }
        _ => consent_page(facade, broker, target, asked, &browser, false)?,
    };
    broker.cookies.set(&mut response, BROWSER, &browser, BROWSER_LIFE);
    Ok(response)
}

/// Sends the browser to Entra. The cookie that its return is checked against is set here and not before (S-06, S-07).
pub(super) async fn to_entra(
    facade: &Facade,
    broker: &Broker,
    target: &Target,
    consented: &Consented,
    cookie: &str,
    headers: &HeaderMap,
) -> Result<Response<Body>, Failure> {
    let trace = &consented.asked.trace;
    let state = broker.seal.seal(consented)?;
    let url = match upstream::authorize_url(facade, broker, target, consented, &state).await {
        Ok(url) => url,
        Err(failure) => {
            broker.traces.record(trace, Leg::Entra, Outcome::Failed, &failure.error.description);
            return Err(failure.in_trace(trace));
        }
    };
    let mut response = see_other(&url);
    forget_old(broker, headers, &mut response);
    broker.cookies.set(&mut response, &binding(consented), cookie, ENTRA_LIFE + Duration::from_secs(60));
    let claims =
        if consented.claims.is_some() { ", with the claims that Conditional Access demands" } else { "" };
    broker.traces.record(
        trace,
        Leg::Entra,
        Outcome::Waiting,
        &format!("the browser was sent to Entra{claims}"),
    );
    Ok(response)
}

/// The cookie that binds one way to Entra and back.
pub(super) fn binding(consented: &Consented) -> String {
    format!("signin-{}", consented.id)
}

/// Sign-ins that a browser may have open; a person who leaves many half-way must not end with headers too large.
const OPEN: usize = 5;

fn forget_old(broker: &Broker, headers: &HeaderMap, response: &mut Response<Body>) {
    let open = broker.cookies.list(headers, "signin-");
    if open.len() >= OPEN {
        for name in open {
            broker.cookies.clear(response, &name);
        }
    }
}

#[expect(clippy::struct_excessive_bools, reason = "each is a line of the page")]
#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    client: String,
    provenance: String,
    lookalike: bool,
    redirect_host: String,
    redirect_uri: &'a str,
    scopes: Vec<String>,
    resource: &'a str,
    resource_name: &'a str,
    local: bool,
    other_person: bool,
    may_remember: bool,
    action: String,
    grants: String,
    request: String,
    trace: String,
    style: &'static str,
}

/// The page. It changes nothing and can be fetched twice (K33).
#[expect(clippy::result_large_err, reason = "once for each sign-in, and a person waits")]
pub(super) fn consent_page(
    facade: &Facade,
    broker: &Broker,
    target: &Target,
    asked: Asked,
    browser: &str,
    other_person: bool,
) -> Result<Response<Body>, Failure> {
    let base = facade.gate.base_url();
    let now = facade.entra.clock.now();
    let trace = asked.trace.clone();
    let pending = Pending { asked, browser: hashed(browser), expires: now.plus(FORM_LIFE) };
    let asked = &pending.asked;
    let redirect_uri = &asked.reply.redirect_uri;
    let html = ConsentPage {
        client: shown_name(&asked.client),
        provenance: provenance(&asked.client),
        lookalike: asked.client.name.as_deref().is_some_and(suspicious),
        redirect_host: redirect_uri.shown_host(),
        redirect_uri: redirect_uri.as_str(),
        scopes: shown_scopes(target, asked),
        resource: &asked.resource,
        resource_name: target.name(),
        local: redirect_uri.is_local(),
        other_person,
        may_remember: remembered::is_possible(broker, asked),
        action: format!("{}/oauth/consent", base.path()),
        grants: format!("{}/auth/grants", base.path()),
        request: broker.seal.seal(&pending)?,
        trace: trace.to_string(),
        style: STYLE,
    };
    // The form leads to Entra, to whatever sign-in page Entra leads to, and back to the client.
    let places =
        vec!["https:".to_owned(), facade.entra.keyring.authority().to_owned(), redirect_uri.form_action()];
    broker.traces.record(&trace, Leg::Consent, Outcome::Waiting, "the consent page is shown");
    Ok(page(StatusCode::OK, &html, Forms::To(places)))
}

/// The client's name for people; a nameless one is called by what is known of it.
pub(crate) fn shown_name(client: &AskingClient) -> String {
    match (&client.name, &client.kind) {
        (Some(name), _) => name.clone(),
        (None, Kind::Document { host }) => host.clone(),
        (None, _) => "an application without a name".to_owned(),
    }
}

/// How far the name can be trusted (DC-09, CI-13).
fn provenance(client: &AskingClient) -> String {
    match &client.kind {
        Kind::Registered { .. } => {
            "The application gave itself this name when it registered. Nobody has checked it.".to_owned()
        }
        Kind::Document { host } => {
            format!(
                "The application is described by a document at {host}. Who controls {host} controls the application."
            )
        }
        Kind::Configured => "The operator of this server has set this application up.".to_owned(),
    }
}

/// What is asked for, for people.
pub(super) fn shown_scopes(target: &Target, asked: &Asked) -> Vec<String> {
    let shown = |name: String| match name.as_str() {
        scopes::DEFAULT => "everything that this gateway may do in your name on the MCP server".to_owned(),
        _ => name,
    };
    scopes::names(asked.scope.as_deref(), target.api()).into_iter().map(shown).collect()
}
