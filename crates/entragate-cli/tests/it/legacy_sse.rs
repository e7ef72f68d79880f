//! Servers of the HTTP+SSE transport (2024-11-05) behind a gateway that people sign in to (TR-15).

use entragate_emulator::fixtures;

use crate::legacy_fixture::{Legacy, opened, token, two};
use crate::routes_fixture::{Gateway, PING};
use crate::upstream_failures::Log;

#[tokio::test]
async fn tr_15_two_servers_with_the_same_paths_are_each_reached_by_their_own() {
    let (gateway, a, b) = two("legacy_two").await;
    let alice = token(&gateway, "alice");
    for (at, server) in [("a", &a), ("b", &b)] {
        let (_stream, path) = opened(&gateway, &format!("/{at}/sse"), &alice).await;
        assert!(path.starts_with(&format!("/{at}/messages?session_id=0&entragate_seal=")), "{path}");
        assert_eq!(gateway.send(("POST", &path), &alice, &[], PING).await.status, 202);
        // The server sees its own URL again.
        assert_eq!(server.posted(), ["POST /messages?session_id=0"]);
    }
}

#[tokio::test]
async fn tr_15_url_of_the_gateway_that_a_server_names_leads_there_with_a_seal() {
    for kind in ["forwarded", "told"] {
        let server = Legacy::start().await;
        let toml = format!(
            "[[routes]]\nurl = \"http://{}/{kind}/sse\"\npath = \"/a/sse\"\nalso = [\"/a/messages=/messages\"]\n",
            server.address
        );
        let gateway = Gateway::start(&format!("legacy_{kind}"), &toml).await;
        let (alice, bob) = (token(&gateway, "alice"), token(&gateway, "bob"));
        let (_stream, path) = opened(&gateway, "/a/sse", &alice).await;
        assert!(path.starts_with("/a/messages?session_id=0&entragate_seal="), "{path}");
        assert_eq!(gateway.send(("POST", &path), &bob, &[], PING).await.status, 404);
        assert_eq!(gateway.send(("POST", &path), &alice, &[], PING).await.status, 202);
        assert_eq!(server.posted(), ["POST /messages?session_id=0"]);
    }
}

#[tokio::test]
async fn s_22_a_refused_use_of_a_legacy_session_is_logged_as_one_of_mcp_session_id_is() {
    let (gateway, a, _b) = two("legacy_log").await;
    let (alice, bob) = (token(&gateway, "alice"), token(&gateway, "bob"));
    let (_stream, path) = opened(&gateway, "/a/sse", &alice).await;
    let (log, _guard) = Log::capture();
    let foreign = [("mcp-session-id", "1868a90c.x-7")];
    for (path, headers) in [(path.as_str(), &[][..]), ("/a/messages?session_id=0", &[]), ("/a/sse", &foreign)]
    {
        assert_eq!(gateway.send(("POST", path), &bob, headers, PING).await.status, 404);
        let text = log.text();
        let denied: Vec<&str> = text.lines().filter(|line| line.contains("leg=\"denied\"")).collect();
        let [line] = denied.as_slice() else { panic!("{path}: {text}") };
        for part in ["missing=\"session\"", fixtures::MCP, fixtures::TENANT, fixtures::user_oid("bob")] {
            assert!(line.contains(part), "{path}: {line}");
        }
        assert!(!text.contains("session_id="), "{text}");
    }
    assert_eq!(gateway.send(("POST", &path), &alice, &[], PING).await.status, 202);
    assert!(!log.text().contains("denied"));
    assert_eq!(a.posted().len(), 1);
}

#[tokio::test]
async fn s_22_a_legacy_session_takes_messages_of_who_opened_it_only() {
    let (gateway, a, b) = two("legacy_sessions").await;
    let (alice, bob) = (token(&gateway, "alice"), token(&gateway, "bob"));
    let (_hers, path) = opened(&gateway, "/a/sse", &alice).await;
    let (_his, his) = opened(&gateway, "/a/sse", &bob).await;
    let seal_of_his = his.rsplit_once('=').unwrap().1;
    let refused = [
        (&bob, path.clone()),
        (&bob, "/a/messages?session_id=0".to_owned()),
        (&bob, format!("/a/messages?session_id=0&entragate_seal={seal_of_his}")),
        (&bob, format!("/a/messages?session_id=0&session_id=1&entragate_seal={seal_of_his}")),
        (&bob, format!("/a/messages/?session_id=1&entragate_seal={seal_of_his}")),
        (&alice, "/a/messages?session_id=0".to_owned()),
        (&alice, "/a/messages?session_id=0&entragate_seal=".to_owned()),
        (&alice, path.replace("/a/", "/b/")),
        (&alice, format!("{path}&session_id=1")),
        (&alice, path.replace("session_id=0", "session_id=1")),
    ];
    for (who, path) in &refused {
        for method in ["POST", "GET", "DELETE"] {
            let answer = gateway.send((method, path), who, &[], PING).await;
            assert_eq!(answer.status, 404, "{method} {path}");
        }
        let answer = gateway.send(("POST", path), who, &[], PING).await;
        assert_eq!(
            (&answer.body["id"], &answer.body["error"]["code"]),
            (&1.into(), &(-31404).into()),
            "{path}"
        );
    }
    assert_eq!((a.posted(), b.posted()), (vec![], vec![]), "nothing reached a server");
    assert_eq!(gateway.send(("POST", &path), &alice, &[], PING).await.status, 202);
    assert_eq!(gateway.send(("POST", &his), &bob, &[], PING).await.status, 202);
    assert_eq!(a.posted(), ["POST /messages?session_id=0", "POST /messages?session_id=1"]);
}
