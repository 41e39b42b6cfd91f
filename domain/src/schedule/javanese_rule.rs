//! Schedules of the Javanese calendar: "30 Rejeb", "last Wednesday of Sapar", "Selasa Kliwon".

use chrono::{Datelike, NaiveDate, NaiveTime, Weekday};
use serde::{Deserialize, Serialize};

use super::{
    conflict, length_faults, never,
    occurrence::{Length, Occurrence, Window, days_in_month, later, on_day},
    outside, too_many,
};
use crate::{
    error::Fault,
    javanese::{JavaneseDate, Month, Pasaran, month_days, pasaran},
};

/// How many days `offset_days` may move an occurrence, either way.
const MAX_OFFSET_DAYS: i32 = 30;

/// A schedule of the Javanese calendar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Javanese {
    /// The days it falls on.
    pub rule: JavaneseRule,
    /// When it begins, in the event's zone; all day without.
    #[serde(default, with = "clock", skip_serializing_if = "Option::is_none")]
    pub time: Option<NaiveTime>,
    /// How long it takes, in minutes: 1 to 20 160, only with `time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_min: Option<u32>,
    /// How many days it takes: 1 to 60, only without `time`; 1 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Days between the day of the rule and the start, −30 to 30: −1 is the eve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_days: Option<i32>,
    /// Dates that somebody has announced; each replaces the computed one of its Javanese year.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub announced: Vec<Announced>,
}

/// A date that somebody has announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announced {
    /// The Javanese year whose occurrence it is, such as 1959.
    pub javanese_year: i32,
    /// The first day; `offset_days` is not added.
    pub date: NaiveDate,
}

/// The days of a Javanese schedule; every member that is there must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JavaneseRule {
    /// The Javanese month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<Month>,
    /// The day of the Javanese month, 1 to 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<u8>,
    /// On or after this day of the Javanese month, 1 to 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_day: Option<u8>,
    /// On or before this day of the Javanese month, 1 to 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_day: Option<u8>,
    /// The day of the seven-day week; `monday` to `sunday` in JSON.
    #[serde(default, with = "weekday", skip_serializing_if = "Option::is_none")]
    pub weekday: Option<Weekday>,
    /// The day of the five-day week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pasaran: Option<Pasaran>,
    /// The month of the Gregorian year, 1 to 12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gregorian_month: Option<u8>,
    /// Which of the days in the month named: `month`, else `gregorian_month`.
    #[serde(default, skip_serializing_if = "Pick::is_every")]
    pub pick: Pick,
}

/// Which of several days in one month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pick {
    /// All of them.
    #[default]
    Every,
    /// The first alone.
    First,
    /// The last alone.
    Last,
}

impl Pick {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
    fn is_every(&self) -> bool {
        *self == Self::Every
    }
}

impl Javanese {
    pub(super) fn check(&self) -> Vec<Fault> {
        let mut faults: Vec<_> =
            self.rule.check().into_iter().map(|fault| fault.below("rule")).collect();
        let well_formed = faults.is_empty();
        faults.extend(length_faults(self.time.is_some(), self.duration_min, self.days));
        if let Some(days) = self.offset_days {
            let range = -MAX_OFFSET_DAYS..=MAX_OFFSET_DAYS;
            faults.extend(outside(days, &range).map(|fault| fault.below("offset_days")));
        }
        faults.extend(self.check_announced());
        if well_formed && !self.rule.ever_falls() {
            faults.push(never().below("rule"));
        }
        faults
    }

    fn check_announced(&self) -> Vec<Fault> {
        let mut faults: Vec<_> = too_many(self.announced.len(), "announced").into_iter().collect();
        if !self.announced.is_empty() && !self.rule.is_yearly() {
            faults.push(
                conflict(
                    "hanya untuk aturan sekali setahun Jawa: month dengan day, atau dengan pick",
                    "only goes with one date a Javanese year: month with day, or with pick",
                )
                .below("announced"),
            );
        }
        let known = self.announced.iter().take(super::MAX_LISTED).enumerate();
        for (place, one) in known {
            let repeated = self.announced[..place]
                .iter()
                .any(|earlier| earlier.javanese_year == one.javanese_year);
            faults.extend(one.check(repeated).map(|fault| fault.below(place).below("announced")));
        }
        faults
    }

