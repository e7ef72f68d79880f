//! `upstream.url = "stdio: …"`: an MCP server that the gateway starts itself, a process for each session.

use std::path::{Path, PathBuf};
use std::time::Duration;

use entragate::Secret;

use super::checked::StdioConfig;
use super::command_line::words;
use super::environment::Environment;
use super::item::{Item, Value};
use super::keys::{self, Key, Kind};
use super::program;
use super::reader::{Reader, Wrong, printable};
use super::upstream::ONE_DAY_SECONDS;

const MAX_PROCESSES: u64 = 64;
const MAX_PROCESSES_PER_USER: u64 = 8;
const MOST_PROCESSES: i64 = 10_000;
const START_TIMEOUT_SECONDS: u64 = 60;
const IDLE_TIMEOUT_SECONDS: u64 = 1800;

/// What belongs to a stdio server and means nothing to one that is reached over HTTP.
static OWN: [&Key; 6] = [
    &keys::UPSTREAM_ENVIRONMENT,
    &keys::UPSTREAM_DIRECTORY,
    &keys::MAX_PROCESSES,
    &keys::MAX_PROCESSES_PER_USER,
    &keys::START_TIMEOUT,
    &keys::IDLE_TIMEOUT,
];
/// The other way round, each with the reason.
static OF_HTTP: [(&Key, &str); 9] = [
    (&keys::UPSTREAM_REPLICAS, "it is started as often as it is needed"),
    (&keys::UPSTREAM_ALSO, "it has no paths of its own"),
    (
        &keys::CONNECT_TIMEOUT,
        "nothing connects to it; start_timeout_seconds is how long it may take to start",
    ),
    (&keys::RESPONSE_HEADER_TIMEOUT, "the gateway begins the answer itself"),
    (&keys::UPSTREAM_AUDIENCE, NO_HEADERS),
    (&keys::UPSTREAM_CREDENTIAL, NO_HEADERS),
    (&keys::UPSTREAM_CREDENTIAL_FILE, NO_HEADERS),
    (&keys::UPSTREAM_CREDENTIAL_HEADER, NO_HEADERS),
    (&keys::ON_BEHALF_OF_SCOPES, NO_HEADERS),
];
const NO_HEADERS: &str = "it gets no headers, so nothing can be handed to it with a call";
/// What a program needs to run at all: what the SDKs of MCP let through as well, and where time and language are read.
/// Not variables of proxies, which may hold passwords.
const INHERITED: [&str; 26] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TERM",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "TMP",
    "TEMP",
    // Windows
    "APPDATA",
    "COMSPEC",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "USERNAME",
    "USERPROFILE",
];
/// Variables that the gateway sets itself, or reads.
const RESERVED: &str = "ENTRAGATE_";

/// Whether the server is one.
pub(super) fn is_meant(reader: &Reader) -> bool {
    matches!(reader.item(&keys::UPSTREAM).map(|item| &item.value), Some(Value::Text(text)) if text.trim_start().starts_with(super::command_line::SCHEME))
}

/// Refuses what would have no effect on a server that is reached over HTTP.
pub(super) fn refuse_own(reader: &mut Reader) {
    for key in OWN {
        if reader.is_given(key) {
            let wrong = Wrong::new(
                "belongs to a stdio server, and upstream.url is not `stdio:` and a command line",
                "remove it, or name the command in upstream.url",
            );
            reader.problem(key, wrong);
        }
    }
}

