//! The app registrations, as Microsoft Graph tells of them.

use std::sync::OnceLock;
use std::time::Duration;

use entragate::Clock;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::doctor::check::Skip;
use crate::graph::objects::{
    AppRoleAssignment, Application, AuthorizationPolicy, Domain, FederatedCredential, Group, PermissionGrant,
    ServicePrincipal,
};
use crate::graph::{Directory, Graph, GraphError, Http, Patience, SignIn, odata};

/// Microsoft Graph's own application id, the same in every tenant.
pub(in crate::doctor) const MICROSOFT_GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// Somebody waits for the report, and every check asks: two more tries within seconds must do.
const PATIENCE: Patience =
    Patience { first: Duration::from_millis(500), longest: Duration::from_secs(5), tries: 3 };

/// What was read once: the object, its absence, or why it could not be read.
type Once<T> = OnceCell<Result<T, String>>;

/// Graph with a token, and what it has said so far.
pub(in crate::doctor) struct Registrations {
    graph: Graph,
    api_id: String,
    signer_id: String,
    api: Once<Option<Application>>,
    signer: Once<Option<Application>>,
    api_principal: Once<Option<ServicePrincipal>>,
    signer_principal: Once<Option<ServicePrincipal>>,
    assignments: Once<Vec<AppRoleAssignment>>,
    /// Why Graph is asked nothing more.
    given_up: OnceLock<String>,
}

/// Signs in to Graph; nothing is read yet.
pub(super) async fn sign_in(
    sign_in: SignIn,
    directory: &Directory,
    http: Http,
    clock: &dyn Clock,
    ids: (&str, &str),
) -> Result<Registrations, String> {
    let say = |text: &str| anstream::eprintln!("{text}");
    let token = sign_in.token(&http, directory, &Borrowed(clock.now()), say).await;
    let token = token.map_err(|error| format!("{error}; {}", error.hint()))?;
    Ok(Registrations {
        graph: Graph::new(http, directory.graph.clone(), token.secret).with_patience(PATIENCE),
        api_id: ids.0.to_owned(),
        signer_id: ids.1.to_owned(),
        api: OnceCell::new(),
        signer: OnceCell::new(),
        api_principal: OnceCell::new(),
        signer_principal: OnceCell::new(),
        assignments: OnceCell::new(),
        given_up: OnceLock::new(),
    })
}

/// The time at which the doctor was asked.
struct Borrowed(entragate::Timestamp);

impl Clock for Borrowed {
    fn now(&self) -> entragate::Timestamp {
        self.0
    }
}

/// Why something could not be read: the permission that is missing, where that is why.
fn unread(error: &GraphError) -> String {
    let permission = error.as_refused().and_then(|refused| refused.permission);
    match permission {
        Some(permission) if error.is_denied() => format!("needs the Graph permission {}", permission.name()),
        _ => error.to_string(),
    }
}

fn known<T>(read: &Result<T, String>) -> Result<&T, Skip> {
    read.as_ref().map_err(|reason| Skip::not_checked(reason.clone()))
}

impl Registrations {
    /// One read. Where Graph is out of order it is so for every check: the first one waits, the others do not.
    async fn read<T>(&self, read: impl Future<Output = Result<T, GraphError>>) -> Result<T, String> {
        if let Some(reason) = self.given_up.get() {
            return Err(reason.clone());
        }
        read.await.map_err(|error| {
            let reason = unread(&error);
            if error.is_out_of_order() {
                return self.given_up.get_or_init(|| reason).clone();
            }
            reason
        })
    }

    /// Why Graph cannot be asked although somebody has signed in; found by asking for the API app.
    pub(in crate::doctor) async fn trouble(&self) -> Option<&String> {
        drop(self.find_api().await);
        self.given_up.get()
    }

    /// Whether the ids of API and client stand in each other's place: what is called the API is none, and what is called
    /// the client is one.
    pub(super) async fn are_exchanged(&self) -> bool {
        let (Ok(Some(api)), Ok(Some(signer))) = (self.find_api().await, self.find_signer().await) else {
            return false;
        };
        let is_api = |app: &Application| {
            !app.identifier_uris.is_empty() && !app.api.oauth2_permission_scopes.is_empty()
        };
        let is_nothing =
            |app: &Application| app.identifier_uris.is_empty() && app.api.oauth2_permission_scopes.is_empty();
        is_nothing(api) && is_api(signer)
    }

    async fn application(&self, id: &str) -> Result<Option<Application>, String> {
        self.read(self.graph.find(&Application::path(id))).await
    }

    async fn principal(&self, id: &str) -> Result<Option<ServicePrincipal>, String> {
        self.read(self.graph.find(&ServicePrincipal::path(id))).await
    }

    /// The API app; `None` when it is not there.
    pub(in crate::doctor) async fn find_api(&self) -> Result<Option<&Application>, Skip> {
        known(self.api.get_or_init(|| self.application(&self.api_id)).await).map(Option::as_ref)
    }

    /// The app that signs people in; `None` when it is not there.
    pub(in crate::doctor) async fn find_signer(&self) -> Result<Option<&Application>, Skip> {
        known(self.signer.get_or_init(|| self.application(&self.signer_id)).await).map(Option::as_ref)
    }

