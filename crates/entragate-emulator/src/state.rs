//! Everything that changes while the emulator runs, behind the one lock of the crate.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::PoisonError;

use crate::cimd::Document;
use crate::directory::{Directories, Directory};
use crate::fault::Fault;
use crate::grants::{Code, Device, RefreshToken, Session};
use crate::ids::Random;
use crate::issued::IssuedToken;
use crate::keys::KeyRing;
use crate::recorded::RecordedRequest;
use crate::saved::Saved;
use crate::settings::Settings;

/// How many requests and issued tokens are remembered; an emulator left running must not grow for ever.
const REMEMBERED: usize = 20_000;

#[derive(Debug)]
pub(crate) struct State {
    /// Emulated time minus system time, in seconds.
    pub(crate) clock_offset: u64,
    pub(crate) settings: Settings,
    pub(crate) directories: Directories,
    pub(crate) faults: Vec<Fault>,
    pub(crate) requests: VecDeque<RecordedRequest>,
    pub(crate) issued: VecDeque<IssuedToken>,
    pub(crate) sessions: HashMap<String, Session>,
    pub(crate) codes: HashMap<String, Code>,
    pub(crate) refresh_tokens: HashMap<String, RefreshToken>,
    /// By device code; ordered, so that a user code is looked up the same way every time.
    pub(crate) devices: BTreeMap<String, Device>,
    /// Objects that Graph does not show yet, by id: how many more looks miss them.
    pub(crate) unreplicated: HashMap<String, u32>,
    /// Client metadata documents as last fetched, by client id.
    pub(crate) documents: HashMap<String, Document>,
    pub(crate) random: Random,
    pub(crate) keys: KeyRing,
}

impl State {
    pub(crate) fn new(directory: Directory, random: Random, keys: KeyRing) -> Self {
        Self {
            clock_offset: 0,
            settings: Settings::default(),
            directories: Directories::new(directory),
            faults: Vec::new(),
            requests: VecDeque::new(),
            issued: VecDeque::new(),
            sessions: HashMap::new(),
            codes: HashMap::new(),
            refresh_tokens: HashMap::new(),
            devices: BTreeMap::new(),
            unreplicated: HashMap::new(),
            documents: HashMap::new(),
            random,
            keys,
        }
    }

    /// Where another process left off, with its keys.
    pub(crate) fn resumed(saved: Saved, random: Random, keys: KeyRing) -> Self {
        let directories = saved.directories();
        Self {
            clock_offset: saved.clock_offset,
            settings: saved.settings,
            directories,
            refresh_tokens: saved.refresh_tokens.into_iter().collect(),
            documents: saved.documents.into_iter().collect(),
            ..Self::new(Directory::default(), random, keys)
        }
    }

    /// Back to the start. Keys stay: who has cached them must not be left with tokens that nobody signed.
    pub(crate) fn reset(&mut self) {
        self.clock_offset = 0;
        self.settings = Settings::default();
        self.directories.restore();
        self.faults.clear();
        self.requests.clear();
        self.issued.clear();
        self.sessions.clear();
        self.codes.clear();
        self.refresh_tokens.clear();
        self.devices.clear();
        self.unreplicated.clear();
        self.documents.clear();
    }

    /// Keeps a code; those long past redemption make room.
    pub(crate) fn add_code(&mut self, key: String, code: Code) {
        if self.codes.len() >= REMEMBERED {
            let now = code.issued_at;
            self.codes.retain(|_, old| now < old.issued_at + 3600);
        }
        self.codes.insert(key, code);
    }

    pub(crate) fn record(&mut self, request: RecordedRequest) {
        push_bounded(&mut self.requests, request);
    }

    pub(crate) fn remember_issued(&mut self, token: IssuedToken) {
        push_bounded(&mut self.issued, token);
    }
}

fn push_bounded<T>(queue: &mut VecDeque<T>, item: T) {
    if queue.len() == REMEMBERED {
        queue.pop_front();
    }
    queue.push_back(item);
}

/// The lock. Nothing is awaited and nothing is signed while it is held.
#[derive(Debug)]
#[expect(clippy::disallowed_types, reason = "one lock for one struct; poisoning is recovered from below")]
pub(crate) struct Shared(std::sync::Mutex<State>);

impl Shared {
    #[expect(clippy::disallowed_types, reason = "the constructor of the one lock")]
    pub(crate) fn new(state: State) -> Self {
        Self(std::sync::Mutex::new(state))
    }

    /// Runs `action` on the state. Every change is a single insertion or assignment, so a panic in one leaves nothing
    /// half done and the lock stays usable.
    pub(crate) fn with<R>(&self, action: impl FnOnce(&mut State) -> R) -> R {
        action(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
