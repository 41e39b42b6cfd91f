//! Dump: every table of a database, row by row, in one open form that is the same from both kinds of
//! database, and back into an empty one.
//!
//! Which tables and columns there are is asked of the database itself, so none can be forgotten. What a
//! row looks like is in [`mod@line`], reading all of one moment in [`snapshot`], writing it back in
//! [`filling`]. Nothing here knows files.

use sea_orm::DbErr;

pub mod catalog;
pub mod filling;
pub mod line;
pub mod snapshot;

pub use catalog::{Column, Kind, Table};
pub use filling::Filling;
pub use snapshot::Snapshot;

/// Why a dump was not made or not read: a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbErr),
    /// What was read could not be handed on.
    #[error(transparent)]
    Handed(#[from] std::io::Error),
    /// There is no Griya in the database.
    #[error("it holds no Griya: no migration was ever run there")]
    NoGriya,
    /// A column is of a type that this program does not know.
    #[error("column `{0}.{1}` is of the type `{2}`, which no export knows")]
    Type(String, String, String),
    /// Rows without a key have no order, and none can be told from another.
    #[error("table `{0}` has no primary key")]
    NoKey(String),
    /// A cell does not hold what its column is for.
    #[error("column `{0}.{1}` holds what is no {2}: {3}")]
    Cell(String, String, &'static str, String),
    /// Somebody has written to the database that was to be filled.
    #[error(
        "it is not empty: table `{0}` holds {1} rows; an import needs a database that holds none"
    )]
    NotEmpty(String, i64),
    /// The database that was to be filled is somebody else's.
    #[error("it holds other things, such as the table `{0}`: make a database of its own for Griya")]
    Foreign(String),
    /// A row names another one that is not there.
    #[error("a row of `{0}` names one of `{1}` that is not there")]
    Dangling(String, String),
    /// Numbers are given out for a table that gives out none.
    #[error("table `{0}` gives out no numbers")]
    NoNumbers(String),
}

/// `name` as SQL takes it, whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
