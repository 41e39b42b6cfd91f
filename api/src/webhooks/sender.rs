//! Sender: tells webhooks what they are to be told.
//!
//! For each webhook the log is turned into deliveries, rows that are written together with how far
//! that went; so none is lost and none made twice. They are sent at least once, those of one listing
//! in their order: of each listing only the first that is undone. Several nodes may do so at once:
//! who takes up a delivery says so in its row first (a compare-and-swap on its version).

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Error, account, delivery,
    listing::{DEFAULT_ZONE, Kind},
    message,
    store::Store,
    text::Lang,
    webhook::{self, Status},
    writer::{Unit, Write, Writer},
};
use futures_util::{StreamExt as _, stream};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Client, Response, Url, header};
use search::Index;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use super::outside::{self, Private};
use crate::{
    changes::{
        cursor::Cursor,
        walk::{self, Lost, Told},
    },
    clock::Clock,
    ids,
};

/// How often it looks without being poked.
const LOOK: Duration = Duration::from_millis(500);
/// The least time between two looks.
const BREATH: Duration = Duration::from_millis(20);
/// How often it looks at all of them: another node may have left something undone.
const LOOK_AT_ALL: Duration = Duration::from_secs(15);
/// Deliveries that wait for one webhook before the log is read on: what is beyond is kept by the log.
const BACKLOG: u64 = 500;
/// Changes turned into deliveries at once.
const PAGE: usize = 100;
/// Calls of one webhook at once.
const AT_ONCE: usize = 8;
/// Calls of a node at once.
const CALLS: usize = 128;
/// How much of an answer is read, bytes.
const READ: usize = 4096;
/// Who writes what became of deliveries.
const ACTOR: &str = "webhooks";

/// What every webhook needs. Shared by the tasks of all.
#[derive(Debug)]
struct Within {
    store: Store,
    writer: Writer,
    index: Arc<Index>,
    clock: Clock,
    client: Client,
    private: Private,
    public_url: Option<String>,
    calls: Semaphore,
    /// Goes up when something may be due that no change tells of.
    round: AtomicU64,
    /// Those that somebody sees to, and until when there is nothing to do for others.
    busy: Mutex<HashMap<Uuid, Rest>>,
}

/// Why a webhook is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// A task sees to it.
    Seen,
    /// Everything up to this change is told, at this version of it, and the next try is due then;
    /// good for one round.
    Until { seq: i64, version: i64, due: Option<DateTime<Utc>>, round: u64 },
}

/// A handle to the sender. Cheap to clone; it ends when the last one is gone.
#[derive(Debug, Clone)]
pub struct Sender {
    poke: Arc<Notify>,
    within: Arc<Within>,
}

/// What it is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The way to change it.
    pub writer: Writer,
    /// What is published.
    pub index: Arc<Index>,
    /// The time.
    pub clock: Clock,
    /// Whether private addresses may be called.
    pub private: Private,
    /// What links start with.
    pub public_url: Option<String>,
}

impl Sender {
    /// Starts it.
    ///
    /// # Errors
    /// When there is no TLS.
    pub fn start(parts: Parts) -> reqwest::Result<Self> {
        let Parts { store, writer, index, clock, private, public_url } = parts;
        let client = outside::client(private)?;
        let (calls, busy, round) = (Semaphore::new(CALLS), Mutex::default(), AtomicU64::new(0));
        let within = Arc::new(Within {
            store,
            writer,
            index,
            clock,
            client,
            private,
            public_url,
            calls,
            round,
            busy,
        });
        let poke = Arc::new(Notify::new());
        let sender = Self { poke: Arc::clone(&poke), within: Arc::clone(&within) };
        let alive = Arc::downgrade(&poke);
        drop(poke);
        tokio::spawn(async move {
            let mut looked = Instant::now();
            while let Some(poke) = alive.upgrade() {
                if looked.elapsed() > LOOK_AT_ALL {
                    looked = Instant::now();
                    within.round.fetch_add(1, Ordering::Relaxed);
                }
                if let Err(error) = Within::see_to_all(&within).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "cannot look for webhooks");
                }
                let _ = tokio::time::timeout(LOOK, poke.notified()).await;
                // Where many write at once, one look is for all of them.
                tokio::time::sleep(BREATH).await;
            }
        });
        Ok(sender)
    }

    /// A change was written.
    pub fn poke(&self) {
        self.poke.notify_one();
    }

    /// Something else was written that is to be told.
    pub fn look_again(&self) {
        self.within.round.fetch_add(1, Ordering::Relaxed);
        self.poke();
    }
}

