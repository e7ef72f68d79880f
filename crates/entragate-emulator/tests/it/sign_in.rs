//! Numbers 33, 35–37, 41, 42, 55, 57 and 112 of the checklist: sessions, consent, policies of users and tenants, and the
//! three pages.

use entragate_emulator::fixtures::{API, CLI2, GATE, TENANT};
use serde_json::{Value, json};

use crate::fixture::{Authorize, Browser, Entra, Jwt, Token, oid, scope};
use crate::reply::Reply;

const ACCEPT: (&str, &str) = ("__emulator_consent", "accept");
const DECLINE: (&str, &str) = ("__emulator_consent", "decline");
const APPROVE_MFA: (&str, &str) = ("__emulator_mfa", "approve");

fn cli2() -> Authorize {
    Authorize::base().with("client_id", CLI2)
}

fn silent(request: &Authorize) -> Authorize {
    request.clone().with("prompt", "none")
}

/// The form repeats every parameter of the request, so a browser without JavaScript loses none.
fn assert_keeps(page: &Reply, button: (&str, &str), request: &Authorize) {
    let form = page.form_with(button).unwrap_or_else(|| panic!("no {button:?} in {}", page.body));
    assert_eq!(form.method, "post");
    let target = page.url.join(&form.action).expect("a URL");
    assert_eq!(target.path(), request.path());
    let in_query: Vec<(String, String)> = target.query_pairs().into_owned().collect();
    for pair in request.pairs() {
        assert!(form.fields.contains(pair) || in_query.contains(pair), "{pair:?} got lost: {form:?}");
    }
}

async fn access_claims(entra: &Entra, request: &Authorize, code: &str) -> Value {
    Jwt::access(&entra.redeem(&Token::code(request, code)).await).claims
}

async fn decline(browser: &mut Browser<'_>, request: &Authorize) {
    let page = browser.authorize(request).await;
    let location = browser.press(&page, DECLINE).await.location();
    assert_eq!(location.names()[..2], ["error", "error_subcode"]);
    assert_eq!(location.get("error_subcode"), Some("cancel"));
    assert_eq!(location.refusal("access_denied", 65004), "User declined to consent to access the app.");
}

#[tokio::test]
async fn sign_in_page_lists_every_user_and_works_without_javascript() {
    let entra = Entra::start().await;
    let mut browser = entra.browser();
    let request = Authorize::base().with("state", "ä&=<\"'>").with("nonce", "n").with("x_other", "kept");
    let page = browser.authorize(&request).await;
    page.assert_sign_in_page();
    assert!(page.body.contains("<title>Sign in to Contoso (emulator)</title>"), "{}", page.body);
    for user in ["alice", "bob", "carol", "dave", "eve", "gina", "mia", "cora", "frank", "nina", "greta"] {
        assert_keeps(&page, ("__emulator_user", user), &request);
    }

    let location = browser.press(&page, ("__emulator_user", "bob")).await.location();
    assert_eq!(location.names(), ["code", "state", "session_state"]);
    assert_eq!(location.get("state"), Some("ä&=<\"'>"));
    let claims = access_claims(&entra, &request, &location.code()).await;
    assert_eq!(claims["oid"], oid("bob"));
}

#[tokio::test]
async fn sign_in_page_is_shown_even_with_a_hint_when_not_headless() {
    let entra = Entra::start().await;
    entra.settings(json!({"headless": false})).await;
    entra.authorize(&Authorize::base().user("alice")).await.assert_sign_in_page();
    entra.settings(json!({"headless": true})).await;
    entra.authorize(&Authorize::base().user("alice")).await.location().code();
}

#[tokio::test]
async fn sign_in_sets_an_http_only_session_cookie() {
    let entra = Entra::start().await;
    let reply = entra.authorize(&Authorize::base().user("alice")).await;
    let cookies: Vec<&str> = reply
        .headers
        .get_all("set-cookie")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter(|cookie| cookie.starts_with("ESTSAUTH="))
        .collect();
    assert_eq!(cookies.len(), 1, "{:?}", reply.headers);
    assert!(cookies[0].contains("HttpOnly"), "{cookies:?}");
}

