//! How often one address may use the sign-in endpoints. Registration and authorization cost us little, but
//! every token request becomes a request to Entra from our address: whoever floods us would have Entra
//! throttle everybody's sign-in.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use http::header::RETRY_AFTER;
use http::{HeaderValue, Response, StatusCode};

use crate::clock::Clock;
use crate::oauth::error::{Code, OAuthError};

/// The client's address, put into the request's extensions by the server that accepted the connection.
/// Without it there is one budget for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub SocketAddr);

/// Requests a second, and how many at once after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) per_second: NonZeroU32,
    pub(crate) burst: NonZeroU32,
}

impl Default for Rate {
    /// Far more than people need, even when an ingress hides them all behind one address, and few enough for
    /// Entra.
    fn default() -> Self {
        const PER_SECOND: NonZeroU32 = NonZeroU32::new(50).unwrap();
        const BURST: NonZeroU32 = NonZeroU32::new(500).unwrap();
        Self { per_second: PER_SECOND, burst: BURST }
    }
}

/// Addresses that are remembered before those at rest are forgotten.
const MANY: usize = 10_000;

type Limiter = RateLimiter<IpAddr, DashMapStateStore<IpAddr>, Time, NoOpMiddleware<Duration>>;

pub(crate) struct RateLimit {
    limiter: Limiter,
    clock: Arc<dyn Clock>,
    /// When those at rest were forgotten last, in Unix seconds.
    swept: AtomicU64,
}

/// Our clock in the limiter's terms.
#[derive(Clone)]
pub(crate) struct Time(pub(crate) Arc<dyn Clock>);

impl GovernorClock for Time {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_secs(self.0.now().as_unix())
    }
}

impl RateLimit {
    pub(crate) fn new(rate: Rate, clock: Arc<dyn Clock>) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        let limiter = RateLimiter::new(quota, DashMapStateStore::default(), Time(Arc::clone(&clock)));
        Self { limiter, clock, swept: AtomicU64::new(0) }
    }

    /// The refusal, if the address has used up its budget.
    pub(crate) fn refuse(&self, client: Option<ClientAddress>) -> Option<Response<Body>> {
        self.sweep();
        self.limiter.check_key(&key(client)).err()?;
        let text = "Too many sign-in requests from this address, try again shortly";
        let error = OAuthError::new(Code::TemporarilyUnavailable, text);
        let mut response = OAuthError { status: StatusCode::TOO_MANY_REQUESTS, ..error }.response();
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        tracing::warn!(target: "entragate::rate", "sign-in requests are limited for one address");
        Some(response)
    }

    /// Forgets addresses at rest when there are many, at most once a second.
    fn sweep(&self) {
        let now = self.clock.now().as_unix();
        if self.limiter.len() > MANY && self.swept.swap(now, Ordering::Relaxed) != now {
            self.limiter.retain_recent();
        }
    }
}

/// One subscriber of IPv6 owns a /64.
fn key(client: Option<ClientAddress>) -> IpAddr {
    match client.map(|ClientAddress(address)| address.ip().to_canonical()) {
        None => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        Some(v4) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, Timestamp};

    /// Asks for a request of this address.
    fn ask(limit: &RateLimit, address: &str) -> Option<Response<Body>> {
        limit.refuse(Some(ClientAddress(address.parse().unwrap())))
    }

    #[test]
    fn an_address_that_floods_is_refused_and_others_are_not() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix(1_000)));
        let two = NonZeroU32::new(2).unwrap();
        let limit = RateLimit::new(Rate { per_second: two, burst: two }, clock.clone());
        for _ in 0..2 {
            assert!(ask(&limit, "192.0.2.1:7").is_none());
        }
        let refusal = ask(&limit, "192.0.2.1:8").expect("the third within a second is refused");
        assert_eq!(
            (refusal.status(), &refusal.headers()[RETRY_AFTER]),
            (StatusCode::TOO_MANY_REQUESTS, &HeaderValue::from_static("1"))
        );
        assert!(ask(&limit, "[::ffff:192.0.2.1]:9").is_some(), "the same address in another spelling");
        assert!(ask(&limit, "192.0.2.2:7").is_none());
        for suffix in ["1", "2"] {
            assert!(ask(&limit, &format!("[2001:db8::{suffix}]:7")).is_none());
        }
        assert!(ask(&limit, "[2001:db8::3]:7").is_some(), "the same /64");
        clock.advance(Duration::from_secs(2));
        assert!(ask(&limit, "192.0.2.1:7").is_none());
    }
}
