//! The change log: one row for each thing that a committed write changed, in commit order.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("change")
                    // AUTOINCREMENT on SQLite: a number is never given twice, not even the last.
                    .col(big_integer("seq").auto_increment().primary_key())
                    .col(string_len("kind", 16))
                    .col(string_len("subject", 64))
                    .col(string_len("what", 16))
                    .col(big_integer("version"))
                    .col(string_len("actor", 80))
                    .col(timestamp_with_time_zone("at"))
                    .check(Expr::col("kind").is_in([
                        "place", "producer", "event", "area", "category", "agency", "holiday",
                    ]))
                    .check(Expr::col("what").is_in(["created", "updated", "removed"]))
                    .to_owned(),
            )
            .await?;
        // One listing's history, and "has this listing changed since".
        manager
            .create_index(
                Index::create()
                    .name("change_subject")
                    .table("change")
                    .col("subject")
                    .col("seq")
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("change").to_owned()).await
    }
}
