//! What lives as long as the emulator; a request works on the [`Entra`] it hands out.

use std::io;
use std::sync::Arc;

use tokio::sync::broadcast;

use crate::entra::Entra;
use crate::event::Event;
use crate::saved::Saver;
use crate::state::{Shared, State};

#[derive(Debug)]
pub(crate) struct Cloud {
    /// The base URL without a trailing slash: `B` of every issuer and endpoint.
    pub(crate) base: Arc<str>,
    pub(crate) state: Arc<Shared>,
    pub(crate) events: broadcast::Sender<Event>,
    saver: Option<Saver>,
}

impl Cloud {
    pub(crate) fn new(base: &str, state: State, saver: Option<Saver>) -> Self {
        // Slow listeners lose the oldest events; nobody waits for them.
        let (events, _) = broadcast::channel(256);
        Self { base: base.into(), state: Arc::new(Shared::new(state)), events, saver }
    }

    /// Writes down what must outlive the process, where that is wanted.
    pub(crate) async fn save(&self) -> io::Result<()> {
        match &self.saver {
            Some(saver) => saver.save(&self.state).await,
            None => Ok(()),
        }
    }

    /// The cloud with the directory of this moment.
    pub(crate) fn entra(&self) -> Entra {
        Entra {
            base: Arc::clone(&self.base),
            directory: self.state.with(|state| state.directories.current()),
            state: Arc::clone(&self.state),
            events: self.events.clone(),
        }
    }
}
