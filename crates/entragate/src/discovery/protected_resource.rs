//! RFC 9728: which authorization server protects the MCP server, and with which scopes.

use serde::Serialize;

use super::Document;
use crate::facade::Facade;
use crate::oauth::target::Target;
use crate::signin::Leg;

#[derive(Serialize)]
struct Metadata<'a> {
    resource: &'a str,
    authorization_servers: [&'a str; 1],
    scopes_supported: Vec<String>,
    bearer_methods_supported: [&'a str; 1],
    resource_name: &'a str,
}

/// The document of an MCP server's URL; `resource` is the very string that people give their client.
pub(crate) fn document(facade: &Facade, target: &Target) -> Document {
    metadata(facade, target, target.url())
}

/// The document at the root. Strict clients demand that it names the origin (docs/clients.md K04), the
/// others accept any prefix of the MCP URL.
pub(crate) fn origin_document(facade: &Facade, only: &Target) -> Document {
    metadata(facade, only, facade.gate.base_url().as_str())
}

fn metadata(facade: &Facade, target: &Target, resource: &str) -> Document {
    let metadata = Metadata {
        resource,
        authorization_servers: [facade.gate.base_url().as_str()],
        // Fully qualified: a bare name means Microsoft Graph to Entra (AADSTS650053). No `offline_access`
        // and no OpenID scopes: clients that see them send `prompt=consent` (docs/clients.md K12).
        scopes_supported: target.api().qualified_scopes(),
        bearer_methods_supported: ["header"],
        resource_name: target.name(),
    };
    Document::new(&metadata, Leg::ProtectedResource)
}
