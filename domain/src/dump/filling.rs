//! Filling: an empty database takes the rows of a dump, all of them or none.
//!
//! It is one transaction past the writer task, before there is a node that has one, the making of the
//! tables too: what is half done when it breaks was never there. Nobody else can write meanwhile.

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait as _,
    sea_query::{Alias, Expr, Query},
};

use super::{
    Error, Table,
    catalog::{self, Numbered},
    quoted, snapshot,
};
use crate::store::Store;

/// The most values of one statement: SQLite binds 32,766.
const VALUES: usize = 32_000;
/// The most rows of one statement: more are no faster.
const ROWS: usize = 500;

/// Nobody has put anything into a database.
///
/// # Errors
/// [`Error::NotEmpty`] when a table holds a row, [`Error::Foreign`] when there are tables of somebody
/// else's, and when the database fails.
pub async fn is_free(db: &impl ConnectionTrait) -> Result<(), Error> {
    let tables = catalog::tables(db).await?;
    let is_ours = !snapshot::migrations(db).await?.is_empty();
    if let Some(table) = tables.first().filter(|_| !is_ours) {
        return Err(Error::Foreign(table.name.clone()));
    }
    match catalog::first_filled(db, &tables).await? {
        None => Ok(()),
        Some((table, rows)) => Err(Error::NotEmpty(table, rows)),
    }
}

/// An empty database on its way to be full. Dropped before its [end](Self::finish), nothing happened.
#[derive(Debug)]
pub struct Filling {
    transaction: DatabaseTransaction,
    deferred: Vec<(String, String)>,
}

impl Filling {
    /// Begins with a database that must hold nothing yet.
    ///
    /// # Errors
    /// As those of [`is_free`]; when somebody else holds its tables.
    pub async fn begin(store: &Store) -> Result<Self, Error> {
        let transaction = store
            .writer
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            })
            .await?;
        let filling = Self { transaction, deferred: Vec::new() };
        filling.close_to_others().await?;
        is_free(&filling.transaction).await?;
        Ok(filling)
    }

    /// Where its tables are made, as part of it.
    pub fn schema(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    fn is_postgres(&self) -> bool {
        self.transaction.get_database_backend() == DbBackend::Postgres
    }

    async fn run(&self, sql: &str) -> Result<(), DbErr> {
        self.transaction.execute_unprepared(sql).await.map(drop)
    }

    /// SQLite has one writer anyway.
    async fn close_to_others(&self) -> Result<(), Error> {
        if !self.is_postgres() {
            return Ok(());
        }
        snapshot::no_hurry(&self.transaction).await?;
        let tables = catalog::tables(&self.transaction).await?;
        let names: Vec<String> = tables.iter().map(|table| quoted(&table.name)).collect();
        if !names.is_empty() {
            self.run(&format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.join(", "))).await?;
        }
        Ok(())
    }

    /// From now on its tables are as they should be, and rows may come.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open(&mut self) -> Result<(), Error> {
        Ok(self.defer().await?)
    }

    /// What a row names may come after it: foreign keys are looked at when everything is in.
    async fn defer(&mut self) -> Result<(), DbErr> {
        if !self.is_postgres() {
            return self.run("PRAGMA defer_foreign_keys = ON").await;
        }
        let sql = "SELECT t.relname::text AS \"table\", k.conname::text AS key \
                   FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid \
                   WHERE k.contype = 'f' AND NOT k.condeferrable \
                   AND t.relnamespace = current_schema()::regnamespace ORDER BY 1, 2";
        let keys = Statement::from_string(DbBackend::Postgres, sql);
        for row in self.transaction.query_all_raw(keys).await? {
            let (table, key): (String, String) =
                (row.try_get("", "table")?, row.try_get("", "key")?);
            self.alter(&table, &key, "DEFERRABLE INITIALLY DEFERRED").await?;
            self.deferred.push((table, key));
        }
        Ok(())
    }

    async fn alter(&self, table: &str, key: &str, how: &str) -> Result<(), DbErr> {
        let (table, key) = (quoted(table), quoted(key));
        self.run(&format!("ALTER TABLE {table} ALTER CONSTRAINT {key} {how}")).await
    }

    /// How many rows of `table` are [added](Self::add) at once.
    pub fn at_once(table: &Table) -> usize {
        (VALUES / table.columns.len().max(1)).clamp(1, ROWS)
    }

    /// Adds `rows` of `table`, at most as many as go [at once](Self::at_once).
    ///
    /// # Errors
    /// When the database refuses one.
    pub async fn add(&self, table: &Table, rows: Vec<Vec<Expr>>) -> Result<(), DbErr> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut insert = Query::insert();
        insert.into_table(Alias::new(&table.name));
        insert.columns(table.columns.iter().map(|column| Alias::new(&column.name)));
        for row in rows {
            insert.values(row).map_err(|error| DbErr::Custom(error.to_string()))?;
        }
        self.transaction.execute(&insert).await.map(drop)
    }

    /// Ends with the numbers going on after the last that each of `numbers` names.
    ///
    /// # Errors
    /// [`Error::Dangling`] when a row names one that is not there, [`Error::NoNumbers`] for a table that
    /// gives out none; when the database fails. Nothing was written then.
    pub async fn finish<'a>(
        self,
        numbers: impl IntoIterator<Item = (&'a String, &'a i64)>,
    ) -> Result<(), Error> {
        let known = catalog::numbered(&self.transaction).await?;
        for (table, last) in numbers {
            let numbered = known.iter().find(|numbered| numbered.table == *table);
            let numbered = numbered.ok_or_else(|| Error::NoNumbers(table.clone()))?;
            self.go_on_after(numbered, *last).await?;
        }
        self.hold_keys().await?;
        self.transaction.commit().await?;
        Ok(())
    }

    async fn go_on_after(&self, of: &Numbered, last: i64) -> Result<(), DbErr> {
        let (table, column) = (quoted(&of.table), quoted(&of.column));
        let highest = format!("(SELECT coalesce(max({column}), 0) FROM {table})");
        let name = of.table.replace('\'', "''");
        if self.is_postgres() {
            let sequence =
                format!("pg_get_serial_sequence('{}', '{}')", table.replace('\'', "''"), of.column);
            return self
                .run(&format!("SELECT setval({sequence}, greatest({last}, {highest}, 1))"))
                .await;
        }
        self.run(&format!("DELETE FROM sqlite_sequence WHERE name = '{name}'")).await?;
        let sql = format!("INSERT INTO sqlite_sequence VALUES ('{name}', max({last}, {highest}))");
        self.run(&sql).await
    }

    /// Every row that is named is there, and from now on each is looked at at once again.
    async fn hold_keys(&self) -> Result<(), Error> {
        if self.is_postgres() {
            self.run("SET CONSTRAINTS ALL IMMEDIATE").await?;
            for (table, key) in &self.deferred {
                self.alter(table, key, "NOT DEFERRABLE").await?;
            }
            return Ok(());
        }
        let check = "SELECT \"table\", parent FROM pragma_foreign_key_check LIMIT 1";
        let check = Statement::from_string(DbBackend::Sqlite, check);
        match self.transaction.query_one_raw(check).await? {
            None => Ok(()),
            Some(row) => {
                Err(Error::Dangling(row.try_get("", "table")?, row.try_get("", "parent")?))
            }
        }
    }
}
