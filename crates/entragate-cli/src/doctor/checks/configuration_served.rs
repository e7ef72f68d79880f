//! # What it checks
//!
//! That the documents of the running gateway are those that this configuration would make.
//!
//! # Why it matters
//!
//! If they differ, the doctor examines another configuration than the one that people meet: the gateway was not restarted, or
//! the variables here are not the ones there.
//!
//! # How to fix
//!
//! Restart the gateway, or run the doctor with the gateway's environment and file (`--config`).

use serde_json::Value;

use super::{gateway, issuer};
use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::doctor::site::{Site, Source};

pub(super) async fn run(site: &Site) -> Checked {
    let gateway = site.gateway().await?;
    if gateway.source == Source::Twin {
        return Err(Skip::not_checked("nothing answers at BASE_URL"));
    }
    let (resource, server) = gateway::documents(gateway)?;
    // Reported by the checks of these members.
    let known = ["issuer", "resource", "authorization_servers", "code_challenge_methods_supported", "token_endpoint_auth_methods_supported"];
    let mut differing: Vec<String> = Vec::new();
    for (live, expected) in [(&resource, &gateway.expected.0), (&server, &gateway.expected.1)] {
        for (name, value) in expected.as_object().into_iter().flatten() {
            let differs = live.get(name) != Some(value) && !known.contains(&name.as_str());
            // An emptied member is the check `documents`'s.
            let emptied = live.get(name).is_some_and(Value::is_null);
            if differs && !emptied && !differing.contains(name) {
                differing.push(name.clone());
            }
        }
    }
    if differing.is_empty() || issuer::run(site).await.is_ok_and(|found| !found.is_empty()) {
        return Ok(Vec::new());
    }
    let what = format!("the running gateway has another configuration than this one: {} differ", differing.join(", "));
    Ok(vec![
        Finding::warning(what, "the running gateway")
            .because("What is examined here is not what people meet there.")
            .fix("restart the gateway, or run the doctor with the gateway's environment and --config"),
    ])
}
