//! The binary with a configuration in a directory of the test's own.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use entragate_emulator::fixtures;

use crate::config_fixture::directory;

pub(crate) struct Rules {
    pub(crate) directory: PathBuf,
    environment: Vec<(String, String)>,
}

#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Rules {
    /// Relay mode of the fixture tenant, where `authority` is Entra; the rules are in `entragate.toml`.
    pub(crate) fn new(name: &str, authority: &str, toml: &str) -> Self {
        let directory = directory(name);
        fs::write(directory.join("entragate.toml"), toml).expect("a file");
        let environment = [
            ("AZURE_TENANT_ID", fixtures::TENANT),
            ("AZURE_CLIENT_ID", fixtures::API),
            ("AZURE_MCP_CLIENT_ID", fixtures::MCP),
            ("AZURE_AUTHORITY_HOST", authority),
            ("ENTRAGATE_ENTRA_SCOPES", "access"),
        ];
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self { directory, environment: environment.map(owned).to_vec() }
    }

    pub(crate) fn without(mut self, variable: &str) -> Self {
        self.environment.retain(|(name, _)| name != variable);
        self
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.directory.join(name), text).expect("a file");
    }

    pub(crate) fn run(&self, stdin: &str, arguments: &[&str]) -> Printed {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entragate"));
        command.args(arguments);
        self.finish(command, stdin)
    }

    /// A line as somebody types it.
    pub(crate) fn shell(&self, line: &str) -> Printed {
        let binaries = PathBuf::from(env!("CARGO_BIN_EXE_entragate"));
        let path = format!("{}:/usr/bin:/bin", binaries.parent().expect("a directory").display());
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        let mut printed = Self {
            directory: self.directory.clone(),
            environment: self.environment.iter().cloned().chain([("PATH".to_owned(), path)]).collect(),
        }
        .finish(command, "");
        printed.stdout.push_str(&printed.stderr);
        printed
    }

    fn finish(&self, mut command: Command, stdin: &str) -> Printed {
        command.env_clear().envs(self.environment.iter().cloned()).current_dir(&self.directory);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        // A command that needs no input may be gone before it is written.
        let _ = child.stdin.take().expect("a pipe").write_all(stdin.as_bytes());
        let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Printed { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }
}
