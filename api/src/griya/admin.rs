//! `griya admin`.

use std::io::Write as _;

use api::{clock::Clock, config::Settings, ids};
use domain::{
    Error,
    account::{self, Address, Role},
    audit::Entry,
    session,
    text::Lang,
    writer::{Unit, Writer},
};

use super::{Failure, open_migrated};

/// Who the log says did it.
const ACTOR: &str = "operator";
/// How often it is tried anew because the service wrote the same account in between.
const RACES: usize = 32;

/// `griya admin create EMAIL`.
pub async fn create(settings: &Settings, email: &str) -> Result<(), Failure> {
    let address: Address = email.parse().map_err(|fault| Failure::new(email, &fault))?;
    let store = open_migrated(settings).await?;
    let writer = Writer::start(&store);
    let token = ids::token();
    for _ in 0..RACES {
        let known = account::at(&store.reader, &address)
            .await
            .map_err(|error| Failure::new("cannot read the database", &error))?;
        match writer.write(appointing(known, address.clone(), &token)).await {
            Ok(_) => {
                tracing::info!("made an administrator; the token is told this once");
                return writeln!(std::io::stdout(), "{token}")
                    .map_err(|error| Failure::new("cannot print the token", &error));
            }
            Err(Error::Stale(_) | Error::Invalid(_)) => {}
            Err(error) => return Err(Failure::new("cannot make an administrator", &error)),
        }
    }
    Err(Failure("the account is being written all the time: try again".to_owned()))
}

/// Makes an administrator of `known`, else of somebody new at `address`, and opens a session.
fn appointing(known: Option<account::Model>, address: Address, token: &str) -> Unit {
    let now = Clock::system().now();
    let before = known.as_ref().map(|known| known.role.name());
    let mut after = match known {
        Some(known) => known.changed(),
        None => account::Model::new(ids::new(now), address, Lang::Id, now),
    };
    after.role = Role::Admin;
    after.agencies = account::Agencies::default();
    let session = session::Model::new(ids::new(now), after.id, token, None, now);
    let entry = Entry::new("appoint", after.id, after.version)
        .with("before", before.map(|role| serde_json::json!({"role": role})), ids::salt())
        .with("after", serde_json::json!({"role": Role::Admin}), ids::salt());
    let mut unit = Unit::new(vec![after.into(), session.into()], ACTOR, now);
    unit.entries.push(entry);
    unit
}