#[tokio::test]
async fn session_signs_in_silently_and_prompt_login_ignores_it() {
    let entra = Entra::start().await;
    let mut browser = entra.browser();
    browser.sign_in("alice").await;
    browser.authorize(&Authorize::base()).await.location().code();
    for prompt in ["login", "select_account"] {
        browser.authorize(&Authorize::base().with("prompt", prompt)).await.assert_sign_in_page();
        let hinted = Authorize::base().with("prompt", prompt).user("bob");
        let code = browser.authorize(&hinted).await.location().code();
        assert_eq!(access_claims(&entra, &hinted, &code).await["oid"], oid("bob"));
    }
}

#[tokio::test]
async fn sign_in_as_an_unknown_user_50034() {
    let entra = Entra::start().await;
    for request in
        [Authorize::base().user("nobody"), Authorize::base().with("login_hint", "nobody@contoso.test")]
    {
        entra.authorize(&request).await.page(50034).says(
            "The user account {EmailHidden} does not exist in the Contoso directory. To sign into this application, the \
             account must be added to the directory.",
        );
    }
}

#[tokio::test]
async fn e033_prompt_none_without_session_50058() {
    let entra = Entra::start().await;
    let location = entra.authorize(&silent(&Authorize::base())).await.location();
    let message = location.refusal("login_required", 50058);
    assert!(message.starts_with("Session information is not sufficient for single-sign-on."), "{message}");
    let hinted = entra.authorize(&silent(&Authorize::base().user("alice"))).await;
    hinted.location().refusal("login_required", 50058);
}

#[tokio::test]
async fn e033_prompt_none_with_session_and_consent_gives_a_code() {
    let entra = Entra::start().await;
    let mut browser = entra.browser();
    browser.sign_in("alice").await;
    let request = silent(&Authorize::base());
    let code = browser.authorize(&request).await.location().code();
    assert_eq!(access_claims(&entra, &request, &code).await["oid"], oid("alice"));
}

#[tokio::test]
async fn e035_prompt_consent_in_a_restricted_tenant_90095() {
    let entra = Entra::start().await;
    entra.settings(json!({"restrict_user_consent": true})).await;
    let request = Authorize::base().user("bob");
    entra.authorize(&request.clone().with("prompt", "consent")).await.page(90095);
    entra.authorize(&request).await.location().code();
}

#[tokio::test]
async fn e035_prompt_consent_asks_again_where_users_may_consent() {
    let entra = Entra::start().await;
    let request = Authorize::base().user("bob").with("prompt", "consent");
    let mut browser = entra.browser();
    let page = browser.authorize(&request).await;
    assert_keeps(&page, ACCEPT, &request);
    assert!(page.body.contains("<code>access</code>"), "it says what was consented to: {}", page.body);
    browser.press(&page, ACCEPT).await.location().code();
}

#[tokio::test]
async fn e035_first_consent_in_a_restricted_tenant_needs_an_admin() {
    let entra = Entra::start().await;
    entra.settings(json!({"restrict_user_consent": true})).await;
    let page = entra.authorize(&cli2().user("bob")).await;
    let code = page.config().expect("an error page")["iErrorCode"].as_u64();
    assert!(matches!(code, Some(90094 | 90095)), "{code:?}");
}

