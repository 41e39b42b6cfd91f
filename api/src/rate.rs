//! Rate: how often one address may ask, and one key.
//!
//! A token bucket an address (GCRA): 50 requests a second with a burst of 2,000, because many
//! phones share a carrier's address. A key that was good when it was last seen has a bucket of its
//! own, 200 a second; one that nobody knows counts for the address that it comes from. The headers are those of draft-ietf-httpapi-ratelimit-headers.

use std::{
    convert::Infallible,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{LazyLock, Mutex},
    time::Duration,
};

use axum::{
    extract::{FromRequestParts, Request},
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
};
use governor::{
    InsufficientCapacity, NotUntil, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::{StateInformationMiddleware, StateSnapshot},
    state::keyed::DashMapStateStore,
};

use uuid::Uuid;

use crate::{app::App, nodes::Nodes, person};

/// A limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What it is called in the headers.
    name: &'static str,
    /// Requests a second.
    rate: NonZeroU32,
    /// Requests at once.
    burst: NonZeroU32,
}

const BURST: NonZeroU32 = NonZeroU32::new(2000).expect("2000 is not 0");
/// That of an address.
const ADDRESS: Limit =
    Limit { name: "address", rate: NonZeroU32::new(50).expect("50 is not 0"), burst: BURST };
/// That of a key.
const KEY: Limit =
    Limit { name: "key", rate: NonZeroU32::new(200).expect("200 is not 0"), burst: BURST };
/// How often the addresses are swept at most.
const SWEEP: Duration = Duration::from_secs(1);
/// Addresses remembered before those with a full bucket are forgotten.
const ADDRESSES: usize = 100_000;

/// The header that says what the limit is.
pub const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The header that says what is left of it.
pub const LEFT: HeaderName = HeaderName::from_static("ratelimit");

type Buckets<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>;

fn buckets<K: Hash + Eq + Clone>(limit: Limit, clock: &DefaultClock) -> Buckets<K> {
    let quota = Quota::per_second(limit.rate).allow_burst(limit.burst);
    RateLimiter::dashmap_with_clock(quota, clock.clone()).with_middleware()
}

/// Who has asked how often.
#[derive(Debug)]
pub struct Limiter {
    addresses: Buckets<IpAddr>,
    keys: Buckets<Uuid>,
    clock: DefaultClock,
    nodes: Nodes,
    swept: Mutex<Option<<DefaultClock as governor::clock::Clock>::Instant>>,
}

impl Limiter {
    /// A limiter that has seen nobody, of one of `nodes`.
    pub fn new(nodes: Nodes) -> Self {
        let clock = DefaultClock::default();
        Self {
            addresses: buckets(ADDRESS, &clock),
            keys: buckets(KEY, &clock),
            clock,
            nodes,
            swept: Mutex::new(None),
        }
    }

    /// Whether a second has passed since the last sweep: it walks over all addresses.
    fn may_sweep(&self) -> bool {
        let Ok(mut last) = self.swept.try_lock() else { return false };
        let now = self.clock.now();
        let due = last.is_none_or(|last| now.duration_since(last) > SWEEP);
        if due {
            *last = Some(now);
        }
        due
    }

    /// Takes one token of `address`.
    fn take(&self, address: IpAddr) -> Verdict {
        if self.addresses.len() > ADDRESSES && self.may_sweep() {
            self.addresses.retain_recent();
        }
        let nodes = self.share_of(ADDRESS);
        let taken = self.addresses.check_key_n(&household(address), nodes);
        self.verdict(ADDRESS, nodes, taken)
    }

    /// Takes one token of `key`. There are no more keys than were given out.
    fn take_of_key(&self, key: Uuid) -> Verdict {
        let nodes = self.share_of(KEY);
        self.verdict(KEY, nodes, self.keys.check_key_n(&key, nodes))
    }

    /// Among how many nodes `limit` is shared out: never so many that less than one request a second
    /// is left.
    ///
    /// A request takes so many tokens of the whole limit. So a node that comes or goes leaves what is
    /// in the buckets as it is.
    fn share_of(&self, limit: Limit) -> NonZeroU32 {
        self.nodes.count().min(limit.rate)
    }

    fn verdict(&self, limit: Limit, nodes: NonZeroU32, taken: Taken) -> Verdict {
        let left = match taken {
            Ok(Ok(state)) => Ok(state.remaining_burst_capacity() / nodes),
            Ok(Err(not_until)) => Err(not_until.wait_time_from(self.clock.now()).as_secs() + 1),
            // A burst is larger than a second's rate, which is at least `nodes`.
            Err(InsufficientCapacity(_)) => Err(1),
        };
        Verdict { limit, nodes, left }
    }
}

/// An IPv6 customer has a /64 at least: they share a bucket.
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

