//! The MCP servers behind the gateway: the one of `[upstream]`, or those of `[[routes]]`.

use entragate::{ApiApp, Rule};

use super::checked::{Identity, RouteConfig};
use super::environment::Environment;
use super::identity::{self, Entra};
use super::item::{Item, Member, Value};
use super::keys::{self, Key};
use super::limits;
use super::listen::Listen;
use super::reader::{Read, Reader, Wrong, listed};
use super::route::At;
use super::sources::{Slot, Sources};
use super::{exposure, rules, upstream};

/// Whether the servers stand in `[[routes]]`.
pub(super) fn are_listed(reader: &Reader) -> bool {
    reader.is_given(&keys::ROUTES)
}

/// Reads `[[routes]]`. Every route is read even when an earlier one is wrong.
pub(super) fn routes(
    reader: &mut Reader,
    environment: &Environment,
    listen: Option<&Listen>,
    entra: Option<&Entra>,
) -> Option<Vec<(At, RouteConfig)>> {
    refuse_single_server(reader);
    let Some(Slot::Given(Item { value: Value::List(tables), .. })) =
        reader.sources.slots.get(keys::ROUTES.path)
    else {
        return None;
    };
    let tables = tables.clone();
    if tables.is_empty() {
        let wrong =
            Wrong::new("is an empty list", "write a table for each MCP server, or use [upstream] for one");
        reader.problem(&keys::ROUTES, wrong);
        return None;
    }
    let mut all = Vec::new();
    for (index, Item { value, place }) in tables.into_iter().enumerate() {
        let Value::Table(members) = value else { continue };
        let at = At { number: index + 1, place };
        all.push(route(reader, &at, members, environment, listen, entra).map(|route| (at, route)));
    }
    let right: Vec<&(At, RouteConfig)> = all.iter().flatten().collect();
    refuse_overlaps(reader, &right);
    tell_of_twins(reader, &right, entra);
    all.into_iter().collect()
}

/// What belongs to one server has no place beside several: nobody knows whose it would be.
fn refuse_single_server(reader: &mut Reader) {
    let of_one = |key: &&&Key| {
        key.section() == keys::UPSTREAM.section()
            || [keys::RULES.path, keys::RESOURCE_NAME.path].contains(&key.path)
    };
    let given: Vec<&Key> =
        keys::ALL.iter().filter(of_one).copied().filter(|key| reader.is_given(key)).collect();
    for key in given {
        let wrong = Wrong::new(
            "belongs to one MCP server, and there are routes",
            format!("write {} into each route that it is meant for, or leave routes out", key.name()),
        );
        reader.problem(key, wrong);
    }
}

fn route(
    outer: &mut Reader,
    at: &At,
    members: Vec<(Member, Item)>,
    environment: &Environment,
    listen: Option<&Listen>,
    entra: Option<&Entra>,
) -> Option<RouteConfig> {
    let is_development = identity::is_development(outer);
    let sources = Sources::of_route(at, members, outer.sources.is_incomplete);
    let mut reader = Reader { sources, route: Some(at.clone()) };
    let server = upstream::upstream(&mut reader, environment, listen);
    let resource_name = limits::resource_name(&mut reader);
    let rules = rules::rules(&mut reader);
    let api = if is_development {
        refuse_idle_audience(&mut reader);
        exposure::warn_of_idle_rules(&mut reader);
        Read::Unset
    } else {
        exposure::warn_of_no_rules(&mut reader, &rules);
        exposure::warn_of_rules_for_nobody(&mut reader, &rules, entra);
        api(&mut reader, entra)
    };
    outer.sources.findings.append(&mut reader.sources.findings);
    let resource_name = resource_name.map(Some).or_default(|| None);
    let api = api.map(Some).or_default(|| None);
    Some(RouteConfig { server: server?, resource_name: resource_name?, rules, api: api? })
}

/// The API app of a route, if it is not simply the gateway's.
fn api(reader: &mut Reader, entra: Option<&Entra>) -> Read<ApiApp> {
    if reader.is_given(&keys::CLIENT_ID) {
        return own_api(reader, entra);
    }
    let scopes = identity::scopes(reader);
    if reader.is_given(&keys::IDENTIFIER_URIS) {
        let wrong = Wrong::new(
            "belongs to an API app of the route's own, and client_id is not set",
            "set client_id too, or entra.identifier_uris if the API app is the gateway's",
        );
        reader.problem(&keys::IDENTIFIER_URIS, wrong);
        return Read::Bad;
    }
    if scopes.is_empty() {
        return Read::Unset;
    }
    let app = match entra.map(|entra| &entra.identity) {
        Some(Identity::Relay(relay)) => relay.api.clone(),
        Some(Identity::Broker(broker)) => broker.api.clone(),
        // What is wrong with it is reported already.
        Some(Identity::Development) | None => return Read::Bad,
    };
    Read::Given(app.with_scopes(scopes).expect("every scope was accepted alone"))
}

