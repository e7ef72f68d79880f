//! # What it checks
//!
//! Whether anything answers at `BASE_URL`, and whether its name has addresses that clients elsewhere can reach.
//!
//! # Why it matters
//!
//! `BASE_URL` is what people type, what the metadata says and what Entra redirects to. Clients in a vendor's cloud (claude.ai,
//! ChatGPT, Copilot Studio) need it on the public internet; Gemini CLI and clients built on the Rust SDK refuse names with
//! private addresses.
//!
//! # How to fix
//!
//! Start the gateway, publish the name in DNS, let the ingress answer for it with a certificate that names it. If only this
//! machine has no way there, run the doctor where clients are.

use std::net::IpAddr;

use url::{Host, Url};

use crate::doctor::check::Checked;
use crate::doctor::finding::Finding;
use crate::doctor::site::Site;

pub(super) async fn run(site: &Site) -> Checked {
    let base = &site.config.base_url;
    let gateway = site.gateway().await?;
    let mut found = Vec::new();
    if let Some(silence) = &gateway.silence {
        let what = format!("nothing answers at {base}: {silence}");
        let why = "The documents were made in this process instead, from the same configuration: what stands between \
                   the gateway and its clients was not looked at.";
        found.push(if base.is_loopback() {
            Finding::information(what, "BASE_URL").because(why).fix("start the gateway with: entragate serve")
        } else {
            Finding::warning(what, "BASE_URL").because(why).fix(silence.hint())
        });
    }
    if !base.is_loopback()
        && let Some(address) = private_address(base.as_str()).await
    {
        let what = format!("{base} has the private address {address}");
        found.push(
            Finding::information(what, "BASE_URL")
                .because(
                    "Clients in a vendor's cloud cannot reach it, and Gemini CLI, Codex and Goose refuse private addresses.",
                )
                .fix("nothing, if all clients are inside; else publish the gateway under a public address"),
        );
    }
    Ok(found)
}

async fn private_address(base: &str) -> Option<IpAddr> {
    let url = Url::parse(base).ok()?;
    let port = url.port_or_known_default()?;
    let addresses: Vec<IpAddr> = match url.host()? {
        Host::Ipv4(address) => vec![address.into()],
        Host::Ipv6(address) => vec![address.into()],
        Host::Domain(name) => tokio::net::lookup_host((name, port)).await.ok()?.map(|found| found.ip()).collect(),
    };
    addresses.into_iter().find(is_private)
}

/// RFC 1918, RFC 4193, link-local and loopback.
fn is_private(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}
