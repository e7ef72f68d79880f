//! The gateway's log events as data.

use std::collections::BTreeMap;
use std::fmt;

use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The legs of a sign-in (see the library's `signin` module).
const SIGN_IN: &str = "entragate::signin";
/// Tokens that were not accepted.
const TOKEN: &str = "entragate::token";

/// Something the gateway said: a leg, or `token_refused`, with the event's fields as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    fields: BTreeMap<&'static str, String>,
    is_about_a_token: bool,
}

impl Said {
    /// What it is about.
    pub(super) fn leg(&self) -> &str {
        if self.is_about_a_token { "token_refused" } else { self.field("leg") }
    }

    /// A field; absent is empty.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// Why something was refused.
    pub(super) fn reason(&self) -> &str {
        match self.field("reason") {
            "" => self.field("message"),
            reason => reason,
        }
    }

    /// Whether Entra had its part in this before the gateway spoke.
    pub(super) fn comes_after_entra(&self) -> bool {
        matches!(self.leg(), "callback" | "code" | "refresh")
            || (self.leg() == "refused" && self.field("endpoint") == "token")
    }

    #[cfg(test)]
    pub(super) fn new(leg: &str, fields: &[(&'static str, &str)]) -> Self {
        let mut said = Self { is_about_a_token: leg == "token_refused", ..Self::default() };
        said.fields.insert("leg", leg.to_owned());
        said.fields.extend(fields.iter().map(|(name, value)| (*name, (*value).to_owned())));
        said
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

/// A tracing layer that passes them on.
pub(super) fn legs<S>(to: mpsc::UnboundedSender<Said>) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    Legs(to).with_filter(Targets::new().with_target(SIGN_IN, Level::INFO).with_target(TOKEN, Level::WARN))
}

struct Legs(mpsc::UnboundedSender<Said>);

impl<S: Subscriber> Layer<S> for Legs {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let is_about_a_token = event.metadata().target() == TOKEN;
        let mut said = Said { is_about_a_token, ..Said::default() };
        event.record(&mut said);
        // Nobody listens once the demo stops.
        self.0.send(said).ok();
    }
}
