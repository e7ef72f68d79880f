//! `[[routes]]`: several MCP servers, each read as `[upstream]` is, and what refuses to start.

use entragate::Rule;
use entragate_cli::config::{
    Config, Environment, Problems, Severity, UpstreamIdentity, as_table, explain, load,
};

use crate::config_fixture::{API, CLIENT, DEVELOPMENT, RELAY, accepted, file, only, refused, with};

const OTHER_API: &str = "aaaaaaaa-0000-4000-8000-000000000002";
const TWO: &str = r#"[{ url = "http://127.0.0.1:3000/mcp", path = "/a" }, { url = "http://127.0.0.1:3001/mcp", path = "/b" }]"#;

/// Relay mode with these routes and no single server.
fn routes(list: &str) -> Environment {
    with(&RELAY, &[("ENTRAGATE_UPSTREAM", ""), ("ENTRAGATE_ROUTES", list)])
}

fn says(problems: &Problems) -> String {
    problems.to_string()
}

#[test]
fn routes_from_the_environment_and_from_the_file_are_the_same() {
    let inline = format!(
        r#"[{{ url = "http://127.0.0.1:3000/mcp", path = "/github", resource_name = "GitHub", rules = [{{ tools = ["*"] }}], identity = "none" }}, {{ url = "http://10.0.0.1/v1/mcp", replicas = ["http://10.0.0.2/v1/mcp"], scopes = ["tickets"] }}, {{ url = "http://127.0.0.1:3002/x", path = "/own", client_id = "{OTHER_API}", identifier_uris = ["api://own"], scopes = ["use"] }}]"#
    );
    // The gateway's own port.
    let inline = inline.replace("127.0.0.1:3002", "127.0.0.1:3009");
    let from_environment = accepted(&routes(&inline));
    let text = format!(
        r#"
[[routes]]
url = "http://127.0.0.1:3000/mcp"
path = "/github"
resource_name = "GitHub"
identity = "none"

[[routes.rules]]
tools = ["*"]

[[routes]]
url = "http://10.0.0.1/v1/mcp"
replicas = ["http://10.0.0.2/v1/mcp"]
scopes = ["tickets"]

[[routes]]
url = "http://127.0.0.1:3009/x"
path = "/own"
client_id = "{OTHER_API}"
identifier_uris = ["api://own"]
scopes = ["use"]
"#
    );
    let path = file("same_routes", &text);
    let from_file = load(&with(&RELAY, &[("ENTRAGATE_UPSTREAM", "")]), Some(&path)).expect("accepted");
    for config in [from_environment, from_file] {
        let [github, tickets, own] = config.routes.as_slice() else { panic!("three routes") };
        assert_eq!(github.paths().collect::<Vec<_>>(), ["/github"]);
        assert_eq!(github.resource_name.as_deref(), Some("GitHub"));
        assert_eq!(github.rules, [Rule::tools(["*"])]);
        assert_eq!(
            (&github.http().unwrap().identity, &tickets.http().unwrap().identity),
            (&UpstreamIdentity::Nobody, &UpstreamIdentity::Headers)
        );
        assert!(github.api.is_none() && config.api_of(github).is_some_and(|api| api.id().as_str() == API));
        // The path of the URL, where none is given, as with a single server.
        assert_eq!(tickets.http().unwrap().path, "/v1/mcp");
        assert_eq!(tickets.http().unwrap().urls().count(), 2);
        let tickets = tickets.api.as_ref().expect("scopes of its own");
        assert_eq!((tickets.id().as_str(), tickets.required_scopes()), (API, &["tickets".to_owned()][..]));
        assert_eq!(own.api.as_ref().expect("an app of its own").qualified_scopes(), ["api://own/use"]);
        let gate = config.gate().expect("a gate");
        let urls: Vec<_> = gate.resources().iter().map(|resource| resource.url().to_owned()).collect();
        assert_eq!(urls, ["/github", "/v1/mcp", "/own"].map(|path| format!("https://mcp.contoso.com{path}")));
    }
}

