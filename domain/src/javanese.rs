//! The Javanese (Sultan Agungan) calendar in its present reckoning, kurup Asapon.
//!
//! Pure arithmetic: eight years make a windu of 2835 days, so a date needs one division and no
//! loop over years. What lives elsewhere: rules such as "last Wednesday of Sapar"
//! (`schedule::javanese_rule`).
//!
//! Source: 1 Sura Alip 1867 is Tuesday Pon, 24 March 1936, and a kurup lasts 120 years;
//! Minggu Kliwon 29 Rejeb Dal 1959 is 18 January 2026 (mediaindonesia.com/nusantara/852626). Both,
//! and ten more dates from Yogyakarta's culture offices and press, are tested below. A kraton may
//! still announce another day: see `announced` in `schedule`.

use std::fmt;

use chrono::{Datelike, Days, NaiveDate};
use serde::{Deserialize, Serialize};

/// Days of one windu of eight years.
const WINDU_DAYS: i64 = 2_835;
/// Days of kurup Asapon: 15 windu less a day, by which the calendar comes back to the moon; then
/// another reckoning begins.
const KURUP_DAYS: i64 = 15 * WINDU_DAYS - 1;
/// The Javanese years that kurup Asapon begins and ends with.
const FIRST_YEAR: i32 = 1_867;
const LAST_YEAR: i32 = 1_986;
/// Days of its windu before each of the eight years begins; Ehe, Dal and Jimakir have 355 days.
const YEAR_STARTS: [i64; 8] = [0, 354, 709, 1_063, 1_417, 1_772, 2_126, 2_480];
const YEAR_NAMES: [&str; 8] = ["Alip", "Ehe", "Jimawal", "Je", "Dal", "Be", "Wawu", "Jimakir"];

/// 1 Sura Alip 1867.
const EPOCH: NaiveDate = match NaiveDate::from_ymd_opt(1936, 3, 24) {
    Some(date) => date,
    None => panic!("a date of the Gregorian calendar"),
};

/// A day of the five-day market week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pasaran {
    /// Legi, also Manis.
    Legi,
    /// Pahing.
    Pahing,
    /// Pon.
    Pon,
    /// Wage.
    Wage,
    /// Kliwon.
    Kliwon,
}

impl Pasaran {
    /// The five in their order.
    pub const ALL: [Self; 5] = [Self::Legi, Self::Pahing, Self::Pon, Self::Wage, Self::Kliwon];
}

/// The name with a capital, as one writes it: `Kliwon`.
impl fmt::Display for Pasaran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// The market day of `date`; the five-day week has run without a gap in every reckoning, so this
/// holds for any date.
pub fn pasaran(date: NaiveDate) -> Pasaran {
    // 1 January of year 1 is day 1, and Sunday 18 January 2026 (Kliwon) day 739 634.
    let place = date.num_days_from_ce().rem_euclid(5);
    Pasaran::ALL[usize::try_from(place).expect("a remainder by 5 is 0 to 4")]
}

/// A month of the Javanese year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Month {
    /// 1, thirty days.
    Sura,
    /// 2, twenty-nine days.
    Sapar,
    /// 3, thirty days.
    Mulud,
    /// 4, twenty-nine days.
    Bakdamulud,
    /// 5, thirty days.
    Jumadilawal,
    /// 6, twenty-nine days.
    Jumadilakir,
    /// 7, thirty days.
    Rejeb,
    /// 8, twenty-nine days.
    Ruwah,
    /// 9, thirty days; the fasting month.
    Pasa,
    /// 10, twenty-nine days.
    Sawal,
    /// 11, thirty days; also Dulkangidah.
    Sela,
    /// 12, twenty-nine days, thirty in a long year.
    Besar,
}

impl Month {
    /// The twelve in their order.
    pub const ALL: [Self; 12] = [
        Self::Sura,
        Self::Sapar,
        Self::Mulud,
        Self::Bakdamulud,
        Self::Jumadilawal,
        Self::Jumadilakir,
        Self::Rejeb,
        Self::Ruwah,
        Self::Pasa,
        Self::Sawal,
        Self::Sela,
        Self::Besar,
    ];
}

/// The name with a capital, as one writes it: `Sura`.
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// A day of the Javanese calendar, kurup Asapon only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JavaneseDate {
    /// Anno Javanico, such as 1959.
    pub year: i32,
    /// The month.
    pub month: Month,
    /// Day of the month, 1 to 30.
    pub day: u8,
}

