//! What clients that do not run here send, from registration to the code at exactly their address: measured or read
//! from their source, see `docs/clients.md`.

use entragate::RedirectRule;
use entragate_emulator::fixtures;
use serde_json::{Value, json};

use super::front::{all, assert_consent};
use super::world::{BrokerWorld, Browser};
use crate::register_clients::MEASURED;
use crate::world::{CHALLENGE, Reply, param};

/// One client's sign-in.
struct Golden {
    /// Its name in the list of registration bodies, or a body.
    registers: &'static str,
    redirect_uri: &'static str,
    /// What the page shows as the place that it leads to.
    place: &'static str,
    scope: Option<&'static str>,
    resource: Resource,
    state: &'static str,
    more: &'static [(&'static str, &'static str)],
}

/// How the client names the resource.
#[derive(Clone, Copy)]
enum Resource {
    None,
    Mcp,
    WithSlash,
    Origin,
    Twice,
}

const API_SCOPE: &str = "api://a0000000-0000-4000-8000-000000000001/access";

async fn replay(world: &BrokerWorld, golden: &Golden) {
    let measured = MEASURED.iter().find(|measured| measured.client == golden.registers);
    let sent: Value =
        serde_json::from_str(measured.map_or(golden.registers, |measured| measured.body)).unwrap();
    let answer = world.register(&sent).await;
    assert_eq!(answer.status(), 201, "{sent}");
    let body = Reply::read(answer).await.json();
    assert_eq!(body["redirect_uris"], sent["redirect_uris"], "{body}");
    assert_eq!(body["token_endpoint_auth_method"], "none");
    assert_eq!(body["grant_types"][0], "authorization_code");
    assert!(body["client_id_issued_at"].is_u64() && body.get("client_secret").is_none(), "{body}");
    let client_id = body["client_id"].as_str().unwrap();

    let mcp = world.url("/mcp");
    let resources = match golden.resource {
        Resource::None => vec![],
        Resource::Mcp => vec![mcp],
        Resource::WithSlash => vec![format!("{mcp}/")],
        Resource::Origin => vec![world.url("/")],
        Resource::Twice => vec![mcp.clone(), mcp],
    };
    let mut url = url::Url::parse(&world.url("/oauth/authorize")).unwrap();
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", client_id)
        .append_pair("redirect_uri", golden.redirect_uri)
        .append_pair("code_challenge", CHALLENGE)
        .append_pair("code_challenge_method", "S256")
        .append_pair("state", golden.state)
        .extend_pairs(golden.scope.map(|scope| ("scope", scope)))
        .extend_pairs(golden.more)
        .extend_pairs(resources.iter().map(|resource| ("resource", resource)));
    let mut browser = Browser::default();
    let page = world.typed(&mut browser, url.as_str()).await;
    assert_consent(&page);
    let name = sent["client_name"].as_str().unwrap_or("an application without a name");
    assert!(page.html.contains(&format!("<h1>Allow {name} to use")), "{}", page.html);
    assert!(page.html.contains(&format!("<dd><code>{}</code></dd>", golden.place)), "{}", page.html);
    let leaving = world.allow(&mut browser, &page, false).await;
    let to_entra = leaving.location();
    let upstream = format!("{}/access", fixtures::API);
    assert!(param(&to_entra, "scope").unwrap().split(' ').any(|scope| scope == upstream), "{to_entra}");
    assert_eq!(
        (param(&to_entra, "resource"), all(&to_entra, "prompt").contains(&"consent".to_owned())),
        (None, false)
    );
    let done = world.come_back(&mut browser, &leaving, "bob").await;
    assert_eq!(done.status, 302, "{}", done.html);
    let location = done.headers["location"].to_str().unwrap();
    let joint = if golden.redirect_uri.contains('?') { '&' } else { '?' };
    assert!(location.starts_with(&format!("{}{joint}code=", golden.redirect_uri)), "{location}");
    let callback = done.location();
    assert_eq!(all(&callback, "state"), [golden.state]);
    assert_eq!(all(&callback, "iss"), [world.gate.base_url().as_str()]);
    let code = all(&callback, "code").remove(0);
    let mut form: Vec<(&str, &str)> = BrokerWorld::code_form(client_id, &code);
    form.retain(|(name, _)| *name != "redirect_uri");
    form.push(("redirect_uri", golden.redirect_uri));
    let (status, tokens) = world.token(&form).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(world.call(tokens["access_token"].as_str().unwrap(), "whoami").await.0, 200);
}