#[test]
fn a_single_server_is_one_route() {
    let config = accepted(&with(&RELAY, &[("ENTRAGATE_RESOURCE_NAME", "Contoso")]));
    assert_eq!(config.routes.len(), 1);
    assert_eq!(config.routes[0].resource_name.as_deref(), Some("Contoso"));
    let gate = config.gate().expect("a gate");
    assert_eq!((gate.resources().len(), gate.resource_path()), (1, "/mcp"));
}

#[test]
fn routes_that_cannot_be_meant_are_refused() {
    let route = |more: &str| format!(r#"[{{ url = "http://127.0.0.1:3000/mcp", path = "/a"{more} }}]"#);
    let pair = |one: &str, other: &str| {
        format!(
            r#"[{{ url = "http://10.0.0.1/mcp", path = "{one}" }}, {{ url = "http://10.0.0.1/mcp", {other} }}]"#
        )
    };
    for (list, says, hint) in [
        ("[]".to_owned(), "ENTRAGATE_ROUTES is an empty list", "[upstream]"),
        (
            "[1]".to_owned(),
            "ENTRAGATE_ROUTES must be a list of tables, not a list of other things",
            "ENTRAGATE_ROUTES='[{",
        ),
        (r#"[{ path = "/a" }]"#.to_owned(), "route 1: url is not set", "the URL of the MCP server"),
        (
            r#"[{ url = "http://127.0.0.1:3000/oauth" }]"#.to_owned(),
            "route 1: url has the path /oauth",
            "set path to another one",
        ),
        (r#"[{ url = "ftp://x/mcp" }]"#.to_owned(), "route 1: url has the scheme `ftp`", "http://"),
        (route(", pth = 1"), "route 1: `pth` is not part of a route", "did you mean path?"),
        (route(", colour = 1"), "route 1: `colour` is not part of a route", "a route has url"),
        (route(", also = \"/x\""), "route 1: also must be a list of strings, not a string", "also = ["),
        (
            route(", connect_timeout_seconds = 0"),
            "route 1: connect_timeout_seconds is 0",
            "give a number from 1",
        ),
        (
            route(", rules = [{ tool = [\"x\"] }]"),
            "route 1: rule 1: `tool` is not part of a rule",
            "did you mean tools?",
        ),
        (route(", client_id = \"x\""), "route 1: client_id is not a GUID", "the API app registration"),
        (
            route(&format!(", client_id = \"{CLIENT}\"")),
            "route 1: client_id is the client app",
            "exposes this server's API",
        ),
        (
            route(", identifier_uris = [\"api://x\"]"),
            "route 1: identifier_uris belongs to an API app of the route's own",
            "set client_id too",
        ),
        (
            route(", scopes = [\"api://x/y\"]"),
            "route 1: scopes contains `api://x/y`, which is not the short name of a scope",
            "such as access",
        ),
        (
            route(", replicas = [\"http://127.0.0.1:3000/mcp\"]"),
            "route 1: replicas repeats http://127.0.0.1:3000/mcp",
            "name each replica once",
        ),
        (
            route(", replicas = [\"https://10.0.0.2/mcp\"], also = [\"/messages\"]"),
            "route 1: replicas cannot be used with the HTTP+SSE transport",
            "leave also out",
        ),
        (pair("/a", "path = \"/a\""), "route 2: /a is a path of route 1 as well", "paths of its own"),
        (
            pair("/a", "path = \"/a/b\""),
            "route 2: /a/b and /a of route 1: one is below the other",
            "paths of its own",
        ),
        (
            pair("/a/b", "path = \"/a\""),
            "route 2: /a and /a/b of route 1: one is below the other",
            "paths of its own",
        ),
        (
            pair("/messages", "path = \"/b\", also = [\"/messages\"]"),
            "route 2: /messages is a path of route 1 as well",
            "paths of its own",
        ),
    ] {
        let problems = refused(&routes(&list));
        let problem = only(&problems);
        assert!(problem.message.starts_with(says), "{}", problem.message);
        assert!(problem.hint.contains(hint), "{says}: {}", problem.hint);
        assert_eq!(problem.key, "routes");
    }
}

#[test]
fn what_belongs_to_one_server_is_refused_beside_routes() {
    for (variable, value) in [
        ("ENTRAGATE_UPSTREAM", "http://127.0.0.1:3000/mcp"),
        ("ENTRAGATE_UPSTREAM_PATH", "/mcp"),
        ("ENTRAGATE_UPSTREAM_IDENTITY", "none"),
        ("ENTRAGATE_RESOURCE_NAME", "x"),
        ("ENTRAGATE_RULES", "[{ tools = [\"*\"] }]"),
    ] {
        let changes = [("ENTRAGATE_UPSTREAM", ""), ("ENTRAGATE_ROUTES", TWO), (variable, value)];
        let problems = refused(&with(&RELAY, &changes));
        let problem = only(&problems);
        assert_eq!(problem.message, format!("{variable} belongs to one MCP server, and there are routes"));
        assert!(problem.hint.contains("into each route"), "{}", problem.hint);
    }
}

#[test]
fn every_mistake_of_every_route_is_reported_at_once_and_at_its_place() {
    let text = "[[routes]]\npath = \"/a\"\n\n[[routes]]\nurl = \"http://127.0.0.1:3000/mcp\"\ncolour = 1\n\n\
                [[routes.rules]]\ntools = []\n\n[upstream]\nurl = \"http://127.0.0.1:3000/mcp\"\n";
    let path = file("routes_all_at_once", text);
    let problems =
        load(&with(&RELAY, &[("ENTRAGATE_UPSTREAM", "")]), Some(&path)).map(|_| ()).expect_err("refused");
    let text = says(&problems);
    for (message, line) in [
        ("route 1: url is not set", 1),
        ("route 2: `colour` is not part of a route", 6),
        ("route 2: rule 1: tools is an empty list", 9),
        ("upstream.url belongs to one MCP server, and there are routes", 12),
    ] {
        assert!(text.contains(message), "{text}");
        let place =
            problems.iter().find(|one| one.message.starts_with(message)).map(|one| one.place.to_string());
        assert!(place.is_some_and(|place| place.contains(&format!(":{line}:"))), "{message}: {text}");
    }
    assert_eq!(problems.iter().count(), 4, "{text}");
}

#[test]
fn nothing_about_entra_in_a_route_runs_without_sign_in() {
    for (member, value) in [("client_id", format!("\"{OTHER_API}\"")), ("scopes", "[\"access\"]".to_owned())]
    {
        let list = format!(r#"[{{ url = "http://127.0.0.1:3000/mcp", {member} = {value} }}]"#);
        let problems =
            refused(&with(&DEVELOPMENT, &[("ENTRAGATE_UPSTREAM", ""), ("ENTRAGATE_ROUTES", &list)]));
        let problem = only(&problems);
        assert_eq!(
            problem.message,
            format!("route 1: {member} is set, and nobody signs in: there is no setting of [entra]")
        );
    }
    assert_eq!(
        accepted(&with(&DEVELOPMENT, &[("ENTRAGATE_UPSTREAM", ""), ("ENTRAGATE_ROUTES", TWO)])).routes.len(),
        2
    );
}

#[test]
fn rs_19_routes_that_entras_tokens_cannot_tell_apart_are_named() {
    let twins = |config: &Config| {
        let about =
            config.warnings.iter().find(|finding| finding.message.contains("API app another route has"));
        about.map(|finding| (finding.severity, finding.message.clone()))
    };
    let (severity, text) = twins(&accepted(&routes(TWO))).expect("a warning");
    assert_eq!(severity, Severity::Warning);
    assert!(text.contains("/a and /b"), "{text}");
    // A token for /b is good at /a, and not the other way round.
    let narrower = TWO.replace("path = \"/b\"", "path = \"/b\", scopes = [\"b\"]");
    let (_, text) = twins(&accepted(&routes(&narrower))).expect("a warning");
    assert!(text.contains("has /a,") && !text.contains("/b"), "{text}");
    let apart = narrower.replace("path = \"/a\"", "path = \"/a\", scopes = [\"a\"]");
    assert_eq!(twins(&accepted(&routes(&apart))), None);
    let own = TWO.replace("path = \"/b\"", &format!("path = \"/b\", client_id = \"{OTHER_API}\""));
    assert_eq!(twins(&accepted(&routes(&own))), None);
    // The broker's own tokens are for one route each; Entra's are accepted as well.
    let broker = [
        ("AZURE_MCP_CLIENT_ID", ""),
        ("ENTRAGATE_UPSTREAM", ""),
        ("ENTRAGATE_ROUTES", TWO),
        ("BASE_URL", "http://localhost:3002"),
    ];
    let (severity, text) = twins(&accepted(&with(&RELAY, &broker))).expect("a note");
    assert_eq!(severity, Severity::Note);
    assert!(text.contains("for one route each"), "{text}");
}

#[test]
fn config_check_shows_each_route() {
    let list = TWO.replace("path = \"/b\"", "path = \"/b\", replicas = [\"http://127.0.0.1:3004/mcp\"], scopes = [\"b\"], resource_name = \"B\", rules = [{ tools = [\"*\"] }]");
    let table = as_table(&explain(&routes(&list), None).expect("accepted"));
    for line in [
        "2 MCP servers",
        "route 1  /a: http://127.0.0.1:3000/mcp; rules: 0",
        &format!(
            "route 2  /b: http://127.0.0.1:3001/mcp, http://127.0.0.1:3004/mcp; resource_name: B; asks for: api://{API}/b; rules: 1"
        ),
    ] {
        assert!(table.contains(line), "{table}");
    }
}

#[test]
fn what_a_route_is_told_of_callers_is_its_own_and_must_be_possible_there() {
    let route = |more: &str| {
        format!(
            r#"[{{ url = "http://127.0.0.1:3000/mcp", path = "/a" }}, {{ url = "http://127.0.0.1:3001/mcp", path = "/b", {more} }}]"#
        )
    };
    let (graph, own) = (
        r#"on_behalf_of_scopes = ["https://graph.microsoft.com/User.Read"]"#,
        format!("client_id = \"{OTHER_API}\""),
    );
    let config = accepted(&routes(&route(&format!("identity = \"on-behalf-of\", {graph}"))));
    assert!(config.on_behalf_of.is_some());
    assert_eq!(config.routes[0].http().unwrap().identity, UpstreamIdentity::Headers);
    assert!(matches!(config.routes[1].http().unwrap().identity, UpstreamIdentity::OnBehalfOf(_)));
    let token = format!("identity = \"token\", audience = \"{OTHER_API}\", {own}");
    assert!(matches!(
        accepted(&routes(&route(&token))).routes[1].http().unwrap().identity,
        UpstreamIdentity::Token { .. }
    ));
    for (more, says) in [
        (
            format!("identity = \"on-behalf-of\", {graph}, {own}"),
            "route 2: identity is on-behalf-of, and the route has an API app of its own",
        ),
        (format!("identity = \"token\", audience = \"{OTHER_API}\""), "route 2: audience is `"),
        ("identity = \"static\"".to_owned(), "route 2: credential_file is not set"),
        ("credential = \"Bearer x\"".to_owned(), "route 2: credential does not belong into a list of routes"),
    ] {
        let problems = refused(&routes(&route(&more)));
        assert!(problems.iter().any(|one| one.message.starts_with(says)), "{more}: {problems}");
        assert!(!problems.to_string().contains("Bearer x"), "{problems}");
    }
}
