//! The machine of the person who makes the journey: a directory, the three programs that run in other terminals, a shell,
//! and the names under which the page shows what differs from run to run.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use entragate_emulator::fixtures::{ADM_SECRET, TENANT};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::config_fixture::directory;

/// How a command ended and what it printed, both streams as a terminal shows them.
pub(super) struct Printed {
    pub(super) code: i32,
    pub(super) text: String,
}

/// Everything.
pub(super) struct Stage {
    pub(super) directory: PathBuf,
    /// The emulated Entra's URL, once it runs.
    pub(super) entra: String,
    /// The MCP server's port.
    sample: u16,
    /// The gateway's port.
    gateway: u16,
    running: BTreeMap<&'static str, Child>,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let directory = directory("journey");
        drop(fs::remove_dir_all(&directory));
        fs::create_dir_all(&directory).expect("a directory");
        // Taken and given back: the files name it before the gateway can have it.
        let gateway = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let gateway = gateway.local_addr().expect("an address").port();
        Self { directory, entra: String::new(), sample: 0, gateway, running: BTreeMap::new() }
    }

    /// What clients type.
    pub(super) fn mcp_url(&self) -> String {
        format!("http://localhost:{}/mcp", self.gateway)
    }

    /// What `.env` sets, as the shell has read it.
    fn dotenv(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.directory.join(".env")).unwrap_or_default();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        lines.filter_map(pair).collect()
    }

    /// The binary in this person's shell.
    fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entragate"));
        command
            .args(arguments)
            .env_clear()
            .envs([
                ("AZURE_AUTHORITY_HOST", self.entra.as_str()),
                ("AZURE_TENANT_ID", TENANT),
                ("GRAPH_CLIENT_SECRET", ADM_SECRET),
            ])
            .envs(self.dotenv())
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        // The page has the default ports in their place.
        if arguments.first().is_some_and(|first| first == "setup") {
            command.env("BASE_URL", format!("http://localhost:{}", self.gateway));
            command.env("ENTRAGATE_UPSTREAM", format!("http://127.0.0.1:{}/mcp", self.sample));
        }
        command
    }

    /// Runs a command to its end; `input` is a file.
    pub(super) async fn run(&self, arguments: &[String], input: Option<&str>) -> Printed {
        let mut command = self.command(arguments);
        if let Some(name) = input {
            let file = fs::File::open(self.directory.join(name)).expect("a file");
            command.stdin(file);
        }
        let output = command.output().await.expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        let (out, err) = (text(output.stdout), text(output.stderr));
        Printed { code: output.status.code().expect("it ends by itself"), text: merged(&out, &err) }
    }

    /// Starts a program in another terminal and waits until it says that it runs; what it said so far.
    pub(super) async fn start(&mut self, program: &str) -> String {
        let (name, arguments, last) = match program {
            "emulate" => {
                ("emulate", vec!["emulate".to_owned(), "--port".to_owned(), "0".to_owned()], "Ctrl-C")
            }
            "sample" => {
                ("sample", vec!["sample".to_owned(), "--port".to_owned(), self.sample.to_string()], "Ctrl-C")
            }
            "serve" => ("serve", vec!["serve".to_owned()], "redirect_uri="),
            other => panic!("there is no program {other}"),
        };
        let mut command = self.command(&arguments);
        // The gateway tells on stderr, the others on stdout; the emulator's requests are of no interest.
        command.stdout(Stdio::piped()).stderr(if name == "serve" { Stdio::piped() } else { Stdio::null() });
        let mut child = command.spawn().expect("the binary runs");
        let stream: Box<dyn AsyncRead + Send + Unpin> = match child.stderr.take() {
            Some(stderr) => Box::new(stderr),
            None => Box::new(child.stdout.take().expect("a pipe")),
        };
        let mut lines = BufReader::new(stream).lines();
        let mut said = String::new();
        while let Some(line) = lines.next_line().await.expect("text") {
            said += &line;
            said.push('\n');
            if line.contains(last) {
                break;
            }
        }
        assert!(said.contains(last), "{name} ended:\n{said}");
        // A full pipe would stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let url = |before: &str| said.split(before).nth(1).and_then(|rest| rest.split_whitespace().next());
        match name {
            "emulate" => url("Entra emulator on ").expect("a URL").clone_into(&mut self.entra),
            "sample" => {
                let port = url("http://127.0.0.1:").and_then(|rest| rest.split('/').next());
                self.sample = port.and_then(|port| port.parse().ok()).expect("a port");
            }
            _ => {}
        }
        self.running.insert(name, child);
        said
    }

    /// Ctrl-C in that terminal.
    pub(super) async fn stop(&mut self, program: &str) {
        let mut child = self.running.remove(program).expect("it runs");
        child.kill().await.expect("it ends");
    }

    /// Runs commands in a shell of this person's, who has read `.env`. They name default ports.
    pub(super) async fn shell(&self, commands: &str) -> Printed {
        let commands = commands.replace("http://127.0.0.1:8400", &self.entra);
        let commands = commands.replace("localhost:3002", &format!("localhost:{}", self.gateway));
        let read_dotenv = "set -a; . ./.env; set +a";
        let output = Command::new("sh")
            .args(["-euc", &format!("{read_dotenv}\n{commands}")])
            .envs([("NO_PROXY", "127.0.0.1"), ("no_proxy", "127.0.0.1")])
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .output()
            .await
            .expect("a shell runs");
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Printed { code: output.status.code().expect("it ends by itself"), text: text.concat() }
    }

    /// Changes one variable of `.env`; returns what it was.
    pub(super) fn set(&self, name: &str, value: &str) -> String {
        let path = self.directory.join(".env");
        let text = fs::read_to_string(&path).expect("a file");
        let old = self.dotenv()[name].clone();
        fs::write(&path, text.replace(&format!("{name}={old}\n"), &format!("{name}={value}\n")))
            .expect("a file");
        old
    }

    /// The client secret that is in force, as soon as there is one.
    pub(super) fn secret(&self) -> Option<String> {
        self.dotenv().remove("AZURE_CLIENT_SECRET")
    }

    /// The ID of the secret that setup made, which is not its value.
    pub(super) fn secret_id(&self) -> String {
        let record = fs::read_to_string(self.directory.join("entragate.setup.json")).expect("a record");
        let record: Value = serde_json::from_str(&record).expect("JSON");
        record["secrets"][0].as_str().expect("an id").to_owned()
    }

    /// What the page shows: default ports, names for what is new in each run, no line that ends in spaces.
    pub(super) fn stable(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let mut replace = |from: &str, to: &str| {
            if !from.is_empty() {
                // In a table, the next column stays where it is.
                let gap = " ".repeat(from.len().saturating_sub(to.len()) + 2);
                for path in ["", "/mcp"] {
                    text = text.replace(&format!("{from}{path}  "), &format!("{to}{path}{gap}"));
                }
                text = text.replace(from, to);
            }
        };
        replace(&self.entra, "http://127.0.0.1:8400");
        replace(&format!("127.0.0.1:{}", self.sample), "127.0.0.1:3000");
        for host in ["localhost", "127.0.0.1"] {
            replace(&format!("{host}:{}", self.gateway), &format!("{host}:3002"));
        }
        if let Some(id) = self.dotenv().get("AZURE_CLIENT_ID") {
            replace(id, "<client-id>");
        }
        let lines: Vec<_> = text.lines().map(|line| unnumbered(line.trim_end())).collect();
        lines.join("\n")
    }
}

