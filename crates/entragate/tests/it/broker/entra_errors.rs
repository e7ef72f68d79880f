//! What goes wrong at Entra, at the callback: the client gets an OAuth error, the person a page that says what happened, who
//! repairs it and how, and the way back.

use std::time::Duration;

use entragate::{ApiApp, ClientId, Guid, Rule};
use entragate_emulator::{Endpoint, Fault, FaultKind, V1Audience, fixtures};

use super::world::{BrokerWorld, Browser, Shown, app};
use crate::world::{REDIRECT, param};

const OPERATOR: &str = "The operator of this gateway has to repair this";
const ADMINISTRATOR: &str =
    "An administrator of your organisation&#39;s Microsoft Entra tenant has to repair this";
const PERSON: &str = "You can repair this yourself";

/// A browser at Entra, about to come back.
struct OnTheWay {
    browser: Browser,
    to_entra: url::Url,
}

async fn on_the_way(world: &BrokerWorld) -> OnTheWay {
    on_the_way_with(world, None).await
}

async fn on_the_way_with(world: &BrokerWorld, prompt: Option<&str>) -> OnTheWay {
    let client_id = world.client_id().await;
    let mut browser = Browser::default();
    let url = world.authorize_url(&client_id, &[("prompt", prompt)]);
    let to_entra = world.approve(&mut browser, &url).await.location();
    OnTheWay { browser, to_entra }
}

impl OnTheWay {
    async fn back_as(&mut self, world: &BrokerWorld, user: &str) -> url::Url {
        world.at_entra(&mut self.browser, &self.to_entra.clone(), user).await
    }

    async fn arrive(&mut self, world: &BrokerWorld, url: &url::Url) -> Shown {
        self.browser.get(&world.http, url.as_str()).await
    }

    /// Comes back with what Entra might send.
    async fn arrive_with(&mut self, world: &BrokerWorld, params: &[(&str, &str)]) -> Shown {
        let mut url = url::Url::parse(&world.url("/auth/callback")).unwrap();
        url.query_pairs_mut()
            .extend_pairs(params)
            .append_pair("state", &param(&self.to_entra, "state").unwrap());
        self.browser.get(&world.http, url.as_str()).await
    }
}

