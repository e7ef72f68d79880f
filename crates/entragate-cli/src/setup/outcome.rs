//! What is said at the end, and the files that are written.

use std::fmt::Write as _;
use std::path::Path;

use entragate::AuthorityHost;
use owo_colors::OwoColorize as _;
use serde_json::{Value, json};

use super::apply::{Applied, Outcome};
use super::arguments::{Arguments, Files};
use super::files::{self, ENV, Environment, Fate, FileError, Overwrite, TOML, write_private, write_public};
use super::plan::Plan;
use super::slot::Slot;
use super::wanted::Mode;
use super::wanting::Request;
use crate::graph::Directory;

/// Whether the files could be written, asked before anything is made that has to go into them.
pub(super) fn check_files(arguments: &Arguments) -> Result<(), FileError> {
    match arguments.files {
        Files::Written => [ENV, TOML].iter().try_for_each(|name| files::check(&arguments.dir.join(name))),
        Files::LeftAlone => Ok(()),
    }
}

/// Writes a new secret to disk as soon as it is known: nobody will tell it again.
pub(super) fn keep_secret(
    arguments: &Arguments,
    request: &Request,
    directory: &Directory,
    applied: &Applied,
) -> anyhow::Result<Option<Fate>> {
    let (Files::Written, Some(environment)) = (arguments.files, environment(request, directory, applied))
    else {
        return Ok(None);
    };
    let (path, text) = (arguments.dir.join(ENV), environment.text()?);
    let fate = if is_whole(request, applied) {
        write_private(&path, &text, overwrite(arguments))?
    } else {
        files::write_beside(&path, &text)?
    };
    Ok(Some(fate))
}

/// Writes `entragate.toml` and `.env`, once the registrations are there. `kept` is what became of `.env` already.
pub(super) fn write_files(
    arguments: &Arguments,
    request: &Request,
    directory: &Directory,
    applied: &Applied,
    kept: Option<Fate>,
) -> anyhow::Result<Vec<Fate>> {
    let (Files::Written, Some(environment)) = (arguments.files, environment(request, directory, applied))
    else {
        return Ok(Vec::new());
    };
    if !is_whole(request, applied) {
        return Ok(kept.into_iter().collect());
    }
    let overwrite = overwrite(arguments);
    let env = match kept {
        Some(kept) => kept,
        None => write_private(&arguments.dir.join(ENV), &environment.text()?, overwrite)?,
    };
    let text = files::toml(&request.wanted, &request.upstream.setting, &applied.ids);
    let toml = write_public(&arguments.dir.join(TOML), &text, overwrite)?;
    Ok(vec![toml, env])
}

const fn overwrite(arguments: &Arguments) -> Overwrite {
    if arguments.force { Overwrite::Forced } else { Overwrite::Never }
}

/// Whether every registration is there that the files name.
fn is_whole(request: &Request, applied: &Applied) -> bool {
    request.wanted.apps().all(|app| applied.ids.get(Slot::app_id(app.part)).is_some())
}

fn environment<'a>(
    request: &'a Request,
    directory: &'a Directory,
    applied: &'a Applied,
) -> Option<Environment<'a>> {
    let wanted = &request.wanted;
    let client_id =
        |mode| applied.ids.get(Slot::ClientAppId).filter(|_| wanted.client.is_some() && wanted.mode == mode);
    let is_public_cloud = directory.authority.as_str() == AuthorityHost::PUBLIC;
    Some(Environment {
        tenant: &directory.tenant,
        client_id: applied.ids.get(Slot::ApiAppId)?,
        secret: applied.secret.as_ref(),
        mcp_client_id: client_id(Mode::Relay),
        broker_client_id: client_id(Mode::Broker),
        base_url: &wanted.base_url,
        authority: (!is_public_cloud).then_some(directory.authority.as_str()),
    })
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
        text.push_str("\nNext:\n");
        for fate in fates {
            if let Fate::Beside { there, written } = fate
                && is_env(there)
            {
                let (there, written) = (there.display(), written.display());
                let _ = writeln!(text, "  merge {written} into {there} first (--force replaces it)");
            }
        }
        text.push_str("  set -a; . ./.env; set +a\n  entragate doctor\n  entragate serve\n");
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

fn indented_diff(there: &Path, written: &Path) -> String {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let (mut before, mut after) = (read(there), read(written));
    if is_env(there) {
        after = files::without_secrets(&after, &before);
        before = files::without_secrets(&before, &before);
    }
    files::diff(&before, &after).lines().fold(String::new(), |text, line| text + "    " + line + "\n")
}

fn is_env(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == ENV)
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
