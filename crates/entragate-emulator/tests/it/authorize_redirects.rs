//! Numbers 21–23, 30, 32, 38, 56 and 60 of the checklist: what a good request returns, and which redirect URIs match.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entragate_emulator::fixtures::{API, CLI, MCP, TENANT};
use serde_json::Value;

use crate::fixture::{
    Authorize, Entra, Jwt, REDIRECT, Token, VERIFIER, base64url, members, oid, scope, sha256,
};
use crate::reply::is_guid;

/// The text of AADSTS50011 for a client and the URI it sent.
pub(crate) fn mismatch(uri: &str, client: &str) -> String {
    format!(
        "The redirect URI '{uri}' specified in the request does not match the redirect URIs configured for the \
         application '{client}'. Make sure the redirect URI sent in the request matches one added to your application \
         in the Azure portal."
    )
}

async fn assert_mismatch(entra: &Entra, uri: &str) {
    let page = entra.authorize(&Authorize::base().user("alice").with("redirect_uri", uri)).await;
    page.page(50011).says(&mismatch(uri, CLI));
}

async fn assert_matches(entra: &Entra, uri: &str) {
    let request = Authorize::base().user("alice").with("redirect_uri", uri);
    let location = entra.authorize(&request).await.location();
    assert_eq!(location.target, uri);
    location.code();
}

#[tokio::test]
async fn e021_base_request_returns_code_state_and_session_state() {
    let entra = Entra::start().await;
    let location = entra.authorize(&Authorize::base().user("alice")).await.location();
    assert_eq!(location.target, REDIRECT);
    assert_eq!(location.separator, '?');
    assert_eq!(location.names(), ["code", "state", "session_state"]);
    assert_eq!(location.get("state"), Some("xyz"));
    assert!(location.get("session_state").is_some_and(is_guid), "{}", location.raw);
    assert_eq!(location.get("iss"), None, "Entra does not speak RFC 9207");
    let code = location.code();
    assert!(code.len() >= 700, "{}", code.len());
    assert!(code.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c)), "{code}");
}

#[tokio::test]
async fn e021_every_code_is_new() {
    let entra = Entra::start().await;
    let request = Authorize::base().user("alice");
    assert_ne!(entra.code(&request).await, entra.code(&request).await);
}

#[tokio::test]
async fn e021_state_is_absent_when_none_was_sent() {
    let entra = Entra::start().await;
    let request = Authorize::base().user("alice").without("state");
    let location = entra.authorize(&request).await.location();
    assert_eq!(location.names(), ["code", "session_state"]);
}

#[tokio::test]
async fn e021_client_info_is_returned_when_asked_for() {
    let entra = Entra::start().await;
    let request = Authorize::base().user("alice").with("client_info", "1");
    let location = entra.authorize(&request).await.location();
    let info = location.get("client_info").expect("client_info=1 was sent");
    let info: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(info).expect("base64url")).expect("JSON");
    assert_eq!(members(&info), ["uid", "utid"]);
    assert_eq!(info["uid"], oid("alice"));
    assert_eq!(info["utid"], TENANT);
}

#[tokio::test]
async fn e021_the_x_emulator_user_header_signs_in_too() {
    let entra = Entra::start().await;
    let request = Authorize::base().header("x-emulator-user", "bob");
    let code = entra.authorize(&request).await.location().code();
    let tokens = entra.redeem(&Token::code(&request, &code)).await;
    assert_eq!(Jwt::access(&tokens).claims["oid"], oid("bob"));
}

#[tokio::test]
async fn e022_localhost_port_is_ignored_but_path_is_not() {
    let entra = Entra::start().await;
    for uri in ["http://localhost/callback", "http://localhost:1/callback", "http://localhost:65535/callback"]
    {
        assert_matches(&entra, uri).await;
    }
    for uri in [
        "http://localhost/Callback",
        "http://localhost:51789/callback/",
        "http://localhost",
        "http://localhost/",
        "http://localhost/callback/more",
    ] {
        assert_mismatch(&entra, uri).await;
    }
}

#[tokio::test]
async fn e022_scheme_host_and_query_must_match() {
    let entra = Entra::start().await;
    for uri in [
        "https://localhost/callback",
        "http://localhost.evil.test/callback",
        "http://evil.test/callback",
        "http://localhost/callback?a=b",
        "http://localhost@evil.test/callback",
        "http://user@localhost/callback",
    ] {
        assert_mismatch(&entra, uri).await;
    }
}

#[tokio::test]
async fn e022_the_port_of_other_hosts_is_not_ignored() {
    let entra = Entra::start().await;
    let uri = "https://gw.contoso.test:8443/auth/callback";
    let request = Authorize::web().user("alice").with("redirect_uri", uri);
    entra.authorize(&request).await.page(50011).begins(&format!("The redirect URI '{uri}'"));
}

