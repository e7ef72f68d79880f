//! Rules about resources hold however the URI is spelt, and for every method that makes use of one.

use entragate::{Caller, Rule};
use entragate_emulator::MintRequest;
use serde_json::{Value, json};

use crate::layer_server::{Requests, recording};
use crate::world::{Reply, World};

async fn world(rules: Vec<Rule>) -> (World, Requests) {
    let (mcp, requests) = recording();
    (World::builder().mcp(mcp).gate(|builder| builder.rules(rules)).start().await, requests)
}

async fn ask(world: &World, method: &str, params: Value) -> Reply {
    let token = world.control().mint(&MintRequest { user: Some("bob".into()), ..MintRequest::default() });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    Reply::read(world.post(Some(&token), &message).await).await
}

/// The URI reaches the MCP server or the caller reads why it does not.
async fn reaches(world: &World, requests: &mut Requests, uri: &str) -> bool {
    let mut outcomes = Vec::new();
    for method in ["resources/read", "resources/subscribe", "resources/unsubscribe"] {
        let reply = ask(world, method, json!({ "uri": uri })).await;
        let answer: Value = serde_json::from_str(&reply.text).unwrap();
        let went_on = !requests.seen().is_empty();
        assert_eq!(went_on, answer["error"].is_null(), "{method} {uri:?}: {reply:?}");
        outcomes.push(went_on);
        let body =
            json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": { "uri": uri } }).to_string();
        let resource = &world.gate.resources()[0];
        let rehearsal = world.gate.rehearse(resource, &Caller::user(), body.as_bytes());
        assert_eq!(rehearsal.decision == entragate::Decision::Allowed, went_on, "{uri:?}: {rehearsal:?}");
    }
    assert!(outcomes.iter().all(|one| *one == outcomes[0]), "{uri:?}: {outcomes:?}");
    outcomes[0]
}

/// What the parsers of the official SDKs, and of servers that decode or split a URI by hand, read as `file:///secret/keys`.
const SECRET: [&str; 31] = [
    "file:///secret/keys",
    "file:///public/../secret/keys",
    "file:///public/.\t./secret/keys",
    "file:///public/\n../secret/keys",
    "file:///public/.\r./secret/keys",
    "fi\tle:///secret/keys",
    " file:///secret/keys",
    "file:///secret/keys ",
    "\u{1}file:///secret/keys",
    "FILE:///secret/keys",
    "File:///secret/keys",
    "file://localhost/secret/keys",
    "file://LOCALHOST/secret/keys",
    "file:/secret/keys",
    "file:secret/keys",
    "file:\\\\\\secret\\keys",
    "file:///public\\..\\secret\\keys",
    "file:///%73ecret/keys",
    "file:///%73%65cret/%6beys",
    "file:///%2573ecret/keys",
    "file:///secret%2Fkeys",
    "file:///secret%5ckeys",
    "file:///public/%2e%2e/secret/keys",
    "file:///public/%252e%252e/secret/keys",
    "file:////secret/keys",
    "file:///%2Fsecret/keys",
    "file://elsewhere/secret/keys",
    "file:///SECRET/keys",
    "file:////secret/",
    "file:///%73ecret/%ff",
    "FILE:///%73ecret/keys#public",
];

#[tokio::test]
async fn a_guard_before_a_star_guards_in_every_spelling() {
    let rules = vec![Rule::resources(["file:///secret/*"]).roles(["Nobody"]), Rule::resources(["*"])];
    let (world, mut requests) = world(rules).await;
    for uri in SECRET {
        assert!(!reaches(&world, &mut requests, uri).await, "{uri:?}");
    }
    for uri in [
        "file:///public/a",
        "file:///public/a%20b",
        "notes://x/secret/keys",
        "https://a.test/?q=%2Fx",
        "plain",
    ] {
        assert!(reaches(&world, &mut requests, uri).await, "{uri:?}");
    }
    // A guard for one file, with what a reader of paths drops.
    let rules = vec![Rule::resources(["file:///secret"]).roles(["Nobody"]), Rule::resources(["*"])];
    let (world, mut requests) = self::world(rules).await;
    for uri in
        ["file:///secret", "file:///secret#x", "file:///secret?x", "file:///secret/", "file:///%73ecret?#"]
    {
        assert!(!reaches(&world, &mut requests, uri).await, "{uri:?}");
    }
    assert!(reaches(&world, &mut requests, "file:///secrets").await);
}

