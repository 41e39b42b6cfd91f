//! Quick: reads a whole SQLite file at the start of a node, past the pool and its async machinery.
//!
//! Every table is read in the order of listings, and what belongs together is met together. It says
//! the same as [`super::load`], several times as fast; what it cannot read it leaves to
//! [`super::Walk`].

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::{
    Connection, OpenFlags, Result, Statement,
    types::{FromSql, FromSqlError, FromSqlResult, ValueRef},
};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use serde::de::{DeserializeOwned, IntoDeserializer as _, value};
use tokio::{sync::mpsc::Sender, task};
use uuid::Uuid;

use super::{Detail, Ids, Record};
use crate::{
    event,
    listing::{self, Kind, Status},
    place, producer, product,
};

/// Records handed on at once: enough that the hand-over does not count.
const HANDFUL: usize = 1000;

/// The file of `db`; `None` where it has none of its own that another connection could open.
pub(super) async fn file(db: &impl ConnectionTrait) -> Result<Option<PathBuf>, DbErr> {
    if db.get_database_backend() != DbBackend::Sqlite {
        return Ok(None);
    }
    let sql = "SELECT file FROM pragma_database_list WHERE name = 'main'";
    let row = db.query_one_raw(sea_orm::Statement::from_string(DbBackend::Sqlite, sql)).await?;
    let file = row.map(|row| row.try_get::<Option<String>>("", "file")).transpose()?.flatten();
    Ok(file.filter(|file| !file.is_empty()).map(PathBuf::from))
}

/// Hands all that is public to `to`, half of it by each of two threads; says which ids are left.
pub(super) async fn pour(file: PathBuf, to: &Sender<Vec<Record>>) -> Vec<Ids> {
    let (path, all) = (file.clone(), Ids::default());
    let halves = task::spawn_blocking(move || open(&path).and_then(|db| halves(&db)));
    let halves = match halves.await {
        Ok(Ok(halves)) => halves,
        other => {
            tracing::warn!(?other, "the file is read the slow way");
            return vec![all];
        }
    };
    let tasks = halves.map(|ids| {
        let (file, to) = (file.clone(), to.clone());
        task::spawn_blocking(move || pour_some(&file, ids, &to))
    });
    let mut left = Vec::new();
    for task in tasks {
        left.extend(task.await.expect("it does not panic"));
    }
    left
}

/// Hands the listings of `ids` to `to`; says which of them are left if something is in the way.
fn pour_some(file: &Path, ids: Ids, to: &Sender<Vec<Record>>) -> Option<Ids> {
    let mut left = ids;
    let hand_on = |records, last| {
        left.after = Some(last);
        // When nobody takes them any more, nothing is left to do.
        to.blocking_send(records).is_ok()
    };
    let done = open(file).and_then(|db| read(&db, ids, hand_on));
    let error = done.err()?;
    tracing::warn!(error = &error as &dyn std::error::Error, "the rest is read the slow way");
    Some(left)
}

fn open(file: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(file, flags)
}

/// All ids in two parts of about as many listings.
fn halves(db: &Connection) -> Result<[Ids; 2]> {
    let middle = "SELECT max(id) FROM (SELECT id FROM listing ORDER BY id LIMIT \
                  (SELECT count(*) / 2 FROM listing))";
    let middle = db.query_row(middle, [], |row| Cells { row, at: 0 }.next(id_or_null))?;
    let all = Ids::default();
    let middle = middle.unwrap_or(all.until);
    Ok([Ids { until: middle, ..all }, Ids { after: Some(middle), ..all }])
}

/// Gives the public listings of `ids` in order, some thousands at a time, each time with the last
/// id read; ends early when `f` says so.
fn read(db: &Connection, ids: Ids, mut f: impl FnMut(Vec<Record>, Uuid) -> bool) -> Result<()> {
    let mut listings = select::<listing::Model>(db)?;
    let mut places = select::<place::Model>(db)?;
    let mut producers = select::<producer::Model>(db)?;
    let mut events = select::<event::Model>(db)?;
    let mut products = select::<product::Model>(db)?;
    let mut former = select::<listing::former::Model>(db)?;
    let mut tables = Tables {
        places: Sorted::new(&mut places, ids)?,
        producers: Sorted::new(&mut producers, ids)?,
        events: Sorted::new(&mut events, ids)?,
        products: Sorted::new(&mut products, ids)?,
        former: Sorted::new(&mut former, ids)?,
    };
    let mut listings = Sorted::<listing::Model>::new(&mut listings, ids)?;
    let mut records = Vec::with_capacity(HANDFUL);
    let mut last = None;
    while let Some(listing) = listings.next()? {
        last = Some(listing.id);
        if matches!(listing.status, Status::Published | Status::Archived) {
            records.extend(tables.complete(listing)?);
        }
        if records.len() == records.capacity() {
            let full = std::mem::replace(&mut records, Vec::with_capacity(HANDFUL));
            if last.is_some_and(|last| !f(full, last)) {
                return Ok(());
            }
        }
    }
    let _ = last.is_some_and(|last| f(records, last));
    Ok(())
}

