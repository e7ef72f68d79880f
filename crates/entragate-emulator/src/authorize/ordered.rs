//! A refusal that the control plane ordered, as Entra would show it.

use super::{Visit, back, redirect, whom};
use crate::discovery::Version;
use crate::entra::Entra;
use crate::errors::{About, Refusal, Screen};
use crate::exchange::{Answer, Exchange};

/// What goes to the client goes to a redirect URI that is its own; without one, the refusal is what that is about.
pub(crate) fn answer(
    entra: &Entra,
    exchange: &Exchange,
    (segment, version): (&str, Version),
    code: u64,
    claims: Option<&str>,
) -> Answer {
    let visit = Visit::of(entra, exchange, version);
    let about = About::of(entra, segment, &visit.params);
    let refusal = Refusal::of_code(code, &about).unwrap_or(Refusal::Unavailable);
    if refusal.screen() == Screen::Page {
        return *visit.page(&refusal);
    }
    let client = match whom(&visit, segment) {
        Ok((_, client)) => client,
        Err(own) => return *visit.page(&own),
    };
    let silent = visit.params.get("prompt") == Some("none");
    let answer = match back::of(&visit, client) {
        Err(page) => page,
        Ok(_) if refusal.screen() == Screen::AfterSignIn && !silent => visit.page(&refusal),
        Ok(back) => redirect::refuse_with(&visit, &back, &refusal, refusal.redirect_error(), claims),
    };
    answer.client(&client.name).uncached().traced(&visit.trace)
}
