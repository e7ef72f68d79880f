//! Every fault of the app registrations alone, seen through Microsoft Graph: exactly the right finding, and no other.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entragate::{Clock as _, SystemClock};
use entragate_cli::doctor::{Outcome, Report, Severity, Step, Verdict};
use entragate_cli::graph::print_date;
use entragate_emulator::{
    Access, App, Assignment, Directory, Endpoint, Fault, FaultKind, FederatedCredential, GroupClaims,
    Principals, Secret, fixtures,
};
use serde_json::json;

use crate::config_fixture::directory;
use crate::doctor_fixture::{Mode, World, all, wrong};

use Mode::{Broker, Relay};

const USER_READ: &str = "https://graph.microsoft.com/User.Read";
const RULES: &str = r#"[{ tools = ["admin_*"], roles = ["Admin"] }, { tools = ["*"] }]"#;

fn app<'a>(directory: &'a mut Directory, id: &str) -> &'a mut App {
    directory.apps.iter_mut().find(|app| app.id == id).expect("an app of the fixtures")
}

fn world(mode: Mode) -> World {
    World::new(mode).set("ENTRAGATE_RULES", RULES).graph(fixtures::ADM, fixtures::ADM_SECRET)
}

async fn examined(world: World) -> Report {
    world.start().await.examine().await
}

async fn expect(name: &str, world: World, expected: &[&str]) {
    let report = examined(world).await;
    assert_eq!(wrong(&report), expected, "{name}\n{}", all(&report));
}

/// A deployment whose API app is changed.
fn api(mode: Mode, change: impl FnOnce(&mut App)) -> World {
    world(mode).directory(|d| change(app(d, fixtures::API)))
}

type Change = fn(&mut App);

/// A deployment in relay mode whose client app is changed.
fn client(change: impl FnOnce(&mut App)) -> World {
    world(Relay).directory(|d| change(app(d, fixtures::MCP)))
}

