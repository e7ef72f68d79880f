//! The `scope` parameter: OIDC scopes, scopes of APIs written with a GUID or an identifier URI, and bare names, which
//! Entra looks up on Microsoft Graph.

use serde::{Deserialize, Serialize};

use crate::apis::Apis;
use crate::authority::Authority;
use crate::directory::App;
use crate::errors::Refusal;
use crate::fixtures::GRAPH;
use crate::guid;

/// The scopes that belong to no API of anybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Oidc {
    OpenId,
    Profile,
    Email,
    OfflineAccess,
}

impl Oidc {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "openid" => Some(Self::OpenId),
            "profile" => Some(Self::Profile),
            "email" => Some(Self::Email),
            "offline_access" => Some(Self::OfflineAccess),
            _ => None,
        }
    }

    /// The value in the `scp` of a Graph token, where Graph has such a permission.
    fn on_graph(self) -> Option<&'static str> {
        match self {
            Self::OpenId => Some("openid"),
            Self::Profile => Some("profile"),
            Self::Email => Some("email"),
            Self::OfflineAccess => None,
        }
    }
}

/// How a scope names its API, as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Prefix {
    Unqualified,
    Guid(String),
    Uri(String),
}

/// A scope of an API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Named {
    pub(crate) prefix: Prefix,
    pub(crate) value: String,
}

impl Named {
    /// As written.
    pub(crate) fn text(&self) -> String {
        match &self.prefix {
            Prefix::Unqualified => self.value.clone(),
            Prefix::Guid(prefix) | Prefix::Uri(prefix) => format!("{prefix}/{}", self.value),
        }
    }

    pub(crate) fn is_default(&self) -> bool {
        self.value == ".default"
    }
}

/// The scopes of one API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApiScopes {
    /// Application id of the API.
    pub(crate) api: String,
    pub(crate) named: Vec<Named>,
}

impl ApiScopes {
    /// Whether the API's static permissions are asked for instead of named ones.
    pub(crate) fn is_default(&self) -> bool {
        self.named.iter().any(Named::is_default)
    }

    /// How the API was first named.
    pub(crate) fn form(&self) -> Prefix {
        self.named.first().map_or(Prefix::Unqualified, |named| named.prefix.clone())
    }
}

/// A parsed `scope` parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScopeRequest {
    pub(crate) text: String,
    pub(crate) oidc: Vec<Oidc>,
    /// In order of first appearance.
    pub(crate) apis: Vec<ApiScopes>,
}

impl ScopeRequest {
    /// AADSTS70011 for what is malformed, AADSTS500011 for an API that the tenant does not have.
    pub(crate) fn parse(text: &str, apis: Apis<'_>, authority: &Authority) -> Result<Self, Refusal> {
        let mut request = Self { text: text.to_owned(), oidc: Vec::new(), apis: Vec::new() };
        for word in text.split_ascii_whitespace() {
            request.add(word, apis, authority)?;
        }
        let mixed = |api: &ApiScopes| api.is_default() && api.named.len() > 1;
        if request.apis.iter().any(mixed) {
            return Err(Refusal::ScopeInvalid { scope: request.text });
        }
        Ok(request)
    }

    fn add(&mut self, word: &str, apis: Apis<'_>, authority: &Authority) -> Result<(), Refusal> {
        if let Some(oidc) = Oidc::parse(word) {
            self.add_oidc(oidc);
            return Ok(());
        }
        let named = parse_word(word).ok_or_else(|| Refusal::ScopeInvalid { scope: self.text.clone() })?;
        let prefix = match &named.prefix {
            Prefix::Unqualified => GRAPH,
            Prefix::Guid(prefix) | Prefix::Uri(prefix) => prefix.as_str(),
        };
        let tenant = apis.directory.tenant_name(authority.segment());
        let api = apis.find(prefix, authority.tenant());
        let api =
            api.ok_or_else(|| Refusal::UnknownApi { api: prefix.to_owned(), tenant: tenant.to_owned() })?;
        if let (GRAPH, Some(oidc)) = (api.id.as_str(), Oidc::parse(&named.value)) {
            self.add_oidc(oidc);
            return Ok(());
        }
        match self.apis.iter_mut().find(|known| known.api == api.id) {
            Some(known) if known.named.contains(&named) => {}
            Some(known) => known.named.push(named),
            None => self.apis.push(ApiScopes { api: api.id.clone(), named: vec![named] }),
        }
        Ok(())
    }

    fn add_oidc(&mut self, oidc: Oidc) {
        if !self.has(oidc) {
            self.oidc.push(oidc);
        }
    }

    pub(crate) fn has(&self, oidc: Oidc) -> bool {
        self.oidc.contains(&oidc)
    }