/// What the listings of a walk have besides their own rows.
struct Tables<'s> {
    places: Sorted<'s, place::Model>,
    producers: Sorted<'s, producer::Model>,
    events: Sorted<'s, event::Model>,
    products: Sorted<'s, product::Model>,
    former: Sorted<'s, listing::former::Model>,
}

impl Tables<'_> {
    fn complete(&mut self, listing: listing::Model) -> Result<Option<Record>> {
        let id = listing.id;
        let detail = match listing.kind {
            Kind::Place => self.places.of(id)?.map(Detail::Place),
            Kind::Producer => self.producers.of(id)?.map(Detail::Producer),
            Kind::Event => self.events.of(id)?.map(Detail::Event),
        };
        let Some(detail) = detail else {
            tracing::error!(%id, "a listing has no row of its kind; it is left out");
            return Ok(None);
        };
        let mut products = Vec::new();
        while let Some(product) = self.products.of(id)? {
            products.push(product);
        }
        let mut former_slugs = Vec::new();
        while let Some(former) = self.former.of(id)? {
            former_slugs.push(former.slug);
        }
        Ok(Some(Record { listing, detail, products, former_slugs }))
    }
}

/// The rows of a table in the order of the listings they belong to.
struct Sorted<'s, R> {
    rows: rusqlite::Rows<'s>,
    ahead: Option<R>,
}

impl<'s, R: Row> Sorted<'s, R> {
    fn new(statement: &'s mut Statement<'_>, ids: Ids) -> Result<Self> {
        // No bytes come before those of any id.
        let after = ids.after.as_ref().map_or(&[][..], |id| id.as_bytes());
        Ok(Self { rows: statement.query((after, ids.until.as_bytes()))?, ahead: None })
    }

    fn next(&mut self) -> Result<Option<R>> {
        self.rows.next()?.map(|row| R::read(&mut Cells { row, at: 0 })).transpose()
    }

    /// The next row of `listing`, if it has one more; listings come in order.
    fn of(&mut self, listing: Uuid) -> Result<Option<R>> {
        loop {
            if self.ahead.is_none() {
                self.ahead = self.next()?;
            }
            match self.ahead.take() {
                Some(row) if row.listing() < listing => {}
                Some(row) if row.listing() == listing => return Ok(Some(row)),
                ahead => {
                    self.ahead = ahead;
                    return Ok(None);
                }
            }
        }
    }
}

fn select<R: Row>(db: &Connection) -> Result<Statement<'_>> {
    let (columns, table, order) = (R::COLUMNS.join(", "), R::TABLE, R::ORDER);
    let (key, _) = order.split_once(',').unwrap_or((order, ""));
    let range = format!("{key} > ?1 AND {key} <= ?2");
    db.prepare(&format!("SELECT {columns} FROM {table} WHERE {range} ORDER BY {order}"))
}

/// A row that belongs to a listing.
trait Row: Sized {
    const TABLE: &'static str;
    const COLUMNS: &'static [&'static str];
    /// First the column of the listing, then what orders its rows.
    const ORDER: &'static str;

    fn listing(&self) -> Uuid;

    /// The row whose cells are [`Self::COLUMNS`].
    fn read(cells: &mut Cells<'_>) -> Result<Self>;
}

/// Says of each column how its cell is read. A member without a line does not compile.
macro_rules! rows {
    ($($row:ty, $table:literal by $key:ident $(then $order:literal)? {
        $($column:ident: $how:ident),+ $(,)?
    })+) => {$(
        impl Row for $row {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($column)),+];
            const ORDER: &'static str = concat!(stringify!($key) $(, ", ", $order)?);

            fn listing(&self) -> Uuid {
                self.$key
            }

            fn read(cells: &mut Cells<'_>) -> Result<Self> {
                Ok(Self { $($column: cells.next($how)?),+ })
            }
        }
    )+};
}

