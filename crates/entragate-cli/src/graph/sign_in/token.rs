//! A token for Graph. Its claims are read without being verified, which nobody but Graph can: they serve to notice
//! the wrong tenant before anything is written there, and to say who asks.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entragate::{Secret, is_invisible};
use serde::Deserialize;

use super::error::SignInError;

/// What a token says about whoever has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// The tenant.
    pub tid: Option<String>,
    /// Permissions that a person has lent to an application.
    pub scp: Option<String>,
    /// Permissions of an application.
    pub roles: Vec<String>,
    /// The object id of the person or the service principal.
    pub oid: Option<String>,
    /// The person, in v1 tokens, which Graph's are.
    pub unique_name: Option<String>,
    /// The same.
    pub upn: Option<String>,
    /// The person, in v2 tokens.
    pub preferred_username: Option<String>,
    /// The application.
    pub appid: Option<String>,
    /// Its name.
    pub app_displayname: Option<String>,
}

/// A token for Graph.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The token itself.
    pub secret: Secret,
    /// What it says; nothing if it cannot be read.
    pub claims: Claims,
}

impl AccessToken {
    /// Reads the token and refuses another tenant's.
    pub(super) fn for_tenant(secret: Secret, tenant: &str) -> Result<Self, SignInError> {
        let claims = claims(secret.expose()).unwrap_or_default();
        match &claims.tid {
            Some(tid) if !tid.eq_ignore_ascii_case(tenant) => {
                Err(SignInError::OtherTenant { found: printable(tid), wanted: tenant.to_owned() })
            }
            _ => Ok(Self { secret, claims }),
        }
    }

    /// Who asks, for messages.
    pub fn who(&self) -> String {
        let Claims { unique_name, upn, preferred_username, app_displayname, appid, .. } = &self.claims;
        let name = upn.as_ref().or(unique_name.as_ref()).or(preferred_username.as_ref());
        match (name, app_displayname.as_ref().or(appid.as_ref())) {
            (Some(name), _) => printable(name),
            (None, Some(app)) => format!("the application {}", printable(app)),
            (None, None) => "somebody".to_owned(),
        }
    }

    /// The permissions that the token carries; empty when they are not known.
    pub fn permissions(&self) -> Vec<&str> {
        let lent = self.claims.scp.as_deref().unwrap_or_default().split_ascii_whitespace();
        lent.chain(self.claims.roles.iter().map(String::as_str)).collect()
    }
}

fn claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "11111111-1111-1111-1111-111111111111";

    fn token(claims: &str) -> Secret {
        Secret::new(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)))
    }

    #[test]
    fn a_token_of_another_tenant_is_refused() {
        let other = token(r#"{"tid":"22222222-2222-2222-2222-222222222222"}"#);
        let error = AccessToken::for_tenant(other, TENANT).unwrap_err();
        assert!(matches!(error, SignInError::OtherTenant { .. }), "{error}");
    }

    #[test]
    fn a_token_says_who_and_with_which_permissions() {
        let read = |claims: &str| AccessToken::for_tenant(token(claims), TENANT).unwrap();
        let person =
            read(&format!(r#"{{"tid":"{TENANT}","upn":"alice@contoso.test","scp":"A B","appid":"x"}}"#));
        assert_eq!((person.who().as_str(), person.permissions()), ("alice@contoso.test", vec!["A", "B"]));
        let app = read(r#"{"appid":"x","roles":["C"]}"#);
        assert_eq!((app.who().as_str(), app.permissions()), ("the application x", vec!["C"]));
        // Graph's tokens are opaque in principle.
        let opaque = AccessToken::for_tenant(Secret::new("EwBwA8l6BAAU"), TENANT).unwrap();
        assert_eq!(opaque.who(), "somebody");
    }

    #[test]
    fn debug_does_not_tell_the_token() {
        let token = AccessToken::for_tenant(Secret::new("hunter2"), TENANT).unwrap();
        assert!(!format!("{token:?}").contains("hunter2"));
    }
}
