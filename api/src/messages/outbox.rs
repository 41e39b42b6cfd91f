//! Outbox: the one task of a node that sends the messages that were written.
//!
//! A message is sent at least once. Whoever will try says so in its row first (a compare-and-swap
//! on the version), so that of several nodes one sends it; a node that stops between sending and
//! saying so leaves it to be sent again, after the pause that follows every try.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use domain::{
    Error, account,
    message::{self, TRIES},
    store::Store,
    writer::{Unit, Writer},
};
use futures_util::{StreamExt as _, stream};
use tokio::sync::Notify;

use super::{Letter, Messenger};
use crate::clock::Clock;

/// How often it looks without being poked.
const LOOK: Duration = Duration::from_secs(5);
/// Messages looked at together.
const BATCH: u64 = 1000;
/// Messages on their way at once.
const AT_ONCE: usize = 8;
/// Who writes that a message was sent.
const ACTOR: &str = "outbox";

/// A handle to the task. Cheap to clone; the task ends when the last one is gone.
#[derive(Debug, Clone)]
pub struct Outbox(Arc<Notify>);

impl Outbox {
    /// Starts the task.
    pub fn start(store: Store, writer: Writer, messenger: Messenger, clock: Clock) -> Self {
        let poke = Arc::new(Notify::new());
        let outbox = Self(Arc::clone(&poke));
        let alive = Arc::downgrade(&poke);
        drop(poke);
        tokio::spawn(async move {
            while let Some(poke) = alive.upgrade() {
                let sender = Sender { store: &store, writer: &writer, messenger: &messenger };
                if let Err(error) = sender.send_due(clock.now()).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "cannot look for messages");
                }
                let _ = tokio::time::timeout(LOOK, poke.notified()).await;
            }
        });
        outbox
    }

    /// There is something to send.
    pub fn poke(&self) {
        self.0.notify_one();
    }
}

struct Sender<'a> {
    store: &'a Store,
    writer: &'a Writer,
    messenger: &'a Messenger,
}

impl Sender<'_> {
    async fn send_due(&self, now: DateTime<Utc>) -> Result<(), Error> {
        let unsent = message::unsent(&self.store.reader, BATCH).await?;
        let due = unsent.into_iter().filter(|message| message.due_at() <= now);
        stream::iter(due)
            .for_each_concurrent(AT_ONCE, |message| async {
                match self.send(message, now).await {
                    // Another node has it.
                    Ok(()) | Err(Error::Stale(_)) => {}
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(error, "a message is left as it is");
                    }
                }
            })
            .await;
        Ok(())
    }

    async fn send(&self, message: message::Model, now: DateTime<Utc>) -> Result<(), Error> {
        let message = message.tried();
        self.write(message.clone(), now).await?;
        let account = account::get(&self.store.reader, message.account).await?;
        let Some(to) = account.and_then(|account| account.address()) else {
            return self.write(message.done(now), now).await;
        };
        let letter =
            Letter { subject: message.subject.clone(), text: message.text.clone(), code: None };
        let (id, tries) = (message.id, message.tries);
        match self.messenger.send(&to, &letter).await {
            Ok(()) => self.write(message.done(now), now).await,
            Err(error) => {
                let given_up = tries >= TRIES;
                tracing::error!(%error, %id, tries, given_up, "a message was not sent");
                if given_up { self.write(message.done(now), now).await } else { Ok(()) }
            }
        }
    }

    async fn write(&self, message: message::Model, now: DateTime<Utc>) -> Result<(), Error> {
        self.writer.write(Unit::new(vec![message.into()], ACTOR, now)).await.map(|_| ())
    }
}
