//! `entragate token check` against an emulated Entra: exit codes, what is printed, and what never is.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use entragate_emulator::{Defect, Directory, Emulator, KeySource, MintRequest, fixtures};
use serde_json::Value;

use crate::config_fixture::directory;

const RULES: &str = r#"rules = [{ tools = ["admin_*"], roles = ["Admin"] }, { tools = ["write"], scopes = ["write"] }, { tools = ["*"] }]"#;

struct Entra {
    emulator: Emulator,
    directory: PathBuf,
}

impl Entra {
    async fn start(name: &str) -> Self {
        let emulator = Emulator::builder().keys(KeySource::Embedded).start().await.expect("an emulator");
        let directory = directory(name);
        fs::write(directory.join("entragate.toml"), RULES).expect("a file");
        Self { emulator, directory }
    }

    fn mint(&self, request: &MintRequest) -> String {
        self.emulator.control().mint(request)
    }

    fn good(&self) -> String {
        self.mint(&MintRequest::default())
    }

    fn spoilt(&self, defect: Defect) -> String {
        self.mint(&MintRequest { defect: Some(defect), ..MintRequest::default() })
    }

    fn relay(&self) -> Vec<(String, String)> {
        [
            ("AZURE_TENANT_ID", fixtures::TENANT),
            ("AZURE_CLIENT_ID", fixtures::API),
            ("AZURE_MCP_CLIENT_ID", fixtures::MCP),
            ("AZURE_AUTHORITY_HOST", self.emulator.url()),
            ("ENTRAGATE_ENTRA_SCOPES", "access"),
            ("ENTRAGATE_UPSTREAM", "http://127.0.0.1:9/mcp"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    fn broker(&self, more: &[(&str, String)]) -> Vec<(String, String)> {
        let mut environment = self.relay();
        environment.retain(|(name, _)| name != "AZURE_MCP_CLIENT_ID");
        environment.push(("AZURE_CLIENT_SECRET".to_owned(), fixtures::API_SECRET.to_owned()));
        environment.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        environment
    }

    async fn check(&self, stdin: &str, arguments: &[&str]) -> Printed {
        check(&self.directory, self.relay(), stdin, arguments).await
    }
}

#[derive(Debug)]
struct Printed {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

async fn check(
    directory: &Path,
    environment: Vec<(String, String)>,
    stdin: &str,
    arguments: &[&str],
) -> Printed {
    run(directory, environment, stdin, &[&["token", "check"], arguments].concat()).await
}

async fn run(
    directory: &Path,
    environment: Vec<(String, String)>,
    stdin: &str,
    arguments: &[&str],
) -> Printed {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entragate"));
    command.args(arguments).env_clear().envs(environment).current_dir(directory);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let stdin = stdin.to_owned();
    let run = move || -> Output {
        let mut child = command.spawn().expect("the binary runs");
        // A command that needs no input may be gone before it is written.
        let _ = child.stdin.take().expect("a pipe").write_all(stdin.as_bytes());
        child.wait_with_output().expect("it ends")
    };
    let output = tokio::task::spawn_blocking(run).await.expect("it does not panic");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Printed { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// No 16 characters of the payload as it was sent or of the signature.
fn assert_discreet(printed: &Printed, token: &str) {
    let parts: Vec<&str> = token.split('.').collect();
    for text in [&printed.stdout, &printed.stderr] {
        for window in parts[1].as_bytes().windows(16).chain(parts[2].as_bytes().windows(16)) {
            let window = std::str::from_utf8(window).expect("base64url");
            assert!(!text.contains(window), "16 characters of the token: {text}");
        }
    }
}

/// What differs from run to run, masked.
fn stable(text: &str, url: &str) -> String {
    let mask = |line: &str| match ["ends ", "begins "].iter().find_map(|word| line.split_once(word)) {
        Some((before, _)) if line.contains("GMT") => format!("{before}[time]"),
        _ if line.contains(" bytes") => "  ✓ length                [size]".to_owned(),
        _ => line.trim_end().to_owned(),
    };
    text.replace(url, "[entra]").lines().map(mask).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_token_is_0_and_told_with_what_the_rules_allow() {
    let entra = Entra::start("token_check_good").await;
    let token = entra.good();
    let printed = entra.check(&token, &[]).await;
    assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""));
    assert_discreet(&printed, &token);
    insta::assert_snapshot!(stable(&printed.stdout, entra.emulator.url()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_1_and_told_with_the_remedy() {
    let entra = Entra::start("token_check_refused").await;
    let claims =
        serde_json::json!({ "iss": "https://sts.windows.net/99999999-9999-4999-8999-999999999999/" });
    let token = entra.mint(&MintRequest {
        defect: Some(Defect::GraphNonce),
        claims: claims.as_object().expect("an object").clone(),
        ..MintRequest::default()
    });
    let printed = entra.check(&token, &[]).await;
    assert_eq!((printed.code, printed.stderr.as_str()), (Some(1), ""));
    assert_discreet(&printed, &token);
    insta::assert_snapshot!(stable(&printed.stdout, entra.emulator.url()));
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_the_same_checks_and_nothing_of_the_signature() {
    let entra = Entra::start("token_check_json").await;
    for (token, code, verdict) in [(entra.good(), 0, "valid"), (entra.spoilt(Defect::Expired), 1, "refused")]
    {
        let printed = entra.check(&token, &["--json"]).await;
        assert_eq!(printed.code, Some(code), "{printed:?}");
        assert_discreet(&printed, &token);
        let report: Value = serde_json::from_str(&printed.stdout).expect("JSON");
        assert_eq!(report["verdict"], verdict);
        let checks = report["checks"].as_array().expect("checks");
        let failed: Vec<_> = checks.iter().filter(|check| check["outcome"] == "failed").collect();
        assert_eq!(failed.len(), usize::try_from(code).expect("0 or 1"), "{failed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_read_from_everywhere_and_an_argument_is_warned_of() {
    let entra = Entra::start("token_check_input").await;
    let token = entra.good();
    fs::write(entra.directory.join("token.txt"), format!("{token}\n")).expect("a file");
    let response = format!(r#"{{"token_type":"Bearer","access_token":"{token}"}}"#);
    for (stdin, arguments) in [
        (token.as_str(), &["-"][..]),
        (&format!("Authorization: Bearer {token}\r\n"), &[]),
        (&response, &[]),
        ("", &["token.txt"]),
    ] {
        let printed = entra.check(stdin, arguments).await;
        assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
    // As `>` in Windows PowerShell and editors write it.
    let units: Vec<u16> = format!("{token}\r\n").encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    for bytes in [
        [b"\xff\xfe", little.as_slice()].concat(),
        [b"\xfe\xff", big.as_slice()].concat(),
        little,
        [b"\xef\xbb\xbf", token.as_bytes()].concat(),
    ] {
        fs::write(entra.directory.join("windows.txt"), &bytes).expect("a file");
        let printed = entra.check("", &["windows.txt"]).await;
        assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""), "{bytes:?}");
    }
    let nothing = entra.check("Bearer ", &[]).await;
    assert!(nothing.stdout.contains("check=authorization_header"), "{}", nothing.stdout);
    let printed = entra.check("", &[&token]).await;
    assert_eq!(printed.code, Some(0));
    assert!(printed.stderr.starts_with("warning: a token as an argument"), "{}", printed.stderr);
    for (stdin, arguments, says) in [
        ("", &[][..], "there is no token"),
        ("{\"error\":\"invalid_grant\"}", &[], "no access_token"),
        ("", &["nowhere.txt"], "neither a file nor a token"),
        ("x", &["--at", "yesterday"], "2026-01-31T12:00:00Z"),
        ("x", &["--tenant", "contoso.com"], "--audience"),
    ] {
        let printed = entra.check(stdin, arguments).await;
        assert_eq!((printed.code, printed.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(printed.stderr.contains(says), "{}", printed.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn saved_keys_judge_offline_and_at_another_time() {
    let entra = Entra::start("token_check_offline").await;
    let token = entra.good();
    let saved = entra.check("", &["--save-keys", "keys.json"]).await;
    assert_eq!((saved.code, saved.stdout.as_str()), (Some(0), ""), "{saved:?}");
    let (environment, place) = (entra.relay(), entra.directory.clone());
    entra.emulator.shutdown().await;
    let offline = |arguments: &'static [&'static str]| check(&place, environment.clone(), &token, arguments);
    assert_eq!(offline(&["--keys", "keys.json"]).await.code, Some(0));
    let later = offline(&["--keys", "keys.json", "--at", "2099-12-31T00:00:00Z"]).await;
    assert_eq!(later.code, Some(1));
    assert!(later.stdout.contains("check=expired"), "{}", later.stdout);
    let earlier = offline(&["--keys", "keys.json", "--at", "1000000000"]).await;
    assert!(earlier.stdout.contains("check=not_yet_valid"), "{}", earlier.stdout);
    // Without keys nobody knows.
    let online = offline(&[]).await;
    assert_eq!(online.code, Some(2), "{online:?}");
    assert!(online.stdout.contains("could not be checked"), "{}", online.stdout);
    let nothing = offline(&["--keys", "nowhere.json"]).await;
    assert_eq!(nothing.code, Some(2));
    assert!(nothing.stderr.contains("cannot read nowhere.json"), "{}", nothing.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_and_audience_are_enough_without_a_configuration() {
    let entra = Entra::start("token_check_flags").await;
    let url = entra.emulator.url().to_owned();
    let flags = ["--tenant", fixtures::TENANT, "--audience", fixtures::API, "--authority", url.as_str()];
    let good = check(&entra.directory, Vec::new(), &entra.good(), &flags).await;
    assert_eq!(good.code, Some(0), "{good:?}");
    assert!(good.stdout.contains("everything: there are no rules"), "{}", good.stdout);
    let other = check(&entra.directory, Vec::new(), &entra.spoilt(Defect::SiblingApp), &flags).await;
    assert_eq!(other.code, Some(1));
    // A configuration without sign-in judges nothing.
    let development = [("ENTRAGATE_UPSTREAM".to_owned(), "http://127.0.0.1:9/mcp".to_owned())];
    let none = check(&entra.directory, development.to_vec(), &entra.good(), &[]).await;
    assert_eq!(none.code, Some(2));
    assert!(none.stderr.contains("--tenant and --audience"), "{}", none.stderr);
}

/// Nothing is passed on, so nobody has to say to whom.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_judged_without_an_mcp_server() {
    let entra = Entra::start("token_check_no_upstream").await;
    let without = |mut environment: Vec<(String, String)>| {
        environment.retain(|(name, _)| name != "ENTRAGATE_UPSTREAM");
        environment
    };
    let judged = check(&entra.directory, without(entra.relay()), &entra.good(), &[]).await;
    assert_eq!((judged.code, judged.stderr.as_str()), (Some(0), ""), "{judged:?}");
    assert_eq!(rules_of(&judged).len(), 4, "{}", judged.stdout);
    // Where nothing is configured at all, the flags are what helps.
    let empty = directory("token_check_empty");
    let nothing = check(&empty, Vec::new(), &entra.good(), &[]).await;
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(2), ""), "{nothing:?}");
    assert!(nothing.stderr.contains("--tenant and --audience"), "{}", nothing.stderr);
    assert!(!nothing.stderr.contains("ENTRAGATE_UPSTREAM"), "{}", nothing.stderr);
    // Half of one is still wrong, and the flags are named besides.
    let half: Vec<_> = entra.relay().into_iter().filter(|(name, _)| name == "AZURE_CLIENT_ID").collect();
    let half = check(&empty, half, &entra.good(), &[]).await;
    assert_eq!((half.code, half.stdout.as_str()), (Some(2), ""), "{half:?}");
    assert!(half.stderr.contains("AZURE_TENANT_ID") && half.stderr.contains("--audience"), "{}", half.stderr);
    assert!(!half.stderr.contains("ENTRAGATE_UPSTREAM"), "{}", half.stderr);
    // A wrong one is not taken for none.
    let wrong = [without(entra.relay()), vec![("ENTRAGATE_UPSTREAM".to_owned(), "nonsense".to_owned())]];
    let wrong = check(&entra.directory, wrong.concat(), &entra.good(), &[]).await;
    assert!(wrong.code == Some(2) && wrong.stderr.contains("not a URL"), "{wrong:?}");
    // A sealed token names the MCP server that it is for, and nobody here knows which one that is.
    let environment = without(entra.broker(&[("ENTRAGATE_STATE_KEYS", "k".repeat(32))]));
    let sealed = check(&entra.directory, environment, SEALED, &[]).await;
    assert_eq!(sealed.code, Some(2), "{sealed:?}");
    assert!(sealed.stdout.starts_with("This token could not be checked."), "{}", sealed.stdout);
    assert!(sealed.stdout.contains("ENTRAGATE_UPSTREAM"), "{}", sealed.stdout);
}

/// Clap breaks lines at the width of the terminal; breaks of our own would be broken again.
#[tokio::test(flavor = "multi_thread")]
async fn the_help_is_broken_once() {
    let entra = Entra::start("token_check_help").await;
    let help = entra.check("", &["--help"]).await.stdout;
    let after = help.split("Understands a token").nth(1).expect("the text behind the options");
    let lines: Vec<&str> = after.lines().collect();
    for pair in lines.windows(2).skip(1).filter(|pair| !pair.iter().any(|line| line.is_empty())) {
        let next = pair[1].split(' ').next().unwrap_or_default();
        let is_full = pair[0].chars().count() + 1 + next.chars().count() > 100;
        assert!(is_full || next == "Exit", "{after}");
    }
}

/// A group that gina is in besides her 201 others.
const ENGINEERING: &str = "9a000000-0000-4000-8000-000000000003";
const ANOTHER: &str = "9a000000-0000-4000-8000-000000000004";
const SECRET: &str = "grouped-s3cret";

/// An app that emits groups, with rules over groups and, for `rest`, what else there is.
async fn grouped(name: &str, rest: &str) -> Entra {
    let toml = Directory::fixtures().to_toml();
    let toml = toml.replacen(r#"members = ["greta"]"#, r#"members = ["greta", "gina"]"#, 1);
    let directory = Directory::from_toml(&toml).expect("a directory");
    let builder = Emulator::builder().keys(KeySource::Embedded).directory(directory);
    let emulator = builder.start().await.expect("an emulator");
    emulator.control().set_secrets("GROUPED", &[SECRET]).expect("the app is there");
    for role in ["GroupMember.Read.All", "User.Read.All"] {
        emulator.control().assign(fixtures::GRAPH, "GROUPED", role).expect("the role is there");
    }
    let directory = crate::config_fixture::directory(name);
    let rules = format!(
        r#"rules = [{{ tools = ["admin_*"], groups = ["{ENGINEERING}"] }}, {{ tools = ["release_*"], groups = ["{ANOTHER}"] }}{rest}]"#
    );
    fs::write(directory.join("entragate.toml"), rules).expect("a file");
    Entra { emulator, directory }
}

impl Entra {
    /// Relay mode in front of the app that emits groups, with a credential to read them if `secret` is one.
    fn grouped(&self, secret: Option<&str>) -> Vec<(String, String)> {
        let mut environment = self.relay();
        environment.retain(|(name, _)| name != "AZURE_CLIENT_ID" && name != "ENTRAGATE_ENTRA_SCOPES");
        environment.push(("AZURE_CLIENT_ID".to_owned(), fixtures::GROUPED.to_owned()));
        environment.extend(secret.map(|secret| ("AZURE_CLIENT_SECRET".to_owned(), secret.to_owned())));
        environment
    }

    fn gina(&self) -> String {
        let (app, user) = (Some("GROUPED".to_owned()), Some("gina".to_owned()));
        self.mint(&MintRequest { app, user, ..MintRequest::default() })
    }

    fn asked_graph(&self) -> usize {
        let requests = self.emulator.control().requests();
        requests.iter().filter(|request| request.path.ends_with("/getMemberObjects")).count()
    }
}

/// The lines about the rules.
fn rules_of(printed: &Printed) -> Vec<&str> {
    let lines = printed.stdout.lines().skip_while(|line| !line.starts_with("what the rules allow"));
    lines.skip(1).take_while(|line| line.starts_with("  ")).map(str::trim).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_groups_for_a_token_are_asked_of_graph_as_the_gateway_asks() {
    let entra = grouped("token_check_groups", "").await;
    let printed = check(&entra.directory, entra.grouped(Some(SECRET)), &entra.gina(), &[]).await;
    assert_eq!((printed.code, entra.asked_graph()), (Some(0), 1), "{printed:?}");
    assert_eq!(
        rules_of(&printed),
        [
            "✓ tools/call admin_*".to_owned(),
            format!("✗ tools/call release_*  needs membership in group {ANOTHER}"),
            "✗ everything else that does something: refused, no rule names it".to_owned(),
        ]
    );
    assert!(printed.stdout.contains(&format!("the user is in: {ENGINEERING}.")), "{}", printed.stdout);
    assert_discreet(&printed, &entra.gina());
    // A token that is refused is no reason to ask, and one whose groups are there none either.
    for (user, defect) in [("gina", Some(Defect::Expired)), ("bob", None)] {
        let (app, user) = (Some("GROUPED".to_owned()), Some(user.to_owned()));
        let token = entra.mint(&MintRequest { app, user, defect, ..MintRequest::default() });
        let printed = check(&entra.directory, entra.grouped(Some(SECRET)), &token, &[]).await;
        assert_eq!((printed.code, entra.asked_graph()), (Some(1), 1), "{printed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_of_graph_nobody_knows_and_the_report_says_what_is_needed() {
    let entra = grouped("token_check_groups_unknown", "").await;
    let (gina, place) = (entra.gina(), entra.directory.clone());
    let saved = check(&place, entra.grouped(None), "", &["--save-keys", "keys.json"]).await;
    assert_eq!(saved.code, Some(0), "{saved:?}");
    let question = format!(
        "? tools/call admin_*  needs membership in group {ENGINEERING}, for which the gateway would ask Microsoft Graph"
    );
    for (secret, arguments, says) in [
        (
            SECRET,
            &["--keys", "keys.json"][..],
            "not asked for the groups, because with saved keys nobody is asked",
        ),
        ("wrong", &[], "7000215"),
    ] {
        let printed = check(&place, entra.grouped(Some(secret)), &gina, arguments).await;
        assert_eq!((printed.code, entra.asked_graph()), (Some(2), 0), "{printed:?}");
        assert!(
            printed.stdout.starts_with("The gateway would accept this token, and whether it"),
            "{}",
            printed.stdout
        );
        assert!(rules_of(&printed).contains(&question.as_str()), "{}", printed.stdout);
        assert!(printed.stdout.contains(says), "{}", printed.stdout);
        assert!(!printed.stdout.contains(secret) && !printed.stderr.contains(secret), "{printed:?}");
    }
    // Without a credential the gateway asks nobody and refuses.
    let printed = check(&place, entra.grouped(None), &gina, &["--json"]).await;
    assert_eq!((printed.code, entra.asked_graph()), (Some(1), 0), "{printed:?}");
    let report: Value = serde_json::from_str(&printed.stdout).expect("JSON");
    assert_eq!((&report["verdict"], &report["access"]["overall"]), (&"valid".into(), &"refused".into()));
    let needs = report["access"]["rules"][0]["needs"].as_str().expect("a reason");
    assert!(needs.contains(ENGINEERING) && needs.contains("groups.overage"), "{needs}");
    // With something that needs no groups the token is good for that.
    let entra = grouped("token_check_groups_open", r#", { tools = ["*"] }"#).await;
    let saved = check(&entra.directory, entra.grouped(None), "", &["--save-keys", "keys.json"]).await;
    assert_eq!(saved.code, Some(0), "{saved:?}");
    let open =
        check(&entra.directory, entra.grouped(Some(SECRET)), &entra.gina(), &["--keys", "keys.json"]).await;
    assert_eq!(open.code, Some(0), "{open:?}");
    assert!(rules_of(&open).contains(&question.as_str()), "{}", open.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_accepted_and_good_for_nothing_is_1() {
    let entra = Entra::start("token_check_nothing").await;
    let bob = entra.mint(&MintRequest { user: Some("bob".to_owned()), ..MintRequest::default() });
    let of_other_scope = entra.mint(&MintRequest { scp: Some("other".to_owned()), ..MintRequest::default() });
    let head = "The gateway would accept this token, and refuse every call that does something.\n";
    for (rules, token, says) in [
        (r#"rules = [{ tools = ["*"], roles = ["Admin"] }]"#, &bob, "No rule lets the caller do anything"),
        (r#"rules = [{ tools = ["*"] }]"#, &of_other_scope, "Every call needs scope access"),
        ("", &of_other_scope, "Every call needs scope access"),
    ] {
        fs::write(entra.directory.join("entragate.toml"), rules).expect("a file");
        let printed = entra.check(token, &[]).await;
        assert_eq!((printed.code, printed.stderr.as_str()), (Some(1), ""), "{rules}: {printed:?}");
        assert!(printed.stdout.starts_with(head) && printed.stdout.contains(says), "{}", printed.stdout);
        let json: Value = serde_json::from_str(&entra.check(token, &["--json"]).await.stdout).expect("JSON");
        assert_eq!((&json["verdict"], &json["access"]["overall"]), (&"valid".into(), &"refused".into()));
        // No mark says that something goes through.
        assert!(rules_of(&printed).iter().all(|line| !line.starts_with('✓')), "{}", printed.stdout);
        for rule in json["access"]["rules"].as_array().expect("rules") {
            assert_eq!(rule["access"], "refused", "{json}");
            assert!(rule["needs"].is_string(), "{json}");
        }
    }
    fs::write(entra.directory.join("entragate.toml"), RULES).expect("a file");
    assert_eq!(entra.check(&bob, &[]).await.code, Some(0), "some calls are enough");
    let help = entra.check("", &["--help"]).await;
    let help: Vec<&str> = help.stdout.split_whitespace().collect();
    assert!(help.join(" ").contains("accept it and refuse every call"), "{help:?}");
}

const SEALED: &str = "ega_AAAAAAAAAAAAAAAAAAAAAAAA";

#[tokio::test(flavor = "multi_thread")]
async fn in_broker_mode_a_token_of_another_gateway_is_named_where_the_seal_key_is() {
    let entra = Entra::start("token_check_broker").await;
    let state = entra.directory.join("state");
    let _ = fs::remove_dir_all(&state);
    entragate::seal_key_file(&state).expect("a seal key");
    let in_directory = ("ENTRAGATE_STATE_DIRECTORY", state.display().to_string());
    for key in [in_directory, ("ENTRAGATE_STATE_KEYS", "k".repeat(32))] {
        let sealed = check(&entra.directory, entra.broker(&[key]), SEALED, &[]).await;
        assert_eq!(sealed.code, Some(1), "{sealed:?}");
        assert!(sealed.stdout.contains("check=not_sealed_here"), "{}", sealed.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_seal_key_nobody_knows_and_no_state_is_made() {
    let entra = Entra::start("token_check_no_key").await;
    let state = entra.directory.join("state");
    let _ = fs::remove_dir_all(&state);
    let environment = entra.broker(&[("ENTRAGATE_STATE_DIRECTORY", state.display().to_string())]);
    let looked_in = format!("seal key is not here (looked in {})", state.join("seal.key").display());
    let flags = ["--tenant", fixtures::TENANT, "--audience", fixtures::API];
    for (environment, arguments, says) in [
        (environment.clone(), &[][..], looked_in.as_str()),
        (environment.clone(), &["Bearer", SEALED], looked_in.as_str()),
        (entra.broker(&[]), &[], "keeps it to itself"),
        (Vec::new(), &flags, "no configuration is read"),
    ] {
        let printed = check(&entra.directory, environment, SEALED, arguments).await;
        assert_eq!(printed.code, Some(2), "{printed:?}");
        assert!(printed.stdout.starts_with("This token could not be checked."), "{}", printed.stdout);
        assert!(printed.stdout.contains(says) && !printed.stdout.contains('✗'), "{}", printed.stdout);
    }
    let json = check(&entra.directory, environment.clone(), SEALED, &["--json"]).await;
    let report: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!((json.code, &report["verdict"]), (Some(2), &Value::from("unjudged")));
    let of_entra = check(&entra.directory, environment, &entra.good(), &[]).await;
    assert_eq!(of_entra.code, Some(0), "{of_entra:?}");
    assert!(!state.exists(), "a look at a token makes no state");
    // Relay mode accepts no sealed token, whoever sealed it.
    assert_eq!(entra.check(SEALED, &[]).await.code, Some(1));
}

/// A token where it does not belong is neither repeated by us nor by the parser of the command line.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_the_wrong_place_is_never_repeated() {
    let entra = Entra::start("token_check_misplaced").await;
    let token = entra.good();
    let (token, quoted) = (token.as_str(), format!("Bearer {token}"));
    let glued = format!("--at={token}");
    let wrong: &[&[&str]] = &[
        &["token", token],
        &["token", "Bearer", token],
        &["token", "check", "-", token],
        &["token", "check", token, token],
        &["token", "check", "Basic", token],
        &["token", "check", "--", "-x", token],
        &["token", "check", "--at", token],
        &["token", "check", &glued],
        &["token", "check", "--tenant", token, "--audience", fixtures::API],
        &["token", "check", "--audience", token, "--tenant", fixtures::TENANT],
        &["token", "check", "--authority", token, "--tenant", fixtures::TENANT],
        &["token", "check", "--keys", token],
        &["token", "check", "--save-keys", token],
        &["token", "check", "--config", token],
        &["token", "check", &format!("--{token}")],
        &["token", "check", &format!("--json={token}")],
        &["--config", token, "config", "check", "--json"],
        &["config", "check", token],
        &["doctor", token],
        &["trace", "--config", token],
        &["explain", token],
        &[token],
    ];
    for colour in ["NO_COLOR", "CLICOLOR_FORCE"] {
        for arguments in wrong {
            let environment = [entra.relay(), vec![(colour.to_owned(), "1".to_owned())]].concat();
            let printed = run(&entra.directory, environment, "", arguments).await;
            assert_ne!(printed.code, Some(0), "{arguments:?}");
            assert!(!(printed.stdout.clone() + &printed.stderr).is_empty(), "{arguments:?}");
            assert_discreet(&printed, token);
        }
    }
    for right in
        [&["Bearer", token][..], &["bearer", token], &["Authorization:", "Bearer", token], &[&quoted]]
    {
        let printed = entra.check("", right).await;
        assert_eq!(printed.code, Some(0), "{printed:?}");
        assert!(printed.stderr.starts_with("warning: a token as an argument"), "{}", printed.stderr);
        assert_discreet(&printed, token);
    }
}

#[tokio::test]
async fn where_there_are_several_servers_a_token_is_judged_at_the_one_that_is_named() {
    let entra = Entra::start("token_check_routes").await;
    let routes = format!(
        "routes = [{{ url = \"http://127.0.0.1:9/mcp\", path = \"/a\", rules = [{{ tools = [\"only_a\"] }}] }}, \
         {{ url = \"http://127.0.0.1:9/mcp\", path = \"/b\", client_id = \"{}\" }}]",
        fixtures::API1
    );
    fs::write(entra.directory.join("entragate.toml"), routes).expect("a file");
    let mut environment = entra.relay();
    environment.retain(|(name, _)| name != "ENTRAGATE_UPSTREAM");
    let token = entra.good();
    let judged =
        async |arguments: &[&str]| check(&entra.directory, environment.clone(), &token, arguments).await;
    let unnamed = judged(&[]).await;
    assert_eq!(unnamed.code, Some(2));
    assert!(unnamed.stderr.contains("name one with --route: /a, /b"), "{unnamed:?}");
    let unknown = judged(&["--route", "/c"]).await;
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("no MCP server is at /c: there are /a, /b"), "{unknown:?}");
    let at_a = judged(&["--route", "/a"]).await;
    assert_eq!(at_a.code, Some(0), "{at_a:?}");
    assert!(at_a.stdout.contains("only_a"), "the rules of this route: {at_a:?}");
    let at_b = judged(&["--route", "http://localhost:3002/b", "--json"]).await;
    assert_eq!(at_b.code, Some(1), "{at_b:?}");
    let report: Value = serde_json::from_str(&at_b.stdout).expect("JSON");
    assert_eq!(report["check"], "audience");
}
