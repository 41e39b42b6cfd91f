//! Daily query: how often a search that found something was made, by day, and with nothing in it of
//! whoever made it.
//!
//! Only searches are counted all of whose words are published already: in a listing, or in the name
//! of a category or an area. Whoever counts makes sure of that; here nothing is known of an index.

use std::ops::RangeInclusive;

use chrono::{Days, NaiveDate};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel as _,
    QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait as _, OnConflict},
};

use crate::daily_count;

pub mod entity;

pub use entity::Model;

/// On so many different days a search must have been made before anybody is shown it,
pub const FEWEST_DAYS: i64 = 3;
/// and so often in all: what a few people look for is theirs.
pub const FEWEST: i64 = 10;
/// So long searches are remembered: what is popular changes with the season.
pub const KEPT: Days = Days::new(28);
/// The most words of one search that is counted: longer ones are hardly made twice.
pub const MOST_WORDS: usize = 4;
/// The longest search that is counted, bytes.
pub const LONGEST: usize = 80;
/// The most searches that are popular at a time.
pub const MOST: u64 = 500;

/// The search as it is counted, if it may be: its words as [`daily_count::words`] has them.
pub fn text(sought: &str) -> Option<String> {
    let words = daily_count::words(sought);
    let text = words.join(" ");
    let fits = (1..=MOST_WORDS).contains(&words.len()) && text.len() <= LONGEST;
    fits.then_some(text)
}

/// Adds `rows`, at most [`daily_count::ROWS`] and no two of one key, to what is counted already: all
/// of them or none.
///
/// # Errors
/// When the database fails.
pub async fn add(db: &impl ConnectionTrait, rows: &[Model]) -> Result<(), DbErr> {
    use entity::{Column, Entity};
    let sum = Expr::col((Entity, Column::Count)).add(Expr::cust("excluded.count"));
    let conflict =
        OnConflict::columns([Column::Day, Column::Text]).value(Column::Count, sum).to_owned();
    let rows = rows.iter().cloned().map(|row| row.into_active_model().reset_all());
    Entity::insert_many(rows).on_conflict(conflict).exec_without_returning(db).await?;
    Ok(())
}

/// Forgets what was counted more than [`KEPT`] before `today`.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &impl ConnectionTrait, today: NaiveDate) -> Result<(), DbErr> {
    let first = *days(today).start();
    entity::Entity::delete_many().filter(entity::Column::Day.lt(first)).exec(db).await?;
    Ok(())
}

fn days(today: NaiveDate) -> RangeInclusive<NaiveDate> {
    today.checked_sub_days(KEPT).unwrap_or(today)..=today
}

/// What many looked for of late, the most sought first: at most [`MOST`], each on [`FEWEST_DAYS`] at
/// least and [`FEWEST`] times at least.
///
/// # Errors
/// When the database fails.
pub async fn popular(db: &impl ConnectionTrait, today: NaiveDate) -> Result<Vec<String>, DbErr> {
    use entity::Column;
    let days = days(today);
    // PostgreSQL adds whole numbers up to a decimal one.
    let sum = || Expr::col(Column::Count).sum().cast_as("BIGINT");
    // A day has one row of a text at most.
    let on_days = Expr::col(Column::Day).count();
    entity::Entity::find()
        .select_only()
        .column(Column::Text)
        .filter(Column::Day.between(*days.start(), *days.end()))
        .group_by(Column::Text)
        .having(on_days.gte(FEWEST_DAYS))
        .having(sum().gte(FEWEST))
        .order_by_desc(sum())
        .order_by_asc(Column::Text)
        .limit(MOST)
        .into_tuple()
        .all(db)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_counted_by_its_folded_words_and_a_long_one_is_not() {
        assert_eq!(text("  Batik TULIS, batik").as_deref(), Some("batik tulis"));
        assert_eq!(text("?!"), None);
        assert_eq!(text("bu sri 0812-3456-7890"), None);
        assert_eq!(text("satu dua tiga empat lima"), None);
    }
}