#[tokio::test]
async fn a_guard_need_not_be_written_in_normal_form() {
    for guard in [
        "FILE://localhost/my%20secret/*",
        "file:/my secret/*",
        "file:///%6dy secret/*",
        "file:///My%20Secret/*",
    ] {
        let rules = vec![Rule::resources([guard]).roles(["Nobody"]), Rule::resources(["*"])];
        let (world, mut requests) = world(rules).await;
        for uri in [
            "file:///my%20secret/x",
            "FILE:///my%20secret/x",
            "file:///m%79%20secret/x",
            "file:///my secret/x",
        ] {
            assert!(!reaches(&world, &mut requests, uri).await, "{guard} {uri:?}");
        }
        assert!(reaches(&world, &mut requests, "file:///my%20public/x").await, "{guard}");
    }
    let rules = vec![Rule::resources(["notes://Admin/*"]).roles(["Nobody"]), Rule::resources(["*"])];
    let (world, mut requests) = world(rules).await;
    for uri in ["notes://Admin/x", "notes://admin/x", "NOTES://ADMIN/x", "notes://user@admin/x"] {
        assert!(!reaches(&world, &mut requests, uri).await, "{uri:?}");
    }
}

#[tokio::test]
async fn a_guard_with_a_star_before_the_path_guards_in_every_spelling() {
    for (guard, uris) in [
        (
            "https://example.com*",
            &["https://example.com/a", "https://u@example.com/a", "HTTPS://EXAMPLE.com"][..],
        ),
        ("https://*secret*", &["https://h/secret/x", "https://h/SECRET/x", "https://h/%2573ecret/x"]),
        ("file://*secret*", &["file:///secret", "file:///a/SECRET/x", "file:///a/%2573ecret/x"]),
        ("*/secret/*", &["notes://secret/x", "notes://SECRET/x", "notes://u@Secret/x"]),
        ("*//hidden/*", &["notes://hidden/x", "notes://HIDDEN/x", "notes://%48idden/x"]),
    ] {
        let rules = vec![Rule::resources([guard]).roles(["Nobody"]), Rule::resources(["*"])];
        let (world, mut requests) = world(rules).await;
        for uri in uris {
            assert!(!reaches(&world, &mut requests, uri).await, "{guard} {uri:?}");
        }
        for uri in ["https://example.org/a", "file:///public/a", "notes://public/x"] {
            assert!(reaches(&world, &mut requests, uri).await, "{guard} {uri:?}");
        }
    }
}

/// Python's `urlparse(unquote(uri)).path` is `/guard/x`, `/etc/secret`, or `/public/../guard/x`.
const DECODED_FIRST: [&str; 12] = [
    "file:///gu%09ard/x",
    "file:///gu%250Aard/x",
    "file:///guard%00/x",
    "file:///etc/secret%23x",
    "file:///etc/secret%3fx",
    "file:///etc/secret%253Fx%2523y",
    "file:///etc/secret%20",
    "file:///public/.%09./guard/x",
    "file:///public/.%0a./etc/passwd",
    "file:///public/.%250D./etc/passwd",
    "file:///public/%C2%85/x",
    "file:///public/%25252525252525252E%2E/x",
];

