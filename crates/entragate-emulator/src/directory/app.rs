//! An app registration together with its service principal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Access, Assignment, FederatedCredential, KeyCredential, Role, Scope, Secret, ServicePrincipal};
use crate::guid;

/// Serde's question whether a member may be left out.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// An app registration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a directory object, named in TOML")]
pub struct App {
    /// Application (client) id, a GUID.
    pub id: String,
    /// Short unique name.
    pub name: String,
    /// What consent pages and error texts call the app.
    pub display_name: String,
    /// The home tenant.
    pub tenant: String,
    /// Object id of the registration, a GUID; made from the app's id where it is not given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub object_id: Option<String>,
    /// `uniqueName`: the key that whoever registered the app chose.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unique_name: Option<String>,
    /// The app is somebody else's, a GUID of the organisation (Microsoft's is [`App::MICROSOFT`]): the directory has only
    /// its service principal.
    #[serde(default, skip_serializing_if = "is_default")]
    pub owner_organization: Option<String>,
    /// The service principal.
    #[serde(default, skip_serializing_if = "is_default")]
    pub service_principal: ServicePrincipal,
    /// Owners of the registration: users and apps by name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub owners: Vec<String>,
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
    /// `enableAccessTokenIssuance`: only remembered, the endpoint for it is gone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub implicit_access_tokens: bool,
    /// Names of optional claims of the access token; `use_guid` is the property of `aud`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optional_claims: Vec<String>,
    /// Names of optional claims of the ID token: only remembered.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optional_id_claims: Vec<String>,
    /// `tokenEncryptionKeyId`: only remembered, tokens stay readable.
    #[serde(default, skip_serializing_if = "is_default")]
    pub token_encryption_key: Option<String>,
    /// `tags`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tags: Vec<String>,
    /// `notes`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub notes: Option<String>,
    /// `createdDateTime`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub created: Option<String>,
    /// Further properties of Microsoft Graph that are only stored, as JSON texts by name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stored: BTreeMap<String, String>,
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
    /// Certificates whose keys sign client assertions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub certificates: Vec<KeyCredential>,
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
    /// `knownClientApplications`: ids of clients whose consent covers this API's own permissions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub known_clients: Vec<String>,
}

fn one() -> u8 {
    1
}

impl App {
    /// The organisation that Microsoft's own apps belong to.
    pub const MICROSOFT: &'static str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

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
        let derived = || guid::derived(&format!("service principal {}", self.id));
        self.service_principal.object_id.clone().unwrap_or_else(derived)
    }

    /// Object id of the registration.
    pub(crate) fn registration_id(&self) -> String {
        let derived = || guid::derived(&format!("application {}", self.id));
        self.object_id.clone().unwrap_or_else(derived)
    }

    pub(crate) fn scope_id(&self, scope: &Scope) -> String {
        let derived = || guid::derived(&format!("scope {} of {}", scope.value, self.id));
        scope.id.clone().unwrap_or_else(derived)
    }

    pub(crate) fn role_id(&self, role: &Role) -> String {
        let derived = || guid::derived(&format!("role {} of {}", role.value, self.id));
        role.id.clone().unwrap_or_else(derived)
    }

    /// Of scopes and roles.
    pub(crate) fn permission_ids(&self) -> Vec<String> {
        let scopes = self.scopes.iter().map(|scope| self.scope_id(scope));
        scopes.chain(self.roles.iter().map(|role| self.role_id(role))).collect()
    }

    pub(crate) fn secret_id(&self, secret: &Secret) -> String {
        let derived = || guid::derived(&format!("secret {} of {}", secret.value, self.id));
        secret.id.clone().unwrap_or_else(derived)
    }

    pub(crate) fn certificate_id(&self, credential: &KeyCredential) -> String {
        let derived = || guid::derived(&format!("certificate {} of {}", credential.pem.trim(), self.id));
        credential.id.clone().unwrap_or_else(derived)
    }

    pub(crate) fn federated_id(&self, credential: &FederatedCredential) -> String {
        let derived = || guid::derived(&format!("federated credential {} of {}", credential.name, self.id));
        credential.id.clone().unwrap_or_else(derived)
    }

    /// Whether the text is its id, in any case, or its name.
    pub(crate) fn is_called(&self, id_or_name: &str) -> bool {
        self.id.eq_ignore_ascii_case(id_or_name) || self.name == id_or_name
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
    /// That, and personal accounts, which this emulator has none of.
    MultipleOrgsAndPersonal,
}

impl Audience {
    pub(crate) fn is_multi_tenant(self) -> bool {
        self != Self::MyOrg
    }
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
    /// Only groups assigned to the app.
    ApplicationGroup,
    /// Everything there is; here, the same as security groups.
    All,
}
