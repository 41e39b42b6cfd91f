//! What listings refer to: areas, categories, agencies, public holidays.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(agency()).await?;
        manager.create_table(category()).await?;
        manager.create_table(area()).await?;
        manager.create_table(holiday()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["holiday", "area", "category", "agency"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn agency() -> TableCreateStatement {
    Table::create()
        .table("agency")
        .col(string_len("id", 64).primary_key())
        .col(json("name"))
        .col(json("kinds"))
        .col(json("categories"))
        .to_owned()
}

fn category() -> TableCreateStatement {
    Table::create()
        .table("category")
        .col(string_len("code", 64).primary_key())
        .col(string_len_null("parent", 64))
        .col(json("name"))
        .col(json("words"))
        .col(string_len_null("osm", 80))
        .col(string_len_null("schema_org", 80))
        .foreign_key(
            ForeignKey::create()
                .name("category_parent")
                .from("category", "parent")
                .to("category", "code"),
        )
        .check(Expr::col("parent").is_null().or(Expr::col("parent").ne(Expr::col("code"))))
        .to_owned()
}

fn area() -> TableCreateStatement {
    Table::create()
        .table("area")
        .col(string_len("code", 13).primary_key())
        .col(string_len("edition", 80))
        .col(string_len("level", 16))
        .col(json("name"))
        .col(string_len_null("parent", 13))
        .col(json_null("polygon"))
        .col(text("source"))
        .col(string_len("licence", 40))
        .foreign_key(
            ForeignKey::create().name("area_parent").from("area", "parent").to("area", "code"),
        )
        .check(Expr::col("level").is_in(["province", "regency", "kapanewon", "kalurahan"]))
        .check(
            Expr::col("parent").is_not_null().or(Expr::col("level").is_in(["province", "regency"])),
        )
        .to_owned()
}

fn holiday() -> TableCreateStatement {
    Table::create()
        .table("holiday")
        .col(date("date"))
        .col(string_len("kind", 16))
        .col(json("name"))
        .col(string_len("certainty", 16))
        .col(text("source"))
        .primary_key(Index::create().col("date").col("kind"))
        .check(Expr::col("kind").is_in(["national", "joint_leave"]))
        .check(Expr::col("certainty").is_in(["decreed", "computed"]))
        .to_owned()
}
