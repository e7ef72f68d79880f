//! `entragate setup` from beginning to end.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use entragate::{Clock, SystemClock};
use owo_colors::OwoColorize as _;

use super::apply::{self, Applied, Outcome};
use super::arguments::{Arguments, Files};
use super::existing::Existing;
use super::files::Fate;
use super::outcome;
use super::plan::{Plan, Step};
use super::planning::{self, KnownSecret, Surroundings};
use super::receipt::{Receipt, ReceiptError};
use super::wanting::{self, Request};
use super::{ask, emit, identifier_uri, known_secret, render, teardown};
use crate::cli::{Exit, print};
use crate::config::Environment;
use crate::graph::{AccessToken, Directory, Graph, Http, Permission};

/// Runs the command.
pub async fn run(arguments: &Arguments, environment: &Environment) -> anyhow::Result<Exit> {
    let arguments = &if arguments.offline { arguments.clone() } else { Receipt::completed(arguments) };
    let request =
        wanting::request(arguments, environment).await.map_err(|error| hinted(&error, &error.hint))?;
    if arguments.offline {
        return offline(arguments, &request);
    }
    let (directory, graph, token) = connect(arguments, environment, &request).await?;
    let (mut receipt, record) =
        record(arguments, &request, &directory.tenant).map_err(|error| hinted(&error, error.hint()))?;
    receipt.find_apps(&graph).await.map_err(|error| hinted(&error, &error.hint()))?;
    let remembered = receipt.remembered();
    let existing = Existing::read(&graph, &request.wanted, &request.adopted, &remembered);
    let existing = existing.await.map_err(|error| hinted(&error, &error.hint()))?;
    receipt.settle(&existing);
    let setup = Setup { arguments, request: &request, directory, graph, receipt, record, who: token.who() };
    if arguments.teardown { setup.down(&existing).await } else { setup.up(&existing).await }
}

/// The record, and the directory where it is kept: none for a repair of other registrations than the directory's.
fn record<'a>(
    arguments: &'a Arguments,
    request: &Request,
    tenant: &str,
) -> Result<(Receipt, Option<&'a Path>), ReceiptError> {
    let directory = arguments.dir.as_path();
    let found = Receipt::read(directory, tenant).and_then(|receipt| {
        receipt.check_mode(directory, request.wanted.mode)?;
        receipt.check_apps(directory, &request.adopted)?;
        Ok(receipt)
    });
    match (found, arguments.files) {
        (Ok(receipt), _) => Ok((receipt, Some(directory))),
        (Err(error), Files::LeftAlone) if error.is_about_others() => Ok((Receipt::empty(tenant), None)),
        (Err(error), _) => Err(error),
    }
}

/// An error and what to do about it.
fn hinted(error: &dyn std::error::Error, hint: &str) -> anyhow::Error {
    anyhow::anyhow!("{error}\n  hint: {hint}")
}

async fn connect(
    arguments: &Arguments,
    environment: &Environment,
    request: &Request,
) -> anyhow::Result<(Directory, Graph, AccessToken)> {
    let http = Http::new()?;
    let directory =
        Directory::discover(&http, &request.authority, &request.tenant, arguments.graph.url.clone());
    let directory = directory.await.map_err(|error| hinted(&error, error.hint()))?;
    let sign_in = arguments.graph.sign_in(environment, &request.authority);
    let sign_in = sign_in.map_err(|error| hinted(&error, error.hint()))?;
    let say = |text: &str| drop(writeln!(anstream::stderr(), "{text}"));
    let sign_in = sign_in.asking_for(&permissions(arguments));
    let token = sign_in.token(&http, &directory, &SystemClock, say).await;
    let token = token.map_err(|error| hinted(&error, error.hint()))?;
    let graph = Graph::new(http, directory.graph.clone(), token.secret.clone());
    Ok((directory, graph, token))
}

/// What a person is asked to lend: writing only when something is to be written.
fn permissions(arguments: &Arguments) -> Vec<Permission> {
    let reading = [Permission::ApplicationRead, Permission::GrantRead];
    let writing = [Permission::ApplicationWrite, Permission::GrantWrite, Permission::AssignmentWrite];
    let people = [Permission::UserRead, Permission::GroupRead].into_iter();
    let people = people.filter(|_| !arguments.assignments.is_empty());
    if arguments.apply { people.chain(writing).collect() } else { people.chain(reading).collect() }
}

fn offline(arguments: &Arguments, request: &Request) -> anyhow::Result<Exit> {
    let surroundings = Surroundings { now: SystemClock.now(), secret: KnownSecret::Lost };
    let plan = planning::plan(request.tenant.as_str(), &request.wanted, &Existing::nothing(), surroundings);
    show(arguments, request, &plan, None)?;
    Ok(Exit::Findings)
}

/// Prints a plan that is not carried out.
fn show(
    arguments: &Arguments,
    request: &Request,
    plan: &Plan,
    directory: Option<&Directory>,
) -> anyhow::Result<()> {
    if let Some(format) = arguments.emit {
        return print(&emit::emit(format, emit::Source { wanted: &request.wanted, plan, directory }));
    }
    if arguments.json {
        return print(&outcome::as_json(plan, None, &[]));
    }
    print(&format!("{}\n{}.\n", render::plan(plan), render::count(plan)))?;
    if !plan.is_done() && !arguments.offline {
        print("Nothing was written. Add --apply to do this.\n")?;
    }
    Ok(())
}