/// Both streams in the order that a reader expects: progress on stderr comes after the first paragraph of stdout.
fn merged(out: &str, err: &str) -> String {
    if err.is_empty() {
        return out.to_owned();
    }
    match out.split_once("\n\n") {
        Some((head, rest)) => format!("{head}\n\n{err}{rest}"),
        None => format!("{out}{err}"),
    }
}

/// Ids, dates and times, by their shape: those of this run say nothing.
fn unnumbered(line: &str) -> String {
    // As HTTP writes it: Sun, 06 Nov 1994 08:49:37 GMT.
    if let Some((before, after)) = line.split_once(" GMT")
        && let Some(start) = before.len().checked_sub("Sun, 06 Nov 1994 08:49:37".len())
    {
        return format!("{}<time>{}", unnumbered(&before[..start]), unnumbered(after));
    }
    let mut shown = String::new();
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.' | '_');
    let mut rest = line;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let bare = word.trim_end_matches(['.', ':']);
        shown.push_str(&named(bare));
        shown.push_str(&word[bare.len()..]);
        let next = after.find(is_part).unwrap_or(after.len());
        shown.push_str(&after[..next]);
        rest = &after[next..];
    }
    shown
}

fn named(word: &str) -> String {
    let shape: String = word
        .chars()
        .map(|c| match c {
            '0'..='9' => '0',
            'a'..='f' => 'x',
            other => other,
        })
        .collect();
    let is_guid = word.len() == 36
        && word.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && word.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    // Those of the built-in directory are the same in every run, and have runs of zeros or ones.
    let is_builtin = ["0000000", "1111111", "2222222", "00000000-aaaa"].iter().any(|run| word.contains(run));
    if word.starts_with("dcr:") {
        return "dcr:<id>".to_owned();
    }
    // The gateway's number of a sign-in.
    let is_trace = word.len() == 20 && word.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    if is_guid && !is_builtin || is_trace {
        return "<id>".to_owned();
    }
    if shape.starts_with("0000-00-00T00:00:00") || shape == "00:00:00Z" {
        return "<time>".to_owned();
    }
    if shape == "0000-00-00" {
        return "<date>".to_owned();
    }
    word.to_owned()
}
