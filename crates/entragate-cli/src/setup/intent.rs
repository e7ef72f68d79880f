//! What is about to be made. It stands in the record before Graph is asked: a run that is stopped before the answer is in
//! the record would otherwise leave something that nobody knows for setup's own.
//!
//! The next run finds it by what Graph lets exist once: a registration by its `uniqueName`, a consent by client and API, an
//! assignment by person and role, a federated credential by its name, a certificate by its thumbprint. Of secrets there can
//! be many: ours has setup's name, and ends in the second that was asked for.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::existing::{Existing, ExistingApp, is_made};
use super::plan::{Action, Step, Task};
use super::planning::CREDENTIAL_NAME;
use super::receipt::Receipt;
use super::wanted::Part;
use crate::graph::objects::Application;
use crate::graph::{Graph, GraphError, Request, parse_date};

/// Something that was asked for, and of which nobody knows whether it came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", tag = "kind")]
pub enum Intent {
    /// A registration.
    Application {
        /// Which one.
        part: Part,
        /// Its path, with its alternate key.
        path: String,
    },
    /// Redirect URIs of a registration.
    RedirectUris {
        /// The ones that were not there.
        uris: Vec<String>,
    },
    /// A consent for everybody.
    Consent {
        /// The service principal of the client.
        client_id: String,
        /// The one of the API.
        resource_id: String,
    },
    /// A role for somebody.
    Assignment {
        /// Who.
        principal_id: String,
        /// Which role.
        app_role_id: String,
    },
    /// A client secret.
    Secret {
        /// When it ends.
        until: String,
    },
    /// A certificate.
    Certificate {
        /// Its thumbprint.
        thumbprint: String,
    },
    /// A federated credential.
    Federation {
        /// Its issuer.
        issuer: String,
        /// Its subject.
        subject: String,
    },
}

impl Intent {
    /// What a step is about to make.
    pub(super) fn of(step: &Step, request: &Request) -> Vec<Self> {
        let uris = redirects_added(step);
        let uris = (!uris.is_empty()).then_some(Self::RedirectUris { uris });
        let object = if step.action == Action::Create { Self::object(step, request) } else { None };
        object.into_iter().chain(uris).collect()
    }

    fn object(step: &Step, request: &Request) -> Option<Self> {
        let body = request.body.as_ref()?;
        let text = |at: &str| body.pointer(at).and_then(Value::as_str).map(str::to_owned);
        Some(match &step.task {
            Task::Application { part } => Self::Application { part: *part, path: request.path.clone() },
            Task::Consent { .. } => {
                Self::Consent { client_id: text("/clientId")?, resource_id: text("/resourceId")? }
            }
            Task::Assignment { .. } => {
                Self::Assignment { principal_id: text("/principalId")?, app_role_id: text("/appRoleId")? }
            }
            Task::Secret => Self::Secret { until: text("/passwordCredential/endDateTime")? },
            Task::Certificate { thumbprint } => Self::Certificate { thumbprint: thumbprint.clone() },
            Task::Federation => Self::Federation { issuer: text("/issuer")?, subject: text("/subject")? },
            Task::OwnId { .. }
            | Task::ServicePrincipal { .. }
            | Task::PreAuthorization
            | Task::AssignmentRequired
            | Task::Removal => return None,
        })
    }

