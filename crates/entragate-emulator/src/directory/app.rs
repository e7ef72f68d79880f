//! An app registration together with its service principal.

use serde::{Deserialize, Serialize};

use super::FederatedCredential;

/// Serde's question whether a member may be left out.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// An app registration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Application (client) id, a GUID.
    pub id: String,
    /// Short unique name.
    pub name: String,
    /// What consent pages and error texts call the app.
    pub display_name: String,
    /// The home tenant.
    pub tenant: String,
    /// Who may sign in.
    #[serde(default, skip_serializing_if = "is_default")]
    pub audience: Audience,
    /// Application ID URIs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub identifier_uris: Vec<String>,
    /// `requestedAccessTokenVersion`: the resource decides which tokens it gets.
    #[serde(default = "one")]
    pub token_version: u8,
    /// `groupMembershipClaims`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub group_claims: GroupClaims,
    /// `appRoleAssignmentRequired`: AADSTS50105 and AADSTS501051 for everybody else.
    #[serde(default, skip_serializing_if = "is_default")]
    pub assignment_required: bool,
    /// `isFallbackPublicClient`: decides for flows without a redirect URI.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fallback_public_client: bool,
    /// `enableIdTokenIssuance`: allows `id_token` from `/authorize`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub implicit_id_tokens: bool,
    /// Names of optional claims of the access token; `use_guid` is the property of `aud`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optional_claims: Vec<String>,
    /// Redirect URIs of platform Web.
    #[serde(default, skip_serializing_if = "is_default")]
    pub web_redirect_uris: Vec<String>,
    /// Redirect URIs of platform Single-page application.
    #[serde(default, skip_serializing_if = "is_default")]
    pub spa_redirect_uris: Vec<String>,
    /// Redirect URIs of platform Mobile and desktop.
    #[serde(default, skip_serializing_if = "is_default")]
    pub public_redirect_uris: Vec<String>,
    /// Exposed delegated permissions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scopes: Vec<Scope>,
    /// App roles.
    #[serde(default, skip_serializing_if = "is_default")]
    pub roles: Vec<Role>,
    /// Who is assigned to the app, with which role.
    #[serde(default, skip_serializing_if = "is_default")]
    pub assignments: Vec<Assignment>,
    /// Client secrets.
    #[serde(default, skip_serializing_if = "is_default")]
    pub secrets: Vec<Secret>,
    /// Certificates in PEM whose keys sign client assertions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub certificates: Vec<String>,
    /// Whose tokens count as this app's client assertions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub federated_credentials: Vec<FederatedCredential>,
    /// `requiredResourceAccess`: what `.default` asks for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub required_access: Vec<Access>,
    /// What an administrator consented to for everybody.
    #[serde(default, skip_serializing_if = "is_default")]
    pub admin_consent: Vec<Access>,
    /// On an API: clients that need no consent for these scopes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub preauthorized: Vec<Access>,
}

fn one() -> u8 {
    1
}

impl App {
    pub(crate) fn has_optional_claim(&self, name: &str) -> bool {
        self.optional_claims.iter().any(|claim| claim == name)
    }

    pub(crate) fn scope(&self, value: &str) -> Option<&Scope> {
        self.scopes.iter().find(|scope| scope.value == value && !scope.disabled)
    }

    /// The assignments of another app on this one.
    pub(crate) fn assignments_of_app(&self, client: &Self) -> Vec<&Assignment> {
        let named = |assignment: &&Assignment| [&client.name, &client.id].contains(&&assignment.principal);
        self.assignments.iter().filter(named).collect()
    }

    /// Object id of the service principal.
    pub(crate) fn principal_id(&self) -> String {
        crate::guid::derived(&format!("service principal {}", self.id))
    }
}

/// `signInAudience`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Single tenant: AADSTS50194 on `/common`.
    #[default]
    MyOrg,
    /// Any work or school tenant.
    MultipleOrgs,
}

/// `groupMembershipClaims`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupClaims {
    /// No group claims.
    #[default]
    None,
    /// Security groups in `groups`, overage beyond 200.
    SecurityGroup,
}

/// A delegated permission.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// What appears in `scp`.
    pub value: String,
    /// Type Admin: users cannot consent, AADSTS90094.
    #[serde(default, skip_serializing_if = "is_default")]
    pub admin_only: bool,
    /// `isEnabled: false`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub disabled: bool,
}

/// An app role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// What appears in `roles`.
    pub value: String,
    /// Who can hold it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub members: Principals,
}

/// `allowedMemberTypes` of an app role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Principals {
    /// Users and groups.
    #[default]
    User,
    /// Applications.
    Application,
    /// Both.
    Both,
}

/// An app role assignment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// A user, a group or an app, by name.
    pub principal: String,
    /// The role's value; none is default access.
    #[serde(default, skip_serializing_if = "is_default")]
    pub role: Option<String>,
}

/// A client secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// The secret itself: everything here is a fixture.
    pub value: String,
    /// Past its end date: AADSTS7000222.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expired: bool,
}

/// Scopes of, or for, another app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// The other app, by name or id.
    pub app: String,
    /// Scope values.
    pub scopes: Vec<String>,
}