impl Within {
    /// Has every webhook seen to for which there may be something to do.
    async fn see_to_all(this: &Arc<Self>) -> Result<(), Error> {
        let (now, seq) = (this.clock.now(), this.index.snapshot().seq);
        let round = this.round.load(Ordering::Relaxed);
        let active = webhook::active(&this.store.reader).await?;
        let known: HashSet<Uuid> = active.iter().map(|webhook| webhook.id).collect();
        this.busy().retain(|id, rest| *rest == Rest::Seen || known.contains(id));
        for webhook in active {
            let id = webhook.id;
            let idle = this.busy().get(&id).is_some_and(|rest| match rest {
                Rest::Seen => true,
                Rest::Until { seq: told, version, due, round: then } => {
                    (*told, *version, *then) == (seq, webhook.version, round)
                        && due.is_none_or(|due| now < due)
                }
            });
            if idle {
                continue;
            }
            this.busy().insert(id, Rest::Seen);
            let (this, seeing) = (Arc::clone(this), Arc::clone(this));
            // In a task of its own: whatever becomes of it, the webhook is looked at again.
            let seeing = tokio::spawn(async move { seeing.see_to(webhook, round).await });
            tokio::spawn(async move {
                match seeing.await {
                    Ok(Ok(rest)) => {
                        this.busy().insert(id, rest);
                        return;
                    }
                    Ok(Err(error)) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(error, %id, "a webhook waits");
                    }
                    Err(error) => tracing::error!(%error, %id, "a webhook waits"),
                }
                this.busy().remove(&id);
            });
        }
        Ok(())
    }

    fn busy(&self) -> MutexGuard<'_, HashMap<Uuid, Rest>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends everything that is due to one webhook; until when there is nothing more.
    async fn see_to(&self, mut webhook: webhook::Model, round: u64) -> Result<Rest, Error> {
        let reader = &self.store.reader;
        loop {
            let waiting = delivery::undone(reader, webhook.id, BACKLOG).await?.len() as u64;
            let (seq, more) = if waiting < BACKLOG {
                self.make(&webhook).await?
            } else {
                // What is beyond is kept by the log until some of it is taken.
                (self.index.snapshot().seq, false)
            };
            let now = self.clock.now();
            let waiting = delivery::undone(reader, webhook.id, BACKLOG).await?;
            let (due, later): (Vec<_>, Vec<_>) =
                first_of_each(waiting).partition(|delivery| delivery.due_at <= now);
            let version = webhook.version;
            let rest = |due| Rest::Until { seq, version, due, round };
            if due.is_empty() && !more {
                return Ok(rest(later.iter().map(|delivery| delivery.due_at).min()));
            }
            // Read after what is due: what its owner changed before that is how it is told.
            let Some(current) = self.active(webhook.id).await? else { return Ok(rest(None)) };
            stream::iter(due)
                .for_each_concurrent(AT_ONCE, |delivery| self.send_and_tell(&current, delivery))
                .await;
            // They may have changed it meanwhile, or it has ended.
            let Some(current) = self.active(webhook.id).await? else { return Ok(rest(None)) };
            webhook = current;
        }
    }

    /// The webhook as it is now, unless it tells nobody any more.
    async fn active(&self, id: Uuid) -> Result<Option<webhook::Model>, Error> {
        let webhook = webhook::get(&self.store.reader, id).await?;
        Ok(webhook.filter(|webhook| webhook.status == Status::Active))
    }

    /// Turns the next changes into deliveries; up to which change, and whether there are more.
    async fn make(&self, webhook: &webhook::Model) -> Result<(i64, bool), Error> {
        let reader = &self.store.reader;
        let snapshot = self.index.snapshot();
        let Some(place) = webhook::place(reader, webhook.id).await? else {
            return Ok((snapshot.seq, false));
        };
        let (cursor, scope) = (Cursor::read(&place.cursor, &webhook.scope).ok(), &webhook.scope);
        let page = match cursor {
            Some(cursor) => walk::page(&self.store, &snapshot, scope, cursor, PAGE).await,
            None => Err(Lost::Expired),
        };
        let now = self.clock.now();
        let number = |at: usize| place.made + i64::try_from(at).unwrap_or_default() + 1;
        let (made, cursor, more) = match page {
            Ok(page) if page.told.is_empty() && page.cursor.to_string() == place.cursor => {
                return Ok((snapshot.seq, page.more));
            }
            Ok(page) => {
                let made = page.told.iter().enumerate().map(|(at, told)| {
                    let ids = (ids::new(now), webhook.id, number(at));
                    let (listing, kind, body) = self.body(told);
                    delivery::Model::new(ids, Some(listing), kind, body, now)
                });
                (made.collect::<Vec<_>>(), page.cursor, page.more)
            }
            Err(Lost::Expired) => {
                let cursor = walk::now(&self.store, &snapshot, scope).await?;
                let ids = (ids::new(now), webhook.id, number(0));
                let body = event(CHANGES_LOST, now, &json!({"changes": self.link("/v1/changes")}));
                (vec![delivery::Model::new(ids, None, CHANGES_LOST, body, now)], cursor, true)
            }
            Err(Lost::Db(error)) => return Err(error.into()),
        };
        let count = i64::try_from(made.len()).unwrap_or_default();
        let mut writes: Vec<Write> = vec![place.moved(cursor.to_string(), count).into()];
        writes.extend(made.into_iter().map(Write::from));
        match self.writer.write(Unit::new(writes, ACTOR, now)).await {
            // Another node did.
            Ok(_) | Err(Error::Stale(_)) => Ok((snapshot.seq, more)),
            Err(error) => Err(error),
        }
    }

    /// What somebody is told of a listing: where to find it, and no more, so that it is never old.
    fn body(&self, told: &Told) -> (Uuid, &'static str, String) {
        match told {
            Told::Is(document) => {
                let at = document.record().listing.updated_at;
                let url = self.link(&format!("/v1/{}/{}", document.kind.plural(), document.id));
                let data = json!({"id": document.id, "kind": document.kind, "url": url,
                                  "version": document.version});
                (document.id, LISTING_CHANGED, event(LISTING_CHANGED, at, &data))
            }
            Told::Gone { id, kind, at, merged_into } => {
                let mut data = json!({"id": id, "kind": kind, "url": self.listing(*kind, *id)});
                if let Some(into) = merged_into {
                    data["merged_into"] = json!(into);
                }
                (*id, LISTING_DELETED, event(LISTING_DELETED, *at, &data))
            }
        }
    }

    fn listing(&self, kind: Kind, id: Uuid) -> String {
        self.link(&format!("/v1/{}/{id}", kind.plural()))
    }

    fn link(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_deref().unwrap_or_default())
    }

    /// Sends one delivery; a failure of the database leaves it to be sent again.
    async fn send_and_tell(&self, webhook: &webhook::Model, delivery: delivery::Model) {
        match self.send(webhook, delivery).await {
            // Another node has it.
            Ok(()) | Err(Error::Stale(_)) => {}
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a delivery is left as it is");
            }
        }
    }

    async fn send(&self, webhook: &webhook::Model, delivery: delivery::Model) -> Result<(), Error> {
        let Ok(_room) = self.calls.acquire().await else { return Ok(()) };
        let delivery = delivery.tried(self.clock.now());
        self.write(vec![delivery.clone().into()]).await?;
        let outcome = self.call(webhook, &delivery).await;
        let now = self.clock.now();
        let delivery = delivery.answered(outcome.status, &outcome.answer);
        match outcome.status {
            Some(200..=299) => self.write(vec![delivery.done(now).into()]).await,
            // "Gone": nobody is there any more, and nobody will be.
            Some(410) => {
                self.write(vec![delivery.done(now).into()]).await?;
                self.stop(webhook.id, Status::Ended, now).await
            }
            _ => {
                if let Some(later) = delivery.clone().put_off(now, outcome.retry_after) {
                    return self.write(vec![later.into()]).await;
                }
                // Kept, to be sent when its owner has it go on.
                let kept = delivery::Model { due_at: now, ..delivery.changed() };
                self.write(vec![kept.into()]).await?;
                self.stop(webhook.id, Status::Paused, now).await
            }
        }
    }

    /// Calls the address of a webhook.
    async fn call(&self, webhook: &webhook::Model, delivery: &delivery::Model) -> Outcome {
        let url = match Url::parse(&webhook.url) {
            Ok(url) if self.private == Private::Allow || outside::is_public_host(&url) => url,
            _ => return Outcome::none("the address is not on the public internet"),
        };
        let now = self.clock.now();
        let id = format!("msg_{}", delivery.id.simple());
        let signature = signature(webhook, &id, &delivery.body, now);
        let request = self
            .client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.timestamp())
            .header("webhook-signature", signature)
            .body(delivery.body.clone());
        match tokio::time::timeout(outside::PATIENCE, async {
            let response = request.send().await?;
            Ok::<_, reqwest::Error>(Outcome::of(response, now).await)
        })
        .await
        {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) if error.is_timeout() => Outcome::none("no answer in time"),
            Ok(Err(error)) if error.is_connect() => Outcome::none("cannot be reached"),
            Ok(Err(_)) => Outcome::none("the connection broke"),
            Err(_) => Outcome::none("no answer in time"),
        }
    }

    /// Pauses or ends a webhook, and tells its owner.
    async fn stop(&self, id: Uuid, status: Status, now: DateTime<Utc>) -> Result<(), Error> {
        let reader = &self.store.reader;
        let Some(webhook) = webhook::get(reader, id).await? else { return Ok(()) };
        if webhook.status != Status::Active {
            return Ok(());
        }
        let mut writes = Vec::new();
        if let Some(owner) = account::get(reader, webhook.account).await? {
            let (subject, text) = news(&webhook, status, owner.lang);
            let id = ids::new(now);
            writes.push(message::Model::new(id, owner.id, owner.lang, subject, text, now).into());
        }
        writes.push(webhook::Model { status, ..webhook.changed() }.into());
        self.write(writes).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), Error> {
        let now = self.clock.now();
        self.writer.write(Unit::new(writes, ACTOR, now)).await.map(|_| ())
    }
}

