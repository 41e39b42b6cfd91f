//! Snapshot: all tables as they were at one moment, while others go on writing.
//!
//! SQLite: one read transaction, which sees the file as it was when it began to read. PostgreSQL: a
//! read-only transaction that is repeatable. Nothing is kept in memory but the row that is handed on.

use futures_util::TryStreamExt as _;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, IsolationLevel, Statement,
    StreamTrait as _, TransactionOptions, TransactionTrait as _,
};

use super::{
    Error, Table,
    catalog::{self, MIGRATIONS, Numbered},
    line,
};
use crate::{audit, change, store::Store};

/// All tables as they were when it was taken. It holds one connection.
#[derive(Debug)]
pub struct Snapshot(DatabaseTransaction);

impl Snapshot {
    /// From now on nothing changes in it.
    ///
    /// # Errors
    /// When the database fails, or there is no Griya in it.
    pub async fn take(store: &Store) -> Result<Self, Error> {
        let postgres = store.backend() == DbBackend::Postgres;
        let options = TransactionOptions {
            isolation_level: postgres.then_some(IsolationLevel::RepeatableRead),
            access_mode: postgres.then_some(AccessMode::ReadOnly),
            ..TransactionOptions::default()
        };
        let snapshot = Self(store.reader.begin_with_options(options).await?);
        if postgres {
            no_hurry(&snapshot.0).await?;
        }
        // The first question is what fixes the moment.
        if snapshot.migrations().await?.is_empty() { Err(Error::NoGriya) } else { Ok(snapshot) }
    }

    /// The migrations that its tables have seen, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn migrations(&self) -> Result<Vec<String>, DbErr> {
        migrations(&self.0).await
    }

    /// Its tables, by name.
    ///
    /// # Errors
    /// As those of [`catalog::tables`].
    pub async fn tables(&self) -> Result<Vec<Table>, Error> {
        catalog::tables(&self.0).await
    }

    /// The tables that number their rows by themselves. On PostgreSQL the numbers may be ahead of the
    /// rows, never behind.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn numbered(&self) -> Result<Vec<Numbered>, DbErr> {
        catalog::numbered(&self.0).await
    }

    /// How many rows `table` holds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self, table: &Table) -> Result<u64, DbErr> {
        Ok(catalog::count(&self.0, &table.name).await?.unsigned_abs())
    }

    /// The number of the last change, and the hash at the head of the record.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn heads(&self) -> Result<(i64, String), DbErr> {
        Ok((change::head(&self.0).await?, audit::head(&self.0).await?.1))
    }

    /// Hands every row of `table` to `f`, a line each, in the order of the key.
    ///
    /// # Errors
    /// When the database fails, a cell does not hold what its column is for, or `f` fails.
    pub async fn rows(
        &self,
        table: &Table,
        mut f: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        let backend = ConnectionTrait::get_database_backend(&self.0);
        let select = Statement::from_string(backend, line::select(table, backend));
        let mut rows = self.0.stream_raw(select).await?;
        let mut line = Vec::new();
        while let Some(row) = rows.try_next().await? {
            line.clear();
            line::write(table, &row, &mut line)?;
            f(&line)?;
        }
        Ok(())
    }
}

/// The migrations that a database has seen, the oldest first; none where there is no Griya.
///
/// # Errors
/// When the database fails.
pub async fn migrations(db: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    let backend = db.get_database_backend();
    let known = if backend == DbBackend::Postgres {
        format!(
            "SELECT 1 AS one FROM pg_tables WHERE tablename = '{MIGRATIONS}' AND schemaname = current_schema()"
        )
    } else {
        format!("SELECT 1 AS one FROM sqlite_master WHERE name = '{MIGRATIONS}'")
    };
    if db.query_one_raw(Statement::from_string(backend, known)).await?.is_none() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT version FROM {MIGRATIONS} ORDER BY version");
    let rows = db.query_all_raw(Statement::from_string(backend, sql)).await?;
    let mut seen: Vec<String> =
        rows.iter().map(|row| row.try_get("", "version")).collect::<Result<_, _>>()?;
    seen.sort_unstable();
    Ok(seen)
}

/// A whole table takes longer than any question of the service, and who takes it may pause.
pub(super) async fn no_hurry(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    for what in ["statement_timeout", "idle_in_transaction_session_timeout"] {
        transaction.execute_unprepared(&format!("SET LOCAL {what} = 0")).await?;
    }
    Ok(())
}