impl JavaneseDate {
    /// The first Gregorian date that can be told: 1936-03-24.
    pub const FIRST: NaiveDate = EPOCH;
    /// The last one: 2052-08-25.
    pub const LAST: NaiveDate = match NaiveDate::from_ymd_opt(2052, 8, 25) {
        Some(date) => date,
        None => panic!("a date of the Gregorian calendar"),
    };

    /// The Javanese date of a Gregorian one, from 1936-03-24 to 2052-08-25 inclusive.
    ///
    /// The Javanese day begins at sunset; this is the one that daylight of `date` belongs to.
    /// `None` outside the kurup: other reckonings are refused, not guessed.
    pub fn of(date: NaiveDate) -> Option<Self> {
        let days = date.signed_duration_since(EPOCH).num_days();
        if !(0..KURUP_DAYS).contains(&days) {
            return None;
        }
        let in_windu = days % WINDU_DAYS;
        let place = YEAR_STARTS.partition_point(|start| *start <= in_windu) - 1;
        let (month, day) = month_and_day(in_windu - YEAR_STARTS[place]);
        let years = days / WINDU_DAYS * 8 + i64::try_from(place).expect("one of eight places");
        let year = FIRST_YEAR + i32::try_from(years).expect("a kurup has 120 years");
        Some(Self { year, month, day })
    }

    /// The Gregorian date; `None` for a day that the month does not have or a year outside
    /// 1867 to 1986.
    pub fn to_gregorian(self) -> Option<NaiveDate> {
        let length = month_days(self.year, self.month)?;
        if !(1..=length).contains(&self.day) {
            return None;
        }
        let years = i64::from(self.year - FIRST_YEAR);
        let start = years / 8 * WINDU_DAYS + YEAR_STARTS[place_in_windu(self.year)];
        // Two months have 59 days, the first of them 30; only Besar differs, and it is the last.
        let months = self.month as i64;
        let days = start + months / 2 * 59 + months % 2 * 30 + i64::from(self.day) - 1;
        EPOCH.checked_add_days(Days::new(u64::try_from(days).ok()?))
    }

    /// The name of its year in the windu, `Alip` to `Jimakir`.
    pub fn year_name(self) -> &'static str {
        YEAR_NAMES[place_in_windu(self.year)]
    }
}

/// `29 Rejeb Dal 1959`.
impl fmt::Display for JavaneseDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.day, self.month, self.year_name(), self.year)
    }
}

/// How many days `month` has in `year`: 29 or 30; `None` for a year outside 1867 to 1986.
pub fn month_days(year: i32, month: Month) -> Option<u8> {
    if !(FIRST_YEAR..=LAST_YEAR).contains(&year) {
        return None;
    }
    let long_year = matches!(place_in_windu(year), 1 | 4 | 7) && year != LAST_YEAR;
    let long = if month == Month::Besar { long_year } else { (month as u8).is_multiple_of(2) };
    Some(if long { 30 } else { 29 })
}

fn place_in_windu(year: i32) -> usize {
    let place = (i64::from(year) - i64::from(FIRST_YEAR)).rem_euclid(8);
    usize::try_from(place).expect("a remainder by 8 is 0 to 7")
}

/// Month and day of a day of the year, which counts from 0.
fn month_and_day(of_year: i64) -> (Month, u8) {
    // Day 354 exists in long years only, where a seventh pair would begin: it is 30 Besar.
    let pair = (of_year / 59).min(5);
    let in_pair = of_year - pair * 59;
    let (place, day) =
        if in_pair < 30 { (pair * 2, in_pair) } else { (pair * 2 + 1, in_pair - 30) };
    let place = usize::try_from(place).expect("six pairs make twelve months");
    (Month::ALL[place], u8::try_from(day + 1).expect("no month has more than 30 days"))
}

#[cfg(test)]
mod tests {
    use chrono::Weekday;
    use proptest::prelude::*;

    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn told(text: &str) -> String {
        JavaneseDate::of(date(text)).unwrap().to_string()
    }

