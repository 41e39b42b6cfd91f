//! Line: a row as one line of JSON, with its columns as members in the order of the table.
//!
//! The same row makes the same line on both kinds of database. A member that is not there is NULL, so
//! that the `null` of a JSON column stays itself.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, NaiveDate, SecondsFormat, SubsecRound as _, Utc};
use sea_orm::{
    DbBackend, DbErr, QueryResult, TryGetable, Value,
    sea_query::{Expr, ExprTrait as _},
};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Column, Error, Kind, Table, quoted};

/// What selects all rows of `table`, in the order of its key, byte by byte.
pub(super) fn select(table: &Table, backend: DbBackend) -> String {
    let postgres = backend == DbBackend::Postgres;
    let cell = |column: &Column| match column.kind {
        Kind::Json if postgres => format!("{}::text", quoted(&column.name)),
        Kind::Integer if postgres => format!("{}::bigint", quoted(&column.name)),
        Kind::Real if postgres => format!("{}::float8", quoted(&column.name)),
        _ => quoted(&column.name),
    };
    let order = |column: &Column| match column.kind {
        Kind::Text if postgres => format!("{} COLLATE \"C\"", quoted(&column.name)),
        _ => quoted(&column.name),
    };
    let cells: Vec<String> = table.columns.iter().map(cell).collect();
    let order: Vec<String> = table.columns.iter().filter(|column| column.key).map(order).collect();
    let (cells, order) = (cells.join(", "), order.join(", "));
    format!("SELECT {cells} FROM {} ORDER BY {order}", quoted(&table.name))
}

/// Adds `row` of `table`, as [`select`]ed, to `line`.
///
/// # Errors
/// When a cell does not hold what its column is for.
pub(super) fn write(table: &Table, row: &QueryResult, line: &mut Vec<u8>) -> Result<(), Error> {
    let mut before = b'{';
    for (at, column) in table.columns.iter().enumerate() {
        let broken = |error: &dyn std::fmt::Display| {
            let (table, column_name) = (table.name.clone(), column.name.clone());
            Error::Cell(table, column_name, column.kind.name(), error.to_string())
        };
        let Some(cell) = cell(row, at, column.kind).map_err(|error| broken(&error))? else {
            continue;
        };
        line.push(before);
        before = b',';
        line.extend(json(&column.name).as_bytes());
        line.push(b':');
        line.extend(cell.as_bytes());
    }
    line.extend(if before == b'{' { "{}\n" } else { "}\n" }.as_bytes());
    Ok(())
}

/// A cell in JSON; `None` where it is NULL.
fn cell(row: &QueryResult, at: usize, kind: Kind) -> Result<Option<String>, DbErr> {
    fn get<T: TryGetable>(row: &QueryResult, at: usize) -> Result<Option<T>, DbErr> {
        row.try_get_by_index(at)
    }
    Ok(match kind {
        Kind::Uuid => get::<Uuid>(row, at)?.map(|id| json(&id.to_string())),
        Kind::Text => get::<String>(row, at)?.map(|text| json(&text)),
        Kind::Json => get::<String>(row, at)?.map(|text| one_line(&text)).transpose()?,
        Kind::Integer => get::<i64>(row, at)?.map(|number| number.to_string()),
        Kind::Real => get::<f64>(row, at)?.map(real).transpose()?,
        Kind::Boolean => get::<bool>(row, at)?.map(|truth| truth.to_string()),
        Kind::Timestamp => get::<DateTime<Utc>>(row, at)?
            .map(|at| json(&at.trunc_subsecs(6).to_rfc3339_opts(SecondsFormat::AutoSi, true))),
        Kind::Date => get::<NaiveDate>(row, at)?.map(|day| json(&day.to_string())),
        Kind::Bytes => get::<Vec<u8>>(row, at)?.map(|bytes| json(&STANDARD.encode(bytes))),
    })
}

fn json(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}

/// JSON as it is. Within it a line break stands only between its parts, where a space says the same.
fn one_line(text: &str) -> Result<String, DbErr> {
    let value: &RawValue = serde_json::from_str(text).map_err(|e| DbErr::Json(e.to_string()))?;
    Ok(value.get().replace(['\n', '\r'], " "))
}

fn real(number: f64) -> Result<String, DbErr> {
    if number.is_finite() {
        return serde_json::to_string(&number).map_err(|error| DbErr::Json(error.to_string()));
    }
    Err(DbErr::Type(number.to_string()))
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Uuid => "UUID",
            Self::Text => "text",
            Self::Json => "JSON",
            Self::Integer => "whole number",
            Self::Real => "number",
            Self::Boolean => "truth",
            Self::Timestamp => "instant",
            Self::Date => "day",
            Self::Bytes => "bytes",
        }
    }
}

/// The values of a line, in the order of the columns of `table`, as an insert takes them.
///
/// # Errors
/// What is wrong with it, without where it stands.
pub fn read(table: &Table, line: &str, backend: DbBackend) -> Result<Vec<Expr>, String> {
    let mut members: BTreeMap<String, &RawValue> =
        serde_json::from_str(line).map_err(|error| error.to_string())?;
    let mut values = Vec::with_capacity(table.columns.len());
    for Column { name, kind, .. } in &table.columns {
        let raw = members.remove(name);
        let value = value(raw, *kind).map_err(|error| format!("`{name}`: {error}"))?;
        let value = Expr::val(value);
        let is_json = *kind == Kind::Json && backend == DbBackend::Postgres;
        values.push(if is_json { value.cast_as("json") } else { value });
    }
    match members.keys().next() {
        None => Ok(values),
        Some(name) => Err(format!("`{name}` is no column of `{}`", table.name)),
    }
}

fn value(raw: Option<&RawValue>, kind: Kind) -> Result<Value, String> {
    fn get<T: DeserializeOwned>(raw: Option<&RawValue>) -> Result<Option<T>, String> {
        raw.map(|raw| serde_json::from_str(raw.get()).map_err(|e| e.to_string())).transpose()
    }
    fn text<T>(
        raw: Option<&RawValue>,
        f: fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        get::<String>(raw)?.map(|text| f(&text)).transpose()
    }
    Ok(match kind {
        Kind::Uuid => Value::Uuid(get(raw)?),
        Kind::Text => Value::String(get(raw)?),
        Kind::Json => Value::String(raw.map(|raw| raw.get().to_owned())),
        Kind::Integer => Value::BigInt(get(raw)?),
        Kind::Real => Value::Double(get(raw)?),
        Kind::Boolean => Value::Bool(get(raw)?),
        Kind::Timestamp => Value::ChronoDateTimeUtc(text(raw, instant)?),
        Kind::Date => Value::ChronoDate(get(raw)?),
        Kind::Bytes => Value::Bytes(text(raw, bytes)?),
    })
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let at = DateTime::parse_from_rfc3339(text).map_err(|error| error.to_string())?;
    Ok(at.to_utc())
}

fn bytes(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|error| error.to_string())
}
