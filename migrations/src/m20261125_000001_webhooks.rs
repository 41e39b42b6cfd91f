//! Webhooks: who is told what, where each of them is in the log, and what is on its way.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("webhook")
                    .col(uuid("id").primary_key())
                    .col(uuid("account"))
                    .col(text("url"))
                    .col(string_len_null("note", 200))
                    .col(json("scope"))
                    .col(string_len("status", 16))
                    .col(text("secret"))
                    .col(text_null("old_secret"))
                    .col(timestamp_with_time_zone_null("old_until"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(big_integer("version"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("webhook_of")
                            .from("webhook", "account")
                            .to("account", "id"),
                    )
                    .check(Expr::col("status").is_in(["active", "paused", "ended"]))
                    .check(Expr::col("version").gte(1))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("webhook_place")
                    .col(uuid("webhook").primary_key())
                    .col(text("cursor"))
                    .col(big_integer("made"))
                    .col(big_integer("version"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("webhook_place_of")
                            .from("webhook_place", "webhook")
                            .to("webhook", "id"),
                    )
                    .check(Expr::col("version").gte(1))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("delivery")
                    .col(uuid("id").primary_key())
                    .col(uuid("webhook"))
                    .col(big_integer("number"))
                    .col(uuid_null("listing"))
                    .col(string_len("kind", 32))
                    .col(text("body"))
                    .col(integer("tries"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("due_at"))
                    .col(timestamp_with_time_zone_null("done_at"))
                    .col(integer_null("status"))
                    .col(text_null("answer"))
                    .col(big_integer("version"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("delivery_to")
                            .from("delivery", "webhook")
                            .to("webhook", "id"),
                    )
                    .check(Expr::col("version").gte(1))
                    .to_owned(),
            )
            .await?;
        for (name, table, columns, unique) in [
            ("webhook_account", "webhook", &["account"][..], false),
            ("webhook_status", "webhook", &["status"], false),
            ("delivery_number", "delivery", &["webhook", "number"], false),
            // What is still to be done for one, in its order.
            ("delivery_undone", "delivery", &["webhook", "done_at", "number"], false),
            ("delivery_done", "delivery", &["done_at"], false),
        ] {
            let mut index = Index::create().name(name).table(table).to_owned();
            columns.iter().for_each(|column| {
                index.col(*column);
            });
            if unique {
                index.unique();
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["delivery", "webhook_place", "webhook"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
