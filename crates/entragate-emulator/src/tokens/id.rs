//! ID tokens: their version is that of the endpoint, not of the API.

use serde_json::json;

use super::access::{display_v1, display_v2, subject};
use crate::cimd;
use crate::directory::{App, User};
use crate::discovery::Version;
use crate::entra::Entra;
use crate::grants::Grant;
use crate::jwt::{self, Object};
use crate::scope::Oidc;

/// An ID token for the client.
pub(crate) fn id_token(
    entra: &Entra,
    version: Version,
    (client, user, tenant): (&App, &User, &str),
    grant: &Grant,
) -> String {
    let v1 = version == Version::V1;
    let now = entra.now();
    let mut claims = Object::new();
    let mut set = |name: &str, value: serde_json::Value| claims.insert(name.into(), value);
    // Whoever knows only its URL must find itself here; how the real one does it is not known.
    set("aud", cimd::url_of(client).unwrap_or(&client.id).into());
    set("iss", if v1 { entra.v1_issuer(tenant) } else { entra.v2_issuer(tenant) }.into());
    set("iat", json!(now - 300));
    set("nbf", json!(now - 300));
    set("exp", json!(now + 3600));
    set("auth_time", json!(grant.signed_in_at));
    if user.home_tenant.is_some() {
        set("idp", entra.v1_issuer(user.home()).into());
    }
    if let Some(nonce) = &grant.nonce {
        set("nonce", nonce.clone().into());
    }
    if grant.scope.has(Oidc::Email) {
        set("email", user.upn.clone().into());
    }
    if grant.scope.has(Oidc::Profile) {
        set("oid", user.oid.clone().into());
    }
    set("rh", format!("1.{}.", entra.random(|random| random.opaque(30))).into());
    set("sid", grant.session.clone().into());
    set("sub", subject(&client.id, &user.oid).into());
    set("tid", tenant.into());
    set("uti", entra.random(|random| random.opaque(16)).into());
    set("ver", if v1 { "1.0" } else { "2.0" }.into());
    if v1 {
        display_v1(user, grant.mfa, &mut claims);
    } else if grant.scope.has(Oidc::Profile) {
        display_v2(user, &mut claims);
    }
    let key = entra.state.with(|state| state.keys.active.clone());
    jwt::sign_claims(&key, &jwt::header(&key, if v1 { 1 } else { 2 }), &claims)
}
