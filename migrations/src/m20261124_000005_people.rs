//! People and what they do to listings: accounts and how they come in, who keeps what, proposals and
//! their moderation, pictures, the record of it all, and what is counted.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// In the order they are made; undone from the last to the first.
const TABLES: [&str; 16] = [
    "account",
    "session",
    "sign_in",
    "maintainer",
    "claim",
    "revision",
    "review",
    "comment",
    "kept_answer",
    "message",
    "media",
    "upload",
    "daily_count",
    "audit",
    "audit_value",
    "agency_trust",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            account(),
            session(),
            sign_in(),
            maintainer(),
            claim(),
            revision(),
            review(),
            comment(),
            kept_answer(),
            message(),
            media(),
            upload(),
            daily_count(),
            audit(),
            audit_value(),
            agency_trust(),
        ] {
            manager.create_table(table).await?;
        }
        for (name, table, columns) in [
            ("session_account", "session", &["account"][..]),
            // What somebody keeps, and who keeps something.
            ("maintainer_listing", "maintainer", &["listing"]),
            ("claim_listing", "claim", &["listing"]),
            ("claim_account", "claim", &["account"]),
            ("revision_listing", "revision", &["listing", "created_at"]),
            ("revision_author", "revision", &["author"]),
            // The queue: what is open, by agency, oldest first.
            ("review_open", "review", &["closed_at", "agency", "opened_at"]),
            ("review_subject", "review", &["subject"]),
            ("comment_review", "comment", &["review"]),
            ("message_unsent", "message", &["sent_at", "created_at"]),
            // How many of late.
            ("media_account", "media", &["account", "created_at"]),
            ("upload_account", "upload", &["account"]),
            ("audit_subject", "audit", &["subject", "seq"]),
            ("daily_count_subject", "daily_count", &["subject", "day"]),
        ] {
            let mut index = Index::create().name(name).table(table).to_owned();
            columns.iter().for_each(|column| {
                index.col(*column);
            });
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES.iter().rev() {
            manager.drop_table(Table::drop().table(*table).to_owned()).await?;
        }
        Ok(())
    }
}

fn to(
    name: &'static str,
    (table, column): (&'static str, &'static str),
    (to_table, to_column): (&'static str, &'static str),
) -> ForeignKeyCreateStatement {
    ForeignKey::create().name(name).from(table, column).to(to_table, to_column).to_owned()
}

