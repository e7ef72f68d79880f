//! What a configuration means once it is accepted.

use std::time::Duration;

use entragate_cli::config::{FurtherPath, Identity, LogConfig, Severity, UpstreamIdentity, explain};

use crate::config_fixture::{API, CLIENT, DEVELOPMENT, RELAY, TENANT, accepted, with};

#[test]
fn the_seeds_environment_and_an_upstream_are_enough() {
    let config = accepted(&with(&RELAY, &[]));
    let Identity::Relay(relay) = &config.identity else { panic!("not in relay mode") };
    assert_eq!(relay.tenant.as_str(), TENANT);
    assert_eq!(relay.api.id().as_str(), API);
    assert_eq!(relay.client.as_str(), CLIENT);
    assert_eq!(relay.api.qualified_scopes(), [format!("api://{API}/.default")]);
    assert_eq!(config.base_url.as_str(), "https://mcp.contoso.com");
    assert_eq!(config.listen.to_string(), "127.0.0.1:3002");
    assert_eq!(config.admin_listen, None);
    assert_eq!(config.authority.as_str(), "https://login.microsoftonline.com");
    assert_eq!(config.routes[0].http().unwrap().url.as_str(), "http://127.0.0.1:3000/mcp");
    assert_eq!(config.routes[0].http().unwrap().path, "/mcp");
    assert!(config.routes[0].http().unwrap().also.is_empty());
    assert_eq!(config.routes[0].http().unwrap().identity, UpstreamIdentity::Headers);
    assert_eq!(config.routes[0].http().unwrap().connect_timeout, Duration::from_secs(5));
    assert_eq!(config.routes[0].http().unwrap().response_header_timeout, None);
    assert_eq!(config.max_body_bytes, 16 * 1024 * 1024);
    assert!(config.hosted_callbacks && config.session_key.is_none());
    assert_eq!((config.sign_in_rate.per_second.get(), config.sign_in_rate.burst.get()), (50, 500));
    assert_eq!(config.log, LogConfig::default());
    assert!(
        config.routes[0].rules.is_empty()
            && config.scope_implies.is_empty()
            && config.redirect_rules.is_empty()
    );
}

#[test]
fn without_any_setting_about_entra_there_is_development_mode_on_loopback() {
    let config = accepted(&with(&DEVELOPMENT, &[]));
    assert!(matches!(config.identity, Identity::Development));
    assert_eq!(config.base_url.as_str(), "http://localhost:3002");
    assert!(config.listen.ip().is_loopback());
}

#[test]
fn the_default_base_url_has_the_port_of_the_listener() {
    for (listen, base_url) in
        [("127.0.0.1:8080", "http://localhost:8080"), ("127.0.0.1:80", "http://localhost")]
    {
        let config = accepted(&with(&DEVELOPMENT, &[("ENTRAGATE_LISTEN", listen)]));
        assert_eq!(config.base_url.as_str(), base_url);
    }
}

#[test]
fn the_public_path_is_the_upstreams_own_unless_it_has_none() {
    for (upstream, path, public) in [
        ("http://127.0.0.1:3000", "", "/mcp"),
        ("http://127.0.0.1:3000/", "", "/mcp"),
        ("http://127.0.0.1:3000/tools/", "", "/tools"),
        ("http://127.0.0.1:3000/v1/mcp", "", "/v1/mcp"),
        ("http://127.0.0.1:3000/oauth", "/mcp", "/mcp"),
    ] {
        let changes = [("ENTRAGATE_UPSTREAM", upstream), ("ENTRAGATE_UPSTREAM_PATH", path)];
        assert_eq!(
            accepted(&with(&DEVELOPMENT, &changes)).routes[0].http().unwrap().path,
            public,
            "{upstream}"
        );
    }
}

#[test]
fn lists_in_the_environment_are_separated_by_commas() {
    let config = accepted(&with(
        &RELAY,
        &[
            ("ENTRAGATE_ALLOWED_HOSTS", " a.test , b.test:8080,"),
            ("ENTRAGATE_ALLOWED_ORIGINS", "https://a.test"),
            ("ENTRAGATE_ALLOWED_REDIRECT_URIS", "cursor:,https://chat.contoso.com/api/mcp/*"),
            ("ENTRAGATE_DENIED_REDIRECT_URIS", "https://chatgpt.com/*"),
            ("ENTRAGATE_UPSTREAM_ALSO", "/messages,/sse"),
            ("ENTRAGATE_ENTRA_SCOPES", "access"),
            ("ENTRAGATE_ENTRA_IDENTIFIER_URIS", "api://mcp.contoso.com"),
        ],
    ));
    assert_eq!(config.allowed_hosts, ["a.test", "b.test:8080"]);
    assert_eq!(config.allowed_origins, ["https://a.test"]);
    assert_eq!(config.redirect_rules.len(), 2);
    assert_eq!(config.denied_redirects.len(), 1);
    assert_eq!(config.routes[0].http().unwrap().also, ["/messages", "/sse"].map(FurtherPath::same));
    let Identity::Relay(relay) = config.identity else { panic!("not in relay mode") };
    assert_eq!(relay.api.qualified_scopes(), ["api://mcp.contoso.com/access"]);
}

