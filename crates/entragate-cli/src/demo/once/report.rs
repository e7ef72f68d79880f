//! Steps on the terminal: what was tried, whether it worked, what came back, and how long it took.

use std::io::{self, Write as _};
use std::time::Instant;

use owo_colors::OwoColorize as _;

/// The outcome of a step that worked.
pub(super) struct Worked<T> {
    detail: String,
    value: T,
}

impl<T> Worked<T> {
    /// With what came back, in a few words.
    pub(super) fn with(detail: impl Into<String>, value: T) -> Self {
        Self { detail: detail.into(), value }
    }
}

/// Prints steps and counts them.
#[derive(Default)]
pub(super) struct Report {
    worked: usize,
    failed: usize,
}

/// Begins a group of steps.
pub(super) fn heading(text: &str) -> io::Result<()> {
    writeln!(anstream::stdout(), "\n{}", text.bold())
}

impl Report {
    /// Takes a step. `None` when it failed, which is printed and counted; an error when nobody reads any more.
    pub(super) async fn step<T>(
        &mut self,
        what: &str,
        work: impl Future<Output = anyhow::Result<Worked<T>>>,
    ) -> io::Result<Option<T>> {
        #[expect(clippy::disallowed_methods, reason = "measures how long a step took, decides nothing")]
        let begun = Instant::now();
        let outcome = work.await;
        let took = format!("({} ms)", begun.elapsed().as_millis());
        let took = took.dimmed();
        let mut out = anstream::stdout().lock();
        match outcome {
            Ok(Worked { detail, value }) => {
                self.worked += 1;
                writeln!(out, "  {} {what}: {detail} {took}", "✓".green())?;
                Ok(Some(value))
            }
            Err(error) => {
                self.failed += 1;
                writeln!(out, "  {} {what} {took}", "✗".red())?;
                for cause in error.chain() {
                    writeln!(out, "      {}", cause.to_string().replace('\n', "\n      "))?;
                }
                Ok(None)
            }
        }
    }

    /// Prints the sum and tells how many steps failed.
    pub(super) fn conclude(&self) -> io::Result<usize> {
        let Self { worked, failed } = self;
        let mut out = anstream::stdout().lock();
        match failed {
            0 => writeln!(out, "\n{} all {worked} steps worked", "✓".green())?,
            _ => writeln!(out, "\n{} {failed} of {} steps failed", "✗".red(), worked + failed)?,
        }
        Ok(*failed)
    }
}
