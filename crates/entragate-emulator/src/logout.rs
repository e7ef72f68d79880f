//! `/logout`: ends the session and returns to a registered redirect URI.

use crate::entra::Entra;
use crate::exchange::{Answer, Exchange};
use crate::params::encode;
use crate::{cookies, pages, redirect_uri};

pub(crate) fn answer(entra: &Entra, exchange: &Exchange) -> Answer {
    if let Some(key) = cookies::session(&exchange.headers) {
        entra.state.with(|state| state.sessions.remove(key));
    }
    let params = exchange.query.clone().and(exchange.form.clone());
    let registered =
        |uri: &&str| entra.directory.apps.iter().any(|app| redirect_uri::resolve(app, Some(uri)).is_ok());
    let answer = match params.get("post_logout_redirect_uri").filter(registered) {
        Some(uri) => {
            let state = params.bytes("state").map(|state| {
                let separator = if uri.contains('?') { '&' } else { '?' };
                format!("{separator}state={}", encode(state))
            });
            Answer::redirect(&format!("{uri}{}", state.unwrap_or_default()))
        }
        None => pages::message("Signed out", "You are signed out of the emulator."),
    };
    answer.cookie(&cookies::clear(&entra.base)).uncached()
}
