//! `entragate trace`: the sign-ins of the last hour, from the admin listener of a running gateway.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use entragate::is_invisible;
use owo_colors::OwoColorize as _;
use serde::Deserialize;

use crate::cli::{Exit, print};

/// Options of `entragate trace`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The sign-in to show, as pages, logs and OAuth errors name it; without one, all of the last hour
    id: Option<String>,
    /// The gateway's admin listener [default: `admin.listen` of the configuration]
    #[arg(long, value_name = "URL")]
    admin: Option<url::Url>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Whether the configuration has to say where the gateway is.
    pub fn needs_configuration(&self) -> bool {
        self.admin.is_none()
    }
}

#[derive(Debug, Deserialize)]
struct SignIn {
    id: String,
    client: String,
    resource: String,
    began: u64,
    steps: Vec<Step>,
    verdict: String,
}

#[derive(Debug, Deserialize)]
struct Step {
    leg: String,
    at: u64,
    outcome: String,
    text: String,
}

/// Asks the gateway and prints; `listen` is the configured admin listener.
pub async fn run(arguments: &Arguments, listen: Option<std::net::SocketAddr>) -> anyhow::Result<Exit> {
    let base = match (&arguments.admin, listen) {
        (Some(url), _) => url.as_str().trim_end_matches('/').to_owned(),
        (None, Some(address)) => format!("http://{address}"),
        (None, None) => anyhow::bail!(
            "the gateway has no admin listener: set admin.listen (ENTRAGATE_ADMIN_LISTEN), or name one with --admin"
        ),
    };
    let path = arguments.id.as_ref().map_or_else(String::new, |id| format!("/{id}"));
    let url = format!("{base}/sign-ins{path}");
    let (status, body) = get(&url).await.with_context(|| format!("cannot ask the gateway at {base}"))?;
    if status == http::StatusCode::NOT_FOUND {
        anstream::eprintln!(
            "there is no such sign-in at {base}: they are kept for an hour, by the process that saw them"
        );
        return Ok(Exit::Findings);
    }
    anyhow::ensure!(
        status != http::StatusCode::FORBIDDEN,
        "{base} shows sign-ins on its own machine only: run entragate trace there"
    );
    anyhow::ensure!(status == http::StatusCode::OK, "{url} answered {status}");
    if arguments.json {
        print(&body)?;
    } else if arguments.id.is_some() {
        print(&one(&serde_json::from_str(&body).context("the answer is no sign-in")?))?;
    } else {
        print(&all(
            &serde_json::from_str::<Vec<SignIn>>(&body).context("the answer is no list of sign-ins")?
        ))?;
    }
    Ok(Exit::Fine)
}

async fn get(url: &str) -> anyhow::Result<(http::StatusCode, String)> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    #[expect(clippy::disallowed_methods, reason = "a client of the admin listener, not the gateway's own")]
    let builder = reqwest::Client::builder();
    let client = builder.no_proxy().timeout(Duration::from_secs(10)).build()?;
    let answer = client.get(url).send().await?;
    Ok((answer.status(), answer.text().await?))
}

fn all(sign_ins: &[SignIn]) -> String {
    let mut text = String::new();
    if sign_ins.is_empty() {
        text.push_str("no sign-in in the last hour\n");
    }
    for sign_in in sign_ins {
        let last = sign_in.steps.last().map_or("", |step| step.leg.as_str());
        let _ = writeln!(text, "{}  {:13}  {}", sign_in.id.bold(), last, printable(&sign_in.client));
        let _ = writeln!(text, "  {}", printable(&sign_in.verdict));
    }
    text
}

fn one(sign_in: &SignIn) -> String {
    let (client, verdict) = (printable(&sign_in.client), printable(&sign_in.verdict));
    let resource = printable(&sign_in.resource);
    let mut text = format!("{}  {client}, for {resource}\n{verdict}\n\n", sign_in.id.bold());
    for step in &sign_in.steps {
        let mark = match step.outcome.as_str() {
            "passed" => "✓".green().to_string(),
            "failed" => "✗".red().to_string(),
            _ => "…".dimmed().to_string(),
        };
        // A client registers once, perhaps long ago.
        let after = step.at.checked_sub(sign_in.began);
        let when = after.map_or_else(|| "before".to_owned(), |after| format!("{after} s"));
        let _ = writeln!(text, "  {mark} {:13} {when:>7}  {}", step.leg, printable(&step.text));
    }
    text
}

/// Clients choose their names; a terminal must not act on them.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).collect()
}
