//! Daily count: how often a listing was shown, opened or called, and what was sought in vain; by
//! day, and with nothing in it of whoever did so.

use std::{collections::BTreeMap, ops::RangeInclusive};

use chrono::{DateTime, Months, NaiveDate, Utc};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait,
    IntoActiveModel as _, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait as _, OnConflict},
};
use uuid::Uuid;

use crate::{
    key::AreaCode,
    listing::{DEFAULT_ZONE, stored_vocabulary},
    text::fold,
};

pub mod entity;

pub use entity::Model;

stored_vocabulary! {
    /// What is counted.
    What {
        /// A listing stood in a list.
        Shown = "shown",
        /// Its own page was asked for.
        Opened = "opened",
        /// One of its contacts was.
        Contacted = "contacted",
        /// A word of a search that found nothing.
        Sought = "sought",
    }
}

/// How often a word must have been sought before anybody is told of it: what one person alone looks
/// for may tell who they are.
pub const FEWEST: i64 = 3;
/// How long counts are kept: two years can be compared, each with the month that follows it.
pub const KEPT: Months = Months::new(25);
/// The most words of one search that are counted.
pub const MOST_WORDS: usize = 8;
/// So many digits in a search are somebody's number: the shortest of a phone has nine with its zero.
const DIGITS: usize = 9;
/// The most rows of one statement: making it takes a fraction of a millisecond, during which a thread
/// answers nobody.
pub const ROWS: usize = 200;

/// The day that it is in Bantul at `now`.
pub fn day(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&DEFAULT_ZONE).date_naive()
}

/// The words of a search that may be counted, folded, each once.
///
/// Letters and digits, 2 to 40 of them, a letter at least. Nothing of a search that holds an e-mail
/// address or a number long enough to be somebody's: who types that looks for a person.
pub fn words(sought: &str) -> Vec<String> {
    let digits = sought.chars().filter(char::is_ascii_digit).count();
    if sought.contains('@') || digits >= DIGITS {
        return Vec::new();
    }
    let folded: String = fold(sought).chars().filter(|c| !"'’‘ʼ".contains(*c)).collect();
    let mut words: Vec<String> = Vec::new();
    for word in folded.split(|c: char| !c.is_alphanumeric()) {
        let fits =
            (2..=40).contains(&word.chars().count()) && word.chars().any(char::is_alphabetic);
        if fits && !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words.truncate(MOST_WORDS);
    words
}

/// Adds `rows`, at most [`ROWS`] and no two of one key, to what is counted already: all of them or
/// none. Nodes that add in the same order of keys do not lock each other out.
///
/// # Errors
/// When the database fails.
pub async fn add(db: &impl ConnectionTrait, rows: &[Model]) -> Result<(), DbErr> {
    use entity::{Column, Entity};
    let sum = Expr::col((Entity, Column::Count)).add(Expr::cust("excluded.count"));
    let key = [Column::Day, Column::What, Column::Subject, Column::Area];
    let conflict = OnConflict::columns(key).value(Column::Count, sum).to_owned();
    let rows = rows.iter().cloned().map(|row| row.into_active_model().reset_all());
    Entity::insert_many(rows).on_conflict(conflict).exec_without_returning(db).await?;
    Ok(())
}

/// Forgets what was counted more than [`KEPT`] before `today`.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &impl ConnectionTrait, today: NaiveDate) -> Result<(), DbErr> {
    let Some(first) = today.checked_sub_months(KEPT) else { return Ok(()) };
    entity::Entity::delete_many().filter(entity::Column::Day.lt(first)).exec(db).await?;
    Ok(())
}

/// How often a listing was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names are those of what is counted")]
pub struct Met {
    pub shown: i64,
    pub opened: i64,
    pub contacted: i64,
}

impl Met {
    fn add(&mut self, what: What, count: i64) {
        match what {
            What::Shown => self.shown += count,
            What::Opened => self.opened += count,
            What::Contacted => self.contacted += count,
            What::Sought => {}
        }
    }

    /// The sum of `all`.
    pub fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        all.into_iter().fold(Self::default(), |sum, met| Self {
            shown: sum.shown + met.shown,
            opened: sum.opened + met.opened,
            contacted: sum.contacted + met.contacted,
        })
    }
}