/// Reads everything but the public path.
pub(super) fn stdio(
    reader: &mut Reader,
    environment: &Environment,
    path: Option<String>,
) -> Option<StdioConfig> {
    for (key, reason) in OF_HTTP {
        if reader.is_given(key) {
            let what = format!("has no effect on a stdio server: {reason}");
            reader.problem(key, Wrong::new(what, "remove it"));
        }
    }
    if environment.is_root() {
        warn_of_root(reader);
    }
    let words = reader.parse(&keys::UPSTREAM, |text| words(text.trim())).given();
    let directory = reader.parse(&keys::UPSTREAM_DIRECTORY, directory).map(Some).or_default(|| None);
    let variables = variables(reader, environment);
    let found = match (&words, &directory, &variables) {
        (Some(words), Some(directory), Some(variables)) => {
            found(reader, words, directory.as_deref(), variables)
        }
        _ => None,
    };
    let tells_caller = tells_caller(reader);
    let max_processes = reader.count(&keys::MAX_PROCESSES, 1..=MOST_PROCESSES).or_default(|| MAX_PROCESSES);
    let per_user = reader.count(&keys::MAX_PROCESSES_PER_USER, 1..=MOST_PROCESSES);
    let per_user = per_user.or_default(|| MAX_PROCESSES_PER_USER.min(max_processes.unwrap_or(u64::MAX)));
    let start = reader.count(&keys::START_TIMEOUT, 1..=ONE_DAY_SECONDS).or_default(|| START_TIMEOUT_SECONDS);
    let idle = reader.count(&keys::IDLE_TIMEOUT, 1..=ONE_DAY_SECONDS).or_default(|| IDLE_TIMEOUT_SECONDS);
    if let (Some(all), Some(one)) = (max_processes, per_user)
        && one > all
    {
        let wrong = Wrong::new(
            format!("is {one}, more than upstream.max_processes, which is {all}"),
            "give one user no more than there are",
        );
        reader.problem(&keys::MAX_PROCESSES_PER_USER, wrong);
    }
    Some(StdioConfig {
        path: path?,
        program: found?,
        arguments: words?.split_off(1),
        directory: directory?,
        environment: variables?,
        tells_caller: tells_caller?,
        max_processes: usize::try_from(max_processes?).ok()?,
        max_processes_per_user: usize::try_from(per_user?).ok()?,
        start_timeout: Duration::from_secs(start?),
        idle_timeout: Duration::from_secs(idle?),
    })
}

/// Against root the gateway cannot hide.
fn warn_of_root(reader: &mut Reader) {
    reader.warn(
        &keys::UPSTREAM,
        "starts an MCP server as root: whatever it runs can read every file, and the gateway's memory and environment with all its secrets",
        "run the gateway as a user of its own: USER in a Dockerfile, User= in a systemd unit, runAsUser in Kubernetes (docs/guide/stdio.md)",
    );
}

fn found(
    reader: &mut Reader,
    words: &[String],
    directory: Option<&Path>,
    variables: &[(String, Secret)],
) -> Option<PathBuf> {
    let name = words.first()?;
    let path = variables.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.expose());
    let found = program::find(name, path, directory);
    if found.is_none() {
        let name = printable(name);
        let (what, hint) = if name.contains(std::path::is_separator) {
            (
                format!(
                    "names the program {name}, which is not there, or is not a file that may be executed"
                ),
                "write its absolute path; a relative one is looked up from upstream.directory",
            )
        } else {
            (
                format!("names the program {name}, which is in no directory of PATH"),
                "install it where the gateway runs (a container image has only what is in it), or write its absolute path",
            )
        };
        reader.problem(&keys::UPSTREAM, Wrong::new(what, hint));
    }
    found
}

fn directory(text: &str) -> Result<PathBuf, Wrong> {
    let directory = PathBuf::from(text);
    if directory.is_dir() {
        std::path::absolute(directory)
            .map_err(|_| Wrong::new("has no absolute path", "write an absolute path"))
    } else {
        Err(Wrong::new(
            format!("is `{}`, which is no directory", printable(text)),
            "make it, or name another one",
        ))
    }
}

/// `identity`: a process is told who calls once, in its environment; everything else needs headers.
fn tells_caller(reader: &mut Reader) -> Option<bool> {
    let read = reader.parse(&keys::UPSTREAM_IDENTITY, |text| match text {
        "environment" => Ok(true),
        "none" => Ok(false),
        other => Err(Wrong::new(
            format!(
                "is `{}`, and a stdio server gets no headers: there is no place for it in a call",
                printable(other)
            ),
            "leave it out or set it to environment (variables of the process say who calls), or to none",
        )),
    });
    read.or_default(|| true)
}

