//! The emulated cloud as one request sees it: its directory stands still from the first check to the answer.

use std::sync::Arc;

use http::HeaderMap;
use tokio::sync::broadcast;

use crate::apis::Apis;
use crate::clock;
use crate::directory::Directory;
use crate::errors::Trace;
use crate::event::Event;
use crate::ids::Random;
use crate::settings::Settings;
use crate::state::Shared;

#[derive(Debug)]
pub(crate) struct Entra {
    /// The base URL without a trailing slash: `B` of every issuer and endpoint.
    pub(crate) base: Arc<str>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) state: Arc<Shared>,
    pub(crate) events: broadcast::Sender<Event>,
}

impl Entra {
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

    pub(crate) fn apis(&self) -> Apis<'_> {
        Apis { directory: &self.directory, base: &self.base }
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
