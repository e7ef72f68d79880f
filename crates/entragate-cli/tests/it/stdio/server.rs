//! The MCP server that is behind the gateway in these tests: a process of this test binary, started as one of its tests.
//!
//! It prints what the test harness prints before it speaks MCP, as many a server greets on its standard output.

#![expect(clippy::disallowed_methods, reason = "what the environment of the process is, is what is tested")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program with standard streams")]

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{BufRead as _, Write as _};
use std::process::Command;

use serde_json::{Value, json};

/// How the gateway is told to start it.
pub(crate) fn command() -> String {
    let program = std::env::current_exe().expect("the test binary");
    format!(
        "stdio: '{}' --ignored --exact stdio::server::serve --nocapture --test-threads 2",
        program.to_str().expect("a path of this repository")
    )
}

fn send(message: &Value) {
    let mut stdout = std::io::stdout().lock();
    // Whoever reads no longer ends us.
    if writeln!(stdout, "{message}").and_then(|()| stdout.flush()).is_err() {
        std::process::exit(0);
    }
}

fn text(text: impl Display) -> Value {
    json!({ "content": [{ "type": "text", "text": format!("{text}") }] })
}

fn note(method: &str, params: &Value) {
    send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
}

#[test]
#[ignore = "not a test: the server of the others"]
fn serve() {
    println!(); // ends what the harness may have begun
    let mut server = Server { calls: 0, cancelled: Vec::new(), asked: None, unread: 0 };
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let message: Value = serde_json::from_str(&line).expect("the gateway writes JSON, a message a line");
        server.take(&message);
    }
    std::process::exit(0);
}

struct Server {
    calls: usize,
    cancelled: Vec<Value>,
    /// The call that waits for the client's answer.
    asked: Option<Value>,
    /// Errors of the client about what it could not read.
    unread: usize,
}

impl Server {
    fn take(&mut self, message: &Value) {
        let (id, params) = (&message["id"], &message["params"]);
        match message["method"].as_str() {
            Some("initialize") => send(&json!({ "jsonrpc": "2.0", "id": id, "result": {
                "protocolVersion": params["protocolVersion"],
                "capabilities": { "tools": {} },
                "serverInfo": { "name": "stdio-test", "version": "1" },
            } })),
            Some("notifications/initialized") => note("notifications/tools/list_changed", &json!({})),
            Some("notifications/cancelled") => self.cancelled.push(params["requestId"].clone()),
            Some("tools/list") => {
                let tools = ["read", "admin_x"].map(|name| json!({ "name": name, "inputSchema": {} }));
                send(&json!({ "jsonrpc": "2.0", "id": id, "result": { "tools": tools } }));
            }
            Some("tools/call") => {
                if let Some(result) = self.call(id, params) {
                    send(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
                }
            }
            Some(_) if !id.is_null() => send(&json!({ "jsonrpc": "2.0", "id": id, "result": {} })),
            Some(_) => {}
            None if id.is_null() => self.unread += 1,
            None => {
                let call = self.asked.take().expect("an answer to a question");
                send(
                    &json!({ "jsonrpc": "2.0", "id": call, "result": text(message["result"].get("text").unwrap_or_default()) }),
                );
            }
        }
    }

    /// What the tool gives, if it gives anything.
    fn call(&mut self, id: &Value, params: &Value) -> Option<Value> {
        let arguments = &params["arguments"];
        let count = || arguments["count"].as_u64().unwrap_or(1);
        Some(match params["name"].as_str().unwrap_or_default() {
            "pid" => text(std::process::id()),
            "count" => {
                self.calls += 1;
                text(self.calls)
            }
            "echo" => text(arguments),
            "environment" => {
                let all: BTreeMap<String, String> = std::env::vars().collect();
                text(json!(all))
            }
            "directory" => text(std::env::current_dir().expect("a directory").display()),
            "progress" => {
                for done in 1..=count() {
                    let token = &params["_meta"]["progressToken"];
                    note("notifications/progress", &json!({ "progressToken": token, "progress": done }));
                }
                text("done")
            }
            "log" => {
                note("notifications/message", &json!({ "level": "info", "data": "working" }));
                text("done")
            }
            "changed" => {
                note("notifications/tools/list_changed", &json!({}));
                text("done")
            }
            "ask" => {
                self.asked = Some(id.clone());
                send(
                    &json!({ "jsonrpc": "2.0", "id": "q1", "method": "sampling/createMessage", "params": {} }),
                );
                return None;
            }
            "never" => return None,
            "null" => Value::Null,
            "unread" => text(self.unread),
            "cancelled" => text(json!(self.cancelled)),
            "exit" => std::process::exit(i32::try_from(count()).expect("an exit code")),
            "flood" => {
                let padding = "x".repeat(10_000);
                for number in 0..count() {
                    note(
                        "notifications/message",
                        &json!({ "level": "info", "data": number, "padding": padding }),
                    );
                }
                text("done")
            }
            "changes" => {
                let padding = "x".repeat(10_000);
                for number in 0..count() {
                    note("notifications/resources/updated", &json!({ "uri": number, "padding": padding }));
                }
                text("done")
            }
            "long" => text("x".repeat(usize::try_from(count()).expect("a length"))),
            "stderr" => {
                for number in 0..count() {
                    eprintln!("line {number} {}", std::env::var("TOOL_TOKEN").unwrap_or_default());
                }
                text("done")
            }
            "litter" => {
                println!("not a message");
                text("done")
            }
            "spawn" => {
                #[expect(clippy::zombie_processes, reason = "left behind on purpose")]
                let child = Command::new("sleep").arg("600").spawn().expect("a grandchild");
                text(child.id())
            }
            other => json!({ "isError": true, "content": [{ "type": "text", "text": other }] }),
        })
    }
}
