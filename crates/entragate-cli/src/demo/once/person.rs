//! Alice and bob: what each of them sees, may do, and may not do.

use std::time::Duration;

use entragate_emulator::Control;
use rmcp::model::ProtocolVersion;
use rmcp::service::ClientLifecycleMode;
use serde_json::json;

use super::client::{Answer, Client};
use super::report::{Report, Worked};

/// Longer than any token of Entra lives.
const PAST_EXPIRY: Duration = Duration::from_secs(2 * 60 * 60);

/// Somebody who signs in.
pub(super) struct Person {
    name: &'static str,
    /// The app role that Entra puts into the token.
    pub(super) role: &'static str,
    /// The tools that are listed.
    tools: &'static [&'static str],
    is_admin: bool,
    /// One of them speaks the protocol with sessions, the other the one without.
    has_session: bool,
}

/// Who signs in.
pub(super) static CAST: [Person; 2] = [
    Person {
        name: "alice",
        role: "Admin",
        tools: &["add", "admin_reset", "countdown", "whoami"],
        is_admin: true,
        has_session: true,
    },
    Person {
        name: "bob",
        role: "User",
        tools: &["add", "countdown", "whoami"],
        is_admin: false,
        has_session: false,
    },
];

impl Person {
    /// The name to sign in with.
    pub(super) fn upn(&self) -> String {
        format!("{}@contoso.test", self.name)
    }

    /// How this person's client begins.
    pub(super) fn lifecycle(&self) -> ClientLifecycleMode {
        if self.has_session {
            return ClientLifecycleMode::Initialize;
        }
        ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
    }
}

/// Everything after the sign-in.
pub(super) async fn use_tools(
    person: &Person,
    mut client: Client,
    control: &Control,
    report: &mut Report,
) -> anyhow::Result<()> {
    report.step("tools/list shows what this role may use", list(person, &client)).await?;
    report.step("whoami knows who calls", whoami(person, &mut client)).await?;
    report.step("add", add(&mut client, 19, 23)).await?;
    if person.is_admin {
        report.step("admin_reset is for Admin", reset(&mut client)).await?;
    } else {
        report.step("admin_reset is refused, and says which role it takes", refused(&mut client)).await?;
        report.step("the connection is still good: add", add(&mut client, 20, 22)).await?;
    }
    report.step("countdown streams its progress", countdown(&mut client)).await?;
    report
        .step("two hours later the token is renewed on the way", two_hours_later(&mut client, control))
        .await?;
    client.close().await
}

async fn list(person: &Person, client: &Client) -> anyhow::Result<Worked<()>> {
    let tools = client.tools().await?;
    let shown = tools.join(", ");
    anyhow::ensure!(tools == person.tools, "expected {}, got {shown}", person.tools.join(", "));
    Ok(Worked::with(shown, ()))
}

async fn whoami(person: &Person, client: &mut Client) -> anyhow::Result<Worked<()>> {
    let text = accepted(client.call("whoami", json!({})).await?)?;
    let expected = format!("{}, roles: {},", person.upn(), person.role);
    anyhow::ensure!(text.starts_with(&expected), "expected “{expected} …”, got: {text}");
    Ok(Worked::with(text, ()))
}

async fn add(client: &mut Client, a: i64, b: i64) -> anyhow::Result<Worked<()>> {
    let text = accepted(client.call("add", json!({ "a": a, "b": b })).await?)?;
    anyhow::ensure!(text == format!("{a} + {b} = {}", a + b), "got: {text}");
    Ok(Worked::with(text, ()))
}

async fn reset(client: &mut Client) -> anyhow::Result<Worked<()>> {
    let text = accepted(client.call("admin_reset", json!({})).await?)?;
    anyhow::ensure!(text.starts_with("Reset"), "got: {text}");
    Ok(Worked::with(text, ()))
}

async fn refused(client: &mut Client) -> anyhow::Result<Worked<()>> {
    let Answer { text, is_error, .. } = client.call("admin_reset", json!({})).await?;
    anyhow::ensure!(is_error, "it was allowed: {text}");
    anyhow::ensure!(text.contains("`Admin`"), "the role is not named: {text}");
    Ok(Worked::with(text, ()))
}

async fn countdown(client: &mut Client) -> anyhow::Result<Worked<()>> {
    let answer = client.call("countdown", json!({ "from": 3, "pause_ms": 120 })).await?;
    let progress = answer.progress.clone();
    let text = accepted(answer)?;
    let (Some(first), Some(last)) = (progress.first(), progress.last()) else {
        anyhow::bail!("no progress was reported before the answer: {text}");
    };
    anyhow::ensure!(progress.len() >= 2, "progress was reported once only: {text}");
    // Held back and sent in one piece, they would arrive together.
    anyhow::ensure!(*last - *first >= Duration::from_millis(60), "the reports came all at once: {text}");
    Ok(Worked::with(format!("{} reports, then: {text}", progress.len()), ()))
}

async fn two_hours_later(client: &mut Client, control: &Control) -> anyhow::Result<Worked<()>> {
    let seen = control.requests().len();
    control.advance(PAST_EXPIRY);
    let text = accepted(client.call("add", json!({ "a": 2, "b": 40 })).await?)?;
    let renewals = control
        .requests()
        .iter()
        .skip(seen)
        .filter(|request| request.param("grant_type") == Some("refresh_token") && request.status == 200)
        .count();
    anyhow::ensure!(renewals == 1, "the call worked ({text}), after {renewals} renewals instead of one");
    Ok(Worked::with(format!("{text}, with a new token"), ()))
}

fn accepted(answer: Answer) -> anyhow::Result<String> {
    anyhow::ensure!(!answer.is_error, "the tool answered with an error: {}", answer.text);
    Ok(answer.text)
}
