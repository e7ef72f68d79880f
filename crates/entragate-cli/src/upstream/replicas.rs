//! The replicas of one MCP server, and which of them a request goes to.
//!
//! A session of the revisions up to 2025-11-25 lives in the replica that opened it (TR-12). Nothing is stored here: the
//! session id that the client gets names the replica, and the layer around the proxy seals it, so that nobody can choose
//! one. Everything without a session goes round (TR-13); where no connection opens, nothing was written, and the next
//! replica is asked (TR-08).

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entragate::BaseUrl;
use http::HeaderValue;
use tokio::time::Instant;

use super::UpstreamError;
use super::client::{Client, Connector};
use super::target::Targets;
use crate::config::UpstreamConfig;

/// How long a replica that took no connection is asked last.
const REST: Duration = Duration::from_secs(5);
/// Between the replica's name and the server's own session id.
const JOINT: char = '~';

/// One replica.
pub(super) struct Replica {
    /// Short, and the same after a restart and in every gateway: a part of the hash of its URL.
    name: String,
    pub(super) targets: Targets,
    /// With its own connections.
    pub(super) client: Client,
    /// Until when it is asked last, in milliseconds after [`Replicas::started`].
    rests_until: AtomicU64,
}

/// All of them: at least one.
pub(super) struct Replicas {
    all: Vec<Replica>,
    next: AtomicUsize,
    started: Instant,
}

/// The session is of a replica that is not, or no longer, one of ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gone;

impl Replicas {
    pub(super) fn new(config: &UpstreamConfig, base_url: &BaseUrl) -> Result<Self, UpstreamError> {
        let is_tls = config.urls().any(|url| url.scheme() == "https");
        let connector = Connector::new(is_tls, config.connect_timeout)?;
        let replica = |url: &url::Url| {
            let name = digest(&SHA256, url.as_str().as_bytes());
            let targets = Targets::new(url, config, base_url)?;
            Ok(Replica {
                name: URL_SAFE_NO_PAD.encode(name.as_ref().get(..6).unwrap_or_default()),
                client: Client::new(targets.server(), connector.clone()),
                targets,
                rests_until: AtomicU64::new(0),
            })
        };
        let all = config.urls().map(replica).collect::<Result<_, _>>()?;
        Ok(Self { all, next: AtomicUsize::new(0), started: Instant::now() })
    }

    /// The only one, if it is.
    pub(super) fn only(&self) -> Option<&Replica> {
        if let [only] = self.all.as_slice() { Some(only) } else { None }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Replica> {
        self.all.iter()
    }

    /// The replica of a session and the id that the server knows it by.
    pub(super) fn of_session(&self, id: &HeaderValue) -> Result<(&Replica, HeaderValue), Gone> {
        let (name, own) = id.to_str().ok().and_then(|text| text.split_once(JOINT)).ok_or(Gone)?;
        let replica = self.all.iter().find(|replica| replica.name == name).ok_or(Gone)?;
        Ok((replica, HeaderValue::try_from(own).map_err(|_| Gone)?))
    }

    /// In which order they are asked for something that any of them can do.
    pub(super) fn in_turn(&self) -> Vec<&Replica> {
        let first = self.next.fetch_add(1, Ordering::Relaxed) % self.all.len().max(1);
        let (before, after) = self.all.split_at(first);
        let mut order: Vec<&Replica> = after.iter().chain(before).collect();
        let now = self.now();
        // Stable: those that rest come last, in turn.
        order.sort_by_key(|replica| replica.rests_until.load(Ordering::Relaxed) > now);
        order
    }

    /// It took no connection.
    pub(super) fn let_rest(&self, replica: &Replica) {
        let rest = u64::try_from(REST.as_millis()).unwrap_or(u64::MAX);
        replica.rests_until.store(self.now().saturating_add(rest), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Replica {
    /// The session id as it leaves the proxy. One that no header can hold is none of MCP's.
    pub(super) fn named(&self, id: &HeaderValue) -> Option<HeaderValue> {
        HeaderValue::try_from(format!("{}{JOINT}{}", self.name, id.to_str().ok()?)).ok()
    }
}

impl std::fmt::Debug for Replicas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all.iter().map(|replica| &replica.targets)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::UpstreamIdentity;

    fn replicas(urls: &[&str]) -> Replicas {
        let config = UpstreamConfig {
            url: urls[0].parse().unwrap(),
            replicas: urls[1..].iter().map(|url| url.parse().unwrap()).collect(),
            path: "/mcp".to_owned(),
            also: Vec::new(),
            connect_timeout: Duration::from_secs(1),
            response_header_timeout: None,
            identity: UpstreamIdentity::Headers,
        };
        Replicas::new(&config, &BaseUrl::parse("http://localhost:3002").unwrap()).unwrap()
    }

    const THREE: [&str; 3] = ["http://10.0.0.1/mcp", "http://10.0.0.2/mcp", "http://10.0.0.3/mcp"];

    #[test]
    fn a_session_names_its_replica_in_every_gateway_and_in_any_order() {
        let (here, there) = (replicas(&THREE), replicas(&[THREE[2], THREE[0], THREE[1]]));
        let id = HeaderValue::from_static("1868a90c~x.7");
        for replica in here.iter() {
            let named = replica.named(&id).unwrap();
            let (found, own) = there.of_session(&named).unwrap();
            assert_eq!((found.name.as_str(), &own), (replica.name.as_str(), &id));
            assert_eq!(found.targets.address(), replica.targets.address());
        }
    }

    #[test]
    fn a_session_of_nobody_is_gone() {
        let all = replicas(&THREE);
        let named = all.all[0].named(&HeaderValue::from_static("x")).unwrap();
        assert_eq!(replicas(&THREE[1..]).of_session(&named).err(), Some(Gone));
        for unnamed in ["", "x", "~", "AAAAAAAA~x"] {
            assert_eq!(all.of_session(&HeaderValue::from_static(unnamed)).err(), Some(Gone), "{unnamed}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn they_take_turns_and_one_that_rests_comes_last_for_a_while() {
        let all = replicas(&THREE);
        let order = |all: &Replicas| -> Vec<String> {
            all.in_turn().iter().map(|replica| replica.targets.address().0.to_owned()).collect()
        };
        assert_eq!(order(&all), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
        assert_eq!(order(&all), ["10.0.0.2", "10.0.0.3", "10.0.0.1"]);
        all.let_rest(&all.all[2]);
        assert_eq!(order(&all), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
        assert_eq!(order(&all), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
        tokio::time::advance(REST).await;
        assert_eq!(order(&all), ["10.0.0.2", "10.0.0.3", "10.0.0.1"]);
    }
}
