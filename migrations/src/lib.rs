//! The schema, one file a change, oldest first. A landed file is never edited: the next change is
//! the next file. Each can be undone, and each runs alike on SQLite and PostgreSQL.

use sea_orm_migration::prelude::*;

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

pub use sea_orm_migration::MigratorTrait;

/// Brings a database to the newest schema, or back.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261124_000001_reference::Migration),
            Box::new(m20261124_000002_listings::Migration),
            Box::new(m20261124_000003_change_log::Migration),
            Box::new(m20261124_000004_former_slugs::Migration),
            Box::new(m20261124_000005_people::Migration),
            Box::new(m20261124_000006_daily_query::Migration),
            Box::new(m20261125_000001_webhooks::Migration),
            Box::new(m20261125_000006_identities::Migration),
            Box::new(m20261125_000007_api_keys::Migration),
            Box::new(m20261128_000002_partner_records::Migration),
            Box::new(m20261128_000003_nodes::Migration),
        ]
    }
}
