//! `entragate trace` against a running gateway in broker mode.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use entragate_cli::config::{self, Environment};
use entragate_cli::serve::Server;
use entragate_emulator::{Emulator, fixtures};
use serde_json::Value;

use crate::config_fixture::directory;
use crate::upstream_fixture::{Backend, Message, Wire};

const CALLBACK: &str = "http://127.0.0.1:4711/callback";

struct Gateway {
    public: SocketAddr,
    admin: SocketAddr,
    _entra: Emulator,
    _backend: Backend,
}

impl Gateway {
    async fn start() -> Self {
        let entra = Emulator::builder().keys(entragate_emulator::KeySource::Embedded).start().await.unwrap();
        let backend = Backend::start().await;
        let (authority, upstream) = (entra.url().to_owned(), format!("http://{}/mcp", backend.address));
        let environment: Environment = [
            ("AZURE_TENANT_ID", fixtures::TENANT),
            ("AZURE_CLIENT_ID", fixtures::API),
            ("AZURE_CLIENT_SECRET", "0123456789abcdef"),
            ("AZURE_AUTHORITY_HOST", authority.as_str()),
            ("BASE_URL", "http://localhost:3002"),
            ("ENTRAGATE_UPSTREAM", upstream.as_str()),
            ("ENTRAGATE_LISTEN", "127.0.0.1:0"),
            ("ENTRAGATE_ADMIN_LISTEN", "127.0.0.1:0"),
        ]
        .into_iter()
        .collect();
        let server = Server::bind(&config::load(&environment, None).unwrap()).await.unwrap();
        let (public, admin) = (server.address().unwrap(), server.admin_address().unwrap());
        tokio::spawn(server.run(std::future::pending()));
        Self { public, admin, _entra: entra, _backend: backend }
    }

    async fn send(&self, line: &str, body: &str) -> Message {
        let mut wire = Wire::connect(self.public).await;
        let (host, length) = (self.public, body.len());
        let headers = format!("host: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}");
        wire.send(format!("{line} HTTP/1.1\r\n{headers}\r\n\r\n{body}")).await;
        wire.message().await
    }

    /// A client opens the browser, and the person sees the consent page.
    async fn ask(&self) {
        let client = format!(r#"{{"client_name":"Contoso\u001b[31m CLI","redirect_uris":["{CALLBACK}"]}}"#);
        let client = self.send("POST /oauth/register", &client).await;
        let client: Value = serde_json::from_str(client.text()).unwrap();
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", client["client_id"].as_str().unwrap())
            .append_pair("redirect_uri", CALLBACK)
            .append_pair("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
            .append_pair("code_challenge_method", "S256")
            .append_pair("state", "a-state-of-the-client")
            .finish();
        let page = self.send(&format!("GET /oauth/authorize?{query}"), "").await;
        assert_eq!(page.status(), 200, "{}", page.text());
    }

    async fn trace(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let admin = format!("http://{}", self.admin);
        trace([arguments, &["--admin", admin.as_str()]].concat()).await
    }
}

async fn trace(arguments: Vec<&str>) -> (Option<i32>, String, String) {
    let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
    let run = move || -> Output {
        Command::new(env!("CARGO_BIN_EXE_entragate"))
            .arg("trace")
            .args(arguments)
            .env_clear()
            .current_dir(directory("trace"))
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_are_listed_and_one_is_shown_leg_by_leg() {
    let gateway = Gateway::start().await;
    let (code, none, _) = gateway.trace(&[]).await;
    assert_eq!((code, none.as_str()), (Some(0), "no sign-in in the last hour\n"));

    gateway.ask().await;
    let (code, json, _) = gateway.trace(&["--json"]).await;
    assert_eq!(code, Some(0));
    let all: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(all.as_array().map(Vec::len), Some(1), "{json}");
    let id = all[0]["id"].as_str().unwrap();

    let (_, listed, _) = gateway.trace(&[]).await;
    let (code, shown, _) = gateway.trace(&[id]).await;
    assert_eq!(code, Some(0));
    for text in [&listed, &shown, &json] {
        assert!(!text.contains('\u{1b}'), "a client's name acts on the terminal: {text:?}");
        assert!(!text.contains("a-state-of-the-client"), "{text}");
    }
    let told = without_times(&format!("{listed}---\n{shown}").replace(id, "[id]"));
    insta::assert_snapshot!(told);
}

/// When the legs were differs from run to run: a column of seven.
fn without_times(text: &str) -> String {
    let is_leg = |line: &str| ["  ✓", "  ✗", "  …"].iter().any(|mark| line.starts_with(mark));
    let line = |line: &str| match line {
        leg if is_leg(leg) => {
            leg.chars().take(18).chain("[time]".chars()).chain(leg.chars().skip(25)).collect()
        }
        line => line.trim_end().to_owned(),
    };
    text.lines().map(line).collect::<Vec<String>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_sign_in_is_1_and_a_gateway_that_cannot_be_asked_is_2() {
    let gateway = Gateway::start().await;
    let (code, stdout, stderr) = gateway.trace(&["nobody"]).await;
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("no such sign-in"), "{stderr}");

    let (code, _, stderr) = trace(vec!["--admin", "http://127.0.0.1:9"]).await;
    assert_eq!(code, Some(2));
    assert!(stderr.contains("cannot ask the gateway at http://127.0.0.1:9"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_are_on_the_admin_listener_only() {
    let gateway = Gateway::start().await;
    gateway.ask().await;
    assert_eq!(gateway.send("GET /sign-ins", "").await.status(), 404);
    let mut wire = Wire::connect(gateway.admin).await;
    wire.send("GET /sign-ins HTTP/1.1\r\nhost: evil.test\r\n\r\n").await;
    assert_eq!(wire.message().await.status(), 403);
    let public = format!("http://{}", gateway.public);
    let (code, stdout, stderr) = trace(vec!["--admin", &public]).await;
    assert_eq!(stdout, "");
    assert!(code == Some(1) || code == Some(2), "{stderr}");
}
