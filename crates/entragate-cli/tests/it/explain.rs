//! `entragate explain` as people use it: what they paste, what is said, and that nothing else of a paste is repeated.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use entragate::aadsts::{self, PAGES};
use entragate_emulator::{Emulator, Endpoint, Fault, FaultKind, KeySource, fixtures};
use serde_json::Value;

use crate::config_fixture::{RELAY, TENANT, directory, file};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn explain(environment: &[(&str, &str)], arguments: &[&str], input: &str) -> Output {
    explain_bytes(environment, arguments, input.as_bytes())
}

fn explain_bytes(environment: &[(&str, &str)], arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_entragate"))
        .arg("explain")
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .current_dir(directory("explain"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    // One that reads nothing may have ended already.
    drop(child.stdin.take().expect("a pipe").write_all(input));
    child.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn json(arguments: &[&str], input: &str) -> Value {
    let output = explain(&[], &[arguments, &["--json"]].concat(), input);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn codes(document: &Value) -> Vec<u64> {
    let all = document["codes"].as_array().expect("a list");
    all.iter().map(|one| one["code"].as_u64().expect("a number")).collect()
}

#[test]
fn a_code_is_explained_with_its_repair() {
    let output = explain(&[], &["AADSTS50011"], "");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn a_number_alone_is_a_code_and_the_configuration_fills_in_names() {
    let output = explain(&RELAY, &["50011"], "");
    assert_eq!(output.status.code(), Some(0));
    let stdout = text(&output.stdout);
    let base_url =
        RELAY.iter().find(|(name, _)| *name == "BASE_URL").map_or("http://localhost:3002", |(_, url)| *url);
    assert!(stdout.contains(base_url) && !stdout.contains("<BASE_URL>"), "{stdout}");
}

#[test]
fn each_number_on_the_command_line_is_a_code_beside_named_ones_too() {
    for (arguments, expected) in [
        (&["50011", "AADSTS65001"][..], &[50011, 65001][..]),
        (&["50011", "AADSTS999999"], &[50011, 999_999]),
        (&["AADSTS65001,", "50011,", "#50105"], &[65001, 50011, 50105]),
        (&["50011", "AADB2C90118"], &[50011]),
        (&["50011", "error_description=AADSTS65001%3a+The+user+50105"], &[50011, 65001]),
        // What no code looks like, and numbers in a quoted text.
        (&["HTTP", "400", "AADSTS50011"], &[50011]),
        (&["AADSTS50011: it listens on 65001"], &[50011]),
    ] {
        let document = json(arguments, "");
        assert_eq!(codes(&document), expected, "{arguments:?}");
        assert_eq!(document["more"], false);
    }
    let output = explain(&[], &["50011", "AADSTS65001"], "");
    assert!(text(&output.stdout).starts_with("AADSTS50011") && output.status.code() == Some(0), "{output:?}");
}

#[test]
fn commands_ask_the_cloud_that_is_configured() {
    let government = [&RELAY[..], &[("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us")]].concat();
    for code in ["90002", "50128", "90056", "50050"] {
        let path = "v2.0/.well-known/openid-configuration'";
        let stdout = text(&explain(&government, &[code], "").stdout);
        let command = format!("curl 'https://login.microsoftonline.us/{TENANT}/{path}");
        assert!(stdout.contains(&command), "{stdout}");
        let stdout = text(&explain(&[], &[code], "").stdout);
        let command = format!("curl 'https://login.microsoftonline.com/<AZURE_TENANT_ID>/{path}");
        assert!(stdout.contains(&command), "{stdout}");
    }
}

/// It printed 2 for three parts, and 3 only where the file ended with a line end.
#[cfg(unix)]
#[test]
fn the_command_of_50027_counts_two_dots_in_a_good_file() {
    let document = json(&["50027"], "");
    let command = document["codes"][0]["command"]["do"].as_str().expect("a command").to_owned();
    let file = directory("explain_50027").join("token");
    for written in ["a.b.c", "a.b.c\n"] {
        std::fs::write(&file, written).expect("a file");
        let pasted = Command::new("sh")
            .args(["-c", &command])
            .env("AZURE_FEDERATED_TOKEN_FILE", &file)
            .output()
            .expect("a shell");
        assert_eq!(text(&pasted.stdout).trim(), "2", "{command}");
    }
    assert!(command.contains("two dots"), "{command}");
}

#[test]
fn both_meanings_of_700023_are_told() {
    let entry = aadsts::find(700_023).expect("an entry");
    assert_eq!(entry.name, Some("InvalidResourcelessScope"));
    assert!(entry.meaning.contains("assertion") && entry.meaning.contains("scope"), "{}", entry.meaning);
}

#[test]
fn the_help_says_what_the_exit_codes_mean() {
    let help = text(&explain(&[], &["--help"], "").stdout);
    assert!(help.contains("Exit codes: 0 "), "{help}");
}

#[test]
fn a_configuration_that_was_named_and_is_broken_is_said() {
    let broken = file("explain_broken", "base_url = 7\n");
    let broken = broken.to_str().expect("a name");
    assert_eq!(explain(&[], &["50011", "--config", broken], "").status.code(), Some(2));
    assert_eq!(explain(&[("BASE_URL", "nonsense")], &["50011"], "").status.code(), Some(0));
}

#[test]
fn several_codes_are_explained_in_order_and_once() {
    let paste = "AADSTS70002: Error validating credentials. AADSTS54005: redeemed. AADSTS70002";
    assert_eq!(codes(&json(&["-"], paste)), [70002, 54005]);
}

#[test]
fn an_unknown_code_is_a_finding_and_leads_to_microsoft() {
    let output = explain(&[], &["AADSTS1234567"], "");
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(text(&output.stdout), @r"
    AADSTS1234567
      This code is not in the catalogue. Microsoft may explain it:
      look up     https://login.microsoftonline.com/error?code=1234567
    ");
}

#[test]
fn a_text_without_a_code_is_a_finding_with_a_hint() {
    for input in ["", "it does not work", "HTTP 401 on 127.0.0.1:65001"] {
        let output = explain(&[], &["-"], input);
        assert_eq!(output.status.code(), Some(1), "{input}");
        assert!(output.stdout.is_empty(), "{input}");
        assert!(text(&output.stderr).contains("there is no AADSTS code in it"), "{input}");
    }
}

#[test]
fn nothing_to_explain_is_a_usage_error() {
    assert_eq!(explain(&[], &[], "").status.code(), Some(2));
    assert_eq!(explain(&[], &["50011", "--list"], "").status.code(), Some(2));
}

#[test]
fn a_code_of_b2c_is_recognised() {
    let output = explain(&[], &["AADB2C90118: The user has forgotten their password."], "");
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(text(&output.stdout), @r"
    AADB2C90118
      A code of Azure AD B2C, which is another product than Microsoft Entra ID and not supported:
      AZURE_AUTHORITY_HOST leads to a B2C host.
      look up     https://learn.microsoft.com/azure/active-directory-b2c/error-codes
    ");
}

#[test]
fn the_attempt_is_shown_and_nothing_else_of_a_paste() {
    let secrets = [
        "0.AXoAcode-of-the-person",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl",
        "s3cr3t~value",
        "alice@contoso.test",
        "verifier-of-the-client",
        "xyz-state",
    ];
    let [code, token, secret, person, verifier, state] = secrets;
    let paste = format!(
        "POST /token client_secret={secret}&code={code}&code_verifier={verifier}&state={state}\nAuthorization: Bearer {token}\n\
         {{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS50105: The signed in user '{person}' is blocked. \
         Trace ID: 0000aaaa-11bb-cccc-dd33-eeeeee333333 Correlation ID: aaaa0000-bb11-2222-33cc-444444dddddd \
         Timestamp: 2026-01-09 02:02:12Z\",\"error_codes\":[50105],\"access_token\":\"{token}\"}}"
    );
    for arguments in [&["-"][..], &["-", "--json"]] {
        let output = explain(&[], arguments, &paste);
        assert_eq!(output.status.code(), Some(0));
        let all = text(&output.stdout) + &text(&output.stderr);
        for id in [
            "AADSTS50105",
            "0000aaaa-11bb-cccc-dd33-eeeeee333333",
            "aaaa0000-bb11-2222-33cc-444444dddddd",
            "2026-01-09 02:02:12Z",
        ] {
            assert!(all.contains(id), "{id}: {all}");
        }
        for secret in secrets {
            assert!(!all.contains(secret), "{secret}: {all}");
        }
    }
    let output = explain(&[], &["-"], &paste);
    let stdout = text(&output.stdout);
    insta::assert_snapshot!(stdout.split("the attempt").nth(1).unwrap_or_default(), @r"

      correlation aaaa0000-bb11-2222-33cc-444444dddddd
      request     0000aaaa-11bb-cccc-dd33-eeeeee333333
      time        2026-01-09 02:02:12Z
      look up     Entra admin center → Monitoring & health → Sign-in logs → Add filter: Correlation ID
    ");
}

#[test]
fn json_has_everything_that_a_program_needs() {
    let document = json(&["AADSTS50105 AADSTS1234567"], "");
    let [known, unknown] = document["codes"].as_array().map(Vec::as_slice).expect("a list") else {
        panic!("{document}")
    };
    assert_eq!(known["who"], "administrator");
    assert!(known["portal"]["do"].as_str().is_some_and(|path| path.contains("Users and groups")), "{known}");
    assert!(
        known["command"]["do"].as_str().is_some_and(|command| command.starts_with("az rest ")),
        "{known}"
    );
    assert!(known["sources"].as_array().is_some_and(|all| !all.is_empty()), "{known}");
    assert_eq!(unknown["known"], false);
    assert_eq!(unknown["lookup"], "https://login.microsoftonline.com/error?code=1234567");
    assert_eq!(document["attempt"], Value::Null);
}

/// Pasted into a shell in which the programs only print what they were given. A placeholder that is not quoted would be a
/// redirection.
#[cfg(unix)]
#[test]
fn every_command_can_be_pasted_as_it_is() {
    let list = text(&explain(&[], &["--list", "--json"], "").stdout);
    let list: Vec<Value> = serde_json::from_str(&list).expect("a list");
    let commands: Vec<String> = list
        .iter()
        .filter_map(|one| {
            let command = one["command"]["do"].as_str()?;
            Some(format!("{command}\n[ $? = 0 ] || echo {} >&2\n", one["aadsts"]))
        })
        .collect();
    assert!(commands.len() > 60, "{}", commands.len());
    drop(std::fs::remove_dir_all(directory("explain_paste")));
    let folder = directory("explain_paste");
    let programs = "az() { printf '%s\\n' \"$@\"; }; entragate() { az \"$@\"; }; curl() { az \"$@\"; }\n";
    let script = programs.to_owned() + &commands.concat();
    let pasted = Command::new("sh")
        .args(["-c", &script])
        .env("AZURE_FEDERATED_TOKEN_FILE", "/dev/null")
        .current_dir(&folder)
        .output()
        .expect("a shell");
    assert_eq!(text(&pasted.stderr), "");
    assert!(pasted.status.success());
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 0);
    let given = text(&pasted.stdout);
    for whole in ["<client id>", "<AZURE_CLIENT_ID>", "<scope id>=Scope", "https://<verified domain>/<path>"]
    {
        assert!(given.lines().any(|line| line == whole), "{whole}: {given}");
    }
}

#[test]
fn a_file_of_windows_powershell_is_read() {
    let paste = "error=invalid_request\r\nAADSTS50011: The redirect URI\r\n";
    let little: Vec<u8> =
        std::iter::once(0xfeff).chain(paste.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> =
        std::iter::once(0xfeff).chain(paste.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    let marked = [b"\xef\xbb\xbf50011\r\n".as_slice(), b"50011"];
    // Without the mark in front, as `iconv -t UTF-16LE` writes it.
    for bytes in [little.as_slice(), &big, &little[2..], &big[2..], marked[0], marked[1]] {
        let output = explain_bytes(&[], &["-", "--json"], bytes);
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(codes(&document), [50011]);
    }
}

#[test]
fn a_text_that_is_too_long_is_said_to_be_cut() {
    let long = format!("AADSTS50011: {}AADSTS50105", "x".repeat(4 << 20));
    let output = explain(&[], &["-", "--json"], &long);
    assert_eq!(text(&output.stderr), "it is longer than 4 MiB: the rest is not read\n");
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(codes(&document), [50011]);
}

#[test]
fn the_list_has_every_code() {
    let lines = text(&explain(&[], &["--list"], "").stdout);
    let document = text(&explain(&[], &["--list", "--json"], "").stdout);
    let document: Vec<Value> = serde_json::from_str(&document).expect("a list");
    assert_eq!(lines.lines().count(), aadsts::all().count());
    assert_eq!(document.len(), aadsts::all().count());
    let listed: Vec<u64> = document.iter().filter_map(|one| one["code"].as_u64()).collect();
    assert!(listed.is_sorted(), "{listed:?}");
}

/// The emulated Entra's refusals in the three shapes that people see them in.
#[tokio::test]
async fn what_entra_answers_is_understood_as_page_as_json_and_as_redirect() {
    let entra = Emulator::builder().keys(KeySource::Embedded).start().await.expect("an emulator");
    let client = client();
    let authorize = |redirect: &str| {
        format!(
            "{}/{}/oauth2/v2.0/authorize?client_id={}&response_type=code&scope=openid&state=xyz-state&redirect_uri={redirect}",
            entra.url(),
            fixtures::TENANT,
            fixtures::CLI
        )
    };

    let page = client.get(authorize("http://localhost/nowhere")).send().await.expect("an answer");
    let page = page.text().await.expect("a page");
    assert!(page.contains("$Config"), "{page}");
    let document = json(&["-"], &page);
    assert_eq!(codes(&document), [50011]);
    assert!(document["attempt"]["correlation_id"].is_string(), "{document}");
    assert!(document["attempt"]["trace_id"].is_string(), "{document}");

    let body = [
        ("grant_type", "refresh_token"),
        ("client_id", fixtures::CLI),
        ("refresh_token", "nonsense"),
        ("scope", "openid"),
    ];
    let url = format!("{}/{}/oauth2/v2.0/token", entra.url(), fixtures::TENANT);
    let answer = client.post(url).form(&body).send().await.expect("an answer");
    let answer = answer.text().await.expect("a body");
    let document = json(&["-"], &answer);
    assert_eq!(codes(&document), [9_002_313], "{answer}");
    assert!(document["attempt"]["timestamp"].is_string(), "{document}");

    entra.control().inject(Fault {
        endpoint: Endpoint::Authorize,
        kind: FaultKind::Refuse { code: 65004, claims: None },
        times: None,
    });
    let answer = client.get(authorize("http://localhost/callback")).send().await.expect("an answer");
    let address = answer.headers()["location"].to_str().expect("a URL").to_owned();
    let document = json(&[&address], "");
    assert_eq!(codes(&document), [65004], "{address}");
    assert!(document["attempt"]["correlation_id"].is_string(), "{address}: {document}");
    assert!(!document.to_string().contains("xyz-state"));
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    #[expect(clippy::disallowed_methods, reason = "a browser of the test, not a client of the gateway")]
    let builder = reqwest::Client::builder();
    builder.no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

fn page(path: &str) -> String {
    std::fs::read_to_string(format!("{ROOT}/{path}")).expect("a page")
}

#[test]
fn every_code_that_the_emulator_answers_has_an_entry() {
    let manual = page("docs/reference/emulator.md");
    let ordered = manual.split("### Ordered refusals").nth(1).and_then(|rest| rest.split("\n### ").next());
    let rows = ordered
        .expect("the list")
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok());
    let listed: Vec<u64> = rows.collect();
    assert!(listed.len() > 70, "{listed:?}");
    // Line by line, because of a long text only the first codes are taken.
    let named = manual.lines().filter(|line| line.contains("AADSTS")).flat_map(aadsts::codes_in);
    for code in listed.into_iter().chain(named) {
        assert!(aadsts::find(code).is_some(), "AADSTS{code} has no entry");
    }
}

#[test]
fn every_code_on_a_page_about_incompatibilities_has_an_entry_and_every_page_is_known() {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(format!("{ROOT}/docs/incompatibilities")).expect("a folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("a name");
        for code in aadsts::codes_in(&page(&format!("docs/incompatibilities/{name}"))) {
            assert!(aadsts::find(code).is_some(), "{name}: AADSTS{code} has no entry");
        }
        if name.as_bytes()[0].is_ascii_digit() {
            found.push(name);
        }
    }
    found.sort();
    assert_eq!(found, PAGES.map(|page| page.file));
}

#[test]
fn the_reference_page_of_codes_is_up_to_date() {
    let expected = entragate_cli::explain::reference();
    let path = format!("{ROOT}/docs/reference/aadsts.md");
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not a setting of the program")]
    if std::env::var("UPDATE_DOCS").is_ok_and(|value| value == "1") {
        std::fs::write(&path, &expected).expect("the page can be written");
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == expected,
        "docs/reference/aadsts.md is stale: run `UPDATE_DOCS=1 cargo test -p entragate-cli`"
    );
}
