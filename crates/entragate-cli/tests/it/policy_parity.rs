//! `entragate policy test` says what the running gateway does, for rehearsed callers and for whoever has a token.

use entragate_emulator::{MintRequest, fixtures};
use serde_json::{Value, json};

use crate::policy_fixture::Rules;
use crate::routes_fixture::{Answer, Gateway, Site};

const GROUP: &str = "9a000000-0000-4000-8000-000000000001";

/// One rule of each kind; `SERVER` stands for the server's address.
const TOML: &str = r#"
[[routes]]
url = "http://SERVER/mcp"
path = "/one"

[[routes.rules]]
tools = ["admin_*"]
roles = ["Admin", "Owner"]

[[routes.rules]]
tools = ["write"]
roles = ["User"]
scopes = ["write", "audit"]

[[routes.rules]]
tools = ["grouped"]
groups = ["9a000000-0000-4000-8000-000000000001"]

[[routes.rules]]
tools = ["people"]
prompts = ["people"]
users = ["*"]
tenants = ["11111111-1111-1111-1111-111111111111"]

[[routes.rules]]
tools = ["daemon"]
apps = ["d0000000-0000-4000-8000-000000000001"]

[[routes.rules]]
tools = ["one_of_us"]
users = ["00000000-cccc-4000-8000-000000000001"]
clients = ["c0000000-0000-4000-8000-000000000003"]

[[routes.rules]]
tools = ["transfer"]
when = "args.amount < 1000 || 'Admin' in caller.roles"

[[routes.rules]]
resources = ["file:///public/*"]
methods = ["completion/*"]

[[routes]]
url = "http://SERVER/mcp"
path = "/two"
scopes = ["tickets"]
"#;

/// Who calls: the flags that say so, and the same person's token.
struct Who {
    flags: Vec<&'static str>,
    token: String,
}

fn callers(gateway: &Gateway) -> Vec<Who> {
    let user = |oid: &'static str, flags: &[&'static str], scp: &str, roles: &[&str], groups: &[&str]| {
        let claims = json!({ "oid": oid, "groups": groups }).as_object().cloned().expect("an object");
        let token = gateway.entra.control().mint(&MintRequest {
            client: Some("MCP".into()),
            scp: Some(scp.into()),
            roles: Some(roles.iter().map(|role| (*role).to_owned()).collect()),
            claims,
            ..MintRequest::default()
        });
        Who { flags: [&["--user", oid], flags].concat(), token }
    };
    let daemon = MintRequest { client: Some("DMN".into()), user: None, ..MintRequest::default() };
    vec![
        user("00000000-cccc-4000-8000-000000000001", &[], "access", &[], &[]),
        user("00000000-cccc-4000-8000-000000000002", &["--role", "User"], "access", &["User"], &[]),
        user(
            "00000000-cccc-4000-8000-000000000003",
            &[
                "--role", "User", "--role", "Admin", "--scope", "access", "--scope", "write", "--scope",
                "audit",
            ],
            "access write audit",
            &["User", "Admin"],
            &[],
        ),
        user("00000000-cccc-4000-8000-000000000004", &["--group", GROUP], "access", &[], &[GROUP]),
        user("00000000-cccc-4000-8000-000000000005", &["--scope", "other"], "other", &[], &[]),
        Who {
            flags: vec!["--app", fixtures::DMN, "--role", "Tools.All"],
            token: gateway.entra.control().mint(&daemon),
        },
    ]
}

