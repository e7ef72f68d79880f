//! What is to be there when setup is done: pure data, made from the options alone, without asking anybody.
//!
//! - relay: the seed's two registrations. The API app has roles and exposes a scope; the public client app is what MCP
//!   clients sign in with, and has their redirect URIs.
//! - broker: one registration that is API and confidential client, with the gateway's callback as its only redirect URI; or
//!   the API app, and a confidential client that was named for sign-in.
//!
//! Templates (Bicep, Terraform) are written from here; scripts are written from the plan, which also knows what is
//! there already.

use serde::{Deserialize, Serialize};

use super::ids::permission_id;
use super::slot::{Slot, unknown_in};
use crate::graph::GRAPH_APP_ID;

/// The tag of every registration that setup makes: what has it may be changed and, by teardown, removed.
pub const TAG: &str = "entragate-setup";

/// Delegated permissions of Microsoft Graph with which the gateway signs people in: the OpenID Connect scopes that it
/// always asks for. Their ids are the same in every cloud.
pub const SIGN_IN_SCOPES: [(&str, &str); 3] = [
    ("openid", "37f7f235-527c-4136-accd-4a02d197296e"),
    ("profile", "14dad69e-099b-42c9-810b-d002981feec1"),
    ("offline_access", "7427e0e9-2fba-42fe-b0c0-848c9e6a8182"),
];

/// How people are to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The gateway is the authorization server; one registration
    #[default]
    Broker,
    /// Entra answers the clients itself; two registrations
    Relay,
}

impl Mode {
    /// Its name in `entragate.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Relay => "relay",
        }
    }

    /// The setting of the gateway that names a registration.
    pub const fn setting(self, part: Part) -> &'static str {
        match (part, self) {
            (Part::Api, _) => "AZURE_CLIENT_ID",
            (Part::Client, Self::Relay) => "AZURE_MCP_CLIENT_ID",
            (Part::Client, Self::Broker) => "ENTRAGATE_BROKER_CLIENT_ID",
        }
    }
}

/// One of the registrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// What tokens are for; in broker mode also what signs people in.
    Api,
    /// Relay mode: what MCP clients sign in with. Broker mode: what the gateway does, where that is not the API app.
    Client,
}

impl Part {
    /// Its name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "API app",
            Self::Client => "client app",
        }
    }
}

/// The whole set-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wanted {
    /// How people are to sign in.
    pub mode: Mode,
    /// The gateway's public URL.
    pub base_url: String,
    /// The MCP server's URL as clients know it.
    pub mcp_url: String,
    /// The API app.
    pub api: WantedApp,
    /// The public client app of relay mode; in broker mode an app of its own for sign-in, if there is one.
    pub client: Option<WantedApp>,
    /// What the gateway authenticates itself with.
    pub credential: WantedCredential,
    /// Who gets which role.
    pub assignments: Vec<WantedAssignment>,
    /// Whether nobody else gets in.
    pub access: WantedAccess,
    /// What registrations that are there are called.
    pub name: WantedName,
    /// Which version access tokens have.
    pub tokens: WantedTokens,
    /// Callbacks of the chosen clients that the gateway does not allow by itself (broker mode).
    pub allowed_redirect_uris: Vec<String>,
    /// What the options could not settle, for the person who runs setup.
    pub remarks: Vec<String>,
}

/// One registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WantedApp {
    /// Which one.
    pub part: Part,
    /// Graph's alternate key, which cannot be changed: how setup finds it again.
    pub unique_name: String,
    /// The name that people see.
    pub display_name: String,
    /// Application ID URIs; may hold [`Slot`]s. They need the registration to exist, and v2 tokens.
    pub identifier_uris: Vec<String>,
    /// Exposed scopes.
    pub scopes: Vec<WantedScope>,
    /// Roles for people and groups.
    pub roles: Vec<WantedRole>,
    /// Redirect URIs on platform Web.
    pub web_redirect_uris: Vec<String>,
    /// Redirect URIs on platform "Mobile and desktop applications".
    pub public_redirect_uris: Vec<String>,
    /// Whether flows without redirect URI need no credential.
    pub fallback_public_client: bool,
    /// Delegated permissions that are listed.
    pub permissions: Vec<WantedPermissions>,
    /// Claims of access tokens beyond the usual ones.
    pub optional_claims: Vec<&'static str>,
}

/// An exposed scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WantedScope {
    /// Its id, if it does not exist yet.
    pub id: String,
    /// Its short name.
    pub value: String,
    /// The title on the consent page.
    pub title: String,
    /// The text on the consent page.
    pub description: String,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WantedRole {
    /// Its id, if it does not exist yet.
    pub id: String,
    /// Its value, which is also its name.
    pub value: String,
    /// What it is for.
    pub description: String,
}

