//! The command line: one arm per command, exit codes and error output decided once.

use std::ffi::OsString;
use std::future::poll_fn;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::task::Poll;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use owo_colors::OwoColorize as _;

use crate::config::{self, Config, Environment, Finding, Problems};
use crate::redaction::without_tokens;
use crate::{
    demo, doctor, emulate, explain, policy, sample, serve, setup, telemetry, token, trace, upstream,
};

/// Microsoft Entra ID sign-in in front of any MCP server.
#[derive(Debug, Parser)]
#[command(name = "entragate", version, after_help = AFTER_HELP)]
struct Cli {
    // Not a doc comment: on the command line backticks would be noise.
    #[arg(long, global = true, value_name = "FILE", help = CONFIG_HELP)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const CONFIG_HELP: &str = "Configuration file [default: $ENTRAGATE_CONFIG, else entragate.toml here]";
const AFTER_HELP: &str = "\
Every setting can be made in the environment; `entragate config reference` lists them.
Exit codes: 0 fine, 1 something was found wrong, 2 could not run.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Serve,
    /// Try everything on this machine: a local Entra, a sample MCP server and the gateway
    Demo(demo::Arguments),
    /// Run a local Entra to develop and test against
    Emulate(emulate::Arguments),
    /// Run a small MCP server to put the gateway in front of
    Sample(sample::Arguments),
    /// Find out what is wrong with the settings, the gateway and the app registrations, and what each client would experience
    Doctor(doctor::Arguments),
    /// Make the app registrations in Entra and the gateway's files: a plan first, then --apply
    Setup(Box<setup::Arguments>),
    /// Show what happened to the sign-ins of the last hour (broker mode)
    Trace(trace::Arguments),
    /// Look at a token
    #[command(subcommand)]
    Token(TokenCommand),
    /// Ask the rules: who may call what, and why not
    #[command(subcommand)]
    Policy(policy::Command),
    /// Explain AADSTS codes of Entra: what they mean, who must act and how
    Explain(explain::Arguments),
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    // Started by `serve` itself.
    #[command(hide = true, name = upstream::GUARD)]
    GuardProcesses,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Say check by check whether the gateway would accept a token, and what to do if not
    Check(token::Arguments),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Check the configuration and print what is in force and where it comes from
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the reference of every setting, as Markdown
    Reference,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing to complain about.
    Fine,
    /// It ran, and found something wrong.
    Findings,
    /// It could not run.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Fine => Self::from(0),
            Exit::Findings => Self::from(1),
            Exit::Failed => Self::from(2),
        }
    }
}

/// Runs the command line.
pub fn run(arguments: impl IntoIterator<Item = OsString>, environment: &Environment) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is left to tell when the terminal is gone.
            drop(print_usage(&error));
            return if error.use_stderr() { Exit::Failed } else { Exit::Fine };
        }
    };
    match dispatch(cli, environment) {
        Ok(exit) => exit,
        // `entragate config reference | head` is no error.
        Err(error) if is_broken_pipe(&error) => Exit::Fine,
        Err(error) => {
            drop(print_failure(&error));
            Exit::Failed
        }
    }
}

fn dispatch(cli: Cli, environment: &Environment) -> anyhow::Result<Exit> {
    let file = cli.config.as_deref();
    match cli.command {
        Command::Serve => serve(environment, file),
        Command::Demo(arguments) => demo::run(&arguments, file),
        // Ignoring it would leave its author wondering which settings the emulator has.
        Command::Emulate(_) if file.is_some() => Err(anyhow::anyhow!(
            "--config names settings of the gateway, which the emulator does not have; name its tenants, users and apps with --directory"
        )),
        Command::Emulate(arguments) => emulate::run(&arguments).map(|()| Exit::Fine),
        Command::Sample(arguments) => sample::run(&arguments).map(|()| Exit::Fine),
        Command::Doctor(arguments) => runtime()?.block_on(doctor::run(&arguments, environment, file)),
        Command::Setup(_) if file.is_some() => Err(anyhow::anyhow!(
            "--config names settings that setup would write; name their directory with --dir"
        )),
        Command::Setup(arguments) => runtime()?.block_on(setup::run(&arguments, environment)),
        Command::Trace(arguments) => show_trace(&arguments, environment, file),
        Command::Token(TokenCommand::Check(arguments)) => check_token(&arguments, environment, file),
        Command::Policy(command) => ask_the_rules(&command, environment, file),
        Command::Explain(arguments) => explain_codes(&arguments, environment, file),
        Command::Config(ConfigCommand::Check { json }) => config_check(environment, file, json),
        Command::GuardProcesses => {
            upstream::guard(io::stdin().lock());
            Ok(Exit::Fine)
        }
        Command::Config(ConfigCommand::Reference) => print(&config::reference()).map(|()| Exit::Fine),
    }
}

fn serve(environment: &Environment, file: Option<&Path>) -> anyhow::Result<Exit> {
    let config: Config = match config::load(environment, file) {
        Ok(config) => config,
        Err(problems) => {
            print_problems(&problems);
            return Ok(Exit::Failed);
        }
    };
    telemetry::init(&config.log);
    runtime()?.block_on(async {
        let stop = stop_signal().await;
        serve::run(config, stop).await
    })?;
    Ok(Exit::Fine)
}

