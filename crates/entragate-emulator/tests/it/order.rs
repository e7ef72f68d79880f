//! Evaluation order: when a request is wrong in two ways, the earlier check answers.

use entragate_emulator::fixtures::{API, CLI2, DMN, GATE, SELF, TENANT, TENANT2, WEB};

use crate::fixture::{Authorize, Entra, GRAPH_URI, MCP_URI, SPA_ORIGIN, Token, scope};

const NOBODY: &str = "33333333-3333-4333-8333-333333333333";
const UNKNOWN: &str = "99999999-9999-4999-8999-999999999999";
const ELSEWHERE: &str = "http://localhost/elsewhere";

fn alice() -> Authorize {
    Authorize::base().user("alice")
}

async fn assert_page(entra: &Entra, request: &Authorize, code: u64) {
    entra.authorize(request).await.page(code);
}

async fn assert_redirect(entra: &Entra, request: &Authorize, error: &str, code: u64) {
    entra.authorize(request).await.location().refusal(error, code);
}

#[tokio::test]
async fn authorize_checks_tenant_client_audience_and_redirect_on_pages() {
    let entra = Entra::start().await;
    let request = Authorize::base().with("redirect_uri", ELSEWHERE).with("prompt", "foo");
    assert_page(&entra, &request.clone().tenant(NOBODY).without("client_id"), 90002).await;
    assert_page(&entra, &request.clone().tenant("not%20a%20tenant!"), 900_023).await;
    assert_page(&entra, &request.clone().without("client_id"), 900_144).await;
    assert_page(&entra, &request.clone().with("client_id", UNKNOWN), 700_016).await;
    assert_page(&entra, &request.clone().tenant("common"), 50194).await;
    assert_page(&entra, &request, 50011).await;
    assert_page(&entra, &request.tenant(TENANT2), 700_016).await;
}

#[tokio::test]
async fn authorize_checks_the_verb_after_the_tenant() {
    let entra = Entra::start().await;
    let path = format!("/{TENANT}/oauth2/v2.0/authorize");
    entra.send(entra.request("PUT", &path)).await.page(900_561);
    entra.send(entra.request("PUT", &path.replace(TENANT, NOBODY))).await.page(90002);
}

#[tokio::test]
async fn authorize_checks_parameters_in_order() {
    let entra = Entra::start().await;
    let all = Authorize::base()
        .with("response_type", "foo")
        .with("prompt", "foo")
        .with("code_challenge", "short")
        .with("resource", "https://unknown.test/mcp")
        .without("scope");
    assert_redirect(&entra, &all, "unsupported_response_type", 70005).await;
    let all = all.with("response_type", "code");
    assert_redirect(&entra, &all, "invalid_request", 90023).await;
    let all = all.without("prompt");
    assert_redirect(&entra, &all, "invalid_request", 501_491).await;
    let all = all.with("code_challenge", &"a".repeat(43));
    assert_redirect(&entra, &all, "invalid_request", 900_144).await;
    let all = all.scope("api://nope/access");
    assert_redirect(&entra, &all, "invalid_resource", 500_011).await;
    let all = all.with("client_id", SELF).scope(&scope(SELF, "access"));
    assert_redirect(&entra, &all, "invalid_target", 9_010_010).await;
    let all = all.without("resource");
    assert_redirect(&entra, &all, "invalid_request", 90009).await;
    entra.authorize(&all.scope(&format!("{SELF}/access"))).await.assert_sign_in_page();
}

#[tokio::test]
async fn authorize_checks_the_user_after_sign_in_in_order() {
    let entra = Entra::start().await;
    let gate = scope(GATE, "access");
    let nosuch = scope(GATE, "nosuch");
    assert_page(&entra, &Authorize::base().user("mallory").scope(&nosuch), 50020).await;
    assert_page(&entra, &Authorize::base().user("dave").scope(&nosuch), 50057).await;
    assert_page(&entra, &Authorize::base().user("cora").scope(&nosuch), 650_053).await;
    assert_page(&entra, &Authorize::base().user("cora").scope(&gate), 50105).await;
    let cli2 = Authorize::base().with("client_id", CLI2);
    assert_page(&entra, &cli2.clone().user("cora"), 53003).await;

    let mut browser = entra.browser();
    let mfa = browser.authorize(&cli2.user("mia")).await;
    let consent = browser.press(&mfa, ("__emulator_mfa", "approve")).await;
    browser.press(&consent, ("__emulator_consent", "accept")).await.location().code();
}

#[tokio::test]
async fn prompt_none_turns_every_page_after_sign_in_into_a_redirect() {
    let entra = Entra::start().await;
    let mut browser = entra.browser();
    browser.sign_in("carol").await;
    let silent = Authorize::base().with("prompt", "none");
    for (scope, code) in [
        (scope(GATE, "access"), "AADSTS50105: "),
        (scope(API, "nosuch"), "AADSTS650053: "),
        ("access".to_owned(), "AADSTS650053: "),
        (scope(API, "admin"), "AADSTS65001: "),
        (format!("{GRAPH_URI}/User.Read"), "AADSTS65001: "),
    ] {
        let location = browser.authorize(&silent.clone().scope(&scope)).await.location();
        let description = location.get("error_description").unwrap_or_default();
        assert!(description.starts_with(code), "{scope}: {description}");
        assert_eq!(location.get("state"), Some("xyz"));
    }
}

