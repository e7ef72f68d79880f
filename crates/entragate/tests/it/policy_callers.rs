//! Rules for certain callers, on the wire: users or programs, which of them, of which tenant, through which client.

use entragate::{ClientId, Guid, Rule};
use entragate_emulator::{MintRequest, fixtures};
use serde_json::{Value, json};

use crate::broker::world::BrokerWorld;
use crate::layer_server::{Requests, recording};
use crate::world::{Reply, World};

fn guid(text: &str) -> Guid {
    Guid::parse(text).unwrap()
}

fn user(name: &str) -> Guid {
    guid(fixtures::user_oid(name))
}

fn app(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}

async fn world(rules: Vec<Rule>) -> (World, Requests) {
    let (mcp, requests) = recording();
    (World::builder().mcp(mcp).gate(move |builder| builder.rules(rules)).start().await, requests)
}

/// A token of a user (or of a program, without one) for a client.
fn token(world: &World, user: Option<&str>, client: &str) -> String {
    world.control().mint(&MintRequest {
        user: user.map(str::to_owned),
        client: Some(client.to_owned()),
        ..MintRequest::default()
    })
}

async fn call(world: &World, token: &str, name: &str) -> Reply {
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": name } });
    Reply::read(world.post(Some(token), &call).await).await
}

/// The tool error, of which no client makes a new sign-in.
#[track_caller]
fn refusal(reply: &Reply) -> String {
    assert_eq!((reply.status, reply.header("www-authenticate")), (200, ""), "{reply:?}");
    let answer: Value = serde_json::from_str(&reply.text).unwrap();
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    answer["result"]["content"][0]["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_rule_for_certain_callers_refuses_all_others_and_says_what_they_lack() {
    let rules = vec![
        Rule::tools(["alices"]).users([user("alice")]),
        Rule::tools(["daemons"]).apps([app(fixtures::DMN)]),
        Rule::tools(["people"]).any_user(),
        Rule::tools(["programs"]).any_app(),
        Rule::tools(["either"]).users([user("bob")]).any_app(),
        Rule::tools(["other_daemons"]).apps([app(fixtures::WEB)]),
        Rule::tools(["here"]).tenants([guid(fixtures::TENANT)]),
        Rule::tools(["elsewhere"]).tenants([guid(fixtures::TENANT2)]),
        Rule::tools(["inspector"]).clients([fixtures::MCP.to_uppercase()]),
        Rule::tools(["editor"]).clients(["my-editor"]),
    ];
    let (world, mut requests) = world(rules).await;
    let alice = token(&world, Some("alice"), "MCP");
    let bob = token(&world, Some("bob"), "WEB");
    let daemon = token(&world, None, "DMN");
    let others = "is for certain users, and you are not among them";
    let (people, programs) = ("needs a signed-in user", "is for programs in their own name");
    for (who, tool, refused) in [
        (&alice, "alices", None),
        (&bob, "alices", Some(others)),
        (&daemon, "alices", Some(people)),
        (&daemon, "daemons", None),
        (&alice, "daemons", Some(programs)),
        (&daemon, "other_daemons", Some("is for certain programs, and this one is not among them")),
        (&alice, "people", None),
        (&daemon, "people", Some(people)),
        (&daemon, "programs", None),
        (&bob, "programs", Some(programs)),
        (&bob, "either", None),
        (&daemon, "either", None),
        (&alice, "either", Some(others)),
        (&alice, "here", None),
        (&daemon, "here", None),
        (&alice, "elsewhere", Some("is for the tenant `22222222-2222-2222-2222-222222222222`")),
        (&alice, "inspector", None),
        (&bob, "inspector", Some("only with the client `C0000000-0000-4000-8000-000000000003`")),
        (&alice, "editor", Some("only with the client `my-editor`, and you use another")),
    ] {
        let reply = call(&world, who, tool).await;
        assert_eq!(requests.seen().len(), usize::from(refused.is_none()), "{tool}: {reply:?}");
        if let Some(why) = refused {
            let text = refusal(&reply);
            assert!(text.contains(why) && text.contains(&format!("`{tool}`")), "{tool}: {text}");
        }
    }
}

#[tokio::test]
async fn a_caller_whom_the_rule_is_not_for_is_never_sent_to_sign_in() {
    let (world, mut requests) =
        world(vec![Rule::tools(["x"]).users([user("alice")]).scopes(["admin"])]).await;
    let bob = token(&world, Some("bob"), "MCP");
    assert!(refusal(&call(&world, &bob, "x").await).contains("certain users"));
    // Alice may, once she has the scope.
    let alice = token(&world, Some("alice"), "MCP");
    let reply = call(&world, &alice, "x").await;
    assert_eq!(reply.status, 403);
    assert!(reply.header("www-authenticate").contains("insufficient_scope"), "{reply:?}");
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn in_broker_mode_a_client_has_the_id_that_it_has_here() {
    let rules = [
        Rule::tools(["editor"]).clients(["my-editor"]).users([user("bob")]),
        Rule::tools(["bobs"]).users([user("bob")]),
    ];
    let world = BrokerWorld::builder().gate(|builder| builder.rules(rules)).start().await;
    let bob = world.sign_in("bob").await;
    let (status, answer) = world.call(&bob.access, "editor").await;
    assert_eq!(status, 200);
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("only with the client `my-editor`"), "{text}");
    let (_, answer) = world.call(&bob.access, "bobs").await;
    assert_eq!(answer["result"]["isError"], false, "{answer}");
}
