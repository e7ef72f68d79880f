//! The binary as a user meets it: exit codes, what goes to which stream, help.

use std::fmt::Write as _;
use std::fs;
#[cfg(unix)]
use std::io::{BufRead as _, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
#[cfg(unix)]
use std::sync::mpsc;
#[cfg(unix)]
use std::thread;
#[cfg(unix)]
use std::time::Duration;

use crate::config_fixture::{DEVELOPMENT, RELAY, directory};

/// The binary, with no environment but the given one, in a directory of the test's own.
fn entragate(directory: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_entragate"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

fn printed(output: &Output) -> String {
    let mut text = format!("exit code: {}\n", output.status.code().expect("it exits"));
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        // Lines are not to end in spaces in a file, and a table's do.
        let stream = String::from_utf8_lossy(bytes);
        let lines: Vec<_> = stream.lines().map(str::trim_end).collect();
        let _ = write!(text, "--- {name} ---\n{}\n", lines.join("\n"));
    }
    text
}

#[test]
fn config_check_prints_every_setting_with_its_source() {
    let directory = directory("config_check_prints");
    fs::write(
        directory.join("entragate.toml"),
        "resource_name = \"Contoso tools\"\nallowed_hosts = [\"a.test\", \"b.test\"]\n\n[log]\nformat = \"json\"\n\n\
         [[rules]]\ntools = [\"admin_*\"]\nroles = [\"Admin\"]\n\n[[rules]]\ntools = [\"*\"]\n\n[scope_implies]\nadmin = [\"access\"]\n",
    )
    .expect("a file");
    insta::assert_snapshot!(printed(&entragate(&directory, &RELAY, &["config", "check"])));
}

#[test]
fn config_check_in_development_mode_says_so() {
    let output = entragate(&directory("config_check_development"), &DEVELOPMENT, &["config", "check"]);
    assert_eq!(output.status.code(), Some(0));
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("development, without authentication"), "{stdout}");
}

#[test]
fn config_check_prints_problems_to_stderr_and_exits_with_1() {
    let environment = [("AZURE_CLIENT_ID", "<api-app-client-id>"), ("ENTRAGATE_LISTN", "127.0.0.1:1")];
    let output = entragate(&directory("config_check_problems"), &environment, &["config", "check"]);
    assert!(output.stdout.is_empty());
    insta::assert_snapshot!(printed(&output));
}

#[test]
fn config_check_prints_json() {
    let directory = directory("config_check_json");
    let output = entragate(&directory, &RELAY, &["config", "check", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["problems"], serde_json::json!([]));
    let secret = document["settings"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["key"] == "entra.client_secret"));
    assert_eq!(secret.map(|secret| &secret["value"]), Some(&serde_json::json!("(set)")));
    assert_eq!(
        secret.map(|secret| &secret["source"]),
        Some(&serde_json::json!("environment variable AZURE_CLIENT_SECRET"))
    );

    let output = entragate(&directory, &[], &["config", "check", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["problems"][0]["key"], "upstream.url");
}

#[test]
fn serve_with_a_wrong_configuration_does_not_run_and_exits_with_2() {
    let environment =
        [("ENTRAGATE_UPSTREAM", "http://127.0.0.1:3000/mcp"), ("ENTRAGATE_LISTEN", "0.0.0.0:3002")];
    let output = entragate(&directory("serve_refuses"), &environment, &["serve"]);
    insta::assert_snapshot!(printed(&output));
}

#[test]
fn help_is_short_and_names_the_commands() {
    let directory = directory("help");
    let help = |arguments: &[&str]| printed(&entragate(&directory, &[], arguments));
    insta::assert_snapshot!("help", help(&["--help"]));
    insta::assert_snapshot!("help_emulate", help(&["emulate", "--help"]));
    insta::assert_snapshot!("help_config", help(&["config", "--help"]));
}

#[test]
fn a_wrong_command_line_exits_with_2_and_version_with_0() {
    let directory = directory("exit_codes");
    for (arguments, code) in
        [(&["sevre"][..], 2), (&[][..], 2), (&["serve", "--port", "1"][..], 2), (&["--version"][..], 0)]
    {
        assert_eq!(entragate(&directory, &[], arguments).status.code(), Some(code), "{arguments:?}");
    }
    let version = entragate(&directory, &[], &["--version"]).stdout;
    assert_eq!(String::from_utf8_lossy(&version), concat!("entragate ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn emulate_refuses_a_configuration_file_whether_it_is_there_or_not() {
    let directory = directory("emulate_config");
    fs::write(directory.join("there.toml"), "").expect("a file");
    for file in ["there.toml", "nowhere.toml"] {
        let output = entragate(&directory, &[], &["emulate", "--port", "0", "--config", file]);
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            stderr.contains("--config names settings of the gateway") && stderr.contains("--directory"),
            "{stderr}"
        );
    }
}

#[test]
fn output_that_is_no_terminal_has_no_colour() {
    let output = entragate(&directory("no_colour"), &[], &["config", "check"]);
    assert!(!output.stderr.contains(&0x1b));
    let output = entragate(&directory("no_colour"), &[("CLICOLOR_FORCE", "1")], &["config", "check"]);
    assert!(output.stderr.contains(&0x1b), "colour was forced");
    let output = entragate(&directory("no_colour"), &[("NO_COLOR", "1")], &["config", "check"]);
    assert!(!output.stderr.contains(&0x1b));
}

#[test]
fn serve_on_a_port_that_is_taken_says_so_and_exits_with_2() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let environment =
        [("ENTRAGATE_UPSTREAM", "http://127.0.0.1:9/mcp"), ("ENTRAGATE_LISTEN", address.as_str())];
    let output = entragate(&directory("taken"), &environment, &["serve"]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("error: ") && stderr.contains(&address), "{stderr}");
}

/// A command that runs until it is told to stop: waits for `expected` on one of its streams, then stops it.
#[cfg(unix)]
fn starts_and_stops(environment: &[(&str, &str)], arguments: &[&str], expected: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_entragate"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .current_dir(directory("starts_and_stops"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let (sender, lines) = mpsc::channel();
    let stdout = child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>);
    let stderr = child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>);
    for pipe in [stdout, stderr].into_iter().flatten() {
        let sender = sender.clone();
        thread::spawn(move || {
            BufReader::new(pipe).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
    }
    drop(sender);
    let mut seen = String::new();
    while !seen.contains(expected) {
        let line =
            lines.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|_| panic!("not printed:\n{seen}"));
        seen.push_str(&line);
        seen.push('\n');
    }
    let stopped = Command::new("kill").arg(child.id().to_string()).status().expect("kill runs");
    assert!(stopped.success());
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(0), "SIGTERM is a wish, not a failure:\n{seen}");
    seen
}

