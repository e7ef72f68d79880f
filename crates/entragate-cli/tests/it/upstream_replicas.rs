//! Several replicas of one MCP server: sessions stay where they were opened, everything else goes round.

use std::collections::BTreeSet;

use serde_json::json;

use crate::routes_fixture::{Gateway, INITIALIZE, PING, Site};
use crate::upstream_fixture::Backend;

fn toml(urls: &[String]) -> String {
    let others: Vec<String> = urls[1..].iter().map(|url| format!("{url:?}")).collect();
    format!("[upstream]\nurl = {:?}\npath = \"/mcp\"\nreplicas = [{}]\n", urls[0], others.join(", "))
}

async fn three() -> [Site; 3] {
    [Site::start("one").await, Site::start("two").await, Site::start("three").await]
}

fn urls(sites: &[Site]) -> Vec<String> {
    sites.iter().map(Site::url).collect()
}

const MODERN: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;

#[tokio::test]
async fn tr_12_a_session_stays_with_the_replica_that_opened_it() {
    let sites = three().await;
    let gateway = Gateway::start("replicas_sessions", &toml(&urls(&sites))).await;
    let token = gateway.token("API");
    let mut opened = BTreeSet::new();
    for _ in 0..6 {
        let first = gateway.post("/mcp", &token, INITIALIZE).await;
        let session = first.session.clone().expect("a session");
        for method in ["POST", "GET", "POST", "DELETE", "POST"] {
            let headers = [("mcp-session-id", session.as_str())];
            let next = gateway.send((method, "/mcp"), &token, &headers, PING).await;
            assert_eq!((next.status, &next.site), (200, &first.site), "{method} {next:?}");
            let own = next.saw.expect("the server sees its own session id");
            assert!(own.starts_with(&format!("{}.", first.site)) && !own.contains('~'), "{own}");
        }
        opened.insert(first.site);
    }
    assert_eq!(opened.len(), 3, "new sessions go round");
}

#[tokio::test]
async fn tr_12_another_gateway_with_the_same_key_finds_the_replica_whatever_their_order() {
    let sites = three().await;
    let here = Gateway::start("replicas_here", &toml(&urls(&sites))).await;
    let mut turned = urls(&sites);
    turned.rotate_left(1);
    let there = Gateway::start("replicas_there", &toml(&turned)).await;
    for _ in 0..3 {
        let first = here.post("/mcp", &here.token("API"), INITIALIZE).await;
        let session = first.session.expect("a session");
        let headers = [("mcp-session-id", session.as_str())];
        // Each has an emulated Entra of its own; the person is the same.
        let next = there.send(("POST", "/mcp"), &there.token("API"), &headers, PING).await;
        assert_eq!((next.status, next.site), (200, first.site));
    }
}

#[tokio::test]
async fn tr_12_a_session_whose_replica_is_gone_is_404_and_a_new_one_opens_elsewhere() {
    let [one, two, three] = three().await;
    let gateway = Gateway::start("replicas_gone", &toml(&[one.url(), two.url(), three.url()])).await;
    let token = gateway.token("API");
    let first = gateway.post("/mcp", &token, INITIALIZE).await;
    assert_eq!(first.site, "one");
    one.stop().await;
    let session = first.session.expect("a session");
    let headers = [("mcp-session-id", session.as_str())];
    let before = (two.seen(), three.seen());
    let gone = gateway.send(("POST", "/mcp"), &token, &headers, PING).await;
    assert_eq!((gone.status, gone.site.as_str()), (404, ""), "{gone:?}");
    assert_eq!((&gone.body["id"], &gone.body["error"]["code"]), (&json!(1), &json!(-31404)));
    assert_eq!((two.seen(), three.seen()), before, "nobody else is asked about a session of another");
    for _ in 0..4 {
        let again = gateway.post("/mcp", &token, INITIALIZE).await;
        assert_eq!(again.status, 200);
        assert!(again.session.is_some() && again.site != "one", "{again:?}");
    }
}

