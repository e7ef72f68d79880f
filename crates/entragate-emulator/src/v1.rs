//! The v1 endpoints: `resource` names an API whose listed permissions are meant, and the numbers of an answer are text
//! (Microsoft, "Azure AD v1.0 protocols").

use serde_json::{Value, json};

use crate::apis::Apis;
use crate::authority::Authority;
use crate::errors::Refusal;
use crate::guid;
use crate::params::Params;
use crate::scope::{ApiScopes, Named, Oidc, Prefix, ScopeRequest};

/// What a request asks for: everything that the registration lists for `resource`, and a refresh token always. Of
/// `scope`, only `openid` counts here.
pub(crate) fn scope(params: &Params, apis: Apis<'_>, authority: &Authority) -> Result<ScopeRequest, Refusal> {
    let text = params.get("scope").unwrap_or_default();
    let mut oidc = vec![Oidc::OfflineAccess];
    if text.split_ascii_whitespace().any(|word| word == "openid") {
        oidc.extend([Oidc::OpenId, Oidc::Profile]);
    }
    let apis = match params.get("resource") {
        Some(resource) => vec![listed(resource, apis, authority)?],
        None => Vec::new(),
    };
    Ok(ScopeRequest { text: text.to_owned(), oidc, apis })
}

/// AADSTS500011 for a resource that the tenant does not have.
fn listed(resource: &str, apis: Apis<'_>, authority: &Authority) -> Result<ApiScopes, Refusal> {
    let unknown = || Refusal::UnknownApi {
        api: resource.to_owned(),
        tenant: apis.directory.tenant_name(authority.segment()).to_owned(),
    };
    let api = apis.find(resource, authority.tenant()).ok_or_else(unknown)?;
    let prefix = match guid::parse(resource) {
        Some(_) => Prefix::Guid(resource.to_owned()),
        None => Prefix::Uri(resource.to_owned()),
    };
    Ok(ApiScopes { api: api.id.clone(), named: vec![Named { prefix, value: ".default".to_owned() }] })
}

/// When the access token of an answer holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Validity {
    pub(crate) from: u64,
    pub(crate) until: u64,
}

/// The success body of the v2 endpoint as this one writes it. `scp` is empty in the answer to an app.
pub(crate) fn body(mut body: Value, api: &ApiScopes, scp: &[String], validity: Validity) -> Value {
    for name in ["expires_in", "ext_expires_in"] {
        body[name] = body[name].to_string().into();
    }
    if scp.is_empty() {
        body.as_object_mut().map(|members| members.shift_remove("scope"));
    } else {
        body["scope"] = scp.join(" ").into();
    }
    let resource = match api.form() {
        Prefix::Guid(text) | Prefix::Uri(text) => text,
        Prefix::Unqualified => api.api.clone(),
    };
    body["expires_on"] = json!(validity.until.to_string());
    body["not_before"] = json!(validity.from.to_string());
    body["resource"] = resource.into();
    body
}