/// An API app of the route's own.
fn own_api(reader: &mut Reader, entra: Option<&Entra>) -> Read<ApiApp> {
    let app = identity::api_app(reader);
    if let Read::Given(app) = &app
        && let Some(Identity::Relay(relay)) = entra.map(|entra| &entra.identity)
        && *app.id() == relay.client
    {
        let wrong = Wrong::new(
            "is the client app that people sign in with: Entra answers AADSTS90009",
            "name the app registration that exposes this server's API",
        );
        reader.problem(&keys::CLIENT_ID, wrong);
        return Read::Bad;
    }
    app
}

/// No configuration that mentions Entra ever runs without authentication.
fn refuse_idle_audience(reader: &mut Reader) {
    for key in [&keys::CLIENT_ID, &keys::SCOPES, &keys::IDENTIFIER_URIS] {
        if reader.is_given(key) {
            let wrong = Wrong::new(
                "is set, and nobody signs in: there is no setting of [entra]",
                "set AZURE_TENANT_ID, AZURE_CLIENT_ID and a credential, or leave it out",
            );
            reader.problem(key, wrong);
        }
    }
}

/// The same path twice, or one below the other: clients take the metadata of a resource whose URL begins theirs.
fn refuse_overlaps(reader: &mut Reader, routes: &[&(At, RouteConfig)]) {
    let is_below = |path: &str, top: &str| {
        path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    for (index, (at, route)) in routes.iter().copied().enumerate() {
        for (other_at, other) in routes.iter().copied().take(index) {
            let mut pairs = other.paths().flat_map(|theirs| route.paths().map(move |ours| (theirs, ours)));
            let overlap = pairs.find(|(theirs, ours)| is_below(theirs, ours) || is_below(ours, theirs));
            if let Some((theirs, ours)) = overlap {
                let what = if theirs == ours {
                    format!("{ours} is a path of {other_at} as well")
                } else {
                    format!("{ours} and {theirs} of {other_at}: one is below the other")
                };
                let hint = "give each route paths of its own, such as /github/mcp and /tickets/mcp";
                reader.problem_within(
                    &keys::ROUTES,
                    &at.to_string(),
                    at.place.clone(),
                    Wrong::new(what, hint),
                );
            }
        }
    }
}

/// RS-19: Entra's own tokens name an API app and its scopes, and no URL.
fn tell_of_twins(reader: &mut Reader, routes: &[&(At, RouteConfig)], entra: Option<&Entra>) {
    let (default, is_relay) = match entra.map(|entra| &entra.identity) {
        Some(Identity::Relay(relay)) => (&relay.api, true),
        Some(Identity::Broker(broker)) => (&broker.api, false),
        Some(Identity::Development) | None => return,
    };
    let api = |route: &RouteConfig| route.api.clone().unwrap_or_else(|| default.clone());
    let is_open_to = |route: &RouteConfig, other: &RouteConfig| {
        let (ours, theirs) = (api(route), api(other));
        ours.id() == theirs.id()
            && ours.required_scopes().iter().all(|scope| theirs.required_scopes().contains(scope))
    };
    let is_open = |(index, (_, route)): (usize, &(At, RouteConfig))| {
        let open = routes.iter().enumerate().any(|(at, (_, other))| at != index && is_open_to(route, other));
        open.then(|| route.path().to_owned())
    };
    let open: Vec<String> = routes.iter().copied().enumerate().filter_map(is_open).collect();
    if open.is_empty() {
        return;
    }
    let what = format!(
        "has {}, whose API app another route has as well, and which ask for no scope that it lacks: a token of \
         Entra's for the other is good there, subject to the rules",
        listed(&open)
    );
    let hint = "give each route scopes of its own (scopes), or an API app of its own (client_id)";
    if is_relay {
        reader.warn(&keys::ROUTES, what, hint);
    } else {
        let what = format!("{what}. The tokens of this gateway are for one route each");
        reader.note(&keys::ROUTES, what, hint);
    }
}

/// The rules of all routes.
pub(super) fn all_rules(routes: &[(At, RouteConfig)]) -> Vec<Rule> {
    routes.iter().flat_map(|(_, route)| route.rules.iter().cloned()).collect()
}
