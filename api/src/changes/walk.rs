//! Walk: from a cursor to the next, with what lies between.
//!
//! The log says which listings changed; what they are now is what the snapshot shows. A row of the
//! log may be newer than that for another node, so nothing is told of rows that the snapshot has not
//! seen. A listing that changes again while somebody walks comes again, further on; so whoever walks
//! to the end holds what is published, however they were interrupted.

use std::{collections::HashSet, sync::Arc};

use chrono::{DateTime, Utc};
use domain::{change, listing::Kind, record, scope::Scope, store::Store};
use sea_orm::DbErr;
use search::{Document, Snapshot};
use uuid::Uuid;

use super::cursor::{Cursor, Part, Walk};

/// Rows and ids that are read at once.
const BATCH: u64 = 1000;
/// How often that is done for one page, where hardly anything is in scope.
const BATCHES: usize = 8;

/// What is told of a listing.
#[derive(Debug)]
pub enum Told {
    /// What it is now.
    Is(Arc<Document>),
    /// It is not there any more, or not in scope.
    Gone {
        /// Its id.
        id: Uuid,
        /// What it was.
        kind: Kind,
        /// Since when.
        at: DateTime<Utc>,
        /// The listing that stayed when two became one.
        merged_into: Option<Uuid>,
    },
}

/// Some of what is to be told, and how far that leads.
#[derive(Debug)]
pub struct Page {
    /// In the order of the log; no listing twice.
    pub told: Vec<Told>,
    /// Where to go on.
    pub cursor: Cursor,
    /// Whether there is more now.
    pub more: bool,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// The log does not hold what the cursor knows.
    #[error("the log does not reach back to the cursor, or is another one")]
    Expired,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbErr),
}

/// A page that is being filled.
struct Filling<'a> {
    store: &'a Store,
    snapshot: &'a Snapshot,
    scope: &'a Scope,
    limit: usize,
    told: Vec<Told>,
    known: HashSet<Uuid>,
}

/// At most `limit` things to tell who follows `scope` and has come to `cursor`.
///
/// # Errors
/// When the cursor leads nowhere, or the database fails.
pub async fn page(
    store: &Store,
    snapshot: &Snapshot,
    scope: &Scope,
    cursor: Cursor,
    limit: usize,
) -> Result<Page, Lost> {
    let known = change::between(&store.reader, cursor.seq - 1, cursor.seq, 1).await?;
    if !cursor.knows(known.first()) {
        return Err(Lost::Expired);
    }
    let (told, known) = (Vec::new(), HashSet::new());
    let filling = Filling { store, snapshot, scope, limit, told, known };
    filling.fill(cursor).await
}

/// Where a follower begins, before everything.
///
/// # Errors
/// When the database fails.
pub async fn start(store: &Store, snapshot: &Snapshot, scope: &Scope) -> Result<Cursor, DbErr> {
    Ok(Cursor::start(last(store, snapshot).await?.as_ref(), scope))
}

/// Where a follower begins who wants nothing of what is there already.
///
/// # Errors
/// When the database fails.
pub async fn now(store: &Store, snapshot: &Snapshot, scope: &Scope) -> Result<Cursor, DbErr> {
    Ok(Cursor::at(last(store, snapshot).await?.as_ref(), scope))
}

/// The last change that the snapshot shows; `None` where the log is empty, or is another one by now.
///
/// # Errors
/// When the database fails.
pub async fn last(store: &Store, snapshot: &Snapshot) -> Result<Option<change::Model>, DbErr> {
    let seq = snapshot.seq;
    Ok(change::between(&store.reader, seq - 1, seq, 1).await?.pop())
}

