//! What is there: read from Graph, never changed here.

use crate::graph::objects::{
    AppRoleAssignment, Application, FederatedCredential, Group, Organization, PermissionGrant,
    ServicePrincipal, User,
};
use crate::graph::{GRAPH_APP_ID, Graph, GraphError, odata};

use super::wanted::{Part, TAG, Wanted, WantedApp};

/// What is there of a set-up.
#[derive(Debug, Clone, PartialEq)]
pub struct Existing {
    /// The API app.
    pub api: Option<ExistingApp>,
    /// The client app.
    pub client: Option<ExistingApp>,
    /// The object id of Microsoft Graph's service principal.
    pub graph_principal: Option<String>,
    /// Consents to the app that signs in; `None` if they may not be read.
    pub grants: Option<Vec<PermissionGrant>>,
    /// Who has which role.
    pub assignments: Vec<AppRoleAssignment>,
    /// Whom the wanted assignments mean.
    pub people: Vec<Person>,
    /// The tenant's verified domains; `None` if they may not be read, or nothing is wanted of them.
    pub domains: Option<Vec<String>>,
}

/// A registration that is there.
#[derive(Debug, Clone, PartialEq)]
pub struct ExistingApp {
    /// The registration.
    pub application: Application,
    /// Its service principal.
    pub principal: Option<ServicePrincipal>,
    /// Its federated credentials.
    pub federated: Vec<FederatedCredential>,
    /// Whose it is.
    pub standing: Standing,
}

/// Whose a registration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Setup made it.
    Made,
    /// Somebody else made it, and setup may add to it.
    Adopted,
}

/// A person or group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// As the option names it.
    pub who: String,
    /// The object id.
    pub id: String,
    /// The name.
    pub name: String,
}

/// Registrations of somebody else's that setup may add to, by application id: named on the command line, or by an
/// earlier run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adopted {
    /// As the API app.
    pub api: Option<String>,
    /// As the client app.
    pub client: Option<String>,
}

impl Adopted {
    /// The one for a part.
    pub fn of(&self, part: Part) -> Option<&str> {
        match part {
            Part::Api => self.api.as_deref(),
            Part::Client => self.client.as_deref(),
        }
    }
}

/// Why setup does not go on.
#[derive(Debug, thiserror::Error)]
pub enum ExistingError {
    /// Something has the name and is not setup's.
    #[error(
        "there is an app registration named \"{name}\" already (application id {app_id}), which setup did not make"
    )]
    Foreign {
        /// Which part it is in the way of.
        part: Part,
        /// Its name.
        name: String,
        /// Its application id.
        app_id: String,
    },
    /// The registration that was named is not there.
    #[error("there is no app registration {app_id} in this tenant, which was named as the {}", part.name())]
    NoSuchApp {
        /// As what.
        part: Part,
        /// Its application id.
        app_id: String,
    },
    /// One registration cannot be both.
    #[error("{0} was named as the API app and as the client app, which are two registrations (AADSTS90009)")]
    SameApp(String),
    /// Nobody of that name.
    #[error("there is no {what} `{who}` in this tenant")]
    NoSuchPerson {
        /// `user` or `group`.
        what: &'static str,
        /// As it was named.
        who: String,
    },
    /// Graph did not answer.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl ExistingError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Foreign { part: Part::Api, app_id, .. } => {
                format!("choose another --name, or let setup add to that registration with --adopt {app_id}")
            }
            Self::Foreign { part: Part::Client, app_id, .. } => {
                format!("choose another --name, or let setup add to that registration with --adopt-client {app_id}")
            }
            Self::NoSuchApp { .. } => {
                "copy the Application (client) ID from App registrations; an enterprise application of another tenant \
                 cannot be adopted"
                    .to_owned()
            }
            Self::SameApp(_) => "name two registrations, or use --mode broker without --adopt-client".to_owned(),
            Self::NoSuchPerson { what: "group", .. } => {
                "write group: and the object id of the group, as the Entra admin center shows it".to_owned()
            }
            Self::NoSuchPerson { .. } => {
                "write the sign-in name, such as alice@contoso.com; a guest's has #EXT# in it".to_owned()
            }
            Self::Graph(error) => error.hint(),
        }
    }
}

impl Existing {
    /// A tenant without anything of it.
    pub const fn nothing() -> Self {
        Self {
            api: None,
            client: None,
            graph_principal: None,
            grants: Some(Vec::new()),
            assignments: Vec::new(),
            people: Vec::new(),
            domains: None,
        }
    }

