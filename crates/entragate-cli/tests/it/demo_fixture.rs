//! `entragate demo` as a child process, and the few HTTP requests that a sign-in takes, written by hand.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::config_fixture::directory;

/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "http://127.0.0.1:4711/callback";

/// The last line of the introduction.
const INTRODUCED: &str = "Ctrl-C stops the demo";

/// The binary, in a directory of its own with no environment.
pub(crate) fn demo(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entragate"));
    command.arg("demo").args(arguments).env_clear().current_dir(directory).stdin(Stdio::null());
    command
}

/// A running demo on free ports.
pub(crate) struct Demo {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What was printed before anybody connected.
    pub(crate) introduction: String,
    /// What the ready file says.
    pub(crate) ready: Value,
}

impl Demo {
    pub(crate) fn start(name: &str, arguments: &[&str]) -> Self {
        let directory = directory(name);
        let ready_file = directory.join("ready.json");
        // A file that an earlier run left would be read as this one's.
        drop(fs::remove_file(&ready_file));
        let mut child = demo(&directory, &["--listen", "127.0.0.1:0", "--emulator", "127.0.0.1:0"])
            .arg("--ready-file")
            .arg(&ready_file)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut demo = Self { child, stdout, introduction: String::new(), ready: Value::Null };
        demo.introduction = demo.read_until(|line| line.contains(INTRODUCED));
        let ready = fs::read_to_string(&ready_file).expect("the file is there before the introduction");
        demo.ready = serde_json::from_str(&ready).expect("JSON");
        demo
    }

    pub(crate) fn url(&self, member: &str, path: &str) -> String {
        format!("{}{path}", self.ready[member].as_str().expect("a URL"))
    }

    /// What is printed up to and with the first line that `is_last`.
    pub(crate) fn read_until(&mut self, is_last: impl Fn(&str) -> bool) -> String {
        let mut text = String::new();
        loop {
            let mut line = String::new();
            let read = self.stdout.read_line(&mut line).expect("text");
            assert!(read > 0, "the demo ended:\n{text}");
            text.push_str(&line);
            if is_last(&line) {
                return text;
            }
        }
    }

    /// Signs in as a fixture user, as a client with a browser would, and returns the access token.
    pub(crate) fn sign_in(&self, user: &str) -> String {
        let mcp_url = self.url("mcp_url", "");
        assert_eq!(call(&mcp_url, None, "initialize").status, 401);
        let metadata = get(&self.url("base_url", "/.well-known/oauth-protected-resource/mcp")).json();
        assert_eq!(metadata["resource"], mcp_url.as_str());
        let server = get(&self.url("base_url", "/.well-known/oauth-authorization-server")).json();
        let endpoint = |name: &str| server[name].as_str().expect("an endpoint").to_owned();
        let client = format!(r#"{{"redirect_uris":["{CALLBACK}"]}}"#);
        let client = post(&endpoint("registration_endpoint"), "application/json", None, &client).json();

        let mut authorize = Url::parse(&endpoint("authorization_endpoint")).expect("a URL");
        authorize
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", client["client_id"].as_str().expect("a client id"))
            .append_pair("redirect_uri", CALLBACK)
            .append_pair("code_challenge", CHALLENGE)
            .append_pair("code_challenge_method", "S256")
            .append_pair("resource", &mcp_url)
            .append_pair("state", "s")
            .append_pair("login_hint", &format!("{user}@contoso.test"));
        let at_entra = get(authorize.as_str()).location();
        let callback = get(&at_entra).location();
        let callback = Url::parse(&callback).expect("a URL");
        let code = callback.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
        let grant = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", &code)
            .append_pair("redirect_uri", CALLBACK)
            .append_pair("code_verifier", VERIFIER)
            .append_pair("client_id", client["client_id"].as_str().expect("a client id"))
            .append_pair("resource", &mcp_url)
            .finish();
        let form = "application/x-www-form-urlencoded";
        let tokens = post(&endpoint("token_endpoint"), form, None, &grant).json();
        tokens["access_token"].as_str().expect("a token").to_owned()
    }

    /// Stops it as a supervisor would; returns the exit code and what was still printed.
    #[cfg(unix)]
    pub(crate) fn terminate(mut self) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(id).status().expect("kill runs").success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("text");
        (self.child.wait().expect("it exits").code(), rest)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have exited already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends a JSON-RPC request to the MCP server.
pub(crate) fn call(mcp_url: &str, token: Option<&str>, method: &str) -> Answer {
    let (method, params) = method.split_once(' ').unwrap_or((method, ""));
    let params = match method {
        "tools/call" => format!(r#"{{"name":"{params}","arguments":{{}}}}"#),
        _ => r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}"#
            .to_owned(),
    };
    let message = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
    post(mcp_url, "application/json", token, &message)
}

/// An HTTP answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.head, self.body))
    }

    fn location(&self) -> String {
        let location =
            self.head.lines().find_map(|line| line.split_once(": ").filter(|(n, _)| *n == "location"));
        location.unwrap_or_else(|| panic!("no redirect: {}\n{}", self.head, self.body)).1.to_owned()
    }
}

pub(crate) fn get(url: &str) -> Answer {
    exchange("GET", url, "", "")
}

pub(crate) fn post(url: &str, content_type: &str, token: Option<&str>, body: &str) -> Answer {
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let length = body.len();
    let headers = format!("content-type: {content_type}\r\ncontent-length: {length}\r\n{authorization}");
    exchange("POST", url, &headers, body)
}

/// One request on a connection of its own.
fn exchange(method: &str, url: &str, headers: &str, body: &str) -> Answer {
    let url = Url::parse(url).expect("a URL");
    let port = url.port().expect("a port");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    let target = &url[url::Position::BeforePath..];
    let host = url.host_str().expect("a host");
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nhost: {host}:{port}\r\nconnection: close\r\n\
         accept: application/json, text/event-stream\r\n{headers}\r\n{body}"
    )
    .expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}
