//! Host, Origin and CORS on every endpoint: DNS rebinding and foreign pages stay out, browser clients get in.

use http::Method;
use serde_json::json;

use crate::world::{Reply, World};

const EXPOSED: &str = "WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, Retry-After";
const METADATA: [&str; 6] = [
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-protected-resource",
    "/mcp/.well-known/oauth-protected-resource",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/oauth/jwks",
];
const GUARDED: [&str; 5] = ["/oauth/register", "/oauth/token", "/register", "/token", "/mcp"];
const EVERYTHING: [&str; 9] = [
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-authorization-server",
    "/oauth/jwks",
    "/oauth/register",
    "/oauth/authorize",
    "/oauth/token",
    "/authorize",
    "/mcp",
    "/nowhere",
];

/// Origins of pages that are not ours.
const FOREIGN: [&str; 8] = [
    "https://evil.test",
    "http://localhost.evil.test",
    "http://evil.test:6274",
    "https://inspector.contoso.com.evil.test",
    "http://inspector.contoso.com",
    "https://inspector.contoso.com:8443",
    "null",
    "",
];

async fn world() -> World {
    World::builder().gate(|gate| gate.allowed_origins(["https://inspector.contoso.com"])).start().await
}

fn allowed(world: &World) -> [String; 6] {
    [
        "http://localhost:6274".to_owned(),
        "http://127.0.0.1:8080".to_owned(),
        "http://[::1]:3000".to_owned(),
        "https://inspector.contoso.com".to_owned(),
        "HTTPS://Inspector.Contoso.com".to_owned(),
        format!("http://localhost:{}", world.addr.port()),
    ]
}

async fn ask(world: &World, method: Method, path: &str, origin: Option<&str>) -> Reply {
    let mut request = world.http.request(method, world.url(path));
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    Reply::of(request).await
}

#[tokio::test]
async fn as_40_k15_any_page_may_read_metadata() {
    let world = world().await;
    for path in METADATA {
        for origin in [None, Some("https://evil.test"), Some("null"), Some("http://localhost:6274")] {
            let reply = ask(&world, Method::GET, path, origin).await;
            assert_eq!(reply.status, 200, "{path} {origin:?}");
            assert_eq!(reply.header("access-control-allow-origin"), "*", "{path} {origin:?}");
            assert_eq!(reply.header("access-control-expose-headers"), EXPOSED, "{path}");
            assert_eq!(reply.header("access-control-allow-credentials"), "", "{path}");
        }
        // Inspector sends MCP-Protocol-Version, which makes the request a preflighted one.
        let reply = ask(&world, Method::OPTIONS, path, Some("https://evil.test")).await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, "*"), "{path}");
        assert!(reply.header("access-control-allow-headers").contains("MCP-Protocol-Version"), "{path}");
    }
}

#[tokio::test]
async fn as_24_the_authorization_endpoint_is_for_navigation_and_never_readable_across_origins() {
    let world = world().await;
    for path in ["/oauth/authorize", "/authorize"] {
        for origin in allowed(&world).iter().map(String::as_str).chain(FOREIGN) {
            for method in [Method::GET, Method::POST, Method::OPTIONS] {
                let reply = ask(&world, method.clone(), path, Some(origin)).await;
                for (name, _) in &reply.headers {
                    assert!(
                        !name.as_str().starts_with("access-control-"),
                        "{method} {path} {origin}: {name}"
                    );
                }
                assert_ne!(reply.status, 204, "{method} {path}");
            }
        }
    }
    // A form that a page posts carries that page's Origin: navigation, so it is answered.
    let reply =
        Reply::of(world.http.get(world.authorize_url(&[])).header("origin", "https://evil.test")).await;
    assert_eq!(reply.status, 302);
}

