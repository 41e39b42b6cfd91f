//! The systems of partners, who holds each, and which listing a partner's own id names; the system
//! that a key writes below.
//!
//! The primary key of `external_record` is what keeps two who bring the same record at once from
//! making two listings.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("external_system")
                    .col(string_len("system", 40).primary_key())
                    .col(uuid("account"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(big_integer("version"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("external_system_of")
                            .from("external_system", "account")
                            .to("account", "id"),
                    )
                    .check(Expr::col("version").gte(1))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("external_record")
                    .col(string_len("system", 40))
                    .col(string_len("id", 120))
                    .col(uuid("listing"))
                    .col(timestamp_with_time_zone_null("deleted_at"))
                    .col(big_integer("version"))
                    .primary_key(Index::create().col("system").col("id"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("external_record_within")
                            .from("external_record", "system")
                            .to("external_system", "system"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .name("external_record_names")
                            .from("external_record", "listing")
                            .to("listing", "id"),
                    )
                    .check(Expr::col("id").ne(""))
                    .check(Expr::col("version").gte(1))
                    .to_owned(),
            )
            .await?;
        for (name, table, column) in [
            ("external_system_account", "external_system", "account"),
            ("external_record_listing", "external_record", "listing"),
        ] {
            let index = Index::create().name(name).table(table).col(column).to_owned();
            manager.create_index(index).await?;
        }
        let key =
            Table::alter().table("api_key").add_column(string_len_null("system", 40)).to_owned();
        manager.alter_table(key).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let key = Table::alter().table("api_key").drop_column("system").to_owned();
        manager.alter_table(key).await?;
        for table in ["external_record", "external_system"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