#[tokio::test]
async fn what_is_encoded_hides_no_guard_and_no_dot_segment_from_a_server_that_decodes_first() {
    let guarded = vec![
        Rule::resources(["file:///guard/*", "file:///etc/secret", "notes://salaries"]).roles(["Nobody"]),
        Rule::resources(["*"]),
    ];
    let (world, mut requests) = world(guarded).await;
    for uri in DECODED_FIRST {
        assert!(!reaches(&world, &mut requests, uri).await, "{uri:?}");
    }
    for uri in ["notes://salaries?x", "notes://salaries%3Fx", "notes://salaries/%23", "notes://salaries#x"] {
        assert!(!reaches(&world, &mut requests, uri).await, "{uri:?}");
    }
    for uri in ["file:///etc/public%23x", "file:///a%3Fb", "notes://all?of=salaries"] {
        assert!(reaches(&world, &mut requests, uri).await, "{uri:?}");
    }
    let (world, mut requests) = self::world(vec![Rule::resources(["file:///public/*"])]).await;
    for uri in DECODED_FIRST {
        assert!(!reaches(&world, &mut requests, uri).await, "{uri:?}");
    }
    assert!(reaches(&world, &mut requests, "file:///public/a%23b%3Fc").await);
}

#[tokio::test]
async fn what_is_allowed_stays_within_its_pattern_and_may_be_encoded() {
    let allowed =
        ["file:///public/*", "https://EXAMPLE.com", "file:///ö/*", "file:///my docs/*", "notes://Team/{id}"];
    let (world, mut requests) = world(vec![Rule::resources(allowed)]).await;
    for uri in SECRET {
        assert!(!reaches(&world, &mut requests, uri).await, "{uri:?}");
    }
    for uri in [
        "file:///public/a",
        "file:///public/a%2Fb",
        "file:///public/a%20b?x=1#y",
        "https://EXAMPLE.com",
        "https://example.com/",
        "file:///ö/x",
        "file:///%C3%B6/x",
        "file:///my%20docs/x",
        "notes://Team/{id}",
    ] {
        assert!(reaches(&world, &mut requests, uri).await, "{uri:?}");
    }
    for uri in [
        "FILE:///public/a",
        "https://example.com.evil.test/",
        "https://example.com@evil.test/",
        "notes://team/{id}",
    ] {
        assert!(!reaches(&world, &mut requests, uri).await, "{uri:?}");
    }
}

/// In each some reader of URIs finds the host `prod`; Python's `urlparse(uri).hostname` in most.
const PROD: [&str; 38] = [
    "db://prod/x",
    "db://PROD/x",
    "db://prod:1/x",
    "db://prod:x/x",
    "db://prod:80:90/x",
    "db://prod:+1/x",
    "db://prod:80./x",
    "db://prod.:x/x",
    "db://prod%20:x/x",
    "db://prod:/x",
    "db://a@prod/x",
    "db://a@prod:x/x",
    "db://a:b@prod:x/x",
    "db://a@prod:x@y/x",
    "db://a@prod@y/x",
    "db://prod@/x",
    "db://prod:y@z/x",
    "db://z@y@prod/x",
    "db://@prod/x",
    "db://[prod]/x",
    "db://[prod]:1/x",
    "db://[prod/x",
    "db://y[prod]z/x",
    "db://prod]/x",
    "db://y,prod/x",
    "db://y:1,prod:2/x",
    "db://prod;v=1/x",
    "db://y?@prod/x",
    "db://y#@prod/x",
    "db://:1/prod/x",
    "db://pr%6Fd:x/x",
    "db://prod%3Ax/x",
    "db://a%40prod/x",
    "db://x%40prod%3A%2540y/x",
    "db://y%252F%40prod/x",
    "db://prod%2Fx",
    "db://prod%5Cx/y",
    "db:%5c%5cprod/x",
];

