//! The sessions of one route: how they begin, where they are found, how they end.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::timeout;

use super::caller::{Caller, Person};
use super::crashes::Crashes;
use super::exit::Ended;
use super::guard::Guard;
use super::process::{Process, Streams};
use super::refusal::Refusal;
use super::secrets::Secrets;
use super::session::Session;
use super::slots::{Full, Slot, Slots};
use super::{pump, session_id, stderr};
use crate::config::StdioConfig;

/// How long a new session waits for the end of the one that makes room for it.
const ROOM: Duration = Duration::from_secs(8);

/// How long is read what a process wrote before it ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What all sessions share.
#[derive(Debug)]
pub(super) struct Sessions {
    config: StdioConfig,
    /// Its values, which the log does not show.
    secrets: Secrets,
    /// In bytes: a message of a process.
    longest: usize,
    open: Mutex<HashMap<String, Arc<Session>>>,
    slots: Arc<Slots>,
    crashes: Crashes,
    guard: OnceLock<Guard>,
    /// Whether the gateway stops.
    is_stopping: watch::Sender<bool>,
}

/// A session whose `initialize` was not answered yet. Dropped, it ends.
pub(super) struct Opening {
    session: Arc<Session>,
    sessions: Arc<Sessions>,
    is_open: bool,
}

impl Sessions {
    pub(super) fn new(config: StdioConfig, longest: usize) -> Arc<Self> {
        let slots = Slots::new(config.max_processes, config.max_processes_per_user);
        Arc::new(Self {
            secrets: Secrets::of(&config.environment),
            config,
            longest,
            open: Mutex::default(),
            slots,
            crashes: Crashes::default(),
            guard: OnceLock::new(),
            is_stopping: watch::Sender::new(false),
        })
    }

    pub(super) fn config(&self) -> &StdioConfig {
        &self.config
    }

    /// The caller's session. Somebody else's does not exist, and neither does one whose process was told something
    /// about its caller that is no longer so.
    pub(super) fn find(&self, id: &str, caller: &Caller) -> Result<Arc<Session>, Refusal> {
        let session = self.open.lock().get(id).cloned().ok_or(Refusal::NoSession)?;
        if session.caller.person() != caller.person() {
            return Err(Refusal::NoSession);
        }
        if self.config.tells_caller && session.caller != *caller {
            tracing::info!(
                session = session.short_id(),
                "the client or the roles of a caller changed, which ends the session"
            );
            self.end(&session);
            return Err(Refusal::NoSession);
        }
        Ok(session)
    }

    /// Starts a process for a new session.
    pub(super) async fn begin(self: &Arc<Self>, caller: Caller) -> Result<Opening, Refusal> {
        if *self.is_stopping.borrow() {
            return Err(Refusal::Ended(Ended::Stopped));
        }
        let person = caller.person();
        if let Some(rest) = self.crashes.rest(&person) {
            return Err(Refusal::Resting(rest));
        }
        let slot = self.slot(&person).await?;
        let id = session_id::fresh().ok_or(Refusal::Internal)?;
        let (process, streams) = Process::start(&self.config, caller.variables()).map_err(|error| {
            let program = self.config.program.display();
            tracing::error!(%error, %program, "the MCP server cannot be started: see upstream.url");
            self.crashes.note(&person);
            Refusal::NotStarted
        })?;
        let guarded = self.guard.get().zip(process.id()).map(|(guard, id)| guard.watch(id));
        let (session, lines) = Session::new(id, caller);
        let caller = session.caller.object_id();
        tracing::info!(
            session = session.short_id(),
            process = process.id(),
            caller,
            "an MCP server was started"
        );
        let Streams { stdin, stdout, stderr } = streams;
        let log = tokio::spawn(stderr::relay(stderr, session.short_id().to_owned(), self.secrets.clone()));
        let (sessions, running) = (Arc::clone(self), Arc::clone(&session));
        tokio::spawn(async move {
            let writing = pump::write(stdin, lines);
            let ended = sessions.run(&running, process, stdout, writing).await;
            // What it left behind may hold its log open.
            if timeout(Duration::from_secs(1), log).await.is_err() {
                tracing::debug!(session = running.short_id(), "the log of a process did not end with it");
            }
            tracing::info!(session = running.short_id(), "{ended}");
            drop((slot, guarded));
        });
        Ok(Opening { session, sessions: Arc::clone(self), is_open: false })
    }

