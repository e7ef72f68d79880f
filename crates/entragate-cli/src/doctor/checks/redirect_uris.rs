//! # What it checks
//!
//! That the redirect URIs are registered, on the right platform, on one platform only. Broker mode: `{BASE_URL}/auth/callback` on
//! Web. Relay mode: the callbacks of MCP clients on Mobile and desktop applications. Entra is asked without signing in; with
//! Graph the registration itself is read.
//!
//! # Why it matters
//!
//! An unregistered URI is AADSTS50011. On Web Entra demands a secret (AADSTS7000218), on Mobile and desktop it refuses one
//! (AADSTS700025), on Single-page application it answers browsers only (AADSTS9002327); a URI on two platforms is served
//! by either.
//!
//! # How to fix
//!
//! App registrations, the app, Authentication. `127.0.0.1` can be entered in the manifest only.

use url::Url;

use super::aadsts;
use crate::clients::{self, AtEntra, Client};
use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::repair::Repair;
use crate::doctor::site::{Probe, Site, Stage};
use crate::graph::objects::Application;

pub(super) async fn run(site: &Site) -> Checked {
    let probes = site.probes().await?;
    let Some((Stage::RedirectUri, code)) = probes.main().stage() else {
        return Ok(match site.graph().await {
            Ok(graph) => graph.find_signer().await?.map(|app| misplaced(site, app)).unwrap_or_default(),
            Err(_) => Vec::new(),
        });
    };
    Ok(vec![unregistered(site, code)])
}

const PLATFORMS: [(&str, u64); 3] =
    [("Web", 7_000_218), ("Single-page application", 9_002_327), ("Mobile and desktop applications", 700_025)];

/// Redirect URIs on another platform than theirs, or on two, as the registration says.
fn misplaced(site: &Site, app: &Application) -> Vec<Finding> {
    let lists = [&app.web.redirect_uris, &app.spa.redirect_uris, &app.public_client.redirect_uris];
    let (right, uris) = if site.is_relay() { (2, callbacks_at_entra(site)) } else { (0, vec![site.callback()]) };
    let mut found = Vec::new();
    for uri in uris {
        let on: Vec<usize> = (0..3).filter(|at| lists[*at].iter().any(|known| is_same(known, &uri))).collect();
        let (what, code) = match on.as_slice() {
            [] => continue,
            [at] if *at == right => continue,
            [at] => (format!("{uri} is registered on the platform {}, not on {}", PLATFORMS[*at].0, PLATFORMS[right].0), PLATFORMS[*at].1),
            [first, second, ..] => (format!("{uri} is registered on two platforms, {} and {}", PLATFORMS[*first].0, PLATFORMS[*second].0), PLATFORMS[if *first == right { *second } else { *first }].1),
        };
        let place = "App registrations, the app that signs people in, Authentication";
        found.push(
            Finding::error(what, place)
                .because("The platform decides whether Entra demands a secret, refuses one, or serves browsers only.")
                .fix(format!("register it on {} only", PLATFORMS[right].0))
                .prevents(code),
        );
    }
    found
}

/// What the clients' callbacks are called at Entra: those of the clients that were named, else of all.
fn callbacks_at_entra(site: &Site) -> Vec<String> {
    let clients: Vec<_> = if site.clients.is_empty() { clients::all().collect() } else { site.clients.clone() };
    let mut uris: Vec<String> = Vec::new();
    for callback in clients.iter().flat_map(|client| client.callbacks_without_iss.unwrap_or(client.callbacks)) {
        if let AtEntra::Register(uri) = callback.at_entra(&site.mcp_url())
            && !uris.iter().any(|known| is_same(known, &uri))
        {
            uris.push(uri);
        }
    }
    uris
}

/// Entra ignores the port of loopback hosts and compares everything else.
fn is_same(one: &str, other: &str) -> bool {
    let (Ok(a), Ok(b)) = (Url::parse(one), Url::parse(other)) else { return one == other };
    let loopback = matches!(a.host_str(), Some("localhost" | "127.0.0.1"));
    a.scheme() == b.scheme()
        && a.host_str() == b.host_str()
        && a.path() == b.path()
        && a.query() == b.query()
        && (loopback || a.port_or_known_default() == b.port_or_known_default())
}

/// No redirect URI that is tried is registered.
fn unregistered(site: &Site, code: u64) -> Finding {
    let what = if site.is_relay() {
        "none of the known clients' callbacks is registered at the client app".to_owned()
    } else {
        format!("{} is not registered", site.callback())
    };
    aadsts::error(site, code, what, "App registrations, the app that signs people in, Authentication")
        .command(Repair::invocation(&clients_to_register(site)))
}

/// In relay mode the repair registers the callbacks of named clients; where nobody named one, of the one that setup assumes.
fn clients_to_register(site: &Site) -> Vec<&'static Client> {
    if site.is_relay() && site.clients.is_empty() {
        return clients::named("claude-code").into_iter().collect();
    }
    site.clients.clone()
}

/// Whether Entra accepts the callback of a client, in relay mode.
pub(in crate::doctor) fn is_accepted(probe: &Probe) -> bool {
    !matches!(probe.stage(), Some((Stage::RedirectUri | Stage::Client, _)))
}