    pub(super) fn occurrences(&self, window: &Window, limit: usize) -> Vec<Occurrence> {
        let length = Length::of(self.time.is_some(), self.duration_min, self.days);
        let offset =
            i64::from(self.offset_days.unwrap_or(0).clamp(-MAX_OFFSET_DAYS, MAX_OFFSET_DAYS));
        let one = |date| {
            Occurrence::on(on_day(date, self.time), length, window.zone)
                .by_javanese_rule(window.zone)
        };
        let (first, last) = window.days(length, later(JavaneseDate::FIRST, offset));
        let (first, last) = (later(first, -offset), later(last, -offset));
        let days = first.iter_days().take_while(|day| *day <= last);
        let mut found: Vec<_> = days
            .filter(|day| self.rule.falls_on(*day) && !self.is_announced_for(*day))
            .map(|day| one(later(day, offset)))
            .filter(|one| window.overlaps(one))
            .take(limit)
            .collect();
        let announced = self.announced.iter().filter(|_| self.rule.is_yearly());
        found.extend(announced.map(|said| one(said.date).announced()));
        found
    }

    /// Whether an announced date stands in for the one computed for `day`. Only one date a year can
    /// be replaced so.
    fn is_announced_for(&self, day: NaiveDate) -> bool {
        !self.announced.is_empty()
            && self.rule.is_yearly()
            && JavaneseDate::of(day).is_some_and(|javanese| {
                self.announced.iter().any(|said| said.javanese_year == javanese.year)
            })
    }
}

impl Announced {
    fn check(self, repeated: bool) -> Option<Fault> {
        if repeated {
            let (id, en) = ("tahun ini sudah ada", "this year is announced twice");
            return Some(Fault::new("repeated", id, en).below("javanese_year"));
        }
        // An offset or a disputed first of the month may carry it over the new year, not further.
        let date = JavaneseDate::of(self.date);
        let near = date.is_some_and(|date| date.year.abs_diff(self.javanese_year) <= 1);
        (!near).then(|| {
            Fault::new(
                "out_of_range",
                "tanggal ini tidak berada di dekat tahun Jawa itu",
                "is not a date in or near that Javanese year",
            )
            .below("date")
        })
    }
}

