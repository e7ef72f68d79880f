//! What the gateway authenticates itself with.

use std::time::Duration;

use entragate::Timestamp;
use serde_json::json;

use super::{Draft, KnownSecret, Surroundings};
use crate::graph::objects::{FederatedCredential, KeyCredential, PasswordCredential};
use crate::graph::{Request, parse_date, print_date};
use crate::setup::plan::{Action, Field, Step, Task};
use crate::setup::slot::Slot;
use crate::setup::wanted::{WantedCredential, WantedFederation};

/// What setup calls the secrets, certificates and federated credentials that it makes.
pub const CREDENTIAL_NAME: &str = "entragate-setup";
const DAY: u64 = 24 * 60 * 60;
/// A secret that ends sooner is replaced.
const NEARLY_OVER: Duration = Duration::from_secs(14 * DAY);

/// The gateway's credential, if one is wanted.
pub(super) fn credential(draft: &mut Draft<'_>, surroundings: Surroundings) {
    let part = draft.wanted.authenticated();
    let app = draft.existing(part).map(|app| &app.application);
    let path = format!("/applications/{}", draft.ids.or_placeholder(Slot::object_id(part)));
    let step = match &draft.wanted.credential {
        WantedCredential::None => return,
        WantedCredential::Secret { days } => {
            let there = app.map(|app| app.password_credentials.as_slice()).unwrap_or_default();
            secret(&path, there, *days, surroundings)
        }
        WantedCredential::Certificate { certificate, thumbprint, .. } => {
            let there = app.map(|app| app.key_credentials.clone()).unwrap_or_default();
            certificate_step(&path, there, certificate, thumbprint)
        }
        WantedCredential::Federated(wanted) => {
            let there = draft.existing(part).map(|app| app.federated.clone()).unwrap_or_default();
            federation(&path, &there, wanted)
        }
    };
    draft.steps.push(step);
}

/// Kept while the one that somebody has is good: Entra tells a secret only once.
fn secret(path: &str, there: &[PasswordCredential], days: u32, surroundings: Surroundings) -> Step {
    let Surroundings { now, secret } = surroundings;
    let end = |secret: &PasswordCredential| secret.end_date_time.as_deref().and_then(parse_date);
    let is_good = |end: Timestamp| end > now.plus(NEARLY_OVER);
    let ours = there.iter().filter(|secret| secret.display_name.as_deref() == Some(CREDENTIAL_NAME));
    let last = ours.filter_map(end).max();
    let title = "client secret".to_owned();
    let kept_until = match secret {
        KnownSecret::Kept { until } => Some(until).filter(|end| is_good(*end)),
        KnownSecret::Lost => None,
    };
    let before = last.map_or(json!(null), |end| json!(format!("until {}", date_only(end))));
    if let Some(end) = kept_until {
        let after = json!(format!("until {}", date_only(end)));
        return Step::keep(Task::Secret, title).with_fields(vec![field(
            "passwordCredentials",
            before,
            after,
        )]);
    }
    let until = now.plus(Duration::from_secs(u64::from(days) * DAY));
    let body = json!({
        "passwordCredential": { "displayName": CREDENTIAL_NAME, "endDateTime": print_date(until) }
    });
    let request = Request::post(format!("{path}/addPassword"), body);
    let after = json!(format!("another one, until {}", date_only(until)));
    Step::send(Task::Secret, title, Action::Create, request).with_fields(vec![field(
        "passwordCredentials",
        before,
        after,
    )])
}

fn date_only(when: Timestamp) -> String {
    print_date(when).split('T').next().unwrap_or_default().to_owned()
}

fn certificate_step(path: &str, there: Vec<KeyCredential>, certificate: &str, thumbprint: &str) -> Step {
    let title = "certificate".to_owned();
    let task = Task::Certificate { thumbprint: thumbprint.to_ascii_uppercase() };
    let known = |key: &KeyCredential| key.custom_key_identifier.clone().unwrap_or_default();
    let is_there = there.iter().any(|key| known(key).eq_ignore_ascii_case(thumbprint));
    if is_there {
        return Step::keep(task, title);
    }
    let before: Vec<_> = there.iter().map(|key| key.display_name.clone().unwrap_or_default()).collect();
    let mut shown = before.clone();
    shown.push(CREDENTIAL_NAME.to_owned());
    // The list is written whole; keys that are there keep their ids, by which Graph knows them without their content.
    let mut after: Vec<_> = there.into_iter().map(|key| json!(key)).collect();
    after.push(json!({
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "displayName": CREDENTIAL_NAME,
        "key": certificate,
    }));
    let request = Request::patch(path, json!({ "keyCredentials": after }));
    Step::send(task, title, Action::Create, request).with_fields(vec![field(
        "keyCredentials",
        json!(before),
        json!(shown),
    )])
}

fn federation(path: &str, there: &[FederatedCredential], wanted: &WantedFederation) -> Step {
    let title = "federated credential".to_owned();
    let is_there = there.iter().any(|one| {
        one.issuer == wanted.issuer
            && one.subject.as_deref() == Some(&wanted.subject)
            && one.audiences == [wanted.audience.clone()]
    });
    if is_there {
        return Step::keep(Task::Federation, title);
    }
    let path = format!("{path}/federatedIdentityCredentials");
    let body = json!({
        "name": CREDENTIAL_NAME,
        "issuer": wanted.issuer,
        "subject": wanted.subject,
        "audiences": [wanted.audience],
    });
    // Ours of an earlier run, for another subject or issuer: its name cannot be had twice.
    let ours = there.iter().find(|one| one.name == CREDENTIAL_NAME);
    let show = |issuer: &str, subject: &str| json!(format!("{subject} of {issuer}"));
    let before =
        ours.map_or(json!(null), |one| show(&one.issuer, one.subject.as_deref().unwrap_or_default()));
    let fields = vec![field("subject", before, show(&wanted.issuer, &wanted.subject))];
    match ours {
        None => Step::send(Task::Federation, title, Action::Create, Request::post(path, body)),
        Some(one) => {
            let path = format!("{path}/{}", crate::graph::odata::segment(&one.id));
            let body =
                json!({ "issuer": wanted.issuer, "subject": wanted.subject, "audiences": [wanted.audience] });
            Step::send(Task::Federation, title, Action::Change, Request::patch(path, body))
        }
    }
    .with_fields(fields)
}

fn field(name: &str, before: serde_json::Value, after: serde_json::Value) -> Field {
    Field { name: name.to_owned(), before, after }
}
