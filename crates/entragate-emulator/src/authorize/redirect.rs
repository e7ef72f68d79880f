//! Answers that go to the client's redirect URI.

use super::Visit;
use super::back::{Back, ResponseMode};
use crate::errors::Refusal;
use crate::exchange::Answer;
use crate::pages;
use crate::params::encode;

/// Sends parameters back, in this order.
pub(super) fn send(back: &Back, parameters: &[(&str, Vec<u8>)]) -> Answer {
    let encoded: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let encoded = encoded.join("&");
    match back.mode {
        ResponseMode::Query => {
            let separator = if back.target.contains('?') { '&' } else { '?' };
            Answer::redirect(&format!("{}{separator}{encoded}", back.target))
        }
        ResponseMode::Fragment => Answer::redirect(&format!("{}#{encoded}", back.target)),
        ResponseMode::FormPost => {
            let fields = parameters
                .iter()
                .map(|(name, value)| ((*name).to_owned(), String::from_utf8_lossy(value).into_owned()));
            pages::form_post(&back.target, fields.collect())
        }
    }
}

/// An error for the client, in Entra's order: `error`, `error_subcode`, `error_description`, `error_uri`, `state`.
pub(super) fn refuse(visit: &Visit<'_>, back: &Back, refusal: &Refusal, error: &str) -> Box<Answer> {
    refuse_with(visit, back, refusal, error, None)
}

/// The same, `claims` for the next `/authorize` included (MSAL reads them from a redirect too).
pub(super) fn refuse_with(
    visit: &Visit<'_>,
    back: &Back,
    refusal: &Refusal,
    error: &str,
    claims: Option<&str>,
) -> Box<Answer> {
    let mut parameters = vec![("error", error.as_bytes().to_vec())];
    if *refusal == Refusal::ConsentDeclined {
        parameters.push(("error_subcode", b"cancel".to_vec()));
    }
    parameters.push(("error_description", refusal.description(&visit.trace).into_bytes()));
    parameters.push(("error_uri", refusal.uri(&visit.entra.base).into_bytes()));
    parameters.extend(claims.map(|claims| ("claims", claims.as_bytes().to_vec())));
    parameters.extend(back.state.clone().map(|state| ("state", state)));
    Box::new(send(back, &parameters).refused(refusal.facts().code))
}
