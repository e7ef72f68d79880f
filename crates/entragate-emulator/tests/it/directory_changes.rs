//! The directory changes while the emulator runs: disabled users, assignments, consent, client secrets.

use entragate_emulator::fixtures::{API, CLI, DMN, TENANT, WEB};
use entragate_emulator::{ChangeError, Control};
use serde_json::{Value, json};

use crate::control::assert_refused;
use crate::fixture::{Authorize, Entra, Jwt, Token, scope};

fn refresh(tokens: &Value) -> Token {
    Token::refresh(CLI, tokens).with("scope", &format!("{} offline_access", scope(API, "access")))
}

async fn change(entra: &Entra, method: &str, path: &str, body: &Value) {
    assert_eq!(entra.operate(method, path, body).await.ok(), json!({}), "{path} {body}");
}

async fn roles(entra: &Entra, tokens: &Value) -> Value {
    let renewed = entra.redeem(&refresh(tokens)).await;
    Jwt::access(&renewed).claims.get("roles").cloned().unwrap_or(Value::Null)
}

#[tokio::test]
async fn e090_a_disabled_user_cannot_refresh_50057() {
    let entra = Entra::start().await;
    let mut browser = entra.browser();
    browser.sign_in("alice").await;
    let tokens = entra.tokens(&Authorize::base().user("alice")).await;
    entra.control().disable_user("alice", true).expect("alice exists");
    entra.token(&refresh(&tokens)).await.refusal(400, "invalid_grant", 50057);
    browser.authorize(&Authorize::base()).await.page(50057);
    change(&entra, "PATCH", "/users/alice@contoso.test", &json!({"disabled": false})).await;
    entra.redeem(&refresh(&tokens)).await;
    browser.authorize(&Authorize::base()).await.location().code();
}

#[tokio::test]
async fn e100_roles_follow_the_assignments_of_the_moment() {
    let entra = Entra::start().await;
    let tokens = entra.tokens(&Authorize::base().user("alice")).await;
    let control: &Control = entra.control();
    control.assign("API", "alice@contoso.test", "User").expect("both exist");
    control.assign(API, "alice", "User").expect("twice is once");
    assert_eq!(roles(&entra, &tokens).await, json!(["Admin", "User"]));
    change(&entra, "POST", "/apps/API/unassign", &json!({"principal": "alice", "role": "Admin"})).await;
    assert_eq!(roles(&entra, &tokens).await, json!(["User"]));
    control.unassign("API", "alice", "User").expect("it was assigned");
    assert_eq!(roles(&entra, &tokens).await, Value::Null);
    let again = control.unassign("API", "alice", "User");
    assert_eq!(again, Err(ChangeError::NotAssigned { app: "API".to_owned(), principal: "alice".to_owned() }));
}

#[tokio::test]
async fn e100_a_group_is_assigned_like_a_user() {
    let entra = Entra::start().await;
    let tokens = entra.tokens(&Authorize::base().user("greta")).await;
    let body = json!({"principal": "Release Managers", "role": "Admin"});
    change(&entra, "POST", "/apps/API/assign", &body).await;
    assert_eq!(roles(&entra, &tokens).await, json!(["Admin"]));
    entra.control().unassign("API", "greta", "Admin").expect_err("the group's role is not hers");
    change(&entra, "POST", "/apps/API/unassign", &body).await;
    assert_eq!(roles(&entra, &tokens).await, Value::Null);
}

#[tokio::test]
async fn e091_a_daemon_loses_its_role() {
    let entra = Entra::start().await;
    let request = Token::client_credentials(DMN, "d3mon", &scope(API, ".default"));
    assert_eq!(Jwt::access(&entra.redeem(&request).await).claims["roles"], json!(["Tools.All"]));
    entra.control().unassign("API", DMN, "Tools.All").expect("it was assigned");
    assert_eq!(Jwt::access(&entra.redeem(&request).await).claims.get("roles"), None);
}

#[tokio::test]
async fn e090_default_access_opens_and_closes_a_gated_api_50105() {
    let entra = Entra::start().await;
    let gate = Authorize::base().scope("api://a0000000-0000-4000-8000-000000000003/access").user("carol");
    entra.authorize(&gate).await.page(50105);
    change(&entra, "POST", "/apps/GATE/assign", &json!({"principal": "carol"})).await;
    entra.code(&gate).await;
    entra.control().unassign("GATE", "carol", None).expect("it was assigned");
    entra.authorize(&gate).await.page(50105);
}

