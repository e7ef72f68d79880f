//! The payload of an Entra access token, typed: a claim of the wrong type refuses the token instead of
//! counting as absent (the class of CVE-2026-25537).

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Claims of v1 and v2 access tokens ([Microsoft: access token claims]). Unknown claims are ignored, as
/// Microsoft asks.
///
/// [Microsoft: access token claims]: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) aud: Audience,
    pub(crate) exp: u64,
    pub(crate) nbf: u64,
    pub(crate) iat: Option<u64>,
    pub(crate) tid: Option<String>,
    /// Whether a claim differs from it in case only.
    #[serde(
        default,
        rename = "TID",
        alias = "TId",
        alias = "TiD",
        alias = "Tid",
        alias = "tID",
        alias = "tId",
        alias = "tiD",
        deserialize_with = "is_there"
    )]
    pub(crate) has_misspelt_tid: bool,
    pub(crate) oid: Option<String>,
    pub(crate) azp: Option<String>,
    pub(crate) appid: Option<String>,
    pub(crate) scp: Option<String>,
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    #[serde(default)]
    pub(crate) groups: Vec<String>,
    #[serde(rename = "_claim_names")]
    claim_names: Option<ClaimNames>,
    pub(crate) hasgroups: Option<bool>,
    pub(crate) idtyp: Option<String>,
    pub(crate) preferred_username: Option<String>,
    pub(crate) upn: Option<String>,
    pub(crate) unique_name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) uti: Option<String>,
    xms_par_app_azp: Option<Value>,
    xms_act_fct: Option<Value>,
    xms_sub_fct: Option<Value>,
    nonce: Option<IgnoredAny>,
    at_hash: Option<IgnoredAny>,
    c_hash: Option<IgnoredAny>,
}

/// Whatever it is.
fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[derive(Debug, Deserialize)]
struct ClaimNames {
    groups: Option<IgnoredAny>,
}

/// `aud`: Entra writes a string; an array is valid JWT (RFC 7519 §4.1.3) and tolerated.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(one) => std::slice::from_ref(one).iter().map(String::as_str),
            Self::Many(many) => many.iter().map(String::as_str),
        }
    }

    pub(crate) fn names_graph(&self) -> bool {
        const GRAPH: [&str; 3] = [
            "00000003-0000-0000-c000-000000000000",
            "https://graph.microsoft.com",
            "https://graph.microsoft.com/",
        ];
        self.iter().any(|aud| GRAPH.contains(&aud))
    }
}

impl Claims {
    /// The client app: `azp` in v2, `appid` in v1. ID tokens have neither.
    pub(crate) fn client(&self) -> Option<&str> {
        self.azp.as_deref().or(self.appid.as_deref()).filter(|client| !client.is_empty())
    }

    /// Claims that only an ID token has.
    pub(crate) fn looks_like_id_token(&self) -> bool {
        self.nonce.is_some() || self.at_hash.is_some() || self.c_hash.is_some()
    }

    /// Delegated scopes. Agent identities carry `"/"` in app-only tokens, which is not a scope.
    pub(crate) fn scopes(&self) -> Vec<String> {
        let scp = self.scp.as_deref().unwrap_or_default();
        scp.split(' ').filter(|scope| !scope.is_empty() && *scope != "/").map(str::to_owned).collect()
    }

    /// More than 200 groups: Entra leaves them out and names Graph instead.
    pub(crate) fn has_group_overage(&self) -> bool {
        self.claim_names.as_ref().is_some_and(|names| names.groups.is_some()) || self.hasgroups == Some(true)
    }

    /// The blueprint app of an agent identity ([Microsoft: agent token claims]): to be logged, never authorised on.
    ///
    /// [Microsoft: agent token claims]: https://learn.microsoft.com/entra/agent-id/identity-platform/agent-token-claims
    pub(crate) fn agent_blueprint(&self) -> Option<&str> {
        self.xms_par_app_azp.as_ref().and_then(Value::as_str).filter(|id| !id.is_empty())
    }

    /// What kind of agent identity this is, if it is one: facets are numbers separated by spaces, in any order.
    pub(crate) fn agent(&self) -> Option<&'static str> {
        let has = |claim: &Option<Value>, facet: &str| {
            claim.as_ref().and_then(Value::as_str).is_some_and(|all| all.split(' ').any(|one| one == facet))
        };
        if has(&self.xms_sub_fct, "13") {
            Some("an agent's user account")
        } else if has(&self.xms_sub_fct, "11") {
            Some("an agent in its own name")
        } else if has(&self.xms_act_fct, "11") || self.agent_blueprint().is_some() {
            Some("an agent")
        } else {
            None
        }
    }

    /// A name to show. v1 tokens say `upn` or `unique_name`, v2 tokens `preferred_username`.
    pub(crate) fn username(&self) -> Option<&str> {
        self.preferred_username.as_deref().or(self.upn.as_deref()).or(self.unique_name.as_deref())
    }
}
