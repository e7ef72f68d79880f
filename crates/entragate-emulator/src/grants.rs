//! What a sign-in leaves behind: sessions, codes, refresh tokens, device codes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::authority::Authority;
use crate::scope::ScopeRequest;

/// The platform of the redirect URI, which decides whether the client is public (and is inherited by refresh tokens).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Platform {
    Web,
    Spa,
    Public,
}

/// A user's agreement that a client may act: carried by the code, then by every refresh token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grant {
    /// The tenant signed in to.
    pub(crate) tenant: String,
    pub(crate) client: String,
    pub(crate) platform: Platform,
    pub(crate) oid: String,
    pub(crate) scope: ScopeRequest,
    pub(crate) nonce: Option<String>,
    pub(crate) claims: ClaimsRequest,
    pub(crate) mfa: bool,
    pub(crate) session: String,
    pub(crate) signed_in_at: u64,
    /// The user was revoked afterwards: AADSTS50173.
    pub(crate) revoked: bool,
}

/// What of the `claims` parameter changes a token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimsRequest {
    /// Authentication contexts.
    pub(crate) acrs: Vec<String>,
    /// Client capabilities.
    pub(crate) capabilities: Vec<String>,
}

impl ClaimsRequest {
    /// Reads the parameter; `None` if it is not a JSON object.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(text).ok()?;
        let wanted = json.as_object()?.get("access_token");
        let values = |name: &str| -> Vec<String> {
            let request = wanted.and_then(|claims| claims.get(name));
            let one = request.and_then(|request| request.get("value")).into_iter();
            let many = request.and_then(|request| request.get("values")).and_then(Value::as_array);
            one.chain(many.into_iter().flatten()).filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Some(Self { acrs: values("acrs"), capabilities: values("xms_cc") })
    }

    /// These requests and those.
    pub(crate) fn merged(&self, other: Self) -> Self {
        let join = |old: &[String], new: Vec<String>| {
            let mut all = old.to_vec();
            all.extend(new.into_iter().filter(|value| !old.contains(value)));
            all
        };
        Self {
            acrs: join(&self.acrs, other.acrs),
            capabilities: join(&self.capabilities, other.capabilities),
        }
    }
}

/// A browser session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) oid: String,
    /// `session_state`.
    pub(crate) id: String,
    pub(crate) mfa: bool,
    pub(crate) started_at: u64,
}

/// An authorization code.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    /// The path the code was issued on: it must be redeemed there, AADSTS700005.
    pub(crate) authority: Authority,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) issued_at: u64,
    pub(crate) redeemed: bool,
}

/// A PKCE challenge.
#[derive(Debug, Clone)]
pub(crate) enum Challenge {
    Plain(String),
    S256(String),
}

/// A refresh token. Entra never uses one up: the old one goes on working beside its successors.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshToken {
    pub(crate) grant: Grant,
    pub(crate) issued_at: u64,
    pub(crate) last_used: u64,
    /// For single-page apps, the end of the whole chain: AADSTS700084.
    pub(crate) ends_at: Option<u64>,
}

/// A device code.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) user_code: String,
    pub(crate) client: String,
    pub(crate) authority: Authority,
    pub(crate) scope: ScopeRequest,
    pub(crate) issued_at: u64,
    pub(crate) state: DeviceState,
}

/// How far a device sign-in has come.
#[derive(Debug, Clone)]
pub(crate) enum DeviceState {
    Pending,
    Declined,
    Approved(Session),
    Redeemed,
}

#[cfg(test)]
mod tests {
    use super::ClaimsRequest;

    #[test]
    fn claims_requests_are_read_in_both_forms() {
        let text = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"},"xms_cc":{"values":["cp1"]},"x":null}}"#;
        let claims = ClaimsRequest::parse(text).expect("an object");
        assert_eq!((claims.acrs, claims.capabilities), (vec!["c1".to_owned()], vec!["cp1".to_owned()]));
        assert_eq!(ClaimsRequest::parse("{}"), Some(ClaimsRequest::default()));
        assert_eq!([ClaimsRequest::parse("[]"), ClaimsRequest::parse("{")], [None, None]);
    }
}
