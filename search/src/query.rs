//! Query: what somebody asks, parsed and checked.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use domain::{
    event::EventStatus,
    key::{AgencyId, AreaCode, CategoryCode, Tag, Term},
    listing::{Access, Facility, Kind, Language, Payment},
    position::Position,
    producer::{CertificateKind, Form},
    text::Lang,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{facet::Facet, shape::Outline};

/// What is asked for. Lists are "one of these"; different members must all hold.
#[derive(Debug, Clone, Serialize)]
pub struct Query {
    /// Words; none is compulsory, more and rarer matches rank higher.
    pub words: Option<String>,
    /// Within a circle, and by distance from its centre.
    pub centre: Option<Centre>,
    /// A listing to leave out: the one that others are near to.
    pub except: Option<Uuid>,
    /// Within a box.
    pub bbox: Option<Bbox>,
    /// Within a drawn shape.
    pub shape: Option<Shape>,
    /// In an area or one inside it.
    pub areas: Vec<AreaCode>,
    /// Of a kind.
    pub kinds: Vec<Kind>,
    /// Of a category or one below it.
    pub categories: Vec<CategoryCode>,
    /// With a keyword.
    pub tags: Vec<Tag>,
    /// Open then, closures counted.
    pub open_at: Option<Edge>,
    /// With an occurrence that overlaps.
    pub window: Option<Window>,
    /// What else must be so.
    pub facts: Facts,
    /// Written since.
    pub updated_since: Option<DateTime<Utc>>,
    /// The order.
    pub sort: Sort,
    /// What `fair` shuffles by; absent: the date in Bantul when the first page was asked for.
    pub seed: Option<String>,
    /// The reader's language: decides the order by name.
    pub lang: Lang,
    /// What to count. Not part of what a cursor belongs to.
    #[serde(skip)]
    pub facets: Vec<Facet>,
    /// The most items of the page. Not part of what a cursor belongs to.
    #[serde(skip)]
    pub limit: usize,
    /// Where the page before ended.
    #[serde(skip)]
    pub cursor: Option<String>,
    /// Whether the words found are to be marked.
    #[serde(skip)]
    pub highlight: bool,
    /// Whether each score is to be explained part by part.
    #[serde(skip)]
    pub explain: bool,
}

impl Query {
    /// Everything there is, in the order of `sort`, twenty to a page, for readers of Indonesian.
    pub fn all(sort: Sort) -> Self {
        Self {
            words: None,
            centre: None,
            except: None,
            bbox: None,
            shape: None,
            areas: Vec::new(),
            kinds: Vec::new(),
            categories: Vec::new(),
            tags: Vec::new(),
            open_at: None,
            window: None,
            facts: Facts::default(),
            updated_since: None,
            sort,
            seed: None,
            lang: Lang::Id,
            facets: Vec::new(),
            limit: 20,
            cursor: None,
            highlight: false,
            explain: false,
        }
    }

    /// Whether the moment of asking decides who is in, or in which place.
    pub fn depends_on_now(&self) -> bool {
        let is_now = |edge: Option<Edge>| edge == Some(Edge::Now);
        let moves = |window: Window| {
            // An open end reaches so far from now.
            is_now(window.from) || is_now(window.to) || window.from.is_none() || window.to.is_none()
        };
        is_now(self.open_at)
            || self.window.is_some_and(moves)
            || matches!(self.sort, Sort::Start | Sort::Relevance)
    }
}

/// A point, and how far around it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Centre {
    /// The point.
    pub at: Position,
    /// Metres; the edge belongs to the circle. `None`: everywhere, nearest first.
    pub radius_m: Option<f64>,
}

/// A box in degrees WGS 84; `west > east` crosses the antimeridian.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Bbox {
    pub west: f64,
    pub south: f64,
    pub east: f64,
    pub north: f64,
}

impl Bbox {
    /// Whether `at` lies in it or on its edge.
    pub fn holds(&self, at: Position) -> bool {
        let (lat, lon) = (at.lat(), at.lon());
        let across = if self.west <= self.east {
            self.west <= lon && lon <= self.east
        } else {
            lon >= self.west || lon <= self.east
        };
        across && self.south <= lat && lat <= self.north
    }
}

/// A drawn shape: a ring, the surroundings of a line, or what both hold.
#[derive(Debug, Clone, Serialize)]
pub struct Shape {
    /// What it was written as: what a cursor knows it by.
    pub written: String,
    /// The shape.
    #[serde(skip)]
    pub outline: Outline,
}

/// One end of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Hash)]
pub enum Edge {
    /// The moment of asking.
    Now,
    /// An instant.
    At(DateTime<Utc>),
    /// A day, in the zone of each listing.
    On(NaiveDate),
}

impl Edge {
    /// Whether it is another one for whoever asks later.
    pub(crate) fn is_now(self) -> bool {
        self == Self::Now
    }

    /// When it is, seen from `zone`; of a day, its first instant.
    pub fn instant(self, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Now => now,
            Self::At(instant) => instant,
            Self::On(day) => start_of(day, zone),
        }
    }

    /// When it ends, seen from `zone`; of a day, the first instant of the next.
    fn end(self, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::On(day) => start_of(day.checked_add_days(Days::new(1)).unwrap_or(day), zone),
            other => other.instant(now, zone),
        }
    }
}

/// The first instant of `day` in `zone`: midnight, or where a change of offset skips that, the
/// first hour that exists.
fn start_of(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    (0..=3)
        .find_map(|hours| {
            zone.from_local_datetime(&(midnight + TimeDelta::hours(hours))).earliest()
        })
        .map_or_else(|| midnight.and_utc(), |instant| instant.to_utc())
}

/// An interval; an open end reaches ten years from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Window {
    /// From, inclusive.
    pub from: Option<Edge>,
    /// To: an instant exclusive, a day inclusive.
    pub to: Option<Edge>,
}

/// How far an open end of a [`Window`] reaches: events further away than that are not planned.
const OPEN_DAYS: i64 = 3653;

impl Window {
    /// Its two instants, seen from `zone`.
    pub fn instants(&self, now: DateTime<Utc>, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
        let open = TimeDelta::days(OPEN_DAYS);
        let from = self.from.map_or(now - open, |edge| edge.instant(now, zone));
        let to = self.to.map_or(now.max(from) + open, |edge| edge.end(now, zone));
        (from, to)
    }
}

/// Facts that a listing must have; each speaks of the kinds that can have it.
#[derive(Debug, Clone, Default, Serialize)]
#[expect(missing_docs, reason = "the names are the contract's, explained there")]
pub struct Facts {
    pub free: Option<bool>,
    pub award: Option<bool>,
    pub accessibility: Vec<Access>,
    pub facilities: Vec<Facility>,
    pub payments: Vec<Payment>,
    pub languages_spoken: Vec<Language>,
    pub techniques: Vec<Term>,
    pub materials: Vec<Term>,
    pub certificates: Vec<CertificateKind>,
    pub forms: Vec<Form>,
    pub has_workshop: Option<bool>,
    pub made_to_order: Option<bool>,
    pub event_statuses: Vec<EventStatus>,
    pub agencies: Vec<AgencyId>,
    pub text_in: Vec<Lang>,
    pub ids: Vec<Uuid>,
}

/// The order of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Sort {
    /// Best match first.
    Relevance,
    /// Nearest first; those without a point last.
    Distance,
    /// By name in the reader's language, marks and case not counted.
    Name,
    /// Newest state first.
    Updated,
    /// Next occurrence first; those without one last.
    Start,
    /// Shuffled by the seed: the same seed, the same order.
    Fair,
    /// By id: where a walk through everything names no order.
    Id,
}
