//! What is said at the end, and the files that are written.

use std::fmt::Write as _;
use std::path::Path;

use entragate::AuthorityHost;
use owo_colors::OwoColorize as _;
use serde_json::{Value, json};

use super::apply::{Applied, Outcome};
use super::arguments::{Arguments, Files};
use super::files::{self, ENV, Environment, Fate, Overwrite, TOML, write_private, write_public};
use super::plan::Plan;
use super::slot::Slot;
use super::wanting::Request;
use crate::graph::Directory;

/// Writes `entragate.toml` and `.env`, once the registrations are there.
pub(super) fn write_files(
    arguments: &Arguments,
    request: &Request,
    directory: &Directory,
    applied: &Applied,
) -> anyhow::Result<Vec<Fate>> {
    let (Files::Written, Some(client_id)) = (arguments.files, applied.ids.get(Slot::ApiAppId)) else {
        return Ok(Vec::new());
    };
    let wanted = &request.wanted;
    let mcp_client_id = applied.ids.get(Slot::ClientAppId);
    if wanted.client.is_some() && mcp_client_id.is_none() {
        return Ok(Vec::new());
    }
    let is_public_cloud = directory.authority.as_str() == AuthorityHost::PUBLIC;
    let environment = Environment {
        tenant: &directory.tenant,
        client_id,
        secret: applied.secret.as_ref(),
        mcp_client_id: mcp_client_id.filter(|_| wanted.client.is_some()),
        base_url: &wanted.base_url,
        authority: (!is_public_cloud).then_some(directory.authority.as_str()),
    };
    let overwrite = if arguments.force { Overwrite::Forced } else { Overwrite::Never };
    let env = write_private(&arguments.dir.join(ENV), &environment.text(), overwrite)?;
    let text = files::toml(wanted, &request.upstream, &applied.ids);
    let toml = write_public(&arguments.dir.join(TOML), &text, overwrite)?;
    Ok(vec![toml, env])
}

/// What came of it, for people.
pub(super) fn summary(plan: &Plan, applied: &Applied, fates: &[Fate]) -> String {
    let mut text = String::new();
    for (step, outcome) in plan.steps.iter().zip(&applied.outcomes) {
        match outcome {
            Outcome::Kept | Outcome::Done => {}
            Outcome::Waiting => {
                let _ = writeln!(text, "{} {}: needs a step that was not done", "…".dimmed(), step.title);
            }
            Outcome::Denied(error) | Outcome::Failed(error) => {
                let _ =
                    writeln!(text, "{} {}\n    {error}\n    hint: {}", "✗".red(), step.title, error.hint());
            }
        }
    }
    let of = |name: &str| applied.outcomes.iter().filter(|outcome| outcome.name() == name).count();
    let (done, kept) = (of("done"), of("kept"));
    let left = applied.outcomes.len() - done - kept;
    let _ = writeln!(
        text,
        "{done} done, {kept} as they should be{}.",
        if left == 0 { String::new() } else { format!(", {left} left") }
    );
    for note in &plan.notes {
        let _ = writeln!(text, "\n{} {note}", "note:".cyan().bold());
    }
    for fate in fates {
        text.push_str(&told(fate));
    }
    if !fates.is_empty() && applied.is_fine() {
        text.push_str("\nNext:\n  set -a; . ./.env; set +a\n  entragate doctor\n  entragate serve\n");
    }
    text
}

fn told(fate: &Fate) -> String {
    match fate {
        Fate::Written(path) => format!("wrote {}\n", path.display()),
        Fate::Same(path) => format!("{} is as it should be\n", path.display()),
        Fate::Beside { there, written } => {
            let head = format!(
                "{} is there already and differs: it stays, the other version is {} (--force replaces it)\n",
                there.display(),
                written.display()
            );
            head + &indented_diff(there, written)
        }
    }
}

/// The difference without any secret, whose ever it is.
fn indented_diff(there: &Path, written: &Path) -> String {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let without_values = |text: String| -> String {
        if there.file_name().is_some_and(|name| name == ENV) {
            text.lines().map(|line| line.split('=').next().unwrap_or_default().to_owned() + "=…\n").collect()
        } else {
            text
        }
    };
    let diff = files::diff(&without_values(read(there)), &without_values(read(written)));
    diff.lines().fold(String::new(), |text, line| text + "    " + line + "\n")
}

/// Everything as JSON.
pub(super) fn as_json(plan: &Plan, applied: Option<&Applied>, fates: &[Fate]) -> String {
    let mut document = json!(plan);
    if let Some(applied) = applied {
        let steps = document["steps"].as_array_mut().into_iter().flatten();
        for (step, outcome) in steps.zip(&applied.outcomes) {
            step["outcome"] = json!(outcome.name());
            if let Outcome::Denied(error) | Outcome::Failed(error) = outcome {
                step["error"] = json!(error.to_string());
                step["hint"] = json!(error.hint());
            }
        }
        let ids = Slot::ALL
            .into_iter()
            .filter_map(|slot| Some((slot.variable().to_owned(), json!(applied.ids.get(slot)?))));
        document["ids"] = Value::Object(ids.collect());
    }
    document["files"] = fates
        .iter()
        .map(|fate| match fate {
            Fate::Written(path) => json!({ "path": path, "fate": "written" }),
            Fate::Same(path) => json!({ "path": path, "fate": "same" }),
            Fate::Beside { there, written } => json!({ "path": there, "fate": "left", "written": written }),
        })
        .collect();
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}
