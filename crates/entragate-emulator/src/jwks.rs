//! The key documents (Microsoft, "Signing key rollover"): `kid` is `x5t`, one `x5c`, no `alg`, order meaningless.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::authority::{Authority, CONSUMERS};
use crate::discovery::Version;
use crate::entra::Entra;
use crate::keys::SigningKey;

const CLOUD: &str = "microsoftonline.com";
const OTHER_CLOUD: &str = "microsoftonline.us";

/// The document for an authority.
pub(crate) fn document(entra: &Entra, authority: &Authority, version: Version) -> Value {
    let (keys, foreign, consumers) = entra.state.with(|state| {
        let ring = &mut state.keys;
        (ring.published(), ring.foreign.clone(), ring.consumers.clone())
    });
    let issuer = match authority {
        Authority::Tenant(tenant) => entra.v2_issuer(tenant),
        Authority::Common | Authority::Organizations => entra.v2_issuer("{tenantid}"),
        Authority::Consumers => entra.v2_issuer(CONSUMERS),
    };
    let mut listed = Vec::new();
    if !matches!(authority, Authority::Consumers) {
        for key in &keys {
            let is_foreign = foreign.as_ref().is_some_and(|foreign| foreign.thumbprint == key.thumbprint);
            listed.push(jwk(key, version, &issuer, if is_foreign { OTHER_CLOUD } else { CLOUD }));
        }
    }
    if matches!(authority, Authority::Common | Authority::Consumers) {
        listed.push(jwk(&consumers, version, &entra.v2_issuer(CONSUMERS), CLOUD));
    }
    json!({ "keys": listed })
}

fn jwk(key: &SigningKey, version: Version, issuer: &str, cloud: &str) -> Value {
    let (n, e) = key.components();
    let mut jwk = json!({
        "kty": "RSA",
        "use": "sig",
        "kid": key.thumbprint,
        "x5t": key.thumbprint,
        "n": n,
        "e": e,
        "x5c": [STANDARD.encode(&key.certificate)],
    });
    if version == Version::V2 {
        jwk["cloud_instance_name"] = cloud.into();
        jwk["issuer"] = issuer.into();
    }
    jwk
}
