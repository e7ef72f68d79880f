//! The app registrations as the operator names them: tenant, API app, client app, cloud.

use std::fmt;

use url::Url;

use crate::base_url::is_loopback;

/// Why a setting that names something in Entra cannot be right.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrationError {
    /// Not a GUID.
    #[error("`{0}` is not a GUID such as 11111111-2222-3333-4444-555555555555")]
    NotGuid(String),
    /// Neither a GUID nor a domain name.
    #[error("`{0}` is neither a tenant GUID nor a verified domain such as contoso.onmicrosoft.com")]
    Tenant(String),
    /// `common`, `organizations`, `consumers`: their issuer is a template, so no single tenant is meant.
    #[error("`{0}` stands for many tenants, give the GUID of the one whose users may sign in")]
    ManyTenants(String),
    /// Not an absolute URL with a host and nothing but a host.
    #[error("`{0}` is not a host URL such as https://login.microsoftonline.com")]
    Authority(String),
    /// Tokens would travel in the clear.
    #[error("plain http is allowed on loopback only, `{0}` needs https")]
    PlainHttp(String),
    /// Not usable as an Application ID URI or as the name of an exposed scope.
    #[error("`{0}` is not {1}")]
    Scope(String, &'static str),
}

/// A tenant: its GUID (lower case) or one of its verified domains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantId(String);

