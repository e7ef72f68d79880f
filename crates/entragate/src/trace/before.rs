//! What happens before there is an attempt: metadata is read by the client, not by the browser. The two have the
//! address in common when the client runs on the person's machine, which is as good a guess as there is.

use std::net::IpAddr;
use std::time::Duration;

use quick_cache::sync::Cache;

use super::{Leg, Outcome, Step};
use crate::clock::Timestamp;
use crate::rate::ClientAddress;

/// Addresses that are remembered.
const CAPACITY: usize = 1_000;
/// A client goes on to open the browser within seconds.
const RECENT: Duration = Duration::from_secs(5 * 60);
/// Documents that a client may read.
const MOST: usize = 4;

type Reads = Vec<(&'static str, Timestamp)>;

pub(super) struct Before(Cache<IpAddr, Reads>);

impl Before {
    pub(super) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    pub(super) fn note(&self, client: Option<ClientAddress>, what: &'static str, now: Timestamp) {
        let Some(ClientAddress(address)) = client else { return };
        let address = address.ip().to_canonical();
        let mut reads = self.0.get(&address).unwrap_or_default();
        reads.retain(|(other, at)| *other != what && now.since(*at) < RECENT);
        reads.push((what, now));
        if reads.len() <= MOST {
            self.0.insert(address, reads);
        }
    }

    pub(super) fn steps(&self, client: Option<ClientAddress>, now: Timestamp) -> Vec<Step> {
        let Some(ClientAddress(address)) = client else { return Vec::new() };
        let reads = self.0.get(&address.ip().to_canonical()).unwrap_or_default();
        let step = |(what, at): (&'static str, Timestamp)| Step {
            leg: Leg::Discovery,
            at,
            outcome: Outcome::Passed,
            text: format!("{what}, from the same address"),
        };
        reads.into_iter().filter(|(_, at)| now.since(*at) < RECENT).map(step).collect()
    }
}
