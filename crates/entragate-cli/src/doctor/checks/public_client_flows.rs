//! # What it checks
//!
//! "Allow public client flows" of the app that signs people in, by starting a device code sign-in that nobody finishes.
//!
//! # Why it matters
//!
//! It decides about sign-ins without a redirect URI, such as device code, straight at Entra; the gateway offers none. For a
//! confidential client it should be off: anybody could start such a sign-in in its name.
//!
//! # How to fix
//!
//! App registrations, the app, Authentication, Settings, "Allow public client flows".

use http::StatusCode;
use serde_json::Value;

use crate::doctor::check::{Checked, Skip};
use crate::doctor::finding::Finding;
use crate::doctor::site::{Probe, Question, Site};

/// AADSTS70016: nobody has entered the code yet, so it was accepted.
const PENDING: u64 = 70016;

pub(super) async fn run(site: &Site) -> Checked {
    let documents = site.documents().await?;
    if *site.probes().await?.main() != Probe::Healthy {
        return Err(Skip::not_checked("Entra refuses the sign-in already"));
    }
    let Some(device) = &documents.device else { return Err(Skip::not_checked("this cloud has no device code endpoint")) };
    let (signer, scope) = (site.signer()?, site.scope_at_entra()?);
    let start = Question::form(device, &[("client_id", signer.as_str()), ("scope", &scope)]);
    let refused = |what: String| Skip::not_checked(format!("the device code endpoint answered {what}"));
    let answer = site.wire.ask(&start).await.map_err(|error| refused(error.to_string()))?;
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let Some(code) = body["device_code"].as_str() else { return Err(refused(answer.status.to_string())) };
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let poll = [("grant_type", grant), ("client_id", signer.as_str()), ("device_code", code)];
    let answer = site.wire.ask(&Question::form(&documents.token, &poll)).await;
    let answer = answer.map_err(|error| refused(error.to_string()))?;
    let is_on = match entragate::aadsts::codes_in(&answer.text()).first() {
        Some(&PENDING) => true,
        Some(7_000_218) => false,
        _ if answer.status == StatusCode::BAD_REQUEST && answer.text().contains("authorization_pending") => true,
        _ => return Err(refused(format!("{} without a known code", answer.status))),
    };
    if is_on == site.is_relay() {
        return Ok(Vec::new());
    }
    let place = "App registrations, the app that signs people in, Authentication, Settings";
    Ok(vec![if is_on {
        Finding::information("public client flows are allowed for the gateway's confidential app", place)
            .because("Anybody may start a device code sign-in in its name, straight at Entra.")
            .fix("switch \"Allow public client flows\" off")
            .command(format!("az ad app update --id {signer} --is-fallback-public-client false"))
    } else {
        Finding::information("public client flows are not allowed for the client app", place)
            .because("Device code sign-in straight at Entra ends with AADSTS7000218; the gateway does not need it.")
            .fix("nothing, unless people sign in with a device code")
            .command(format!("az ad app update --id {signer} --is-fallback-public-client true"))
    }])
}
