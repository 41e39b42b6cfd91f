//! Catalog: which tables and columns a database has, in words that mean the same for both kinds.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use serde::{Deserialize, Serialize};

use super::{Error, quoted};

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// First those of its key, in their order, then the others by name.
    pub columns: Vec<Column>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What is in it.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Whether it belongs to the primary key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub key: bool,
}

/// What is in a column, and how a row says it in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A UUID: a string of five groups.
    Uuid,
    /// Any text: a string.
    Text,
    /// JSON: itself, letter for letter.
    Json,
    /// A whole number of 64 bits.
    Integer,
    /// A number of 64 bits with a point.
    Real,
    /// `true` or `false`.
    Boolean,
    /// An instant to the microsecond: a string, RFC 3339, in UTC.
    Timestamp,
    /// A day: a string such as `2026-11-28`.
    Date,
    /// Bytes: a string, base64.
    Bytes,
}

impl Kind {
    /// What is in a column that the database calls `declared`.
    fn of(backend: DbBackend, declared: &str) -> Option<Self> {
        let (word, _) = declared.split_once('(').unwrap_or((declared, ""));
        Some(match (backend, word) {
            (DbBackend::Postgres, "uuid") | (_, "uuid_text") => Self::Uuid,
            (DbBackend::Postgres, "json") | (_, "json_text") => Self::Json,
            (DbBackend::Postgres, "timestamptz") | (_, "timestamp_with_timezone_text") => {
                Self::Timestamp
            }
            (DbBackend::Postgres, "date") | (_, "date_text") => Self::Date,
            (DbBackend::Postgres, "bool") | (_, "boolean") => Self::Boolean,
            (DbBackend::Postgres, "float4" | "float8") | (_, "float" | "double") => Self::Real,
            (DbBackend::Postgres, "int2" | "int4" | "int8")
            | (_, "tinyint" | "smallint" | "integer" | "bigint") => Self::Integer,
            (DbBackend::Postgres, "bpchar") | (_, "char" | "varchar" | "text") => Self::Text,
            (DbBackend::Postgres, "bytea") | (_, "blob" | "varbinary_blob") => Self::Bytes,
            _ => return None,
        })
    }
}

/// Where migrations are kept: they say what the tables are, and are none of them.
pub(super) const MIGRATIONS: &str = "seaql_migrations";
/// Which programs run on a database: nobody takes them along, and one that ran leaves it empty.
const NODES: &str = "node";

/// All tables, by name, but those of the migrations and of the nodes.
///
/// # Errors
/// When the database fails, a column is of a type that is not known, or a table has no key.
pub async fn tables(db: &impl ConnectionTrait) -> Result<Vec<Table>, Error> {
    let backend = db.get_database_backend();
    let sql = if backend == DbBackend::Postgres { POSTGRES } else { SQLITE };
    let mut tables: BTreeMap<String, Vec<(i64, Column)>> = BTreeMap::new();
    for row in db.query_all_raw(Statement::from_string(backend, sql)).await? {
        let [table, name, declared] = ["table", "column", "type"].map(|of| row.try_get("", of));
        let (table, name, declared): (String, String, String) = (table?, name?, declared?);
        let at: i64 = row.try_get("", "key")?;
        let kind = Kind::of(backend, &declared)
            .ok_or_else(|| Error::Type(table.clone(), name.clone(), declared))?;
        tables.entry(table).or_default().push((at, Column { name, kind, key: at > 0 }));
    }
    let is_content = |name: &str| ![MIGRATIONS, NODES].contains(&name);
    tables.into_iter().filter(|(name, _)| is_content(name)).map(of_columns).collect()
}

fn of_columns((name, mut columns): (String, Vec<(i64, Column)>)) -> Result<Table, Error> {
    columns.sort_by(|(at, a), (than, b)| (!a.key, at, &a.name).cmp(&(!b.key, than, &b.name)));
    if columns.first().is_none_or(|(_, first)| !first.key) {
        return Err(Error::NoKey(name));
    }
    Ok(Table { name, columns: columns.into_iter().map(|(_, column)| column).collect() })
}

