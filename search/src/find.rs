//! Find: a query over a snapshot gives a page.
//!
//! Every segment says how many it has and offers its best; the best of all are the page.

use std::{cell::OnceCell, sync::Arc};

use chrono::{DateTime, Days, TimeDelta, Utc};
use domain::{listing::DEFAULT_ZONE, record::Record, schedule::Occurrence, text::Lang};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    best::{Best, Candidate},
    cursor::{BadCursor, Cursor, Key, minute, pinned},
    document::Document,
    facet::{self, Count, Facet},
    highlight,
    meaning::Meaning,
    opening::Stretch,
    part::{After, Near, Part},
    query::{Edge, Query, Sort},
    ranking::{Explanation, Ranking, Score},
    ruler::Ruler,
    segment::Segment,
    snapshot::{Live, Snapshot},
    tree::{Circle, Cover, Region},
    words::{Sought, Word},
};

/// A document that was found, with what the query made of it.
#[derive(Debug, Clone)]
pub struct Hit<'a> {
    /// The document. It lies somewhere in memory: what a hit tells itself is nearer.
    pub document: &'a Arc<Document>,
    /// Metres from the centre asked for, along the geodesic, to a decimetre.
    pub distance_m: Option<f64>,
    /// The first occurrence in the window asked for, else the first that has not ended.
    pub next_occurrence: Option<Occurrence>,
    /// Why it stands where it stands, by relevance.
    pub score: Option<Score>,
    /// The same part by part, where that was asked for.
    pub explanation: Option<Box<Explanation>>,
    /// Its name as HTML with the words found marked, where that was asked for.
    pub highlight: Option<String>,
    segment: &'a Segment,
    slot: u32,
}

impl Hit<'_> {
    /// What `read` makes of its line in lists for readers of `lang`, as `render` first wrote it.
    pub fn line<T>(
        &self,
        lang: Lang,
        render: impl FnOnce(&Record) -> Vec<u8>,
        read: impl FnOnce(&[u8]) -> T,
    ) -> T {
        self.segment.lines.with(self.slot, lang, || render(&self.document.record()), read)
    }

    /// What holds at `at` of its opening; `None` when nothing is known of it at any time.
    pub fn stretch(&self, at: DateTime<Utc>) -> Option<Arc<Stretch>> {
        Some(self.segment.opening(self.slot)?.stretch(at))
    }

    /// Whether it has notices, so that what is shown of it depends on the time.
    pub fn has_notices(&self) -> bool {
        self.segment.lively.holds(self.slot) && self.document.has_notices
    }
}

/// One page of what was found.
#[derive(Debug)]
pub struct Page<'a> {
    /// Its items, in order.
    pub hits: Vec<Hit<'a>>,
    /// How many there are in all pages.
    pub total: usize,
    /// Where the next page starts; `None` at the end.
    pub next: Option<String>,
    /// What was shuffled by, if it was.
    pub seed: Option<String>,
    /// The counts asked for.
    pub facets: Vec<(Facet, Vec<Count>)>,
    /// Until when the set stands as far as the time decides it; `None` if it does not.
    pub holds_until: Option<DateTime<Utc>>,
    /// What may have been meant, where nothing was found.
    pub did_you_mean: Option<String>,
}

/// A query made ready to be put to segments.
struct Question<'a> {
    query: &'a Query,
    now: DateTime<Utc>,
    ruler: Option<Ruler>,
    regions: Vec<Region>,
    sought: Option<Sought>,
    seed: [u64; 2],
}

