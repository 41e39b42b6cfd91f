//! Caches: what many queries ask a segment alike, worked out once. Every one is bounded.

use std::sync::{Arc, Mutex, OnceLock};

use chrono::{DateTime, TimeDelta, Utc};
use domain::text::{Lang, fold};
use quick_cache::{Weighter, sync::Cache};

use crate::{
    bits::{Bits, Ranked},
    cursor::minute,
    facet::Facet,
    layer::Layer,
    meaning::Meaning,
    segment::{NO_OPENING, Segment},
    sums::Sums,
};

/// Bytes of memory that filters may take in one segment.
const FILTER_BYTES: u64 = 24 << 20;
/// The same for the meanings of words: a usual word takes more than a byte a listing, and there are
/// some hundred usual words.
const WORD_BYTES: u64 = 64 << 20;
const WORD_BYTES_A_LISTING: u64 = 128;
/// Moments for which it is known who is open.
const MOMENTS: usize = 4;
/// Changes of opening states within so long are prepared.
const SOON: TimeDelta = TimeDelta::minutes(5);

/// The caches of one segment.
#[derive(Debug, Default)]
pub(crate) struct Caches {
    filters: OnceLock<Cache<Vec<u8>, Arc<Ranked>, Bytes>>,
    words: OnceLock<Cache<String, Arc<Meaning>, Bytes>>,
    layers: OnceLock<Cache<Vec<u8>, Arc<Layer>, Bytes>>,
    open: Mutex<Vec<Arc<OpenThen>>>,
    names: OnceLock<[Vec<u32>; 3]>,
    sums: [OnceLock<Option<Sums>>; Facet::ALL.len()],
}

/// Who is open, from one moment until something changes.
#[derive(Debug)]
pub(crate) struct OpenThen {
    pub(crate) from: DateTime<Utc>,
    pub(crate) until: Option<DateTime<Utc>>,
    pub(crate) open: Bits,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bytes;

impl<K: AsRef<[u8]>> Weighter<K, Arc<Ranked>> for Bytes {
    fn weight(&self, key: &K, value: &Arc<Ranked>) -> u64 {
        (key.as_ref().len() + value.bytes() + 64) as u64
    }
}

impl<K: AsRef<[u8]>> Weighter<K, Arc<Meaning>> for Bytes {
    fn weight(&self, key: &K, value: &Arc<Meaning>) -> u64 {
        (key.as_ref().len() + value.bytes() + 64) as u64
    }
}

impl<K: AsRef<[u8]>> Weighter<K, Arc<Layer>> for Bytes {
    fn weight(&self, key: &K, value: &Arc<Layer>) -> u64 {
        (key.as_ref().len() + value.bytes() + 64) as u64
    }
}

impl Segment {
    /// The filter known by `key`; `make` works it out the first time.
    pub(crate) fn filter(&self, key: Vec<u8>, make: impl FnOnce() -> Bits) -> Arc<Ranked> {
        let cache =
            self.caches.filters.get_or_init(|| Cache::with_weighter(256, FILTER_BYTES, Bytes));
        if let Some(known) = cache.get(&key) {
            return known;
        }
        let new = Arc::new(Ranked::new(make()));
        cache.insert(key, Arc::clone(&new));
        new
    }

    /// The meaning known by `key`; `make` works it out the first time.
    pub(crate) fn meaning(&self, key: &str, make: impl FnOnce() -> Meaning) -> Arc<Meaning> {
        let cache = &self.caches.words;
        let cache = cache.get_or_init(|| Cache::with_weighter(1024, self.word_bytes() / 4, Bytes));
        if let Some(known) = cache.get(key) {
            return known;
        }
        let new = Arc::new(make());
        cache.insert(key.to_owned(), Arc::clone(&new));
        new
    }

    /// The layer known by `key`; `make` works it out the first time.
    pub(crate) fn layer(&self, key: Vec<u8>, make: impl FnOnce() -> Layer) -> Arc<Layer> {
        let cache = &self.caches.layers;
        let most = self.word_bytes() / 4 * 3;
        let cache = cache.get_or_init(|| Cache::with_weighter(1024, most, Bytes));
        if let Some(known) = cache.get(&key) {
            return known;
        }
        let new = Arc::new(make());
        cache.insert(key, Arc::clone(&new));
        new
    }

    fn word_bytes(&self) -> u64 {
        WORD_BYTES + WORD_BYTES_A_LISTING * self.len() as u64
    }

    /// Who is open at `at`.
    pub(crate) fn open_at(&self, at: DateTime<Utc>) -> Arc<OpenThen> {
        let known =
            |known: &&Arc<OpenThen>| known.from <= at && known.until.is_none_or(|until| at < until);
        // A poisoned lock holds what it held: nothing is half written.
        let lock = || self.caches.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let asked_again = || {
            let mut moments = lock();
            let last = moments.iter().position(|then| known(&then)).map(|at| moments.remove(at))?;
            moments.push(Arc::clone(&last));
            Some(last)
        };
        if let Some(then) = asked_again() {
            return then;
        }
        let then = Arc::new(self.reckon_open(at));
        let mut moments = lock();
        if moments.len() == MOMENTS {
            moments.remove(0);
        }
        moments.push(Arc::clone(&then));
        then
    }

    /// Reckons who is open at `now`, and who will be when that changes, if it changes soon.
    pub(crate) fn prepare_openings(&self, now: DateTime<Utc>) {
        let now = minute(now);
        self.openings.iter().for_each(|opening| opening.prepare(now, SOON));
        let then = self.open_at(now);
        if let Some(next) = then.until.filter(|until| *until <= now + SOON) {
            self.open_at(next);
        }
    }

    fn reckon_open(&self, at: DateTime<Utc>) -> OpenThen {
        let mut until: Option<DateTime<Utc>> = None;
        let states: Vec<bool> = self
            .openings
            .iter()
            .map(|opening| {
                let (open, changes) = opening.is_open(at);
                until = until.into_iter().chain(changes).min();
                open
            })
            .collect();
        let mut open = Bits::none(self.len());
        for (slot, which) in (0..).zip(&self.opening_of) {
            if *which != NO_OPENING && states[*which as usize] {
                open.set(slot);
            }
        }
        OpenThen { from: at, until, open }
    }

    /// The sums of a facet that has few values enough.
    pub(crate) fn sums(&self, facet: Facet) -> Option<&Sums> {
        let sums = self.caches.sums[facet as usize].get_or_init(|| {
            self.values.get(&facet).and_then(|values| Sums::new(values, self.len()))
        });
        sums.as_ref()
    }

    /// Slots by name for a reader of `lang`, marks and case not counted; equal names by id.
    pub(crate) fn by_name(&self, lang: Lang) -> &[u32] {
        let names = self.caches.names.get_or_init(|| {
            let mut keyed: [Vec<(String, u128, u32)>; 3] = Default::default();
            for (slot, document) in (0..).zip(&self.documents) {
                let names = document.name();
                for (keyed, lang) in keyed.iter_mut().zip(Lang::ALL) {
                    let name = fold(names.get(lang).1);
                    keyed.push((name, self.ids[slot as usize], slot));
                }
            }
            keyed.map(|mut keyed| {
                keyed.sort_unstable();
                keyed.into_iter().map(|(_, _, slot)| slot).collect()
            })
        });
        &names[lang as usize]
    }
}