impl Filling<'_> {
    async fn fill(mut self, mut cursor: Cursor) -> Result<Page, Lost> {
        let reader = &self.store.reader;
        let seen = self.snapshot.seq;
        // What stands in every listing changed: all of them are told anew, once.
        let everything = change::last_within_listings(reader, cursor.seq, seen).await?;
        for _ in 0..BATCHES {
            let more = match cursor.walk {
                Some(walk) => self.go_on(&mut cursor, walk).await?,
                None => self.follow(&mut cursor, everything).await?,
            };
            if !more || self.is_full() {
                // A page that is full may be the last: the next one says so.
                return Ok(Page { told: self.told, cursor, more });
            }
        }
        Ok(Page { told: self.told, cursor, more: true })
    }

    fn is_full(&self) -> bool {
        self.told.len() >= self.limit
    }

    /// Goes on through everything; whether there is more.
    async fn go_on(&mut self, cursor: &mut Cursor, mut walk: Walk) -> Result<bool, DbErr> {
        let kinds = &self.scope.kinds;
        let ids = record::published_after(&self.store.reader, walk.after, kinds, BATCH).await?;
        let read = ids.len() as u64;
        for id in ids {
            if self.is_full() {
                cursor.walk = Some(walk);
                return Ok(true);
            }
            walk.after = id;
            // One that the snapshot does not show yet has a row further on.
            if let Some(document) = self.snapshot.get(id).cloned() {
                self.tell(document, walk.again);
            }
        }
        cursor.walk = (read == BATCH).then_some(walk);
        Ok(cursor.walk.is_some() || cursor.seq < self.snapshot.seq)
    }

    /// Goes on along the log; whether there is more.
    async fn follow(&mut self, cursor: &mut Cursor, anew: Option<i64>) -> Result<bool, DbErr> {
        let (reader, until) = (&self.store.reader, self.snapshot.seq);
        let rows = change::between(reader, cursor.seq, until, BATCH).await?;
        let lost = self.lost(&rows).await?;
        for row in &rows {
            if self.is_full() {
                return Ok(true);
            }
            if Some(row.seq) == anew {
                cursor.pass(row);
                cursor.walk = Some(Walk { after: Uuid::nil(), again: true });
                // On a page of its own: nothing comes twice on one.
                self.limit = self.told.len();
                return Ok(true);
            }
            let Some(id) = listing_of(row) else {
                cursor.pass(row);
                continue;
            };
            if !self.tell_of(id, row.seq, cursor, &lost) {
                return Ok(true);
            }
            cursor.pass(row);
        }
        Ok(rows.len() as u64 == BATCH)
    }

    /// What became of those in `rows` that the snapshot does not show.
    async fn lost(&self, rows: &[change::Model]) -> Result<Vec<record::Fate>, DbErr> {
        let mut ids: Vec<Uuid> = rows.iter().filter_map(listing_of).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| self.snapshot.get(*id).is_none());
        let mut fates = record::fates(&self.store.reader, &ids).await?;
        fates.sort_unstable_by_key(|(id, ..)| *id);
        Ok(fates)
    }

    /// Tells of a listing and of those that show something of it, in the order of their ids; whether
    /// there was room for all.
    fn tell_of(&mut self, id: Uuid, seq: i64, cursor: &mut Cursor, lost: &[record::Fate]) -> bool {
        let mut all: Vec<Uuid> = self.snapshot.linked(id).to_vec();
        all.push(id);
        all.sort_unstable();
        let after = cursor.part.filter(|part| part.seq == seq).map(|part| part.after);
        for one in all.into_iter().filter(|one| after.is_none_or(|after| *one > after)) {
            if self.is_full() {
                return false;
            }
            if let Some(document) = self.snapshot.get(one).cloned() {
                // Of the others only an event may go elsewhere with it: to where its venue is.
                let moves = one == id || document.kind == Kind::Event;
                self.tell(document, moves);
            } else if let Ok(at) = lost.binary_search_by_key(&one, |(id, ..)| *id) {
                let (id, kind, at, merged_into) = lost[at];
                self.tell_gone(id, kind, at, merged_into);
            }
            cursor.part = Some(Part { seq, after: one });
        }
        true
    }

    /// Tells what a listing is; where it is not in scope, that it is gone, if that `matters`.
    fn tell(&mut self, document: Arc<Document>, matters: bool) {
        if !self.scope.may_hold(document.kind) {
            return;
        }
        let listing = document.record().listing;
        if self.scope.holds(&listing, document.area.as_ref()) {
            if self.known.insert(document.id) {
                self.told.push(Told::Is(document));
            }
        } else if matters {
            self.tell_gone(document.id, document.kind, listing.updated_at, None);
        }
    }

    fn tell_gone(&mut self, id: Uuid, kind: Kind, at: DateTime<Utc>, merged_into: Option<Uuid>) {
        if self.scope.may_hold(kind) && self.known.insert(id) {
            self.told.push(Told::Gone { id, kind, at, merged_into });
        }
    }
}

fn listing_of(change: &change::Model) -> Option<Uuid> {
    change.kind.is_listing().then(|| change.subject.parse().ok()).flatten()
}