#[tokio::test]
async fn a_guard_of_a_host_guards_whatever_stands_around_it() {
    let rules =
        vec![Rule::resources(["db://prod/*", "https://prod/*"]).roles(["Nobody"]), Rule::resources(["*"])];
    let (world, mut requests) = world(rules).await;
    for uri in PROD {
        assert!(!reaches(&world, &mut requests, uri).await, "{uri:?}");
    }
    for uri in ["https:prod/x", "https:%5cprod/x", "https://a%5c@prod/x", "https://prod%5c@evil/x"] {
        assert!(!reaches(&world, &mut requests, uri).await, "{uri:?}");
    }
    for uri in [
        "db://test/x",
        "db://test:1/x",
        "db://test:prod/x",
        "db://produce/x",
        "db://a:b@test:1/prod",
        "db://prod.test/x",
        "db://test/a@prod",
        "db://test?of=prod",
        "db://[::1]:80/x",
        "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3",
        "arn:aws:s3:::prod/x",
        "mongodb://a:1,b:2/test",
    ] {
        assert!(reaches(&world, &mut requests, uri).await, "{uri:?}");
    }
}

#[tokio::test]
async fn a_guard_of_a_path_guards_it_however_many_slashes_and_whatever_colons_there_are() {
    for guard in ["file:///guard/*", "/guard/*"] {
        let rules = vec![Rule::resources([guard]).roles(["Nobody"]), Rule::resources(["*"])];
        let (world, mut requests) = world(rules).await;
        for uri in [
            "/guard/x",
            "//guard/x",
            "///guard/x",
            "////guard/x",
            "//GUARD/x",
            "//guard/x:y",
            "/guard/x:y",
            "//%67uard/x",
            "%2F%2Fguard/x",
            "%5c%5cguard%5cx",
            "file:////guard/x",
            "file:/guard/x",
            "file://guard/x",
            "file:///guard/x:y",
            "file://h:1/guard/x",
        ] {
            assert!(!reaches(&world, &mut requests, uri).await, "{guard} {uri:?}");
        }
        for uri in ["/public/guard/x", "//public/x", "/public/x:y", "file:///public/x", "notes://guard/x"] {
            assert!(reaches(&world, &mut requests, uri).await, "{guard} {uri:?}");
        }
    }
}

#[tokio::test]
async fn listening_for_a_resource_and_completing_for_one_are_uses_of_it() {
    let rules = vec![
        Rule::resources(["file:///secret/*"]).and_prompts(["admin_*"]).roles(["Nobody"]),
        Rule::resources(["*"]).and_prompts(["*"]).and_methods(["completion/complete"]),
    ];
    let (world, mut requests) = world(rules).await;
    let listen = |uris: &[&str]| json!({ "notifications": { "toolsListChanged": true, "resourceSubscriptions": uris } });
    let reference = |member: &str, name: &str| {
        json!({ "ref": { "type": if member == "uri" { "ref/resource" } else { "ref/prompt" }, member: name },
            "argument": { "name": "a", "value": "" } })
    };
    for (method, params, goes_on) in [
        ("subscriptions/listen", listen(&["file:///public/a"]), true),
        ("subscriptions/listen", listen(&[]), true),
        ("subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } }), true),
        ("subscriptions/listen", json!({}), true),
        ("subscriptions/listen", listen(&["file:///public/a", "file:///secret/keys"]), false),
        ("subscriptions/listen", listen(&["FILE:///secret/keys"]), false),
        ("completion/complete", reference("name", "greeting"), true),
        ("completion/complete", reference("uri", "file:///public/{path}"), true),
        ("completion/complete", reference("name", "admin_reset"), false),
        ("completion/complete", reference("uri", "file:///secret/{path}"), false),
        // Whatever the type says.
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": "greeting", "uri": "file:///secret/x" } }),
            false,
        ),
    ] {
        let reply = ask(&world, method, params.clone()).await;
        assert_eq!(reply.status, 200, "{params}: {reply:?}");
        assert_eq!(requests.seen().len(), usize::from(goes_on), "{method} {params}");
        let answer: Value = serde_json::from_str(&reply.text).unwrap();
        if !goes_on {
            assert!(
                answer["error"]["message"].as_str().unwrap().contains("`Nobody`")
                    || params.to_string().contains("FILE")
            );
        }
    }
    for params in [
        r#"{"notifications":{"resourceSubscriptions":"file:///secret/keys"}}"#,
        r#"{"notifications":{"resourceSubscriptions":[7]}}"#,
        r#"{"notifications":{"resourceSubscriptions":[],"resourceSubscriptions":["file:///secret/keys"]}}"#,
        r#"{"notifications":{"ResourceSubscriptions":["file:///secret/keys"]}}"#,
        r#"{"Notifications":{"resourceSubscriptions":["file:///secret/keys"]}}"#,
        r#"{"notifications":["file:///secret/keys"]}"#,
        "{\"notifications\":{\"resourceSubscriptions\":[\"file:///public/.\\t./secret/keys\"]}}",
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{params}}}"#);
        let token = world.control().mint(&MintRequest { user: Some("bob".into()), ..MintRequest::default() });
        let request =
            world.http.post(world.url("/mcp")).bearer_auth(token).header("content-type", "application/json");
        assert_eq!(Reply::of(request.body(body)).await.status, 400, "{params}");
        assert!(requests.seen().is_empty(), "{params}");
    }
    for params in [r#"{"ref":{"name":7}}"#, r#"{"ref":{"Name":"admin_reset"}}"#, r#"{"ref":"admin_reset"}"#] {
        let params: Value = serde_json::from_str(params).unwrap();
        assert_eq!(ask(&world, "completion/complete", params).await.status, 400);
        assert!(requests.seen().is_empty());
    }
}