async fn replay_alone(golden: Golden) {
    replay(&BrokerWorld::start().await, &golden).await;
}

const USUAL: Golden = Golden {
    registers: "",
    redirect_uri: "",
    place: "",
    scope: Some(API_SCOPE),
    resource: Resource::Mcp,
    state: "x0Ynul-9DXPsBzPfGcaXGAf7XDzwMfHG5pKmoE8ReCs",
    more: &[],
};

#[tokio::test]
async fn k20_k34_k36_claude_ai() {
    for (redirect_uri, place) in [
        ("https://claude.ai/api/mcp/auth_callback", "claude.ai"),
        ("https://claude.com/api/mcp/auth_callback", "claude.com"),
    ] {
        let world = BrokerWorld::start().await;
        let body = json!({
            "client_name": "Claude", "redirect_uris": [redirect_uri], "response_types": ["code"],
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none",
        });
        let registers: &'static str = body.to_string().leak();
        // A bare scope together with a resource, and prompt=consent.
        let golden = Golden {
            registers,
            redirect_uri,
            place,
            scope: Some("access"),
            more: &[("prompt", "consent")],
            ..USUAL
        };
        replay(&world, &golden).await;
    }
}

#[tokio::test]
async fn k20_k31_k36_chatgpt() {
    replay_alone(Golden {
        registers: "ChatGPT",
        redirect_uri: "https://chatgpt.com/connector/oauth/AbC-123_x",
        place: "chatgpt.com",
        scope: Some("openid email offline_access access"),
        state: "oauth_s_6830f3b1c0c08191a7c0b7a2",
        ..USUAL
    })
    .await;
}

#[tokio::test]
async fn k20_k23_k34_k36_vs_code() {
    for (redirect_uri, place, state) in [
        ("http://127.0.0.1:33418/", "127.0.0.1", "MTIzNDU2Nzg5MGFiY2RlZg=="),
        ("http://127.0.0.1:50123/", "127.0.0.1", "a+b/c=="),
        (
            "https://vscode.dev/redirect",
            "vscode.dev",
            "vscode://vscode.github-authentication/did-authenticate?nonce=a%2Bb&windowId=1",
        ),
        ("https://insiders.vscode.dev/redirect", "insiders.vscode.dev", "vscode-insiders://x/y?nonce=1"),
    ] {
        replay_alone(Golden { registers: "VS Code", redirect_uri, place, state, ..USUAL }).await;
    }
}

#[tokio::test]
async fn k20_k22_k36_cursor() {
    for (redirect_uri, place) in [
        ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor:"),
        ("https://www.cursor.com/agents/mcp/oauth/callback", "www.cursor.com"),
        ("http://localhost:8787/callback", "localhost"),
    ] {
        let state = "{\"id\":\"user-contoso\",\"n\":\"+/=\"}";
        replay_alone(Golden { registers: "Cursor", redirect_uri, place, state, ..USUAL }).await;
    }
}

#[tokio::test]
async fn k20_k25_k36_copilot_studio() {
    replay_alone(Golden {
        registers: "Copilot Studio",
        redirect_uri: "https://global.consent.azure-apim.net/redirect/contoso-5fmcp-5f1a2b3c",
        place: "global.consent.azure-apim.net",
        resource: Resource::None,
        state: "eyJ0IjoiYSJ9.AbC_-9|https://make.powerautomate.com/",
        ..USUAL
    })
    .await;
}

#[tokio::test]
async fn k20_k23_k25_k36_github_copilot_cli() {
    replay_alone(Golden {
        registers: "Copilot CLI",
        redirect_uri: "http://127.0.0.1:61022/callback",
        place: "127.0.0.1",
        ..USUAL
    })
    .await;
}

#[tokio::test]
async fn k20_k21_k23_k36_zed() {
    replay_alone(Golden {
        registers: "Zed",
        redirect_uri: "http://127.0.0.1:49711/callback",
        place: "127.0.0.1",
        scope: None,
        ..USUAL
    })
    .await;
}

#[tokio::test]
async fn k20_k21_k36_gemini_cli() {
    replay_alone(Golden {
        registers: "Gemini CLI",
        redirect_uri: "http://localhost:7777/oauth/callback",
        place: "localhost",
        scope: Some("api://a0000000-0000-4000-8000-000000000001/access offline_access"),
        ..USUAL
    })
    .await;
}