#[tokio::test]
async fn e022_the_mcp_client_app_has_the_uris_of_the_known_clients() {
    let entra = Entra::start().await;
    for uri in [
        "http://localhost:3118/callback",
        "http://127.0.0.1:33418/",
        "http://127.0.0.1:54321/",
        "http://localhost:6274/oauth/callback",
        "https://claude.ai/api/mcp/auth_callback",
        "https://vscode.dev/redirect",
    ] {
        let request = Authorize::base().with("client_id", MCP).user("bob").with("redirect_uri", uri);
        let location = entra.authorize(&request).await.location();
        assert_eq!(location.target, uri);
        entra.redeem(&Token::code(&request, &location.code())).await;
    }
}

#[tokio::test]
async fn e059_a_redirect_uri_without_a_path_is_answered_at_its_slash() {
    let entra = Entra::start().await;
    let uri = "http://localhost:4321";
    let request = Authorize::base().with("client_id", MCP).user("bob").with("redirect_uri", uri);
    let location = entra.authorize(&request).await.location();
    assert_eq!(location.target, "http://localhost:4321/");
    entra.redeem(&Token::code(&request, &location.code())).await;
}

#[tokio::test]
async fn e023_ipv4_loopback_accepts_any_port_and_ipv6_never_matches() {
    let entra = Entra::start().await;
    for uri in ["http://127.0.0.1:7/callback", "http://127.0.0.1/callback"] {
        assert_matches(&entra, uri).await;
    }
    assert_mismatch(&entra, "http://[::1]:7/callback").await;
    assert_mismatch(&entra, "http://127.0.0.2:7/callback").await;
}

#[tokio::test]
async fn e026_an_omitted_redirect_uri_picks_a_registered_one() {
    let entra = Entra::start().await;
    let request = Authorize::base().user("alice").without("redirect_uri");
    let location = entra.authorize(&request).await.location();
    assert!(
        ["http://localhost/callback", "http://127.0.0.1/callback"].contains(&location.target.as_str()),
        "{}",
        location.raw
    );
    location.code();
}

#[tokio::test]
async fn e030_form_post_is_a_page_that_posts_itself() {
    let entra = Entra::start().await;
    let request = Authorize::base().user("alice").with("response_mode", "form_post");
    let reply = entra.authorize(&request).await;
    assert_eq!(reply.header("location"), None);
    let forms = reply.forms();
    assert_eq!(forms.len(), 1, "{}", reply.body);
    let form = &forms[0];
    assert_eq!((form.method.as_str(), form.action.as_str()), ("post", REDIRECT));
    let names: Vec<&str> = form.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "session_state"]);
    assert_eq!(form.get("state"), Some("xyz"));
    assert!(form.get("session_state").is_some_and(is_guid));
    assert!(reply.body.contains(".submit()"), "it posts itself: {}", reply.body);
    let code = form.get("code").expect("a code");
    entra.redeem(&Token::code(&request, code)).await;
}

#[tokio::test]
async fn e030_form_post_carries_errors_too() {
    let entra = Entra::start().await;
    let request = Authorize::base().with("response_mode", "form_post").with("prompt", "none");
    let forms = entra.authorize(&request).await.forms();
    assert_eq!(forms[0].action, REDIRECT);
    assert_eq!(forms[0].get("error"), Some("login_required"));
    assert_eq!(forms[0].get("state"), Some("xyz"));
}

#[tokio::test]
async fn e030_fragment_mode_uses_the_fragment() {
    let entra = Entra::start().await;
    let request = Authorize::base().user("alice").with("response_mode", "fragment");
    let location = entra.authorize(&request).await.location();
    assert_eq!((location.target.as_str(), location.separator), (REDIRECT, '#'));
    assert_eq!(location.names(), ["code", "state", "session_state"]);
}

fn long_state() -> String {
    let unit = "ä&=漢 +%41%2B\"'/?#é🙂;";
    let state = unit.repeat(1 + 1024 / unit.len());
    assert!(state.len() >= 1024);
    state
}

#[tokio::test]
async fn e032_long_unicode_state_returns_byte_identical() {
    let entra = Entra::start().await;
    let state = long_state();
    let request = Authorize::base().user("alice").with("state", &state);
    for mode in ["query", "fragment"] {
        let location = entra.authorize(&request.clone().with("response_mode", mode)).await.location();
        assert_eq!(location.get("state"), Some(state.as_str()));
        location.code();
    }
    let forms = entra.authorize(&request.with("response_mode", "form_post")).await.forms();
    assert_eq!(forms[0].get("state"), Some(state.as_str()));
}