#[test]
fn further_path_can_be_another_one_for_the_server() {
    let changes = [("ENTRAGATE_UPSTREAM_ALSO", "/b/messages=/messages, /x = /y/z")];
    let config = accepted(&with(&RELAY, &changes));
    let further = |public: &str, upstream: &str| FurtherPath {
        public: public.to_owned(),
        upstream: upstream.to_owned(),
    };
    assert_eq!(
        config.routes[0].http().unwrap().also,
        [further("/b/messages", "/messages"), further("/x", "/y/z")]
    );
    assert_eq!(config.routes[0].paths().skip(1).collect::<Vec<_>>(), ["/b/messages", "/x"]);
}

#[test]
fn calls_in_flight_have_ten_seconds_at_the_end_or_as_many_as_are_set() {
    assert_eq!(accepted(&with(&RELAY, &[])).drain, Duration::from_secs(10));
    for seconds in [0, 25, 3600] {
        let drain = accepted(&with(&RELAY, &[("ENTRAGATE_DRAIN_SECONDS", &seconds.to_string())])).drain;
        assert_eq!(drain, Duration::from_secs(seconds));
    }
}

#[test]
fn white_space_around_a_value_and_empty_variables_do_not_count() {
    let changes = [("AZURE_TENANT_ID", "11111111-2222-3333-4444-555555555555\n"), ("ENTRAGATE_MODE", " ")];
    let Identity::Relay(relay) = accepted(&with(&RELAY, &changes)).identity else {
        panic!("not in relay mode")
    };
    assert_eq!(relay.tenant.as_str(), TENANT);
}

#[test]
fn our_own_name_of_a_variable_wins_over_the_one_that_platforms_inject() {
    let injected = "dddddddd-0000-4000-8000-000000000001";
    let changes = [("AZURE_CLIENT_ID", injected), ("ENTRAGATE_ENTRA_CLIENT_ID", API)];
    let config = accepted(&with(&RELAY, &changes));
    let Identity::Relay(relay) = &config.identity else { panic!("not in relay mode") };
    assert_eq!(relay.api.id().as_str(), API);
    let note = "AZURE_CLIENT_ID is overridden by ENTRAGATE_ENTRA_CLIENT_ID";
    assert!(config.warnings.iter().any(|warning| warning.message == note), "{:?}", config.warnings);
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    for (change, says) in [
        (("ENTRAGATE_UPSTREAM", "http://10.0.0.2:3000/mcp"), "plain http to another machine"),
        (("AZURE_TENNANT_ID", "x"), "AZURE_TENNANT_ID is not read"),
        (("ENTRAGATE_RULES", "[]"), "every tool is open to everybody who signed in"),
        (
            ("BASE_URL", "https://mcp.contoso.com/mcp"),
            "clients would have to use https://mcp.contoso.com/mcp/mcp",
        ),
        (
            ("BASE_URL", "https://contoso.com/gate/mcp"),
            "clients would have to use https://contoso.com/gate/mcp/mcp",
        ),
    ] {
        let config = accepted(&with(&RELAY, &[change]));
        let found = config.warnings.iter().find(|warning| warning.message.contains(says));
        assert_eq!(found.map(|warning| warning.severity), Some(Severity::Warning), "{says}");
    }
}

#[test]
fn base_urls_that_do_not_double_the_path_and_rules_that_are_not_there_are_no_warning() {
    let usual = accepted(&with(&RELAY, &[])).warnings;
    for change in [("BASE_URL", "https://contoso.com/gate"), ("BASE_URL", "https://contoso.com/xmcp")] {
        assert_eq!(accepted(&with(&RELAY, &[change])).warnings, usual, "{change:?}");
    }
}