/// Delegated permissions on one API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WantedPermissions {
    /// Which API.
    pub resource: Resource,
    /// Short names of scopes with their ids.
    pub scopes: Vec<(String, String)>,
}

/// An API that permissions are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Resource {
    /// Our API app.
    Api,
    /// Microsoft Graph.
    Graph,
}

impl Resource {
    /// The API's application id, or its placeholder.
    pub fn app_id(self) -> String {
        match self {
            Self::Api => Slot::ApiAppId.placeholder(),
            Self::Graph => GRAPH_APP_ID.to_owned(),
        }
    }

    /// The slot of the API's service principal.
    pub const fn principal(self) -> Slot {
        match self {
            Self::Api => Slot::ApiPrincipalId,
            Self::Graph => Slot::GraphPrincipalId,
        }
    }

    /// Its name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "the API app",
            Self::Graph => "Microsoft Graph",
        }
    }
}

/// What the gateway authenticates itself with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum WantedCredential {
    /// Nothing: relay mode needs none.
    None,
    /// A client secret, made when the plan is applied.
    Secret {
        /// How long it is good.
        days: u32,
    },
    /// A certificate that the operator has.
    Certificate {
        /// The PEM file with certificate and key, as `entragate.toml` names it.
        file: String,
        /// The certificate, base64 of DER.
        certificate: String,
        /// Its thumbprint, the SHA-1 in hexadecimal: how Entra tells certificates apart.
        thumbprint: String,
    },
    /// Tokens of another issuer.
    Federated(WantedFederation),
}

/// A federated identity credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WantedFederation {
    /// `iss`, letter by letter.
    pub issuer: String,
    /// `sub`, letter by letter.
    pub subject: String,
    /// `aud`.
    pub audience: String,
}

/// Somebody with a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WantedAssignment {
    /// A sign-in name, or `group:` and the object id of a group.
    pub who: String,
    /// The value of the role.
    pub role: String,
}

/// Who gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WantedAccess {
    /// As the tenant has it; Entra's default is everybody.
    AsItIs,
    /// Only who is assigned (AADSTS50105).
    AssignedOnly,
}

/// What a registration that is there is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WantedName {
    /// As it is: nobody named it.
    AsItIs,
    /// As the options say, if setup made it.
    Given,
}

/// The version of access tokens, which the API app decides. The gateway takes both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WantedTokens {
    /// Version 2, but an adopted registration keeps its own: others rely on `iss` and `aud`.
    AsAdopted,
    /// Version 2.
    Version2,
}

impl Wanted {
    /// The registrations, the API app first.
    pub fn apps(&self) -> impl Iterator<Item = &WantedApp> {
        std::iter::once(&self.api).chain(&self.client)
    }

    /// The registration whose credential the gateway has: in relay mode only the API app can have one.
    pub fn authenticated(&self) -> Part {
        match self.mode {
            Mode::Broker => self.signing_in().part,
            Mode::Relay => Part::Api,
        }
    }

    /// The registration that people sign in with.
    pub fn signing_in(&self) -> &WantedApp {
        self.client.as_ref().unwrap_or(&self.api)
    }
}

impl WantedApp {
    /// A registration of this name without anything.
    pub(super) fn new(part: Part, unique_name: String, display_name: String) -> Self {
        Self {
            part,
            unique_name,
            display_name,
            identifier_uris: Vec::new(),
            scopes: Vec::new(),
            roles: Vec::new(),
            web_redirect_uris: Vec::new(),
            public_redirect_uris: Vec::new(),
            fallback_public_client: false,
            permissions: Vec::new(),
            optional_claims: Vec::new(),
        }
    }

    /// Application ID URIs beside the one with the client id.
    pub(super) fn named_uris(&self) -> impl Iterator<Item = &String> {
        self.identifier_uris.iter().filter(|uri| unknown_in(uri).is_empty())
    }

    /// An exposed scope for everybody.
    pub(super) fn scope(&self, value: &str) -> WantedScope {
        WantedScope {
            id: permission_id(&self.unique_name, "scope", value),
            value: value.to_owned(),
            title: "Use the MCP server".to_owned(),
            description: "Use the tools of the MCP server in your name.".to_owned(),
        }
    }

    /// A role for people and groups.
    pub(super) fn role(&self, value: &str) -> WantedRole {
        WantedRole {
            id: permission_id(&self.unique_name, "role", value),
            value: value.to_owned(),
            description: format!("{value} of the MCP server"),
        }
    }
}

/// The permissions that the gateway signs people in with.
pub(super) fn sign_in_permissions() -> WantedPermissions {
    let scopes = SIGN_IN_SCOPES.iter().map(|(name, id)| ((*name).to_owned(), (*id).to_owned())).collect();
    WantedPermissions { resource: Resource::Graph, scopes }
}
