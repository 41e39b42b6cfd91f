//! Held: everything that is kept about an account, to be handed to it or taken away for good.
//!
//! Both read the same tables; a table that comes to hold something of a person belongs in both.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait as _,
    sea_query::{Expr, ExprTrait as _},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Address, Agencies, Model, Role, entity};
use crate::{
    api_key,
    audit::{self, digest},
    claim, comment, external, identity, maintainer, media, message, review, revision, session,
    sign_in, upload, webhook,
};

/// Which values of the record an entry's actor has: `actor` itself is the account's id as JSON.
fn actor(account: Uuid) -> String {
    Value::from(account.to_string()).to_string()
}

/// The entries of the record that `account` made.
fn entries_of(account: Uuid) -> Condition {
    use audit::value::Column;
    Condition::all().add(Column::Name.eq("actor")).add(Column::Value.eq(actor(account)))
}

/// Everything about `account`, as JSON by what it is; no digest of a token or ticket is in it.
///
/// # Errors
/// When the database fails.
pub async fn export(db: &impl ConnectionTrait, account: &Model) -> Result<Value, DbErr> {
    let id = account.id;
    Ok(json!({
        "account": {
            "id": id, "email": account.email, "phone": account.phone, "name": account.name,
            "lang": account.lang, "role": account.role, "agencies": account.agencies,
            "created_at": account.created_at,
        },
        "sessions": sessions(db, id).await?,
        "identities": identities(db, id).await?,
        "maintainers": maintainers(db, id).await?,
        "claims": claims(db, id).await?,
        "revisions": revisions(db, id).await?,
        "comments": comments(db, id).await?,
        "messages": messages(db, id).await?,
        "media": pictures(db, id).await?,
        "uploads": uploads(db, id).await?,
        "webhooks": webhooks(db, id).await?,
        "keys": keys(db, id).await?,
        "systems": systems(db, id).await?,
        "audit": entries(db, id).await?,
    }))
}

