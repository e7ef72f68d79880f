//! Every fault alone: exactly the right finding, and no other.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

use axum::Router;
use axum::response::Redirect;
use entragate_cli::doctor::Outcome;
use entragate_emulator::{App, Directory, Endpoint, Fault, FaultKind, fixtures};
use serde_json::json;

use crate::config_fixture::directory;
use crate::doctor_fixture::{Mode, World, all, answers, documents, serve_anywhere, wrong};

use Mode::{Broker, Relay};

const NOBODY: &str = "99999999-9999-4999-8999-999999999999";

fn app<'a>(directory: &'a mut Directory, id: &str) -> &'a mut App {
    directory.apps.iter_mut().find(|app| app.id == id).expect("an app of the fixtures")
}

/// Examines, and compares with what should be found.
async fn expect(name: &str, world: World, expected: &[&str]) {
    let started = world.start().await;
    let report = started.examine().await;
    assert_eq!(wrong(&report), expected, "{name}\n{}", all(&report));
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_tenant_and_apps() {
    for mode in [Relay, Broker] {
        let world = World::new(mode).set("AZURE_TENANT_ID", NOBODY);
        expect("a tenant that does not exist", world, &["tenant 90002"]).await;
    }
    let world = World::new(Relay).set("AZURE_MCP_CLIENT_ID", NOBODY);
    expect("a client that does not exist", world, &["client-app 700016"]).await;
    let world = World::new(Broker).set("AZURE_CLIENT_ID", NOBODY);
    expect("a confidential client that does not exist", world, &["client-app 700016"]).await;
    let world = World::new(Relay).set("AZURE_CLIENT_ID", NOBODY);
    expect("an API that does not exist", world, &["api-app 500011"]).await;
    let world = World::new(Relay).set("AZURE_TENANT_ID", fixtures::TENANT2);
    expect("another tenant", world, &["client-app 700016"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_redirect_uris() {
    let world = World::new(Broker)
        .directory(|d| app(d, fixtures::API).web_redirect_uris = vec!["https://x.test/cb".to_owned()]);
    expect("the callback is not registered", world, &["redirect-uris 50011"]).await;
    let world = World::new(Relay).set("AZURE_MCP_CLIENT_ID", fixtures::NOURI);
    expect("a client app without redirect URIs", world, &["redirect-uris 500113"]).await;
    let world = World::new(Relay).clients("goose").directory(|d| {
        app(d, fixtures::MCP).public_redirect_uris.retain(|uri| uri != "http://localhost/oauth_callback");
    });
    expect("the callback of a client that people use", world, &["clients"]).await;
    for clients in ["claude-code", "claude-code,vscode"] {
        let world = World::new(Relay).clients(clients).directory(|d| {
            app(d, fixtures::MCP).public_redirect_uris = vec!["https://x.test/cb".to_owned()];
        });
        expect("no callback at all", world, &["redirect-uris 50011"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_callback_of_a_client_must_be_registered() {
    let world = World::new(Relay).clients("vscode").directory(|d| {
        app(d, fixtures::MCP).public_redirect_uris = vec!["https://insiders.vscode.dev/redirect".to_owned()];
    });
    let report = world.start().await.examine().await;
    assert_eq!(wrong(&report), ["clients"], "{}", all(&report));
    let what = &report.findings.iter().find(|finding| finding.check == "clients").unwrap().what;
    for missing in ["http://127.0.0.1:33418/", "http://127.0.0.1/", "https://vscode.dev/redirect"] {
        assert!(what.contains(missing), "{missing} in {what}");
    }
    assert!(!what.contains("insiders") && !what.contains("at at"), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_credential() {
    let world = World::new(Broker).set("AZURE_CLIENT_SECRET", "something-else-entirely");
    expect("a wrong secret", world, &["credential 7000215"]).await;
    let world = World::new(Broker).set("AZURE_CLIENT_SECRET", "api-old");
    expect("an expired secret", world, &["credential 7000222"]).await;

    let pem = directory("doctor").join("client.pem");
    std::fs::write(&pem, format!("{}{}", fixtures::CLIENT_CERTIFICATE, fixtures::CLIENT_KEY)).unwrap();
    let with_certificate = || {
        let world = World::new(Broker).set("AZURE_CLIENT_SECRET", "");
        world.set("AZURE_CLIENT_CERTIFICATE_PATH", pem.display().to_string())
    };
    expect("a certificate that is registered", with_certificate(), &[]).await;
    let world = with_certificate().directory(|d| app(d, fixtures::API).certificates.clear());
    expect("a certificate that is not registered", world, &["credential 700027"]).await;

    let token = directory("doctor").join("token");
    std::fs::write(&token, "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJodHRwczovL29pZGMudGVzdCIsInN1YiI6IngiLCJhdWQiOiJ5In0.c2ln").unwrap();
    let world = World::new(Broker)
        .set("AZURE_CLIENT_SECRET", "")
        .set("AZURE_FEDERATED_TOKEN_FILE", token.display().to_string());
    expect("a federated token of another issuer", world, &["credential 700211"]).await;
}

/// Relay mode whose calls go on behalf of their callers, with this secret of the API app.
fn acting(secret: &str) -> World {
    World::new(Relay)
        .set("ENTRAGATE_UPSTREAM_IDENTITY", "on-behalf-of")
        .set("ENTRAGATE_UPSTREAM_ON_BEHALF_OF_SCOPES", "https://graph.microsoft.com/User.Read")
        .set("AZURE_CLIENT_SECRET", secret)
}

/// Relay mode that reads groups, with this secret of the API app.
fn reading(secret: &str) -> World {
    let rules = r#"[{ tools = ["*"], groups = ["9a000000-0000-4000-8000-000000000003"] }]"#;
    World::new(Relay).set("ENTRAGATE_RULES", rules).set("AZURE_CLIENT_SECRET", secret)
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_credential_in_relay_mode() {
    const WRONG: &str = "something-else-entirely";
    for (of, why) in [
        (acting as fn(&str) -> World, "People sign in, and then every call on their behalf fails"),
        (reading, "Whoever is in more groups than fit into a token is refused"),
    ] {
        expect("the API app's secret", of(fixtures::API_SECRET), &[]).await;
        expect("an expired secret", of("api-old"), &["credential 7000222"]).await;
        let report = of(WRONG).start().await.examine().await;
        assert_eq!(wrong(&report), ["credential 7000215"], "{}", all(&report));
        let finding = report.findings.iter().find(|finding| finding.check == "credential").unwrap();
        assert!(finding.why.starts_with(why), "{finding:?}");
        assert!(finding.place.contains("the API app"), "{finding:?}");
        let command = finding.command.as_deref().unwrap_or_default();
        assert!(command.contains(fixtures::API) && !command.contains(fixtures::MCP), "{command}");
        // Other checks say what is wrong with the apps.
        expect("no API app", of(WRONG).set("AZURE_CLIENT_ID", NOBODY), &["api-app 500011"]).await;
        let tenant = of(WRONG).set("AZURE_TENANT_ID", fixtures::TENANT2);
        expect("another tenant", tenant, &["client-app 700016"]).await;
        let client = of(WRONG).set("AZURE_MCP_CLIENT_ID", NOBODY);
        expect("no client app", client, &["client-app 700016", "credential 7000215"]).await;
    }
    let absent =
        acting(fixtures::API_SECRET).directory(|d| app(d, fixtures::API).service_principal.absent = true);
    expect("the API's enterprise application is missing", absent, &["credential 7000229"]).await;
    let token = directory("doctor-relay").join("token");
    std::fs::write(&token, "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJodHRwczovL29pZGMudGVzdCIsInN1YiI6IngiLCJhdWQiOiJ5In0.c2ln").unwrap();
    let federated = acting("").set("AZURE_FEDERATED_TOKEN_FILE", token.display().to_string());
    expect("a federated token of another issuer", federated, &["credential 700211"]).await;
    // Nothing needs it: it is not looked at.
    let idle = World::new(Relay).set("AZURE_CLIENT_SECRET", WRONG).start().await.examine().await;
    assert!(!idle.is_wrong(), "{}", all(&idle));
    for check in ["credential", "secret-expiry", "federated-credentials"] {
        let examined = idle.examined.iter().find(|examined| examined.check.name == check).unwrap();
        let reason = Outcome::NotApplicable("the gateway has no credential: relay mode");
        assert_eq!(examined.outcome, reason, "{check}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_tokens() {
    let world = World::new(Broker).set("AZURE_CLIENT_ID", fixtures::API1);
    expect("v1 tokens", world, &["token-version"]).await;
    for (ahead, name) in
        [(600, "the clock is ahead"), (-600, "the clock is behind"), (120, "the clock is a little off")]
    {
        expect(name, World::new(Relay).clock_ahead(ahead), &["clock 700024"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_entra() {
    for (endpoint, kind, expected) in [
        (Endpoint::Keys, FaultKind::Unavailable, "keys"),
        (Endpoint::Any, FaultKind::Unavailable, "authority"),
        (Endpoint::Any, FaultKind::CloseConnection, "authority"),
        (Endpoint::Authorize, FaultKind::Unavailable, "sign-in"),
        (Endpoint::Token, FaultKind::Unavailable, "credential"),
    ] {
        let started = World::new(Broker).start().await;
        started.entra.control().inject(Fault { endpoint, kind: kind.clone(), times: None });
        let report = started.examine().await;
        assert_eq!(checks(&report), [expected], "{endpoint:?} {kind:?}\n{}", all(&report));
    }
}

fn checks(report: &entragate_cli::doctor::Report) -> Vec<String> {
    wrong(report).into_iter().map(|found| found.split(' ').next().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_somebody_else_in_entras_place() {
    let issuer = |tenant: &str| format!("https://login.microsoftonline.com/{tenant}/v2.0");
    let other = issuer(fixtures::TENANT2);
    for (name, issuer, expected) in [
        ("another tenant", other.as_str(), "tenant"),
        ("a template", "https://login.microsoftonline.com/{tenantid}/v2.0", "discovery"),
    ] {
        let document = json!({ "issuer": issuer }).to_string();
        let impostor = serve_anywhere(Router::new().fallback(move || async move { document })).await;
        let world = World::new(Relay).set("AZURE_AUTHORITY_HOST", format!("http://{impostor}"));
        expect(name, world, &[expected]).await;
    }
    let closed = World::new(Relay).set("AZURE_AUTHORITY_HOST", "http://127.0.0.1:9");
    expect("nobody", closed, &["authority"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_mcp_server() {
    for mode in [Relay, Broker] {
        let world = World::new(mode).set("ENTRAGATE_UPSTREAM", "http://127.0.0.1:9/mcp");
        expect("the MCP server is down", world, &["upstream"]).await;
    }
    for (status, name) in
        [(404, "nothing at the path"), (401, "a sign-in of its own"), (503, "broken"), (307, "elsewhere")]
    {
        expect(name, World::new(Relay).upstream(status), &["upstream"]).await;
    }
    #[cfg(unix)]
    for (server, expected) in [
        ("stdio: sh -c 'echo no such module >&2; exit 3'", &["upstream"][..]),
        (r#"stdio: sh -c 'read line; echo "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"; cat'"#, &[]),
    ] {
        let world = World::new(Relay).set("PATH", "/usr/bin:/bin").set("ENTRAGATE_UPSTREAM", server);
        expect(server, world, expected).await;
    }
    for status in [400, 405, 406] {
        expect("it minds the request", World::new(Relay).upstream(status), &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_between_the_gateway_and_its_clients() {
    let relay = || World::new(Relay);
    expect("nothing answers yet", relay().without_gateway(), &[]).await;
    let world = relay().front(|_, _| Router::new().fallback(|| async { "hello" }));
    expect("another service", world, &["gateway"]).await;
    let world = relay().front(|_, _| {
        Router::new().fallback(|request: axum::extract::Request| async move {
            Redirect::permanent(&format!("{}/", request.uri().path()))
        })
    });
    expect("a proxy that adds a slash", world, &["redirects"]).await;
    let world = relay().front(|router, _| {
        answers(router, |mut response| {
            response.headers_mut().remove("www-authenticate");
            response
        })
    });
    expect("a proxy that takes WWW-Authenticate away", world, &["challenge"]).await;
    let world = relay().front(|router, _| {
        answers(router, |mut response| {
            if response.status() == http::StatusCode::UNAUTHORIZED {
                *response.status_mut() = http::StatusCode::FORBIDDEN;
            }
            response
        })
    });
    expect("a proxy that changes the status", world, &["challenge"]).await;
    let world = relay().front(|router, _| {
        answers(router, |mut response| {
            response.headers_mut().remove("access-control-allow-origin");
            response
        })
    });
    expect("a proxy that takes CORS away", world, &["cors"]).await;
}

/// What a proxy that rewrites documents makes of them.
#[tokio::test(flavor = "multi_thread")]
async fn faults_in_the_documents() {
    let rewritten: [(&str, crate::doctor_fixture::Front, &[&str]); 6] = [
        (
            "an issuer with a slash",
            |router, base| {
                let (from, to) = (format!("\"issuer\":\"{base}\""), format!("\"issuer\":\"{base}/\""));
                documents(router, move |text| text.replace(&from, &to))
            },
            &["issuer"],
        ),
        (
            "a resource with a slash",
            |router, base| {
                let (from, to) =
                    (format!("\"resource\":\"{base}/mcp\""), format!("\"resource\":\"{base}/mcp/\""));
                documents(router, move |text| text.replace(&from, &to))
            },
            &["resource"],
        ),
        (
            "no PKCE",
            |router, _| documents(router, |text| text.replace("code_challenge_methods_supported", "x")),
            &["capabilities-told"],
        ),
        (
            "a null",
            |router, _| {
                documents(router, |text| {
                    text.replace(
                        "\"response_modes_supported\":[\"query\"]",
                        "\"response_modes_supported\":null",
                    )
                })
            },
            &["documents 90095"],
        ),
        (
            "another address throughout",
            |router, base| {
                let base = base.to_owned();
                documents(router, move |text| text.replace(&base, "https://elsewhere.test"))
            },
            &["gateway"],
        ),
        ("no JSON", |router, _| documents(router, |_| "<html>".to_owned()), &["gateway"]),
    ];
    for (name, front, expected) in rewritten {
        expect(name, World::new(Relay).front(front), expected).await;
    }
    let world = World::new(Relay).set_at_gateway("ENTRAGATE_ENTRA_SCOPES", "access,admin");
    let started = world.start().await;
    let report = started.examine().await;
    assert_eq!(wrong(&report), ["configuration-served"], "{}", all(&report));
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_configuration() {
    let world = World::new(Relay).set("AZURE_CLIENT_ID", "not-a-guid");
    expect("an API app that is no GUID", world, &["configuration"]).await;
    let world = World::new(Relay).set("ENTRAGATE_RULES", "[]");
    expect("no rules", world, &["configuration"]).await;
}
