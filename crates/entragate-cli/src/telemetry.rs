//! Where log events go: stderr, as text or as JSON.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogConfig, LogFormat};

/// Starts logging. A second call changes nothing: tests run several gateways in one process.
pub fn init(config: &LogConfig) {
    let (filter, invalid) = match EnvFilter::try_new(&config.filter) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let colours =
        stderr().is_terminal() && anstream::AutoStream::choice(&stderr()) != anstream::ColorChoice::Never;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_ansi(colours);
    let started = match config.format {
        LogFormat::Text => builder.finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
    };
    if started.is_ok()
        && let Some(error) = invalid
    {
        tracing::warn!(%error, filter = config.filter, "the log filter is not valid, `info` is used");
    }
}