fn account() -> TableCreateStatement {
    Table::create()
        .table("account")
        .col(uuid("id").primary_key())
        .col(string_len_null("email", 254).unique_key())
        .col(string_len_null("phone", 16).unique_key())
        .col(string_len_null("name", 120))
        .col(string_len("lang", 2))
        .col(string_len("role", 16))
        .col(json("agencies"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("erased_at"))
        .col(big_integer("version"))
        .check(Expr::col("role").is_in(["producer", "editor", "admin"]))
        .check(Expr::col("lang").is_in(["id", "en", "jv"]))
        // Somebody who can come in can be reached; who was erased cannot.
        .check(
            Expr::col("email")
                .is_not_null()
                .or(Expr::col("phone").is_not_null())
                .or(Expr::col("erased_at").is_not_null()),
        )
        .check(Expr::col("version").gte(1))
        .to_owned()
}

fn session() -> TableCreateStatement {
    Table::create()
        .table("session")
        .col(uuid("id").primary_key())
        .col(uuid("account"))
        .col(string_len("hash", 64).unique_key())
        .col(string_len_null("agent", 120))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .col(big_integer("version"))
        .foreign_key(&mut to("session_of", ("session", "account"), ("account", "id")))
        .check(Expr::col("version").gte(1))
        .to_owned()
}

fn sign_in() -> TableCreateStatement {
    Table::create()
        .table("sign_in")
        .col(string_len("address", 64).primary_key())
        .col(text_null("hash"))
        .col(integer("tries"))
        .col(integer("sent"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(big_integer("version"))
        .check(Expr::col("tries").between(0, 1000))
        .check(Expr::col("version").gte(1))
        .to_owned()
}

fn maintainer() -> TableCreateStatement {
    Table::create()
        .table("maintainer")
        .col(uuid("account"))
        .col(uuid("listing"))
        .col(boolean("trusted"))
        .col(timestamp_with_time_zone("since"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .col(big_integer("version"))
        .primary_key(Index::create().col("account").col("listing"))
        .foreign_key(&mut to("maintainer_who", ("maintainer", "account"), ("account", "id")))
        .foreign_key(&mut to("maintainer_what", ("maintainer", "listing"), ("listing", "id")))
        .check(Expr::col("version").gte(1))
        .to_owned()
}

fn claim() -> TableCreateStatement {
    Table::create()
        .table("claim")
        .col(uuid("id").primary_key())
        .col(uuid("listing"))
        .col(uuid("account"))
        .col(text("evidence"))
        .col(string_len("status", 16))
        .col(text_null("reason"))
        .col(uuid_null("decided_by"))
        .col(timestamp_with_time_zone_null("decided_at"))
        .col(timestamp_with_time_zone("created_at"))
        .col(big_integer("version"))
        .foreign_key(&mut to("claim_of", ("claim", "listing"), ("listing", "id")))
        .foreign_key(&mut to("claim_by", ("claim", "account"), ("account", "id")))
        .foreign_key(&mut to("claim_decided", ("claim", "decided_by"), ("account", "id")))
        .check(Expr::col("status").is_in(["pending", "approved", "refused", "withdrawn"]))
        .check(Expr::col("version").gte(1))
        .to_owned()
}

fn revision() -> TableCreateStatement {
    Table::create()
        .table("revision")
        .col(uuid("id").primary_key())
        .col(uuid("listing"))
        .col(uuid_null("author"))
        .col(big_integer("base_version"))
        .col(big_integer_null("result_version"))
        .col(string_len("status", 16))
        .col(json("patch"))
        .col(json("before"))
        .col(text_null("reason"))
        .col(uuid_null("decided_by"))
        .col(timestamp_with_time_zone_null("decided_at"))
        .col(timestamp_with_time_zone("created_at"))
        .col(big_integer("version"))
        .foreign_key(&mut to("revision_of", ("revision", "listing"), ("listing", "id")))
        .foreign_key(&mut to("revision_by", ("revision", "author"), ("account", "id")))
        .foreign_key(&mut to("revision_decided", ("revision", "decided_by"), ("account", "id")))
        .check(Expr::col("status").is_in(["pending", "applied", "refused", "withdrawn"]))
        .check(Expr::col("status").ne("applied").or(Expr::col("result_version").is_not_null()))
        .check(Expr::col("version").gte(1))
        .to_owned()
}

fn review() -> TableCreateStatement {
    Table::create()
        .table("review")
        .col(uuid("id").primary_key())
        .col(string_len("what", 16))
        .col(uuid("subject"))
        .col(uuid("listing"))
        .col(string_len_null("agency", 64))
        .col(uuid_null("assignee"))
        .col(timestamp_with_time_zone("opened_at"))
        .col(timestamp_with_time_zone_null("closed_at"))
        .col(big_integer("version"))
        .foreign_key(&mut to("review_of", ("review", "listing"), ("listing", "id")))
        .foreign_key(&mut to("review_agency", ("review", "agency"), ("agency", "id")))
        .foreign_key(&mut to("review_assignee", ("review", "assignee"), ("account", "id")))
        .check(Expr::col("what").is_in(["submission", "revision", "claim"]))
        .check(Expr::col("version").gte(1))
        .to_owned()
}

fn comment() -> TableCreateStatement {
    Table::create()
        .table("comment")
        .col(uuid("id").primary_key())
        .col(uuid("review"))
        .col(uuid("author"))
        .col(text("text"))
        .col(timestamp_with_time_zone("created_at"))
        .foreign_key(&mut to("comment_on", ("comment", "review"), ("review", "id")))
        .foreign_key(&mut to("comment_by", ("comment", "author"), ("account", "id")))
        .to_owned()
}

fn kept_answer() -> TableCreateStatement {
    Table::create()
        .table("kept_answer")
        .col(string_len("key", 64).primary_key())
        .col(string_len("request", 64))
        .col(integer("status"))
        .col(json("headers"))
        .col(text("body"))
        .col(timestamp_with_time_zone("at"))
        .col(big_integer("version"))
        .to_owned()
}

fn message() -> TableCreateStatement {
    Table::create()
        .table("message")
        .col(uuid("id").primary_key())
        .col(uuid("account"))
        .col(string_len("lang", 2))
        .col(text("subject"))
        .col(text("text"))
        .col(integer("tries"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("sent_at"))
        .col(big_integer("version"))
        .foreign_key(&mut to("message_to", ("message", "account"), ("account", "id")))
        .check(Expr::col("version").gte(1))
        .to_owned()
}

fn media() -> TableCreateStatement {
    Table::create()
        .table("media")
        .col(string_len("id", 64).primary_key())
        .col(uuid("account"))
        .col(integer("width"))
        .col(integer("height"))
        .col(string_len("thumbhash", 80))
        .col(json("widths"))
        .col(timestamp_with_time_zone("created_at"))
        .col(big_integer("version"))
        .foreign_key(&mut to("media_by", ("media", "account"), ("account", "id")))
        .check(Expr::col("width").gte(1))
        .check(Expr::col("height").gte(1))
        .check(Expr::col("version").gte(1))
        .to_owned()
}

fn upload() -> TableCreateStatement {
    Table::create()
        .table("upload")
        .col(uuid("id").primary_key())
        .col(uuid("account"))
        .col(string_len("hash", 64).unique_key())
        .col(big_integer("size"))
        .col(string_len_null("sha256", 64))
        .col(string_len_null("media", 64))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .col(big_integer("version"))
        .foreign_key(&mut to("upload_by", ("upload", "account"), ("account", "id")))
        .foreign_key(&mut to("upload_made", ("upload", "media"), ("media", "id")))
        .check(Expr::col("size").gte(1))
        .check(Expr::col("version").gte(1))
        .to_owned()
}

fn daily_count() -> TableCreateStatement {
    Table::create()
        .table("daily_count")
        .col(date("day"))
        .col(string_len("what", 16))
        .col(string_len("subject", 120))
        .col(string_len("area", 13))
        .col(big_integer("count"))
        .primary_key(Index::create().col("day").col("what").col("subject").col("area"))
        .check(Expr::col("what").is_in(["shown", "opened", "contacted", "sought"]))
        .check(Expr::col("count").gte(0))
        .to_owned()
}

fn audit() -> TableCreateStatement {
    Table::create()
        .table("audit")
        .col(big_integer("seq").primary_key())
        .col(timestamp_with_time_zone("at"))
        .col(string_len("action", 32))
        .col(string_len("subject", 64))
        .col(big_integer("version"))
        .col(boolean("public"))
        .col(json("digests"))
        .col(string_len("hash", 64))
        .to_owned()
}

fn audit_value() -> TableCreateStatement {
    Table::create()
        .table("audit_value")
        .col(big_integer("seq"))
        .col(string_len("name", 40))
        .col(string_len("salt", 32))
        .col(text("value"))
        .primary_key(Index::create().col("seq").col("name"))
        .foreign_key(&mut to("audit_value_of", ("audit_value", "seq"), ("audit", "seq")))
        .to_owned()
}

/// The members of a published listing that those whom an agency trusts may change by themselves.
fn agency_trust() -> TableCreateStatement {
    Table::create()
        .table("agency_trust")
        .col(string_len("agency", 64).primary_key())
        .col(json("members"))
        .col(big_integer("version"))
        .foreign_key(&mut to("agency_trust_of", ("agency_trust", "agency"), ("agency", "id")))
        .to_owned()
}