    /// The one API that a token is for: the first, or Graph when only OIDC scopes are asked for.
    pub(crate) fn target(&self) -> ApiScopes {
        let on_graph = || {
            let values = self.oidc.iter().filter_map(|oidc| oidc.on_graph());
            let named = values.map(|value| Named { prefix: Prefix::Unqualified, value: value.to_owned() });
            ApiScopes { api: GRAPH.to_owned(), named: named.collect() }
        };
        self.apis.first().cloned().unwrap_or_else(on_graph)
    }

    /// This request with the OIDC scopes of another one beside its own.
    pub(crate) fn with_oidc_of(mut self, other: &Self) -> Self {
        for oidc in &other.oidc {
            self.add_oidc(*oidc);
        }
        self
    }

    /// AADSTS90009: an app may ask for itself by GUID only.
    pub(crate) fn check_not_itself_by_uri(&self, client: &App) -> Result<(), Refusal> {
        let itself = self.apis.iter().find(|api| api.api == client.id);
        let by_uri = |named: &Named| matches!(named.prefix, Prefix::Uri(_));
        if itself.is_some_and(|api| api.named.iter().any(by_uri)) {
            return Err(token_for_itself(client));
        }
        Ok(())
    }
}

pub(crate) fn token_for_itself(client: &App) -> Refusal {
    Refusal::TokenForItself { id: client.id.clone(), name: client.display_name.clone() }
}

fn parse_word(word: &str) -> Option<Named> {
    // RFC 6749, appendix A.4
    if !word.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
        return None;
    }
    let Some((prefix, value)) = word.rsplit_once('/') else {
        return Some(Named { prefix: Prefix::Unqualified, value: word.to_owned() });
    };
    if prefix.is_empty() || value.is_empty() {
        return None;
    }
    let prefix = match guid::parse(prefix) {
        Some(_) => Prefix::Guid(prefix.to_owned()),
        None => Prefix::Uri(prefix.to_owned()),
    };
    Some(Named { prefix, value: value.to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{Oidc, Prefix, ScopeRequest};
    use crate::apis::Apis;
    use crate::authority::Authority;
    use crate::directory::Directory;
    use crate::errors::Refusal;
    use crate::fixtures::{API, API1, GRAPH, TENANT};

    fn parse(text: &str) -> Result<ScopeRequest, Refusal> {
        let apis = Apis { directory: &Directory::fixtures(), base: "http://127.0.0.1:8400" };
        ScopeRequest::parse(text, apis, &Authority::Tenant(TENANT.to_owned()))
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused(text: String, word in "(api://|https://|[a0/.-]){1,6}(access|\\.default)?") {
            parse(&text).ok();
            if let Ok(request) = parse(&word) {
                assert!(request.apis.iter().flat_map(|api| &api.named).all(|named| word.contains(&named.text())));
            }
        }
    }

    #[test]
    fn the_last_slash_separates_api_and_value() {
        let request = parse("https://mcp.contoso.test/mcp/access openid").expect("it parses");
        let named = &request.apis[0].named[0];
        assert_eq!(request.apis[0].api, API);
        assert_eq!(named.prefix, Prefix::Uri("https://mcp.contoso.test/mcp".to_owned()));
        assert_eq!((named.value.as_str(), request.oidc.as_slice()), ("access", &[Oidc::OpenId][..]));
        for graph in ["https://graph.microsoft.com/", "http://127.0.0.1:8400", "http://127.0.0.1:8400/"] {
            assert_eq!(
                parse(&format!("{graph}/User.Read")).expect("it parses").apis[0].api,
                GRAPH,
                "{graph}"
            );
        }
    }

    #[test]
    fn apis_keep_the_order_of_their_first_scope() {
        let request = parse(&format!("{API1}/access {API}/access {API1}/admin")).expect("it parses");
        let ids: Vec<&str> = request.apis.iter().map(|api| api.api.as_str()).collect();
        assert_eq!(ids, [API1, API]);
        assert_eq!(request.apis[0].named.len(), 2);
    }

    #[test]
    fn bare_names_and_pure_oidc_mean_graph() {
        assert_eq!(parse("mcp.read").expect("it parses").apis[0].api, GRAPH);
        assert_eq!(parse("openid offline_access").expect("it parses").target().named[0].value, "openid");
    }

    #[test]
    fn refusals_name_what_they_refuse() {
        for malformed in ["/access", "api://x/", "a\"b", "ä/b"] {
            assert_eq!(parse(malformed), Err(Refusal::ScopeInvalid { scope: malformed.to_owned() }));
        }
        let mixed = format!("{API}/.default api://{API}/access");
        assert_eq!(parse(&mixed), Err(Refusal::ScopeInvalid { scope: mixed }));
        assert!(
            matches!(parse("api://nope/access"), Err(Refusal::UnknownApi { api, .. }) if api == "api://nope")
        );
    }
}
