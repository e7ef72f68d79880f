//! `application`: an app registration.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::null::or_default;
use super::{
    AppRole, KeyCredential, PasswordCredential, PermissionScope, PreAuthorizedApplication,
    RequiredResourceAccess,
};

/// An app registration. Every member that it has is read: `$select` is [`Application::SELECT`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Application {
    /// The object id, which Graph's URLs name.
    pub id: String,
    /// The application (client) id, which everybody else names.
    pub app_id: String,
    /// The name.
    pub display_name: Option<String>,
    /// A key of its maker's, which cannot be changed.
    pub unique_name: Option<String>,
    /// Whose accounts may sign in: `AzureADMyOrg` for those of this tenant.
    pub sign_in_audience: Option<String>,
    /// Application ID URIs.
    #[serde(deserialize_with = "or_default")]
    pub identifier_uris: Vec<String>,
    /// Words that its makers attach.
    #[serde(deserialize_with = "or_default")]
    pub tags: Vec<String>,
    /// Whether flows without redirect URI (device code) need no credential.
    pub is_fallback_public_client: Option<bool>,
    /// What it is as an API.
    #[serde(deserialize_with = "or_default")]
    pub api: Api,
    /// Roles.
    #[serde(deserialize_with = "or_default")]
    pub app_roles: Vec<AppRole>,
    /// Claims that tokens get beyond the usual ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional_claims: Option<Value>,
    /// Which groups tokens name.
    pub group_membership_claims: Option<String>,
    /// If set, access tokens are encrypted and cannot be read by a gateway.
    pub token_encryption_key_id: Option<String>,
    /// Platform Web.
    #[serde(deserialize_with = "or_default")]
    pub web: Web,
    /// Platform Single-page application.
    #[serde(deserialize_with = "or_default")]
    pub spa: RedirectUris,
    /// Platform Mobile and desktop applications.
    #[serde(deserialize_with = "or_default")]
    pub public_client: RedirectUris,
    /// Permissions that are listed.
    #[serde(deserialize_with = "or_default")]
    pub required_resource_access: Vec<RequiredResourceAccess>,
    /// Secrets.
    #[serde(deserialize_with = "or_default")]
    pub password_credentials: Vec<PasswordCredential>,
    /// Certificates.
    #[serde(deserialize_with = "or_default")]
    pub key_credentials: Vec<KeyCredential>,
}

impl Application {
    /// The members to ask for.
    pub const SELECT: &str = "$select=id,appId,displayName,uniqueName,signInAudience,identifierUris,tags,\
        isFallbackPublicClient,api,appRoles,optionalClaims,groupMembershipClaims,tokenEncryptionKeyId,web,spa,\
        publicClient,requiredResourceAccess,passwordCredentials,keyCredentials";

    /// The path of the app with this application id.
    pub fn path(app_id: &str) -> String {
        format!("/applications(appId={})?{}", crate::graph::odata::literal(app_id), Self::SELECT)
    }

    /// The exposed scope with this short name.
    pub fn scope(&self, value: &str) -> Option<&PermissionScope> {
        self.api.oauth2_permission_scopes.iter().find(|scope| scope.value.as_deref() == Some(value))
    }

    /// The role with this value.
    pub fn role(&self, value: &str) -> Option<&AppRole> {
        self.app_roles.iter().find(|role| role.value.as_deref() == Some(value))
    }
}

/// The API side of an application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Api {
    /// `2` for v2 tokens; `null` and `1` for v1.
    pub requested_access_token_version: Option<i64>,
    /// Exposed scopes.
    #[serde(deserialize_with = "or_default")]
    pub oauth2_permission_scopes: Vec<PermissionScope>,
    /// Clients that need no consent.
    #[serde(deserialize_with = "or_default")]
    pub pre_authorized_applications: Vec<PreAuthorizedApplication>,
    /// Clients whose consent includes this API's.
    #[serde(deserialize_with = "or_default")]
    pub known_client_applications: Vec<String>,
}

/// Platform Web.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Web {
    /// Redirect URIs, redeemed with a credential.
    #[serde(deserialize_with = "or_default")]
    pub redirect_uris: Vec<String>,
    /// Tokens straight from the authorization endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub implicit_grant_settings: Option<Value>,
}

/// One of the other platforms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RedirectUris {
    /// Redirect URIs.
    #[serde(deserialize_with = "or_default")]
    pub redirect_uris: Vec<String>,
}