/// How often `listing` was met on each of `days`, in their order; days without anything, too.
///
/// # Errors
/// When the database fails.
pub async fn by_day(
    db: &impl ConnectionTrait,
    listing: Uuid,
    days: &RangeInclusive<NaiveDate>,
) -> Result<Vec<(NaiveDate, Met)>, DbErr> {
    let rows = entity::Entity::find()
        .filter(entity::Column::Subject.eq(listing.to_string()))
        .filter(entity::Column::Day.between(*days.start(), *days.end()))
        .all(db)
        .await?;
    let each = days.start().iter_days().take_while(|day| day <= days.end());
    let mut met: BTreeMap<NaiveDate, Met> = each.map(|day| (day, Met::default())).collect();
    for row in rows {
        if let Some(met) = met.get_mut(&row.day) {
            met.add(row.what, row.count);
        }
    }
    Ok(met.into_iter().collect())
}

/// How often each of `listings` was met in all of `days`; who never was is left out.
///
/// # Errors
/// When the database fails.
pub async fn of_each(
    db: &impl ConnectionTrait,
    listings: &[Uuid],
    days: &RangeInclusive<NaiveDate>,
) -> Result<BTreeMap<Uuid, Met>, DbErr> {
    use entity::Column;
    let mut each: BTreeMap<Uuid, Met> = BTreeMap::new();
    for some in listings.chunks(ROWS) {
        let rows: Vec<(String, What, i64)> = entity::Entity::find()
            .select_only()
            .columns([Column::Subject, Column::What])
            .column_as(sum(), "sum")
            .filter(Column::Subject.is_in(some.iter().map(Uuid::to_string)))
            .filter(Column::Day.between(*days.start(), *days.end()))
            .group_by(Column::Subject)
            .group_by(Column::What)
            .into_tuple()
            .all(db)
            .await?;
        for (subject, what, count) in rows {
            if let Ok(listing) = subject.parse() {
                each.entry(listing).or_default().add(what, count);
            }
        }
    }
    Ok(each)
}

/// A word that was sought in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// The word, folded.
    pub word: String,
    /// Where it was sought; absent where nobody said.
    pub area: Option<AreaCode>,
    /// How often.
    pub count: i64,
}

/// What was sought in vain on `days`, in `area` and inside it where one is given: at most `limit`,
/// the most sought first. What was sought in one area fewer than [`FEWEST`] times is not told.
///
/// # Errors
/// When the database fails.
pub async fn demand(
    db: &impl ConnectionTrait,
    days: &RangeInclusive<NaiveDate>,
    area: Option<&AreaCode>,
    limit: u64,
) -> Result<Vec<Demand>, DbErr> {
    use entity::Column;
    let within = area.map(|code| {
        let inner = Column::Area.starts_with(format!("{code}."));
        Condition::any().add(Column::Area.eq(code.as_str())).add(inner)
    });
    let rows: Vec<(String, String, i64)> = entity::Entity::find()
        .select_only()
        .columns([Column::Subject, Column::Area])
        .column_as(sum(), "sum")
        .filter(Column::What.eq(What::Sought))
        .filter(Column::Day.between(*days.start(), *days.end()))
        .filter(Condition::all().add_option(within))
        .group_by(Column::Subject)
        .group_by(Column::Area)
        .having(sum().gte(FEWEST))
        .order_by_desc(sum())
        .order_by_asc(Column::Subject)
        .order_by_asc(Column::Area)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    let demand = |(word, area, count): (String, String, i64)| Demand {
        word,
        area: area.parse().ok(),
        count,
    };
    Ok(rows.into_iter().map(demand).collect())
}

/// PostgreSQL adds whole numbers up to a decimal one.
fn sum() -> Expr {
    Expr::col(entity::Column::Count).sum().cast_as("BIGINT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_counted_by_its_words_folded_and_each_once() {
        assert_eq!(words("Kué  lapis, KUE jum'at 2026"), ["kue", "lapis", "jumat"]);
        assert_eq!(words("a 12 b2"), ["b2"]);
        assert_eq!(words(&"x".repeat(41)), [""; 0]);
        assert_eq!(words("satu dua tiga empat lima enam tujuh delapan sembilan").len(), MOST_WORDS);
    }

    #[test]
    fn who_looks_for_a_person_is_not_counted() {
        for sought in ["sri@example.id", "bu sri 0812-3456-7890", "3402 0112 3456 0001", "@sri"] {
            assert_eq!(words(sought), [""; 0], "{sought}");
        }
    }

    #[test]
    fn a_day_begins_when_it_begins_in_bantul() {
        let at = |text: &str| day(text.parse().unwrap());
        assert_eq!(at("2026-11-23T16:59:59Z").to_string(), "2026-11-23");
        assert_eq!(at("2026-11-23T17:00:00Z").to_string(), "2026-11-24");
    }
}
