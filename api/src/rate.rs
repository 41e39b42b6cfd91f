//! Rate: how often one address may ask.
//!
//! A token bucket an address (GCRA): 50 requests a second with a burst of 2,000, because many
//! phones share a carrier's address. The headers are those of draft-ietf-httpapi-ratelimit-headers.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    sync::{LazyLock, Mutex},
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request},
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DashMapStateStore,
};

use crate::app::App;

/// Requests a second.
const RATE: NonZeroU32 = NonZeroU32::new(50).expect("50 is not 0");
/// Requests at once.
const BURST: NonZeroU32 = NonZeroU32::new(2000).expect("2000 is not 0");
/// How often the addresses are swept at most.
const SWEEP: Duration = Duration::from_secs(1);
/// Addresses remembered before those with a full bucket are forgotten.
const ADDRESSES: usize = 100_000;

/// The header that says what the limit is.
pub const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The header that says what is left of it.
pub const LEFT: HeaderName = HeaderName::from_static("ratelimit");

type Buckets =
    RateLimiter<IpAddr, DashMapStateStore<IpAddr>, DefaultClock, StateInformationMiddleware>;

/// Who has asked how often.
#[derive(Debug)]
pub struct Limiter {
    buckets: Buckets,
    clock: DefaultClock,
    swept: Mutex<Option<<DefaultClock as governor::clock::Clock>::Instant>>,
}

impl Limiter {
    /// A limiter that has seen nobody.
    pub fn new() -> Self {
        let quota = Quota::per_second(RATE).allow_burst(BURST);
        let clock = DefaultClock::default();
        Self {
            buckets: RateLimiter::dashmap_with_clock(quota, clock.clone()).with_middleware(),
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

    /// Takes one token of `address`: how many are left, or after how many seconds there is one.
    fn take(&self, address: IpAddr) -> Verdict {
        if self.buckets.len() > ADDRESSES && self.may_sweep() {
            self.buckets.retain_recent();
        }
        match self.buckets.check_key(&household(address)) {
            Ok(state) => Ok(state.remaining_burst_capacity()),
            Err(not_until) => Err(not_until.wait_time_from(self.clock.now()).as_secs() + 1),
        }
    }
}

/// An IPv6 customer has a /64 at least: they share a bucket.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// What the limit says to a request: how many more there may be at once, or after how many seconds
/// there may be one.
pub type Verdict = Result<u32, u64>;

/// Counts `request` of `peer`; nothing is said where there is no limit.
pub fn count(app: &App, request: &Request, peer: Option<IpAddr>) -> Option<Verdict> {
    let limiter = app.limiter.as_ref()?;
    Some(limiter.take(from(app, request, peer)?))
}

/// Where `request` of `peer` comes from.
fn from(app: &App, request: &Request, peer: Option<IpAddr>) -> Option<IpAddr> {
    let from = if app.settings.behind_proxy { forwarded(request.headers()) } else { None };
    let info = || request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    from.or(peer).or_else(info)
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
    static LIMIT: LazyLock<HeaderValue> = LazyLock::new(|| {
        let text = format!("\"address\";q={BURST};w={}", BURST.get() / RATE.get());
        HeaderValue::try_from(text).expect("digits and words are a header's value")
    });
    let left = verdict.unwrap_or(0);
    let full_in = (BURST.get() - left).div_ceil(RATE.get());
    headers.insert(POLICY, LIMIT.clone());
    if let Ok(state) = HeaderValue::try_from(format!("\"address\";r={left};t={full_in}")) {
        headers.insert(LEFT, state);
    }
}
