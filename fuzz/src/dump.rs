//! A line of an export, on its way back into a table.
//!
//! An input is the name of a table on a line of its own, then the line.

use std::sync::LazyLock;

use domain::dump::{Table, catalog, line};
use sea_orm::DbBackend;

use crate::town::TOWN;

static TABLES: LazyLock<Vec<Table>> =
    LazyLock::new(|| TOWN.wait(catalog::tables(&TOWN.app.store.reader)).expect("the tables"));

/// Reads `input`: a line that is taken has a value for every column, for either database.
pub fn run(input: &[u8]) {
    let Some((name, text)) = std::str::from_utf8(input).ok().and_then(|text| text.split_once('\n'))
    else {
        return;
    };
    let Some(table) = TABLES.iter().find(|table| table.name == name) else { return };
    let read = |backend| line::read(table, text, backend).map(|values| values.len());
    let values = read(DbBackend::Sqlite);
    assert_eq!(values, read(DbBackend::Postgres));
    assert!(values.is_err() || values == Ok(table.columns.len()));
}
