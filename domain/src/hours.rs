//! Opening hours: OSM `opening_hours` texts, and what they say of an instant.
//!
//! [`Hours`] is a text that has been read and that can be evaluated within bounds; `hours::syntax`
//! says what is refused. What lives elsewhere: which days are public holidays (the caller brings
//! [`Holidays`]), and who wrote the closures.
//!
//! Source of syntax and meaning: <https://wiki.openstreetmap.org/wiki/Key:opening_hours/specification>.
//! A crate reads; what the rules say of a day is ours (`hours::rules`), for the specification leaves
//! less open than its readers do. Where it does, no place is `open` by mistake. One thing is missing:
//! `SH` never matches, for nobody publishes the school holidays of Bantul as data.

mod days;
mod rules;
mod sun;
mod syntax;
mod timeline;

use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

use self::{rules::Rules, timeline::Timeline};
use crate::{draft::Carried, error::Fault};

/// How far a change of state is looked for.
pub const HORIZON: TimeDelta = TimeDelta::days(370);

/// Opening hours in OSM syntax, read and checked; a string in JSON and in the database.
///
/// Cheap to clone. Equal to another of the same text.
#[derive(Clone, Serialize, Deserialize, DeriveValueType)]
#[serde(try_from = "String", into = "String")]
#[sea_orm(value_type = "String")]
pub struct Hours {
    text: Arc<str>,
    rules: Arc<Rules>,
}

impl Hours {
    /// The text as it was written, without spaces around it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is open at `when`, and until when that stays so.
    ///
    /// Closures count, whatever the hours say. The state is that of the minute which a clock in
    /// `when`'s zone shows, also on the night that the clock is turned.
    pub fn at(&self, when: DateTime<Tz>, place: &Context) -> Openness {
        let mut pieces = Timeline::new(&self.rules, when, place);
        let state = pieces.next().map_or(State::Closed, |piece| piece.state);
        let until = pieces.find(|piece| piece.state != state).map(|piece| piece.start);
        Openness { state, until: until.map(|until| until.with_timezone(&when.timezone())) }
    }

    /// When it is open in a week, where every week is like every other and nothing is in doubt; each
    /// stretch shorter than a day, but for one that begins at midnight and takes all of it.
    ///
    /// `None` where holidays, seasons, the sun, or somebody who is to be asked have a say.
    pub fn weekly(&self) -> Option<Vec<WeeklyStretch>> {
        self.rules.week()?.open()
    }

    /// The first instant from `when` on at which it is open: `when` itself where it is open now.
    ///
    /// `None` when that is not within 370 days.
    pub fn next_open(&self, when: DateTime<Tz>, place: &Context) -> Option<DateTime<Tz>> {
        let mut pieces = Timeline::new(&self.rules, when, place);
        let open = pieces.find(|piece| piece.state == State::Open);
        open.map(|piece| piece.start.with_timezone(&when.timezone()))
    }
}

impl FromStr for Hours {
    type Err = Fault;

    fn from_str(raw: &str) -> Result<Self, Fault> {
        let text = raw.trim();
        let rules = Rules::new(syntax::read(text)?);
        Ok(Self { rules: Arc::new(rules), text: text.into() })
    }
}

impl TryFrom<String> for Hours {
    type Error = Carried;

    fn try_from(raw: String) -> Result<Self, Carried> {
        Ok(raw.parse()?)
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        hours.text.as_ref().to_owned()
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hours").field(&self.text).finish()
    }
}

impl PartialEq for Hours {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Hours {}

/// The national public holidays, as dates; what `PH` in a text stands for.
///
/// Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holidays(Arc<BTreeSet<NaiveDate>>);

impl Holidays {
    /// Whether `date` is one.
    pub fn contains(&self, date: NaiveDate) -> bool {
        self.0.contains(&date)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = NaiveDate> {
        self.0.iter().copied()
    }
}

/// In any order; a date given twice is one holiday.
impl FromIterator<NaiveDate> for Holidays {
    fn from_iter<I: IntoIterator<Item = NaiveDate>>(dates: I) -> Self {
        Self(Arc::new(dates.into_iter().collect()))
    }
}

/// What must be known of a place to tell whether it is open.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// What `PH` stands for.
    pub holidays: Holidays,
    /// Latitude and longitude in degrees, WGS 84, for `sunrise` and its kin. Without them (or with
    /// numbers that are none) the sun rises at 06:00 and sets at 18:00, as it does near the equator
    /// give or take half an hour.
    pub coordinates: Option<(f64, f64)>,
    /// From (inclusive) and to (exclusive) of each closure, in any order; without an end until
    /// further notice. One that ends before it begins closes nothing.
    pub closures: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)>,
}

/// A stretch of opening of every week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeeklyStretch {
    /// The day it begins on, 0 is Monday.
    pub weekday: u16,
    /// Minutes from that day's midnight.
    pub opens: u16,
    /// Minutes from that day's midnight, exclusive; beyond 1,440 on the next day.
    pub closes: u16,
}

/// Whether a place is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// One can go in.
    Open,
    /// One cannot.
    Closed,
    /// The text does not say: by appointment, or an open end.
    Unknown,
}

/// Whether a place is open, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Openness {
    /// What holds at the instant asked about.
    pub state: State,
    /// The first instant at which another state holds; `None` when none does within 370 days.
    pub until: Option<DateTime<Tz>>,
}

#[cfg(test)]
mod tests;
