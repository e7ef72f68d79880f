//! RFC 8414 metadata, complete enough to be an OpenID Connect discovery document as well: half a document
//! at `openid-configuration` is worse than none (docs/clients.md K10).
//!
//! Nothing is copied from Entra's document. Its issuer, its missing PKCE and its missing `none` are what
//! stops clients (rows 1 and 7 of docs/incompatibilities).

use serde::Serialize;

use super::Document;
use crate::facade::Facade;
use crate::oauth::client::assertion::ALGORITHMS;
use crate::oauth::target::Target;
use crate::signin::Leg;

#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation_endpoint: Option<String>,
    jwks_uri: String,
    scopes_supported: Vec<String>,
    response_types_supported: [&'a str; 1],
    response_modes_supported: [&'a str; 1],
    grant_types_supported: [&'a str; 2],
    token_endpoint_auth_methods_supported: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation_endpoint_auth_methods_supported: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_signing_alg_values_supported: Option<Vec<&'a str>>,
    code_challenge_methods_supported: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id_metadata_document_supported: Option<bool>,
    subject_types_supported: [&'a str; 1],
    id_token_signing_alg_values_supported: [&'a str; 1],
    protected_resources: Vec<&'a str>,
    /// RFC 9207. Not in relay mode: there Entra answers the client itself and sends no `iss`, and a promise that is not
    /// kept stops nine of eleven clients (docs/clients.md, what relay mode cannot serve).
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_response_iss_parameter_supported: Option<bool>,
}

pub(crate) fn document(facade: &Facade) -> Document {
    let base = facade.gate.base_url();
    let broker = facade.entra.way.broker();
    let registers = broker.is_none_or(|broker| broker.clients.registration);
    // `none` first: clients take the first one that they know.
    let mut methods = vec!["none"];
    if broker.is_some_and(|broker| broker.clients.has_secrets()) {
        methods.extend(["client_secret_post", "client_secret_basic"]);
    }
    let reads_documents = broker.is_some_and(|broker| broker.clients.documents.is_some());
    if reads_documents {
        methods.push("private_key_jwt");
    }
    let metadata = Metadata {
        issuer: base.as_str(),
        authorization_endpoint: base.join("/oauth/authorize"),
        token_endpoint: base.join("/oauth/token"),
        registration_endpoint: registers.then(|| base.join("/oauth/register")),
        revocation_endpoint: broker.map(|_| base.join("/oauth/revoke")),
        jwks_uri: base.join("/oauth/jwks"),
        scopes_supported: facade.qualified_scopes(),
        response_types_supported: ["code"],
        response_modes_supported: ["query"],
        grant_types_supported: ["authorization_code", "refresh_token"],
        revocation_endpoint_auth_methods_supported: broker.map(|_| methods.clone()),
        token_endpoint_auth_methods_supported: methods,
        token_endpoint_auth_signing_alg_values_supported: reads_documents
            .then(|| ALGORITHMS.iter().map(|(name, _)| *name).collect()),
        client_id_metadata_document_supported: reads_documents.then_some(true),
        code_challenge_methods_supported: ["S256"],
        subject_types_supported: ["pairwise"],
        id_token_signing_alg_values_supported: ["RS256"],
        protected_resources: facade.targets.iter().map(Target::url).collect(),
        authorization_response_iss_parameter_supported: broker.map(|_| true),
    };
    Document::new(&metadata, Leg::AuthorizationServer)
}