impl Snapshot {
    /// The page that answers `query` at `now`.
    ///
    /// Order and total are exact. Two items with one key stand in the order of their ids.
    ///
    /// # Errors
    /// When the query's cursor is none, or another query's.
    pub fn find(&self, query: &Query, now: DateTime<Utc>) -> Result<Page<'_>, BadCursor> {
        let cursor =
            query.cursor.as_ref().map(|text| Cursor::read(text, query, now)).transpose()?;
        let pinned = cursor.as_ref().map_or_else(|| pinned(query, now), |cursor| cursor.now);
        let seed = (query.sort == Sort::Fair).then(|| seed(query, pinned.unwrap_or(now)));
        // A day that only the seed came from is no moment to ask at.
        let moment = pinned.filter(|_| query.sort != Sort::Fair || query.depends_on_now());
        let question = Question::new(query, moment.unwrap_or_else(|| minute(now)), seed.as_deref());
        let meanings: Vec<Vec<Arc<Meaning>>> =
            self.segments().iter().map(|live| self.meanings(live, &question)).collect();
        let rarity = match &cursor {
            Some(cursor) => cursor.rarity(),
            None => self.rarity(&meanings, question.words()),
        };
        let parts: Vec<Part<'_>> = (0..)
            .zip(self.segments())
            .zip(meanings)
            .map(|((index, live), words)| question.part(index, live, words, &rarity))
            .collect();
        let total = parts.iter().map(|part| part.total(query.sort)).sum();
        let facets = facets(query, &parts);
        let after: After<'_> = cursor.as_ref().map(|last| (&last.key, last.id.as_u128()));
        let mut found = question.select(&parts, query.limit + 1, after);
        let more = found.len() > query.limit;
        found.truncate(query.limit);
        let next = found.last().filter(|_| more).map(|last| {
            let key = question.key(&parts, last);
            Cursor::new(query, key, Uuid::from_u128(last.id), pinned, &rarity).to_string()
        });
        let holds_until = question.holds_until(&parts);
        let hits = found.iter().map(|one| {
            let segment = &self.segments()[one.part].segment;
            question.hit(&parts[one.part], segment, one)
        });
        let hits = hits.collect();
        let did_you_mean = question.sought.as_ref().filter(|_| total == 0);
        Ok(Page {
            hits,
            total,
            next,
            seed,
            facets,
            holds_until,
            did_you_mean: did_you_mean.and_then(|sought| self.did_you_mean(sought)),
        })
    }

    /// What the words of a query stand for in one segment.
    fn meanings(&self, live: &Live, question: &Question<'_>) -> Vec<Arc<Meaning>> {
        let make = |word: &Word| {
            // What another segment knows is no typing error in this one.
            let others = self.segments().iter().map(|other| &other.segment);
            let others = others.filter(|other| !Arc::ptr_eq(other, &live.segment));
            let elsewhere = others.map(|other| other.lexicon.knows(word)).sum();
            live.segment.meaning(&known_by(word, elsewhere), || {
                Meaning::new(&live.segment, word, elsewhere, &self.gazetteer().named(word))
            })
        };
        question.words().iter().map(make).collect()
    }

    /// Inverse document frequency of each word. A cursor carries them on, so that a score does not
    /// move while somebody walks and listings come and go.
    fn rarity(&self, meanings: &[Vec<Arc<Meaning>>], words: &[Word]) -> Vec<f64> {
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let count = |count: usize| count as f64;
        let all = count(self.len());
        (0..words.len())
            .map(|word| {
                let having = meanings.iter().zip(self.segments()).map(|(words, live)| {
                    let word = &words[word];
                    let dead = live.dead.slots().iter().filter(|slot| word.holds(**slot));
                    word.count() - dead.count()
                });
                let having = having.sum();
                (1.0 + all / (1.0 + count(having))).ln()
            })
            .collect()
    }

    /// The words with those that nothing matches put right, if any could be.
    fn did_you_mean(&self, sought: &Sought) -> Option<String> {
        let mut changed = false;
        let nearest = |word: &Word| {
            let known =
                self.segments().iter().find_map(|live| live.segment.lexicon.nearest(&word.text));
            known.or_else(|| self.gazetteer().nearest(&word.text))
        };
        let words: Vec<&str> = sought
            .words
            .iter()
            .map(|word| match nearest(word) {
                Some(nearest) if nearest != word.text => {
                    changed = true;
                    nearest
                }
                _ => word.text.as_str(),
            })
            .collect();
        changed.then(|| words.join(" "))
    }
}

/// What a word's meaning is kept under: everything that decides it.
fn known_by(word: &Word, elsewhere: u32) -> String {
    let mut key = format!("{elsewhere} {}", word.text);
    key.push(if word.open { '*' } else { ' ' });
    for other in &word.also {
        key.push_str(&other.text);
        key.push(if other.open { '*' } else { ' ' });
        key.push_str(&other.factor.to_bits().to_string());
    }
    key
}

