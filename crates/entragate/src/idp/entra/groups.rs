//! Group overage: whoever is a member of more than 200 groups has a token without any, which says so in
//! `_claim_names` or `hasgroups`. The URL that it names belongs to a service that is gone and is never followed; the
//! memberships are read from Microsoft Graph, when a rule needs them and not before, and kept for a few minutes.
//!
//! What cannot be read counts as absent, with the reason: rules over groups refuse, the others go on.

use std::collections::HashSet;
use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use quick_cache::sync::Cache;

use super::credential::Credential;
use super::graph::Graph;
use crate::clock::{Clock, Timestamp};
use crate::principal::{Kind, Principal};
use crate::rate::Time;

/// People whose groups are remembered. Only the groups that rules name are kept, so an entry is small.
const CAPACITY: usize = 10_000;
/// Of our own accord, no more requests to Graph than this in the long run, and no more than the burst at once: it throttles per tenant, and others ask it too.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();
const BURST: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// How soon after a failure the same person's groups are asked for again.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// However long Graph wants to be left alone, it is tried again after this.
const LONGEST_PAUSE: u64 = 5 * 60;

/// How the groups of a token with too many are read from Microsoft Graph. The app needs the application permission
/// GroupMember.Read.All together with User.ReadBasic.All, or Directory.Read.All, with admin consent.
#[derive(Debug, Clone)]
pub struct GraphGroups {
    credential: Credential,
    keep: Duration,
    patience: Duration,
    most: usize,
}

impl GraphGroups {
    /// With the credential of the app that tokens are for; in broker mode, of the app that signs people in.
    pub fn new(credential: Credential) -> Self {
        let (keep, patience) = (Duration::from_secs(5 * 60), Duration::from_secs(5));
        Self { credential, keep, patience, most: 10_000 }
    }

    /// How long memberships are kept, and so how late a change is noticed; default five minutes.
    #[must_use]
    pub fn keep(mut self, how_long: Duration) -> Self {
        self.keep = how_long;
        self
    }

    /// How long a call may wait for Graph; default five seconds.
    #[must_use]
    pub fn patience(mut self, how_long: Duration) -> Self {
        self.patience = how_long;
        self
    }

    /// More memberships than this are not read; default 10,000. Graph itself ends at 11,000.
    #[must_use]
    pub fn at_most(mut self, memberships: usize) -> Self {
        self.most = memberships;
        self
    }

    /// What the gateway proves itself with when it asks.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }
}

/// Why somebody's groups are not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unread {
    #[error("no credential for Microsoft Graph is configured (groups.overage)")]
    NotConfigured,
    #[error("nobody has asked for them")]
    NotAsked,
    #[error("only the groups of users are read from Microsoft Graph, and this is a program")]
    NotAUser,
    #[error("the tenant's discovery document names no Microsoft Graph (`msgraph_host`)")]
    NoGraph,
    #[error("Entra gives the gateway no token for Microsoft Graph: {0}")]
    Token(String),
    #[error(
        "Microsoft Graph refuses the gateway ({0}): give its app the application permissions GroupMember.Read.All and User.ReadBasic.All, or Directory.Read.All, and grant admin consent"
    )]
    Permission(String),
    #[error("Microsoft Graph knows no such user")]
    NoSuchUser,
    #[error("the user is a member of more than {0} groups")]
    TooMany(usize),
    #[error("Microsoft Graph asks to wait {0} s")]
    Throttled(u64),
    #[error("the gateway's own limit of requests to Microsoft Graph is used up")]
    Busy,
    #[error("Microsoft Graph did not answer within {0:?}")]
    TimedOut(Duration),
    #[error("Microsoft Graph cannot be reached: {0}")]
    Unreachable(String),
    #[error("Microsoft Graph's answer cannot be used: {0}")]
    Unusable(String),
}

impl Unread {
    /// What the person reads: enough to know whom to ask.
    pub(crate) const fn public_text(&self) -> &'static str {
        match self {
            Self::NotConfigured | Self::NotAsked => {
                "you are in more groups than fit into a token, and this server is not set up to read them from Microsoft Graph"
            }
            Self::NotAUser => "a program's groups are not read",
            Self::Token(_) | Self::Permission(_) | Self::NoGraph => {
                "this server may not read group memberships in Microsoft Graph; its administrator has to grant that"
            }
            Self::NoSuchUser => "Microsoft Graph does not know you",
            Self::TooMany(_) => "you are in more groups than this server reads",
            Self::Throttled(_)
            | Self::Busy
            | Self::TimedOut(_)
            | Self::Unreachable(_)
            | Self::Unusable(_) => "Microsoft Graph does not answer at the moment, try again shortly",
        }
    }

    /// Whether asking from another place or a little later could end otherwise.
    pub(crate) const fn is_open(&self) -> bool {
        match self {
            Self::NotConfigured
            | Self::NotAUser
            | Self::NoGraph
            | Self::Permission(_)
            | Self::NoSuchUser
            | Self::TooMany(_) => false,
            Self::NotAsked
            // The credential may be one that only the gateway's own machine has.
            | Self::Token(_)
            | Self::Throttled(_)
            | Self::Busy
            | Self::TimedOut(_)
            | Self::Unreachable(_)
            | Self::Unusable(_) => true,
        }
    }

    /// How long it is believed.
    fn life(&self) -> Duration {
        match self {
            Self::Throttled(seconds) => Duration::from_secs((*seconds).clamp(1, LONGEST_PAUSE)),
            Self::Busy => Duration::from_secs(1),
            _ => AFTER_FAILURE,
        }
    }
}