impl JavaneseRule {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if *self == (Self { pick: self.pick, ..Self::default() }) {
            faults.push(Fault::new(
                "missing",
                "perlu sedikitnya satu syarat, misalnya month atau pasaran",
                "needs at least one member, such as month or pasaran",
            ));
        }
        for (day, member) in
            [(self.day, "day"), (self.from_day, "from_day"), (self.to_day, "to_day")]
        {
            let fault = day.and_then(|day| outside(day, &(1..=30)));
            faults.extend(fault.map(|fault| fault.below(member)));
        }
        if self.day.is_some() && (self.from_day.is_some() || self.to_day.is_some()) {
            faults.push(
                conflict("tidak bersama from_day atau to_day", "not with from_day or to_day")
                    .below("day"),
            );
        }
        if matches!((self.from_day, self.to_day), (Some(from), Some(to)) if from > to) {
            faults.push(
                conflict("tidak boleh sebelum from_day", "must not be before from_day")
                    .below("to_day"),
            );
        }
        if let Some(month) = self.gregorian_month {
            faults.extend(outside(month, &(1..=12)).map(|fault| fault.below("gregorian_month")));
        }
        if self.pick != Pick::Every && self.month.is_none() && self.gregorian_month.is_none() {
            faults.push(
                conflict("perlu month atau gregorian_month", "needs month or gregorian_month")
                    .below("pick"),
            );
        }
        faults
    }

    /// Whether it gives at most one date in each Javanese year.
    fn is_yearly(&self) -> bool {
        self.month.is_some() && (self.day.is_some() || self.pick != Pick::Every)
    }

    /// The calendar repeats itself, so its one kurup shows whatever a rule can yield.
    fn ever_falls(&self) -> bool {
        let mut days = JavaneseDate::FIRST.iter_days().take_while(|day| *day <= JavaneseDate::LAST);
        days.any(|day| self.holds_on(day))
    }

    /// Whether the rule falls on `day`; one that names Javanese months or days never does outside
    /// the kurup.
    pub(super) fn falls_on(&self, day: NaiveDate) -> bool {
        self.holds_on(day)
            && match self.pick {
                Pick::Every => true,
                Pick::First => !self.any_holds(day, -1),
                Pick::Last => !self.any_holds(day, 1),
            }
    }

    /// Whether every member holds on `day`, `pick` aside.
    fn holds_on(&self, day: NaiveDate) -> bool {
        // The cheap ones first: whole decades are gone through.
        self.weekday.is_none_or(|weekday| weekday == day.weekday())
            && self.gregorian_month.is_none_or(|month| u32::from(month) == day.month())
            && self.pasaran.is_none_or(|market| market == pasaran(day))
            && (!self.is_of_javanese_month()
                || JavaneseDate::of(day).is_some_and(|javanese| self.holds_in_month(javanese)))
    }

    fn is_of_javanese_month(&self) -> bool {
        self.month.is_some()
            || self.day.is_some()
            || self.from_day.is_some()
            || self.to_day.is_some()
    }

    fn holds_in_month(&self, javanese: JavaneseDate) -> bool {
        self.month.is_none_or(|month| month == javanese.month)
            && self.day.is_none_or(|day| day == javanese.day)
            && self.from_day.is_none_or(|from| from <= javanese.day)
            && self.to_day.is_none_or(|to| javanese.day <= to)
    }

    /// Whether another day of the month that `day` is picked from holds: before it (`step` −1) or
    /// after it (1).
    fn any_holds(&self, day: NaiveDate, step: i64) -> bool {
        let (place, length) = self.place_in_month(day);
        let others = if step < 0 { place - 1 } else { length - place };
        (1..=others).any(|distance| self.holds_on(later(day, step * distance)))
    }

    /// The day's number in the month it is picked from, and the length of that month.
    fn place_in_month(&self, day: NaiveDate) -> (i64, i64) {
        let javanese = if self.month.is_some() { JavaneseDate::of(day) } else { None };
        let length = javanese.and_then(|date| month_days(date.year, date.month));
        match (javanese, length) {
            (Some(date), Some(length)) => (date.day.into(), length.into()),
            _ => (day.day().into(), days_in_month(day).into()),
        }
    }
}

/// `monday` … `sunday`, which is not what chrono writes.
mod weekday {
    use chrono::Weekday;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    const NAMES: [&str; 7] =
        ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

    #[expect(
        clippy::ref_option,
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands out a reference"
    )]
    pub fn serialize<S: Serializer>(day: &Option<Weekday>, to: S) -> Result<S::Ok, S::Error> {
        match day {
            Some(day) => to.serialize_str(NAMES[*day as usize]),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Option<Weekday>, D::Error> {
        let Some(name) = Option::<String>::deserialize(from)? else { return Ok(None) };
        // chrono's own names are more and capitals are all one to it: only ours are read.
        let known = NAMES.contains(&name.as_str()).then(|| name.parse().ok()).flatten();
        known.map(Some).ok_or_else(|| D::Error::unknown_variant(&name, &NAMES))
    }
}

/// `08:00`.
mod clock {
    use chrono::NaiveTime;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    const FORM: &str = "%H:%M";

    #[expect(clippy::ref_option, reason = "serde hands out a reference")]
    pub fn serialize<S: Serializer>(time: &Option<NaiveTime>, to: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => to.collect_str(&time.format(FORM)),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Option<NaiveTime>, D::Error> {
        let Some(raw) = Option::<String>::deserialize(from)? else { return Ok(None) };
        let time = NaiveTime::parse_from_str(&raw, FORM).ok();
        let exact = time.filter(|time| time.format(FORM).to_string() == raw);
        exact.map(Some).ok_or_else(|| D::Error::custom("must be a time of day such as 08:00"))
    }
}
