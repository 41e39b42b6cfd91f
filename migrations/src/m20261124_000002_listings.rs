//! Listings: what place, producer and event share in one table, what only one of them has in its
//! own, and a producer's products.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [listing(), former_slug(), place(), producer(), product(), event()] {
            manager.create_table(table).await?;
        }
        // The start of a node reads by status; a walk of products goes by producer.
        manager.create_index(index("listing_status", "listing", "status")).await?;
        manager.create_index(index("product_producer", "product", "producer")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["event", "product", "producer", "place", "former_slug", "listing"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn index(name: &'static str, table: &'static str, column: &'static str) -> IndexCreateStatement {
    Index::create().name(name).table(table).col(column).to_owned()
}

fn reference(
    name: &'static str,
    (table, column): (&'static str, &'static str),
    (to_table, to_column): (&'static str, &'static str),
) -> ForeignKeyCreateStatement {
    ForeignKey::create().name(name).from(table, column).to(to_table, to_column).to_owned()
}

fn listing() -> TableCreateStatement {
    Table::create()
        .table("listing")
        .col(uuid("id").primary_key())
        .col(string_len("slug", 80).unique_key())
        .col(string_len("kind", 16))
        .col(string_len("status", 16))
        .col(json("name"))
        .col(json_null("summary"))
        .col(json_null("description"))
        .col(double_null("latitude"))
        .col(double_null("longitude"))
        .col(integer_null("accuracy_m"))
        .col(json_null("geometry"))
        .col(string_len_null("area", 13))
        .col(boolean("area_inferred"))
        .col(json_null("address"))
        .col(string_len("category", 64))
        .col(json("categories"))
        .col(json("tags"))
        .col(json("accessibility"))
        .col(json("facilities"))
        .col(json("payments"))
        .col(json("languages_spoken"))
        .col(json("contacts"))
        .col(json("media"))
        .col(text_null("hours"))
        .col(string_len("zone", 40))
        .col(json("notices"))
        .col(boolean("sample"))
        .col(json("sample_fields"))
        .col(json("source"))
        .col(string_len("licence", 40))
        .col(json("external_ids"))
        .col(timestamp_with_time_zone_null("verified_at"))
        .col(string_len_null("responsible_agency", 64))
        .col(json("see_also"))
        .col(uuid_null("merged_into"))
        .col(big_integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(timestamp_with_time_zone_null("published_at"))
        .foreign_key(&mut reference("listing_area", ("listing", "area"), ("area", "code")))
        .foreign_key(&mut reference(
            "listing_category",
            ("listing", "category"),
            ("category", "code"),
        ))
        .foreign_key(&mut reference(
            "listing_agency",
            ("listing", "responsible_agency"),
            ("agency", "id"),
        ))
        .foreign_key(&mut reference(
            "listing_merged",
            ("listing", "merged_into"),
            ("listing", "id"),
        ))
        .check(Expr::col("kind").is_in(["place", "producer", "event"]))
        .check(Expr::col("status").is_in([
            "draft",
            "in_review",
            "published",
            "suspended",
            "archived",
        ]))
        .check(Expr::col("latitude").between(-90.0, 90.0))
        .check(Expr::col("longitude").between(-180.0, 180.0))
        // A point is whole or absent, and only a point has an accuracy.
        .check(Expr::col("latitude").is_null().eq(Expr::col("longitude").is_null()))
        .check(Expr::col("accuracy_m").is_null().or(Expr::col("latitude").is_not_null()))
        .check(Expr::col("accuracy_m").gte(0))
        .check(Expr::col("version").gte(1))
        .check(Expr::col("status").ne("published").or(Expr::col("published_at").is_not_null()))
        .check(Expr::col("merged_into").is_null().or(Expr::col("status").eq("archived")))
        .to_owned()
}

fn former_slug() -> TableCreateStatement {
    Table::create()
        .table("former_slug")
        .col(string_len("slug", 80).primary_key())
        .col(uuid("listing"))
        .foreign_key(&mut reference(
            "former_slug_listing",
            ("former_slug", "listing"),
            ("listing", "id"),
        ))
        .to_owned()
}

fn place() -> TableCreateStatement {
    Table::create()
        .table("place")
        .col(uuid("id").primary_key())
        .col(json_null("admission"))
        .col(json("awards"))
        .col(integer_null("duration_min"))
        .col(json_null("best_time"))
        .col(json_null("legal_basis"))
        .col(string_len_null("managed_by", 120))
        .col(boolean("is_tourism_village"))
        .col(string_len_null("heritage_register", 80))
        .foreign_key(&mut reference("place_listing", ("place", "id"), ("listing", "id")))
        .check(Expr::col("duration_min").between(1, 10080))
        .to_owned()
}

fn producer() -> TableCreateStatement {
    Table::create()
        .table("producer")
        .col(uuid("id").primary_key())
        .col(string_len("form", 16))
        .col(string_len("craft", 16))
        .col(json("materials"))
        .col(json("techniques"))
        .col(json("certificates"))
        .col(integer_null("founded"))
        .col(integer_null("workers"))
        .col(uuid_null("centre"))
        .col(string_len("visit", 16))
        .col(json("workshops"))
        .col(boolean_null("made_to_order"))
        .col(integer_null("lead_time_days"))
        .col(boolean_null("export_ready"))
        .foreign_key(&mut reference("producer_listing", ("producer", "id"), ("listing", "id")))
        .foreign_key(&mut reference("producer_centre", ("producer", "centre"), ("producer", "id")))
        .check(Expr::col("form").is_in(["maker", "group", "centre"]))
        .check(Expr::col("visit").is_in(["open", "appointment", "none"]))
        .check(Expr::col("form").ne("centre").or(Expr::col("centre").is_null()))
        .check(Expr::col("founded").between(1500, 2200))
        .check(Expr::col("workers").between(1, 100_000))
        .check(Expr::col("lead_time_days").between(0, 730))
        .to_owned()
}

fn product() -> TableCreateStatement {
    Table::create()
        .table("product")
        .col(uuid("id").primary_key())
        .col(uuid("producer"))
        .col(string_len("slug", 80))
        .col(string_len("status", 16))
        .col(json("name"))
        .col(json_null("summary"))
        .col(json_null("price"))
        .col(json_null("price_to"))
        .col(json("materials"))
        .col(json("techniques"))
        .col(string_len_null("dimensions", 120))
        .col(json("media"))
        .col(json("order_links"))
        .col(boolean("sample"))
        .col(big_integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .foreign_key(&mut reference(
            "product_producer",
            ("product", "producer"),
            ("producer", "id"),
        ))
        .index(Index::create().name("product_slug").unique().col("producer").col("slug"))
        .check(Expr::col("status").is_in(["active", "inactive", "sold_out"]))
        .check(Expr::col("version").gte(1))
        .to_owned()
}

fn event() -> TableCreateStatement {
    Table::create()
        .table("event")
        .col(uuid("id").primary_key())
        .col(json("schedule"))
        .col(string_len("event_status", 16))
        .col(json_null("status_reason"))
        .col(timestamp_with_time_zone_null("previous_start"))
        .col(uuid_null("venue"))
        .col(json_null("organiser"))
        .col(json_null("admission"))
        .col(json_null("registration"))
        .col(integer_null("capacity"))
        .col(string_len_null("series", 80))
        .foreign_key(&mut reference("event_listing", ("event", "id"), ("listing", "id")))
        .foreign_key(&mut reference("event_venue", ("event", "venue"), ("place", "id")))
        .check(Expr::col("event_status").is_in([
            "scheduled",
            "cancelled",
            "postponed",
            "rescheduled",
            "moved_online",
        ]))
        .check(Expr::col("capacity").between(1, 10_000_000))
        .to_owned()
}
