//! Migrations and entities agree, and every migration can be undone.

use migrations::{Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use tests::Place;

#[tokio::test]
async fn the_migrations_make_every_column_the_entities_name() {
    let place = Place::empty().await;
    let db = place.open().await.writer;
    let before = columns(&db).await;
    db.get_schema_registry("domain::*").sync(&db).await.unwrap();
    assert_eq!(before, columns(&db).await, "an entity names a table or column no migration makes");
}

#[tokio::test]
async fn every_migration_can_be_undone_and_done_again() {
    let place = Place::bare().await;
    let db = place.open().await.writer;
    Migrator::up(&db, None).await.unwrap();
    let all = columns(&db).await;
    Migrator::down(&db, None).await.unwrap();
    let left = columns(&db).await;
    assert!(left.iter().all(|column| column.contains("seaql_migrations")), "{left:?}");
    Migrator::up(&db, None).await.unwrap();
    assert_eq!(columns(&db).await, all);
}

#[tokio::test]
async fn the_database_itself_refuses_what_breaks_a_rule() {
    let place = Place::with_fixtures().await;
    let db = place.open().await.writer;
    let broken = [
        "UPDATE listing SET status = 'lost' WHERE slug = 'pantai-parangtritis'",
        "UPDATE listing SET kind = 'thing' WHERE slug = 'pantai-parangtritis'",
        "UPDATE listing SET latitude = -91 WHERE slug = 'pantai-parangtritis'",
        "UPDATE listing SET longitude = NULL WHERE slug = 'pantai-parangtritis'",
        "UPDATE listing SET version = 0 WHERE slug = 'pantai-parangtritis'",
        "UPDATE listing SET published_at = NULL WHERE slug = 'pantai-parangtritis'",
        "UPDATE listing SET category = 'nature.volcano' WHERE slug = 'pantai-parangtritis'",
        "UPDATE listing SET area = '99' WHERE slug = 'pantai-parangtritis'",
        "UPDATE listing SET responsible_agency = 'nobody' WHERE slug = 'pantai-parangtritis'",
        "UPDATE listing SET slug = 'pantai-depok' WHERE slug = 'pantai-parangtritis'",
        "UPDATE producer SET form = 'factory'",
        "UPDATE producer SET visit = 'maybe'",
        "UPDATE event SET event_status = 'forgotten'",
        "UPDATE product SET status = 'lent'",
        "UPDATE area SET level = 'village'",
        "UPDATE change SET what = 'moved'",
        "INSERT INTO daily_query (day, text, count) VALUES ('2026-11-24', 'batik', -1)",
        "DELETE FROM listing WHERE slug = 'pantai-parangkusumo'",
        "DELETE FROM category WHERE code = 'nature'",
        "INSERT INTO handshake VALUES ('h', false, '2026-11-24T00:00:00Z', 0)",
        "INSERT INTO external_system VALUES ('s', '00000000-0000-0000-0000-000000000000', \
         '2026-11-24T00:00:00Z', 1)",
        "INSERT INTO external_record SELECT 'nobodys', 'x', id, NULL, 1 FROM listing",
        "INSERT INTO identity VALUES ('h', '00000000-0000-0000-0000-000000000000', 'i', \
         '2026-11-24T00:00:00Z', 1)",
    ];
    for sql in broken {
        assert!(db.execute_unprepared(sql).await.is_err(), "was let through: {sql}");
    }
}

async fn columns(db: &DatabaseConnection) -> Vec<String> {
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable AS line \
             FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1"
        }
        _ => {
            "SELECT name || ' ' || coalesce(sql, '') AS line FROM sqlite_master \
             WHERE name NOT LIKE 'sqlite_%' ORDER BY 1"
        }
    };
    let rows =
        db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| row.try_get("", "line").unwrap()).collect()
}
