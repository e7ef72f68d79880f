//! From what was given to a checked configuration, or to everything that is wrong with it.

use std::path::{Path, PathBuf};

use entragate::OnBehalfOf;

use super::checked::{Config, RouteConfig, ServerConfig};
use super::environment::Environment;
use super::problems::{Finding, Problems, Severity};
use super::reader::Reader;
use super::report::{Setting, settings};
use super::upstream_identity::Wanted;
use super::{
    clients, exposure, groups, identity, keys, limits, listen, log, routes, rules, sources, upstream,
    upstream_identity,
};

/// A configuration and where it comes from.
#[derive(Debug)]
pub struct Explained {
    /// The configuration.
    pub config: Config,
    /// Every setting with its value and its source, in the order of the table of keys.
    pub settings: Vec<Setting>,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

/// Reads the environment and the file; `named_file` comes from the command line.
pub fn load(environment: &Environment, named_file: Option<&Path>) -> Result<Config, Problems> {
    explain(environment, named_file).map(|explained| explained.config)
}

/// As [`load`], and says where each value comes from.
pub fn explain(environment: &Environment, named_file: Option<&Path>) -> Result<Explained, Problems> {
    let mut reader = Reader { sources: sources::collect(environment, named_file), route: None };
    let config = read(&mut reader, environment);
    let (errors, warnings): (Vec<Finding>, Vec<Finding>) =
        reader.sources.findings.drain(..).partition(|finding| finding.severity == Severity::Error);
    if let Some(problems) = Problems::collect(errors) {
        return Err(problems);
    }
    let mut config = config.expect("a section that yields nothing has reported why");
    config.warnings = warnings;
    let settings = settings(&reader.sources, &config);
    Ok(Explained { config, settings, file: reader.sources.file })
}

/// Every section is read even when an earlier one is wrong.
fn read(reader: &mut Reader, environment: &Environment) -> Option<Config> {
    let listen = listen::listen(reader);
    let is_public = listen.as_ref().is_none_or(|listen| !listen.base_url.is_loopback());
    let entra = identity::entra(reader, environment, is_public);
    let limits = limits::limits(reader);
    let redirect_rules = clients::redirect_rules(reader);
    let denied_redirects = clients::denied_redirects(reader);
    let hosted_callbacks = reader.flag(&keys::HOSTED_CALLBACKS).or_default(|| true);
    let has_routes = routes::are_listed(reader);
    let several =
        if has_routes { routes::routes(reader, environment, listen.as_ref(), entra.as_ref()) } else { None };
    let server = if has_routes { None } else { upstream::upstream(reader, environment, listen.as_ref()) };
    let log = log::log(reader);
    let rules = if has_routes { Vec::new() } else { rules::rules(reader) };
    let scope_implies = rules::scope_implies(reader);
    let wanted: Vec<Wanted<'_>> = match (&several, &server) {
        (Some(several), _) => several.iter().filter_map(|(at, route)| Wanted::at(at, route)).collect(),
        (None, Some(ServerConfig::Http(upstream))) => vec![Wanted::alone(&upstream.identity)],
        (None, _) => Vec::new(),
    };
    let backing = upstream_identity::backing(reader, environment, entra.as_ref(), &wanted, is_public);
    let every_rule = several.as_deref().map_or_else(|| rules.clone(), routes::all_rules);
    let graph_groups = groups::groups(reader, environment, entra.as_ref(), &every_rule, &backing.credential);
    if identity::is_development(reader) {
        reader.sources.refuse_nearly_azure();
    }
    // With an unreadable file nobody knows whether there is authentication.
    if let Some(listen) = &listen
        && identity::is_development(reader)
        && !reader.sources.is_incomplete
    {
        exposure::refuse_public_development(reader, listen);
        exposure::warn_of_idle_rules(reader);
    }
    if !identity::is_development(reader) {
        exposure::warn_of_no_rules(reader, &rules);
        exposure::warn_of_rules_for_nobody(reader, &rules, entra.as_ref());
        if let (Some(entra), Some(listen)) = (&entra, &listen) {
            exposure::refuse_public_emulator(reader, &entra.authority, &listen.base_url);
        }
    }
    let (entra, listen, limits) = (entra?, listen?, limits?);
    let single =
        |server| vec![RouteConfig { server, resource_name: limits.resource_name.clone(), rules, api: None }];
    let routes =
        if has_routes { several?.into_iter().map(|(_, route)| route).collect() } else { single(server?) };
    Some(Config {
        listen: listen.address,
        admin_listen: listen.admin,
        base_url: listen.base_url,
        identity: entra.identity,
        authority: entra.authority,
        routes,
        graph_groups,
        on_behalf_of: backing.credential.given().map(OnBehalfOf::new),
        assertion_keys: backing.assertion_keys,
        scope_implies,
        redirect_rules,
        denied_redirects,
        hosted_callbacks: hosted_callbacks?,
        session_key: limits.session_key,
        sign_in_rate: limits.sign_in_rate,
        allowed_hosts: limits.hosts,
        allowed_origins: limits.origins,
        max_body_bytes: limits.max_body_bytes,
        drain: limits.drain,
        log: log?,
        warnings: Vec::new(),
    })
}
