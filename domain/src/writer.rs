//! Writer: the one task of a node that changes the database.
//!
//! A write is data: a [`Unit`] of rows handed over a bounded channel. The task takes what waits,
//! writes it as multi-row statements in one transaction together with the log, commits, and tells
//! each caller the number its change got. A caller who hangs up changes nothing: the unit is the
//! task's. When a batch fails, nothing of it happened; its units are then tried one by one, so
//! that only the one at fault is refused.

use std::{any::Any, collections::HashSet, panic::AssertUnwindSafe, time::Duration};

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, IdenStatic as _, IntoActiveModel,
    IsolationLevel, Iterable, ModelTrait, PrimaryKeyToColumn, SqlErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
    sea_query::{Expr, ExprTrait as _, OnConflict},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    account::{self, held::Erasure},
    agency, api_key, area, audit, category, change, claim, comment, delivery,
    error::{Error, Fault, is_away},
    event, external, handshake, holiday, identity, kept_answer,
    key::Slug,
    listing, maintainer, media, message, node, place, producer, product,
    record::{Detail, Record},
    review, revision, session, sign_in,
    store::Store,
    upload, webhook,
};

/// What happens together or not at all.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The new states.
    pub writes: Vec<Write>,
    /// Who is forgotten with it, after all else of it is written.
    pub erase: Option<Erasure>,
    /// What the record says of it.
    pub entries: Vec<audit::Entry>,
    /// Who does it, for the log.
    pub actor: String,
    /// When, for the log.
    pub at: DateTime<Utc>,
}

impl Unit {
    /// A unit that leaves no more on record than its lines in the log.
    pub fn new(writes: Vec<Write>, actor: impl Into<String>, at: DateTime<Utc>) -> Self {
        Self { writes, erase: None, entries: Vec::new(), actor: actor.into(), at }
    }
}