rows! {
    listing::Model, "listing" by id {
        id: id, slug: word, kind: word, status: word, name: json, summary: json_or_null,
        description: json_or_null, latitude: plain, longitude: plain, accuracy_m: plain,
        geometry: json_or_null, area: word_or_null, area_inferred: plain, address: json_or_null,
        category: word, categories: json, tags: json, accessibility: json, facilities: json,
        payments: json, languages_spoken: json, contacts: json, media: json, hours: plain,
        zone: plain, notices: json, sample: plain, sample_fields: json, source: json,
        licence: plain, external_ids: json, verified_at: time_or_null,
        responsible_agency: word_or_null, see_also: json, merged_into: id_or_null, version: plain,
        created_at: time, updated_at: time, published_at: time_or_null,
    }
    listing::former::Model, "former_slug" by listing then "rowid" {
        slug: word, listing: id,
    }
    place::Model, "place" by id {
        id: id, admission: json_or_null, awards: json, duration_min: plain,
        best_time: json_or_null, legal_basis: json_or_null, managed_by: plain,
        is_tourism_village: plain, heritage_register: plain,
    }
    producer::Model, "producer" by id {
        id: id, form: word, craft: word, materials: json, techniques: json, certificates: json,
        founded: plain, workers: plain, centre: id_or_null, visit: word, workshops: json,
        made_to_order: plain, lead_time_days: plain, export_ready: plain,
    }
    event::Model, "event" by id {
        id: id, schedule: json, event_status: word, status_reason: json_or_null,
        previous_start: time_or_null, venue: id_or_null, organiser: json_or_null,
        admission: json_or_null, registration: json_or_null, capacity: plain, series: plain,
    }
    product::Model, "product" by producer then "id" {
        id: id, producer: id, slug: word, status: word, name: json, summary: json_or_null,
        price: json_or_null, price_to: json_or_null, materials: json, techniques: json,
        dimensions: plain, media: json, order_links: json, sample: plain, version: plain,
        created_at: time, updated_at: time,
    }
}

/// The cells of a row, from left to right.
struct Cells<'r> {
    row: &'r rusqlite::Row<'r>,
    at: usize,
}

impl Cells<'_> {
    fn next<T>(&mut self, how: fn(ValueRef<'_>) -> FromSqlResult<T>) -> Result<T> {
        let (at, cell) = (self.at, self.row.get_ref(self.at)?);
        self.at += 1;
        how(cell).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(at, cell.data_type(), Box::new(error))
        })
    }
}

fn plain<T: FromSql>(cell: ValueRef<'_>) -> FromSqlResult<T> {
    T::column_result(cell)
}

fn or_null<T>(
    cell: ValueRef<'_>,
    how: fn(ValueRef<'_>) -> FromSqlResult<T>,
) -> FromSqlResult<Option<T>> {
    if cell == ValueRef::Null { Ok(None) } else { how(cell).map(Some) }
}

fn id(cell: ValueRef<'_>) -> FromSqlResult<Uuid> {
    Uuid::from_slice(cell.as_bytes()?).map_err(FromSqlError::other)
}

fn id_or_null(cell: ValueRef<'_>) -> FromSqlResult<Option<Uuid>> {
    or_null(cell, id)
}

/// An enum or a checked key.
fn word<T: DeserializeOwned>(cell: ValueRef<'_>) -> FromSqlResult<T> {
    let word: value::StrDeserializer<'_, value::Error> = cell.as_str()?.into_deserializer();
    T::deserialize(word).map_err(FromSqlError::other)
}

fn word_or_null<T: DeserializeOwned>(cell: ValueRef<'_>) -> FromSqlResult<Option<T>> {
    or_null(cell, word)
}

fn json<T: DeserializeOwned>(cell: ValueRef<'_>) -> FromSqlResult<T> {
    serde_json::from_slice(cell.as_bytes()?).map_err(FromSqlError::other)
}

fn json_or_null<T: DeserializeOwned>(cell: ValueRef<'_>) -> FromSqlResult<Option<T>> {
    or_null(cell, json)
}

fn time(cell: ValueRef<'_>) -> FromSqlResult<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(cell.as_str()?).map_err(FromSqlError::other)?;
    Ok(time.to_utc())
}

fn time_or_null(cell: ValueRef<'_>) -> FromSqlResult<Option<DateTime<Utc>>> {
    or_null(cell, time)
}
