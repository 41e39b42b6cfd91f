//! Who comes in through a government's identity provider: sign-ins that were begun there, and which
//! account each of its people is.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(handshake()).await?;
        manager.create_table(identity()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["identity", "handshake"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn handshake() -> TableCreateStatement {
    Table::create()
        .table("handshake")
        .col(string_len("hash", 64).primary_key())
        .col(boolean("used"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(big_integer("version"))
        .check(Expr::col("version").gte(1))
        .to_owned()
}

fn identity() -> TableCreateStatement {
    Table::create()
        .table("identity")
        .col(string_len("hash", 64).primary_key())
        .col(uuid("account"))
        .col(string_len("issuer", 500))
        .col(timestamp_with_time_zone("since"))
        .col(big_integer("version"))
        .foreign_key(
            ForeignKey::create()
                .name("identity_of")
                .from("identity", "account")
                .to("account", "id"),
        )
        // One person of a provider an account: who gets an address later does not get the account.
        .index(Index::create().name("identity_account").unique().col("account").col("issuer"))
        .check(Expr::col("version").gte(1))
        .to_owned()
}