/// A run with everything that it needs.
struct Setup<'a> {
    arguments: &'a Arguments,
    request: &'a Request,
    directory: Directory,
    graph: Graph,
    receipt: Receipt,
    record: Option<&'a Path>,
    who: String,
}

impl Setup<'_> {
    async fn up(mut self, existing: &Existing) -> anyhow::Result<Exit> {
        let allowed = identifier_uri::check(&self.directory.tenant, &self.request.wanted, existing);
        allowed.map_err(|error| hinted(&error, &error.hint()))?;
        let wanted = &self.request.wanted;
        let (known, secret) = known_secret::known(self.arguments, wanted, existing);
        let surroundings = Surroundings { now: SystemClock.now(), secret };
        let plan = planning::plan(&self.directory.tenant, wanted, existing, surroundings);
        self.greet()?;
        if !self.arguments.apply {
            show(self.arguments, self.request, &plan, Some(&self.directory))?;
            return Ok(if plan.is_done() { Exit::Fine } else { Exit::Findings });
        }
        let (mut applied, kept) = self.carry_out(&plan).await?;
        if applied.secret.is_none() {
            applied.secret = known;
        }
        let fates = outcome::write_files(self.arguments, self.request, &self.directory, &applied, kept);
        // The registrations are made; what cannot be written is said after everything else.
        let written = fates.as_deref().unwrap_or_default();
        if self.arguments.json {
            print(&outcome::as_json(&plan, Some(&applied), written))?;
        } else {
            print(&outcome::summary(&plan, &applied, written))?;
        }
        if let Some(message) = ask::message(&self.directory, wanted, existing, &plan, &applied) {
            drop(writeln!(anstream::stderr(), "\n{message}"));
        }
        fates.context("the registrations are made, but not the files; run the same command again once they can be written")?;
        Ok(if applied.is_fine() { Exit::Fine } else { Exit::Findings })
    }

    async fn down(mut self, existing: &Existing) -> anyhow::Result<Exit> {
        let hanging = teardown::Hanging::read(&self.graph, existing).await;
        let hanging = hanging.map_err(|error| hinted(&error, &error.hint()))?;
        let tenant = &self.directory.tenant;
        let way = teardown::plan(tenant, &self.request.wanted, existing, &hanging, &self.receipt);
        let teardown::WayBack { plan, staying } = way;
        self.greet()?;
        if !self.arguments.apply {
            show(self.arguments, self.request, &plan, Some(&self.directory))?;
            return Ok(if plan.is_done() && staying == 0 { Exit::Fine } else { Exit::Findings });
        }
        let applied =
            apply::apply(&self.graph, &plan, &mut self.receipt, |_, _| anyhow::Ok(()), tell).await?;
        if self.arguments.json {
            print(&outcome::as_json(&plan, Some(&applied), &[]))?;
        } else {
            print(&outcome::summary(&plan, &applied, &[]))?;
        }
        if staying > 0 || !applied.is_fine() {
            // The record is what the next run goes by.
            return Ok(Exit::Findings);
        }
        Receipt::remove(&self.arguments.dir).map_err(|error| hinted(&error, error.hint()))?;
        Ok(Exit::Fine)
    }

    fn greet(&self) -> anyhow::Result<()> {
        if self.arguments.json || self.arguments.emit.is_some() {
            return Ok(());
        }
        let Self { directory, who, request, .. } = self;
        let mode = request.wanted.mode.name();
        print(&format!("Tenant {}, {mode} mode, asked as {who}\n\n", directory.tenant))
    }

    /// Carries a plan out, and keeps the record and a new secret from step to step: whoever is stopped in the middle
    /// loses neither.
    async fn carry_out(&mut self, plan: &Plan) -> anyhow::Result<(Applied, Option<Fate>)> {
        let Self { arguments, request, directory, graph, receipt, record, .. } = self;
        let write = |receipt: &Receipt| {
            let written = record.map_or(Ok(()), |directory| receipt.write(directory));
            written.map_err(|error| hinted(&error, error.hint()))
        };
        receipt.mode = Some(request.wanted.mode);
        if !plan.is_done() {
            // Nothing is made that cannot be recorded, and no secret that cannot be kept.
            outcome::check_files(arguments).map_err(|error| {
                hinted(&error, "nothing was made; move it away, or name another directory with --dir")
            })?;
            write(receipt)?;
        }
        let mut kept: Option<Fate> = None;
        let keep = |receipt: &Receipt, applied: &Applied| {
            let recorded = write(receipt);
            if kept.is_none() && applied.secret.is_some() {
                kept = outcome::keep_secret(arguments, request, directory, applied)
                    .context("a client secret was made and cannot be written; run the same command again")?;
            }
            recorded
        };
        let applied = apply::apply(graph, plan, receipt, keep, tell).await?;
        if receipt.names_apps() {
            write(receipt)?;
        }
        Ok((applied, kept))
    }
}

fn tell(step: &Step, outcome: &Outcome) {
    if matches!(outcome, Outcome::Kept) {
        return;
    }
    let mark = if outcome.is_fine() { "✓".green().to_string() } else { "✗".red().to_string() };
    drop(writeln!(anstream::stderr(), "{mark} {}  {}", step.action.word(), step.title));
}
