//! The schema, one file a change, oldest first. A landed file is never edited: the next change is
//! the next file. Each can be undone, each runs alike on SQLite and PostgreSQL, and each happens as a
//! whole or not at all.

use std::collections::HashSet;

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DatabaseConnection},
};

mod m20261124_000001_reference;
mod m20261124_000002_listings;
mod m20261124_000003_change_log;
mod m20261124_000004_former_slugs;
mod m20261124_000005_people;
mod m20261124_000006_daily_query;
mod m20261125_000001_webhooks;
mod m20261125_000006_identities;
mod m20261125_000007_api_keys;
mod m20261128_000002_partner_records;
mod m20261128_000003_nodes;

pub use sea_orm_migration::{IntoSchemaManagerConnection, MigratorTrait};

/// Brings a database to the newest schema, or back.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            whole(m20261124_000001_reference::Migration),
            whole(m20261124_000002_listings::Migration),
            whole(m20261124_000003_change_log::Migration),
            whole(m20261124_000004_former_slugs::Migration),
            whole(m20261124_000005_people::Migration),
            whole(m20261124_000006_daily_query::Migration),
            whole(m20261125_000001_webhooks::Migration),
            whole(m20261125_000006_identities::Migration),
            whole(m20261125_000007_api_keys::Migration),
            whole(m20261128_000002_partner_records::Migration),
            whole(m20261128_000003_nodes::Migration),
        ]
    }
}

/// Brings a database to the newest schema. One that a newer program has brought further is left as it
/// is: until a release later, an older program runs on it.
///
/// # Errors
/// When the database fails, or was brought further and lacks one of ours.
pub async fn bring_up(db: &DatabaseConnection) -> Result<(), DbErr> {
    match due(db).await? {
        0 => Ok(()),
        _ => Migrator::up(db, None).await,
    }
}

/// How many migrations of ours a database has not seen.
///
/// # Errors
/// When the database fails.
pub async fn due(db: &impl ConnectionTrait) -> Result<usize, DbErr> {
    let seen = Migrator::get_migration_models(db).await?;
    let seen: HashSet<String> = seen.into_iter().map(|row| row.version).collect();
    let all = Migrator::migrations();
    Ok(all.iter().filter(|one| !seen.contains(one.name())).count())
}

/// A migration in a transaction on either database: whoever is killed in the middle of it leaves the
/// schema as it was before. SQLite would go without otherwise.
struct Whole<M>(M);

fn whole<M: MigrationTrait + 'static>(migration: M) -> Box<dyn MigrationTrait> {
    Box::new(Whole(migration))
}

impl<M: MigrationName> MigrationName for Whole<M> {
    fn name(&self) -> &str {
        self.0.name()
    }
}

#[async_trait::async_trait]
impl<M: MigrationTrait> MigrationTrait for Whole<M> {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.0.up(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.0.down(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