#[tokio::test]
async fn e036_consent_page_accept_gives_a_code_and_is_remembered() {
    let entra = Entra::start().await;
    let mut browser = entra.browser();
    let request = cli2().user("bob").with("state", "ä&=<\"'>");
    let page = browser.authorize(&request).await;
    assert_keeps(&page, ACCEPT, &request);
    assert_keeps(&page, DECLINE, &request);
    let location = browser.press(&page, ACCEPT).await.location();
    assert_eq!(location.get("state"), Some("ä&=<\"'>"));
    let claims = access_claims(&entra, &request, &location.code()).await;
    assert_eq!((&claims["oid"], &claims["azp"]), (&json!(oid("bob")), &json!(CLI2)));

    entra.authorize(&request).await.location().code();
    let other = entra.authorize(&cli2().user("carol")).await;
    assert!(other.form_with(ACCEPT).is_some(), "bob's consent is not carol's: {other:?}");
}

#[tokio::test]
async fn e036_consent_page_follows_the_sign_in_page() {
    let entra = Entra::start().await;
    let mut browser = entra.browser();
    let sign_in = browser.authorize(&cli2()).await;
    let consent = browser.press(&sign_in, ("__emulator_user", "bob")).await;
    assert_keeps(&consent, ACCEPT, &cli2());
    browser.press(&consent, ACCEPT).await.location().code();
}

#[tokio::test]
async fn e036_consent_declined_65004() {
    let entra = Entra::start().await;
    let mut browser = entra.browser();
    decline(&mut browser, &cli2().user("bob")).await;
    let again = browser.authorize(&cli2().user("bob")).await;
    assert!(again.form_with(ACCEPT).is_some(), "a refusal is not remembered as consent");
}

#[tokio::test]
async fn e036_prompt_none_without_consent_65001() {
    let entra = Entra::start().await;
    let mut browser = entra.browser();
    browser.sign_in("bob").await;
    let location = browser.authorize(&silent(&cli2())).await.location();
    let message = location.refusal("interaction_required", 65001);
    let begin = format!(
        "The user or administrator has not consented to use the application with ID '{CLI2}' named '"
    );
    assert!(message.starts_with(&begin), "{message}");
    assert!(
        message.ends_with("'. Send an interactive authorization request for this user and resource."),
        "{message}"
    );
}

#[tokio::test]
async fn e037_admin_only_scope_as_a_user_90094() {
    let entra = Entra::start().await;
    let page = entra.authorize(&Authorize::base().scope(&scope(API, "admin")).user("bob")).await.page(90094);
    page.begins("Admin consent is required for the permissions requested by this application.");
}

