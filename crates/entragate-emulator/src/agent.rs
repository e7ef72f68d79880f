//! Agent identities, as far as they show in access tokens (Microsoft, "Agent token claims"): clients of a metadata
//! document, those that the settings name, and tokens minted so.

use crate::cimd;
use crate::directory::App;
use crate::entra::Entra;
use crate::guid;
use crate::jwt::Object;

/// Whom an agent speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    ForUser,
    ForItself,
}

/// The blueprint of the client, if it is an agent identity.
pub(crate) fn blueprint(entra: &Entra, client: &App) -> Option<String> {
    if let Some(url) = cimd::url_of(client) {
        return Some(cimd::blueprint_id(url));
    }
    let agents = entra.settings().agent_clients;
    agents.iter().any(|called| [&client.id, &client.name].contains(&called)).then(|| blueprint_of(client))
}

/// The blueprint that the client has when it is one.
pub(crate) fn blueprint_of(client: &App) -> String {
    guid::derived(&format!("agent identity blueprint {}", client.id))
}

/// Adds the claims: facet 11 means agent identity, as actor and, for itself, as subject. What is app-only has a slash for
/// a scope, and its subject is not its object id.
pub(crate) fn mark(claims: &mut Object, blueprint: String, speaks: Speaks) {
    claims.insert("xms_par_app_azp".into(), blueprint.into());
    claims.insert("xms_act_fct".into(), "9 3 11".into());
    match speaks {
        Speaks::ForUser => {
            claims.insert("xms_sub_fct".into(), "2 3".into());
        }
        Speaks::ForItself => {
            let oid = claims.get("oid").and_then(serde_json::Value::as_str).unwrap_or_default();
            let subject = guid::derived(&format!("subject of agent {oid}"));
            claims.insert("sub".into(), subject.into());
            claims.insert("scp".into(), "/".into());
            claims.insert("xms_sub_fct".into(), "11 3 9".into());
        }
    }
}