type Refused = NotUntil<<DefaultClock as governor::clock::Clock>::Instant>;
type Taken = Result<Result<StateSnapshot, Refused>, InsufficientCapacity>;

/// What a limit says to a request.
#[derive(Debug, Clone, Copy)]
pub struct Verdict {
    limit: Limit,
    /// Among how many nodes it is shared out.
    nodes: NonZeroU32,
    /// How many more there may be at once, or after how many seconds there may be one.
    pub left: Result<u32, u64>,
}

/// Counts `request` of `peer`; nothing is said where there is no limit.
pub fn count(app: &App, request: &Request, peer: Option<IpAddr>) -> Option<Verdict> {
    let limiter = app.limiter.as_ref()?;
    if let Some(key) = person::key(request.headers()).and_then(|key| app.keys.was(key)) {
        return Some(limiter.take_of_key(key));
    }
    Some(limiter.take(from(app, request, peer)?))
}

/// Where `request` of `peer` comes from.
pub fn from(app: &App, request: &Request, peer: Option<IpAddr>) -> Option<IpAddr> {
    let from = if app.settings.behind_proxy { forwarded(request.headers()) } else { None };
    from.or(peer)
}

/// The household that a request comes from, where that is known; beside each that no cache answers.
#[derive(Debug, Clone, Copy)]
pub struct Household(pub Option<IpAddr>);

impl Household {
    /// That of `request` of `peer`.
    pub fn of(app: &App, request: &Request, peer: Option<IpAddr>) -> Self {
        Self(from(app, request, peer).map(household))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Household {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or(Self(None)))
    }
}

/// The address that the proxy next to us saw: the last one, those before it are hearsay.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

/// Tells this node's share of the limit and what is left of it.
pub fn tell(headers: &mut HeaderMap, verdict: Verdict) {
    static ALONE: LazyLock<[HeaderValue; 2]> =
        LazyLock::new(|| [ADDRESS, KEY].map(|limit| policy(limit, NonZeroU32::MIN)));
    let Verdict { limit, nodes, left } = verdict;
    let share = limit.burst.get() / nodes;
    let left = left.unwrap_or(0);
    let full_in = ((share - left.min(share)) * nodes.get()).div_ceil(limit.rate.get());
    let policy = if nodes == NonZeroU32::MIN {
        ALONE[usize::from(limit == KEY)].clone()
    } else {
        policy(limit, nodes)
    };
    headers.insert(POLICY, policy);
    if let Ok(state) = HeaderValue::try_from(format!("\"{}\";r={left};t={full_in}", limit.name)) {
        headers.insert(LEFT, state);
    }
}

fn policy(limit: Limit, nodes: NonZeroU32) -> HeaderValue {
    let Limit { name, rate, burst } = limit;
    let text = format!("\"{name}\";q={};w={}", burst.get() / nodes, burst.get() / rate);
    HeaderValue::try_from(text).expect("digits and words are a header's value")
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    /// What an address is told whose first request meets a node that is one of `live`.
    fn told(live: u64) -> (String, String) {
        let nodes = Nodes::default();
        nodes.set(live);
        let limiter = Limiter::new(nodes);
        let mut headers = HeaderMap::new();
        tell(&mut headers, limiter.take(Ipv4Addr::LOCALHOST.into()));
        let text = |name: HeaderName| headers[name].to_str().unwrap().to_owned();
        (text(POLICY), text(LEFT))
    }

    #[test]
    fn each_node_gives_its_share_and_says_so() {
        let pair = |policy: &str, left: &str| (policy.to_owned(), left.to_owned());
        assert_eq!(told(1), pair("\"address\";q=2000;w=40", "\"address\";r=1999;t=1"));
        assert_eq!(told(2), pair("\"address\";q=1000;w=40", "\"address\";r=999;t=1"));
        assert_eq!(told(3), pair("\"address\";q=666;w=40", "\"address\";r=665;t=1"));
        // Nobody is left without anything, however many there are.
        assert_eq!(told(5000), pair("\"address\";q=40;w=40", "\"address\";r=39;t=1"));
        assert_eq!(told(0), told(1));
    }

    #[test]
    fn the_shares_of_all_are_the_limit_and_a_node_that_goes_leaves_the_buckets_as_they_are() {
        let nodes = Nodes::default();
        nodes.set(4);
        let limiter = Limiter::new(nodes.clone());
        let address = Ipv4Addr::LOCALHOST.into();
        let admitted = (0..2000).filter(|_| limiter.take(address).left.is_ok()).count();
        // The clock runs on: some more may have come meanwhile.
        assert!((500..600).contains(&admitted), "{admitted}");
        nodes.set(1);
        assert!(limiter.take(address).left.unwrap_or(0) < 500);
    }
}
