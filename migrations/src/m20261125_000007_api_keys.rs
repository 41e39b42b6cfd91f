//! Keys of partners, and how often each was used on a day.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("api_key")
                    .col(uuid("id").primary_key())
                    .col(uuid("account"))
                    .col(string_len("name", 80))
                    .col(json("scopes"))
                    .col(string_len("start", 16))
                    .col(string_len("hash", 64).unique_key())
                    .col(string_len_null("old_hash", 64))
                    .col(timestamp_with_time_zone_null("old_until"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("expires_at"))
                    .col(timestamp_with_time_zone_null("revoked_at"))
                    .col(big_integer("version"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("api_key_of")
                            .from("api_key", "account")
                            .to("account", "id"),
                    )
                    .check(Expr::col("version").gte(1))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("api_key_use")
                    .col(uuid("key"))
                    .col(date("day"))
                    .col(big_integer("count"))
                    .primary_key(Index::create().col("key").col("day"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("api_key_use_of")
                            .from("api_key_use", "key")
                            .to("api_key", "id"),
                    )
                    .check(Expr::col("count").gte(0))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("api_key_account").table("api_key").col("account").to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("api_key_old").table("api_key").col("old_hash").to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["api_key_use", "api_key"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
