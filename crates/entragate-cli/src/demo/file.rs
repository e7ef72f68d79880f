//! `--config`: rules and other settings from an `entragate.toml`, for a demo of the user's own policy. Who
//! signs people in is the demo's business, so settings about that are refused rather than ignored.

use std::path::Path;

use anyhow::Context as _;
use entragate::GateBuilder;
use entragate_emulator::fixtures;

use super::Mode;
use super::stage::Addresses;
use crate::config::{self, Environment, ServerConfig, UpstreamConfig, keys};

/// Settings that the demo makes itself.
static OWN: [&keys::Key; 3] = [&keys::MODE, &keys::LISTEN, &keys::BASE_URL];

/// Reads the file; the addresses and registrations come from the demo.
pub(super) fn read(path: &Path, addresses: &Addresses) -> anyhow::Result<(GateBuilder, UpstreamConfig)> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    // What is no TOML is explained below, better than here.
    let document: toml::Table = text.parse().unwrap_or_default();
    refuse_own(path, &document)?;
    anyhow::ensure!(
        !has(&document, keys::ROUTES.path),
        "{}: the demo shows one MCP server: write it into [upstream], or use `entragate serve` for routes",
        path.display()
    );

    let mut environment = vec![
        (keys::LISTEN.env, addresses.listen.to_string()),
        (keys::BASE_URL.env, addresses.base_url.to_string()),
        (keys::TENANT_ID.env, fixtures::TENANT.to_owned()),
        (keys::CLIENT_ID.env, fixtures::API.to_owned()),
        (keys::SCOPES.env, "access".to_owned()),
        (keys::AUTHORITY_HOST.env, addresses.emulator_url.clone()),
    ];
    match addresses.mode {
        Mode::Relay => environment.push((keys::MCP_CLIENT_ID.env, fixtures::MCP.to_owned())),
        Mode::Broker => environment.push((keys::CLIENT_SECRET.env, fixtures::API_SECRET.to_owned())),
    }
    let has_server = has(&document, keys::UPSTREAM.path);
    match &addresses.upstream {
        Some(url) => environment.push((keys::UPSTREAM.env, url.to_string())),
        None if has_server => {}
        None => environment.push((keys::UPSTREAM.env, addresses.sample.to_string())),
    }
    let config = config::load(&Environment::from_iter(environment), Some(path))
        .map_err(|problems| anyhow::anyhow!("{} cannot be used:\n{problems}", path.display()))?;
    let builder = config.gate_builder()?;
    let only = config.routes.into_iter().next().context("no MCP server is configured")?;
    let ServerConfig::Http(upstream) = only.server else {
        anyhow::bail!(
            "{} names a stdio server, which the demo does not start: use `entragate serve`",
            path.display()
        );
    };
    Ok((builder, upstream))
}

fn refuse_own(path: &Path, document: &toml::Table) -> anyhow::Result<()> {
    let own = keys::ALL
        .into_iter()
        .filter(|key| key.section() == "entra" || OWN.iter().any(|own| own.path == key.path))
        .find(|key| has(document, key.path));
    match own {
        Some(key) if key.section() == "entra" || key.path == keys::MODE.path => anyhow::bail!(
            "{}: {} says who signs people in, and in the demo that is the emulated Entra: remove it, or use \
             `entragate serve`",
            path.display(),
            key.path
        ),
        Some(key) => anyhow::bail!(
            "{}: {} is the demo's own: remove it, and use --listen to choose the address",
            path.display(),
            key.path
        ),
        None => Ok(()),
    }
}

/// Whether the document sets `path`, such as `upstream.url`.
fn has(document: &toml::Table, path: &str) -> bool {
    match path.split_once('.') {
        Some((section, rest)) => {
            document.get(section).and_then(toml::Value::as_table).is_some_and(|table| has(table, rest))
        }
        None => document.contains_key(path),
    }
}