/// The type of what tells that a listing is not what it was, or is new.
const LISTING_CHANGED: &str = "listing.changed";
/// The type of what tells that a listing is not there any more, or not in scope.
const LISTING_DELETED: &str = "listing.deleted";
/// The type of what tells that the log does not reach back: `/v1/changes` has to be read anew.
const CHANGES_LOST: &str = "changes.lost";
/// The type of what an owner asks for to try it.
pub const TEST: &str = "webhook.test";

/// What is sent, as Standard Webhooks 1.0 has it.
pub fn event(kind: &str, at: DateTime<Utc>, data: &Value) -> String {
    let at = at.with_timezone(&DEFAULT_ZONE).fixed_offset();
    json!({"type": kind, "timestamp": at, "data": data}).to_string()
}

/// Of each listing the first; what is about none stands by itself.
fn first_of_each(undone: Vec<delivery::Model>) -> impl Iterator<Item = delivery::Model> {
    let mut seen = HashSet::new();
    undone.into_iter().filter(move |one| one.listing.is_none_or(|listing| seen.insert(listing)))
}

/// The signatures of a delivery (Standard Webhooks 1.0): one a secret, HMAC-SHA256 over id, time and
/// body.
fn signature(webhook: &webhook::Model, id: &str, body: &str, now: DateTime<Utc>) -> String {
    let signed = format!("{id}.{}.{body}", now.timestamp());
    let one = |secret: &str| {
        let key = secret.strip_prefix("whsec_").unwrap_or(secret);
        let key = STANDARD.decode(key).unwrap_or_default();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length is one");
        mac.update(signed.as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    };
    webhook.secrets(now).map(one).collect::<Vec<_>>().join(" ")
}

/// A new secret: 32 bytes that nobody can guess.
pub fn secret() -> String {
    let halves = [ids::salt(), ids::salt(), ids::salt()];
    let bytes: Vec<u8> = halves.iter().flat_map(|half| half.into_bytes()).take(33).collect();
    format!("whsec_{}", STANDARD_NO_PAD.encode(bytes))
}

/// What came of a call.
struct Outcome {
    status: Option<u16>,
    answer: String,
    retry_after: Option<TimeDelta>,
}

impl Outcome {
    fn none(why: &str) -> Self {
        Self { status: None, answer: why.to_owned(), retry_after: None }
    }

    async fn of(mut response: Response, now: DateTime<Utc>) -> Self {
        let status = response.status().as_u16();
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| pause(value.to_str().ok()?, now));
        let mut bytes = Vec::new();
        while bytes.len() < READ
            && let Ok(Some(chunk)) = response.chunk().await
        {
            bytes.extend_from_slice(&chunk[..chunk.len().min(READ)]);
        }
        let answer: String = String::from_utf8_lossy(&bytes)
            .chars()
            .filter(|c| !c.is_control() || *c == '\n')
            .collect();
        Self { status: Some(status), answer, retry_after }
    }
}