    /// Notes in the record what came of it; `false` if nothing is there (yet).
    fn came_to_be(&self, existing: &Existing, receipt: &mut Receipt) -> bool {
        let apps = || [&existing.api, &existing.client].into_iter().flatten();
        match self {
            // Found before anything else was read.
            Self::Application { part, .. } => receipt.remembered().of(*part).is_some(),
            Self::RedirectUris { uris } => {
                let is_there =
                    |uri: &&String| apps().any(|app| redirects(&app.application).any(|one| one == *uri));
                note(&mut receipt.redirect_uris, uris.iter().filter(is_there).cloned())
            }
            Self::Consent { client_id, resource_id } => {
                let grants = existing.grants.iter().flatten().filter(|grant| {
                    grant.is_for_everybody()
                        && grant.client_id == *client_id
                        && grant.resource_id == *resource_id
                });
                note(&mut receipt.grants, grants.map(|grant| grant.id.clone()))
            }
            Self::Assignment { principal_id, app_role_id } => {
                let ours = existing
                    .assignments
                    .iter()
                    .filter(|one| one.principal_id == *principal_id && one.app_role_id == *app_role_id);
                note(&mut receipt.assignments, ours.map(|one| one.id.clone()))
            }
            Self::Secret { until } => {
                let known = receipt.secrets.clone();
                let ours = apps().flat_map(|app| secrets_until(app, until)).filter(|id| !known.contains(id));
                let ours: Vec<String> = ours.collect();
                // Two of the same second: nobody can tell which is ours.
                ours.len() == 1 && note(&mut receipt.secrets, ours)
            }
            Self::Certificate { thumbprint } => {
                let is_it = |id: Option<&str>| id.is_some_and(|id| id.eq_ignore_ascii_case(thumbprint));
                let is_there = apps()
                    .flat_map(|app| &app.application.key_credentials)
                    .any(|key| is_it(key.custom_key_identifier.as_deref()));
                is_there && note(&mut receipt.certificates, [thumbprint.clone()])
            }
            Self::Federation { issuer, subject } => {
                let ours = apps().flat_map(|app| &app.federated).filter(|one| {
                    one.name == CREDENTIAL_NAME
                        && one.issuer == *issuer
                        && one.subject.as_ref() == Some(subject)
                });
                note(&mut receipt.federated, ours.map(|one| one.id.clone()))
            }
        }
    }
}

/// Adds what is not in the list; whether there was anything.
fn note(list: &mut Vec<String>, found: impl IntoIterator<Item = String>) -> bool {
    let mut any = false;
    for id in found {
        any = true;
        if !list.contains(&id) {
            list.push(id);
        }
    }
    any
}

fn redirects(app: &Application) -> impl Iterator<Item = &String> {
    app.web.redirect_uris.iter().chain(&app.public_client.redirect_uris)
}

fn secrets_until<'a>(app: &'a ExistingApp, until: &'a str) -> impl Iterator<Item = String> + 'a {
    let wanted = parse_date(until);
    app.application
        .password_credentials
        .iter()
        .filter(move |one| {
            one.display_name.as_deref() == Some(CREDENTIAL_NAME)
                && wanted.is_some()
                && one.end_date_time.as_deref().and_then(parse_date) == wanted
        })
        .map(|one| one.key_id.clone())
}

/// Redirect URIs that were not there before.
pub(super) fn redirects_added(step: &Step) -> Vec<String> {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let fields = step.fields.iter().filter(|field| field.name.ends_with(".redirectUris"));
    fields
        .flat_map(|field| {
            let before = texts(&field.before);
            texts(&field.after).into_iter().filter(move |uri| !before.contains(uri))
        })
        .collect()
}

impl Receipt {
    /// Notes what is about to be made; returns what was not noted before.
    pub(super) fn intend(&mut self, intents: &[Intent]) -> Vec<Intent> {
        let fresh: Vec<Intent> =
            intents.iter().filter(|intent| !self.pending.contains(intent)).cloned().collect();
        self.pending.extend(fresh.iter().cloned());
        fresh
    }

    /// It is known what came of these.
    pub(super) fn forget(&mut self, intents: &[Intent]) {
        self.pending.retain(|intent| !intents.contains(intent));
    }

    /// Finds registrations of which an earlier run never learnt the id, whatever the options are called now.
    pub(super) async fn find_apps(&mut self, graph: &Graph) -> Result<(), GraphError> {
        for intent in self.pending.clone() {
            let Intent::Application { part, path } = intent else { continue };
            let is_key = path.starts_with("/applications(uniqueName=") && path.ends_with(')');
            if self.remembered().of(part).is_some() || !is_key {
                continue;
            }
            let found: Option<Application> = graph.find(&format!("{path}?{}", Application::SELECT)).await?;
            let id = found.filter(is_made).map(|app| app.app_id);
            if let Some(id) = &id {
                self.note_created(id);
            }
            match part {
                Part::Api => self.api = id,
                Part::Client => self.client = id,
            }
        }
        Ok(())
    }

    /// Takes over what came of an earlier run that never heard of it.
    pub(super) fn settle(&mut self, existing: &Existing) {
        for intent in std::mem::take(&mut self.pending) {
            if !intent.came_to_be(existing, self) {
                self.pending.push(intent);
            }
        }
    }
}
