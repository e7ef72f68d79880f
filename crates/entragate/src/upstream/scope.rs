//! The scope of a token in the caller's name: permissions of one API.

use std::fmt;
use std::sync::Arc;

/// Why a scope cannot be asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DelegatedScopeError {
    /// Nothing in it.
    #[error("there is no scope")]
    Empty,
    /// Characters that no scope has (RFC 6749 §3.3).
    #[error("`{0}` is not a scope")]
    Malformed(String),
    /// Not an API's permission.
    #[error("`{0}` brings tokens that nobody would use: leave it out")]
    OpenId(String),
    /// A token is for one API (AADSTS28000).
    #[error("`{0}` and `{1}` are permissions of two APIs, and a token is for one")]
    TwoApis(String, String),
    /// `.default` stands for everything that was consented to (AADSTS70011 with others beside it).
    #[error("`.default` stands alone, without further scopes")]
    Default,
}

/// Microsoft Graph, which scopes without a resource belong to.
const GRAPH: &str = "https://graph.microsoft.com";
const OPEN_ID: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Delegated permissions of one API, such as `https://graph.microsoft.com/User.Read`. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DelegatedScope(Arc<str>);

impl DelegatedScope {
    /// Scopes of one API, qualified with its Application ID URI or its id; those of Microsoft Graph may be short.
    pub fn new<I: IntoIterator<Item = S>, S: AsRef<str>>(scopes: I) -> Result<Self, DelegatedScopeError> {
        let mut all: Vec<String> = Vec::new();
        for scope in scopes {
            let scope = scope.as_ref().trim();
            let is_scope_token = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            if scope.is_empty() || !scope.bytes().all(is_scope_token) {
                return Err(DelegatedScopeError::Malformed(scope.to_owned()));
            }
            if OPEN_ID.iter().any(|name| scope.eq_ignore_ascii_case(name)) {
                return Err(DelegatedScopeError::OpenId(scope.to_owned()));
            }
            if let Some(first) = all.first()
                && !api(first).eq_ignore_ascii_case(api(scope))
            {
                return Err(DelegatedScopeError::TwoApis(first.clone(), scope.to_owned()));
            }
            if !all.iter().any(|known| known == scope) {
                all.push(scope.to_owned());
            }
        }
        if all.is_empty() {
            return Err(DelegatedScopeError::Empty);
        }
        if all.len() > 1 && all.iter().any(|scope| scope.ends_with("/.default") || scope == ".default") {
            return Err(DelegatedScopeError::Default);
        }
        Ok(Self(all.join(" ").into()))
    }

    /// As Entra is asked for it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The API, as its scopes name it.
    pub fn api(&self) -> &str {
        api(self.0.split(' ').next().unwrap_or_default())
    }

    /// The permissions by their short names.
    pub fn permissions(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').map(|scope| scope.rsplit_once('/').map_or(scope, |(_, name)| name))
    }
}

fn api(scope: &str) -> &str {
    scope.rsplit_once('/').map_or(GRAPH, |(api, _)| api)
}

impl fmt::Display for DelegatedScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(scopes: &[&str]) -> Result<DelegatedScope, DelegatedScopeError> {
        DelegatedScope::new(scopes)
    }

    #[test]
    fn permissions_of_one_api_are_a_scope() {
        let scope = of(&["https://graph.microsoft.com/User.Read", "Mail.Read"]).unwrap();
        assert_eq!(scope.as_str(), "https://graph.microsoft.com/User.Read Mail.Read");
        assert_eq!(
            (scope.api(), scope.permissions().collect::<Vec<_>>()),
            (GRAPH, vec!["User.Read", "Mail.Read"])
        );
        assert_eq!(of(&["api://x/.default"]).unwrap().api(), "api://x");
    }

    #[test]
    fn what_entra_would_refuse_is_refused_before() {
        assert_eq!(of(&[]), Err(DelegatedScopeError::Empty));
        assert_eq!(of(&["a b"]), Err(DelegatedScopeError::Malformed("a b".into())));
        assert_eq!(
            of(&["User.Read", "Offline_Access"]),
            Err(DelegatedScopeError::OpenId("Offline_Access".into()))
        );
        assert_eq!(
            of(&["User.Read", "api://x/access"]),
            Err(DelegatedScopeError::TwoApis("User.Read".into(), "api://x/access".into()))
        );
        assert_eq!(of(&["api://x/.default", "api://x/access"]), Err(DelegatedScopeError::Default));
    }
}
