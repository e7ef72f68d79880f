//! Tells what happens, in words for somebody who sees an OAuth sign-in for the first time.
//!
//! Two sources: the gateway's own log events, target `entragate::signin` and `entragate::token` ([`layer`]), and
//! the emulator's events. They become the thirteen steps of a sign-in ([`steps`]) on stdout; everything else
//! that is logged goes to stderr from `warn` on.

mod layer;
mod steps;

use std::io::{self, IsTerminal as _, Write as _, stderr};

use entragate_emulator::Event;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::mpsc;
use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use super::Mode;
use layer::{Said, legs};
use steps::{Line, Steps};

/// Token refusals and Entra's errors are part of the narration, which says them better. A 401 is the last word
/// for rmcp's transport, and what `--once` is waiting for.
const STDERR: &str = "warn,entragate::token=error,entragate::entra=error,rmcp::transport::worker=off";

/// Turns events into lines.
pub(super) struct Narrator {
    heard: mpsc::UnboundedReceiver<Said>,
    mode: Mode,
}

impl Narrator {
    /// Starts logging, with a narrator listening.
    pub(super) fn init(mode: Mode) -> Self {
        let (sender, heard) = mpsc::unbounded_channel();
        let registry = tracing_subscriber::registry().with(to_stderr()).with(legs(sender));
        // Somebody else's logger stays: then there is nothing to tell, and the demo still works.
        registry.try_init().ok();
        Self { heard, mode }
    }

    /// Prints what happens, as it happens, until the process ends or nobody reads.
    pub(super) async fn tell(mut self, mut entra: broadcast::Receiver<Event>) {
        let mut steps = Steps::new(self.mode);
        loop {
            let mut lines = Vec::new();
            tokio::select! {
                // The gateway's word first: it sends the browser to Entra before Entra sees it.
                biased;
                said = self.heard.recv() => {
                    let Some(said) = said else { return };
                    if said.comes_after_entra() {
                        catch_up(&mut entra, &steps, &mut lines);
                    }
                    lines.extend(steps.said(&said));
                }
                event = entra.recv() => match event {
                    Ok(event) => lines.extend(steps.entra(&event)),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
            }
            if print(&lines).is_err() {
                return;
            }
        }
    }
}

/// Starts logging to stderr without a narrator.
pub(super) fn log_only() {
    tracing_subscriber::registry().with(to_stderr()).try_init().ok();
}

fn to_stderr<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let is_coloured =
        stderr().is_terminal() && anstream::AutoStream::choice(&stderr()) != anstream::ColorChoice::Never;
    tracing_subscriber::fmt::layer()
        .with_writer(stderr)
        .with_ansi(is_coloured)
        .with_filter(EnvFilter::new(STDERR))
}

/// What Entra did before the gateway said what has just been heard.
fn catch_up(entra: &mut broadcast::Receiver<Event>, steps: &Steps, lines: &mut Vec<Line>) {
    loop {
        match entra.try_recv() {
            Ok(event) => lines.extend(steps.entra(&event)),
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return,
        }
    }
}

fn print(lines: &[Line]) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    out.flush()
}