#[tokio::test]
async fn e041_bare_scope_reaches_sign_in_and_then_650053_on_graph() {
    let entra = Entra::start().await;
    let mut browser = entra.browser();
    let page = browser.authorize(&Authorize::base().scope("access")).await;
    page.assert_sign_in_page();
    let error = browser.press(&page, ("__emulator_user", "alice")).await.page(650_053);
    error.begins("The application '");
    assert!(
        error.message.ends_with(
            "' asked for scope 'access' that doesn't exist on the resource '00000003-0000-0000-c000-000000000000'. Contact \
             the app vendor."
        ),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn e042_unknown_scope_of_an_api_650053() {
    let entra = Entra::start().await;
    let request = Authorize::base().scope(&scope(API, "nosuch")).user("alice");
    let page = entra.authorize(&request).await.page(650_053);
    let end = format!(
        "' asked for scope 'nosuch' that doesn't exist on the resource '{API}'. Contact the app vendor."
    );
    assert!(
        page.message.starts_with("The application '") && page.message.ends_with(&end),
        "{}",
        page.message
    );
}

#[tokio::test]
async fn e055_unassigned_user_where_assignment_is_required_50105() {
    let entra = Entra::start().await;
    let gate = Authorize::base().scope(&scope(GATE, "access"));
    let page = entra.authorize(&gate.clone().user("carol")).await.page(50105);
    page.begins("Your administrator has configured the application ");
    let rest = format!(
        " ('{GATE}') to block users unless they are specifically granted ('assigned') access to the application. The \
         signed in user '"
    );
    assert!(page.message.contains(&rest), "{}", page.message);
    assert!(
        page.message.contains(
            "' is blocked because they are not a direct member of a group with access, nor had access directly assigned by \
             an administrator. Please contact your administrator"
        ),
        "{}",
        page.message
    );
    let tokens = entra.tokens(&gate.user("bob")).await;
    let claims = Jwt::access(&tokens).claims;
    assert_eq!((&claims["aud"], &claims["oid"]), (&json!(GATE), &json!(oid("bob"))));
}

#[tokio::test]
async fn e055_disabled_user_50057() {
    let entra = Entra::start().await;
    let page = entra.authorize(&Authorize::base().user("dave")).await.page(50057);
    page.begins("The user account is disabled.");
}

#[tokio::test]
async fn e055_user_blocked_by_conditional_access_53003() {
    let entra = Entra::start().await;
    let page = entra.authorize(&Authorize::base().user("cora")).await.page(53003);
    page.says(
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
    );
}

#[tokio::test]
async fn e055_mfa_user_meets_the_mfa_page_and_continues() {
    let entra = Entra::start().await;
    let mut browser = entra.browser();
    let request = Authorize::base().user("mia");
    let page = browser.authorize(&request).await;
    assert_keeps(&page, APPROVE_MFA, &request);
    let location = browser.press(&page, APPROVE_MFA).await.location();
    let claims = access_claims(&entra, &request, &location.code()).await;
    assert_eq!(claims["oid"], oid("mia"));
    browser.authorize(&silent(&Authorize::base())).await.location().code();
}

#[tokio::test]
async fn e055_mfa_with_prompt_none_50076() {
    let entra = Entra::start().await;
    let mut browser = entra.browser();
    browser.sign_in("bob").await;
    entra.settings(json!({"mfa_required_users": ["bob"]})).await;
    let location = browser.authorize(&silent(&Authorize::base())).await.location();
    let message = location.refusal("interaction_required", 50076);
    assert!(
        message.starts_with(
            "Due to a configuration change made by your administrator, or because you moved to a new location, you must use \
             multi-factor authentication to access '"
        ),
        "{message}"
    );
    let page = browser.authorize(&Authorize::base()).await;
    assert!(page.form_with(APPROVE_MFA).is_some(), "{page:?}");
}

#[tokio::test]
async fn e055_policies_of_the_settings_block_any_user() {
    let entra = Entra::start().await;
    entra.settings(json!({"ca_blocked_users": ["alice"]})).await;
    entra.authorize(&Authorize::base().user("alice")).await.page(53003);
    entra.authorize(&Authorize::base().user("bob")).await.location().code();
}

#[tokio::test]
async fn e057_claims_request_for_an_authentication_context() {
    let entra = Entra::start().await;
    let claims = json!({"access_token": {"acrs": {"essential": true, "value": "c1"}}}).to_string();
    let tokens = entra.tokens(&Authorize::base().user("alice").with("claims", &claims)).await;
    assert_eq!(Jwt::access(&tokens).claims["acrs"], json!(["c1"]));
    let plain = entra.tokens(&Authorize::base().user("alice")).await;
    assert_eq!(Jwt::access(&plain).claims.get("acrs"), None);
}

#[tokio::test]
async fn e112_sign_out_ends_the_session_and_returns_to_a_registered_uri() {
    let entra = Entra::start().await;
    let sign_out = |uri: &str| {
        let query = format!("post_logout_redirect_uri={}&state=a%26b", crate::fixture::encode(uri));
        entra.request("GET", &format!("/{TENANT}/oauth2/v2.0/logout?{query}"))
    };
    let mut browser = entra.browser();
    browser.sign_in("alice").await;
    let reply = browser.send(sign_out("http://localhost:5000/callback")).await;
    assert_eq!(reply.status, 302, "{reply:?}");
    assert_eq!(reply.header("location"), Some("http://localhost:5000/callback?state=a%26b"));
    browser.authorize(&Authorize::base()).await.assert_sign_in_page();
    let reply = browser.send(sign_out("https://evil.test/")).await;
    assert_eq!((reply.status, reply.header("location")), (200, None));
}
