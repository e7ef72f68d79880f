//! `entragate policy`: what the rules say, before anybody calls. The judgement is the gateway's own, see
//! [`entragate::Gate::rehearse`].

mod answer;
mod call;
mod caller;
mod expect;
mod explain;
mod show;
mod spelling;
mod test;

use crate::cli::Exit;
use crate::config::{Judging, RulePlaces};

/// Commands of `entragate policy`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Say whether a caller may make a call, which rule decides and why, or check a file of expectations
    Test(Box<test::Arguments>),
    /// Print who may call what, and what nobody can ever call
    Explain(explain::Arguments),
}

/// Runs one of them.
pub async fn run(command: &Command, judging: &Judging, places: &RulePlaces) -> anyhow::Result<Exit> {
    match command {
        Command::Test(arguments) => test::run(arguments, judging, places).await,
        Command::Explain(arguments) => explain::run(arguments, judging, places),
    }
}