#[tokio::test]
async fn k20_k23_k30_k36_codex() {
    replay_alone(Golden {
        registers: "Codex",
        redirect_uri: "http://127.0.0.1:51234/callback/n3bGSD6xR0aT",
        place: "127.0.0.1",
        resource: Resource::Twice,
        ..USUAL
    })
    .await;
}

#[tokio::test]
async fn k20_k36_n8n_in_the_cloud_and_at_home() {
    const BODY: &str = r#"{"client_name":"n8n","redirect_uris":["https://oauth.n8n.cloud/oauth2/callback"],
        "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
        "token_endpoint_auth_method":"none","client_uri":"https://n8n.io/"}"#;
    const HOME: &str = r#"{"client_name":"n8n","redirect_uris":["https://n8n.contoso.com/rest/oauth2-credential/callback"],
        "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
        "token_endpoint_auth_method":"none","client_uri":"https://n8n.io/"}"#;
    let state = "eyJ0b2tlbiI6ImFiYyIsImNpZCI6IjEyMyIsImNyZWF0ZWRBdCI6MX0=";
    let cloud = Golden {
        registers: BODY,
        redirect_uri: "https://oauth.n8n.cloud/oauth2/callback",
        place: "oauth.n8n.cloud",
        resource: Resource::None,
        state,
        ..USUAL
    };
    replay_alone(cloud).await;
    let redirect_uri = "https://n8n.contoso.com/rest/oauth2-credential/callback";
    let home = Golden {
        registers: HOME,
        redirect_uri,
        place: "n8n.contoso.com",
        resource: Resource::None,
        state,
        ..USUAL
    };
    replay(&with_rule(redirect_uri).await, &home).await;
}

async fn with_rule(rule: &'static str) -> BrokerWorld {
    BrokerWorld::builder()
        .gate(move |gate| gate.redirect_rules([RedirectRule::parse(rule).unwrap()]))
        .start()
        .await
}

#[tokio::test]
async fn k20_k36_librechat_by_the_operators_list() {
    const BODY: &str = r#"{"client_name":"LibreChat MCP Client",
        "redirect_uris":["https://chat.contoso.com/api/mcp/contoso/oauth/callback"],
        "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
        "token_endpoint_auth_method":"none","logo_uri":null,"tos_uri":null}"#;
    let golden = Golden {
        registers: BODY,
        redirect_uri: "https://chat.contoso.com/api/mcp/contoso/oauth/callback",
        place: "chat.contoso.com",
        state: "65f0:contoso:1a2b3c",
        ..USUAL
    };
    replay(&with_rule("https://chat.contoso.com/api/mcp/*").await, &golden).await;
    let world = BrokerWorld::start().await;
    let sent: Value = serde_json::from_str(BODY).unwrap();
    let refused = Reply::read(world.register(&sent).await).await;
    assert_eq!((refused.status, refused.json()["error"].as_str()), (400, Some("invalid_redirect_uri")));
    assert!(refused.text.contains("allowed_redirect_uris"), "{}", refused.text);
}

#[tokio::test]
async fn k20_k23_k36_goose() {
    replay_alone(Golden {
        registers: "Goose",
        redirect_uri: "http://localhost:50333/oauth_callback",
        place: "localhost",
        scope: Some("api://a0000000-0000-4000-8000-000000000001/access offline_access"),
        ..USUAL
    })
    .await;
}

#[tokio::test]
async fn k20_k21_k36_inspector() {
    for (registers, redirect_uri) in [
        ("Inspector 2", "http://localhost:6274/oauth/callback"),
        ("Inspector 1", "http://localhost:6274/oauth/callback"),
        ("Inspector 1", "http://localhost:6274/oauth/callback/debug"),
    ] {
        replay_alone(Golden {
            registers,
            redirect_uri,
            place: "localhost",
            scope: None,
            resource: Resource::Origin,
            ..USUAL
        })
        .await;
    }
}

#[tokio::test]
async fn k20_k23_k30_k36_kiro() {
    const BODY: &str = r#"{"client_name":"Kiro","redirect_uris":["http://localhost:8890/oauth/callback"],
        "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
        "token_endpoint_auth_method":"none"}"#;
    replay_alone(Golden {
        registers: BODY,
        redirect_uri: "http://localhost:8890/oauth/callback",
        place: "localhost",
        resource: Resource::WithSlash,
        ..USUAL
    })
    .await;
}
