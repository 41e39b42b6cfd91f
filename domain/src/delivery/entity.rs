//! Table `delivery`.

use sea_orm::entity::prelude::*;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery")]
pub struct Model {
    /// Which: the same for every try.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// To whom.
    pub webhook: Uuid,
    /// Its place among those to the same.
    pub number: i64,
    /// Of what.
    pub listing: Option<Uuid>,
    /// What it tells: `listing.changed` and the like.
    pub kind: String,
    /// What is sent, to the byte.
    #[sea_orm(column_type = "Text")]
    pub body: String,
    /// How often it was tried.
    pub tries: i32,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it is to be tried next.
    pub due_at: DateTimeUtc,
    /// When it was taken, or given up.
    pub done_at: Option<DateTimeUtc>,
    /// The status of the last answer; none where there was no answer.
    pub status: Option<i32>,
    /// The beginning of the last answer, or why there was none.
    #[sea_orm(column_type = "Text", nullable)]
    pub answer: Option<String>,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
