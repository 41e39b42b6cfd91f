//! News: hearing at once that something was committed, on PostgreSQL, by whichever node.
//!
//! The writer says so within its transaction, so it is heard when that is committed, and never
//! otherwise. It says nothing of what it was: whoever hears, looks at the log. What is said while
//! nobody listens is lost, so whoever relies on it listens first, then looks, and looks now and then
//! all the same.

use std::{sync::Arc, time::Duration};

use sea_orm::{
    DbBackend, DbErr, RuntimeErr,
    sqlx::{
        self, Executor as _,
        postgres::{PgListener, PgPoolOptions},
    },
};

use crate::store::Store;

/// What the news are told on.
pub const CHANNEL: &str = "griya_change";
/// After how long a silence the connection is asked whether it is still one.
const SILENCE: Duration = Duration::from_secs(30);
/// How long it may take to connect, and to answer that.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection of its own on which news come in.
pub struct News(PgListener);

impl News {
    /// Listens from now on; nothing on SQLite, which tells no news.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn of(store: &Store) -> Result<Option<Self>, DbErr> {
        if store.backend() != DbBackend::Postgres {
            return Ok(None);
        }
        // Beside the pools: a listener keeps its connection for good.
        let options = store.writer.get_postgres_connection_pool().connect_options();
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with((*options).clone());
        let mut listener = PgListener::connect_with(&pool).await.map_err(lost)?;
        // Whoever lost the connection is told so, and looks after it has listened anew.
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await.map_err(lost)?;
        Ok(Some(Self(listener)))
    }

    /// Waits for news; those that came together are heard together.
    ///
    /// # Errors
    /// When the connection is lost: what was said meanwhile was not heard.
    pub async fn next(&mut self) -> Result<(), DbErr> {
        loop {
            let heard = tokio::time::timeout(SILENCE, self.0.try_recv()).await;
            match heard {
                Ok(Ok(Some(_))) => {
                    while self.0.next_buffered().is_some() {}
                    return Ok(());
                }
                Ok(Ok(None)) => return Err(lost(sqlx::Error::PoolClosed)),
                Ok(Err(error)) => return Err(lost(error)),
                // Nothing happens, or nobody is there any more: that looks alike.
                Err(_) => {
                    let asked = tokio::time::timeout(PATIENCE, self.0.execute("SELECT 1")).await;
                    asked.map_err(|_| lost(sqlx::Error::PoolTimedOut))?.map_err(lost)?;
                }
            }
        }
    }
}

fn lost(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
}
