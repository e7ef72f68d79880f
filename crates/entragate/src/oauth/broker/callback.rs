//! `GET /auth/callback`: Entra's one redirect URI. The browser must be the one that was sent away, each `state` counts
//! once, and the token is verified here: a wrong registration ends on a page that names the setting.

use askama::Template;
use axum::body::Body;
use axum::extract::{Request, State};
use http::header::REFRESH;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::begin::{binding, consent_page, shown_name, shown_scopes, to_entra};
use super::failure::{Explanation, Failure};
use super::remembered::{self, Consent, Remembered};
use super::step_up;
use super::transaction::{Approval, Asked, AuthorizationCode, CODE_LIFE, Consented, Grant, Prompt, hashed};
use super::upstream::{Issued, UpstreamGrant, redeem};
use super::{
    BROWSER, BROWSER_LIFE, Broker, NO_SUCH_SERVER, START_AGAIN, broker, browser_or_new, dead_end, single,
};
use crate::facade::Facade;
use crate::idp::entra::errors::EntraError;
use crate::oauth::error::{Code, sanitised};
use crate::oauth::pages::{Forms, STYLE, page};
use crate::oauth::params::Params;
use crate::oauth::reply::ReplyTo;
use crate::oauth::target::Target;
use crate::person::Person;
use crate::random;
use crate::trace::{Leg, Outcome, TraceId};

pub(crate) async fn get(State(facade): State<Facade>, request: Request) -> Response<Body> {
    let broker = match broker(&facade) {
        Ok(broker) => broker,
        Err(elsewhere) => return *elsewhere,
    };
    let params = Params::parse(request.uri().query().unwrap_or_default().as_bytes());
    let consented = match returned(&facade, broker, request.headers(), &params).await {
        Ok(consented) => consented,
        Err(stop) => return *stop,
    };
    let asked = &consented.asked;
    let (trace, reply, client) = (asked.trace.clone(), asked.reply.clone(), shown_name(&asked.client));
    let cookie = binding(&consented);
    let finished = finish(&facade, broker, consented, request.headers(), &params).await;
    let mut response = finished.unwrap_or_else(|failure| {
        broker.traces.record(&trace, Leg::Callback, Outcome::Failed, &failure.error.description);
        failed(&facade, failure, &reply, &trace, &client)
    });
    broker.cookies.clear(&mut response, &cookie);
    response
}