/// The place of each column in the primary key, from 1; 0 where it is not in it.
const SQLITE: &str = r#"
    SELECT t.name AS "table", c.name AS "column", lower(c.type) AS "type", c.pk AS "key"
    FROM sqlite_master t, pragma_table_info(t.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'"#;

/// What belongs to an extension is not ours.
const POSTGRES: &str = r#"
    SELECT t.relname::text AS "table", c.attname::text AS "column", y.typname::text AS "type",
           coalesce(array_position(k.indkey::int2[], c.attnum) + 1, 0)::bigint AS "key"
    FROM pg_class t
    JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum > 0 AND NOT c.attisdropped
    JOIN pg_type y ON y.oid = c.atttypid
    LEFT JOIN pg_index k ON k.indrelid = t.oid AND k.indisprimary
    WHERE t.relkind IN ('r', 'p') AND t.relnamespace = current_schema()::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')"#;

/// A table that numbers its rows by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// The table.
    pub table: String,
    /// The column that gets the numbers.
    pub column: String,
    /// The last number that was given; 0 when none was.
    pub last: i64,
}

/// The tables that number their rows by themselves.
///
/// # Errors
/// When the database fails.
pub async fn numbered(db: &impl ConnectionTrait) -> Result<Vec<Numbered>, DbErr> {
    let backend = db.get_database_backend();
    if backend != DbBackend::Postgres {
        return numbered_in_sqlite(db).await;
    }
    let sql = "SELECT c.table_name::text AS \"table\", c.column_name::text AS \"column\", \
               pg_get_serial_sequence(quote_ident(c.table_name), c.column_name) AS sequence \
               FROM information_schema.columns c WHERE c.table_schema = current_schema() \
               AND pg_get_serial_sequence(quote_ident(c.table_name), c.column_name) IS NOT NULL \
               ORDER BY 1";
    let mut numbered = Vec::new();
    for row in db.query_all_raw(Statement::from_string(backend, sql)).await? {
        let sequence: String = row.try_get("", "sequence")?;
        let sql = format!("SELECT last_value - (NOT is_called)::int AS last FROM {sequence}");
        let last = db.query_one_raw(Statement::from_string(backend, sql)).await?;
        let last = last.map_or(Ok(0), |row| row.try_get("", "last"))?;
        let (table, column) = (row.try_get("", "table")?, row.try_get("", "column")?);
        numbered.push(Numbered { table, column, last });
    }
    Ok(numbered)
}

/// SQLite says only in the words that made a table whether a number is never given twice.
async fn numbered_in_sqlite(db: &impl ConnectionTrait) -> Result<Vec<Numbered>, DbErr> {
    let made = "SELECT t.name AS \"table\", c.name AS \"column\" \
                FROM sqlite_master t, pragma_table_info(t.name) c \
                WHERE t.type = 'table' AND upper(t.sql) LIKE '%AUTOINCREMENT%' AND c.pk = 1 \
                ORDER BY 1";
    let mut numbered = Vec::new();
    for row in db.query_all_raw(Statement::from_string(DbBackend::Sqlite, made)).await? {
        let (table, column): (String, _) = (row.try_get("", "table")?, row.try_get("", "column")?);
        let last = "SELECT seq AS last FROM sqlite_sequence WHERE name = $1";
        let last = Statement::from_sql_and_values(DbBackend::Sqlite, last, [table.clone().into()]);
        let last = db.query_one_raw(last).await?;
        let last = last.map_or(Ok(0), |row| row.try_get("", "last"))?;
        numbered.push(Numbered { table, column, last });
    }
    Ok(numbered)
}

/// Which table names which in SQLite: the naming one first.
///
/// # Errors
/// When the database fails.
pub async fn names(db: &impl ConnectionTrait) -> Result<Vec<(String, String)>, DbErr> {
    let sql = "SELECT t.name AS \"table\", k.\"table\" AS named \
               FROM sqlite_master t, pragma_foreign_key_list(t.name) k WHERE t.type = 'table'";
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?;
    rows.iter().map(|row| Ok((row.try_get("", "table")?, row.try_get("", "named")?))).collect()
}

/// How many rows `table` holds.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &impl ConnectionTrait, table: &str) -> Result<i64, DbErr> {
    let sql = format!("SELECT count(*) AS rows FROM {}", quoted(table));
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    row.map_or(Ok(0), |row| row.try_get("", "rows"))
}

/// The first table that holds rows, if one does, and how many.
///
/// # Errors
/// When the database fails.
pub async fn first_filled(
    db: &impl ConnectionTrait,
    tables: &[Table],
) -> Result<Option<(String, i64)>, DbErr> {
    for table in tables {
        let rows = count(db, &table.name).await?;
        if rows > 0 {
            return Ok(Some((table.name.clone(), rows)));
        }
    }
    Ok(None)
}