    /// Reads everything that `wanted` is about: in the registrations that are named, else in those that an earlier run
    /// remembers, unless they are gone.
    pub async fn read(
        graph: &Graph,
        wanted: &Wanted,
        named: &Adopted,
        remembered: &Adopted,
    ) -> Result<Self, ExistingError> {
        let api = find(graph, &wanted.api, named, remembered).await?;
        let client = match &wanted.client {
            Some(client) => find(graph, client, named, remembered).await?,
            None => None,
        };
        if let (Some(api), Some(client)) = (&api, &client)
            && api.application.app_id == client.application.app_id
        {
            return Err(ExistingError::SameApp(api.application.app_id.clone()));
        }
        let graph_app: Option<ServicePrincipal> = graph.find(&ServicePrincipal::path(GRAPH_APP_ID)).await?;
        let signing_in = client.as_ref().or(if wanted.client.is_none() { api.as_ref() } else { None });
        let grants = match signing_in.and_then(ExistingApp::principal_id) {
            Some(id) => allowed(graph.list(&grants_of(id)).await)?,
            None => Some(Vec::new()),
        };
        let assignments = match api.as_ref().and_then(ExistingApp::principal_id) {
            Some(id) => graph.list(&assigned_to(id)).await?,
            None => Vec::new(),
        };
        let mut people: Vec<Person> = Vec::new();
        for assignment in &wanted.assignments {
            if !people.iter().any(|person| person.who == assignment.who) {
                people.push(person(graph, &assignment.who).await?);
            }
        }
        let domains = match wanted.api.named_uris().next() {
            Some(_) => allowed(graph.list::<Organization>(Organization::PATH).await)?,
            None => None,
        };
        let verified = |all: Vec<Organization>| {
            all.into_iter().flat_map(|one| one.verified_domains).map(|domain| domain.name).collect()
        };
        Ok(Self {
            api,
            client,
            graph_principal: graph_app.map(|app| app.id),
            grants,
            assignments,
            people,
            domains: domains.map(verified),
        })
    }

    /// The registration of a part.
    pub fn app(&self, part: Part) -> Option<&ExistingApp> {
        match part {
            Part::Api => self.api.as_ref(),
            Part::Client => self.client.as_ref(),
        }
    }
}

impl ExistingApp {
    /// The object id of the service principal.
    pub fn principal_id(&self) -> Option<&str> {
        self.principal.as_ref().map(|principal| principal.id.as_str())
    }

    /// Reads what hangs on a registration.
    pub(super) async fn around(
        graph: &Graph,
        application: Application,
        standing: Standing,
    ) -> Result<Self, GraphError> {
        let principal = graph.find(&ServicePrincipal::path(&application.app_id)).await?;
        let path = format!("/applications/{}/federatedIdentityCredentials", odata::segment(&application.id));
        let federated = graph.list(&path).await?;
        Ok(Self { application, principal, federated, standing })
    }
}

/// The path of the consents to an application.
pub(super) fn grants_of(principal: &str) -> String {
    format!("/oauth2PermissionGrants?{}", odata::equals(&[("clientId", principal)]))
}

/// The path of the assignments to an application.
pub(super) fn assigned_to(principal: &str) -> String {
    format!("/servicePrincipals/{}/appRoleAssignedTo", odata::segment(principal))
}

/// Whether setup made it.
pub(super) fn is_made(application: &Application) -> bool {
    application.tags.iter().any(|tag| tag == TAG)
}

async fn find(
    graph: &Graph,
    wanted: &WantedApp,
    named: &Adopted,
    remembered: &Adopted,
) -> Result<Option<ExistingApp>, ExistingError> {
    let part = wanted.part;
    if let Some(app_id) = named.of(part).or(remembered.of(part)) {
        let found: Option<Application> = graph.find(&Application::path(app_id)).await?;
        if let Some(application) = found {
            let standing = if is_made(&application) { Standing::Made } else { Standing::Adopted };
            return Ok(Some(ExistingApp::around(graph, application, standing).await?));
        }
        if named.of(part).is_some() {
            return Err(ExistingError::NoSuchApp { part, app_id: app_id.to_owned() });
        }
    }
    let foreign = |application: &Application| ExistingError::Foreign {
        part,
        name: application.display_name.clone().unwrap_or_default(),
        app_id: application.app_id.clone(),
    };
    if let Some(application) = by_unique_name(graph, &wanted.unique_name).await? {
        if !is_made(&application) {
            return Err(foreign(&application));
        }
        return Ok(Some(ExistingApp::around(graph, application, Standing::Made).await?));
    }
    // Entra would allow a second one of the same name, and nobody could tell them apart.
    let name = odata::equals(&[("displayName", &wanted.display_name)]);
    let namesakes: Vec<Application> =
        graph.list(&format!("/applications?{name}&$select=id,appId,displayName")).await?;
    match namesakes.first() {
        Some(namesake) => Err(foreign(namesake)),
        None => Ok(None),
    }
}

/// The registration with this alternate key.
pub(super) async fn by_unique_name(graph: &Graph, name: &str) -> Result<Option<Application>, GraphError> {
    let path = format!("/applications(uniqueName={})?{}", odata::literal(name), Application::SELECT);
    graph.find(&path).await
}

async fn person(graph: &Graph, who: &str) -> Result<Person, ExistingError> {
    let select = "$select=id,displayName";
    let missing = |what| ExistingError::NoSuchPerson { what, who: who.to_owned() };
    if let Some(id) = who.strip_prefix("group:") {
        let group: Option<Group> = graph.find(&format!("/groups/{}?{select}", odata::segment(id))).await?;
        let group = group.ok_or_else(|| missing("group"))?;
        return Ok(Person {
            who: who.to_owned(),
            name: group.display_name.unwrap_or_default(),
            id: group.id,
        });
    }
    let path = format!("/users/{}?{select},userPrincipalName", odata::segment(who));
    let user: User = graph.find(&path).await?.ok_or_else(|| missing("user"))?;
    Ok(Person { who: who.to_owned(), name: user.user_principal_name.unwrap_or_default(), id: user.id })
}

/// The answer, or `None` if whoever asks may not have it.
fn allowed<T>(answer: Result<T, GraphError>) -> Result<Option<T>, GraphError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_denied() => Ok(None),
        Err(error) => Err(error),
    }
}
