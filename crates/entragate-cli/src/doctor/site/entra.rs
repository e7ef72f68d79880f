//! What Entra's discovery documents say about the tenant.

use entragate::{AuthorityHost, TenantId};
use http::StatusCode;
use serde_json::Value;
use url::Url;

use super::wire::{Question, Wire, WireError};

/// How reading the documents ended.
pub(in crate::doctor) enum Tenant {
    /// They are of this tenant and complete.
    Known(Box<Documents>),
    /// Nobody answered.
    Unreachable(WireError),
    /// Entra is there and cannot answer now.
    Unavailable(StatusCode),
    /// Entra says that there is no such tenant.
    Refused { status: StatusCode, codes: Vec<u64> },
    /// The documents are of another tenant.
    Other(String),
    /// Something else than discovery documents.
    Unusable(String),
}

/// The documents, as far as they are used.
pub(in crate::doctor) struct Documents {
    pub(in crate::doctor) v2: Value,
    pub(in crate::doctor) guid: String,
    pub(in crate::doctor) issuer: String,
    /// `None`: there is no v1 document, as in External ID tenants.
    pub(in crate::doctor) issuer_v1: Option<String>,
    pub(in crate::doctor) authorization: String,
    pub(in crate::doctor) token: String,
    pub(in crate::doctor) device: Option<String>,
    pub(in crate::doctor) keys: String,
    /// The `Date` of the answer.
    pub(in crate::doctor) date: Option<String>,
}

pub(super) async fn read(wire: &Wire, authority: &AuthorityHost, tenant: &TenantId) -> Tenant {
    let url =
        |version: &str| format!("{}/{tenant}/{version}.well-known/openid-configuration", authority.as_str());
    let answer = match wire.ask(&Question::get(url("v2.0/"))).await {
        Ok(answer) => answer,
        Err(error) => return Tenant::Unreachable(error),
    };
    match answer.status {
        StatusCode::OK => {}
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            return Tenant::Unavailable(status);
        }
        status => return Tenant::Refused { status, codes: entragate::aadsts::codes_in(&answer.text()) },
    }
    let issuer_v1 = match wire.ask(&Question::get(url(""))).await {
        Ok(v1) if v1.status == StatusCode::OK => serde_json::from_slice::<Value>(&v1.body)
            .ok()
            .and_then(|v1| v1["issuer"].as_str().map(str::to_owned)),
        Ok(_) => None,
        Err(error) => return Tenant::Unreachable(error),
    };
    let date = answer.header("date").map(str::to_owned);
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(v2) => checked(v2, issuer_v1, date, tenant),
        Err(_) => Tenant::Unusable("the discovery document is no JSON".to_owned()),
    }
}

fn checked(v2: Value, issuer_v1: Option<String>, date: Option<String>, tenant: &TenantId) -> Tenant {
    let text = |name: &str| v2[name].as_str().map(str::to_owned);
    let missing = |name: &str| Tenant::Unusable(format!("the discovery document has no {name}"));
    let Some(issuer) = text("issuer") else { return missing("issuer") };
    let Some(guid) = guid_in(&issuer) else {
        return Tenant::Unusable(format!("the issuer {issuer} names no tenant"));
    };
    if tenant.as_guid().is_some_and(|configured| configured != guid) {
        return Tenant::Other(guid);
    }
    let Some(authorization) = text("authorization_endpoint") else {
        return missing("authorization_endpoint");
    };
    let Some(token) = text("token_endpoint") else { return missing("token_endpoint") };
    let Some(keys) = text("jwks_uri") else { return missing("jwks_uri") };
    let device = text("device_authorization_endpoint");
    Tenant::Known(Box::new(Documents {
        v2,
        guid,
        issuer,
        issuer_v1,
        authorization,
        token,
        device,
        keys,
        date,
    }))
}

/// The tenant in an issuer: a path segment, or the first label of an External ID tenant's host.
pub(in crate::doctor) fn guid_in(issuer: &str) -> Option<String> {
    let is_guid = |text: &str| {
        let dashes =
            text.bytes().enumerate().all(|(at, byte)| (byte == b'-') == matches!(at, 8 | 13 | 18 | 23));
        text.len() == 36 && dashes && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
    };
    let url = Url::parse(issuer).ok()?;
    let segment = url.path_segments()?.find(|segment| is_guid(segment)).map(str::to_ascii_lowercase);
    segment.or_else(|| {
        url.host_str()?.split('.').next().filter(|label| is_guid(label)).map(str::to_ascii_lowercase)
    })
}