impl TenantId {
    /// Parses `AZURE_TENANT_ID`.
    pub fn parse(text: &str) -> Result<Self, RegistrationError> {
        let lower = text.trim().to_ascii_lowercase();
        if matches!(lower.as_str(), "common" | "organizations" | "consumers") {
            return Err(RegistrationError::ManyTenants(lower));
        }
        let label = |part: &str| {
            !part.is_empty()
                && part.len() <= 63
                && !part.starts_with('-')
                && !part.ends_with('-')
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let is_domain = lower.contains('.') && lower.len() <= 253 && lower.split('.').all(label);
        if is_guid(&lower) || is_domain {
            Ok(Self(lower))
        } else {
            Err(RegistrationError::Tenant(text.to_owned()))
        }
    }

    /// The tenant as Entra's URLs name it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The GUID, when that is what was configured.
    pub fn as_guid(&self) -> Option<&str> {
        is_guid(&self.0).then_some(self.0.as_str())
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The application (client) id of an app registration, a GUID in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// Parses `AZURE_CLIENT_ID` or `AZURE_MCP_CLIENT_ID`.
    pub fn parse(text: &str) -> Result<Self, RegistrationError> {
        let lower = text.trim().to_ascii_lowercase();
        if is_guid(&lower) { Ok(Self(lower)) } else { Err(RegistrationError::NotGuid(text.to_owned())) }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What Entra gives a tenant, a user or a group: a GUID in lower case. Names can be taken over, this cannot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Guid(String);

impl Guid {
    /// Parses a tenant id or an object id.
    pub fn parse(text: &str) -> Result<Self, RegistrationError> {
        let lower = text.trim().to_ascii_lowercase();
        if is_guid(&lower) { Ok(Self(lower)) } else { Err(RegistrationError::NotGuid(text.to_owned())) }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `AZURE_AUTHORITY_HOST`: which cloud. Everything else about the cloud is read from its discovery document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityHost(String);

impl AuthorityHost {
    /// The worldwide public cloud.
    pub const PUBLIC: &str = "https://login.microsoftonline.com";

    /// Parses an authority host, e.g. `https://login.microsoftonline.us`, `https://login.partner.microsoftonline.cn`
    /// or `https://contoso.ciamlogin.com`.
    pub fn parse(text: &str) -> Result<Self, RegistrationError> {
        let text = text.trim().trim_end_matches('/');
        let bad = || RegistrationError::Authority(text.to_owned());
        let url = Url::parse(text).map_err(|_| bad())?;
        let host = url.host().ok_or_else(bad)?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            return Err(bad());
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            "http" => return Err(RegistrationError::PlainHttp(text.to_owned())),
            _ => return Err(bad()),
        }
        Ok(Self(url.origin().ascii_serialization()))
    }

    /// `https://host[:port]`, no trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is on this machine: an emulator.
    pub fn is_loopback(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| url.host().is_some_and(|host| is_loopback(&host)))
    }
}

impl Default for AuthorityHost {
    fn default() -> Self {
        Self(Self::PUBLIC.to_owned())
    }
}

/// The API app: what tokens are for. Its audiences are built from here, never typed as a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiApp {
    id: ClientId,
    identifier_uris: Vec<String>,
    scopes: Vec<String>,
}

impl ApiApp {
    /// An API app with the Application ID URI that the portal proposes, `api://{id}`, and the scope
    /// `.default`: every delegated permission that the client app was granted.
    pub fn new(id: ClientId) -> Self {
        let default_uri = format!("api://{id}");
        Self { id, identifier_uris: vec![default_uri], scopes: Vec::new() }
    }

    /// Adds Application ID URIs of the registration; the first one given qualifies scopes.
    pub fn with_identifier_uris<I: IntoIterator<Item = S>, S: Into<String>>(
        mut self,
        uris: I,
    ) -> Result<Self, RegistrationError> {
        let mut all = Vec::new();
        for uri in uris {
            let uri = uri.into();
            if !Url::parse(&uri).is_ok_and(|parsed| parsed.has_host())
                || uri.ends_with('/')
                || has_space(&uri)
            {
                return Err(RegistrationError::Scope(
                    uri,
                    "an Application ID URI such as api://{client id} (no trailing slash)",
                ));
            }
            all.push(uri);
        }
        let default_uri = format!("api://{}", self.id);
        if !all.contains(&default_uri) {
            all.push(default_uri);
        }
        self.identifier_uris = all;
        Ok(self)
    }

    /// The exposed scopes that every client needs, by their short name (`access`).
    pub fn with_scopes<I: IntoIterator<Item = S>, S: Into<String>>(
        mut self,
        scopes: I,
    ) -> Result<Self, RegistrationError> {
        self.scopes.clear();
        for scope in scopes {
            let scope = scope.into();
            if scope.is_empty() || has_space(&scope) || scope.contains('/') || scope.starts_with('.') {
                return Err(RegistrationError::Scope(
                    scope,
                    "the short name of an exposed scope, such as access",
                ));
            }
            if !self.scopes.contains(&scope) {
                self.scopes.push(scope);
            }
        }
        Ok(self)
    }

    /// The application (client) id.
    pub fn id(&self) -> &ClientId {
        &self.id
    }

    /// The Application ID URI that qualifies scopes.
    pub fn identifier_uri(&self) -> &str {
        self.identifier_uris.first().map_or("", String::as_str)
    }

    /// Every spelling that qualifies a scope of this app: its identifier URIs and its GUID.
    pub fn scope_prefixes(&self) -> impl Iterator<Item = &str> {
        self.identifier_uris.iter().map(String::as_str).chain([self.id.as_str()])
    }

    /// Every `aud` that names this app: the GUID (always, in v2 tokens) and each identifier URI with and
    /// without a trailing slash (in v1 tokens, Entra chooses).
    pub fn audiences(&self) -> impl Iterator<Item = String> {
        let uris = self.identifier_uris.iter().flat_map(|uri| [uri.clone(), format!("{uri}/")]);
        uris.chain([self.id.as_str().to_owned()])
    }

    /// Short names of the scopes that a delegated token must carry; empty means "any scope of this app".
    pub fn required_scopes(&self) -> &[String] {
        &self.scopes
    }

    /// The scopes to publish and to ask for, fully qualified: an unqualified name would mean Microsoft Graph.
    pub fn qualified_scopes(&self) -> Vec<String> {
        if self.scopes.is_empty() {
            return vec![format!("{}/.default", self.identifier_uri())];
        }
        self.qualified(&self.scopes)
    }

    /// Scopes as clients ask for them: below the Application ID URI.
    pub(crate) fn qualified(&self, scopes: &[String]) -> Vec<String> {
        scopes.iter().map(|scope| format!("{}/{scope}", self.identifier_uri())).collect()
    }
}

fn has_space(text: &str) -> bool {
    text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '"' || c == '\\')
}

/// 8-4-4-4-12 hexadecimal digits.
pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenant_is_a_guid_or_a_domain_and_never_a_template() {
        assert_eq!(
            TenantId::parse("11111111-AAAA-1111-1111-111111111111").unwrap().as_guid(),
            Some("11111111-aaaa-1111-1111-111111111111")
        );
        assert_eq!(TenantId::parse("Contoso.onmicrosoft.com").unwrap().as_str(), "contoso.onmicrosoft.com");
        for bad in ["", "contoso", "common", "organizations", "a b.com", "x/../y.com", "-a.com", "11111111"] {
            assert!(TenantId::parse(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn authority_host_is_a_bare_https_host() {
        assert_eq!(
            AuthorityHost::parse("https://login.microsoftonline.us/").unwrap().as_str(),
            "https://login.microsoftonline.us"
        );
        assert_eq!(AuthorityHost::parse("http://127.0.0.1:9").unwrap().as_str(), "http://127.0.0.1:9");
        for bad in
            ["login.microsoftonline.com", "http://login.evil.test", "https://a/b", "https://u@a", "ftp://a"]
        {
            assert!(AuthorityHost::parse(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn audiences_are_every_spelling_of_the_api_app() {
        let app = ApiApp::new(ClientId::parse("a0000000-0000-4000-8000-000000000001").unwrap())
            .with_identifier_uris(["https://mcp.contoso.test/mcp"])
            .unwrap();
        let audiences: Vec<_> = app.audiences().collect();
        assert_eq!(
            audiences,
            [
                "https://mcp.contoso.test/mcp",
                "https://mcp.contoso.test/mcp/",
                "api://a0000000-0000-4000-8000-000000000001",
                "api://a0000000-0000-4000-8000-000000000001/",
                "a0000000-0000-4000-8000-000000000001",
            ]
        );
    }

    #[test]
    fn without_named_scopes_the_default_scope_is_published_qualified() {
        let app = ApiApp::new(ClientId::parse("a0000000-0000-4000-8000-000000000001").unwrap());
        assert_eq!(app.qualified_scopes(), ["api://a0000000-0000-4000-8000-000000000001/.default"]);
        assert_eq!(
            app.with_scopes(["access"]).unwrap().qualified_scopes(),
            ["api://a0000000-0000-4000-8000-000000000001/access"]
        );
    }
}