    #[test]
    fn every_sourced_date_comes_out_as_it_was_published() {
        for (day, said) in [
            ("1936-03-24", "1 Sura Alip 1867"),
            ("2026-01-18", "29 Rejeb Dal 1959"),
            ("2015-05-19", "30 Rejeb Ehe 1948"),
            ("2017-04-27", "30 Rejeb Je 1950"),
            ("2019-04-06", "30 Rejeb Be 1952"),
            ("2022-03-04", "30 Rejeb Alip 1955"),
            ("2023-02-21", "30 Rejeb Ehe 1956"),
            ("2026-01-19", "30 Rejeb Dal 1959"),
            ("2017-04-25", "28 Rejeb Je 1950"),
            ("2016-10-11", "9 Sura Je 1950"),
            ("2016-10-12", "10 Sura Je 1950"),
            ("2022-09-21", "24 Sapar Ehe 1956"),
        ] {
            assert_eq!(told(day), said, "{day}");
        }
        for (day, weekday, market) in [
            ("1936-03-24", Weekday::Tue, Pasaran::Pon),
            ("2026-01-18", Weekday::Sun, Pasaran::Kliwon),
            ("2017-04-25", Weekday::Tue, Pasaran::Kliwon),
            ("2016-10-11", Weekday::Tue, Pasaran::Wage),
            ("2016-10-12", Weekday::Wed, Pasaran::Kliwon),
            ("2022-09-21", Weekday::Wed, Pasaran::Kliwon),
        ] {
            assert_eq!((date(day).weekday(), pasaran(date(day))), (weekday, market), "{day}");
        }
    }

    #[test]
    fn outside_the_kurup_nothing_is_told() {
        assert_eq!(JavaneseDate::of(date("1936-03-23")), None);
        assert_eq!(JavaneseDate::LAST.signed_duration_since(EPOCH).num_days(), KURUP_DAYS - 1);
        assert_eq!(told("2052-08-25"), "29 Besar Jimakir 1986");
        assert_eq!(JavaneseDate::of(date("2052-08-26")), None);
        assert_eq!(JavaneseDate::of(NaiveDate::MIN), None);
        assert_eq!(JavaneseDate::of(NaiveDate::MAX), None);
    }

    #[test]
    fn a_day_that_is_not_there_has_no_gregorian_date() {
        let day = |year, month, day| JavaneseDate { year, month, day }.to_gregorian();
        assert_eq!(day(1959, Month::Sapar, 30), None);
        assert_eq!(day(1959, Month::Sura, 0), None);
        assert_eq!(day(1960, Month::Besar, 30), None, "Be is a short year");
        assert!(day(1959, Month::Besar, 30).is_some(), "Dal is a long one");
        assert_eq!(day(1866, Month::Sura, 1), None);
        assert_eq!(day(i32::MIN, Month::Sura, 1), None);
        assert_eq!(day(1986, Month::Besar, 30), None, "the day that the kurup drops");
        assert_eq!(day(1987, Month::Sura, 1), None);
    }

    #[test]
    fn days_follow_one_another_through_the_whole_kurup() {
        let days = EPOCH.iter_days().take(usize::try_from(KURUP_DAYS).unwrap());
        let told: Vec<_> = days.map(|day| JavaneseDate::of(day).unwrap()).collect();
        for pair in told.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            let next = JavaneseDate { day: before.day + 1, ..before };
            if before.day < month_days(before.year, before.month).unwrap() {
                assert_eq!(after, next);
            } else {
                let month = Month::ALL[(before.month as usize + 1) % 12];
                let year = before.year + i32::from(month == Month::Sura);
                assert_eq!(after, JavaneseDate { year, month, day: 1 });
            }
        }
    }

    #[test]
    fn names_are_written_small_in_json_and_with_a_capital_for_people() {
        assert_eq!(serde_json::to_value(Month::Bakdamulud).unwrap(), "bakdamulud");
        assert_eq!(serde_json::to_value(Pasaran::Kliwon).unwrap(), "kliwon");
        assert_eq!(Month::Bakdamulud.to_string(), "Bakdamulud");
    }

    proptest! {
        #[test]
        fn a_date_survives_the_way_there_and_back(days in 0..KURUP_DAYS) {
            let day = EPOCH + chrono::TimeDelta::days(days);
            prop_assert_eq!(JavaneseDate::of(day).unwrap().to_gregorian(), Some(day));
        }

        #[test]
        fn weekday_and_market_day_meet_again_after_thirty_five_days(days in -300_000..300_000_i64) {
            let day = EPOCH + chrono::TimeDelta::days(days);
            prop_assert_eq!(pasaran(day), pasaran(day + chrono::TimeDelta::days(35)));
            prop_assert_ne!(pasaran(day), pasaran(day + chrono::TimeDelta::days(7)));
        }
    }
}
