//! `entragate demo --once`: rmcp's own client signs in as alice and as bob, calls every tool, lives through an
//! expired token, and each step says what worked.
//!
//! The browser is the only part that is played: a plain HTTP client follows the redirects, and `login_hint`
//! picks the user at the emulated Entra.

mod browser;
mod client;
mod person;
mod report;
mod sign_in;
mod wire;

use entragate_emulator::{Control, RecordedRequest};

use super::Mode;
use super::stage::{Options, Stage};
use crate::cli::{self, Exit};
use person::Person;
use report::{Report, Worked};

/// Plays everything, prints every step, and says whether all of them worked.
pub(super) async fn run(mode: Mode) -> anyhow::Result<Exit> {
    let stage = Stage::set(Options::anywhere(mode)).await?;
    let mut report = Report::default();
    cli::print(
        "A local Entra, a sample MCP server, the gateway between them, and rmcp's client in front.\n",
    )?;
    let (mcp_url, control) = (stage.mcp_url.clone(), stage.control().clone());
    let play = async {
        for person in &person::CAST {
            Box::pin(play(person, &mcp_url, &control, &mut report)).await?;
        }
        check_requests(&control, &mut report).await
    };
    stage.serve_while(Box::pin(play)).await??;
    let failures = report.conclude()?;
    Ok(if failures == 0 { Exit::Fine } else { Exit::Findings })
}

async fn play(person: &Person, mcp_url: &str, control: &Control, report: &mut Report) -> anyhow::Result<()> {
    report::heading(&format!("{}, role {}", person.upn(), person.role))?;
    match Box::pin(sign_in::run(person, mcp_url, control, report)).await? {
        Some(client) => person::use_tools(person, client, control, report).await,
        None => Ok(()), // which step failed is on the terminal
    }
}

/// What Entra was sent, whoever signed in: the two mistakes that the gateway is there to repair.
async fn check_requests(control: &Control, report: &mut Report) -> anyhow::Result<()> {
    report::heading("What Entra was sent")?;
    let requests = control.requests();
    report.step("no request carried `resource`", async { without_resource(&requests) }).await?;
    report.step("every token request carried `scope`", async { with_scope(&requests) }).await?;
    Ok(())
}

fn without_resource(requests: &[RecordedRequest]) -> anyhow::Result<Worked<()>> {
    match requests.iter().find(|request| request.param("resource").is_some()) {
        Some(request) => anyhow::bail!("{} {} carried it", request.method, request.path),
        None => Ok(Worked::with(format!("{} requests", requests.len()), ())),
    }
}

fn with_scope(requests: &[RecordedRequest]) -> anyhow::Result<Worked<()>> {
    let grants: Vec<_> = requests.iter().filter(|request| request.path.ends_with("/token")).collect();
    anyhow::ensure!(!grants.is_empty(), "there was no token request");
    for grant in &grants {
        let kind = grant.param("grant_type").unwrap_or("nothing");
        anyhow::ensure!(grant.param("scope").is_some_and(|scope| !scope.is_empty()), "{kind} did not");
    }
    Ok(Worked::with(format!("{} token requests", grants.len()), ()))
}
