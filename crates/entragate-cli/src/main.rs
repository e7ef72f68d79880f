//! The `entragate` binary.

use std::process::ExitCode;

use entragate_cli::cli;
use entragate_cli::config::Environment;

fn main() -> ExitCode {
    cli::run(std::env::args_os(), &Environment::of_this_process()).into()
}
