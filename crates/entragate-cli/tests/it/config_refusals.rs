//! What refuses to start: each rule is shown to refuse, with its key, its place and its advice.

use entragate_cli::config::{Identity, load};

use crate::config_fixture::{API, CLIENT, DEVELOPMENT, RELAY, TENANT, accepted, file, only, refused, with};

/// One change to a good environment, and the one problem that it makes.
struct Refusal<'a> {
    change: &'a [(&'a str, &'a str)],
    key: &'a str,
    place: &'a str,
    says: &'a str,
    hint: &'a str,
}

const fn refusal<'a>(
    change: &'a [(&'a str, &'a str)],
    key: &'a str,
    place: &'a str,
    says: &'a str,
    hint: &'a str,
) -> Refusal<'a> {
    Refusal { change, key, place, says, hint }
}

#[track_caller]
fn check(base: &[(&str, &str)], rows: &[Refusal<'_>]) {
    for row in rows {
        let problems = refused(&with(base, row.change));
        let problem = only(&problems);
        let printed = problem.to_string();
        assert_eq!(problem.key, row.key, "{printed}");
        assert_eq!(problem.place.to_string(), format!("environment variable {}", row.place), "{printed}");
        assert!(problem.message.contains(row.says), "{printed}\n does not say {}", row.says);
        assert!(problem.hint.contains(row.hint), "{printed}\n does not advise {}", row.hint);
    }
}

#[test]
fn half_set_identity_is_refused() {
    check(
        &RELAY,
        &[
            refusal(
                &[("AZURE_TENANT_ID", "")],
                "entra.tenant_id",
                "AZURE_TENANT_ID",
                "AZURE_TENANT_ID is not set",
                "AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and AZURE_MCP_CLIENT_ID are set",
            ),
            refusal(
                &[("AZURE_CLIENT_ID", "")],
                "entra.client_id",
                "AZURE_CLIENT_ID",
                "AZURE_CLIENT_ID is not set",
                "the API app registration",
            ),
            refusal(
                &[("AZURE_MCP_CLIENT_ID", ""), ("ENTRAGATE_MODE", "relay")],
                "entra.mcp_client_id",
                "AZURE_MCP_CLIENT_ID",
                "AZURE_MCP_CLIENT_ID is not set",
                "or set mode to broker",
            ),
            refusal(
                &[("AZURE_MCP_CLIENT_ID", API)],
                "entra.mcp_client_id",
                "AZURE_MCP_CLIENT_ID",
                "the same app registration as AZURE_CLIENT_ID: Entra answers AADSTS90009",
                "make two registrations",
            ),
        ],
    );
}

#[test]
fn a_variable_about_entra_without_a_tenant_never_means_development_mode() {
    for variable in [
        ("AZURE_CLIENT_ID", API),
        ("AZURE_MCP_CLIENT_ID", CLIENT),
        ("AZURE_CLIENT_SECRET", "hunter2"),
        ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us"),
        ("AZURE_FEDERATED_TOKEN_FILE", "/token"),
        ("ENTRAGATE_ENTRA_SCOPES", "access"),
        ("ENTRAGATE_ENTRA_IDENTIFIER_URIS", "api://mcp"),
        ("ENTRAGATE_MODE", "relay"),
        // Wrong values are set values.
        ("AZURE_CLIENT_ID", "<api-app-client-id>"),
        ("AZURE_TENANT_ID", "<your-tenant-id>"),
    ] {
        let problems = refused(&with(&DEVELOPMENT, &[variable]));
        assert!(problems.iter().any(|problem| problem.key == "entra.tenant_id"), "{variable:?}:\n{problems}");
    }
}

#[test]
fn a_misspelt_variable_of_azure_never_means_development_mode() {
    for (typed, meant) in [
        ("AZURE_TENANTID", "did you mean AZURE_TENANT_ID?"),
        ("AZURE_TENANT", "did you mean AZURE_TENANT_ID?"),
        ("AZURE_TENNANT_ID", "did you mean AZURE_TENANT_ID?"),
        ("azure_tenant_id", "did you mean AZURE_TENANT_ID?"),
        ("AZUER_TENANT_ID", "did you mean AZURE_TENANT_ID?"),
        ("AZURE_CLIENTID", "did you mean AZURE_CLIENT_ID?"),
        ("AZURE_MCP_CLIENTID", "did you mean AZURE_MCP_CLIENT_ID?"),
        ("AZURE_CLIENT_SECRETS", "did you mean AZURE_CLIENT_SECRET?"),
    ] {
        let says = "is not read, and without it there is no authentication";
        check(&DEVELOPMENT, &[refusal(&[(typed, "hunter2")], typed, typed, says, meant)]);
    }
}

#[test]
fn no_subset_of_the_identity_settings_but_the_empty_one_runs_without_authentication() {
    let settings = [
        ("AZURE_TENANT_ID", TENANT),
        ("AZURE_CLIENT_ID", API),
        ("AZURE_MCP_CLIENT_ID", CLIENT),
        ("AZURE_CLIENT_SECRET", "hunter2"),
        ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us"),
        ("AZURE_FEDERATED_TOKEN_FILE", "/token"),
        ("ENTRAGATE_ENTRA_SCOPES", "access"),
        ("ENTRAGATE_ENTRA_IDENTIFIER_URIS", "api://mcp"),
        ("ENTRAGATE_MODE", "relay"),
    ];
    for subset in 0..1_u32 << settings.len() {
        let chosen: Vec<_> =
            settings.iter().enumerate().filter(|(bit, _)| subset & (1 << bit) != 0).collect();
        let chosen: Vec<_> = chosen.into_iter().map(|(_, setting)| *setting).collect();
        let loaded = load(&with(&DEVELOPMENT, &chosen), None);
        let has = |name: &str| chosen.iter().any(|(known, _)| *known == name);
        let relay = subset & 0b111 == 0b111;
        // Without a client app the API app signs people in itself, which takes its secret; the token file is not there.
        let broker = subset & 0b111 == 0b011 && has("AZURE_CLIENT_SECRET") && !has("ENTRAGATE_MODE");
        match loaded.map(|config| config.identity) {
            Ok(Identity::Development) => assert!(chosen.is_empty(), "{chosen:?} runs without authentication"),
            Ok(Identity::Relay(_)) => assert!(relay, "{chosen:?} is half set and was accepted"),
            Ok(Identity::Broker(_)) => assert!(broker, "{chosen:?} is half set and was accepted"),
            Err(problems) => {
                assert!(!relay && !broker && !chosen.is_empty(), "{chosen:?} was refused:\n{problems}");
            }
        }
    }
}

#[test]
fn values_about_entra_that_cannot_be_right_are_refused() {
    let tenant = |value| [("AZURE_TENANT_ID", value)];
    let authority = |value| [("AZURE_AUTHORITY_HOST", value)];
    check(
        &RELAY,
        &[
            refusal(
                &tenant("contoso"),
                "entra.tenant_id",
                "AZURE_TENANT_ID",
                "neither a GUID nor a domain",
                "Tenant ID",
            ),
            refusal(
                &tenant("common"),
                "entra.tenant_id",
                "AZURE_TENANT_ID",
                "stands for many tenants",
                "GUID",
            ),
            refusal(
                &[("AZURE_CLIENT_ID", "hunter2")],
                "entra.client_id",
                "AZURE_CLIENT_ID",
                "AZURE_CLIENT_ID is not a GUID",
                "API app registration",
            ),
            refusal(
                &[("AZURE_MCP_CLIENT_ID", "x")],
                "entra.mcp_client_id",
                "AZURE_MCP_CLIENT_ID",
                "is not a GUID",
                "public client app registration",
            ),
            refusal(
                &authority("http://login.microsoftonline.com"),
                "entra.authority_host",
                "AZURE_AUTHORITY_HOST",
                "plain http on a host that is not loopback",
                "https://",
            ),
            refusal(
                &authority("login.microsoftonline.com"),
                "entra.authority_host",
                "AZURE_AUTHORITY_HOST",
                "not the URL of a host",
                "https://login.microsoftonline.com",
            ),
            refusal(
                &[("ENTRAGATE_ENTRA_SCOPES", "access,api://x/write")],
                "entra.scopes",
                "ENTRAGATE_ENTRA_SCOPES",
                "`api://x/write`, which is not the short name of a scope",
                "such as access",
            ),
            refusal(
                &[("ENTRAGATE_ENTRA_IDENTIFIER_URIS", "api://x/")],
                "entra.identifier_uris",
                "ENTRAGATE_ENTRA_IDENTIFIER_URIS",
                "not an Application ID URI",
                "without a slash at the end",
            ),
        ],
    );
}

#[test]
fn modes_of_later_versions_are_known_and_refused() {
    check(
        &RELAY,
        &[refusal(
            &[("ENTRAGATE_MODE", "native")],
            "mode",
            "ENTRAGATE_MODE",
            "is `native`, which is not available in this version",
            "set it to broker, or to relay with AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_MCP_CLIENT_ID",
        )],
    );
    let other = |value| [("ENTRAGATE_MODE", value)];
    check(&RELAY, &[refusal(&other("proxy"), "mode", "ENTRAGATE_MODE", "which is no mode", "relay")]);
    check(
        &DEVELOPMENT,
        &[refusal(
            &other("development"),
            "mode",
            "ENTRAGATE_MODE",
            "cannot be set to `development`",
            "unset it",
        )],
    );
}

#[test]
fn a_public_listener_without_authentication_is_refused() {
    for address in
        ["0.0.0.0:3002", "[::]:3002", "192.168.1.2:3002", "[fe80::1]:3002", "[::ffff:10.0.0.1]:3002"]
    {
        for (variable, key) in [("ENTRAGATE_LISTEN", "listen"), ("ENTRAGATE_ADMIN_LISTEN", "admin.listen")] {
            let address = address.replace("3002", "3999");
            check(
                &DEVELOPMENT,
                &[refusal(
                    &[(variable, &address)],
                    key,
                    variable,
                    "open to other machines, and there is no authentication",
                    "listen on 127.0.0.1:3999, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_MCP_CLIENT_ID",
                )],
            );
        }
    }
    check(
        &DEVELOPMENT,
        &[refusal(
            &[("BASE_URL", "https://mcp.contoso.com")],
            "base_url",
            "BASE_URL",
            "a public name, and there is no authentication",
            "unset it, or set AZURE_TENANT_ID",
        )],
    );
}

#[test]
fn development_mode_runs_on_every_kind_of_loopback() {
    for (listen, base_url) in [
        ("127.0.0.1:3002", "http://localhost:3002"),
        ("127.9.9.9:3002", "http://127.0.0.1:3002"),
        ("[::1]:3002", "http://[::1]:3002"),
        ("localhost:3002", "https://localhost"),
    ] {
        let config = accepted(&with(&DEVELOPMENT, &[("ENTRAGATE_LISTEN", listen), ("BASE_URL", base_url)]));
        assert!(matches!(config.identity, Identity::Development));
    }
}

#[test]
fn addresses_and_urls_that_cannot_work_are_refused() {
    let base_url = |value| [("BASE_URL", value)];
    let row = |change, says, hint| refusal(change, "base_url", "BASE_URL", says, hint);
    check(
        &RELAY,
        &[
            row(
                &base_url("http://mcp.contoso.com"),
                "plain http on mcp.contoso.com",
                "write https://mcp.contoso.com",
            ),
            row(&base_url("mcp.contoso.com"), "not an absolute URL", "https://mcp.contoso.com"),
            row(&base_url("ftp://mcp.contoso.com"), "has the scheme `ftp`", "https://"),
            row(
                &base_url("https://u:hunter2@mcp.contoso.com"),
                "contains a user name or password",
                "scheme, host",
            ),
            row(&base_url("https://mcp.contoso.com?x=1"), "contains a query", "scheme, host"),
            row(&base_url("https://MCP.contoso.com"), "not in normal form", "write https://mcp.contoso.com"),
            refusal(
                &[("ENTRAGATE_LISTEN", ":3002")],
                "listen",
                "ENTRAGATE_LISTEN",
                "`:3002`, which is not an IP address and a port",
                "127.0.0.1:3002 for this machine only",
            ),
            refusal(
                &[("ENTRAGATE_ADMIN_LISTEN", "0.0.0.0:3002")],
                "admin.listen",
                "ENTRAGATE_ADMIN_LISTEN",
                "is the address of `listen` too",
                "another port",
            ),
            refusal(
                &[("ENTRAGATE_LISTEN", "127.0.0.1:0"), ("BASE_URL", "")],
                "base_url",
                "BASE_URL",
                "BASE_URL is not set",
                "port 0",
            ),
        ],
    );
}

#[test]
fn a_public_listener_needs_a_public_name() {
    check(
        &RELAY,
        &[refusal(
            &[("BASE_URL", ""), ("ENTRAGATE_LISTEN", "0.0.0.0:3002")],
            "base_url",
            "BASE_URL",
            "is not set: clients on other machines would be sent to http://localhost:3002",
            "the URL that clients use",
        )],
    );
}

#[test]
fn an_emulator_behind_a_public_name_is_refused() {
    check(
        &RELAY,
        &[refusal(
            &[("AZURE_AUTHORITY_HOST", "http://127.0.0.1:8400")],
            "entra.authority_host",
            "AZURE_AUTHORITY_HOST",
            "an emulator on this machine, and https://mcp.contoso.com is a public name",
            "unset it",
        )],
    );
    let local = [("AZURE_AUTHORITY_HOST", "http://127.0.0.1:8400"), ("BASE_URL", "http://localhost:3002")];
    accepted(&with(&RELAY, &local)).gate().expect("a gate");
}

#[test]
fn upstreams_that_cannot_work_are_refused() {
    let upstream = |value| [("ENTRAGATE_UPSTREAM", value)];
    let row = |change, says, hint| refusal(change, "upstream.url", "ENTRAGATE_UPSTREAM", says, hint);
    check(
        &RELAY,
        &[
            row(&upstream(""), "ENTRAGATE_UPSTREAM is not set", "the URL of the MCP server"),
            row(&upstream("/mcp"), "is not a URL", "write scheme, host, port and path"),
            row(&upstream("localhost:3000/mcp"), "has the scheme `localhost`", "http://"),
            row(&upstream("http://user:hunter2@x/mcp"), "contains a user name or password", "before the @"),
            row(&upstream("https://x/mcp?key=1"), "contains a query or a fragment", "begins with ?"),
            row(&upstream("https://x/mcp#1"), "contains a query or a fragment", "begins with ?"),
            row(&upstream("http://localhost:3002/mcp"), "is the gateway itself", "another port"),
            row(&upstream("https://mcp.contoso.com/mcp"), "is the gateway itself", "another port"),
            row(&upstream("http://[::1]:3002/x"), "is the gateway itself", "another port"),
            row(&upstream("http://0.0.0.0:3002/mcp"), "is the gateway itself", "another port"),
            row(&upstream("http://[::]:3002/mcp"), "is the gateway itself", "another port"),
            row(&upstream("http://[::ffff:127.0.0.1]:3002/mcp"), "is the gateway itself", "another port"),
            row(
                &[("ENTRAGATE_UPSTREAM", "http://10.0.0.5:3002/mcp"), ("ENTRAGATE_LISTEN", "10.0.0.5:3002")],
                "is the gateway itself",
                "another port",
            ),
            row(&upstream("https://x/oauth/mcp"), "collides with /oauth", "ENTRAGATE_UPSTREAM_PATH"),
        ],
    );
    for reserved in ["/oauth", "/authorize", "/token", "/register", "/.well-known", "/auth/callback"] {
        check(
            &RELAY,
            &[
                refusal(
                    &[("ENTRAGATE_UPSTREAM_PATH", reserved)],
                    "upstream.path",
                    "ENTRAGATE_UPSTREAM_PATH",
                    "collides with",
                    "another public path",
                ),
                refusal(
                    &[("ENTRAGATE_UPSTREAM_ALSO", reserved)],
                    "upstream.also",
                    "ENTRAGATE_UPSTREAM_ALSO",
                    "collides with",
                    "another public path",
                ),
            ],
        );
    }
    check(
        &RELAY,
        &[refusal(
            &[("ENTRAGATE_UPSTREAM_ALSO", "/messages,/mcp")],
            "upstream.also",
            "ENTRAGATE_UPSTREAM_ALSO",
            "repeats /mcp",
            "once",
        )],
    );
    for (also, says) in [
        ("/b/messages=messages", "not a plain path"),
        ("/b/messages=/a/../b", "not a plain path"),
        ("=/messages", "not a plain path"),
        ("/oauth/x=/messages", "collides with"),
        ("/a=/messages,/b=/messages", "repeats /b"),
        ("/a=/x,/a=/y", "repeats /a"),
    ] {
        let hint = if says.starts_with("repeats") { "once" } else { "such as /mcp" };
        let change = [("ENTRAGATE_UPSTREAM_ALSO", also)];
        let row = refusal(&change, "upstream.also", "ENTRAGATE_UPSTREAM_ALSO", says, hint);
        check(&RELAY, &[row]);
    }
}

#[test]
fn wrong_kinds_and_bounds_are_refused() {
    let body = |value| [("ENTRAGATE_MAX_BODY_BYTES", value)];
    let wait = |value| [("ENTRAGATE_UPSTREAM_CONNECT_TIMEOUT_SECONDS", value)];
    let seconds = "upstream.connect_timeout_seconds";
    check(
        &RELAY,
        &[
            refusal(
                &body("16 MiB"),
                "max_body_bytes",
                "ENTRAGATE_MAX_BODY_BYTES",
                "a whole number",
                "for example",
            ),
            refusal(
                &body("12"),
                "max_body_bytes",
                "ENTRAGATE_MAX_BODY_BYTES",
                "is 12",
                "from 1024 to 1073741824",
            ),
            refusal(
                &wait("0"),
                seconds,
                "ENTRAGATE_UPSTREAM_CONNECT_TIMEOUT_SECONDS",
                "is 0",
                "from 1 to 86400",
            ),
            refusal(
                &[("ENTRAGATE_UPSTREAM_IDENTITY", "yes")],
                "upstream.identity",
                "ENTRAGATE_UPSTREAM_IDENTITY",
                "is `yes`, which is no kind of identity",
                "headers, none, assertion, static, token and on-behalf-of",
            ),
            refusal(
                &[("ENTRAGATE_HOSTED_CALLBACKS", "no")],
                "hosted_callbacks",
                "ENTRAGATE_HOSTED_CALLBACKS",
                "true or false",
                "for example",
            ),
            refusal(
                &[("ENTRAGATE_SESSION_KEY", "hunter2-hunter2-hunter2-hunter2")],
                "session_key",
                "ENTRAGATE_SESSION_KEY",
                "is shorter than 32 characters",
                "openssl rand",
            ),
            refusal(
                &[("ENTRAGATE_SIGN_IN_RATE_PER_SECOND", "0")],
                "sign_in_rate.per_second",
                "ENTRAGATE_SIGN_IN_RATE_PER_SECOND",
                "is 0",
                "from 1 to 1000000",
            ),
            refusal(
                &[("ENTRAGATE_SIGN_IN_RATE_BURST", "-1")],
                "sign_in_rate.burst",
                "ENTRAGATE_SIGN_IN_RATE_BURST",
                "is -1",
                "from 1 to 1000000",
            ),
            refusal(
                &[("ENTRAGATE_LOG_FORMAT", "xml")],
                "log.format",
                "ENTRAGATE_LOG_FORMAT",
                "`xml`",
                "text or json",
            ),
            refusal(
                &[("ENTRAGATE_LOG_FILTER", "a=b=c")],
                "log.filter",
                "ENTRAGATE_LOG_FILTER",
                "no filter",
                "info",
            ),
            refusal(
                &[("ENTRAGATE_ALLOWED_HOSTS", "a.test,*.b.test")],
                "allowed_hosts",
                "ENTRAGATE_ALLOWED_HOSTS",
                "`*.b.test`, which is not a host",
                "without scheme",
            ),
            refusal(
                &[("ENTRAGATE_ALLOWED_ORIGINS", "*")],
                "allowed_origins",
                "ENTRAGATE_ALLOWED_ORIGINS",
                "`*`, which is not the origin",
                "no wildcards",
            ),
        ],
    );
}

#[test]
fn callbacks_that_cannot_be_meant_are_refused() {
    check(
        &RELAY,
        &[
            refusal(
                &[("ENTRAGATE_ALLOWED_REDIRECT_URIS", "javascript:")],
                "allowed_redirect_uris",
                "ENTRAGATE_ALLOWED_REDIRECT_URIS",
                "`javascript:`",
                "https://host/callback",
            ),
            refusal(
                &[("ENTRAGATE_DENIED_REDIRECT_URIS", "http://localhost/callback")],
                "denied_redirect_uris",
                "ENTRAGATE_DENIED_REDIRECT_URIS",
                "`http://localhost/callback`",
                "loopback callbacks are always allowed",
            ),
        ],
    );
}

#[test]
fn an_unknown_variable_of_ours_is_refused_with_the_nearest_name() {
    for (typed, meant) in [
        ("ENTRAGATE_LISTN", "did you mean ENTRAGATE_LISTEN?"),
        ("ENTRAGATE_UPSTREAM_URL", "did you mean ENTRAGATE_UPSTREAM?"),
        ("ENTRAGATE_TENANT_ID", "did you mean AZURE_TENANT_ID?"),
        ("ENTRAGATE_MCP_CLIENT_ID", "did you mean AZURE_MCP_CLIENT_ID?"),
        ("ENTRAGATE_SCOPES", "did you mean ENTRAGATE_ENTRA_SCOPES?"),
        ("ENTRAGATE_IDENTIFIER_URIS", "did you mean ENTRAGATE_ENTRA_IDENTIFIER_URIS?"),
        ("ENTRAGATE_REDIRECT_URIS", "did you mean ENTRAGATE_ALLOWED_REDIRECT_URIS?"),
        ("ENTRAGATE_COLOUR_OF_THE_SHED", "entragate config reference"),
    ] {
        check(&RELAY, &[refusal(&[(typed, "x")], typed, typed, "is not a setting", meant)]);
    }
}

#[test]
fn every_problem_is_listed_at_once_and_no_value_that_may_be_secret() {
    let path = file(
        "every_problem",
        r#"
mode = "native"
listn = "127.0.0.1:1"
AZURE_TENANT_ID = "x"
entra = { tenant_id = 5, client_secret = "hunter2", client_id = "xyz" }

[upstream]
url = "ftp://user:hunter2@files.contoso.com/mcp"
identity = true

[log]
filter = "a=b=c"

[[rules]]
tools = ["*"]

[[rules]]
tools = ["admin_*"]
roles = ["Admin"]

[[rules]]
prompts = ["*"]
roles = ["Admin", ""]

[[rules]]
roles = ["x"]

[[rules]]
tool = ["x"]
tools = "x"
"#,
    );
    let environment = with(
        &[],
        &[
            ("ENTRAGATE_LISTEN", "0.0.0.0:3002"),
            ("ENTRAGATE_LISTN", "1"),
            ("ENTRAGATE_MAX_BODY_BYTES", "many"),
            ("AZURE_MCP_CLIENT_ID", "hunter2"),
            ("BASE_URL", "http://mcp.contoso.com/"),
        ],
    );
    let problems = load(&environment, Some(&path)).map(|_| ()).expect_err("accepted");
    let printed = problems.to_string().replace(&path.display().to_string(), "entragate.toml");
    assert!(!printed.contains("hunter2"), "{printed}");
    insta::assert_snapshot!(printed);
}
