//! # What it checks
//!
//! The form of both documents: `application/json`, no `null`, no empty text, and neither `offline_access` nor OpenID scopes
//! among the scopes.
//!
//! # Why it matters
//!
//! One `null` stops six of eleven measured clients. With `offline_access` in the list seven clients send `prompt=consent`, and
//! Entra then shows the consent page to people who may not consent (AADSTS90095).
//!
//! # How to fix
//!
//! The gateway writes them so. If they arrive otherwise, something on the way rewrites them.

use serde_json::Value;

use super::gateway;
use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;

pub(super) async fn run(site: &Site) -> Checked {
    let gateway = site.gateway().await?;
    let (resource, server) = gateway::documents(gateway)?;
    let mut wrong = Vec::new();
    for (url, answer, document) in [
        (&gateway.urls.resource_metadata, &gateway.resource_metadata, &resource),
        (&gateway.urls.server_metadata, &gateway.server_metadata, &server),
    ] {
        let kind = answer.header("content-type").unwrap_or_default();
        if kind.split(';').next().map(str::trim) != Some("application/json") {
            wrong.push(format!("{url} is no application/json"));
        }
        let hollow = document.as_object().into_iter().flatten().filter(|(_, value)| is_hollow(value));
        wrong.extend(hollow.map(|(name, _)| format!("{name} of {url} is empty")));
        let forbidden = ["offline_access", "openid", "profile", "email"];
        let scopes = document["scopes_supported"].as_array().into_iter().flatten().filter_map(Value::as_str);
        wrong.extend(scopes.filter(|scope| forbidden.contains(scope)).map(|scope| format!("{url} lists {scope}")));
    }
    if wrong.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![
        Finding::error(format!("the metadata is not as the gateway writes it: {}", wrong.join(", ")), "the ingress in front of BASE_URL")
            .because("Strict clients stop at an empty member, and ask for a needless consent when they see offline_access.")
            .fix("let nothing on the way rewrite the documents")
            .prevents(90095),
    ])
}

fn is_hollow(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty() || all.iter().any(is_hollow),
        _ => false,
    }
}
