//! What was searched for by day, for the suggestions of popular searches.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

const NAME: &str = "daily_query";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(NAME)
            .col(date("day"))
            .col(string_len("text", 80))
            .col(big_integer("count"))
            .primary_key(Index::create().col("day").col("text"))
            .check(Expr::col("count").gte(0))
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(NAME).to_owned()).await
    }
}
