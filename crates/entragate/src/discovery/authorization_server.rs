//! RFC 8414 metadata, complete enough to be an OpenID Connect discovery document as well: half a document
//! at `openid-configuration` is worse than none (docs/clients.md K10).
//!
//! Nothing is copied from Entra's document. Its issuer, its missing PKCE and its missing `none` are what
//! stops clients (rows 1 and 7 of docs/incompatibilities).

use serde::Serialize;

use super::Document;
use crate::facade::Facade;
use crate::signin::Leg;

#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    authorization_endpoint: String,
    token_endpoint: String,
    registration_endpoint: String,
    jwks_uri: String,
    scopes_supported: Vec<String>,
    response_types_supported: [&'a str; 1],
    response_modes_supported: [&'a str; 1],
    grant_types_supported: [&'a str; 2],
    token_endpoint_auth_methods_supported: [&'a str; 1],
    code_challenge_methods_supported: [&'a str; 1],
    subject_types_supported: [&'a str; 1],
    id_token_signing_alg_values_supported: [&'a str; 1],
    protected_resources: [&'a str; 1],
}

pub(crate) fn document(facade: &Facade) -> Document {
    let base = facade.gate.base_url();
    let metadata = Metadata {
        issuer: base.as_str(),
        authorization_endpoint: base.join("/oauth/authorize"),
        token_endpoint: base.join("/oauth/token"),
        registration_endpoint: base.join("/oauth/register"),
        jwks_uri: base.join("/oauth/jwks"),
        scopes_supported: facade.entra.api.qualified_scopes(),
        response_types_supported: ["code"],
        response_modes_supported: ["query"],
        grant_types_supported: ["authorization_code", "refresh_token"],
        token_endpoint_auth_methods_supported: ["none"],
        code_challenge_methods_supported: ["S256"],
        subject_types_supported: ["pairwise"],
        id_token_signing_alg_values_supported: ["RS256"],
        protected_resources: [facade.gate.resource_url()],
        // No `authorization_response_iss_parameter_supported`: in relay mode Entra answers the client
        // itself and sends no `iss` (RFC 9207); claiming otherwise stops nine of eleven clients
        // (docs/clients.md, what relay mode cannot serve).
    };
    Document::new(&metadata, Leg::AuthorizationServer)
}
