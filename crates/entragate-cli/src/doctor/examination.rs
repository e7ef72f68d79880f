//! From a configuration to a report: runs the checks, each alone, and computes what clients would experience.

use std::path::Path;
use std::sync::Arc;

use entragate::Clock;
use tokio::sync::Mutex;

use super::check::{Check, Outcome, Skip};
use super::checks::{self, ALL};
use super::command::Arguments;
use super::experience;
use super::report::{Examined, Report};
use super::site::{AskGraph, Site};
use crate::config::{self, Environment, Problems};
use crate::graph::sign_in;

/// Examines the deployment that the environment and the file describe.
pub async fn examine(
    arguments: &Arguments,
    environment: &Environment,
    file: Option<&Path>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Report> {
    let wanted = arguments.wanted()?;
    let clients = arguments.clients()?;
    let config = match config::load(environment, file) {
        Ok(config) => config,
        Err(problems) => return Ok(unconfigured(&problems, &wanted)),
    };
    let graph = match arguments.graph {
        None => None,
        Some(way) => {
            let ways = sign_in::Arguments { way, ..arguments.graph_as.clone() };
            let sign_in = ways.sign_in(environment, &config.authority)?;
            Some(AskGraph { sign_in: Mutex::new(Some(sign_in)), url: ways.url })
        }
    };
    let site = Site::new(config, clients, clock, environment, graph)?;
    let (mut examined, mut findings) = (Vec::new(), Vec::new());
    for check in wanted {
        let outcome = match (check.run)(&site).await {
            Ok(found) if found.is_empty() => Outcome::Fine,
            Ok(found) => {
                findings
                    .extend(found.into_iter().map(|finding| super::Finding { check: check.name, ..finding }));
                Outcome::Found
            }
            Err(Skip::NotChecked(reason)) => Outcome::NotChecked(reason),
            Err(Skip::NotApplicable(reason)) => Outcome::NotApplicable(reason),
        };
        examined.push(Examined { check, outcome });
    }
    let clients = if arguments.only.is_empty() {
        experience::of_clients(&site, &examined, &findings).await
    } else {
        Vec::new()
    };
    findings.extend(experience::findings(&site, &clients));
    Ok(Report::new(examined, findings, clients))
}

/// Nothing but the configuration can be looked at while there is none.
fn unconfigured(problems: &Problems, wanted: &[&'static Check]) -> Report {
    let mut findings: Vec<super::Finding> = problems.iter().map(checks::configuration::finding).collect();
    for finding in &mut findings {
        finding.check = ALL[0].name;
    }
    let outcome = |check: &Check| {
        if check.name == ALL[0].name {
            return Outcome::Found;
        }
        Outcome::NotChecked("the configuration cannot be used".to_owned())
    };
    let examined = wanted.iter().map(|&check| Examined { check, outcome: outcome(check) }).collect();
    Report::new(examined, findings, Vec::new())
}