#[tokio::test]
async fn e089_withdrawn_consent_ends_refreshes_65001() {
    let entra = Entra::start().await;
    // An administrator consented to CLI; bob consents to CLI2 himself.
    for (client, name) in [(CLI, "CLI"), (entragate_emulator::fixtures::CLI2, "CLI2")] {
        let request = Authorize::base().with("client_id", client).user("bob");
        let tokens = entra.tokens(&request).await;
        let refresh = Token::refresh(client, &tokens).with("scope", &scope(API, "access"));
        entra.redeem(&refresh).await;
        change(&entra, "POST", &format!("/apps/{name}/revoke-consent"), &Value::Null).await;
        let refusal = entra.token(&refresh).await.refusal(400, "invalid_grant", 65001);
        assert_eq!(refusal.json["suberror"], "consent_required");
        let page = entra.authorize(&request).await;
        assert!(page.form_with(("__emulator_consent", "accept")).is_some(), "{}", page.body);
        entra.code(&request).await;
        entra.redeem(&refresh).await;
    }
}

#[tokio::test]
async fn e073_a_rotated_secret_is_wrong_7000215() {
    let entra = Entra::start().await;
    let request = Authorize::web().user("alice");
    let redeem = async |secret: &str| {
        let code = entra.code(&request).await;
        entra.token(&Token::code(&request, &code).with("client_secret", secret)).await
    };
    redeem("s3cret").await.ok();
    entra.control().set_secrets(WEB, &["n3w", "s3cret"]).expect("WEB exists");
    redeem("s3cret").await.ok();
    redeem("n3w").await.ok();
    change(&entra, "POST", "/apps/WEB/secrets", &json!({"secrets": ["n3w"]})).await;
    redeem("s3cret").await.refusal(401, "invalid_client", 7_000_215);
    redeem("n3w").await.ok();
}

#[tokio::test]
async fn reset_restores_the_directory() {
    let entra = Entra::start().await;
    let control = entra.control();
    let before = control.directory();
    control.disable_user("alice", true).expect("alice exists");
    control.unassign("API", "bob", "User").expect("bob has it");
    control.revoke_consent("CLI").expect("CLI exists");
    control.set_secrets("WEB", &[]).expect("WEB exists");
    assert_ne!(control.directory(), before);
    assert!(!before.users[0].disabled, "a snapshot stays as it was");
    entra.operate("POST", "/reset", &Value::Null).await.ok();
    assert_eq!(control.directory(), before);
    entra.tokens(&Authorize::base().user("alice")).await;
}

#[tokio::test]
async fn changes_of_what_does_not_exist_are_refused() {
    let entra = Entra::start().await;
    let before = entra.control().directory();
    for (method, path, body) in [
        ("PATCH", "/users/nobody", json!({"disabled": true})),
        ("PATCH", "/users/alice", json!({"disabled": "yes"})),
        ("PATCH", "/users/alice", json!({})),
        ("POST", "/apps/NONE/assign", json!({"principal": "alice", "role": "Admin"})),
        ("POST", "/apps/API/assign", json!({"principal": "nobody", "role": "Admin"})),
        ("POST", "/apps/API/assign", json!({"principal": "alice", "role": "Emperor"})),
        ("POST", "/apps/API/assign", json!({"role": "Admin"})),
        ("POST", "/apps/API/unassign", json!({"principal": "carol", "role": "Admin"})),
        ("POST", "/apps/NONE/revoke-consent", Value::Null),
        ("POST", "/apps/WEB/secrets", json!({"secrets": "n3w"})),
        ("POST", "/apps/NONE/secrets", json!({"secrets": []})),
    ] {
        assert_refused(&entra.operate(method, path, &body).await);
    }
    for (method, path) in
        [("GET", "/apps/API/assign"), ("POST", "/apps/API/explode"), ("POST", "/users/alice")]
    {
        assert_eq!(entra.operate(method, path, &Value::Null).await.status, 404, "{method} {path}");
    }
    assert_eq!(entra.control().directory(), before);
    let path = format!("/{TENANT}/__emulator/apps/API/assign");
    assert_eq!(entra.get(&path).await.status, 404);
}