#[cfg(unix)]
#[test]
fn serve_says_that_authentication_is_off_and_stops_at_sigterm() {
    let environment = [("ENTRAGATE_UPSTREAM", "http://127.0.0.1:9/mcp"), ("ENTRAGATE_LISTEN", "127.0.0.1:0")];
    starts_and_stops(&environment, &["serve"], "AUTHENTICATION IS OFF");
}

#[cfg(unix)]
#[test]
fn emulate_says_how_to_use_it_and_stops_at_sigterm() {
    let printed = starts_and_stops(&[], &["emulate", "--port", "0"], "Ctrl-C stops it");
    for variable in [
        "AZURE_AUTHORITY_HOST=http://127.0.0.1:",
        "AZURE_TENANT_ID=",
        "AZURE_CLIENT_ID=",
        "AZURE_MCP_CLIENT_ID=",
    ] {
        assert!(printed.contains(variable), "{printed}");
    }
}

#[cfg(unix)]
#[test]
fn emulate_serves_https_and_writes_its_authority_and_state() {
    let place = directory("emulate_https");
    let (ca, state) = (place.join("ca.pem"), place.join("state.json"));
    let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let (ca_out, state_file) = (path(&ca), path(&state));
    let options =
        ["emulate", "--port", "0", "--https", "--ca-out", &ca_out, "--state", &state_file, "--fresh-keys"];
    let printed = starts_and_stops(&[], &options, "Ctrl-C stops it");
    assert!(printed.contains("Entra emulator on https://localhost:"), "{printed}");
    assert!(printed.contains(&format!("clients must trust {ca_out}")), "{printed}");
    let certificate = fs::read_to_string(&ca).expect("the authority is written");
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"), "{certificate}");
    let saved = fs::read_to_string(&state).expect("the state is written");
    // A second start goes on with it, authority included.
    starts_and_stops(&[], &options, "Ctrl-C stops it");
    assert_eq!(fs::read_to_string(&ca).expect("the authority is written"), certificate);
    assert_eq!(fs::read_to_string(&state).expect("the state is written"), saved);
}

#[test]
fn emulate_refuses_a_damaged_state_and_an_authority_without_https() {
    let place = directory("emulate_refuses");
    fs::write(place.join("state.json"), "{").expect("a file");
    for (options, reason) in [
        (["--state", "state.json"], "state.json: it is damaged, or no state of an emulator"),
        (["--ca-out", "ca.pem"], "--https"),
    ] {
        let output = entragate(&place, &[], &[&["emulate", "--port", "0"][..], &options].concat());
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(reason), "{stderr}");
    }
    assert_eq!(fs::read_to_string(place.join("state.json")).expect("the file"), "{");
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entragate"));
        let writer = writer.try_clone().expect("a second handle");
        command
            .args(arguments)
            .env_clear()
            .current_dir(directory("broken_pipe"))
            .stdout(writer)
            .stderr(Stdio::null());
        command.status().expect("the binary runs").code()
    };
    assert_eq!(run(&["config", "reference"]), Some(0));
    assert_eq!(
        run(&["config", "check", "--json"]),
        Some(1),
        "the exit code still says that there are problems"
    );
}
