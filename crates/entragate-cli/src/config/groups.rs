//! `[groups]`: what happens when somebody is in more groups than fit into a token.

use std::time::Duration;

use entragate::{Credential, GraphGroups, Rule};

use super::checked::Identity;
use super::credential;
use super::environment::Environment;
use super::identity::Entra;
use super::keys;
use super::reader::{Read, Reader, Wrong, printable};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Overage {
    Graph,
    Refuse,
}

/// Reads the section; nothing when groups are not to be read, or when it is wrong, which is reported.
pub(super) fn groups(
    reader: &mut Reader,
    environment: &Environment,
    entra: Option<&Entra>,
    rules: &[Rule],
    of_the_api_app: &Read<Credential>,
) -> Option<GraphGroups> {
    let overage = reader.parse(&keys::GROUPS_OVERAGE, overage);
    let keep = reader.count(&keys::GROUPS_CACHE_SECONDS, 10..=3600).or_default(|| 300);
    // The outbound client gives up after 15 seconds by itself.
    let patience = reader.count(&keys::GROUPS_TIMEOUT_SECONDS, 1..=15).or_default(|| 5);
    let overage = match overage {
        Read::Bad => return None,
        Read::Unset => None,
        Read::Given(overage) => Some(overage),
    };
    let has_rules = rules.iter().any(|rule| !rule.required_groups().is_empty());
    let is_wanted = overage == Some(Overage::Graph) || (overage.is_none() && has_rules);
    let credential = match entra.map(|entra| (&entra.identity, &entra.authority)) {
        Some((Identity::Broker(broker), _)) => Some(broker.credential.clone()),
        // Read already, for calls on behalf of people.
        Some((Identity::Relay(_), _)) if !of_the_api_app.is_unset() => match of_the_api_app {
            Read::Given(credential) => Some(credential.clone()),
            Read::Bad | Read::Unset => return None,
        },
        Some((Identity::Relay(_), cloud)) if is_wanted && credential::is_given(reader) => {
            Some(credential::credential(reader, environment, cloud)?)
        }
        Some((Identity::Relay(_), _)) => {
            note_unused_credentials(reader);
            None
        }
        // Without sign-in nobody has groups; and what is wrong with it is reported already.
        Some((Identity::Development, _)) | None => return None,
    };
    let (keep, patience) = (Duration::from_secs(keep?), Duration::from_secs(patience?));
    if !has_rules {
        if overage.is_some() {
            reader.note(
                &keys::GROUPS_OVERAGE,
                "has no effect: no rule names groups",
                "leave it, or write a rule with groups",
            );
        }
        return None;
    }
    chosen(reader, overage, credential).map(|one| GraphGroups::new(one).keep(keep).patience(patience))
}

/// The credential to read groups with, if they are to be read.
fn chosen(
    reader: &mut Reader,
    overage: Option<Overage>,
    credential: Option<Credential>,
) -> Option<Credential> {
    match (overage, credential) {
        (Some(Overage::Refuse), _) => None,
        (_, Some(credential)) => Some(credential),
        (Some(Overage::Graph), None) => {
            let wrong = Wrong::new(
                "is graph, and there is no credential to ask Microsoft Graph with",
                "set AZURE_CLIENT_SECRET of the API app, or another credential of [entra], or set it to refuse",
            );
            reader.problem(&keys::GROUPS_OVERAGE, wrong);
            None
        }
        (None, None) => {
            reader.warn(
                &keys::GROUPS_OVERAGE,
                "is not set, and there is no credential: whoever is in more than 200 groups is refused where a rule names groups",
                "set AZURE_CLIENT_SECRET of the API app, let the API app emit only groups that are assigned to it \
                 (groupMembershipClaims: ApplicationGroup), or set it to refuse",
            );
            None
        }
    }
}

fn overage(text: &str) -> Result<Overage, Wrong> {
    match text {
        "graph" => Ok(Overage::Graph),
        "refuse" => Ok(Overage::Refuse),
        other => Err(Wrong::new(
            format!("is `{}`, which is neither graph nor refuse", printable(other)),
            "set it to graph to read groups from Microsoft Graph, or to refuse",
        )),
    }
}

fn note_unused_credentials(reader: &mut Reader) {
    if reader.is_given(&keys::CLIENT_SECRET) {
        reader.note(
            &keys::CLIENT_SECRET,
            "is set and not used: in relay mode the client app is public",
            "leave it out of this process if nothing else needs it",
        );
    }
    if reader.is_given(&keys::FEDERATED_TOKEN_FILE) {
        reader.note(
            &keys::FEDERATED_TOKEN_FILE,
            "is set and not used: relay mode needs no credential",
            "leave it as your platform sets it",
        );
    }
}
