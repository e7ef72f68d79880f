//! `/auth/trace/{id}`: what happened to a sign-in, for the browser that began it. Operators see all on the admin
//! listener.

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use http::{Response, StatusCode};

use super::transaction::hashed;
use super::{broker, browser_of, dead_end};
use crate::facade::Facade;
use crate::oauth::pages::{Forms, STYLE, page};
use crate::trace::{Outcome, SignIn, Step};

#[derive(Template)]
#[template(path = "trace.html")]
struct TracePage<'a> {
    sign_in: &'a SignIn,
    steps: Vec<Shown<'a>>,
    resource_name: String,
    style: &'static str,
}

struct Shown<'a> {
    class: &'static str,
    leg: &'static str,
    outcome: &'static str,
    when: String,
    text: &'a str,
}

pub(crate) async fn get(
    State(facade): State<Facade>,
    Path(id): Path<String>,
    request: Request,
) -> Response<Body> {
    let broker = match broker(&facade) {
        Ok(broker) => broker,
        Err(elsewhere) => return *elsewhere,
    };
    let sign_in = browser_of(broker, request.headers())
        .and_then(|browser| broker.traces.get_for(&id, &hashed(&browser)));
    // Whose it is and whether there is one look the same from outside.
    let Some(sign_in) = sign_in else {
        let fix = "Open this page in the browser in which the sign-in began, within an hour. The operator of the gateway can also read it with the command entragate trace.";
        return dead_end(StatusCode::NOT_FOUND, "There is no such sign-in for this browser", fix);
    };
    let shown = |step| shown(step, sign_in.began);
    let html = TracePage {
        steps: sign_in.steps.iter().map(shown).collect(),
        sign_in: &sign_in,
        resource_name: facade.gate.shown_name(),
        style: STYLE,
    };
    page(StatusCode::OK, &html, Forms::None)
}

fn shown(step: &Step, began: crate::clock::Timestamp) -> Shown<'_> {
    let (class, outcome) = match step.outcome {
        Outcome::Passed => ("passed", "passed"),
        Outcome::Waiting => ("waiting", "waiting"),
        Outcome::Failed => ("failed", "failed"),
    };
    // A client registers once, perhaps long ago.
    let when = if step.at < began {
        "before the start".to_owned()
    } else {
        format!("{} s after the start", step.at.since(began).as_secs())
    };
    Shown { class, leg: step.leg.title(), outcome, when, text: &step.text }
}
