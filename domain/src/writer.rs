//! Writer: the one task of a node that changes the database.
//!
//! A write is data: a [`Unit`] of rows handed over a bounded channel. The task takes what waits,
//! writes it as multi-row statements in one transaction together with the log, commits, and tells
//! each caller the number its change got. A caller who hangs up changes nothing: the unit is the
//! task's. When a batch fails, nothing of it happened; its units are then tried one by one, so
//! that only the one at fault is refused.

use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, IdenStatic as _,
    IntoActiveModel, IsolationLevel, Iterable, ModelTrait, PrimaryKeyToColumn, SqlErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
    sea_query::{Expr, ExprTrait as _, OnConflict},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    agency, area, category, change,
    error::{Error, Fault},
    event, holiday,
    key::Slug,
    listing, place, producer, product,
    record::{Detail, Record},
    store::Store,
};

/// What happens together or not at all.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The new states.
    pub writes: Vec<Write>,
    /// Who does it, for the log.
    pub actor: String,
    /// When, for the log.
    pub at: DateTime<Utc>,
}

/// One new state of one thing.
///
/// A listing or product carries the version it will be: it is written only if it is new, or stored
/// with exactly one less.
#[derive(Debug, Clone)]
pub enum Write {
    /// A listing with its kind's row. Products are writes of their own.
    Listing {
        /// The new state; `products` and `former_slugs` are not looked at.
        record: Box<Record>,
        /// The slug it gives up.
        former_slug: Option<Slug>,
    },
    /// A product.
    Product(Box<product::Model>),
    /// An area.
    Area(Box<area::Model>),
    /// A category.
    Category(Box<category::Model>),
    /// An agency.
    Agency(Box<agency::Model>),
    /// A holiday.
    Holiday(Box<holiday::Model>),
}

impl Write {
    /// What the log says of it: kind, subject, version. A product is its producer's change.
    fn subject(&self) -> (change::Kind, String, i64) {
        match self {
            Self::Listing { record, .. } => {
                let listing = &record.listing;
                (listing.kind.into(), listing.id.to_string(), listing.version)
            }
            Self::Product(product) => (change::Kind::Producer, product.producer.to_string(), 0),
            Self::Area(area) => (change::Kind::Area, area.code.to_string(), 0),
            Self::Category(category) => (change::Kind::Category, category.code.to_string(), 0),
            Self::Agency(agency) => (change::Kind::Agency, agency.id.to_string(), 0),
            Self::Holiday(day) => (change::Kind::Holiday, day.date.to_string(), 0),
        }
    }

