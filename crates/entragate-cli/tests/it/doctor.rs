//! A healthy deployment has nothing wrong, in both modes, and its report reads well.

use entragate_cli::doctor::{Outcome, Severity, Step, Verdict, as_json, as_text};
use entragate_emulator::fixtures;

use crate::doctor_fixture::{Mode, World, all, wrong};

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_deployment_has_nothing_wrong_in_both_modes() {
    for mode in [Mode::Relay, Mode::Broker] {
        let world = World::new(mode).start().await;
        let report = world.examine().await;
        assert!(!report.is_wrong(), "{mode:?}\n{}", all(&report));
        for examined in &report.examined {
            let is_fine = !matches!(examined.outcome, Outcome::NotChecked(_));
            let needs_graph = matches!(&examined.outcome, Outcome::NotChecked(why) if why.starts_with("needs Graph: --graph"));
            let of_relay = mode == Mode::Relay && examined.check.name == "token-version";
            assert!(
                is_fine || needs_graph || of_relay,
                "{mode:?} {}: {:?}",
                examined.check.name,
                examined.outcome
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_of_a_healthy_deployment_reads_well() {
    for (mode, name) in [(Mode::Relay, "relay"), (Mode::Broker, "broker")] {
        let world = World::new(mode).start().await;
        let report = world.examine().await;
        let entra = world.entra.url().to_owned();
        // Codex' callback depends on the URL, and so on the port.
        let stable = |text: String| {
            let text = text.replace(&world.base, "[gateway]").replace(&entra, "[entra]");
            match text.find("127.0.0.1/callback/") {
                Some(at) => text.replace(&text[at..at + 31], "127.0.0.1/callback/[id]"),
                None => text,
            }
        };
        let plain = anstream_free(&stable(as_text(&report)));
        insta::assert_snapshot!(format!("doctor_{name}"), plain);
        insta::assert_snapshot!(format!("doctor_{name}_json"), stable(as_json(&report)));
    }
}

/// Without the colours, which whoever prints takes out where they are not wanted.
fn anstream_free(text: &str) -> String {
    let mut plain = String::new();
    let mut parts = text.split('\u{1b}');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        plain.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    plain
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_mode_stops_gemini_cli_at_iss_and_unregistered_callbacks_at_entra() {
    let world = World::new(Mode::Relay).start().await;
    let report = world.examine().await;
    let of = |client: &str, step: Step| {
        let experience =
            report.clients.iter().find(|experience| experience.client.name == client).expect("a client");
        experience
            .steps
            .iter()
            .find(|(at, _)| *at == step)
            .map(|(_, verdict)| verdict.clone())
            .expect("a step")
    };
    assert!(matches!(of("gemini-cli", Step::Iss), Verdict::Fails(_)));
    // Its callback has a last segment of its own where no iss is promised.
    assert!(
        matches!(of("codex", Step::RedirectAtEntra), Verdict::Fails(reason) if reason.contains("127.0.0.1/callback/"))
    );
    assert_eq!(of("claude-code", Step::RedirectAtEntra), Verdict::Works);
    assert_eq!(of("claude-code", Step::Iss), Verdict::Works);
    // A scheme that any program can claim needs a consent page before it, but one of Cursor's callbacks is enough.
    assert_eq!(of("cursor", Step::RedirectHere), Verdict::Works);
    assert!(
        matches!(of("claude", Step::Discovery), Verdict::Fails(reason) if reason.contains("this machine"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn broker_mode_serves_every_client_that_can_reach_it() {
    let world = World::new(Mode::Broker).start().await;
    let report = world.examine().await;
    for experience in &report.clients {
        for (step, verdict) in &experience.steps {
            let is_far = matches!(verdict, Verdict::Fails(reason) if reason.contains("this machine"));
            let works = !matches!(verdict, Verdict::Fails(_)) || is_far;
            assert!(works, "{} {step:?}: {verdict:?}", experience.client.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_a_client_that_people_use_is_an_error() {
    let world = World::new(Mode::Relay).clients("claude-code,gemini-cli").start().await;
    let report = world.examine().await;
    assert_eq!(wrong(&report), ["clients"], "{}", all(&report));
    assert_eq!(report.count(Severity::Error), 1);
    assert_eq!(report.clients.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_any_output() {
    let world = World::new(Mode::Broker).set("AZURE_CLIENT_SECRET", "s3cret-that-is-wrong").start().await;
    let report = world.examine().await;
    for text in [as_text(&report), as_json(&report)] {
        assert!(!text.contains("s3cret-that-is-wrong"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_check_found_is_why_clients_fail() {
    let unregistered = World::new(Mode::Broker).directory(|directory| {
        let api = directory.apps.iter_mut().find(|app| app.id == fixtures::API).expect("the API app");
        api.web_redirect_uris = vec!["https://elsewhere.test/callback".to_owned()];
    });
    let secret = World::new(Mode::Broker).set("AZURE_CLIENT_SECRET", "something-else-entirely");
    let upstream = World::new(Mode::Relay).set("ENTRAGATE_UPSTREAM", "http://127.0.0.1:9/mcp");
    let acting = World::new(Mode::Relay)
        .set("ENTRAGATE_UPSTREAM_IDENTITY", "on-behalf-of")
        .set("ENTRAGATE_UPSTREAM_ON_BEHALF_OF_SCOPES", "https://graph.microsoft.com/User.Read")
        .set("AZURE_CLIENT_SECRET", "something-else-entirely");
    for (world, step, word) in [
        (unregistered, Step::Token, "AADSTS50011"),
        (secret, Step::Refresh, "AADSTS7000215"),
        (upstream, Step::Tools, "cannot be reached"),
        (acting, Step::Tools, "AADSTS7000215"),
    ] {
        let report = world.start().await.examine().await;
        for experience in &report.clients {
            let verdict = experience.steps.iter().find(|(at, _)| *at == step).map(|(_, verdict)| verdict);
            let named = matches!(verdict, Some(Verdict::Fails(reason)) if reason.contains(word));
            assert!(named, "{} {step:?}: {verdict:?}", experience.client.name);
        }
    }
}