#[tokio::test]
async fn e032_state_that_is_not_text_returns_byte_identical() {
    let entra = Entra::start().await;
    for (prompt, user) in [("none", "nobody"), ("select_account", "alice")] {
        let request = Authorize::base().without("state").user(user).with("prompt", prompt);
        let reply = entra.get(&format!("{}&state=%FF%00%fe%0D%0A", request.path_and_query())).await;
        assert!(reply.location().raw.contains("&state=%ff%00%fe%0d%0a"), "{}", reply.location().raw);
    }
}

#[tokio::test]
async fn e032_error_redirects_carry_state_last_with_plus_and_lower_case_hex() {
    let entra = Entra::start().await;
    let state = long_state();
    let location =
        entra.authorize(&Authorize::base().with("prompt", "foo").with("state", &state)).await.location();
    assert_eq!(location.target, REDIRECT);
    assert_eq!(location.names(), ["error", "error_description", "error_uri", "state"]);
    assert_eq!(location.get("state"), Some(state.as_str()));
    let (_, query) = location.raw.split_once('?').expect("a query");
    assert!(query.contains("error_description=AADSTS90023%3a+"), "{query}");
    assert!(!query.contains("%20"), "{query}");
    let escapes = query.split('%').skip(1).map(|rest| &rest[..2]);
    for escape in escapes {
        assert_eq!(escape, escape.to_lowercase());
    }
}

#[tokio::test]
async fn e038_challenge_of_wrong_size_501491() {
    let entra = Entra::start().await;
    for length in [1, 42, 129] {
        let request = Authorize::base().with("code_challenge", &"a".repeat(length));
        let location = entra.authorize(&request).await.location();
        let message = location.refusal("invalid_request", 501_491);
        assert_eq!(message, "Invalid size of Code_Challenge parameter.");
    }
    for length in [43, 128] {
        entra.assert_proceeds(&Authorize::base().with("code_challenge", &"a".repeat(length))).await;
    }
}

#[tokio::test]
async fn e038_pkce_may_be_omitted_by_native_and_web_clients() {
    let entra = Entra::start().await;
    entra.tokens(&Authorize::base().user("alice").without_pkce()).await;
    let web = Authorize::web().user("alice").without_pkce();
    let code = entra.code(&web).await;
    entra.redeem(&Token::code(&web, &code).with("client_secret", "s3cret")).await;
}

#[tokio::test]
async fn e038_plain_is_allowed_and_is_the_default_method() {
    let entra = Entra::start().await;
    let plain = Authorize::base().user("alice").with("code_challenge", VERIFIER);
    entra.tokens(&plain.clone().with("code_challenge_method", "plain")).await;

    let omitted = plain.without("code_challenge_method");
    entra.tokens(&omitted).await;
    let code = entra.code(&omitted.clone().with("code_challenge", &base64url(&sha256(VERIFIER)))).await;
    entra.token(&Token::code(&omitted, &code)).await.refusal(400, "invalid_grant", 501_481);
}

#[tokio::test]
async fn e056_login_hint_selects_the_user_and_unknown_parameters_are_ignored() {
    let entra = Entra::start().await;
    let request = Authorize::base()
        .user("bob")
        .with("domain_hint", "fabrikam.onmicrosoft.com")
        .with("x_unknown", "<script>")
        .with("audience", "https://evil.test");
    let location = entra.authorize(&request).await.location();
    assert_eq!(location.names(), ["code", "state", "session_state"]);
    let tokens = entra.redeem(&Token::code(&request, &location.code())).await;
    let claims = Jwt::access(&tokens).claims;
    assert_eq!(claims["oid"], oid("bob"));
    assert_eq!(claims["aud"], API);
}

#[tokio::test]
async fn e060_post_with_a_form_equals_get() {
    let entra = Entra::start().await;
    let post = |request: &Authorize| {
        let call = entra.request("POST", &request.path());
        call.header("content-type", "application/x-www-form-urlencoded").body(request.query())
    };
    let request = Authorize::base().user("alice");
    let location = entra.send(post(&request)).await.location();
    assert_eq!(location.target, REDIRECT);
    assert_eq!(location.names(), ["code", "state", "session_state"]);
    entra.redeem(&Token::code(&request, &location.code())).await;

    let uri = "http://localhost/Callback";
    let reply = entra.send(post(&request.clone().with("redirect_uri", uri))).await;
    reply.page(50011).says(&mismatch(uri, CLI));
    let reply = entra.send(post(&request.scope(&scope("nope", "access")))).await;
    reply.location().refusal("invalid_resource", 500_011);
}
