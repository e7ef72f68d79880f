//! # What it checks
//!
//! The Application ID URIs of the API app: those that the gateway uses are registered, and none ends with a slash.
//!
//! # Why it matters
//!
//! Scopes are written with an Application ID URI; one that is not registered is AADSTS500011. With a slash at the end scopes have
//! two slashes, and `resource` never matches (AADSTS9010010).
//!
//! # How to fix
//!
//! App registrations, the API app, Expose an API, Application ID URI; or correct `ENTRAGATE_ENTRA_IDENTIFIER_URIS`.

use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;
use crate::shell::word;

pub(super) async fn run(site: &Site) -> Checked {
    let graph = site.graph().await?;
    let (app, api) = (graph.api().await?, site.api()?);
    let place = "App registrations, the API app, Expose an API, Application ID URI";
    let mut found: Vec<Finding> = Vec::new();
    let slashed = app.identifier_uris.iter().filter(|uri| uri.ends_with('/'));
    found.extend(slashed.map(|uri| {
        Finding::error(format!("the Application ID URI {uri} ends with a slash"), place)
            .because("Scopes written with it have two slashes, and a client's resource never matches it.")
            .fix("register it without the slash")
            .prevents(9_010_010)
    }));
    let uri = api.identifier_uri();
    // The broker names the API by its GUID.
    let is_missing = !app.identifier_uris.iter().any(|known| known.trim_end_matches('/') == uri);
    if site.is_relay() && is_missing {
        // The option names the whole list.
        let whole: Vec<String> =
            app.identifier_uris.iter().map(String::as_str).chain([uri]).map(word).collect();
        found.push(
            Finding::error(format!("the API app has no Application ID URI {uri}"), place)
                .because("The gateway asks for scopes with it, and Entra does not know them.")
                .fix("add it, or name another one in ENTRAGATE_ENTRA_IDENTIFIER_URIS")
                .command(format!("az ad app update --id {} --identifier-uris {}", api.id(), whole.join(" ")))
                .prevents(500_011),
        );
    }
    Ok(found)
}