    /// The API app, for checks of something about it.
    pub(in crate::doctor) async fn api(&self) -> Result<&Application, Skip> {
        self.find_api().await?.ok_or_else(|| Skip::not_checked("there is no such API app"))
    }

    /// The app that signs people in, for checks of something about it.
    pub(in crate::doctor) async fn signer(&self) -> Result<&Application, Skip> {
        self.find_signer().await?.ok_or_else(|| Skip::not_checked("there is no such client app"))
    }

    /// The API's enterprise application; `None` when it is not there.
    pub(in crate::doctor) async fn find_api_principal(&self) -> Result<Option<&ServicePrincipal>, Skip> {
        known(self.api_principal.get_or_init(|| self.principal(&self.api_id)).await).map(Option::as_ref)
    }

    /// The client's enterprise application; `None` when it is not there.
    pub(in crate::doctor) async fn find_signer_principal(&self) -> Result<Option<&ServicePrincipal>, Skip> {
        known(self.signer_principal.get_or_init(|| self.principal(&self.signer_id)).await).map(Option::as_ref)
    }

    /// The API's enterprise application, for checks of something about it.
    pub(in crate::doctor) async fn api_principal(&self) -> Result<&ServicePrincipal, Skip> {
        self.find_api_principal()
            .await?
            .ok_or_else(|| Skip::not_checked("the API app has no enterprise application"))
    }

    /// Who is assigned to the API, with which role.
    pub(in crate::doctor) async fn assignments(&self) -> Result<&Vec<AppRoleAssignment>, Skip> {
        let principal = self.api_principal().await?;
        let path = format!("/servicePrincipals/{}/appRoleAssignedTo?$top=999", odata::segment(&principal.id));
        known(self.assignments.get_or_init(|| self.read(self.graph.list(&path))).await)
    }

    /// A group of the tenant; `None` when it is not there.
    pub(in crate::doctor) async fn find_group(&self, id: &str) -> Result<Option<Group>, Skip> {
        let path = format!("/groups/{}?$select=id,displayName", odata::segment(id));
        self.read(self.graph.find(&path)).await.map_err(Skip::NotChecked)
    }

    /// The application permissions for Microsoft Graph that a service principal has been given.
    pub(in crate::doctor) async fn graph_permissions(&self, principal: &str) -> Result<Vec<String>, Skip> {
        let graph = self.principal(MICROSOFT_GRAPH).await.map_err(Skip::NotChecked)?;
        let graph = graph.ok_or_else(|| Skip::not_checked("the tenant has no Microsoft Graph"))?;
        let path = format!("/servicePrincipals/{}/appRoleAssignments?$top=999", odata::segment(principal));
        let held: Vec<AppRoleAssignment> = self.list(&path).await?;
        let is_held = |id: &str| held.iter().any(|one| one.resource_id == graph.id && one.app_role_id == id);
        let roles = graph.app_roles.iter().filter(|role| is_held(&role.id));
        Ok(roles.filter_map(|role| role.value.clone()).collect())
    }

    /// The enterprise application of an app; `None` when the tenant has none.
    pub(in crate::doctor) async fn find_principal(
        &self,
        app_id: &str,
    ) -> Result<Option<ServicePrincipal>, Skip> {
        self.principal(app_id).await.map_err(Skip::NotChecked)
    }

    /// The consents of one enterprise application for another.
    pub(in crate::doctor) async fn grants_for(
        &self,
        client: &str,
        resource: &str,
    ) -> Result<Vec<PermissionGrant>, Skip> {
        let filter = odata::equals(&[("clientId", client), ("resourceId", resource)]);
        self.list(&format!("/oauth2PermissionGrants?{filter}")).await
    }

    /// The consents of this client for this API.
    pub(in crate::doctor) async fn grants(&self) -> Result<Vec<PermissionGrant>, Skip> {
        let api = self.api_principal().await?;
        let client = self.find_signer_principal().await?;
        let client =
            client.ok_or_else(|| Skip::not_checked("the client app has no enterprise application"))?;
        self.grants_for(&client.id, &api.id).await
    }

    /// Whose tokens count as credentials of an app.
    pub(in crate::doctor) async fn federated(
        &self,
        app: &Application,
    ) -> Result<Vec<FederatedCredential>, Skip> {
        self.list(&format!("/applications/{}/federatedIdentityCredentials", odata::segment(&app.id))).await
    }

    /// The tenant's domains.
    pub(in crate::doctor) async fn domains(&self) -> Result<Vec<Domain>, Skip> {
        self.list(Domain::ALL).await
    }

    /// Names of the Conditional Access policies that are in force.
    pub(in crate::doctor) async fn conditional_access(&self) -> Result<Vec<String>, Skip> {
        let policies: Vec<Value> = self.list("/identity/conditionalAccess/policies").await?;
        let in_force = policies.iter().filter(|policy| policy["state"] == "enabled");
        Ok(in_force.filter_map(|policy| policy["displayName"].as_str().map(str::to_owned)).collect())
    }

    /// What members may do.
    pub(in crate::doctor) async fn policy(&self) -> Result<AuthorizationPolicy, Skip> {
        self.read(self.graph.get(AuthorizationPolicy::PATH)).await.map_err(Skip::NotChecked)
    }

    async fn list<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Skip> {
        self.read(self.graph.list(path)).await.map_err(Skip::NotChecked)
    }
}
