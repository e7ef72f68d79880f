//! Refusals by order of the control plane: any AADSTS code, whatever the request.

use crate::authorize;
use crate::entra::Entra;
use crate::errors::{self, About, Refusal};
use crate::exchange::{Answer, Exchange};
use crate::route::Route;

pub(crate) fn answer(
    entra: &Entra,
    exchange: &Exchange,
    route: &Route,
    code: u64,
    claims: Option<&str>,
) -> Answer {
    let segment = match route {
        Route::Authorize { tenant, version } => {
            return authorize::ordered(entra, exchange, (tenant, *version), code, claims);
        }
        Route::Token { tenant, .. } => tenant.as_str(),
        // `Fault::check` lets it stand in front of these two only.
        _ => return Answer::not_found(),
    };
    let about = About::of(entra, segment, &exchange.form);
    let refusal = Refusal::of_code(code, &about).unwrap_or(Refusal::Unavailable);
    let claims = claims.or(refusal.claims());
    let answer = errors::json_with_claims(&refusal, &entra.base, &entra.trace(&exchange.headers), claims);
    match exchange.form.get("client_id").and_then(|id| entra.directory.client(id, None)) {
        Some(client) => answer.client(&client.name).cors(),
        None => answer.cors(),
    }
}
