//! Metadata (RFC 9728, RFC 8414): what clients read before they sign in, and compare byte by byte.

use entragate_emulator::fixtures;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{Reply, World};

const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const SERVER: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

/// Every path at which some client looks for authorization server metadata (docs/clients.md K06).
const SERVER_PATHS: [&str; 6] = [
    SERVER,
    "/.well-known/oauth-authorization-server/mcp",
    "/mcp/.well-known/oauth-authorization-server",
    OPENID,
    "/.well-known/openid-configuration/mcp",
    "/mcp/.well-known/openid-configuration",
];
const RESOURCE_PATHS: [&str; 3] =
    ["/.well-known/oauth-protected-resource/mcp", "/mcp/.well-known/oauth-protected-resource", RESOURCE];

async fn read(world: &World, path: &str) -> Reply {
    let reply = Reply::read(world.get(path).await).await;
    assert_eq!(reply.status, 200, "{path}: {reply:?}");
    reply
}

/// The document for a snapshot: the port is different in each run.
fn shown(world: &World, document: &Value) -> String {
    let port = world.addr.port().to_string();
    serde_json::to_string_pretty(document).unwrap().replace(&port, "PORT")
}

#[tokio::test]
async fn rs_10_rs_12_rs_14_k03_the_resource_is_the_url_that_people_type() {
    let world = World::start().await;
    let document = read(&world, "/.well-known/oauth-protected-resource/mcp").await.json();
    assert_eq!(document["resource"], world.url("/mcp"));
    insta::assert_snapshot!(shown(&world, &document), @r#"
    {
      "resource": "http://localhost:PORT/mcp",
      "authorization_servers": [
        "http://localhost:PORT"
      ],
      "scopes_supported": [
        "api://a0000000-0000-4000-8000-000000000001/access"
      ],
      "bearer_methods_supported": [
        "header"
      ],
      "resource_name": "MCP server"
    }
    "#);
}

#[tokio::test]
async fn rs_11_k04_the_root_document_names_the_origin() {
    let world = World::start().await;
    let document = read(&world, RESOURCE).await.json();
    assert_eq!(document["resource"], format!("http://localhost:{}", world.addr.port()));
    insta::assert_snapshot!(shown(&world, &document), @r#"
    {
      "resource": "http://localhost:PORT",
      "authorization_servers": [
        "http://localhost:PORT"
      ],
      "scopes_supported": [
        "api://a0000000-0000-4000-8000-000000000001/access"
      ],
      "bearer_methods_supported": [
        "header"
      ],
      "resource_name": "MCP server"
    }
    "#);
}

#[tokio::test]
async fn k05_the_document_below_the_mcp_url_is_the_same_bytes() {
    let world = World::start().await;
    let inserted = read(&world, "/.well-known/oauth-protected-resource/mcp").await;
    let appended = read(&world, "/mcp/.well-known/oauth-protected-resource").await;
    assert_eq!(inserted.text, appended.text);
}

#[tokio::test]
async fn rs_10_a_nested_mcp_path_is_inserted_as_a_whole_and_no_other_is_known() {
    let world = World::builder().gate(|gate| gate.resource_path("/a/b/mcp")).start().await;
    let document = read(&world, "/.well-known/oauth-protected-resource/a/b/mcp").await.json();
    assert_eq!(document["resource"], world.url("/a/b/mcp"));
    for other in ["/mcp", "/a", "/a/b", "/a/b/mcp/c", "/evil.test"] {
        let reply = Reply::read(world.get(&format!("{RESOURCE}{other}")).await).await;
        assert_eq!(reply.status, 404, "{other}");
    }
}

#[tokio::test]
async fn rs_13_as_02_k14_no_document_holds_a_null_an_empty_string_or_an_empty_list() {
    let world = World::start().await;
    for path in RESOURCE_PATHS.into_iter().chain(SERVER_PATHS) {
        // `json` looks for them.
        assert!(read(&world, path).await.json().is_object(), "{path}");
    }
}

#[tokio::test]
async fn as_02_rs_15_k07_the_issuer_is_the_same_bytes_everywhere_and_has_no_trailing_slash() {
    for below in ["", "/", "/gate", "/gate/"] {
        let world = World::builder().below(below).start().await;
        let base = world.base();
        assert!(!base.ends_with('/'), "{base}");
        let path = below.trim_end_matches('/');
        let origin = format!("http://localhost:{}", world.addr.port());
        let at = |name: &str, at: &str| format!("{origin}/.well-known/{name}{path}{at}");
        let issuer = format!(r#""issuer":"{base}""#);
        for url in [at("oauth-authorization-server", ""), at("openid-configuration", "")] {
            let reply = Reply::of(world.http.get(url)).await;
            assert!(reply.text.contains(&issuer), "{}", reply.text);
        }
        for (resource, at) in [
            (world.url("/mcp"), at("oauth-protected-resource", "/mcp")),
            (base.to_owned(), at("oauth-protected-resource", "")),
        ] {
            let reply = Reply::of(world.http.get(at)).await;
            let servers = format!(r#""authorization_servers":["{base}"]"#);
            assert!(reply.text.contains(&servers), "{}", reply.text);
            assert!(reply.text.contains(&format!(r#""resource":"{resource}""#)), "{}", reply.text);
        }
    }
}

#[tokio::test]
async fn as_01_as_05_as_07_k09_authorization_server_metadata_leaves_nothing_to_defaults() {
    let world = World::start().await;
    let document = read(&world, SERVER).await.json();
    assert_eq!(document["response_types_supported"], json!(["code"]));
    assert_eq!(document["grant_types_supported"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(document["token_endpoint_auth_methods_supported"], json!(["none"]));
    insta::assert_snapshot!(shown(&world, &document), @r#"
    {
      "issuer": "http://localhost:PORT",
      "authorization_endpoint": "http://localhost:PORT/oauth/authorize",
      "token_endpoint": "http://localhost:PORT/oauth/token",
      "registration_endpoint": "http://localhost:PORT/oauth/register",
      "jwks_uri": "http://localhost:PORT/oauth/jwks",
      "scopes_supported": [
        "api://a0000000-0000-4000-8000-000000000001/access"
      ],
      "response_types_supported": [
        "code"
      ],
      "response_modes_supported": [
        "query"
      ],
      "grant_types_supported": [
        "authorization_code",
        "refresh_token"
      ],
      "token_endpoint_auth_methods_supported": [
        "none"
      ],
      "code_challenge_methods_supported": [
        "S256"
      ],
      "subject_types_supported": [
        "pairwise"
      ],
      "id_token_signing_alg_values_supported": [
        "RS256"
      ],
      "protected_resources": [
        "http://localhost:PORT/mcp"
      ]
    }
    "#);
}

#[tokio::test]
async fn as_06_only_s256_is_advertised() {
    let world = World::start().await;
    let document = read(&world, SERVER).await.json();
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
}

#[tokio::test]
async fn k06_every_alias_gives_the_same_body_and_the_same_issuer() {
    let world = World::start().await;
    let root = read(&world, SERVER).await;
    for path in SERVER_PATHS {
        assert_eq!(read(&world, path).await.text, root.text, "{path}");
    }
}

#[tokio::test]
async fn as_03_k10_openid_configuration_is_complete_or_the_typescript_sdk_throws() {
    let world = World::start().await;
    let document = read(&world, OPENID).await.json();
    for member in ["jwks_uri", "subject_types_supported", "id_token_signing_alg_values_supported"] {
        assert!(!document[member].is_null(), "{member}");
    }
}

#[tokio::test]
async fn as_03_an_issuer_with_a_path_is_found_by_insertion_and_by_appending() {
    let world = World::builder().below("/gate").start().await;
    let origin = format!("http://localhost:{}", world.addr.port());
    let inserted = Reply::of(world.http.get(format!("{origin}{SERVER}/gate"))).await;
    assert_eq!(inserted.status, 200);
    for path in [
        "/.well-known/openid-configuration/gate",
        "/gate/.well-known/openid-configuration",
        "/gate/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/gate/mcp",
        "/gate/mcp/.well-known/openid-configuration",
    ] {
        let reply = Reply::of(world.http.get(format!("{origin}{path}"))).await;
        assert_eq!((reply.status, reply.text.as_str()), (200, inserted.text.as_str()), "{path}");
    }
    for name in ["authorization_endpoint", "token_endpoint", "registration_endpoint", "jwks_uri"] {
        let url = inserted.json()[name].as_str().unwrap().to_owned();
        assert!(url.starts_with(&format!("{origin}/gate/oauth/")), "{url}");
        // 400, 405 and 415 say that somebody is there.
        assert_ne!(Reply::of(world.http.get(url)).await.status, 404, "{name}");
    }
}

#[tokio::test]
async fn a_server_at_the_base_url_itself_has_one_document_and_answers_with_and_without_slash() {
    for below in ["", "/gate"] {
        let world = World::builder().below(below).gate(|gate| gate.resource_path("/")).start().await;
        let origin = format!("http://localhost:{}", world.addr.port());
        let reply = Reply::of(world.http.get(format!("{origin}{RESOURCE}{below}"))).await;
        assert_eq!(reply.status, 200, "{below}");
        assert_eq!(reply.json()["resource"], world.base());
        for path in ["", "/"] {
            let reply = Reply::of(world.http.post(world.url(path))).await;
            assert_eq!(reply.status, 401, "{below}{path}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn as_08_no_signing_algorithms_are_named_because_no_client_signs() {
    let world = World::start().await;
    let document = read(&world, SERVER).await.json();
    assert_eq!(document.get("token_endpoint_auth_signing_alg_values_supported"), None);
}

#[tokio::test]
async fn as_09_iss_is_not_promised_because_nine_clients_would_stop_without_it() {
    let world = World::start().await;
    let document = read(&world, SERVER).await.json();
    assert_eq!(document.get("authorization_response_iss_parameter_supported"), None);
    // And Entra, which answers the client, indeed sends none.
    let callback = world.browse(&world.authorize_url(&[]), "alice").await;
    assert_eq!(crate::world::param(&callback, "iss"), None, "{callback}");
}

#[tokio::test]
async fn as_11_the_advertised_registration_endpoint_registers() {
    let world = World::start().await;
    let document = read(&world, SERVER).await.json();
    let url = document["registration_endpoint"].as_str().unwrap();
    let body = json!({ "redirect_uris": ["http://localhost/callback"] });
    assert_eq!(Reply::of(world.http.post(url).json(&body)).await.status, 201);
}

#[tokio::test]
async fn as_13_the_protected_resource_is_listed() {
    let world = World::start().await;
    let document = read(&world, SERVER).await.json();
    assert_eq!(document["protected_resources"], json!([world.url("/mcp")]));
}

#[tokio::test]
async fn as_14_k08_nothing_is_copied_from_entra() {
    let world = World::start().await;
    world.gate.ready().await.unwrap();
    let entra = url::Url::parse(world.entra.url()).unwrap();
    let entra_host = format!("{}:{}", entra.host_str().unwrap(), entra.port().unwrap());
    for path in RESOURCE_PATHS.into_iter().chain(SERVER_PATHS) {
        let reply = read(&world, path).await;
        for foreign in
            [entra_host.as_str(), "microsoft", fixtures::TENANT, "userinfo", "device", "end_session"]
        {
            assert!(!reply.text.contains(foreign), "{path} says {foreign}: {}", reply.text);
        }
        for (name, value) in reply.json().as_object().unwrap() {
            let texts = value.as_array().map_or_else(|| vec![value], |items| items.iter().collect());
            for text in texts.into_iter().filter_map(Value::as_str).filter(|text| text.contains("://")) {
                let ours = text.starts_with(world.base()) || text.starts_with("api://");
                assert!(ours, "{path}: {name} is {text}");
            }
        }
    }
}

#[tokio::test]
async fn rs_09_as_12_k12_no_openid_scope_is_advertised_or_seven_clients_send_prompt_consent() {
    let world = World::start().await;
    let api = json!([format!("api://{}/access", fixtures::API)]);
    for path in RESOURCE_PATHS.into_iter().chain(SERVER_PATHS) {
        assert_eq!(read(&world, path).await.json()["scopes_supported"], api, "{path}");
    }
}

#[tokio::test]
async fn k14_copilot_cli_follows_no_redirect_so_no_document_is_behind_one() {
    let world = World::start().await;
    for path in RESOURCE_PATHS.into_iter().chain(SERVER_PATHS) {
        let reply = read(&world, path).await;
        assert_eq!(reply.header("location"), "", "{path}");
        let slashed = Reply::read(world.get(&format!("{path}/")).await).await;
        assert_eq!((slashed.status, slashed.header("location")), (404, ""), "{path}/");
    }
}

#[tokio::test]
async fn k16_a_client_without_user_agent_and_accept_and_with_any_protocol_version_is_answered() {
    let world = World::start().await;
    for path in RESOURCE_PATHS.into_iter().chain(SERVER_PATHS) {
        for version in ["2024-11-05", "2026-07-28", "DRAFT-2099", ""] {
            let mut socket = TcpStream::connect(world.addr).await.unwrap();
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nMCP-Protocol-Version: {version}\r\nConnection: close\r\n\r\n",
                world.addr.port()
            );
            socket.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            socket.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{path} {version}: {answer}");
            assert!(answer.ends_with('}'), "{path} {version}: {answer}");
        }
    }
}

#[tokio::test]
async fn rs_29_k18_metadata_may_be_kept_for_five_minutes_and_no_longer() {
    let world = World::start().await;
    for path in RESOURCE_PATHS.into_iter().chain(SERVER_PATHS) {
        let reply = read(&world, path).await;
        assert_eq!(reply.header("cache-control"), "public, max-age=300", "{path}");
    }
}

#[tokio::test]
async fn a_head_request_for_a_document_has_its_headers_and_no_body() {
    let world = World::start().await;
    for path in [SERVER, RESOURCE] {
        let reply = Reply::of(world.http.head(world.url(path))).await;
        assert_eq!((reply.status, reply.text.as_str()), (200, ""), "{path}");
        assert_eq!(reply.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn an_outage_of_entra_does_not_change_a_byte_of_discovery() {
    let mut world = World::start().await;
    let mut before = Vec::new();
    for path in RESOURCE_PATHS.into_iter().chain(SERVER_PATHS) {
        before.push(read(&world, path).await.text);
    }
    assert_eq!(world.control().requests(), [], "discovery asks Entra nothing");
    world.shut_entra_down().await;
    for (path, before) in RESOURCE_PATHS.into_iter().chain(SERVER_PATHS).zip(before) {
        assert_eq!(read(&world, path).await.text, before, "{path}");
    }
}

#[tokio::test]
async fn a_named_resource_and_its_scopes_are_published_as_configured() {
    let api = entragate::ApiApp::new(entragate::ClientId::parse(fixtures::API).unwrap())
        .with_identifier_uris(["https://mcp.contoso.test/mcp"])
        .unwrap()
        .with_scopes(["access", "admin"])
        .unwrap();
    let world = World::builder().api(api).gate(|gate| gate.resource_name("Contoso \"tools\"")).start().await;
    let document = read(&world, "/.well-known/oauth-protected-resource/mcp").await.json();
    assert_eq!(document["resource_name"], "Contoso \"tools\"");
    let scopes = json!(["https://mcp.contoso.test/mcp/access", "https://mcp.contoso.test/mcp/admin"]);
    assert_eq!(document["scopes_supported"], scopes);
    assert_eq!(read(&world, SERVER).await.json()["scopes_supported"], scopes);
}

#[tokio::test]
async fn jwks_uri_has_the_key_of_every_access_token() {
    let world = World::start().await;
    let document = read(&world, SERVER).await.json();
    let keys = Reply::of(world.http.get(document["jwks_uri"].as_str().unwrap())).await;
    assert_eq!((keys.status, keys.header("content-type")), (200, "application/jwk-set+json"));
    let keys: Value = serde_json::from_str(&keys.text).unwrap();
    let token = world.sign_in("alice").await.access;
    let kid = crate::world::jose_header(&token)["kid"].clone();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid);
    let key = key.unwrap_or_else(|| panic!("{kid} is not in {keys}"));
    assert_eq!((&key["kty"], &key["use"], &key["alg"]), (&json!("RSA"), &json!("sig"), &json!("RS256")));
}

#[tokio::test]
async fn jwks_uri_says_503_while_entra_was_never_reached() {
    let mut world = World::start().await;
    world.shut_entra_down().await;
    let reply = Reply::read(world.get("/oauth/jwks").await).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, "5"));
    assert_eq!(reply.json()["error"], "temporarily_unavailable");
}

#[tokio::test]
async fn unknown_paths_are_404_in_json() {
    let world = World::start().await;
    for path in
        ["/", "/index.html", "/oauth", "/oauth/", "/oauth/userinfo", "/mcp2", "/mcp/x", "/.well-known/x"]
    {
        let reply = Reply::read(world.get(path).await).await;
        assert_eq!(reply.status, 404, "{path}");
        assert_eq!(reply.json()["error"], "invalid_request", "{path}");
        assert_eq!(reply.header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn other_methods_on_documents_are_405_in_json() {
    let world = World::start().await;
    for path in [SERVER, RESOURCE, "/oauth/jwks", "/oauth/register"] {
        let reply = Reply::of(world.http.put(world.url(path))).await;
        assert_eq!(reply.status, 405, "{path}");
        assert_ne!(reply.header("allow"), "", "{path}");
        assert_eq!(reply.json()["error"], "invalid_request", "{path}");
    }
}