fn show_trace(
    arguments: &trace::Arguments,
    environment: &Environment,
    file: Option<&Path>,
) -> anyhow::Result<Exit> {
    let listen = if arguments.needs_configuration() {
        match config::load(environment, file) {
            Ok(config) => config.admin_listen,
            Err(problems) => {
                print_problems(&problems);
                return Ok(Exit::Failed);
            }
        }
    } else {
        None
    };
    runtime()?.block_on(trace::run(arguments, listen))
}

fn check_token(
    arguments: &token::Arguments,
    environment: &Environment,
    file: Option<&Path>,
) -> anyhow::Result<Exit> {
    let judging = if arguments.needs_configuration() {
        match config::load_to_judge(environment, file) {
            Ok(judging) => Some(judging),
            Err(problems) => {
                print_problems(&problems);
                anstream::eprintln!("to judge a token without a configuration, name --tenant and --audience");
                return Ok(Exit::Failed);
            }
        }
    } else {
        None
    };
    runtime()?.block_on(token::run(arguments, judging.as_ref()))
}

fn ask_the_rules(
    command: &policy::Command,
    environment: &Environment,
    file: Option<&Path>,
) -> anyhow::Result<Exit> {
    match config::load_to_judge(environment, file) {
        Ok(judging) => {
            let places = config::rule_places(environment, file);
            runtime()?.block_on(policy::run(command, &judging, &places))
        }
        Err(problems) => {
            print_problems(&problems);
            Ok(Exit::Failed)
        }
    }
}

/// A configuration only puts its own names into the texts, so that one that is missing or broken is no hindrance; unless
/// it was named.
fn explain_codes(
    arguments: &explain::Arguments,
    environment: &Environment,
    file: Option<&Path>,
) -> anyhow::Result<Exit> {
    let names = match config::load(environment, file) {
        Ok(config) => explain::names(&config),
        Err(problems) if file.is_some() => {
            print_problems(&problems);
            return Ok(Exit::Failed);
        }
        Err(_) => entragate::aadsts::Names::default(),
    };
    explain::run(arguments, &names)
}

fn config_check(environment: &Environment, file: Option<&Path>, json: bool) -> anyhow::Result<Exit> {
    match config::explain(environment, file) {
        Ok(explained) if json => print(&config::as_json(&explained))?,
        Ok(explained) => {
            print(&config::as_table(&explained))?;
            drop(print_findings(&explained.config.warnings));
        }
        Err(problems) => {
            print_problems(&problems);
            // The exit code says that there are problems even when nobody reads the rest.
            return match json.then(|| print(&without_tokens(&config::problems_as_json(&problems)))) {
                Some(Err(error)) if !is_broken_pipe(&error) => Err(error),
                _ => Ok(Exit::Findings),
            };
        }
    }
    Ok(Exit::Fine)
}

/// The asynchronous runtime of the commands that serve.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let mut runtime = match std::thread::available_parallelism() {
        // One core: nobody could take work over, and in the queue of a worker that several may share the tasks behind the
        // first 256 wait for many rounds.
        Ok(cores) if cores.get() == 1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    runtime.enable_all().build().context("cannot start the runtime")
}

/// Completes when the process is asked to stop. The signals are caught from the moment this returns, so that
/// one that arrives during the start ends the process in good order too.
pub(crate) async fn stop_signal() -> impl Future<Output = ()> + Send {
    let mut stop = Box::pin(serve::interrupted());
    let came_already = poll_fn(|context| Poll::Ready(stop.as_mut().poll(context).is_ready())).await;
    async move {
        if !came_already {
            stop.await;
        }
    }
}

/// Prints data.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

fn print_problems(problems: &Problems) {
    let count = problems.iter().count();
    let noun = if count == 1 { "problem" } else { "problems" };
    // Without a stderr there is nowhere to say so; the exit code remains.
    drop(print_findings(problems));
    drop(writeln!(anstream::stderr(), "\n{count} {noun} in the configuration"));
}

fn print_findings<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> io::Result<()> {
    let mut err = anstream::stderr().lock();
    for (index, finding) in findings.into_iter().enumerate() {
        if index > 0 {
            writeln!(err)?;
        }
        writeln!(err, "{}", without_tokens(&finding.in_colour().to_string()))?;
    }
    Ok(())
}

fn print_failure(error: &anyhow::Error) -> io::Result<()> {
    let mut err = anstream::stderr().lock();
    writeln!(err, "{}: {}", "error".red().bold(), without_tokens(&error.to_string()))?;
    for cause in error.chain().skip(1) {
        writeln!(err, "  caused by: {}", without_tokens(&cause.to_string()))?;
    }
    Ok(())
}

/// Help as it is; an error repeats the words that it is about, and one of them may be a token.
fn print_usage(error: &clap::Error) -> io::Result<()> {
    if !error.use_stderr() {
        return error.print();
    }
    let text = error.render().ansi().to_string();
    write!(anstream::stderr().lock(), "{}", without_tokens(&text))
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