#[tokio::test]
async fn tr_12_a_replica_that_is_taken_off_the_list_takes_its_sessions_along() {
    let sites = three().await;
    let before = Gateway::start("replicas_before", &toml(&urls(&sites))).await;
    let after = Gateway::start("replicas_after", &toml(&urls(&sites[1..]))).await;
    let first = before.post("/mcp", &before.token("API"), INITIALIZE).await;
    assert_eq!(first.site, "one");
    let session = first.session.expect("a session");
    let headers = [("mcp-session-id", session.as_str())];
    assert_eq!(after.send(("POST", "/mcp"), &after.token("API"), &headers, PING).await.status, 404);
}

#[tokio::test]
async fn tr_13_requests_of_the_new_revision_go_round_whatever_session_they_name() {
    let sites = three().await;
    let gateway = Gateway::start("replicas_modern", &toml(&urls(&sites))).await;
    let token = gateway.token("API");
    let mut answered = BTreeSet::new();
    for _ in 0..6 {
        let headers = [
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "ping"),
            ("mcp-session-id", "AAAAAAAA~one.1"),
        ];
        let answer = gateway.send(("POST", "/mcp"), &token, &headers, MODERN).await;
        assert_eq!((answer.status, answer.saw), (200, None));
        answered.insert(answer.site);
    }
    assert_eq!(answered.len(), 3);
}

#[tokio::test]
async fn tr_08_where_no_connection_opens_the_next_replica_is_asked_once() {
    let [one, two, three] = three().await;
    let gateway = Gateway::start("replicas_dead", &toml(&[one.url(), two.url(), three.url()])).await;
    let token = gateway.token("API");
    two.stop().await;
    for _ in 0..9 {
        let answer = gateway.post("/mcp", &token, PING).await;
        assert_eq!((answer.status, &answer.body["id"]), (200, &json!(1)));
    }
    assert_eq!(one.seen() + three.seen(), 9, "each request reached one replica");
    assert_eq!(gateway.get(gateway.admin, "/readyz").await.0, 200, "two are enough");
    one.stop().await;
    three.stop().await;
    let none = gateway.post("/mcp", &token, PING).await;
    assert_eq!((none.status, &none.body["error"]["code"]), (502, &json!(-31502)));
    assert_eq!(gateway.get(gateway.admin, "/readyz").await.0, 503);
}

#[tokio::test]
async fn tr_08_a_request_that_was_written_is_never_sent_to_another_replica() {
    let (first, second) = (Backend::start().await, Site::start("second").await);
    let urls = [format!("http://{}/mcp", first.address), second.url()];
    let gateway = Gateway::start("replicas_written", &toml(&urls)).await;
    let token = gateway.token("API");
    let broken = async {
        let (wire, message) = first.request().await;
        assert!(message.text().contains("ping"));
        drop(wire);
    };
    let (answer, ()) = tokio::join!(gateway.post("/mcp", &token, PING), broken);
    assert_eq!((answer.status, &answer.body["error"]["code"]), (502, &json!(-31502)));
    assert_eq!(second.seen(), 0);
}

#[tokio::test]
async fn s_22_nobody_chooses_a_replica_or_takes_a_session_of_another_person() {
    let sites = three().await;
    let gateway = Gateway::start("replicas_forged", &toml(&urls(&sites))).await;
    let session = gateway.post("/mcp", &gateway.token("API"), INITIALIZE).await.session.expect("a session");
    let bob = entragate_emulator::MintRequest {
        user: Some("bob".into()),
        client: Some("MCP".into()),
        ..entragate_emulator::MintRequest::default()
    };
    let bob = gateway.entra.control().mint(&bob);
    let unsealed = session.rsplit_once('.').expect("a seal").0;
    for id in [session.as_str(), unsealed, "AAAAAAAA~one.0"] {
        let answer = gateway.send(("POST", "/mcp"), &bob, &[("mcp-session-id", id)], PING).await;
        assert_eq!((answer.status, answer.site.as_str()), (404, ""), "{id}");
    }
    assert_eq!(sites.iter().map(Site::seen).sum::<usize>(), 1);
}