/// The sign-in that comes back: opened, in the browser that was sent, in time, and for the first time.
async fn returned(
    facade: &Facade,
    broker: &Broker,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Consented, Box<Response<Body>>> {
    let stop = |status, what: &str, fix: &str| Err(Box::new(dead_end(status, what, fix)));
    let opened = single(params, "state").and_then(|text| broker.seal.open::<Consented>(text).ok());
    let Some(consented) = opened else {
        return stop(
            StatusCode::BAD_REQUEST,
            "This is not the way back from a sign-in that began here",
            START_AGAIN,
        );
    };
    let (trace, cookie) = (&consented.asked.trace, broker.cookies.get(headers, &binding(&consented)));
    if cookie.is_none_or(|cookie| hashed(&cookie) != consented.browser) {
        let what = "The sign-in began in another browser, or its cookie is gone";
        broker.traces.record(trace, Leg::Callback, Outcome::Failed, what);
        let fix = format!(
            "Allow cookies for this site and sign in within one browser: start again in your application. (Sign-in {trace})"
        );
        return stop(StatusCode::FORBIDDEN, what, &fix);
    }
    let now = facade.entra.clock.now();
    if now >= consented.expires {
        let text = "the sign-in took too long: start it again";
        broker.traces.record(trace, Leg::Callback, Outcome::Failed, text);
        // The client may still wait, and this browser is the one that was sent.
        let failure = Failure::told(Code::AccessDenied, text).in_trace(trace);
        return Err(Box::new(consented.asked.reply.error(&failure.error)));
    }
    let (key, keep) = (format!("state/{}", consented.id), consented.expires.since(now) + CODE_LIFE);
    match broker.once.swap(&key, None, b"", keep).await {
        Ok(true) => Ok(consented),
        Ok(false) => stop(
            StatusCode::BAD_REQUEST,
            "This page was already used: the sign-in went on without it",
            START_AGAIN,
        ),
        Err(error) => {
            let asked = &consented.asked;
            let failure = Failure::from(error);
            broker.traces.record(trace, Leg::Callback, Outcome::Failed, &failure.error.description);
            Err(Box::new(failed(facade, failure, &asked.reply, trace, &shown_name(&asked.client))))
        }
    }
}

async fn finish(
    facade: &Facade,
    broker: &Broker,
    consented: Consented,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Response<Body>, Failure> {
    check_issuer(facade, params).await?;
    let target = facade.target(&consented.asked.resource);
    let target = target.ok_or_else(|| Failure::told(Code::InvalidTarget, NO_SUCH_SERVER))?;
    let code = match single(params, "code") {
        Some(code) if params.get("error").is_none() => code,
        _ => {
            let failure = Failure::of_callback(&entra_error(params));
            return once_more(facade, broker, target, consented, headers, failure).await;
        }
    };
    let grant = UpstreamGrant::Code { code, verifier: &consented.verifier };
    let issued = match redeem(facade, broker, target, grant, consented.asked.scope.as_deref()).await {
        Ok(issued) => issued,
        Err(failure) => return once_more(facade, broker, target, consented, headers, failure).await,
    };
    let person = Person::of(&issued.principal);
    // Claims that a refresh or a call met with go along now that it is known who this is.
    if consented.claims.is_none()
        && let Some(claims) = step_up::demanded(broker, &person.hash()).await?
    {
        return again(facade, broker, target, consented, headers, claims).await;
    }
    if let Approval::Before { user } = &consented.approval {
        let list = Remembered::read(broker, headers, facade.entra.clock.now());
        let key = remembered::key(&consented.asked, target.api());
        let other_person = *user != person.hash();
        // Somebody else gave the consent that this browser remembers, or it was taken back in the meantime.
        if other_person || list.user_of(&key) != Some(user) {
            return ask(facade, broker, target, consented.asked, headers, other_person);
        }
    }
    answer(facade, broker, target, consented, headers, issued, person).await
}

/// The consent that was remembered does not count for this person; one without a page cannot be asked.
#[expect(clippy::result_large_err, reason = "once for each sign-in, and a person waits")]
fn ask(
    facade: &Facade,
    broker: &Broker,
    target: &Target,
    asked: Asked,
    headers: &HeaderMap,
    other_person: bool,
) -> Result<Response<Body>, Failure> {
    if asked.prompt == Some(Prompt::None) {
        let text = "prompt=none, and the person who is signed in did not allow this application here";
        return Err(Failure::told(Code::ConsentRequired, text));
    }
    let browser = browser_or_new(broker, headers)?;
    let mut response = consent_page(facade, broker, target, asked, &browser, other_person)?;
    broker.cookies.set(&mut response, BROWSER, &browser, BROWSER_LIFE);
    Ok(response)
}

/// RFC 9207: an issuer in the answer must be Entra's. It sends none today.
async fn check_issuer(facade: &Facade, params: &Params) -> Result<(), Failure> {
    let Some(issuer) = params.get("iss") else { return Ok(()) };
    let snapshot = facade.entra.keyring.snapshot().await.map_err(|_| Failure::unavailable())?;
    if params.all("iss").count() == 1 && issuer == snapshot.endpoints.issuer_v2 {
        return Ok(());
    }
    Err(Failure::told(Code::AccessDenied, "the answer does not come from the expected Entra tenant"))
}

fn entra_error(params: &Params) -> EntraError {
    let error = params.get("error").unwrap_or("server_error");
    let description = params.get("error_description").unwrap_or_default();
    EntraError::from_redirect(
        &sanitised(error),
        description,
        params.get("error_subcode"),
        params.get("claims"),
    )
}

/// A refusal that names claims can be met at once: the browser is here. Once.
async fn once_more(
    facade: &Facade,
    broker: &Broker,
    target: &Target,
    consented: Consented,
    headers: &HeaderMap,
    failure: Failure,
) -> Result<Response<Body>, Failure> {
    match failure.claims.clone() {
        Some(claims) if consented.claims.is_none() && consented.asked.prompt != Some(Prompt::None) => {
            again(facade, broker, target, consented, headers, claims).await
        }
        _ => Err(failure.at_the_front()),
    }
}

async fn again(
    facade: &Facade,
    broker: &Broker,
    target: &Target,
    consented: Consented,
    headers: &HeaderMap,
    claims: String,
) -> Result<Response<Body>, Failure> {
    let now = facade.entra.clock.now();
    let (consented, cookie) = Consented::new(consented.asked, consented.approval, Some(claims), now)?;
    to_entra(facade, broker, target, &consented, &cookie, headers).await
}

/// Parks what Entra gave and sends the browser back with a code for it.
async fn answer(
    facade: &Facade,
    broker: &Broker,
    target: &Target,
    consented: Consented,
    headers: &HeaderMap,
    issued: Issued,
    person: Person,
) -> Result<Response<Body>, Failure> {
    let now = facade.entra.clock.now();
    let (asked, approval) = (consented.asked, consented.approval);
    let id = random::id()?;
    let user = person.hash();
    let grant = Grant {
        person,
        refresh_token: issued.refresh_token,
        access_token: issued.access_token.map(|token| token.expose().to_owned()),
        ends: issued.ends,
    };
    let parked = broker.seal.seal(&grant)?;
    broker.once.swap(&parking(&id), None, parked.as_bytes(), CODE_LIFE * 2).await?;
    let code = broker.seal.seal(&AuthorizationCode {
        id: id.clone(),
        trace: asked.trace.clone(),
        client: asked.client.fingerprint.clone(),
        label: asked.client.label.clone(),
        redirect_uri: hashed(asked.reply.redirect_uri.as_str()),
        challenge: asked.challenge.clone(),
        scope: asked.scope.clone(),
        resource: asked.resource.clone(),
        expires: now.plus(CODE_LIFE),
    })?;
    let mut response = asked.reply.code(&code);
    if matches!(approval, Approval::Remember | Approval::Before { .. })
        && remembered::is_possible(broker, &asked)
    {
        let mut list = Remembered::read(broker, headers, now);
        list.add(
            Consent {
                key: remembered::key(&asked, target.api()),
                user,
                name: shown_name(&asked.client),
                resource: target.name().to_owned(),
                host: asked.reply.redirect_uri.shown_host(),
                scopes: shown_scopes(target, &asked),
                at: now,
                families: vec![id],
            },
            matches!(approval, Approval::Remember),
        );
        list.write(broker, &mut response);
    }
    broker.traces.record(
        &asked.trace,
        Leg::Callback,
        Outcome::Passed,
        "Entra's token is good; the browser was sent back to the client with a code",
    );
    Ok(response)
}

/// Where a grant waits for its code.
pub(super) fn parking(id: &str) -> String {
    format!("code/{id}")
}

/// Seconds after which a page goes on to the client, which waits.
const SECONDS: u8 = 60;

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    title: &'a str,
    what: &'a str,
    who: &'a str,
    fix: &'a str,
    aadsts: Option<&'a str>,
    correlation_id: Option<&'a str>,
    trace: String,
    client: &'a str,
    back: &'a str,
    report: String,
    seconds: u8,
    style: &'static str,
}

/// Tells the client, and before that the person if there is something to read. The client was approved, so its
/// redirect URI may be used; nobody is left waiting.
pub(super) fn failed(
    facade: &Facade,
    failure: Failure,
    reply: &ReplyTo,
    trace: &TraceId,
    client: &str,
) -> Response<Body> {
    let failure = failure.in_trace(trace);
    let Some(Explanation { what, who, fix, aadsts, correlation_id }) = &failure.page else {
        return reply.error(&failure.error);
    };
    let back = reply.error_url(&failure.error);
    let html = FailurePage {
        title: "The sign-in did not work",
        what,
        who,
        fix,
        aadsts: aadsts.as_deref(),
        correlation_id: correlation_id.as_deref(),
        trace: trace.to_string(),
        client,
        back: &back,
        report: format!("{}/auth/trace/{trace}", facade.gate.base_url().path()),
        seconds: SECONDS,
        style: STYLE,
    };
    let mut response = page(failure.error.status, &html, Forms::None);
    if let Ok(refresh) = HeaderValue::try_from(format!("{SECONDS}; url={back}")) {
        response.headers_mut().insert(REFRESH, refresh);
    }
    response
}