/// Declares the tables beside that of listings: what a write of each is called, its row, and the
/// column that counts its versions, if it has one. They are written in this order, so what is
/// referred to comes first.
macro_rules! tables {
    (
        before { $($(#[$doc_b:meta])* $item_b:ident($model_b:path, $field_b:ident, $version_b:expr);)+ }
        after { $($(#[$doc_a:meta])* $item_a:ident($model_a:path, $field_a:ident, $version_a:expr);)+ }
    ) => {
        /// One new state of one thing.
        ///
        /// What carries a version carries the one it will be: it is written only if it is new, or
        /// stored with exactly one less.
        #[derive(Debug, Clone)]
        pub enum Write {
            $($(#[$doc_b])* $item_b(Box<$model_b>),)+
            /// A listing with its kind's row. Products are writes of their own.
            Listing {
                /// The new state; `products` and `former_slugs` are not looked at.
                record: Box<Record>,
                /// The slug it gives up.
                former_slug: Option<Slug>,
            },
            $($(#[$doc_a])* $item_a(Box<$model_a>),)+
        }

        $(impl From<$model_b> for Write {
            fn from(row: $model_b) -> Self {
                Self::$item_b(Box::new(row))
            }
        })+
        $(impl From<$model_a> for Write {
            fn from(row: $model_a) -> Self {
                Self::$item_a(Box::new(row))
            }
        })+

        impl Write {
            /// What makes two writes concern the same row.
            fn key(&self) -> String {
                match self {
                    Self::Listing { record, .. } => key(&record.listing),
                    $(Self::$item_b(row) => key(&**row),)+
                    $(Self::$item_a(row) => key(&**row),)+
                }
            }
        }

        /// The rows of a batch by table, each table in one order: two nodes that write the same rows
        /// take their locks in the same order.
        #[derive(Default)]
        struct Rows<'a> {
            $($field_b: Vec<&'a $model_b>,)+
            listings: Listings<'a>,
            $($field_a: Vec<&'a $model_a>,)+
        }

        impl<'a> Rows<'a> {
            fn of(units: &[&'a Unit]) -> Self {
                let mut rows = Self::default();
                for write in units.iter().flat_map(|unit| &unit.writes) {
                    match write {
                        Write::Listing { record, former_slug } => {
                            rows.listings.add(record, former_slug.as_ref());
                        }
                        $(Write::$item_b(row) => rows.$field_b.push(row),)+
                        $(Write::$item_a(row) => rows.$field_a.push(row),)+
                    }
                }
                $(rows.$field_b.sort_by_cached_key(|row| key(*row));)+
                rows.listings.sort();
                $(rows.$field_a.sort_by_cached_key(|row| key(*row));)+
                rows
            }

            async fn save(&self, db: &DatabaseTransaction) -> Result<(), Error> {
                $(upsert(db, &self.$field_b, $version_b).await?;)+
                self.listings.save(db).await?;
                $(upsert(db, &self.$field_a, $version_a).await?;)+
                Ok(())
            }
        }
    };
}

tables! {
    before {
        /// A category.
        Category(category::Model, categories, None);
        /// An agency.
        Agency(agency::Model, agencies, None);
        /// What an agency lets those do whom it trusts.
        Trust(agency::trust::Model, trusts, Some(agency::trust::Column::Version));
        /// An area.
        Area(area::Model, areas, None);
        /// A holiday.
        Holiday(holiday::Model, holidays, None);
        /// An account.
        Account(account::Model, accounts, Some(account::entity::Column::Version));
        /// The name that a partner's records are found below, and whose it is.
        ExternalSystem(external::system::Model, systems, Some(external::system::Column::Version));
        /// A session.
        Session(session::Model, sessions, Some(session::entity::Column::Version));
        /// A code that was sent, and what became of it.
        SignIn(sign_in::Model, sign_ins, Some(sign_in::entity::Column::Version));
        /// A sign-in that was begun at an identity provider.
        Handshake(handshake::Model, handshakes, Some(handshake::entity::Column::Version));
        /// Whom an identity provider knows an account as.
        Identity(identity::Model, identities, Some(identity::entity::Column::Version));
        /// A picture.
        Media(media::Model, media, Some(media::entity::Column::Version));
        /// A picture on its way.
        Upload(upload::Model, uploads, Some(upload::entity::Column::Version));
        /// A running program.
        Node(node::Model, nodes, None);
    }
    after {
        /// A product.
        Product(product::Model, products, Some(product::entity::Column::Version));
        /// The id that a partner has for a listing.
        External(external::Model, externals, Some(external::entity::Column::Version));
        /// Who keeps a listing.
        Maintainer(maintainer::Model, maintainers, Some(maintainer::entity::Column::Version));
        /// A claim.
        Claim(claim::Model, claims, Some(claim::entity::Column::Version));
        /// A revision.
        Revision(revision::Model, revisions, Some(revision::entity::Column::Version));
        /// What waits for an officer.
        Review(review::Model, reviews, Some(review::entity::Column::Version));
        /// What an officer says of it.
        Comment(comment::Model, comments, None);
        /// A message to be sent.
        Message(message::Model, messages, Some(message::entity::Column::Version));
        /// A key of a partner.
        ApiKey(api_key::Model, api_keys, Some(api_key::entity::Column::Version));
        /// A webhook.
        Webhook(webhook::Model, webhooks, Some(webhook::entity::Column::Version));
        /// How far a webhook was told.
        WebhookPlace(webhook::place::Model, webhook_places, Some(webhook::place::Column::Version));
        /// What a webhook is told.
        Delivery(delivery::Model, deliveries, Some(delivery::entity::Column::Version));
        /// The answer to a write that may be asked for again.
        KeptAnswer(kept_answer::Model, kept_answers, Some(kept_answer::entity::Column::Version));
    }
}

/// The table and primary key of a row.
fn key<M: ModelTrait>(row: &M) -> String {
    let table = M::Entity::default();
    format!("{} {:?}", table.as_str(), row.get_primary_key_value())
}

impl Write {
    /// What the log says of it: kind, subject, version; nothing of what no reader of the index
    /// knows. A product is its producer's change.
    fn subject(&self) -> Option<(change::Kind, String, i64)> {
        Some(match self {
            Self::Listing { record, .. } => {
                let listing = &record.listing;
                (listing.kind.into(), listing.id.to_string(), listing.version)
            }
            Self::Product(product) => (change::Kind::Producer, product.producer.to_string(), 0),
            Self::Area(area) => (change::Kind::Area, area.code.to_string(), 0),
            Self::Category(category) => (change::Kind::Category, category.code.to_string(), 0),
            Self::Agency(agency) => (change::Kind::Agency, agency.id.to_string(), 0),
            Self::Holiday(day) => (change::Kind::Holiday, day.date.to_string(), 0),
            _ => return None,
        })
    }
}

/// The log position of a commit.
pub type Seq = i64;

type Job = (Unit, oneshot::Sender<Result<Seq, Error>>);

/// A handle to the writer task. Cheap to clone; the task ends when the last one is gone.
#[derive(Debug, Clone)]
pub struct Writer(mpsc::Sender<Job>);

/// Units that may wait: enough to batch, little enough that a caller feels a slow disk.
const QUEUE: usize = 1024;
/// Units of one transaction.
const BATCH: usize = 256;
/// Rows of one statement: a listing has 39 columns, SQLite binds 32,766 values.
const ROWS: usize = 200;
/// The advisory lock around the log on PostgreSQL: "griya" in ASCII.
const LOG_LOCK: i64 = 0x67_7269_7961;

impl Writer {
    /// Starts the task over `store`.
    pub fn start(store: &Store) -> Self {
        let (send, receive) = mpsc::channel(QUEUE);
        tokio::spawn(run(store.clone(), receive));
        Self(send)
    }

    /// How many units wait, and how many may.
    pub fn queue(&self) -> (usize, usize) {
        let most = self.0.max_capacity();
        (most - self.0.capacity(), most)
    }

    /// Hands over `unit` and waits until it is on disk. Dropping the future does not undo it.
    ///
    /// # Errors
    /// [`Error::Stale`] when a row is not at the version written from; [`Error::Db`] when the
    /// database refuses; [`Error::Closing`] when the task is gone. Nothing of it was written then.
    /// [`Error::Unanswered`] when the database did not answer, or the task failed on the way: read
    /// before trying again.
    pub async fn write(&self, unit: Unit) -> Result<Seq, Error> {
        let (tell, told) = oneshot::channel();
        self.0.send((unit, tell)).await.map_err(|_| Error::Closing)?;
        told.await.map_err(|_| Error::Unanswered)?
    }

    /// Whether the task is gone: nothing is written any more.
    pub fn is_gone(&self) -> bool {
        self.0.is_closed()
    }
}

async fn run(store: Store, mut jobs: mpsc::Receiver<Job>) {
    let mut held = None;
    loop {
        let first = match held.take() {
            Some(job) => job,
            None => match jobs.recv().await {
                Some(job) => job,
                None => return,
            },
        };
        let batch;
        (batch, held) = gather(first, &mut jobs);
        // Whoever waits for a batch that panicked is told that nobody knows; the next one is written.
        if let Err(cause) = AssertUnwindSafe(commit_all(&store, batch)).catch_unwind().await {
            tracing::error!(panic = said(&*cause), "a batch panicked");
            store.renew_writer().await;
        }
    }
}

/// What a panic said.
fn said(cause: &dyn Any) -> &str {
    let text = cause.downcast_ref::<&str>().copied();
    text.or_else(|| cause.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// What waits, up to a batch, as long as no row comes twice: one statement may touch a row once.
fn gather(first: Job, jobs: &mut mpsc::Receiver<Job>) -> (Vec<Job>, Option<Job>) {
    let keys = |job: &Job| job.0.writes.iter().map(Write::key).collect::<Vec<_>>();
    let mut seen: HashSet<String> = keys(&first).into_iter().collect();
    let mut batch = vec![first];
    while batch.len() < BATCH {
        let Ok(job) = jobs.try_recv() else { break };
        let mine = keys(&job);
        if mine.iter().any(|key| seen.contains(key)) {
            return (batch, Some(job));
        }
        seen.extend(mine);
        batch.push(job);
    }
    (batch, None)
}

async fn commit_all(store: &Store, batch: Vec<Job>) {
    let units: Vec<&Unit> = batch.iter().map(|(unit, _)| unit).collect();
    match commit_patiently(store, &units).await {
        Ok(seq) => {
            for (_, tell) in batch {
                // A caller who hung up does not hear; what it asked for has happened all the same.
                let _ = tell.send(Ok(seq));
            }
        }
        // Nobody answers: to ask for each unit would keep the others waiting, and tell nothing. A
        // server that goes down may say so in answer to a commit that it has made.
        Err(error) if is_unanswered(&error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a batch was not written");
            for (_, tell) in batch {
                let _ = tell.send(Err(Error::Unanswered));
            }
        }
        Err(_) if batch.len() > 1 => {
            for (unit, tell) in batch {
                let done = commit_patiently(store, &[&unit]).await;
                let _ = tell.send(done.map_err(of_the_input));
            }
        }
        Err(error) => {
            if let Some((_, tell)) = batch.into_iter().next() {
                let _ = tell.send(Err(of_the_input(error)));
            }
        }
    }
}

/// How often a batch that met another node's is tried again.
const TRIES: u32 = 6;

/// [`commit`], again after a pause when two nodes stood in each other's way: a deadlock or a lock
/// time-out on PostgreSQL, a busy file on SQLite. Nothing of such a try has happened.
async fn commit_patiently(store: &Store, units: &[&Unit]) -> Result<Seq, Error> {
    for tried in 0..TRIES {
        match commit_soundly(store, units).await {
            Err(error) if is_passing(&error) => {
                tokio::time::sleep(Duration::from_millis(20 << tried)).await;
            }
            done => return done,
        }
    }
    commit_soundly(store, units).await
}

/// [`commit`], after which the connection is in no transaction, whatever went wrong.
async fn commit_soundly(store: &Store, units: &[&Unit]) -> Result<Seq, Error> {
    let done = commit(store, units).await;
    if let Err(error @ Error::Db(_)) = &done
        && !is_refusal(error)
    {
        store.renew_writer().await;
    }
    done
}

/// Whether SQLite refused a statement and left the transaction to us: a constraint, or busy.
fn is_refusal(error: &Error) -> bool {
    let code = refused_with(error).and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| [5, 19].contains(&(code & 0xff)))
}

/// Whether the database said nothing of the units themselves.
fn is_unanswered(error: &Error) -> bool {
    match error {
        Error::Db(cause) => is_away(cause) || refused_with(error).is_none(),
        _ => false,
    }
}

/// The code that the database refused with, if it answered at all.
fn refused_with(error: &Error) -> Option<String> {
    use sea_orm::{DbErr, RuntimeErr, sqlx};
    let Error::Db(
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)),
    ) = error
    else {
        return None;
    };
    match cause.as_ref() {
        sqlx::Error::Database(refusal) => refusal.code().map(|code| code.into_owned()),
        _ => None,
    }
}

/// PostgreSQL: serialization failure, deadlock, lock time-out, a transaction that was ended because
/// this program stood still in it; SQLite: busy, busy snapshot.
fn is_passing(error: &Error) -> bool {
    let code = refused_with(error);
    let passing = ["40001", "40P01", "55P03", "25P03", "5", "517"];
    code.is_some_and(|code| passing.contains(&code.as_str()))
}

/// A rule of the schema that the checks in front let through: PostgreSQL's CHECK, length and
/// number range; SQLite's CHECK.
fn is_a_rule(error: &Error) -> bool {
    let code = refused_with(error);
    code.is_some_and(|code| ["23514", "22001", "22003", "275"].contains(&code.as_str()))
}

/// A broken unique or foreign key is a fault of the input, not of the database.
fn of_the_input(error: Error) -> Error {
    let Error::Db(cause) = &error else { return error };
    match cause.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => Error::Invalid(vec![Fault::new(
            "taken",
            "slug atau kunci sudah dipakai",
            "a slug or key is taken by another row",
        )]),
        Some(SqlErr::ForeignKeyConstraintViolation(_)) => {
            Error::Invalid(vec![crate::listing::names_nothing()])
        }
        _ if is_a_rule(&error) => Error::Invalid(vec![Fault::new(
            "not_allowed",
            "melanggar aturan basis data",
            "breaks a rule of the database",
        )]),
        // Others were in the way all the time; they will not be for ever.
        _ if is_passing(&error) => Error::Unanswered,
        _ => error,
    }
}

/// Rows and log in one transaction; rows first, in id order, the log last and under its lock.
async fn commit(store: &Store, units: &[&Unit]) -> Result<Seq, Error> {
    let transaction = store
        .writer
        .begin_with_options(TransactionOptions {
            isolation_level: (store.backend() == DbBackend::Postgres)
                .then_some(IsolationLevel::ReadCommitted),
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        })
        .await?;
    // Dropped on an error, the transaction rolls back.
    let rows = Rows::of(units);
    rows.save(&transaction).await?;
    let log = log_of(units);
    let recorded = units.iter().any(|unit| !unit.entries.is_empty());
    if store.backend() == DbBackend::Postgres && (recorded || !log.is_empty()) {
        let mut lock = format!("SELECT pg_advisory_xact_lock({LOG_LOCK})");
        if !log.is_empty() {
            // Told with the commit, or not at all.
            lock = format!("{lock}, pg_notify('{}', '')", change::news::CHANNEL);
        }
        transaction.execute_unprepared(&lock).await?;
    }
    for unit in units {
        erase(&transaction, unit).await?;
    }
    if recorded {
        record(&transaction, units).await?;
    }
    let seq = append(&transaction, log).await?;
    transaction.commit().await?;
    Ok(seq)
}

async fn erase(db: &DatabaseTransaction, unit: &Unit) -> Result<(), Error> {
    let Some(erasure) = &unit.erase else { return Ok(()) };
    let done = erasure.carry_out(db, unit.at).await?;
    if done { Ok(()) } else { Err(Error::Stale("account".to_owned())) }
}

/// Adds what `units` have to say to the record; only under the lock, for each entry follows one.
async fn record(db: &DatabaseTransaction, units: &[&Unit]) -> Result<(), Error> {
    let (mut seq, mut hash) = audit::head(db).await?;
    let (mut entries, mut values) = (Vec::new(), Vec::new());
    for unit in units {
        for entry in &unit.entries {
            let (row, mine) = entry.after((seq, &hash), unit.at);
            (seq, hash) = (row.seq, row.hash.clone());
            entries.push(row.into_active_model());
            values.extend(mine.into_iter().map(IntoActiveModel::into_active_model));
        }
    }
    for chunk in entries.chunks(ROWS) {
        audit::entity::Entity::insert_many(chunk.iter().cloned())
            .exec_without_returning(db)
            .await?;
    }
    for chunk in values.chunks(ROWS) {
        audit::value::Entity::insert_many(chunk.iter().cloned()).exec_without_returning(db).await?;
    }
    Ok(())
}

/// Adds `log` to the change log; the number of its last row.
async fn append(
    db: &DatabaseTransaction,
    log: Vec<change::entity::ActiveModel>,
) -> Result<Seq, Error> {
    let mut last = None;
    for chunk in log.chunks(ROWS) {
        let numbers = change::entity::Entity::insert_many(chunk.iter().cloned())
            .exec_with_returning_keys(db)
            .await?;
        last = numbers.into_iter().max().or(last);
    }
    match last {
        Some(seq) => Ok(seq),
        // A unit that asks for nothing is done as soon as all before it is.
        None => Ok(change::head(db).await?),
    }
}

/// Listings with the rows of their kinds.
#[derive(Default)]
struct Listings<'a> {
    rows: Vec<&'a listing::Model>,
    former: Vec<listing::former::Model>,
    places: Vec<&'a place::Model>,
    producers: Vec<&'a producer::Model>,
    events: Vec<&'a event::Model>,
}

impl<'a> Listings<'a> {
    fn add(&mut self, record: &'a Record, former_slug: Option<&Slug>) {
        let listing = record.listing.id;
        self.rows.push(&record.listing);
        self.former
            .extend(former_slug.map(|slug| listing::former::Model { slug: slug.clone(), listing }));
        match &record.detail {
            Detail::Place(row) => self.places.push(row),
            Detail::Producer(row) => self.producers.push(row),
            Detail::Event(row) => self.events.push(row),
        }
    }

    fn sort(&mut self) {
        self.rows.sort_by_key(|row| row.id);
        self.former.sort_by(|a, b| a.slug.cmp(&b.slug));
        self.places.sort_by_key(|row| row.id);
        // A centre before those that belong to it, whatever its id.
        self.producers.sort_by_key(|row| (row.centre.is_some(), row.id));
        self.events.sort_by_key(|row| row.id);
    }

    async fn save(&self, db: &DatabaseTransaction) -> Result<(), Error> {
        upsert(db, &self.rows, Some(listing::entity::Column::Version)).await?;
        upsert(db, &self.former.iter().collect::<Vec<_>>(), None).await?;
        upsert(db, &self.places, None).await?;
        upsert(db, &self.producers, None).await?;
        upsert(db, &self.events, None).await
    }
}

/// Inserts `rows`, or replaces those that are there; with a `version` column only where the stored
/// version is one less than the new one.
async fn upsert<M>(
    db: &DatabaseTransaction,
    rows: &[&M],
    version: Option<<M::Entity as EntityTrait>::Column>,
) -> Result<(), Error>
where
    M: ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel> + Clone,
    <M::Entity as EntityTrait>::ActiveModel: ActiveModelTrait<Entity = M::Entity> + Send,
{
    let key: Vec<_> = <M::Entity as EntityTrait>::PrimaryKey::iter()
        .map(PrimaryKeyToColumn::into_column)
        .collect();
    let others = <M::Entity as EntityTrait>::Column::iter()
        .filter(|column| !key.iter().any(|k| k.as_str() == column.as_str()));
    let mut conflict = OnConflict::columns(key.iter().copied());
    conflict.update_columns(others);
    if let Some(version) = version {
        let excluded = Expr::cust(format!("excluded.{}", version.as_str()));
        conflict.action_and_where(Expr::col((M::Entity::default(), version)).add(1).eq(excluded));
    }
    for chunk in rows.chunks(ROWS) {
        let active = chunk.iter().map(|&row| row.clone().into_active_model().reset_all());
        let written = <M::Entity as EntityTrait>::insert_many(active)
            .on_conflict(conflict.clone())
            .exec_without_returning(db)
            .await?;
        if written < chunk.len() as u64 {
            return Err(Error::Stale(M::Entity::default().as_str().to_owned()));
        }
    }
    Ok(())
}

/// The log rows of a batch, in the order the writes were handed over.
fn log_of(units: &[&Unit]) -> Vec<change::entity::ActiveModel> {
    let rows = units.iter().flat_map(|unit| unit.writes.iter().map(move |write| (unit, write)));
    rows.filter_map(|(unit, write)| {
        let (kind, subject, version) = write.subject()?;
        let what = if version == 1 { change::What::Created } else { change::What::Updated };
        Some(change::entity::ActiveModel {
            seq: NotSet,
            kind: Set(kind),
            subject: Set(subject),
            what: Set(what),
            version: Set(version),
            actor: Set(unit.actor.clone()),
            at: Set(unit.at),
        })
    })
    .collect()
}