fn facets(query: &Query, parts: &[Part<'_>]) -> Vec<(Facet, Vec<Count>)> {
    if query.facets.is_empty() {
        return Vec::new();
    }
    let found: Vec<_> = parts.iter().map(Part::to_count).collect();
    let count = |facet: Facet| {
        let counts = parts.iter().zip(&found);
        facet::sum(counts.map(|(part, found)| part.segment.count(facet, found, query)))
    };
    query.facets.iter().map(|facet| (*facet, count(*facet))).collect()
}

impl<'a> Question<'a> {
    fn new(query: &'a Query, now: DateTime<Utc>, seed: Option<&str>) -> Self {
        let ruler = query.centre.map(|centre| Ruler::new(centre.at));
        let mut regions = Vec::new();
        if let (Some(ruler), Some(radius)) = (ruler, query.centre.and_then(|c| c.radius_m)) {
            regions.push(Region::Circle(Circle::new(ruler, radius)));
        }
        regions.extend(query.bbox.map(Region::Box));
        regions.extend(query.shape.as_ref().map(|shape| Region::Outline(shape.outline.clone())));
        let sought = query.words.as_deref().map(Sought::read);
        Self { query, now, ruler, regions, sought, seed: seed.map(halves).unwrap_or_default() }
    }

    fn words(&self) -> &[Word] {
        self.sought.as_ref().map_or(&[], |sought| &sought.words)
    }

    fn part<'b>(
        &self,
        index: usize,
        live: &'b Live,
        words: Vec<Arc<Meaning>>,
        rarity: &'b [f64],
    ) -> Part<'b> {
        let segment = &*live.segment;
        let mut covers = self.regions.iter().map(|region| segment.tree.cover(region));
        let first = covers.next().unwrap_or_else(|| Cover::all(segment.len()));
        let cover = covers.fold(first, |cover, other| cover.and(&other, segment.len()));
        let radius = self.query.centre.and_then(|centre| centre.radius_m);
        let only_circle = self.regions.len() == usize::from(radius.is_some());
        let shaped = (self.ruler.is_some() && !only_circle).then(|| cover.bits(segment.len()));
        let ranking = self.sought.as_ref().map(|sought| {
            let open = segment.open_at(self.now);
            Ranking::new(segment, words, rarity, open, sought.open_now, self.now)
        });
        Part {
            index,
            segment,
            dead: &live.dead,
            except: self.query.except.and_then(|id| segment.slot_of(id)),
            cover,
            shaped,
            passing: segment.wanted(self.query, self.now),
            ranking,
            ruler: self.ruler,
            radius: radius.unwrap_or(f64::INFINITY),
            tally: OnceCell::new(),
            total: OnceCell::new(),
        }
    }

    /// The first `want` after `after`, in order.
    fn select(&self, parts: &[Part<'_>], want: usize, after: After<'_>) -> Vec<Found> {
        if self.query.sort == Sort::Distance {
            let near = parts.iter().flat_map(|part| part.nearest(want, after)).collect();
            let mut found = in_order(parts, near);
            found.truncate(want);
            return found;
        }
        let mut best = Best::new(want, None);
        for part in parts {
            let offered =
                part.best(self.query.sort, self.query.lang, self.seed, self.now, want, after);
            offered.into_candidates().into_iter().for_each(|candidate| best.offer(candidate));
        }
        let mut found = best.into_candidates();
        found.sort_unstable();
        found.into_iter().map(Found::from).collect()
    }

    /// The key of a listing that ends a page.
    fn key(&self, parts: &[Part<'_>], found: &Found) -> Key {
        if let Some(key) = &found.key {
            return key.clone();
        }
        let at = parts[found.part].segment.tree.at(found.slot);
        match (&self.ruler, at) {
            (Some(ruler), Some(at)) => Key::up(ruler.exact(at)),
            _ => Key::Last,
        }
    }

    fn hit<'b>(&self, part: &Part<'_>, segment: &'b Segment, found: &Found) -> Hit<'b> {
        let document = &segment.documents[found.slot as usize];
        let near = found.metres.or_else(|| part.metres(found.slot));
        let next_occurrence = match self.query.window {
            // Most are no events: it is known without the document.
            _ if !segment.lively.holds(found.slot) => None,
            Some(window) => {
                let (from, to) = window.instants(self.now, document.zone);
                document.occurrences(from, to, 1).into_iter().next()
            }
            None => document.next_occurrence(self.now),
        };
        let score = part.ranking.as_ref().filter(|_| self.query.sort == Sort::Relevance);
        let metres = near.map(|(metres, _)| metres);
        let explained = score.filter(|_| self.query.explain);
        let explain = |ranking: &Ranking<'_>| ranking.explain(found.slot, metres, self.words());
        let marked = self.sought.as_ref().filter(|_| self.query.highlight);
        Hit {
            distance_m: near.map(|near| self.shown(part, found.slot, near)),
            next_occurrence,
            score: score.map(|ranking| ranking.score(found.slot, metres)),
            explanation: explained.map(explain).map(Box::new),
            highlight: marked
                .and_then(|sought| highlight::name(&document.name(), self.query.lang, sought)),
            document,
            segment,
            slot: found.slot,
        }
    }

    /// A distance to a decimetre: the geodesic's, where the quick measure leaves a doubt.
    fn shown(&self, part: &Part<'_>, slot: u32, (metres, error): (f64, f64)) -> f64 {
        let round = |metres: f64| (metres * 10.0).round() / 10.0;
        let sure = round(metres - error).to_bits() == round(metres + error).to_bits();
        match (&self.ruler, part.segment.tree.at(slot)) {
            (Some(ruler), Some(at)) if !sure => round(ruler.exact(at)),
            _ => round(metres),
        }
    }

    /// When the set or its order changes by itself because "now" or "today" was asked for.
    fn holds_until(&self, parts: &[Part<'_>]) -> Option<DateTime<Utc>> {
        let query = self.query;
        let asked_now = query.open_at == Some(Edge::Now);
        let open = parts.iter().filter(|_| asked_now).filter_map(|part| part.passing.until);
        let ranked = parts.iter().filter_map(|part| part.ranking.as_ref()?.open.until);
        let ranked = ranked.filter(|_| query.sort == Sort::Relevance);
        // Occurrences begin and end on whole minutes; a minute is what any answer may be late.
        let is_now = |edge: Option<Edge>| edge == Some(Edge::Now);
        let moves = query.sort == Sort::Start
            || query.window.is_some_and(|window| is_now(window.from) || is_now(window.to));
        let next = moves.then(|| self.now + TimeDelta::minutes(1));
        let midnight =
            (query.sort == Sort::Fair && query.seed.is_none()).then(|| tomorrow(self.now));
        open.chain(ranked).chain(next).chain(midnight).min()
    }
}

/// A listing on the page.
#[derive(Debug, Clone)]
struct Found {
    id: u128,
    part: usize,
    slot: u32,
    /// Its place in the order; of an order by distance worked out only where it is needed.
    key: Option<Key>,
    metres: Option<(f64, f64)>,
}

impl From<Candidate> for Found {
    fn from(Candidate { key, id, part, slot }: Candidate) -> Self {
        Self { id, part, slot, key: Some(key), metres: None }
    }
}

/// By the geodesic, then by id; it is asked only where two may be in either order.
fn in_order(parts: &[Part<'_>], near: Vec<Near>) -> Vec<Found> {
    let mut found: Vec<Found> = near
        .into_iter()
        .map(|Near { metres, part, slot }| {
            let id = parts[part].segment.ids[slot as usize];
            Found { id, part, slot, key: None, metres }
        })
        .collect();
    let by_metres = |a: &Found, b: &Found| {
        let metres = |found: &Found| found.metres.map_or(f64::INFINITY, |(metres, _)| metres);
        metres(a).total_cmp(&metres(b)).then(a.id.cmp(&b.id))
    };
    found.sort_unstable_by(by_metres);
    let mut from = 0;
    while from < found.len() {
        let mut to = from + 1;
        while to < found.len() && in_doubt(&found[to - 1], &found[to]) {
            to += 1;
        }
        if to - from > 1 {
            for one in &mut found[from..to] {
                let part = &parts[one.part];
                let exact = part.ruler.zip(part.segment.tree.at(one.slot));
                one.metres = exact.map(|(ruler, at)| (ruler.exact(at), 0.0));
            }
            found[from..to].sort_unstable_by(by_metres);
        }
        from = to;
    }
    found
}

fn in_doubt(a: &Found, b: &Found) -> bool {
    let pair = a.metres.zip(b.metres);
    pair.is_some_and(|((a, of_a), (b, of_b))| b - a <= of_a + of_b && of_a + of_b > 0.0)
}

/// The next midnight in Bantul.
pub fn tomorrow(now: DateTime<Utc>) -> DateTime<Utc> {
    let today = now.with_timezone(&DEFAULT_ZONE).date_naive();
    Edge::On(today + Days::new(1)).instant(now, DEFAULT_ZONE)
}

/// The seed asked for, else the date in Bantul. `now` is pinned by the cursor: a walk that begins
/// before midnight goes on in its order.
fn seed(query: &Query, now: DateTime<Utc>) -> String {
    query.seed.clone().unwrap_or_else(|| now.with_timezone(&DEFAULT_ZONE).date_naive().to_string())
}

/// A seed as two numbers: the first half of its SHA-256.
fn halves(seed: &str) -> [u64; 2] {
    let digest = Sha256::digest(seed);
    let half = |from: usize| {
        digest[from..from + 8].iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte))
    };
    [half(0), half(8)]
}
