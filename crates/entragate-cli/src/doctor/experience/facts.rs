//! What the deployment offers to clients, as it was read and measured.

use std::net::IpAddr;

use serde_json::Value;
use url::{Host, Url};

use crate::config::UpstreamIdentity;
use crate::doctor::check::Outcome;
use crate::doctor::finding::{Finding, Severity};
use crate::doctor::report::Examined;
use crate::doctor::site::{Probes, Purpose, Site, Stage};

/// Facts that are the same for all clients.
pub(super) struct Facts<'a> {
    pub(super) mcp_url: String,
    pub(super) resource: Value,
    pub(super) server: Value,
    pub(super) probes: Option<&'a Probes>,
    pub(super) reach: Reach,
    /// What a check found that stops everybody at this step, in its words.
    pub(super) discovery: Option<String>,
    pub(super) sign_in: Option<String>,
    /// That no callback of any client is registered.
    pub(super) redirect: Option<String>,
    pub(super) consent: Option<String>,
    pub(super) token: Option<String>,
    pub(super) tools: Option<String>,
    /// What nobody has looked at that Entra tells only after sign-in.
    pub(super) untold: Option<String>,
    pub(super) untold_consent: Option<String>,
}

/// From where the gateway can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    ThisMachine,
    /// Addresses that are private.
    Inside,
    Outside,
}

/// The checks whose errors stop everybody at the sign-in.
const SIGN_IN: [&str; 9] = [
    "authority",
    "tenant",
    "discovery",
    "client-app",
    "api-app",
    "scope",
    "sign-in",
    "service-principal",
    "assignment-required",
];

impl<'a> Facts<'a> {
    /// `None` in development mode.
    pub(super) async fn gather(site: &'a Site, examined: &[Examined], findings: &[Finding]) -> Option<Self> {
        let gateway = site.gateway().await.ok()?;
        let (resource, server) = gateway.documents().unwrap_or_default();
        let stops = |checks: &[&str]| {
            let error =
                |finding: &&Finding| finding.severity == Severity::Error && checks.contains(&finding.check);
            findings.iter().find(error).map(|finding| finding.what.clone())
        };
        let untold = |checks: &[&str]| {
            let of_them = |one: &&Examined| checks.contains(&one.check.name);
            examined.iter().filter(of_them).find_map(|one| match &one.outcome {
                Outcome::NotChecked(reason) => {
                    Some(format!("the check `{}` could not look ({reason})", one.check.name))
                }
                _ => None,
            })
        };
        let held = site.held().ok().map(|held| held.purpose);
        let credential = stops(&["credential", "federated-credentials"]);
        let is_missing = findings.iter().any(|finding| finding.check == "consent");
        let probes = site.probes().await.ok();
        let unregistered =
            probes.is_some_and(|probes| matches!(probes.main().stage(), Some((Stage::RedirectUri, _))));
        Some(Self {
            mcp_url: gateway.urls.mcp.clone(),
            resource,
            server,
            probes,
            reach: reach(site.config.base_url.as_str(), findings),
            discovery: stops(&["gateway", "redirects", "issuer", "resource", "challenge", "documents"]),
            sign_in: stops(&SIGN_IN).or_else(|| {
                // In relay mode every client has a callback of its own.
                if site.is_relay() { None } else { stops(&["redirect-uris"]) }
            }),
            redirect: if unregistered { stops(&["redirect-uris"]) } else { None },
            consent: stops(&["consent"]),
            token: stops(&["keys", "clock", "token-encryption"])
                .or_else(|| credential.clone().filter(|_| held == Some(Purpose::SignIn))),
            tools: stops(&["upstream"]).or_else(|| credential.filter(|_| acts_on_behalf(site))),
            untold: untold(&["api-app", "scope"]),
            // Whether people may give a consent that is missing is the check `user-consent`'s to know.
            untold_consent: untold(&["consent"])
                .or_else(|| if is_missing { untold(&["user-consent"]) } else { None }),
        })
    }

    /// Whether the metadata lists the value.
    pub(super) fn lists(&self, member: &str, value: &str) -> bool {
        self.server[member].as_array().is_some_and(|all| all.iter().any(|one| one == value))
    }
}

/// Whether the MCP server whose URL people give their client is called in their name.
fn acts_on_behalf(site: &Site) -> bool {
    let server = site.config.routes.first().and_then(|route| route.http());
    server.is_some_and(|server| matches!(server.identity, UpstreamIdentity::OnBehalfOf(_)))
}

fn reach(base: &str, findings: &[Finding]) -> Reach {
    let url = Url::parse(base).ok();
    let is_here = match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    };
    let private = |finding: &Finding| finding.check == "base-url" && finding.what.contains("private address");
    match is_here {
        true => Reach::ThisMachine,
        false if findings.iter().any(private) => Reach::Inside,
        false => Reach::Outside,
    }
}