#[test]
fn variables_of_other_software_are_nobodys_mistake() {
    let foreign = [
        ("AZURE_USERNAME", "x"),
        ("AZURE_TOKEN_CREDENTIALS", "prod"),
        ("AZURE_SUBSCRIPTION_ID", "x"),
        ("AZURE_CONFIG_DIR", "/x"),
        ("AZURE_CLIENT_CERTIFICATE_PASSWORD", "x"),
        ("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "x"),
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST", "x"),
        ("AZURE_REGIONAL_AUTHORITY_NAME", "x"),
        ("AZURE_ADDITIONALLY_ALLOWED_TENANTS", "x"),
        ("AZURE_PASSWORD", "x"),
        ("AZURE_PRINCIPAL_ID", "x"),
        ("AZURE_ENV_NAME", "x"),
        ("AZURE_LOCATION", "x"),
        ("AZURE_RESOURCE_GROUP", "x"),
        ("AZURE_CLOUD", "x"),
        ("AZURE_OPENAI_ENDPOINT", "x"),
        ("AZURE_KEY_VAULT_ENDPOINT", "x"),
        ("AZURE_STORAGE_CONNECTION_STRING", "x"),
        ("AZURE_DEVOPS_EXT_PAT", "x"),
        ("AZURE_HTTP_USER_AGENT", "x"),
        ("ENTRAGATE_PORT", "tcp://10.0.0.7:80"),
        ("ENTRAGATE_SERVICE_HOST", "10.0.0.7"),
        ("BASE_URLS", "x"),
    ];
    let usual = accepted(&with(&RELAY, &[])).warnings;
    assert_eq!(accepted(&with(&RELAY, &foreign)).warnings, usual);
    assert_eq!(accepted(&with(&DEVELOPMENT, &foreign)).warnings, []);
}

#[test]
fn an_upstream_elsewhere_on_the_same_origin_is_not_the_gateway() {
    let changes =
        [("BASE_URL", "https://contoso.com/gate"), ("ENTRAGATE_UPSTREAM", "https://contoso.com/tools")];
    assert_eq!(accepted(&with(&RELAY, &changes)).routes[0].http().unwrap().path, "/tools");
    let changes =
        [("ENTRAGATE_LISTEN", "10.0.0.5:3002"), ("ENTRAGATE_UPSTREAM", "http://127.0.0.1:3002/mcp")];
    accepted(&with(&RELAY, &changes));
}

#[test]
fn rules_without_authentication_are_a_warning() {
    let config = accepted(&with(&DEVELOPMENT, &[("ENTRAGATE_RULES", "[{ tools = [\"x\"] }]")]));
    let says = "ENTRAGATE_RULES has no effect: without authentication everybody may call everything";
    assert!(config.warnings.iter().any(|warning| warning.message == says), "{:?}", config.warnings);
}

#[test]
fn a_free_port_will_do_in_development_mode() {
    let config = accepted(&with(&DEVELOPMENT, &[("ENTRAGATE_LISTEN", "127.0.0.1:0")]));
    assert_eq!(config.listen.port(), 0);
}

#[test]
fn every_accepted_configuration_makes_a_gate() {
    let gate = accepted(&with(&DEVELOPMENT, &[])).gate().expect("a gate");
    assert!(gate.is_development());
    let changes = [
        ("ENTRAGATE_UPSTREAM", "https://tools.contoso.com/v1/mcp"),
        ("ENTRAGATE_UPSTREAM_ALSO", "/messages"),
        ("ENTRAGATE_RULES", "[{ tools = [\"*\"], roles = [\"User\"] }]"),
        ("ENTRAGATE_SCOPE_IMPLIES", "{ admin = [\"access\"] }"),
        ("ENTRAGATE_RESOURCE_NAME", "Contoso tools"),
        ("ENTRAGATE_SESSION_KEY", "0123456789abcdef0123456789abcdef"),
    ];
    let gate = accepted(&with(&RELAY, &changes)).gate().expect("a gate");
    assert!(!gate.is_development());
    assert_eq!(gate.base_url().as_str(), "https://mcp.contoso.com");
    assert_eq!(gate.resource_path(), "/v1/mcp");
}

#[test]
fn relay_mode_says_what_it_cannot_do() {
    let config = accepted(&with(&RELAY, &[("BASE_URL", "https://mcp.contoso.com/")]));
    let printed: Vec<_> = config.warnings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(printed.join("\n\n"));
    assert_eq!(config.base_url.as_str(), "https://mcp.contoso.com");
}

#[test]
fn no_output_contains_the_secret() {
    let explained = explain(&with(&RELAY, &[]), None).expect("accepted");
    assert!(!format!("{explained:?}").contains("hunter2"));
    let environment = with(&RELAY, &[]);
    assert!(!format!("{environment:?}").contains("hunter2"));
}
