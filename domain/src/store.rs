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

/// Connections at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Pool {
    /// How many there are.
    pub open: u32,
    /// How many of them nobody uses.
    pub idle: u32,
    /// How many there may be.
    pub most: u32,
}

impl Pool {
    fn of(db: &DatabaseConnection, most: u32) -> Self {
        let (open, idle) = if db.get_database_backend() == DbBackend::Postgres {
            let pool = db.get_postgres_connection_pool();
            (pool.size(), pool.num_idle())
        } else {
            let pool = db.get_sqlite_connection_pool();
            (pool.size(), pool.num_idle())
        };
        Self { open, idle: u32::try_from(idle).unwrap_or(u32::MAX), most }
    }
}

/// Connections that ask questions: more than cores, as some wait on a disk.
const READERS: u32 = 8;

/// How long one process waits for another that is writing to the same SQLite file.
const BUSY: Duration = Duration::from_secs(10);

/// How long one waits before asking again whether it is one's turn.
const TURN: Duration = Duration::from_millis(100);
/// The advisory lock around migrating and filling on PostgreSQL: "start" in ASCII.
const START_LOCK: i64 = 0x73_7461_7274;

/// How long a connection is waited for: who waits longer is told to come back.
const PATIENCE: Duration = Duration::from_secs(5);

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

    /// Does `work` while no other process does work of this kind on the same PostgreSQL database:
    /// several nodes that start at once migrate and fill it one after the other. A process that dies
    /// lets the next one go on. On SQLite nobody is waited for: its file belongs to one node.
    ///
    /// `work` writes through [`Self::writer`] alone: that one connection holds the lock.
    ///
    /// # Errors
    /// Those of `work`; when the database fails.
    pub async fn alone<T, E: From<DbErr>>(
        &self,
        work: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        if self.backend() != DbBackend::Postgres {
            return work().await;
        }
        self.wait_for_turn().await?;
        let done = work().await;
        let freed = self.ask(&format!("SELECT pg_advisory_unlock({START_LOCK}) AS yes")).await;
        let done = done?;
        if !freed? {
            tracing::warn!("the lock of the start was lost on the way");
        }
        Ok(done)
    }

    async fn wait_for_turn(&self) -> Result<(), DbErr> {
        let mut told = false;
        while !self.ask(&format!("SELECT pg_try_advisory_lock({START_LOCK}) AS yes")).await? {
            if !std::mem::replace(&mut told, true) {
                tracing::info!("waiting: another process migrates or fills the database");
            }
            tokio::time::sleep(TURN).await;
        }
        Ok(())
    }

    /// What the writer's connection answers to a question of yes or no.
    async fn ask(&self, sql: &str) -> Result<bool, DbErr> {
        let row = self.writer.query_one_raw(Statement::from_string(self.backend(), sql)).await?;
        row.map_or(Ok(false), |row| row.try_get("", "yes"))
    }

    /// Has the writer go on with a new connection, on SQLite.
    ///
    /// Where SQLite cannot write what is committed (no room, a disk that fails) it ends the transaction
    /// by itself, and the library below goes on counting it as open. What is written next would be a
    /// part of it: told as done, and never on disk.
    ///
    /// It waits for as long as others hold the old one.
    pub async fn renew_writer(&self) {
        if self.backend() != DbBackend::Sqlite {
            return;
        }
        let pool = self.writer.get_sqlite_connection_pool();
        loop {
            match pool.acquire().await {
                Ok(old) => {
                    // However it closes, it is used no more.
                    let _ = old.close().await;
                    return;
                }
                // The store is closed: there is nothing to go on with.
                Err(sea_orm::sqlx::Error::PoolClosed) => return,
                Err(error) => tracing::error!(%error, "the writer waits for its connection"),
            }
        }
    }

    /// Whether it is PostgreSQL; else it is SQLite.
    pub fn is_postgres(&self) -> bool {
        self.backend() == DbBackend::Postgres
    }

    /// Its connections, by what they are for.
    pub fn pools(&self) -> [(&'static str, Pool); 2] {
        [("reader", Pool::of(&self.reader, READERS)), ("writer", Pool::of(&self.writer, 1))]
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
        .acquire_timeout(PATIENCE)
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
