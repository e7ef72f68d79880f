//! The control plane: time, keys, settings, faults, logs and hostile tokens, in-process and over loopback HTTP.

mod directory;
pub(crate) mod http;
mod index;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;

use crate::cloud::Cloud;
use crate::event::Event;
use crate::fault::{Fault, FaultError};
use crate::issued::IssuedToken;
use crate::keys;
use crate::mint::{self, MintError, MintRequest};
use crate::recorded::RecordedRequest;
use crate::settings::Settings;
use crate::state::State;

/// A handle on a running emulator; clones act on the same one.
#[derive(Debug, Clone)]
pub struct Control {
    cloud: Arc<Cloud>,
}

impl Control {
    pub(crate) fn new(cloud: Arc<Cloud>) -> Self {
        Self { cloud }
    }

    pub(crate) fn base(&self) -> &str {
        &self.cloud.base
    }

    pub(crate) async fn save(&self) -> std::io::Result<()> {
        self.cloud.save().await
    }

    /// Emulated Unix seconds: the system's clock plus everything [`advance`](Self::advance)d.
    pub fn now(&self) -> u64 {
        self.cloud.entra().now()
    }

    /// Moves the emulated clock forward.
    pub fn advance(&self, by: Duration) {
        self.cloud.state.with(|state| state.clock_offset = state.clock_offset.saturating_add(by.as_secs()));
    }

    /// New tokens are signed with a new key; the old one stays published.
    pub fn rotate_keys(&self) {
        let reserved = self.cloud.state.with(|state| state.keys.reserve());
        // Made outside the lock: a generated key takes its time.
        let key = keys::next_key(reserved).expect("a key was made at start, so another one can be");
        self.cloud.state.with(|state| state.keys.activate(key));
    }

    /// Old keys are no longer published.
    pub fn retire_keys(&self) {
        self.cloud.state.with(|state| state.keys.retire());
    }

    /// Clock, settings, directory, faults, request log, codes, tokens, sessions and consents back to the start. Keys stay.
    pub fn reset(&self) {
        self.cloud.state.with(State::reset);
    }

    /// The settings as they are.
    pub fn settings(&self) -> Settings {
        self.cloud.state.with(|state| state.settings.clone())
    }

    /// Changes settings.
    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        self.cloud.state.with(|state| change(&mut state.settings));
    }

    /// Injects a fault, behind those already there. Panics when it is a refusal that does not exist;
    /// [`try_inject`](Self::try_inject) says so instead.
    pub fn inject(&self, fault: Fault) {
        self.try_inject(fault).unwrap_or_else(|error| panic!("cannot inject the fault: {error}"));
    }

    /// Injects a fault, behind those already there.
    pub fn try_inject(&self, fault: Fault) -> Result<(), FaultError> {
        fault.check()?;
        if fault.times != Some(0) {
            self.cloud.state.with(|state| state.faults.push(fault));
        }
        Ok(())
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.cloud.state.with(|state| state.faults.clear());
    }

    /// Everything that arrived outside the control plane, in order.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.cloud.state.with(|state| state.requests.iter().cloned().collect())
    }

    /// Empties the request log.
    pub fn clear_requests(&self) {
        self.cloud.state.with(|state| state.requests.clear());
    }

    /// Makes an access token without a sign-in, good or hostile. Panics when the request names an unknown app, client or
    /// user; [`try_mint`](Self::try_mint) says so instead.
    pub fn mint(&self, request: &MintRequest) -> String {
        self.try_mint(request).unwrap_or_else(|error| panic!("cannot mint a token: {error}"))
    }

    /// Makes an access token without a sign-in, good or hostile.
    pub fn try_mint(&self, request: &MintRequest) -> Result<String, MintError> {
        mint::mint(&self.cloud.entra(), request)
    }

    /// The tokens that the token endpoint handed out, in order.
    pub fn issued(&self) -> Vec<IssuedToken> {
        self.cloud.state.with(|state| state.issued.iter().cloned().collect())
    }

    /// Revokes a user's sessions, codes and refresh tokens, by name or user principal name: AADSTS50173 from now on.
    /// Access tokens stay valid until they expire, as in Entra. An unknown user is ignored.
    pub fn revoke_user(&self, user: &str) {
        self.try_revoke_user(user);
    }

    pub(crate) fn try_revoke_user(&self, user: &str) -> bool {
        let directory = self.directory();
        let Some(user) = directory.user(user) else { return false };
        self.cloud.state.with(|state| {
            state.sessions.retain(|_, session| session.oid != user.oid);
            let codes = state.codes.values_mut().map(|code| &mut code.grant);
            let refresh_tokens = state.refresh_tokens.values_mut().map(|token| &mut token.grant);
            for grant in codes.chain(refresh_tokens).filter(|grant| grant.oid == user.oid) {
                grant.revoked = true;
            }
        });
        true
    }

    /// Signs this user in wherever nobody else is, without a page; `None` switches it off.
    pub fn auto_login(&self, user: Option<&str>) {
        self.set(|settings| settings.auto_login = user.map(str::to_owned));
    }

    /// What happens from now on. A slow receiver loses the oldest events.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.cloud.events.subscribe()
    }
}
