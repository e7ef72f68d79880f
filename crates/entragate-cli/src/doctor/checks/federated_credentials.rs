//! # What it checks
//!
//! That a federated credential of the gateway's app has the issuer, the subject and an audience of the token which the gateway
//! presents, letter by letter. The app is the one that signs people in; in relay mode, for `on-behalf-of` and to read groups, the API
//! app.
//!
//! # Why it matters
//!
//! Entra compares them as text: AADSTS700211 (issuer), AADSTS700213 (subject), AADSTS700212 (audience).
//!
//! # How to fix
//!
//! App registrations, the app, Certificates & secrets, Federated credentials. On Kubernetes the subject is
//! `system:serviceaccount:<namespace>:<service account>`, of a managed identity its object id.

use serde_json::Value;

use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;
use crate::shell::word;

pub(super) async fn run(site: &Site) -> Checked {
    let held = site.held()?;
    if !matches!(held.credential.kind(), "federated token file" | "managed identity") {
        return Err(Skip::NotApplicable("the gateway has another credential"));
    }
    let known = site.graph().await?.federated(site.holder().await?).await?;
    let claims = site.assertion_claims().await?;
    let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
    let (issuer, subject) = (text("iss"), text("sub"));
    let audiences: Vec<String> = match &claims["aud"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        one => one.as_str().map(str::to_owned).into_iter().collect(),
    };
    let trusted: Vec<_> = known.iter().filter(|one| one.issuer == issuer).collect();
    let subjects: Vec<_> = trusted.iter().filter(|one| one.subject.as_deref() == Some(subject.as_str())).collect();
    let (what, code) = if trusted.is_empty() {
        (format!("no federated credential has the issuer {issuer}"), 700_211)
    } else if subjects.is_empty() {
        (format!("no federated credential of {issuer} has the subject {subject}"), 700_213)
    } else if !subjects.iter().any(|one| one.audiences.iter().any(|audience| audiences.contains(audience))) {
        (format!("no federated credential of {subject} has the audience {}", audiences.join(" ")), 700_212)
    } else {
        return Ok(Vec::new());
    };
    let place = format!("{}, Federated credentials", held.purpose.place());
    let credential = serde_json::json!({ "name": "entragate", "issuer": issuer, "subject": subject, "audiences": audiences });
    Ok(vec![
        Finding::error(what, place)
            .because("Entra compares issuer, subject and audience letter by letter.")
            .fix("add a federated credential with exactly these values")
            .command(format!(
                "az ad app federated-credential create --id {} --parameters {}",
                held.app,
                word(&credential.to_string())
            ))
            .prevents(code),
    ])
}
