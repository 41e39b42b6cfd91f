//! Store: the database, opened the way its kind needs.
//!
//! Readers and the writer have their own connections. On SQLite the readers cannot write
//! (`query_only`) and the writer is one connection with every commit on disk (`synchronous =
//! FULL`); on PostgreSQL a stuck lock or an idle transaction ends by itself.

use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, DbErr, Statement,
};

/// The two ways into one database.
#[derive(Debug, Clone)]
pub struct Store {
    /// For questions.
    pub reader: DatabaseConnection,
    /// For the writer task, migrations, and counts, which need no place among the writes.
    pub writer: DatabaseConnection,
}

/// Connections that ask questions: more than cores, as some wait on a disk.
const READERS: u32 = 8;

/// How long one process waits for another that is writing to the same SQLite file.
const BUSY: Duration = Duration::from_secs(10);

impl Store {
    /// Opens `sqlite:PATH?mode=rwc` or `postgres://…`.
    ///
    /// # Errors
    /// When the address is not understood or nobody answers there.
    pub async fn open(url: &str) -> Result<Self, DbErr> {
        let writer = Database::connect(options(url, 1, true)).await?;
        let reader = Database::connect(options(url, READERS, false)).await?;
        Ok(Self { reader, writer })
    }

    /// The newest migration that its tables have seen.
    ///
    /// # Errors
    /// When the database fails, or was never migrated.
    pub async fn schema(&self) -> Result<String, DbErr> {
        let sql = "SELECT max(version) AS version FROM seaql_migrations";
        let row = self.reader.query_one_raw(Statement::from_string(self.backend(), sql)).await?;
        row.map_or(Ok(String::new()), |row| row.try_get("", "version"))
    }

    /// Whether it is PostgreSQL; else it is SQLite.
    pub fn is_postgres(&self) -> bool {
        self.backend() == DbBackend::Postgres
    }

    /// Which database it is.
    pub fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }
}

fn options(url: &str, connections: u32, writes: bool) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(10))
        // A file does not go away as a server does; asking it first would cost a turn a statement.
        .test_before_acquire(!url.starts_with("sqlite:"))
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
            let sqlite = sqlite
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(BUSY);
            if writes { sqlite } else { sqlite.pragma("query_only", "ON") }
        })
        .map_sqlx_postgres_opts(|postgres| {
            postgres.options([
                ("lock_timeout", "500ms"),
                ("idle_in_transaction_session_timeout", "2s"),
                ("statement_timeout", "60s"),
            ])
        });
    options
}