/// The error as the client gets it: its own state, our issuer, each once, and the id of the sign-in.
#[track_caller]
fn assert_told(world: &BrokerWorld, url: &url::Url, error: &str) -> String {
    assert!(url.as_str().starts_with(&format!("{REDIRECT}?")), "{url}");
    for (name, value) in [("error", error), ("state", "xyz"), ("iss", world.gate.base_url().as_str())] {
        let values: Vec<_> = url.query_pairs().filter(|(key, _)| key == name).collect();
        assert_eq!(values.len(), 1, "{name} in {url}");
        assert_eq!(values[0].1, value, "{url}");
    }
    assert_eq!(param(url, "code"), None);
    let text = param(url, "error_description").unwrap();
    assert!(text.bytes().all(|b| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{text}");
    assert!(!text.contains('@'), "{text}");
    named(world, &text);
    text
}

/// The sign-in that the text names at its end. Those of one second have no order.
#[track_caller]
fn named(world: &BrokerWorld, text: &str) -> String {
    let sign_ins = world.gate.sign_ins();
    let one = sign_ins.into_iter().find(|one| text.ends_with(&format!("(sign-in {})", one.id)));
    one.unwrap_or_else(|| panic!("{text}")).id
}

/// A page that leads back to the client, by hand and by itself.
#[track_caller]
fn assert_page(world: &BrokerWorld, page: &Shown, error: &str, words: &[&str]) -> String {
    assert!(page.status >= 400, "{} {}", page.status, page.html);
    let refresh = page.headers["refresh"].to_str().unwrap();
    let back = refresh.strip_prefix("60; url=").unwrap();
    let text = assert_told(world, &url::Url::parse(back).unwrap(), error);
    let link = format!("href=\"{}\"", back.replace('&', "&#38;"));
    assert!(page.html.contains(&link), "{link} in {}", page.html);
    let trace = named(world, &text);
    for word in words.iter().copied().chain([trace.as_str(), "Return to Fixture client"]) {
        assert!(page.html.contains(word), "{word:?} in {}", page.html);
    }
    let main = &page.html[page.html.find("<main>").unwrap()..];
    assert!(!main.contains('@') && !main.contains("<script"), "{main}");
    assert_eq!(page.headers["cache-control"], "no-store");
    text
}

/// A GUID after these words.
#[track_caller]
fn assert_correlation_id(html: &str) {
    let at = html.find("Correlation id").unwrap_or_else(|| panic!("no correlation id in {html}"));
    let code = html[at..].split("<code>").nth(1).unwrap().split("</code>").next().unwrap();
    assert_eq!(code.len(), 36, "{code}");
}

#[tokio::test]
async fn k44_a_bad_secret_is_a_page_for_the_operator_and_server_error_for_the_client() {
    for (secret, aadsts) in [("wrong-secret-value", "AADSTS7000215"), ("api-old", "AADSTS7000222")] {
        let world = BrokerWorld::builder().secret(secret).start().await;
        let mut way = on_the_way(&world).await;
        let back = way.back_as(&world, "alice").await;
        let page = way.arrive(&world, &back).await;
        let text = assert_page(
            &world,
            &page,
            "server_error",
            &[aadsts, OPERATOR, "AZURE_CLIENT_SECRET", "client secret"],
        );
        assert!(text.starts_with(aadsts), "{text}");
        assert_correlation_id(&page.html);
        assert!(!page.html.contains(secret));
    }
}

#[tokio::test]
async fn who_declines_at_entra_goes_back_at_once_with_access_denied_aadsts65004() {
    let world = BrokerWorld::builder()
        .directory(|directory| app(directory, fixtures::API).admin_consent.clear())
        .start()
        .await;
    let mut way = on_the_way(&world).await;
    way.to_entra.query_pairs_mut().append_pair("__emulator_consent", "decline");
    let back = way.back_as(&world, "bob").await;
    let done = way.arrive(&world, &back).await;
    assert_eq!(done.status, 302, "{}", done.html);
    let text = assert_told(&world, &done.location(), "access_denied");
    assert!(text.starts_with("AADSTS65004"), "{text}");
}

#[tokio::test]
async fn as_36_what_ended_between_entra_and_here_is_a_page_for_the_person() {
    for (change, aadsts) in [("revoked", "AADSTS50173"), ("late", "AADSTS70008")] {
        let world = BrokerWorld::start().await;
        let mut way = on_the_way(&world).await;
        let back = way.back_as(&world, "alice").await;
        if change == "late" {
            world.advance(Duration::from_secs(601)).await;
        } else {
            world.control().revoke_user("alice");
        }
        let page = way.arrive(&world, &back).await;
        assert_page(&world, &page, "access_denied", &[aadsts, PERSON]);
        assert_correlation_id(&page.html);
    }
}

#[tokio::test]
async fn k44_a_second_factor_that_is_missing_is_asked_for_at_once() {
    let world = BrokerWorld::start().await;
    for prompt in [Some("login"), Some("select_account")] {
        world.control().set(|settings| settings.mfa_required_users = Vec::new());
        let mut way = on_the_way_with(&world, prompt).await;
        way.to_entra.query_pairs_mut().append_pair("__emulator_user", "bob");
        let back = way.back_as(&world, "bob").await;
        world.control().set(|settings| settings.mfa_required_users = vec!["bob".into()]);
        let again = way.arrive(&world, &back).await;
        assert_eq!(again.status, 303, "{prompt:?}: {}", again.html);
        assert!(param(&again.location(), "claims").unwrap().contains("capolids"));
    }
    world.control().set(|settings| settings.mfa_required_users = Vec::new());
    let mut way = on_the_way(&world).await;
    let back = way.back_as(&world, "bob").await;
    world.control().set(|settings| settings.mfa_required_users = vec!["bob".into()]);
    let again = way.arrive(&world, &back).await;
    assert_eq!(again.status, 303, "{}", again.html);
    way.to_entra = again.location();
    assert!(param(&way.to_entra, "claims").unwrap().contains("capolids"));
    way.to_entra.query_pairs_mut().append_pair("__emulator_mfa", "approve");
    let back = way.back_as(&world, "bob").await;
    let done = way.arrive(&world, &back).await.location();
    assert!(param(&done, "code").is_some(), "{done}");
}

#[tokio::test]
async fn k44_whom_conditional_access_blocks_is_sent_once_more_and_not_in_circles_aadsts53003() {
    let world = BrokerWorld::start().await;
    let mut way = on_the_way(&world).await;
    let block = |users: Vec<String>| world.control().set(|settings| settings.ca_blocked_users = users);
    let back = way.back_as(&world, "bob").await;
    block(vec!["bob".into()]);
    let again = way.arrive(&world, &back).await;
    assert_eq!(again.status, 303, "{}", again.html);
    block(Vec::new());
    way.to_entra = again.location();
    let back = way.back_as(&world, "bob").await;
    block(vec!["bob".into()]);
    let page = way.arrive(&world, &back).await;
    let words = ["AADSTS53003", "Conditional Access policy blocks this sign-in", ADMINISTRATOR];
    assert_page(&world, &page, "access_denied", &words);
    assert_correlation_id(&page.html);
}

#[tokio::test]
async fn k47_t11_an_outage_of_entra_is_a_page_that_asks_to_wait() {
    for kind in
        [FaultKind::Throttle { retry_after_seconds: 9 }, FaultKind::Unavailable, FaultKind::CloseConnection]
    {
        let world = BrokerWorld::start().await;
        let mut way = on_the_way(&world).await;
        let back = way.back_as(&world, "alice").await;
        world.control().inject(Fault { endpoint: Endpoint::Token, kind, times: None });
        let page = way.arrive(&world, &back).await;
        assert_eq!(page.status, 503);
        let words = ["Microsoft Entra does not answer at the moment", "Wait a minute", PERSON];
        assert_page(&world, &page, "temporarily_unavailable", &words);
        assert_eq!(world.grants_at_entra("authorization_code"), 1, "asked once, not again");
    }
}

/// What a real Entra sends back with the browser, row by row of the catalogue.
#[tokio::test]
async fn as_35_t10_errors_that_come_with_the_browser_are_told_in_the_clients_language() {
    let tail = " Trace ID: 00000000-0000-4000-8000-00000000aaaa Correlation ID: 00000000-0000-4000-8000-00000000bbbb Timestamp: 2026-01-01 00:00:00Z";
    for (error, description, told, words) in [
        (
            "access_denied",
            "AADSTS50105: The signed in user 'alice@contoso.test' is blocked because they are not a direct member of a group with access.",
            "access_denied",
            [ADMINISTRATOR, "must assign the user"],
        ),
        (
            "access_denied",
            "AADSTS90094: Admin consent is required.",
            "access_denied",
            [ADMINISTRATOR, "grant consent to the client app"],
        ),
        (
            "invalid_client",
            "AADSTS650053: The application 'x' asked for scope 'y' that doesn't exist on the resource 'z'.",
            "server_error",
            [ADMINISTRATOR, "ENTRAGATE_ENTRA_SCOPES"],
        ),
        (
            "unauthorized_client",
            "AADSTS700016: Application with identifier 'x' was not found.",
            "server_error",
            [OPERATOR, "AZURE_TENANT_ID"],
        ),
        (
            "invalid_request",
            "AADSTS50011: The redirect URI 'x' does not match.",
            "server_error",
            [OPERATOR, "/auth/callback on platform Web"],
        ),
        (
            "invalid_request",
            "AADSTS700213: No matching federated identity record found for presented assertion subject 'x'.",
            "server_error",
            [OPERATOR, "system:serviceaccount:"],
        ),
        (
            "invalid_resource",
            "AADSTS500011: The resource principal named x was not found.",
            "server_error",
            [ADMINISTRATOR, "enterprise application"],
        ),
        (
            "server_error",
            "AADSTS1234567: \"Quoted\"\r\nand in\ntwo <b>lines</b> \u{2019}x\u{2019} \\.",
            "server_error",
            [ADMINISTRATOR, "AADSTS1234567"],
        ),
        (
            "temporarily_unavailable",
            "AADSTS90033: A transient error has occurred.",
            "temporarily_unavailable",
            ["AADSTS90033", "correlation id"],
        ),
        (
            "invalid_scope",
            "AADSTS70011: The provided value for scope is not valid.",
            "invalid_scope",
            ["AADSTS70011", "The scope is malformed"],
        ),
        ("no_such_code", "", "server_error", ["no_such_code", "Correlation"]),
    ] {
        let world = BrokerWorld::start().await;
        let mut way = on_the_way(&world).await;
        let text = format!("{description}{tail}");
        let page = way.arrive_with(&world, &[("error", error), ("error_description", &text)]).await;
        let text = assert_page(&world, &page, told, &words);
        assert!(page.html.contains("00000000-0000-4000-8000-00000000bbbb"), "{}", page.html);
        assert!(!page.html.contains("<b>") && !text.contains("Trace ID"), "{text}");
        assert_eq!(world.grants_at_entra("authorization_code"), 0);
    }
}

#[tokio::test]
async fn errors_that_only_silence_brings_go_back_without_a_page() {
    for error in ["login_required", "interaction_required", "consent_required", "account_selection_required"]
    {
        let world = BrokerWorld::start().await;
        let mut way = on_the_way(&world).await;
        let text = "AADSTS50058: Session information is not sufficient for single-sign-on.";
        let done = way.arrive_with(&world, &[("error", error), ("error_description", text)]).await;
        assert_eq!(done.status, 302);
        assert_told(&world, &done.location(), error);
    }
}

#[tokio::test]
async fn rs_20_v1_tokens_are_as_good_and_their_wrong_audience_has_a_page() {
    let v1 = || ApiApp::new(ClientId::parse(fixtures::API1).unwrap()).with_scopes(["access"]).unwrap();
    let world = BrokerWorld::builder().api(v1()).start().await;
    for form in [V1Audience::RequestedUri, V1Audience::Guid, V1Audience::WithSlash] {
        world.control().set(|settings| settings.v1_audience = form);
        let mut way = on_the_way(&world).await;
        let back = way.back_as(&world, "alice").await;
        let done = way.arrive(&world, &back).await;
        assert_eq!(done.status, 302, "{form:?} {}", done.html);
        assert!(param(&done.location(), "code").is_some(), "{form:?}");
    }
    // An Application ID URI that the gate was not told about.
    let world = BrokerWorld::builder()
        .api(v1())
        .directory(|directory| {
            app(directory, fixtures::API1).identifier_uris = vec!["https://v1.contoso.test".into()];
        })
        .start()
        .await;
    world.control().set(|settings| settings.v1_audience = V1Audience::AnyUri);
    let mut way = on_the_way(&world).await;
    let back = way.back_as(&world, "alice").await;
    let page = way.arrive(&world, &back).await;
    let words = ["its token is not usable here: audience", "AZURE_CLIENT_ID", ADMINISTRATOR];
    let text = assert_page(&world, &page, "server_error", &words);
    assert!(text.contains("audience"), "{text}");
}

#[tokio::test]
async fn rs_28_who_has_no_role_that_the_rules_ask_for_reads_which_there_are() {
    let rules = || [Rule::tools(["admin_*"]).roles(["Admin"]), Rule::tools(["*"]).roles(["User", "Admin"])];
    let world = BrokerWorld::builder().gate(move |gate| gate.rules(rules())).start().await;
    let mut way = on_the_way(&world).await;
    let back = way.back_as(&world, "carol").await;
    let page = way.arrive(&world, &back).await;
    let words = ["none of the app roles", "Admin, User", "Enterprise applications", ADMINISTRATOR];
    assert_page(&world, &page, "access_denied", &words);
    // Whoever has one goes on.
    let mut way = on_the_way(&world).await;
    let back = way.back_as(&world, "bob").await;
    assert!(param(&way.arrive(&world, &back).await.location(), "code").is_some());
}

#[tokio::test]
async fn whom_no_rule_is_for_reads_it_before_the_client_gets_a_token() {
    let bob = Guid::parse(fixtures::user_oid("bob")).unwrap();
    // Not for bob's sake either, were it not for the second: nobody who signs in in a browser is a program.
    let rules = [Rule::tools(["jobs_*"]).any_app(), Rule::tools(["*"]).users([bob]).clients(["my-editor"])];
    let world = BrokerWorld::builder().gate(move |gate| gate.rules(rules)).start().await;
    let mut way = on_the_way(&world).await;
    let back = way.back_as(&world, "alice").await;
    let page = way.arrive(&world, &back).await;
    let words = ["no rule of this server is for you", "by object id", OPERATOR];
    assert_page(&world, &page, "access_denied", &words);
    let mut way = on_the_way(&world).await;
    let back = way.back_as(&world, "bob").await;
    assert!(param(&way.arrive(&world, &back).await.location(), "code").is_some());
}

#[tokio::test]
async fn a_scope_that_is_missing_has_a_page_that_names_the_setting() {
    let api = ApiApp::new(ClientId::parse(fixtures::API).unwrap()).with_scopes(["access", "admin"]).unwrap();
    let world = BrokerWorld::builder().api(api).start().await;
    let mut way = on_the_way(&world).await;
    let back = way.back_as(&world, "bob").await;
    let page = way.arrive(&world, &back).await;
    let words = ["without the scope admin", "ENTRAGATE_ENTRA_SCOPES", "Expose an API", ADMINISTRATOR];
    assert_page(&world, &page, "access_denied", &words);
}

#[tokio::test]
async fn rs_24_a_token_without_any_delegated_permission_has_a_page() {
    let world = BrokerWorld::builder()
        .api(ApiApp::new(ClientId::parse(fixtures::API).unwrap()))
        .directory(|directory| {
            let api = app(directory, fixtures::API);
            api.admin_consent.clear();
            api.required_access.clear();
        })
        .start()
        .await;
    for (user, words) in [
        ("alice", ["no delegated permission", "ENTRAGATE_ENTRA_SCOPES"]),
        ("carol", ["no permission or app role granted", "Expose an API"]),
    ] {
        let client_id = world.client_id().await;
        let mut browser = Browser::default();
        let url = world.authorize_url(&client_id, &[("scope", None)]);
        let to_entra = world.approve(&mut browser, &url).await.location();
        let back = world.at_entra(&mut browser, &to_entra, user).await;
        let page = browser.get(&world.http, back.as_str()).await;
        assert_page(&world, &page, "server_error", &[words[0], words[1], ADMINISTRATOR]);
    }
}

/// Entra shows some refusals itself and sends nobody back.
#[tokio::test]
async fn who_is_not_assigned_stays_at_entra_aadsts50105() {
    let api = ApiApp::new(ClientId::parse(fixtures::GATE).unwrap()).with_scopes(["access"]).unwrap();
    let world = BrokerWorld::builder().api(api).start().await;
    let mut way = on_the_way(&world).await;
    let mut url = way.to_entra.clone();
    url.query_pairs_mut().append_pair("login_hint", "carol@contoso.test");
    let page = way.browser.get(&world.http, url.as_str()).await;
    assert!(page.status >= 200 && page.html.contains("AADSTS50105"), "{} {}", page.status, page.html);
    let verdict = &world.gate.sign_ins()[0].verdict;
    assert!(verdict.contains("at Entra's sign-in page"), "{verdict}");
    let back = way.back_as(&world, "bob").await;
    assert!(param(&way.arrive(&world, &back).await.location(), "code").is_some());
}

#[tokio::test]
async fn as_22_an_answer_that_names_another_issuer_is_not_redeemed() {
    let world = BrokerWorld::start().await;
    let mut way = on_the_way(&world).await;
    let mut back = way.back_as(&world, "alice").await;
    back.query_pairs_mut().append_pair("iss", "https://login.evil.test/v2.0");
    let done = way.arrive(&world, &back).await;
    assert_told(&world, &done.location(), "access_denied");
    assert_eq!(world.grants_at_entra("authorization_code"), 0);
}