async fn sessions(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Value>, DbErr> {
    let find = session::entity::Entity::find()
        .filter(session::entity::Column::Account.eq(account))
        .order_by_asc(session::entity::Column::CreatedAt);
    let shown = |row: session::Model| {
        json!({"id": row.id, "agent": row.agent, "created_at": row.created_at,
               "expires_at": row.expires_at, "revoked_at": row.revoked_at})
    };
    Ok(find.all(db).await?.into_iter().map(shown).collect())
}

async fn identities(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Value>, DbErr> {
    let shown = |row: identity::Model| json!({"issuer": row.issuer, "since": row.since});
    Ok(identity::of(db, account).await?.into_iter().map(shown).collect())
}

async fn maintainers(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Value>, DbErr> {
    let find = maintainer::entity::Entity::find()
        .filter(maintainer::entity::Column::Account.eq(account))
        .order_by_asc(maintainer::entity::Column::Listing);
    let shown = |row: maintainer::Model| {
        json!({"listing": row.listing, "trusted": row.trusted, "since": row.since,
               "ended_at": row.ended_at})
    };
    Ok(find.all(db).await?.into_iter().map(shown).collect())
}

async fn claims(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Value>, DbErr> {
    let shown = |row: claim::Model| {
        json!({"id": row.id, "listing": row.listing, "evidence": row.evidence,
               "status": row.status, "reason": row.reason, "created_at": row.created_at,
               "decided_at": row.decided_at})
    };
    Ok(claim::by(db, account).await?.into_iter().map(shown).collect())
}

async fn revisions(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Value>, DbErr> {
    let find = revision::entity::Entity::find()
        .filter(revision::entity::Column::Author.eq(account))
        .order_by_asc(revision::entity::Column::Id);
    let shown = |row: revision::Model| {
        json!({"id": row.id, "listing": row.listing, "base_version": row.base_version,
               "result_version": row.result_version, "status": row.status, "patch": row.patch,
               "before": row.before, "reason": row.reason, "created_at": row.created_at,
               "decided_at": row.decided_at})
    };
    Ok(find.all(db).await?.into_iter().map(shown).collect())
}

async fn comments(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Value>, DbErr> {
    let find = comment::entity::Entity::find()
        .filter(comment::entity::Column::Author.eq(account))
        .order_by_asc(comment::entity::Column::Id);
    let shown = |row: comment::Model| json!({"id": row.id, "review": row.review, "text": row.text, "created_at": row.created_at});
    Ok(find.all(db).await?.into_iter().map(shown).collect())
}

async fn messages(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Value>, DbErr> {
    let find = message::entity::Entity::find()
        .filter(message::entity::Column::Account.eq(account))
        .order_by_asc(message::entity::Column::Id);
    let shown = |row: message::Model| {
        json!({"id": row.id, "lang": row.lang, "subject": row.subject, "text": row.text,
               "created_at": row.created_at, "sent_at": row.sent_at})
    };
    Ok(find.all(db).await?.into_iter().map(shown).collect())
}

async fn pictures(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Value>, DbErr> {
    let find = media::entity::Entity::find()
        .filter(media::entity::Column::Account.eq(account))
        .order_by_asc(media::entity::Column::Id);
    let shown = |row: media::Model| json!({"id": row.id, "created_at": row.created_at});
    Ok(find.all(db).await?.into_iter().map(shown).collect())
}

async fn uploads(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Value>, DbErr> {
    let find = upload::entity::Entity::find()
        .filter(upload::entity::Column::Account.eq(account))
        .order_by_asc(upload::entity::Column::Id);
    let shown = |row: upload::Model| {
        json!({"id": row.id, "size": row.size, "media": row.media, "created_at": row.created_at,
               "expires_at": row.expires_at})
    };
    Ok(find.all(db).await?.into_iter().map(shown).collect())
}

async fn webhooks(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Value>, DbErr> {
    let find = webhook::entity::Entity::find()
        .filter(webhook::entity::Column::Account.eq(account))
        .order_by_asc(webhook::entity::Column::Id);
    let shown = |row: webhook::Model| {
        json!({"id": row.id, "url": row.url, "note": row.note, "scope": row.scope,
               "status": row.status, "created_at": row.created_at})
    };
    Ok(find.all(db).await?.into_iter().map(shown).collect())
}

async fn keys(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Value>, DbErr> {
    let find = api_key::entity::Entity::find()
        .filter(api_key::entity::Column::Account.eq(account))
        .order_by_asc(api_key::entity::Column::Id);
    let shown = |row: api_key::Model| {
        json!({"id": row.id, "name": row.name, "scopes": row.scopes, "start": row.start,
               "system": row.system, "created_at": row.created_at, "expires_at": row.expires_at,
               "revoked_at": row.revoked_at})
    };
    Ok(find.all(db).await?.into_iter().map(shown).collect())
}

async fn systems(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Value>, DbErr> {
    let shown =
        |row: external::system::Model| json!({"system": row.system, "created_at": row.created_at});
    Ok(external::systems_of(db, account).await?.into_iter().map(shown).collect())
}

/// The entries of the record that `account` made, with their values.
async fn entries(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Value>, DbErr> {
    use audit::{entity, value};
    let mine = || {
        let seqs = value::Entity::find().select_only().column(value::Column::Seq);
        seqs.filter(entries_of(account)).into_query()
    };
    let rows = entity::Entity::find()
        .filter(entity::Column::Seq.in_subquery(mine()))
        .order_by_asc(entity::Column::Seq)
        .all(db)
        .await?;
    let values =
        value::Entity::find().filter(value::Column::Seq.in_subquery(mine())).all(db).await?;
    let shown = |row: entity::Model| {
        let its = values.iter().filter(|value| value.seq == row.seq);
        let its: serde_json::Map<_, _> =
            its.map(|value| (value.name.clone(), value.json())).collect();
        json!({"seq": row.seq, "at": row.at, "action": row.action, "subject": row.subject,
               "version": row.version, "values": its})
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// Somebody who asks to be forgotten, as they were when they asked.
#[derive(Debug, Clone)]
pub struct Erasure(pub Model);

impl Erasure {
    /// Takes away what says who they are or opens a door; true unless they have changed since.
    ///
    /// What they did stays, under an id that leads to nobody: listings, comments, pictures, and
    /// revisions without an author. What they are asked about as keeper, and what they ask for, ends.
    pub(crate) async fn carry_out(
        &self,
        db: &impl ConnectionTrait,
        at: DateTime<Utc>,
    ) -> Result<bool, DbErr> {
        let account = &self.0;
        if !forget(db, account, at).await? {
            return Ok(false);
        }
        close_doors(db, account, at).await?;
        end_keeping(db, account.id, at).await?;
        end_claims(db, account.id, at).await?;
        end_webhooks(db, account.id).await?;
        end_keys(db, account.id, at).await?;
        orphan_revisions(db, account.id).await?;
        blank_record(db, account.id).await?;
        Ok(true)
    }
}

async fn forget(
    db: &impl ConnectionTrait,
    account: &Model,
    at: DateTime<Utc>,
) -> Result<bool, DbErr> {
    use entity::Column;
    let done = entity::Entity::update_many()
        .col_expr(Column::Email, Expr::val(None::<String>))
        .col_expr(Column::Phone, Expr::val(None::<String>))
        .col_expr(Column::Name, Expr::val(None::<String>))
        .col_expr(Column::Role, Expr::val(Role::Producer.name()))
        .col_expr(Column::Agencies, Expr::val(json!(Agencies::default())))
        .col_expr(Column::ErasedAt, Expr::val(at))
        .col_expr(Column::Version, Expr::val(account.version + 1))
        .filter(Column::Id.eq(account.id))
        .filter(Column::Version.eq(account.version))
        .exec(db)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Sessions, codes on their way, whom a provider knows them as, and what was written to them.
async fn close_doors(
    db: &impl ConnectionTrait,
    account: &Model,
    at: DateTime<Utc>,
) -> Result<(), DbErr> {
    use message::entity::Column as Message;
    use session::entity::Column as Session;
    identity::forget(db, account.id).await?;
    // Rows stay, emptied: whoever is writing one just now would bring back one that is gone.
    session::entity::Entity::update_many()
        .col_expr(Session::Agent, Expr::val(None::<String>))
        .col_expr(Session::RevokedAt, Expr::val(at))
        .col_expr(Session::Version, Expr::col(Session::Version).add(1))
        .filter(Session::Account.eq(account.id))
        .exec(db)
        .await?;
    message::entity::Entity::update_many()
        .col_expr(Message::Subject, Expr::val(""))
        .col_expr(Message::Text, Expr::val(""))
        .col_expr(Message::SentAt, Expr::val(at))
        .col_expr(Message::Version, Expr::col(Message::Version).add(1))
        .filter(Message::Account.eq(account.id))
        .exec(db)
        .await?;
    let email = account.email.clone().map(Address::Email);
    let phone = account.phone.clone().map(Address::Phone);
    let addresses = [email, phone].into_iter().flatten();
    sign_in::entity::Entity::delete_many()
        .filter(
            sign_in::entity::Column::Address
                .is_in(addresses.map(|address| digest(address.as_str()))),
        )
        .exec(db)
        .await?;
    Ok(())
}

async fn end_keeping(
    db: &impl ConnectionTrait,
    account: Uuid,
    at: DateTime<Utc>,
) -> Result<(), DbErr> {
    use maintainer::entity::Column;
    maintainer::entity::Entity::update_many()
        .col_expr(Column::EndedAt, Expr::val(at))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Account.eq(account))
        .filter(Column::EndedAt.is_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Evidence says who somebody is; a claim that nobody makes any more waits for no officer.
async fn end_claims(
    db: &impl ConnectionTrait,
    account: Uuid,
    at: DateTime<Utc>,
) -> Result<(), DbErr> {
    use claim::{Status, entity::Column};
    let pending = claim::entity::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Account.eq(account))
        .filter(Column::Status.eq(Status::Pending))
        .into_query();
    review::entity::Entity::update_many()
        .col_expr(review::entity::Column::ClosedAt, Expr::val(at))
        .col_expr(
            review::entity::Column::Version,
            Expr::col(review::entity::Column::Version).add(1),
        )
        .filter(review::entity::Column::ClosedAt.is_null())
        .filter(review::entity::Column::Subject.in_subquery(pending))
        .exec(db)
        .await?;
    claim::entity::Entity::update_many()
        .col_expr(Column::Status, Expr::val(Status::Withdrawn.name()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Account.eq(account))
        .filter(Column::Status.eq(Status::Pending))
        .exec(db)
        .await?;
    claim::entity::Entity::update_many()
        .col_expr(Column::Evidence, Expr::val(""))
        .filter(Column::Account.eq(account))
        .exec(db)
        .await?;
    Ok(())
}

/// An address may be somebody's, and nobody is told there any more.
async fn end_webhooks(db: &impl ConnectionTrait, account: Uuid) -> Result<(), DbErr> {
    use webhook::{Status, entity::Column};
    webhook::entity::Entity::update_many()
        .col_expr(Column::Url, Expr::val(""))
        .col_expr(Column::Note, Expr::val(None::<String>))
        .col_expr(Column::Secret, Expr::val(""))
        .col_expr(Column::OldSecret, Expr::val(None::<String>))
        .col_expr(Column::Status, Expr::val(Status::Ended.name()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Account.eq(account))
        .exec(db)
        .await?;
    Ok(())
}

async fn end_keys(
    db: &impl ConnectionTrait,
    account: Uuid,
    at: DateTime<Utc>,
) -> Result<(), DbErr> {
    use api_key::entity::Column;
    api_key::entity::Entity::update_many()
        .col_expr(Column::Name, Expr::val(""))
        .col_expr(Column::RevokedAt, Expr::val(at))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Account.eq(account))
        .exec(db)
        .await?;
    Ok(())
}

/// Their revisions have no author, and no contact that is not public.
async fn orphan_revisions(db: &impl ConnectionTrait, account: Uuid) -> Result<(), DbErr> {
    use revision::entity::{Column, Entity};
    for mut row in Entity::find().filter(Column::Author.eq(account)).all(db).await? {
        for members in [&mut row.patch, &mut row.before] {
            if let Some(Value::Array(contacts)) = members.0.get_mut("contacts") {
                contacts.retain(|contact| contact["public"] == true);
            }
        }
        Entity::update_many()
            .col_expr(Column::Author, Expr::val(None::<Uuid>))
            .col_expr(Column::Patch, Expr::val(json!(row.patch)))
            .col_expr(Column::Before, Expr::val(json!(row.before)))
            .col_expr(Column::Version, Expr::val(row.version + 1))
            .filter(Column::Id.eq(row.id))
            .exec(db)
            .await?;
    }
    Ok(())
}

/// Takes the account's id, and what its entries say of private contacts, out of the record: value
/// and salt, so that the digest that stays tells nothing, and the chain holds.
async fn blank_record(db: &impl ConnectionTrait, account: Uuid) -> Result<(), DbErr> {
    use audit::value::{Column, Entity};
    let mine = Entity::find()
        .select_only()
        .column(Column::Seq)
        .filter(entries_of(account))
        .into_tuple::<i64>()
        .all(db)
        .await?;
    for some in mine.chunks(500) {
        Entity::delete_many()
            .filter(Column::Seq.is_in(some.iter().copied()))
            .filter(Column::Name.ends_with("_private").or(Column::Name.eq("actor")))
            .exec(db)
            .await?;
    }
    Ok(())
}
