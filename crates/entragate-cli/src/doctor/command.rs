//! The command line of `entragate doctor`.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use entragate::SystemClock;

use super::check::{Check, Group};
use super::checks::ALL;
use super::repair::{Plan, Repair};
use super::{as_json, as_text, examine};
use crate::cli::{Exit, print};
use crate::clients::{self, Client};
use crate::config::{self, Environment};
use crate::graph::sign_in::{self, Way};

/// Options of `entragate doctor`.
#[derive(Debug, Default, clap::Args)]
#[command(mut_arg("way", |way| way.hide(true)))]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct Arguments {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Run this check only; may be given several times
    #[arg(long, value_name = "CHECK")]
    pub only: Vec<String>,
    /// List the checks
    #[arg(long)]
    pub list: bool,
    /// Read the app registrations as well, through Microsoft Graph, as whoever this names
    #[arg(long, value_enum, value_name = "WAY")]
    pub graph: Option<Way>,
    /// The other options about Graph.
    #[command(flatten)]
    pub graph_as: sign_in::Arguments,
    /// Show setup's plan for what the app registrations lack; without --graph, the command line that shows it
    #[arg(long, conflicts_with = "json")]
    pub fix: bool,
    /// Carry that plan out
    #[arg(long, requires_all = ["fix", "graph"])]
    pub apply: bool,
    /// The clients that people here use, such as claude-code,vscode: what stops one of them is an error
    #[arg(long, value_name = "CLIENTS")]
    pub clients: Option<String>,
}

impl Arguments {
    /// The checks that are asked for.
    pub(super) fn wanted(&self) -> anyhow::Result<Vec<&'static Check>> {
        for name in &self.only {
            anyhow::ensure!(
                ALL.iter().any(|check| check.name == name),
                "there is no check `{}`: `entragate doctor --list` lists them",
                name.escape_debug()
            );
        }
        let wanted = |check: &&Check| self.only.is_empty() || self.only.iter().any(|name| check.name == name);
        Ok(ALL.iter().filter(wanted).collect())
    }

    /// The clients that are asked for.
    pub(super) fn clients(&self) -> anyhow::Result<Vec<&'static Client>> {
        let list = self.clients.as_deref().unwrap_or_default();
        clients::selected(list).map_err(|error| anyhow::anyhow!("--clients: {error}; {}", error.hint()))
    }
}

/// Runs the command.
pub async fn run(
    arguments: &Arguments,
    environment: &Environment,
    file: Option<&Path>,
) -> anyhow::Result<Exit> {
    if arguments.list {
        print(&list())?;
        return Ok(Exit::Fine);
    }
    let report =
        examine(arguments, environment, file, Arc::new(SystemClock)).await.context("cannot examine")?;
    print(&if arguments.json { as_json(&report) } else { as_text(&report) })?;
    if !report.is_wrong() {
        return Ok(Exit::Fine);
    }
    if arguments.fix {
        repair(arguments, environment, file).await?;
    }
    Ok(Exit::Findings)
}

/// The findings were there: only another run can say that they are gone.
async fn repair(arguments: &Arguments, environment: &Environment, file: Option<&Path>) -> anyhow::Result<()> {
    let config = config::load(environment, file).ok();
    let repair = config.and_then(|config| Repair::of(&config, arguments.clients.as_deref()));
    // To stderr, like everything that is not the report or the plan.
    let Some(repair) = repair else {
        anstream::eprintln!("there is nothing that setup could repair: the configuration comes first");
        return Ok(());
    };
    let command = repair.command();
    let Some(way) = arguments.graph else {
        anstream::eprintln!(
            "setup plans what the app registrations lack, and carries it out with --apply:\n\n  {command}\n"
        );
        return Ok(());
    };
    anstream::eprintln!("what setup does about it:\n\n  {command}\n");
    let plan = if arguments.apply { Plan::CarriedOut } else { Plan::Shown };
    let graph = sign_in::Arguments { way, ..arguments.graph_as.clone() };
    repair.run(environment, graph, plan).await?;
    if arguments.apply {
        anstream::eprintln!("\nrun `entragate doctor` again to see what is left");
    }
    Ok(())
}

fn list() -> String {
    let mut text = String::new();
    for group in Group::ALL {
        let _ = writeln!(text, "{}", group.title());
        for check in ALL.iter().filter(|check| check.group == group) {
            let what = check.documentation.what().replace('\n', " ");
            let first = what.split_inclusive(['.', ':']).next().unwrap_or_default();
            let _ = writeln!(text, "  {:22} {}", check.name, first.trim_end_matches([':', '.']));
        }
        text.push('\n');
    }
    text
}
