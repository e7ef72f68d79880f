//! The client secret that an earlier run left in the files: whether Entra still takes it.

use entragate::{Secret, Timestamp};

use super::arguments::Arguments;
use super::existing::Existing;
use super::files;
use super::planning::KnownSecret;
use super::wanted::{Wanted, WantedCredential};
use crate::graph::objects::PasswordCredential;
use crate::graph::parse_date;

/// The secret that is to stay in `.env`, and what planning has to know about it.
pub(super) fn known(
    arguments: &Arguments,
    wanted: &Wanted,
    existing: &Existing,
) -> (Option<Secret>, KnownSecret) {
    let app_id = existing.api.as_ref().map(|api| api.application.app_id.as_str());
    let mut secrets = app_id.into_iter().flat_map(|id| files::known_secrets(&arguments.dir, id));
    match wanted.credential {
        // The gateway takes one credential, and refuses to start with two.
        WantedCredential::Certificate { .. } | WantedCredential::Federated(_) => (None, KnownSecret::Lost),
        // Whatever there is, it is not setup's business.
        WantedCredential::None => (secrets.next(), KnownSecret::Lost),
        WantedCredential::Secret { .. } => {
            let taken = secrets.find_map(|secret| {
                let until = until(&secret, wanted, existing)?;
                Some((secret, KnownSecret::Kept { until }))
            });
            taken.map_or((None, KnownSecret::Lost), |(secret, known)| (Some(secret), known))
        }
    }
}

/// Until when Entra takes it: it is known by its `hint`.
fn until(secret: &Secret, wanted: &Wanted, existing: &Existing) -> Option<Timestamp> {
    let hint = PasswordCredential::hint_of(secret);
    let there = &existing.app(wanted.authenticated())?.application.password_credentials;
    let same = there.iter().filter(|one| one.hint.as_ref().is_none_or(|known| *known == hint));
    same.filter_map(|one| one.end_date_time.as_deref().and_then(parse_date)).max()
}