/// The whole environment of a process.
fn variables(reader: &mut Reader, environment: &Environment) -> Option<Vec<(String, Secret)>> {
    let named = named(reader, environment)?;
    for plain in named.iter().filter(|variable| variable.is_plain && may_be_secret(&variable.name)) {
        let name = &plain.name;
        let what = format!("holds the value of {name} itself, which looks like a secret");
        let hint =
            format!("write {name} or {name}=$OTHER, and put the value into the gateway's own environment");
        reader.warn(&keys::UPSTREAM_ENVIRONMENT, what, hint);
    }
    for odd in named.iter().filter(|variable| variable.is_plain && names_another(variable.value.expose())) {
        let what =
            format!("has a $NAME within the value of {}, which the server gets as it stands", odd.name);
        let hint = "write NAME=$OTHER for the value of a variable; put a text that holds one together in the gateway's own environment";
        reader.warn(&keys::UPSTREAM_ENVIRONMENT, what, hint);
    }
    let mut all: Vec<(String, Secret)> = INHERITED
        .into_iter()
        .filter(|name| !named.iter().any(|variable| variable.name == *name))
        .filter_map(|name| Some((name.to_owned(), Secret::new(environment.get(name)?))))
        .collect();
    all.extend(named.into_iter().map(|variable| (variable.name, variable.value)));
    Some(all)
}

/// Those of `env`. Messages name a variable and never its value.
fn named(reader: &mut Reader, environment: &Environment) -> Option<Vec<Variable>> {
    let Some(Item { value: Value::List(items), .. }) = reader.item(&keys::UPSTREAM_ENVIRONMENT).cloned()
    else {
        return (!reader.is_given(&keys::UPSTREAM_ENVIRONMENT)).then(Vec::new);
    };
    let (mut named, mut all_right): (Vec<Variable>, bool) = (Vec::new(), true);
    for Item { value, place } in items {
        let Value::Text(text) = value else { continue };
        let wrong = match variable(text.trim(), environment) {
            Ok(variable) if named.iter().any(|other| other.name == variable.name) => {
                Wrong::new(format!("names {} twice", variable.name), "name each variable once")
            }
            Ok(variable) => {
                named.push(variable);
                continue;
            }
            Err(wrong) => wrong,
        };
        reader.problem_at(&keys::UPSTREAM_ENVIRONMENT, place, wrong);
        all_right = false;
    }
    all_right.then_some(named)
}

struct Variable {
    name: String,
    value: Secret,
    /// Whether the value stands in the configuration.
    is_plain: bool,
}

/// `NAME`, `NAME=$OTHER` or `NAME=value`.
fn variable(text: &str, environment: &Environment) -> Result<Variable, Wrong> {
    const FORMS: &str =
        "write NAME or NAME=$OTHER for a variable of the gateway's environment, or NAME=value";
    let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
    if !is_name(name) {
        return Err(Wrong::new("has an entry that does not begin with the name of a variable", FORMS));
    }
    if name.starts_with(RESERVED) {
        return Err(Wrong::new(
            format!("names {name}, and the gateway keeps {RESERVED}* for itself"),
            "choose another name",
        ));
    }
    let braced = value.and_then(|value| value.strip_prefix("${")?.strip_suffix('}'));
    if braced.is_some_and(is_name) {
        return Err(Wrong::new(
            format!("gives {name} a value in braces, and nothing is put in place of those"),
            "write NAME=$OTHER, without braces",
        ));
    }
    let source = match value {
        None => name,
        Some(value) => match value.strip_prefix('$') {
            Some(source) if is_name(source) => source,
            _ => return Ok(Variable { name: name.to_owned(), value: Secret::new(value), is_plain: true }),
        },
    };
    let is_ours = source.starts_with(RESERVED)
        || keys::ALL.iter().any(|key| key.kind == Kind::Secret && key.variables().any(|one| one == source));
    if is_ours {
        return Err(Wrong::new(
            format!("names {source}, which is a setting of the gateway's own and goes to no server"),
            "put what the server needs into a variable of another name, and write NAME=$OTHER",
        ));
    }
    let Some(value) = environment.get(source) else {
        return Err(Wrong::new(
            format!("names {source}, which is not set in the gateway's environment"),
            FORMS,
        ));
    };
    Ok(Variable { name: name.to_owned(), value: Secret::new(value), is_plain: false })
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a shell would put something else in its place.
fn names_another(value: &str) -> bool {
    let begins_name =
        |rest: &str| rest.starts_with(|next: char| next.is_ascii_alphabetic() || "_{".contains(next));
    value.split('$').skip(1).any(begins_name)
}

fn may_be_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["SECRET", "PASSWORD", "TOKEN", "KEY", "CREDENTIAL"].iter().any(|word| name.contains(word))
}