#[tokio::test(flavor = "multi_thread")]
async fn healthy_registrations_have_nothing_wrong_in_both_modes() {
    for mode in [Relay, Broker] {
        let report = examined(world(mode)).await;
        assert!(!report.is_wrong(), "{mode:?}\n{}", all(&report));
        for examined in &report.examined {
            let looked = !matches!(examined.outcome, Outcome::NotChecked(_));
            assert!(looked, "{mode:?} {}: {:?}", examined.check.name, examined.outcome);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_apps_and_their_enterprise_applications() {
    const NOBODY: &str = "99999999-9999-4999-8999-999999999999";
    expect("no client app", world(Relay).set("AZURE_MCP_CLIENT_ID", NOBODY), &["client-app 700016"]).await;
    expect("no API app", world(Relay).set("AZURE_CLIENT_ID", NOBODY), &["api-app 500011"]).await;
    expect("no app", world(Broker).set("AZURE_CLIENT_ID", NOBODY), &["client-app 700016"]).await;
    for mode in [Relay, Broker] {
        let absent = api(mode, |app| app.service_principal.absent = true);
        expect("the API's enterprise application is missing", absent, &["service-principal 650052"]).await;
        let disabled = api(mode, |app| app.service_principal.disabled = true);
        expect("it is disabled", disabled, &["service-principal 7000112"]).await;
    }
    let absent = client(|app| app.service_principal.absent = true);
    expect("the client's enterprise application is missing", absent, &["service-principal 7000229"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_what_the_api_exposes() {
    for mode in [Relay, Broker] {
        let gone = api(mode, |app| app.scopes.retain(|scope| scope.value != "access"));
        expect("the scope is missing", gone, &["scope 650053"]).await;
        let disabled = api(mode, |app| app.scopes[0].disabled = true);
        expect("the scope is disabled", disabled, &["scope 650053"]).await;
        expect("v1 tokens", api(mode, |app| app.token_version = 1), &["token-version"]).await;
        let encrypted = api(mode, |app| app.token_encryption_key = Some(fixtures::TENANT.to_owned()));
        expect("encrypted tokens", encrypted, &["token-encryption"]).await;
        let slash = api(mode, |app| app.identifier_uris.push("https://mcp.contoso.test/slash/".to_owned()));
        expect("an identifier URI with a slash", slash, &["identifier-uris 9010010"]).await;
    }
    let none = api(Relay, |app| app.identifier_uris.retain(|uri| !uri.starts_with("api:")));
    expect("the identifier URI is missing", none, &["identifier-uris 500011"]).await;
    let foreign = world(Broker).set("ENTRAGATE_ENTRA_IDENTIFIER_URIS", "https://mcp.elsewhere.test/mcp");
    expect("an identifier URI of a foreign domain", foreign, &["verified-domain"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_roles_and_assignments() {
    let rules =
        |role: &str| format!(r#"[{{ tools = ["admin_*"], roles = ["{role}"] }}, {{ tools = ["*"] }}]"#);
    let mode = Relay;
    expect("a role that does not exist", world(mode).set("ENTRAGATE_RULES", rules("Operator")), &["roles"])
        .await;
    expect("a role for applications", world(mode).set("ENTRAGATE_RULES", rules("Tools.All")), &["roles"])
        .await;
    expect("a disabled role", api(mode, |app| app.roles[0].disabled = true), &["roles"]).await;
    let unassigned = api(mode, |app| app.assignments.retain(|held| held.role.as_deref() != Some("Admin")));
    expect("a role that nobody has", unassigned, &["role-assignments"]).await;
    let daemon = api(mode, |app| {
        app.roles[0].members = Principals::Both;
        app.assignments.retain(|held| held.role.as_deref() != Some("Admin"));
        app.assignments.push(Assignment { principal: "DMN".to_owned(), role: Some("Admin".to_owned()) });
    });
    let report = examined(daemon).await;
    assert_eq!(wrong(&report), ["role-assignments"], "{}", all(&report));
    assert!(told(&report, "role-assignments")[0].starts_with("only applications have the role Admin"));
    expect("only assigned people", api(mode, |app| app.assignment_required = true), &[]).await;
    let nobody = api(mode, |app| {
        app.assignment_required = true;
        app.assignments.clear();
    });
    // Without rules that name a role, so that nothing else is wrong with it.
    let nobody = nobody.set("ENTRAGATE_RULES", r#"[{ tools = ["*"] }]"#);
    expect("only assigned people, and nobody is", nobody, &["assignment-required 50105"]).await;
}

const ENGINEERING: &str = "9a000000-0000-4000-8000-000000000003";

/// Rules over a group, in broker mode: its credential reads the groups of people with too many.
fn grouped(group: &str, claims: GroupClaims, permissions: &[&str]) -> World {
    let rules = format!(r#"[{{ tools = ["*"], groups = ["{group}"] }}]"#);
    let held = permissions
        .iter()
        .map(|role| Assignment { principal: "API".to_owned(), role: Some((*role).to_owned()) });
    api(Broker, |app| app.group_claims = claims)
        .directory(|d| app(d, fixtures::GRAPH).assignments.extend(held))
        .set("ENTRAGATE_RULES", rules)
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_groups() {
    use GroupClaims::{All, ApplicationGroup, None, SecurityGroup};
    const NO_GROUP: &str = "99999999-9999-4999-8999-999999999999";
    const BOTH: &[&str] = &["GroupMember.Read.All", "User.Read.All"];
    const DIRECTORY: &[&str] = &["Directory.Read.All"];
    for (name, world, expected) in [
        ("all is well", grouped(ENGINEERING, SecurityGroup, DIRECTORY), &[] as &[&str]),
        ("two permissions", grouped(ENGINEERING, All, BOTH), &[]),
        ("no claim", grouped(ENGINEERING, None, DIRECTORY), &["groups"]),
        ("no such group", grouped(NO_GROUP, SecurityGroup, DIRECTORY), &["groups"]),
        ("neither", grouped(NO_GROUP, None, DIRECTORY), &["groups", "groups"]),
        ("no permission", grouped(ENGINEERING, SecurityGroup, &[]), &["groups"]),
        ("half of them", grouped(ENGINEERING, SecurityGroup, &BOTH[..1]), &["groups"]),
        (
            "no permission, and none needed",
            grouped(ENGINEERING, SecurityGroup, &[]).set("ENTRAGATE_GROUPS_OVERAGE", "refuse"),
            &[],
        ),
        ("a group that is not assigned", grouped(ENGINEERING, ApplicationGroup, DIRECTORY), &["groups"]),
    ] {
        expect(name, world, expected).await;
    }
    let assigned = grouped(ENGINEERING, ApplicationGroup, DIRECTORY).directory(|d| {
        let held = Assignment { principal: "Engineering".to_owned(), role: Option::None };
        app(d, fixtures::API).assignments.push(held);
    });
    let report = examined(assigned).await;
    assert!(!report.is_wrong() && told(&report, "groups").len() == 1, "{}", all(&report));
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_may_not_be_read_are_not_checked() {
    let world = grouped(ENGINEERING, GroupClaims::SecurityGroup, &["Directory.Read.All"]);
    let report = examined(world.graph(fixtures::READER, fixtures::READER_SECRET)).await;
    assert!(!report.is_wrong(), "{}", all(&report));
    let groups = report.examined.iter().find(|examined| examined.check.name == "groups").unwrap();
    let reason = "needs the Graph permission GroupMember.Read.All";
    assert!(matches!(&groups.outcome, Outcome::NotChecked(why) if why == reason), "{:?}", groups.outcome);
}

/// The command of the one finding of this check.
fn command<'a>(report: &'a Report, check: &str) -> &'a str {
    let finding = report.findings.iter().find(|finding| finding.check == check);
    finding.and_then(|finding| finding.command.as_deref()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_pasted_takes_nothing_away() {
    let report = examined(client(|app| app.admin_consent.clear()).clients("claude-code,cursor")).await;
    let setup = "entragate doctor --graph az --clients claude-code,cursor --fix --apply";
    assert_eq!(command(&report, "consent"), setup);
    for (mode, clients) in [(Relay, " --clients claude-code"), (Broker, "")] {
        let report = examined(world(mode).directory(|d| {
            for app in &mut d.apps {
                app.web_redirect_uris = vec!["https://other.contoso.test/callback".to_owned()];
                app.public_redirect_uris = vec!["myapp://callback".to_owned()];
            }
        }))
        .await;
        let setup = format!("entragate doctor --graph az{clients} --fix --apply");
        assert_eq!(command(&report, "redirect-uris"), setup);
    }
    let report = examined(api(Relay, |app| {
        app.identifier_uris = vec!["https://mcp.contoso.test/a'b".to_owned()];
    }))
    .await;
    let whole = r"--identifier-uris 'https://mcp.contoso.test/a'\''b' api://";
    assert!(command(&report, "identifier-uris").contains(whole), "{}", command(&report, "identifier-uris"));
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_consent() {
    expect("no consent", client(|app| app.admin_consent.clear()), &["consent 65001"]).await;
    expect("no consent", api(Broker, |app| app.admin_consent.clear()), &["consent 65001"]).await;
    let listed = world(Relay).directory(|d| {
        app(d, fixtures::MCP).admin_consent.clear();
        let access = Access { app: "MCP".to_owned(), scopes: vec!["access".to_owned()], ..Access::default() };
        app(d, fixtures::API).preauthorized.push(access);
    });
    expect("no consent, but the API lists the client", listed, &[]).await;
    expect("no permission", client(|app| app.required_access.clear()), &["required-access 650057"]).await;
}

/// How this step ends for Claude Code.
fn step(report: &Report, step: Step) -> &Verdict {
    let client = report.clients.iter().find(|one| one.client.name == "claude-code").expect("the client");
    &client.steps.iter().find(|(at, _)| *at == step).expect("the step").1
}

const AFTER_SIGN_IN: [Step; 4] = [Step::Consent, Step::Token, Step::Refresh, Step::Tools];

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_people_cannot_give_themselves_keeps_everybody_out() {
    let started = client(|app| app.admin_consent.clear()).start().await;
    let report = started.examine().await;
    assert!(AFTER_SIGN_IN.iter().all(|at| *step(&report, *at) == Verdict::Works), "they may give it");
    started.entra.control().set(|settings| settings.restrict_user_consent = true);
    let report = started.examine().await;
    assert_eq!(wrong(&report), ["consent 90094"], "{}", all(&report));
    assert_eq!(report.count(Severity::Error), 1, "{}", all(&report));
    for at in AFTER_SIGN_IN {
        assert!(matches!(step(&report, at), Verdict::Fails(why) if why.contains("consented")), "{at:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_graph_what_entra_tells_only_after_sign_in_is_not_checked() {
    for mode in [Relay, Broker] {
        for (name, change) in [
            ("well", (|_| ()) as Change),
            ("the scope is disabled", |app| app.scopes[0].disabled = true),
            ("the scope is gone", |app| app.scopes.retain(|scope| scope.value != "access")),
            ("another app's enterprise application is gone", |app| app.service_principal.absent = true),
        ] {
            if mode == Broker && name.contains("another") {
                continue; // It is the app that signs people in.
            }
            let world = World::new(mode).directory(|d| change(app(d, fixtures::API)));
            let report = examined(world).await;
            assert!(!report.is_wrong(), "{mode:?} {name}\n{}", all(&report));
            for check in ["api-app", "scope"] {
                let examined = report.examined.iter().find(|examined| examined.check.name == check).unwrap();
                let said = matches!(&examined.outcome, Outcome::NotChecked(why) if why.contains("--graph"));
                assert!(said, "{mode:?} {name} {check}: {:?}", examined.outcome);
            }
            for at in AFTER_SIGN_IN {
                let verdict = step(&report, at);
                assert!(matches!(verdict, Verdict::Unknown(_)), "{mode:?} {name} {at:?}: {verdict:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graph_that_does_not_answer_is_given_up_once_for_all_checks() {
    let started = world(Relay).start().await;
    let fault = Fault { endpoint: Endpoint::Graph, kind: FaultKind::Unavailable, times: None };
    started.entra.control().inject(fault);
    started.entra.control().clear_requests();
    let report = started.examine().await;
    assert_eq!(wrong(&report), ["graph"], "{}", all(&report));
    assert!(told(&report, "graph")[0].contains("503"), "{}", all(&report));
    let asked = started.entra.control().requests();
    let asked = asked.iter().filter(|request| request.path.starts_with("/v1.0/")).count();
    assert!((1..=3).contains(&asked), "{asked} requests");
    let consent = report.examined.iter().find(|examined| examined.check.name == "consent").unwrap();
    assert!(matches!(consent.outcome, Outcome::NotChecked(_)), "{:?}", consent.outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_ids_that_were_exchanged_are_one_finding() {
    let exchanged = world(Relay).set("AZURE_CLIENT_ID", fixtures::MCP);
    let exchanged = exchanged.set("AZURE_MCP_CLIENT_ID", fixtures::API).clients("claude-code");
    let report = examined(exchanged).await;
    assert_eq!(wrong(&report), ["client-app"], "{}", all(&report));
    assert!(told(&report, "client-app")[0].contains("exchanged"), "{}", all(&report));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_setup_repairs_comes_with_the_command_that_does_it() {
    let setup = "entragate doctor --graph az --clients claude-code --fix --apply";
    let disabled: [(&str, Change); 4] = [
        ("scope", |app| app.scopes[0].disabled = true),
        ("scope", |app| app.scopes.retain(|scope| scope.value != "access")),
        ("roles", |app| app.roles[0].disabled = true),
        ("roles", |app| app.roles.retain(|role| role.value != "Admin")),
    ];
    for (check, change) in disabled {
        let report = examined(api(Broker, change).clients("claude-code")).await;
        assert_eq!(command(&report, check), setup, "{}", all(&report));
    }
    let report = examined(
        client(|app| app.public_redirect_uris.retain(|uri| !uri.ends_with("oauth_callback")))
            .clients("goose"),
    )
    .await;
    assert_eq!(command(&report, "clients"), "entragate doctor --graph az --clients goose --fix --apply");
}

/// Calls of the MCP server go on behalf of their callers.
fn on_behalf_of(world: World, scope: &str) -> World {
    let world = world.set("ENTRAGATE_UPSTREAM_IDENTITY", "on-behalf-of");
    world.set("ENTRAGATE_UPSTREAM_ON_BEHALF_OF_SCOPES", scope)
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_on_behalf_of() {
    let acting = |scope: &str| on_behalf_of(world(Broker), scope);
    expect("consented", acting(USER_READ), &[]).await;
    let report = examined(acting("https://graph.microsoft.com/Mail.Read")).await;
    assert_eq!(wrong(&report), ["on-behalf-of 65001"], "{}", all(&report));
    let command = command(&report, "on-behalf-of");
    assert!(command.starts_with("az ad app permission add --id a0000000"), "{command}");
    expect("no such permission", acting("https://graph.microsoft.com/Pigs.Fly"), &["on-behalf-of"]).await;
    let stranger = acting("api://f0000000-0000-4000-8000-0000000000ff/access");
    expect("no such API", stranger, &["on-behalf-of 500011"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_on_behalf_of_in_relay_mode() {
    let acting = |world: World| on_behalf_of(world, USER_READ);
    let good = |world: World| acting(world).set("AZURE_CLIENT_SECRET", fixtures::API_SECRET);
    let report = examined(good(world(Relay))).await;
    assert!(!report.is_wrong(), "{}", all(&report));
    for check in ["credential", "secret-expiry", "on-behalf-of"] {
        let examined = report.examined.iter().find(|examined| examined.check.name == check).unwrap();
        assert_eq!(examined.outcome, Outcome::Fine, "{check}");
    }
    let bad = |world: World| acting(world).set("AZURE_CLIENT_SECRET", "something-else-entirely");
    expect("a wrong secret", bad(world(Relay)), &["credential 7000215"]).await;
    // What is wrong with the apps is told once, and hides no wrong secret of another app.
    let absent = good(api(Relay, |app| app.service_principal.absent = true));
    expect("the API's enterprise application is missing", absent, &["service-principal 650052"]).await;
    let disabled = good(api(Relay, |app| app.service_principal.disabled = true));
    expect("it is disabled", disabled, &["service-principal 7000112"]).await;
    let absent = bad(client(|app| app.service_principal.absent = true));
    let both = ["credential 7000215", "service-principal 7000229"];
    expect("the client's is missing, and the secret is wrong", absent, &both).await;
    let exchanged = good(world(Relay)).set("AZURE_CLIENT_ID", fixtures::MCP);
    let exchanged = exchanged.set("AZURE_MCP_CLIENT_ID", fixtures::API);
    expect("exchanged ids", exchanged, &["client-app"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_platforms() {
    let moved = |to: fn(&mut App) -> &mut Vec<String>| {
        api(Broker, move |app| {
            let uris = std::mem::take(&mut app.web_redirect_uris);
            to(app).extend(uris);
        })
    };
    expect("on single-page application", moved(|app| &mut app.spa_redirect_uris), &["redirect-uris 9002327"])
        .await;
    expect("on mobile and desktop", moved(|app| &mut app.public_redirect_uris), &["redirect-uris 700025"])
        .await;
    let both = api(Broker, |app| app.spa_redirect_uris = app.web_redirect_uris.clone());
    expect("on two platforms", both, &["redirect-uris 9002327"]).await;
    let web = client(|app| {
        app.public_redirect_uris.retain(|uri| uri != "http://localhost/callback");
        app.web_redirect_uris.push("http://localhost/callback".to_owned());
    });
    expect("a client's callback on Web", web.clients("claude-code"), &["redirect-uris 7000218"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_credentials() {
    let ends = |mode: Mode, days: u64| {
        let when = SystemClock.now().plus(Duration::from_secs(days * 24 * 60 * 60));
        let secret = Secret {
            value: fixtures::API_SECRET.to_owned(),
            ends: Some(print_date(when)),
            ..Secret::default()
        };
        api(mode, |app| app.secrets = vec![secret]).set("AZURE_CLIENT_SECRET", fixtures::API_SECRET)
    };
    expect("a secret for a month", ends(Broker, 30), &[]).await;
    let beside = |other: &str, own: u64, others: u64| {
        let secret = |value: &str, days: u64| Secret {
            value: value.to_owned(),
            ends: Some(print_date(SystemClock.now().plus(Duration::from_secs(days * 24 * 60 * 60)))),
            ..Secret::default()
        };
        let secrets = vec![secret(fixtures::API_SECRET, own), secret(other, others)];
        api(Broker, |app| app.secrets = secrets)
    };
    let expiry = ["secret-expiry 7000222"];
    expect("the gateway's secret ends before another", beside("zzz-other", 5, 90), &expiry).await;
    expect("another secret ends before the gateway's", beside("zzz-other", 90, 5), &[]).await;
    expect("one of two that look alike ends", beside("api-other", 90, 5), &expiry).await;
    expect("a secret for five days", ends(Broker, 5), &["secret-expiry 7000222"]).await;
    for (days, expected) in [(30, &[] as &[&str]), (5, &expiry)] {
        let acting = on_behalf_of(ends(Relay, days), USER_READ);
        expect("the API app's secret in relay mode", acting, expected).await;
    }
    let expired = world(Broker).set("AZURE_CLIENT_SECRET", "api-old");
    expect("an expired secret beside a good one", expired, &["credential 7000222"]).await;

    let claims = json!({ "iss": "https://oidc.test", "sub": "x", "aud": "api://AzureADTokenExchange" });
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let token = format!("{}.{}.c2ln", part(&json!({ "alg": "RS256", "kid": "x" })), part(&claims));
    let file = directory("doctor-graph").join("token");
    std::fs::write(&file, token).unwrap();
    let federated = |mode: Mode, issuer: &str, subject: &str, audience: &str| {
        let credential = FederatedCredential {
            name: "test".to_owned(),
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            audiences: vec![audience.to_owned()],
            jwks: Some(r#"{"keys":[]}"#.to_owned()),
            ..FederatedCredential::default()
        };
        let world = api(mode, |app| app.federated_credentials = vec![credential]);
        world.set("AZURE_CLIENT_SECRET", "").set("AZURE_FEDERATED_TOKEN_FILE", file.display().to_string())
    };
    let audience = "api://AzureADTokenExchange";
    // In relay mode the credential is the API app's, whoever signs people in.
    let acting = on_behalf_of(federated(Relay, "https://oidc.test", "y", audience), USER_READ);
    let report = examined(acting).await;
    assert_eq!(wrong(&report), ["federated-credentials 700213"], "{}", all(&report));
    let pasted = command(&report, "federated-credentials");
    assert!(pasted.contains(fixtures::API), "{pasted}");
    for (name, world, expected) in [
        ("issuer", federated(Broker, "https://other.test", "x", audience), "federated-credentials 700211"),
        ("subject", federated(Broker, "https://oidc.test", "y", audience), "federated-credentials 700213"),
        (
            "audience",
            federated(Broker, "https://oidc.test", "x", "api://other"),
            "federated-credentials 700212",
        ),
    ] {
        expect(name, world, &[expected]).await;
    }
    let claims = json!({ "iss": "https://oidc.test", "sub": "x'; touch pwned; '", "aud": audience });
    let token = format!("{}.{}.c2ln", part(&json!({ "alg": "RS256", "kid": "x" })), part(&claims));
    std::fs::write(&file, token).unwrap();
    let report = examined(federated(Broker, "https://oidc.test", "y", audience)).await;
    let pasted = command(&report, "federated-credentials");
    assert!(pasted.contains(r"x'\''; touch pwned; '\''"), "{pasted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_graph_does_not_show_is_not_checked_and_never_fine() {
    let world =
        World::new(Relay).set("ENTRAGATE_RULES", RULES).graph(fixtures::READER, fixtures::READER_SECRET);
    let report = examined(world).await;
    assert!(!report.is_wrong(), "{}", all(&report));
    let consent = report.examined.iter().find(|examined| examined.check.name == "consent").unwrap();
    assert!(
        matches!(&consent.outcome, Outcome::NotChecked(reason) if reason.contains("needs the Graph permission")),
        "{:?}",
        consent.outcome
    );
    let world = World::new(Relay).graph(fixtures::READER, "wrong-secret-of-the-reader");
    let report = examined(world).await;
    assert_eq!(wrong(&report), ["graph"], "{}", all(&report));
    assert!(!all(&report).contains("wrong-secret-of-the-reader"));
}

/// What is told about something, by check.
fn told<'a>(report: &'a Report, check: &str) -> Vec<&'a str> {
    report
        .findings
        .iter()
        .filter(|finding| finding.check == check)
        .map(|finding| finding.what.as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_worth_knowing_is_told_and_is_nothing_wrong() {
    let started = world(Relay).start().await;
    started.entra.control().set(|settings| settings.restrict_user_consent = true);
    let report = started.examine().await;
    assert!(!report.is_wrong(), "{}", all(&report));
    assert_eq!(told(&report, "user-consent").len(), 1, "{}", all(&report));
    assert_eq!(told(&report, "role-assignments"), ["1 of the assignments are of groups"]);
    assert_eq!(told(&report, "direct-clients").len(), 1);
    let by_domain = examined(world(Relay).set("AZURE_TENANT_ID", "contoso.onmicrosoft.com")).await;
    assert!(!by_domain.is_wrong(), "{}", all(&by_domain));
    let told_tenant = told(&by_domain, "tenant");
    assert!(told_tenant[0].ends_with(fixtures::TENANT), "{told_tenant:?}");
    let flows = examined(client(|app| app.fallback_public_client = false)).await;
    assert!(!flows.is_wrong() && told(&flows, "public-client-flows").len() == 1, "{}", all(&flows));
    let flows = examined(api(Broker, |app| app.fallback_public_client = true)).await;
    assert!(!flows.is_wrong() && told(&flows, "public-client-flows").len() == 1, "{}", all(&flows));
}
