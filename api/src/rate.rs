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
    NotUntil, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::{StateInformationMiddleware, StateSnapshot},
    state::keyed::DashMapStateStore,
};

use uuid::Uuid;

use crate::{app::App, person};

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
    swept: Mutex<Option<<DefaultClock as governor::clock::Clock>::Instant>>,
}

impl Limiter {
    /// A limiter that has seen nobody.
    pub fn new() -> Self {
        let clock = DefaultClock::default();
        Self {
            addresses: buckets(ADDRESS, &clock),
            keys: buckets(KEY, &clock),
            clock,
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
        self.verdict(ADDRESS, self.addresses.check_key(&household(address)))
    }

    /// Takes one token of `key`. There are no more keys than were given out.
    fn take_of_key(&self, key: Uuid) -> Verdict {
        self.verdict(KEY, self.keys.check_key(&key))
    }

    fn verdict(&self, limit: Limit, taken: Taken) -> Verdict {
        let left = match taken {
            Ok(state) => Ok(state.remaining_burst_capacity()),
            Err(not_until) => Err(not_until.wait_time_from(self.clock.now()).as_secs() + 1),
        };
        Verdict { limit, left }
    }
}

/// An IPv6 customer has a /64 at least: they share a bucket.
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

type Taken = Result<StateSnapshot, NotUntil<<DefaultClock as governor::clock::Clock>::Instant>>;

/// What a limit says to a request.
#[derive(Debug, Clone, Copy)]
pub struct Verdict {
    limit: Limit,
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

/// Tells the limit and what is left of it.
pub fn tell(headers: &mut HeaderMap, verdict: Verdict) {
    static POLICIES: LazyLock<[HeaderValue; 2]> = LazyLock::new(|| {
        [ADDRESS, KEY].map(|Limit { name, rate, burst }| {
            let text = format!("\"{name}\";q={burst};w={}", burst.get() / rate.get());
            HeaderValue::try_from(text).expect("digits and words are a header's value")
        })
    });
    let Verdict { limit: Limit { name, rate, burst }, left } = verdict;
    let left = left.unwrap_or(0);
    let full_in = (burst.get() - left).div_ceil(rate.get());
    headers.insert(POLICY, POLICIES[usize::from(verdict.limit == KEY)].clone());
    if let Ok(state) = HeaderValue::try_from(format!("\"{name}\";r={left};t={full_in}")) {
        headers.insert(LEFT, state);
    }
}