#[tokio::test]
async fn token_checks_tenant_verb_grant_type_and_client_in_order() {
    let entra = Entra::start().await;
    let empty = Token::code(&alice(), "x").without("grant_type").without("client_id");
    entra.token(&empty.clone().tenant(NOBODY)).await.refusal(400, "invalid_tenant", 90002);
    let reply = entra.get(&format!("/{NOBODY}/oauth2/v2.0/token")).await;
    reply.refusal(400, "invalid_tenant", 90002);
    let refusal = entra.token(&empty).await.refusal(400, "invalid_request", 900_144);
    refusal.says("The request body must contain the following parameter: 'grant_type'.");
    let unknown = Token::code(&alice(), "x").with("client_id", UNKNOWN).without("code");
    entra.token(&unknown).await.refusal(400, "unauthorized_client", 700_016);
}

#[tokio::test]
async fn client_credentials_name_a_known_client_before_the_authority_matters() {
    let entra = Entra::start().await;
    for tenant in ["common", "consumers"] {
        let call = Token::client_credentials(DMN, "wrong", &scope(API, "access")).tenant(tenant);
        let missing = entra.token(&call.clone().without("client_id")).await;
        missing
            .refusal(400, "invalid_request", 900_144)
            .says("The request body must contain the following parameter: 'client_id'.");
        let unknown = entra.token(&call.clone().with("client_id", UNKNOWN)).await;
        unknown.refusal(400, "unauthorized_client", 700_016);
        entra.token(&call.without("scope")).await.refusal(400, "invalid_request", 9_001_023);
    }
}

#[tokio::test]
async fn token_checks_the_grant_is_readable_then_credential_then_origin_then_state() {
    let entra = Entra::start().await;
    let web = Authorize::web().user("alice");
    let garbage = Token::code(&web, "garbage").header("origin", SPA_ORIGIN);
    entra.token(&garbage).await.refusal(400, "invalid_request", 9_002_313);

    let redeemed = Token::code(&web, &entra.code(&web).await).with("client_secret", "s3cret");
    entra.redeem(&redeemed).await;
    let bare = redeemed.clone().without("client_secret").header("origin", SPA_ORIGIN);
    entra.token(&bare).await.refusal(401, "invalid_client", 7_000_218);
    let crossing = redeemed.clone().header("origin", SPA_ORIGIN);
    entra.token(&crossing).await.refusal(400, "invalid_request", 9_002_326);
    entra.token(&redeemed).await.refusal(400, "invalid_grant", 54005);

    let native = Token::code(&alice(), &entra.code(&alice()).await).header("origin", SPA_ORIGIN);
    entra.token(&native.clone().with("client_secret", "x")).await.refusal(401, "invalid_client", 700_025);
    entra.token(&native).await.refusal(400, "invalid_request", 9_002_326);
}

#[tokio::test]
async fn token_checks_the_state_of_the_grant_in_order_and_the_scope_last() {
    let entra = Entra::start().await;
    let redeemed = Token::code(&alice(), &entra.code(&alice()).await);
    let wrong = Token::code(&alice(), &entra.code(&alice()).await)
        .with("redirect_uri", ELSEWHERE)
        .with("code_verifier", &"w".repeat(43))
        .with("scope", &format!("{} {GRAPH_URI}/User.Read", scope(API, "access")));
    entra.redeem(&redeemed).await;
    entra.token(&wrong).await.refusal(400, "invalid_client", 500_112);
    let wrong = wrong.with("redirect_uri", alice().get("redirect_uri"));
    entra.token(&wrong).await.refusal(400, "invalid_grant", 501_481);
    let other = wrong.clone().with("client_id", CLI2);
    entra.token(&other).await.refusal(400, "invalid_grant", 70000);
    let wrong = wrong.with("code_verifier", crate::fixture::VERIFIER);
    entra.token(&wrong).await.refusal(400, "invalid_request", 28000);

    entra.advance(3600);
    entra.token(&redeemed).await.refusal(400, "invalid_grant", 54005);
    entra.token(&wrong).await.refusal(400, "invalid_grant", 70008);
    entra.token(&other).await.refusal(400, "invalid_grant", 70008);
}

#[tokio::test]
async fn resource_is_checked_before_consent_when_refreshing() {
    let entra = Entra::start().await;
    let web = Authorize::web().user("alice");
    let redemption = Token::code(&web, &entra.code(&web).await).with("client_secret", "s3cret");
    let tokens = entra.redeem(&redemption).await;
    let refresh = Token::refresh(WEB, &tokens).with("client_secret", "s3cret");
    let unconsented = refresh.with("scope", &format!("{GRAPH_URI}/Mail.Read"));
    let refusal = entra.token(&unconsented.clone().with("resource", MCP_URI)).await;
    refusal.refusal(400, "invalid_target", 9_010_010);
    let refusal = entra.token(&unconsented).await.refusal(400, "invalid_grant", 65001);
    assert_eq!(refusal.json["suberror"], "consent_required");
}
