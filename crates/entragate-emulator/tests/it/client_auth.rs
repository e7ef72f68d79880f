//! Numbers 71–79 of the checklist: the platform of the redirect URI decides whether a credential or an `Origin` belongs
//! there.

use entragate_emulator::fixtures::{CLI, DMN, WEB};

use crate::fixture::{Authorize, Entra, SPA_ORIGIN, Token, encode, scope};

const PUBLIC: &str =
    "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.";
const NO_CREDENTIAL: &str =
    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";

async fn of(entra: &Entra, request: &Authorize) -> Token {
    Token::code(request, &entra.code(request).await)
}

async fn web(entra: &Entra) -> Token {
    of(entra, &Authorize::web().user("alice")).await
}

async fn cli(entra: &Entra) -> Token {
    of(entra, &Authorize::base().user("alice")).await
}

async fn spa(entra: &Entra) -> Token {
    of(entra, &Authorize::spa().user("alice")).await
}

fn wrong_secret(app: &str) -> String {
    format!(
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the \
         client secret ID, for a secret added to app '{app}'."
    )
}

#[tokio::test]
async fn e071_public_client_with_a_secret_700025() {
    let entra = Entra::start().await;
    let redemption = cli(&entra).await;
    let refusal = entra.token(&redemption.clone().with("client_secret", "anything")).await;
    refusal.refusal(401, "invalid_client", 700_025).says(PUBLIC);
    let refusal = entra.token(&redemption.clone().basic(CLI, "anything")).await;
    refusal.refusal(401, "invalid_client", 700_025).says(PUBLIC);
    entra.redeem(&redemption).await;
}

#[tokio::test]
async fn e071_public_client_with_an_assertion_700025() {
    let entra = Entra::start().await;
    let redemption = cli(&entra)
        .await
        .with("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        .with("client_assertion", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln");
    entra.token(&redemption).await.refusal(401, "invalid_client", 700_025).says(PUBLIC);
}

#[tokio::test]
async fn e071_refresh_of_a_public_client_with_a_secret_700025() {
    let entra = Entra::start().await;
    let tokens = entra.tokens(&Authorize::base().user("alice")).await;
    let refresh = Token::refresh(CLI, &tokens).with("client_secret", "anything");
    entra.token(&refresh).await.refusal(401, "invalid_client", 700_025);
}

#[tokio::test]
async fn e072_web_client_without_a_secret_7000218() {
    let entra = Entra::start().await;
    let redemption = web(&entra).await;
    let refusal = entra.token(&redemption.clone()).await.refusal(401, "invalid_client", 7_000_218);
    refusal.says(NO_CREDENTIAL);
    entra.redeem(&redemption.with("client_secret", "s3cret")).await;
}

#[tokio::test]
async fn e072_refresh_of_a_web_client_without_a_secret_7000218() {
    let entra = Entra::start().await;
    let redemption = web(&entra).await.with("client_secret", "s3cret");
    let tokens = entra.redeem(&redemption).await;
    let refresh =
        Token::refresh(WEB, &tokens).with("scope", &scope(entragate_emulator::fixtures::API, "access"));
    entra.token(&refresh).await.refusal(401, "invalid_client", 7_000_218).says(NO_CREDENTIAL);
    entra.redeem(&refresh.with("client_secret", "s3cret")).await;
}

#[tokio::test]
async fn e073_wrong_secret_7000215_names_the_app() {
    let entra = Entra::start().await;
    let redemption = web(&entra).await;
    for wrong in ["wrong", "S3CRET", "s3cret ", "7c3d8a52-93b1-4a53-9f0e-2f6a1c5f6f01"] {
        let refusal = entra.token(&redemption.clone().with("client_secret", wrong)).await;
        refusal.refusal(401, "invalid_client", 7_000_215).says(&wrong_secret(WEB));
    }
    let refusal = entra.token(&redemption.clone().basic(WEB, "wrong")).await;
    refusal.refusal(401, "invalid_client", 7_000_215).says(&wrong_secret(WEB));
    entra.redeem(&redemption.with("client_secret", "s3cret")).await;
}