#[tokio::test]
async fn as_40_k15_loopback_configured_and_own_pages_may_use_the_other_endpoints() {
    let world = world().await;
    for path in GUARDED {
        for origin in allowed(&world) {
            let reply = ask(&world, Method::POST, path, Some(&origin)).await;
            assert!([400, 401].contains(&reply.status), "{path} {origin}: {reply:?}");
            assert_eq!(reply.header("access-control-allow-origin"), origin, "{path}");
            assert_eq!(reply.header("access-control-expose-headers"), EXPOSED, "{path}");
            assert_eq!(reply.header("vary"), "Origin", "{path}: caches must not mix pages up");
        }
        let reply = ask(&world, Method::POST, path, None).await;
        assert!([400, 401].contains(&reply.status), "{path}: only browsers send Origin");
        assert_eq!(reply.header("access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test]
async fn as_40_k15_a_preflight_is_answered_without_a_token() {
    let world = world().await;
    for path in GUARDED {
        for origin in allowed(&world) {
            let request = world.http.request(Method::OPTIONS, world.url(path));
            let request = request.header("origin", &origin).header("access-control-request-method", "POST");
            let reply = Reply::of(request).await;
            assert_eq!((reply.status, reply.text.as_str()), (204, ""), "{path} {origin}");
            assert_eq!(reply.header("access-control-allow-origin"), origin, "{path}");
            let methods = reply.header("access-control-allow-methods");
            assert!(["GET", "POST", "DELETE"].iter().all(|method| methods.contains(method)), "{methods}");
            let headers: Vec<&str> = reply.header("access-control-allow-headers").split(", ").collect();
            for needed in [
                "Authorization",
                "Content-Type",
                "Accept",
                "Last-Event-ID",
                "MCP-Protocol-Version",
                "Mcp-Session-Id",
                "Mcp-Method",
                "Mcp-Name",
            ] {
                assert!(headers.contains(&needed), "{path}: {needed} is not in {headers:?}");
            }
            assert_eq!(reply.header("access-control-max-age"), "600", "{path}");
        }
    }
}

#[tokio::test]
async fn options_on_the_mcp_url_is_204_also_outside_a_browser() {
    let world = world().await;
    for path in ["/mcp", "/mcp/", "/oauth/token"] {
        let reply = ask(&world, Method::OPTIONS, path, None).await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, ""), "{path}");
    }
}

#[tokio::test]
async fn a_foreign_origin_is_403_and_may_not_even_read_that() {
    let world = world().await;
    let token = world.sign_in("alice").await.access;
    for path in GUARDED {
        for origin in FOREIGN {
            for method in [Method::POST, Method::OPTIONS, Method::GET, Method::DELETE] {
                let request = world.http.request(method.clone(), world.url(path)).header("origin", origin);
                let reply = Reply::of(request.bearer_auth(&token)).await;
                assert_eq!(reply.status, 403, "{method} {path} {origin:?}: {reply:?}");
                assert_eq!(reply.header("access-control-allow-origin"), "", "{method} {path} {origin:?}");
                assert_eq!(reply.header("access-control-expose-headers"), "", "{method} {path} {origin:?}");
            }
        }
    }
}

#[tokio::test]
async fn two_origins_of_which_one_is_foreign_are_403() {
    let world = world().await;
    for path in GUARDED {
        let request = world.http.post(world.url(path)).header("origin", "http://localhost:6274");
        let reply = Reply::of(request.header("origin", "https://evil.test")).await;
        assert_eq!(reply.status, 403, "{path}");
    }
}

#[tokio::test]
async fn a_foreign_host_is_421_everywhere_because_of_dns_rebinding() {
    let world = world().await;
    let token = world.sign_in("alice").await.access;
    let port = world.addr.port();
    for path in EVERYTHING {
        for host in [
            "evil.test".to_owned(),
            format!("evil.test:{port}"),
            "localhost".to_owned(),
            format!("localhost.evil.test:{port}"),
            format!("127.0.0.2:{port}"),
            "localhost:1".to_owned(),
        ] {
            for method in [Method::GET, Method::POST, Method::OPTIONS] {
                let request = world.http.request(method.clone(), world.url(path)).header("host", &host);
                let reply =
                    Reply::of(request.bearer_auth(&token).header("origin", "http://localhost:6274")).await;
                assert_eq!(reply.status, 421, "{method} {path} {host}: {reply:?}");
                assert_eq!(reply.header("location"), "", "{path} {host}");
                assert_eq!(reply.header("access-control-allow-origin"), "", "{path} {host}");
                assert!(reply.text.contains("allowed_hosts"), "{path} {host}: {}", reply.text);
            }
        }
    }
}

#[tokio::test]
async fn our_own_names_are_known_in_any_case_and_more_can_be_configured() {
    let world =
        World::builder().gate(|gate| gate.allowed_hosts(["Gate.Contoso.internal:8080"])).start().await;
    let port = world.addr.port();
    for host in [
        format!("localhost:{port}"),
        format!("LocalHost:{port}"),
        format!("127.0.0.1:{port}"),
        format!("[::1]:{port}"),
        "gate.contoso.internal:8080".to_owned(),
    ] {
        for path in METADATA {
            let reply = Reply::of(world.http.get(world.url(path)).header("host", &host)).await;
            assert_eq!(reply.status, 200, "{path} {host}");
        }
        let reply = Reply::of(world.http.post(world.url("/mcp")).header("host", &host)).await;
        assert_eq!(reply.status, 401, "{host}");
        // The documents name the public URL, whatever name was used to read them.
        assert!(reply.header("www-authenticate").contains(world.base()), "{host}");
    }
}

#[tokio::test]
async fn an_mcp_answer_to_an_allowed_page_is_readable_there() {
    let world = world().await;
    let token = world.sign_in("alice").await.access;
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let request = world.http.post(world.url("/mcp")).bearer_auth(token).json(&ping);
    let reply = Reply::of(request.header("origin", "http://localhost:6274")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("access-control-allow-origin"), "http://localhost:6274");
    assert_eq!(reply.header("access-control-expose-headers"), EXPOSED);
}
