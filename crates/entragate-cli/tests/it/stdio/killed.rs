//! A gateway that is killed cannot clean up.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use serde_json::{Value, json};

use super::fixture::Process;
use super::processes::STUBBORN;

/// The gateway as a process of its own.
pub(super) struct Gateway {
    child: Child,
    pub(super) address: String,
    /// Its log.
    pub(super) log: mpsc::Receiver<String>,
}

impl Gateway {
    fn start(upstream: &str) -> Self {
        Self::run(Command::new(env!("CARGO_BIN_EXE_entragate")).arg("serve"), upstream, &[])
    }

    /// The gateway that a command starts.
    pub(super) fn run(command: &mut Command, upstream: &str, environment: &[(&str, &str)]) -> Self {
        let mut child = command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("ENTRAGATE_UPSTREAM", upstream)
            .env("ENTRAGATE_LISTEN", "127.0.0.1:0")
            .env("BASE_URL", "http://localhost:3002")
            .env("ENTRAGATE_LOG_FORMAT", "json")
            .envs(environment.iter().copied())
            .current_dir(crate::config_fixture::directory("stdio_killed"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let address = loop {
            let line: Value = serde_json::from_str(&lines.next().expect("a start line")).unwrap();
            let found = line["listen"].as_str().or_else(|| line["fields"]["listen"].as_str());
            if let Some(address) = found {
                break address.to_owned();
            }
        };
        let (log_end, log) = mpsc::channel();
        std::thread::spawn(move || lines.for_each(|line| drop(log_end.send(line))));
        Self { child, address, log }
    }

    /// The answer to `initialize`.
    pub(super) async fn initialize(&self) -> Value {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "a test client is no product code")]
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let port = self.address.rsplit(':').next().unwrap();
        let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {} });
        let answer = http.post(format!("http://localhost:{port}/mcp")).json(&hello).send().await.unwrap();
        answer.json().await.unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test]
async fn killed_gateway_leaves_no_process_however_stubborn() {
    let mut gateway = Gateway::start(STUBBORN);
    let answer = gateway.initialize().await;
    let stubborn = Process::of(answer["result"]["pid"].as_str().unwrap());
    assert!(stubborn.runs());
    gateway.child.kill().unwrap();
    stubborn.ended().await;
}