/// RFC 9110 §10.2.3: seconds, or a date.
fn pause(value: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    if let Ok(seconds) = value.trim().parse::<u32>() {
        return TimeDelta::try_seconds(seconds.into());
    }
    let at = DateTime::parse_from_rfc2822(value.trim()).ok()?;
    Some(at.to_utc() - now).filter(|pause| *pause > TimeDelta::zero())
}

/// What an owner is told whose webhook was stopped.
fn news(webhook: &webhook::Model, status: Status, lang: Lang) -> (&'static str, String) {
    let url = &webhook.url;
    match (lang, status) {
        (Lang::En, Status::Ended) => (
            "A webhook of yours has ended",
            format!("{url} answered 410 (Gone). Nothing is sent there any more."),
        ),
        (Lang::En, _) => (
            "A webhook of yours is paused",
            format!(
                "{url} has taken nothing for three days. Nothing is lost: once it works again, set it to \
                 active and it is told everything that has happened since."
            ),
        ),
        (Lang::Id | Lang::Jv, Status::Ended) => (
            "Webhook Anda berakhir",
            format!("{url} menjawab 410 (Gone). Tidak ada lagi yang dikirim ke sana."),
        ),
        (Lang::Id | Lang::Jv, _) => (
            "Webhook Anda dijeda",
            format!(
                "{url} tidak menerima apa pun selama tiga hari. Tidak ada yang hilang: setelah alamat itu \
                 berfungsi kembali, aktifkan lagi, dan semua yang terjadi akan dikirim."
            ),
        ),
    }
}