    /// What makes two writes concern the same row.
    fn key(&self) -> String {
        match self {
            Self::Listing { record, .. } => record.listing.id.to_string(),
            Self::Product(product) => product.id.to_string(),
            Self::Area(area) => format!("area {}", area.code),
            Self::Category(category) => format!("category {}", category.code),
            Self::Agency(agency) => format!("agency {}", agency.id),
            Self::Holiday(day) => format!("holiday {} {:?}", day.date, day.kind),
        }
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

    /// Hands over `unit` and waits until it is on disk. Dropping the future does not undo it.
    ///
    /// # Errors
    /// [`Error::Stale`] when a row is not at the version written from; [`Error::Db`] when the
    /// database refuses; [`Error::Closing`] when the task is gone. Nothing of it was written then.
    /// [`Error::Unanswered`] when the database did not answer: read before trying again.
    pub async fn write(&self, unit: Unit) -> Result<Seq, Error> {
        let (tell, told) = oneshot::channel();
        self.0.send((unit, tell)).await.map_err(|_| Error::Closing)?;
        told.await.map_err(|_| Error::Closing)?
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
        commit_all(&store, batch).await;
    }
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
        // Nobody answers: to ask for each unit would keep the others waiting, and tell nothing.
        Err(error) if refused_with(&error).is_none() && !matches!(error, Error::Stale(_)) => {
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
        match commit(store, units).await {
            Err(error) if is_passing(&error) => {
                tokio::time::sleep(Duration::from_millis(20 << tried)).await;
            }
            done => return done,
        }
    }
    commit(store, units).await
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

/// PostgreSQL: serialization failure, deadlock, lock time-out; SQLite: busy, busy snapshot.
fn is_passing(error: &Error) -> bool {
    let code = refused_with(error);
    code.is_some_and(|code| ["40001", "40P01", "55P03", "5", "517"].contains(&code.as_str()))
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
    if store.backend() == DbBackend::Postgres {
        let lock = format!("SELECT pg_advisory_xact_lock({LOG_LOCK})");
        transaction.execute_unprepared(&lock).await?;
    }
    let seq = append(&transaction, log_of(units)).await?;
    transaction.commit().await?;
    Ok(seq)
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

/// The rows of a batch by table, each table in the order of its key: two nodes that write the same
/// rows take their locks in the same order.
#[derive(Default)]
struct Rows<'a> {
    agencies: Vec<&'a agency::Model>,
    categories: Vec<&'a category::Model>,
    areas: Vec<&'a area::Model>,
    holidays: Vec<&'a holiday::Model>,
    listings: Vec<&'a listing::Model>,
    former: Vec<listing::former::Model>,
    places: Vec<&'a place::Model>,
    producers: Vec<&'a producer::Model>,
    products: Vec<&'a product::Model>,
    events: Vec<&'a event::Model>,
}

impl<'a> Rows<'a> {
    fn of(units: &[&'a Unit]) -> Self {
        let mut rows = Self::default();
        for write in units.iter().flat_map(|unit| &unit.writes) {
            rows.add(write);
        }
        rows.categories.sort_by(|a, b| a.code.cmp(&b.code));
        rows.areas.sort_by(|a, b| a.code.cmp(&b.code));
        rows.agencies.sort_by(|a, b| a.id.cmp(&b.id));
        rows.holidays.sort_by_key(|row| (row.date, row.kind as u8));
        rows.former.sort_by(|a, b| a.slug.cmp(&b.slug));
        rows.listings.sort_by_key(|row| row.id);
        rows.places.sort_by_key(|row| row.id);
        // A centre before those that belong to it, whatever its id.
        rows.producers.sort_by_key(|row| (row.centre.is_some(), row.id));
        rows.products.sort_by_key(|row| row.id);
        rows.events.sort_by_key(|row| row.id);
        rows
    }

    fn add(&mut self, write: &'a Write) {
        match write {
            Write::Listing { record, former_slug } => {
                self.listings.push(&record.listing);
                self.former.extend(
                    former_slug
                        .clone()
                        .map(|slug| listing::former::Model { slug, listing: record.listing.id }),
                );
                match &record.detail {
                    Detail::Place(row) => self.places.push(row),
                    Detail::Producer(row) => self.producers.push(row),
                    Detail::Event(row) => self.events.push(row),
                }
            }
            Write::Product(row) => self.products.push(row),
            Write::Area(row) => self.areas.push(row),
            Write::Category(row) => self.categories.push(row),
            Write::Agency(row) => self.agencies.push(row),
            Write::Holiday(row) => self.holidays.push(row),
        }
    }

    async fn save(&self, db: &DatabaseTransaction) -> Result<(), Error> {
        let unversioned = None::<listing::entity::Column>;
        upsert(db, &self.categories, unversioned).await?;
        upsert(db, &self.agencies, unversioned).await?;
        upsert(db, &self.areas, unversioned).await?;
        upsert(db, &self.holidays, unversioned).await?;
        upsert(db, &self.listings, Some(listing::entity::Column::Version)).await?;
        upsert(db, &self.former.iter().collect::<Vec<_>>(), unversioned).await?;
        upsert(db, &self.places, unversioned).await?;
        upsert(db, &self.producers, unversioned).await?;
        upsert(db, &self.products, Some(product::entity::Column::Version)).await?;
        upsert(db, &self.events, unversioned).await
    }
}

/// Inserts `rows`, or replaces those that are there; with a `version` column only where the stored
/// version is one less than the new one.
async fn upsert<M, C>(
    db: &DatabaseTransaction,
    rows: &[&M],
    version: Option<C>,
) -> Result<(), Error>
where
    M: ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel> + Clone,
    C: ColumnTrait,
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
    rows.map(|(unit, write)| {
        let (kind, subject, version) = write.subject();
        let what = if version == 1 { change::What::Created } else { change::What::Updated };
        change::entity::ActiveModel {
            seq: NotSet,
            kind: Set(kind),
            subject: Set(subject),
            what: Set(what),
            version: Set(version),
            actor: Set(unit.actor.clone()),
            at: Set(unit.at),
        }
    })
    .collect()
}
