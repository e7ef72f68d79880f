//! # What it checks
//!
//! The tenant's signing keys: that they can be fetched, and that there are RSA keys for signatures with an id.
//!
//! # Why it matters
//!
//! Without keys no token can be checked: the gateway answers 503 to everybody until it has them.
//!
//! # How to fix
//!
//! The key document is on the same host as discovery. If only it is refused, a proxy or firewall allows some paths of the host
//! and not others.

use serde_json::Value;

use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::{Question, Site};

pub(super) async fn run(site: &Site) -> Checked {
    let url = &site.documents().await?.keys;
    let problem = match site.wire.ask(&Question::get(url)).await {
        Err(error) => Some((error.to_string(), error.hint())),
        Ok(answer) if !answer.status.is_success() => {
            Some((format!("status {}", answer.status), "allow the whole host, not single paths of it"))
        }
        Ok(answer) => {
            let keys: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let usable = |key: &Value| key["kty"] == "RSA" && key["kid"].is_string() && key["n"].is_string();
            let any = keys["keys"].as_array().is_some_and(|keys| keys.iter().any(usable));
            let hint = "see whether something stands between this machine and Entra";
            (!any).then(|| ("no RSA key with an id in it".to_owned(), hint))
        }
    };
    let finding = |(what, fix): (String, &'static str)| {
        Finding::error(format!("Entra's signing keys at {url} cannot be used: {what}"), "the network")
            .because("No token can be checked: every call is answered with 503.")
            .fix(fix)
    };
    Ok(problem.into_iter().map(finding).collect())
}