/// The flags of a call, and its method and params.
fn calls() -> Vec<(Vec<&'static str>, &'static str, String)> {
    let tool = |name: &'static str| (vec!["--tool", name], "tools/call", format!(r#"{{"name":"{name}"}}"#));
    let with = |name: &'static str, arguments: &'static str| {
        let params = format!(r#"{{"name":"{name}","arguments":{arguments}}}"#);
        (vec!["--tool", name, "--arguments", arguments], "tools/call", params)
    };
    vec![
        tool("admin_x"),
        tool("write"),
        tool("grouped"),
        tool("people"),
        tool("daemon"),
        tool("one_of_us"),
        tool("nobodys"),
        with("transfer", r#"{"amount":999}"#),
        with("transfer", r#"{"amount":1000}"#),
        with("transfer", r#"{"amount":1,"amount":2}"#),
        (vec!["--tool", "x\t"], "tools/call", r#"{"name":"x\t"}"#.to_owned()),
        (vec!["--prompt", "people"], "prompts/get", r#"{"name":"people"}"#.to_owned()),
        (
            vec!["--resource", "file:///public/x"],
            "resources/read",
            r#"{"uri":"file:///public/x"}"#.to_owned(),
        ),
        (
            vec!["--resource", "file:///public/../x"],
            "resources/read",
            r#"{"uri":"file:///public/../x"}"#.to_owned(),
        ),
        (vec!["--method", "completion/complete"], "completion/complete", "{}".to_owned()),
        (vec!["--method", "tools/list"], "tools/list", "{}".to_owned()),
    ]
}

/// What happened on the wire, in the words of `policy test`.
fn happened(answer: &Answer) -> Value {
    let body = &answer.body;
    let refused = |text: &Value| json!({ "decision": "refused", "text": text });
    match answer.status {
        _ if !answer.site.is_empty() => json!({ "decision": "allowed" }),
        200 if body["result"]["isError"] == true => refused(&body["result"]["content"][0]["text"]),
        200 if body["error"]["code"] == -31_403 => refused(&body["error"]["message"]),
        400 => json!({ "decision": "malformed", "text": body["error"]["message"] }),
        401 => json!({ "decision": "unauthorized" }),
        403 => {
            assert!(answer.challenge.contains("insufficient_scope"), "{answer:?}");
            let scope = answer.challenge.split("scope=\"").nth(1).and_then(|rest| rest.split('"').next());
            json!({ "decision": "step_up", "scope": scope })
        }
        _ => panic!("{answer:?}"),
    }
}

/// The same part of what the command says.
fn said(rules: &Rules, stdin: &str, arguments: &[&str]) -> Value {
    let printed = rules.run(stdin, &[&["policy", "test", "--json"], arguments].concat());
    assert_eq!(printed.stderr, "", "{arguments:?}");
    let answer: Value = serde_json::from_str(&printed.stdout).expect("JSON");
    let code = i32::from(answer["decision"] != "allowed");
    assert_eq!(printed.code, Some(code), "{arguments:?}: {answer}");
    let keep = ["decision", "text", "scope"].into_iter().filter_map(|name| Some((name, answer.get(name)?)));
    keep.map(|(name, value)| (name.to_owned(), value.clone())).collect::<serde_json::Map<_, _>>().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_what_the_gateway_does() {
    let site = Site::start("mcp").await;
    let toml = TOML.replace("SERVER", &site.address.to_string());
    let gateway = Gateway::start("policy_parity_gateway", &toml).await;
    let rules = Rules::new("policy_parity", gateway.entra.url(), &toml);
    let (mut compared, mut decisions) = (0, std::collections::BTreeSet::new());
    for (route, calls) in [("/one", calls()), ("/two", calls().into_iter().take(1).collect())] {
        for (caller, mut who) in callers(&gateway).into_iter().enumerate() {
            // Nobody has the scopes of the second server, which a rehearsed user has unless others are named.
            if route == "/two" && !who.flags.iter().any(|flag| ["--scope", "--app"].contains(flag)) {
                who.flags.extend(["--scope", "access"]);
            }
            for (number, (call, method, params)) in calls.iter().enumerate() {
                let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
                let happened = happened(&gateway.post(route, &who.token, body.leak()).await);
                let at = [call.as_slice(), &["--route", route]].concat();
                let rehearsed =
                    tokio::task::block_in_place(|| said(&rules, "", &[who.flags.as_slice(), &at].concat()));
                assert_eq!(rehearsed, happened, "{:?} {at:?}", who.flags);
                decisions.insert(happened["decision"].as_str().unwrap_or_default().to_owned());
                compared += 1;
                // Each call with the token of some callers: the rules are asked by the same function.
                if number % 4 != caller % 4 {
                    continue;
                }
                let with_token = [&["--token", "-"], at.as_slice()].concat();
                let of_token = tokio::task::block_in_place(|| said(&rules, &who.token, &with_token));
                assert_eq!(of_token, happened, "the token of {:?} {at:?}", who.flags);
            }
        }
    }
    assert_eq!(compared, 6 * 16 + 6);
    let expected = ["allowed", "malformed", "refused", "step_up"].map(str::to_owned);
    assert_eq!(decisions, expected.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_gateway_refuses_is_denied_before_any_rule() {
    let site = Site::start("mcp").await;
    let toml = TOML.replace("SERVER", &site.address.to_string());
    let gateway = Gateway::start("policy_parity_refused_gateway", &toml).await;
    let rules = Rules::new("policy_parity_refused", gateway.entra.url(), &toml);
    let sibling = gateway.token("SIBLING");
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"people"}}"#;
    let answer = gateway.post("/one", &sibling, call).await;
    assert_eq!(answer.status, 401);
    let arguments = ["--token", "-", "--tool", "people", "--route", "/one"];
    assert_eq!(tokio::task::block_in_place(|| said(&rules, &sibling, &arguments)), happened(&answer));
    let printed =
        tokio::task::block_in_place(|| rules.run(&sibling, &[&["policy", "test"][..], &arguments].concat()));
    assert!(printed.stdout.starts_with("✗ denied: the token is refused, 401\n"), "{}", printed.stdout);
    assert!(printed.stdout.contains("check=audience"), "{}", printed.stdout);
}