#[tokio::test]
async fn completing_needs_no_more_than_the_method_when_no_prompt_is_named() {
    // A rule for the method alone opens no prompt.
    let (world, mut requests) = world(vec![Rule::methods(["completion/complete"])]).await;
    let params = json!({ "ref": { "type": "ref/prompt", "name": "greeting" } });
    let answer: Value = serde_json::from_str(&ask(&world, "completion/complete", params).await.text).unwrap();
    assert!(answer["error"]["message"].as_str().unwrap().contains("greeting"), "{answer}");
    assert!(requests.seen().is_empty());
}

#[tokio::test]
async fn a_rehearsal_shows_the_uri_as_it_is_and_what_else_is_used() {
    let rules = vec![Rule::resources(["file:///secret/*"]).roles(["Nobody"]), Rule::resources(["*"])];
    let (world, _requests) = world(rules).await;
    let rehearse = |method: &str, params: Value| {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        world.gate.rehearse(&world.gate.resources()[0], &Caller::user(), body.as_bytes())
    };
    let long = format!("file:///public/{}\u{202e}/x", "a".repeat(200));
    let told = rehearse("resources/read", json!({ "uri": long }));
    assert_eq!(told.calls[0].target, Some(long.replace('\u{202e}', "\\u{202e}")));
    let told = rehearse("resources/read", json!({ "uri": "FILE:///secret/keys" }));
    assert_eq!(told.calls[0].decided_by, entragate::DecidedBy::AmbiguousUri);
    assert!(matches!(told.decision, entragate::Decision::Refused { missing: "uri", .. }), "{told:?}");
    let told = rehearse("resources/read", json!({ "uri": "file:///public/.\t./secret/keys" }));
    let entragate::Decision::Malformed { text } = told.decision else { panic!("{told:?}") };
    assert!(text.contains(r"file:///public/.\t./secret/keys"), "{text}");
    let told = rehearse(
        "subscriptions/listen",
        json!({ "notifications": { "resourceSubscriptions": ["file:///a"] } }),
    );
    let calls: Vec<&str> = told.calls.iter().map(|call| call.method.as_str()).collect();
    assert_eq!(calls, ["subscriptions/listen", "resources/subscribe"]);
}