/// Those of somebody's groups that rules name.
pub(crate) type Memberships = Arc<[String]>;

/// What Graph said.
struct Answered {
    count: usize,
    named: Memberships,
}

#[derive(Clone)]
struct Known {
    groups: Result<Memberships, Unread>,
    until: Timestamp,
}

/// Reads memberships, one request for each person however many calls wait for it.
pub(crate) struct Groups {
    reader: Option<(Graph, GraphGroups)>,
    /// What rules name; the rest of somebody's groups is nobody's business here.
    named: HashSet<String>,
    known: Cache<(String, String), Known>,
    limit: RateLimiter<NotKeyed, InMemoryState, Time, NoOpMiddleware<Duration>>,
    /// Graph wants to be left alone until then, in Unix seconds.
    pause: AtomicU64,
    clock: Arc<dyn Clock>,
}

impl Groups {
    pub(crate) fn new(
        reader: Option<(Graph, GraphGroups)>,
        named: impl IntoIterator<Item = String>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let quota = Quota::per_second(PER_SECOND).allow_burst(BURST);
        let limit = RateLimiter::direct_with_clock(quota, Time(Arc::clone(&clock)));
        let (named, known, pause) = (named.into_iter().collect(), Cache::new(CAPACITY), AtomicU64::new(0));
        Self { reader, named, known, limit, pause, clock }
    }

    /// Whom to ask and how, or why nobody is asked about this caller.
    fn reader_for(&self, who: &Principal) -> Result<&(Graph, GraphGroups), Unread> {
        let reader = self.reader.as_ref().ok_or(Unread::NotConfigured)?;
        if who.kind() == Kind::User { Ok(reader) } else { Err(Unread::NotAUser) }
    }

    /// The caller, with what could be found out about groups that are not in the token.
    pub(crate) async fn completed(&self, who: &Principal) -> Principal {
        // In a box, so that a call that waits for nobody makes no room for it.
        who.with_groups(Box::pin(self.of(who)).await)
    }

    /// Those of the caller's groups that rules name.
    async fn of(&self, who: &Principal) -> Result<Memberships, Unread> {
        let (graph, options) = self.reader_for(who)?;
        let key = (who.tenant_id().to_owned(), who.object_id().to_owned());
        let now = self.clock.now();
        self.known.remove_if(&key, |known| now >= known.until);
        let asked = async { Ok::<_, Infallible>(self.ask(graph, options, who.object_id()).await) };
        let Ok(known) = self.known.get_or_insert_async(&key, asked).await;
        known.groups
    }

    /// Why nobody would be asked about this caller.
    pub(crate) fn refuses_to_ask(&self, who: &Principal) -> Option<Unread> {
        self.reader_for(who).err()
    }

    /// The same question as for a call, for a report: nothing of it is logged or remembered.
    pub(crate) async fn look(&self, who: &Principal) -> Result<Memberships, Unread> {
        let (graph, options) = self.reader_for(who)?;
        self.asked(graph, options, who.object_id()).await.map(|answer| answer.named)
    }

    async fn ask(&self, graph: &Graph, options: &GraphGroups, object_id: &str) -> Known {
        let answer = self.asked(graph, options, object_id).await;
        let now = self.clock.now();
        match answer {
            Ok(Answered { count, named }) => {
                tracing::info!(target: "entragate::groups", memberships = count, named = named.len(), "group memberships read from Microsoft Graph");
                Known { groups: Ok(named), until: now.plus(options.keep) }
            }
            Err(unread) => {
                if let Unread::Throttled(_) = unread {
                    self.pause.store(now.plus(unread.life()).as_unix(), Ordering::Relaxed);
                }
                tracing::warn!(target: "entragate::groups", reason = %unread, "group memberships could not be read");
                let until = now.plus(unread.life());
                Known { groups: Err(unread), until }
            }
        }
    }

    async fn asked(&self, graph: &Graph, options: &GraphGroups, object_id: &str) -> Result<Answered, Unread> {
        let left = self.pause.load(Ordering::Relaxed).saturating_sub(self.clock.now().as_unix());
        if left > 0 {
            return Err(Unread::Throttled(left));
        }
        self.limit.check().map_err(|_| Unread::Busy)?;
        let answer = tokio::time::timeout(options.patience, graph.member_of(object_id, options.most)).await;
        let all = answer.map_err(|_| Unread::TimedOut(options.patience))??;
        let count = all.len();
        let lower = all.into_iter().map(|id| id.to_ascii_lowercase());
        let named = lower.filter(|id| self.named.contains(id)).collect();
        Ok(Answered { count, named })
    }
}