    /// A slot, for which the caller's longest unused session ends if it must: clients that were closed seldom say so.
    async fn slot(&self, person: &Person) -> Result<Slot, Refusal> {
        match self.slots.take(person) {
            Ok(slot) => return Ok(slot),
            Err(Full::Total) => {
                tracing::warn!("all processes of an MCP server are in use: see upstream.max_processes");
                return Err(Refusal::Full(Full::Total));
            }
            Err(Full::Person) => {}
        }
        let unused = {
            let open = self.open.lock();
            let theirs = open.values().filter(|session| session.caller.person() == *person);
            theirs
                .filter_map(|session| Some((session.unused_since()?, Arc::clone(session))))
                .min_by_key(|(since, _)| *since)
        };
        let Some((_, session)) = unused else {
            return Err(Refusal::Full(Full::Person));
        };
        tracing::info!(
            session = session.short_id(),
            "the caller's longest unused session makes room for a new one"
        );
        self.end(&session);
        let slot = async {
            loop {
                let given_back = self.slots.given_back();
                if let Ok(slot) = self.slots.take(person) {
                    return slot;
                }
                given_back.await;
            }
        };
        timeout(ROOM, slot).await.map_err(|_| Refusal::Full(Full::Person))
    }

    /// The life of a process, from its start to when nothing of it is left.
    async fn run(
        &self,
        session: &Session,
        mut process: Process,
        stdout: tokio::process::ChildStdout,
        writing: impl Future<Output = ()>,
    ) -> Ended {
        let ended = {
            let reading = async {
                // Whatever the process does not read, it may still answer.
                let reading = pump::read(stdout, session, self.longest, &self.secrets);
                let mut reading = std::pin::pin!(reading);
                tokio::select! {
                    ended = &mut reading => ended,
                    () = writing => reading.await,
                }
            };
            let mut reading = std::pin::pin!(reading);
            tokio::select! {
                ended = &mut reading => ended,
                status = process.exited() => {
                    // Its last words are still in the pipe, whose end a child of its own may hold open.
                    drop(timeout(LAST_WORDS, reading).await);
                    Ended::ByItself(status)
                }
                () = session.ending() => Ended::Asked,
                () = self.stopping() => Ended::Stopped,
                () = session.unused(self.config.idle_timeout) => Ended::Asked,
            }
        };
        // Both pumps are gone, and with them the process's input.
        let ended = match ended {
            Ended::ByItself(None) => Ended::ByItself(process.ended().await),
            other => other,
        };
        session.close(&ended);
        // In this order: whoever opens the session meanwhile sees that it is closed.
        self.open.lock().remove(&session.id);
        match &ended {
            _ if session.has_answered() => self.crashes.forget(),
            Ended::ByItself(_) | Ended::TooLong(_) => self.crashes.note(&session.caller.person()),
            // Whoever waited had no more patience; nobody knows what would have come.
            Ended::Asked | Ended::Stopped => {}
        }
        process.stop().await;
        ended
    }

    /// Has the guard know of every process from here on.
    pub(super) fn guarded_by(&self, guard: &Guard) {
        // Asked once, at start.
        self.guard.get_or_init(|| guard.clone());
    }

    /// Whether a new session would have a process.
    pub(super) fn startable(&self) -> Result<(), String> {
        if let Some(rest) = self.crashes.rest_of_all() {
            return Err(format!(
                "the MCP server ends as soon as it is started; the next attempt is in {} s",
                rest.as_secs() + 1
            ));
        }
        let program = &self.config.program;
        if program.exists() { Ok(()) } else { Err(format!("the program {} is gone", program.display())) }
    }

    /// Ends a session: nobody finds it from here on.
    pub(super) fn end(&self, session: &Session) {
        self.open.lock().remove(&session.id);
        session.end();
    }

    /// Ends all sessions: whoever waits for an answer is told.
    pub(super) fn cut(&self) {
        self.is_stopping.send_replace(true);
    }

    async fn stopping(&self) {
        let mut is_stopping = self.is_stopping.subscribe();
        // The sender is ours: it is not gone.
        drop(is_stopping.wait_for(|is_stopping| *is_stopping).await);
    }

    /// Ends all sessions and waits until nothing of them is left.
    pub(super) async fn stop(&self) {
        self.cut();
        self.slots.all_given_back().await;
    }
}

impl Opening {
    pub(super) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// `initialize` was answered well: the session can be found from here on.
    pub(super) fn opened(mut self) -> Arc<Session> {
        self.is_open = true;
        self.session.open();
        self.sessions.open.lock().insert(self.session.id.clone(), Arc::clone(&self.session));
        if self.session.ended().is_some() {
            self.sessions.open.lock().remove(&self.session.id);
        }
        Arc::clone(&self.session)
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if !self.is_open {
            self.session.end();
        }
    }
}