#[tokio::test]
async fn e074_expired_secret_7000222() {
    let entra = Entra::start().await;
    let redemption = web(&entra).await;
    let refusal = entra.token(&redemption.with("client_secret", "old")).await;
    refusal
        .refusal(401, "invalid_client", 7_000_222)
        .begins(&format!("The provided client secret keys for app '{WEB}' are expired."));
}

#[tokio::test]
async fn e075_basic_authentication_with_url_encoded_credentials() {
    let entra = Entra::start().await;
    let plain = web(&entra).await.without("client_id").basic(WEB, "s3cret");
    entra.redeem(&plain).await;
    let encoded = web(&entra).await.without("client_id").basic(&WEB.replace('-', "%2D"), "s3cr%65t");
    entra.redeem(&encoded).await;
}

#[tokio::test]
async fn e075_basic_and_body_with_the_same_credentials() {
    let entra = Entra::start().await;
    let both = web(&entra).await.with("client_secret", "s3cret").basic(WEB, &encode("s3cret"));
    entra.redeem(&both).await;
}

#[tokio::test]
async fn e076_origin_on_a_native_redirect_9002326_quotes_the_origin() {
    let entra = Entra::start().await;
    let redemption = cli(&entra).await;
    let refusal = entra.token(&redemption.clone().header("origin", SPA_ORIGIN)).await;
    refusal.refusal(400, "invalid_request", 9_002_326).says(&format!(
        "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request origin: \
         '{SPA_ORIGIN}'."
    ));
    entra.redeem(&redemption).await;
}

#[tokio::test]
async fn e076_origin_on_a_web_redirect_9002326() {
    let entra = Entra::start().await;
    let redemption = web(&entra).await.with("client_secret", "s3cret").header("origin", "https://evil.test");
    let refusal = entra.token(&redemption).await.refusal(400, "invalid_request", 9_002_326);
    assert!(refusal.message.ends_with("Request origin: 'https://evil.test'."), "{}", refusal.message);
}

#[tokio::test]
async fn e076_origin_on_a_refresh_of_a_native_client_9002326() {
    let entra = Entra::start().await;
    let tokens = entra.tokens(&Authorize::base().user("alice")).await;
    let refresh = Token::refresh(CLI, &tokens).header("origin", SPA_ORIGIN);
    entra.token(&refresh).await.refusal(400, "invalid_request", 9_002_326);
}

#[tokio::test]
async fn e077_spa_without_origin_9002327() {
    let entra = Entra::start().await;
    let redemption = spa(&entra).await;
    entra.token(&redemption.clone()).await.refusal(400, "invalid_request", 9_002_327).says(
        "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.",
    );
    entra.redeem(&redemption.header("origin", SPA_ORIGIN)).await;
}

#[tokio::test]
async fn e078_spa_without_pkce_9002325() {
    let entra = Entra::start().await;
    let request = Authorize::spa().user("alice").without_pkce();
    let redemption = of(&entra, &request).await.header("origin", SPA_ORIGIN);
    let refusal = entra.token(&redemption).await.refusal(400, "invalid_request", 9_002_325);
    refusal.says("Proof Key for Code Exchange is required for cross-origin authorization code redemption.");
}

#[tokio::test]
async fn e078_spa_with_origin_and_pkce_is_readable_across_origins() {
    let entra = Entra::start().await;
    let reply = entra.token(&spa(&entra).await.header("origin", SPA_ORIGIN)).await;
    reply.ok();
    let allowed = reply.header("access-control-allow-origin").expect("a CORS header");
    assert!(["*", SPA_ORIGIN].contains(&allowed), "{allowed}");
}

#[tokio::test]
async fn e078_spa_with_a_secret_700025() {
    let entra = Entra::start().await;
    let redemption = spa(&entra).await.header("origin", SPA_ORIGIN).with("client_secret", "anything");
    entra.token(&redemption).await.refusal(401, "invalid_client", 700_025);
}

#[tokio::test]
async fn e079_client_credentials_with_origin_are_refused() {
    let entra = Entra::start().await;
    let api = scope(entragate_emulator::fixtures::API, ".default");
    let request = Token::client_credentials(DMN, "d3mon", &api).header("origin", SPA_ORIGIN);
    let reply = entra.token(&request).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
    assert!(reply.json()["error"].is_string(), "{}", reply.body);
}
