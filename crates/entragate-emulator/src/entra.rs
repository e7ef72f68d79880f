//! The emulated cloud that every endpoint works on.

use http::HeaderMap;
use tokio::sync::broadcast;

use crate::clock;
use crate::directory::Directory;
use crate::errors::Trace;
use crate::event::Event;
use crate::ids::Random;
use crate::settings::Settings;
use crate::state::{Shared, State};

#[derive(Debug)]
pub(crate) struct Entra {
    /// The base URL without a trailing slash: `B` of every issuer and endpoint.
    pub(crate) base: String,
    pub(crate) directory: Directory,
    pub(crate) state: Shared,
    pub(crate) events: broadcast::Sender<Event>,
}

impl Entra {
    pub(crate) fn new(base: String, directory: Directory, state: State) -> Self {
        // Slow listeners lose the oldest events; nobody waits for them.
        let (events, _) = broadcast::channel(256);
        Self { base, directory, state: Shared::new(state), events }
    }

    /// Emulated Unix seconds.
    pub(crate) fn now(&self) -> u64 {
        clock::system_seconds().saturating_add(self.state.with(|state| state.clock_offset))
    }

    pub(crate) fn settings(&self) -> Settings {
        self.state.with(|state| state.settings.clone())
    }

    pub(crate) fn random<R>(&self, draw: impl FnOnce(&mut Random) -> R) -> R {
        self.state.with(|state| draw(&mut state.random))
    }

    pub(crate) fn v2_issuer(&self, tenant: &str) -> String {
        format!("{}/{tenant}/v2.0", self.base)
    }

    /// `https://sts.windows.net/{tenant}/`, moved below the emulator's host. The slash at the end is Entra's.
    pub(crate) fn v1_issuer(&self, tenant: &str) -> String {
        format!("{}/sts/{tenant}/", self.base)
    }

    /// The identifiers of this request's answer.
    pub(crate) fn trace(&self, headers: &HeaderMap) -> Trace {
        Trace::new(headers, self.now(), self.random(Random::guid), || self.random(Random::guid))
    }
}
