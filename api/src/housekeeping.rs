//! Housekeeping: what is kept for a time only is forgotten when that time is over.
//!
//! Each noun says for how long it is kept; here is only that somebody comes by.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    api_key, change, daily_count, daily_query, delivery, handshake, kept_answer, node, sign_in,
    store::Store,
};
use sea_orm::DbErr;

use crate::{clock::Clock, config::Settings};

/// How often somebody comes by.
const EVERY: Duration = Duration::from_hours(1);

/// Comes by as long as the node has its `settings`.
pub fn start(store: Store, clock: Clock, settings: &Arc<Settings>) {
    tokio::spawn(come_by(store, clock, Arc::downgrade(settings)));
}

async fn come_by(store: Store, clock: Clock, alive: Weak<Settings>) {
    while let Some(settings) = alive.upgrade() {
        if let Err(error) = forget(&store, clock.now(), &settings).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "what is over is not forgotten yet");
        }
        drop(settings);
        tokio::time::sleep(EVERY).await;
    }
}

/// Forgets what is over at `now`.
///
/// # Errors
/// When the database fails; what is left is forgotten the next time.
pub async fn forget(store: &Store, now: DateTime<Utc>, settings: &Settings) -> Result<(), DbErr> {
    let db = &store.writer;
    if let Some(days) = settings.changes_days {
        change::forget(db, now - TimeDelta::days(days.get().into())).await?;
    }
    daily_count::forget(db, daily_count::day(now)).await?;
    daily_query::forget(db, daily_count::day(now)).await?;
    kept_answer::forget(db, now).await?;
    delivery::forget(db, now).await?;
    api_key::forget(db, daily_count::day(now)).await?;
    handshake::forget(db, now).await?;
    node::forget(db, now).await?;
    sign_in::forget(db, now).await
}
