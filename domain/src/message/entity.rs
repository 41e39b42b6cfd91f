//! Table `message`.

use sea_orm::entity::prelude::*;

use crate::text::Lang;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "message")]
pub struct Model {
    /// Which.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// To whom; where they are reached is looked up when it is sent.
    pub account: Uuid,
    /// What it is written in.
    pub lang: Lang,
    /// What it is about.
    #[sea_orm(column_type = "Text")]
    pub subject: String,
    /// What it says.
    #[sea_orm(column_type = "Text")]
    pub text: String,
    /// How often it could not be sent.
    pub tries: i32,
    /// When it was written.
    pub created_at: DateTimeUtc,
    /// When it was sent, or given up.
    pub sent_at: Option<DateTimeUtc>,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
