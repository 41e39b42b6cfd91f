//! A crowd that changes the same listings at once: nothing acknowledged is lost, nothing done twice.

use std::collections::{BTreeMap, BTreeSet};

use domain::account::Role;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tests::Service;

const PATCHES: usize = 1000;
const LISTINGS: usize = 10;
/// How many are on their way at a time.
const AT_ONCE: usize = 100;

/// Half of them say the version they think is there, as a client would that has just read it, half
/// one that is old.
#[tokio::test]
async fn of_a_thousand_changes_at_once_every_acknowledged_one_is_on_record_once() {
    let service = Service::start().await;
    let admin = service.person(Role::Admin, &[]).await;
    let mut slugs = Vec::new();
    for n in 0..LISTINGS {
        let body = json!({"name": {"id": format!("Ramai {n}")}, "category": "nature.beach"});
        let reply = service.say(&admin, "POST", "/v1/places", &body).await;
        slugs.push(reply.body["slug"].as_str().unwrap().to_owned());
    }
    let one = async |n: usize| {
        let slug = &slugs[n % LISTINGS];
        let version = if n.is_multiple_of(2) {
            let now = service.read(&admin, &format!("/v1/listings/{slug}")).await;
            now.body["version"].as_i64().unwrap()
        } else {
            1
        };
        let patch = json!({"tags": [format!("n-{n}")]});
        let path = format!("/v1/places/{slug}");
        let request = service.saying(&admin, "PATCH", &path, &patch);
        let reply = service.send(request.header("if-match", format!("\"{version}\""))).await;
        match reply.status.as_u16() {
            200 => {
                assert_eq!(reply.body["tags"], patch["tags"]);
                let made = reply.body["version"].as_i64().unwrap();
                assert_eq!(made, version + 1, "it was made of the version it was read from");
                Some((slug.clone(), made, format!("n-{n}")))
            }
            412 => None,
            other => panic!("{other}: {}", reply.text),
        }
    };
    let acknowledged: Vec<(String, i64, String)> = stream::iter(0..PATCHES)
        .map(one)
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(acknowledged.len() >= LISTINGS, "{}", acknowledged.len());

    let mut recorded: BTreeSet<(String, i64, String)> = BTreeSet::new();
    let mut last: BTreeMap<String, (i64, Value)> = BTreeMap::new();
    for slug in &slugs {
        let mut path = format!("/v1/listings/{slug}/history?limit=100");
        loop {
            let page = service.read(&admin, &path).await;
            for entry in page.body["items"].as_array().unwrap() {
                if entry["action"] == "edit" {
                    let tag = entry["after"]["tags"][0].as_str().unwrap().to_owned();
                    let version = entry["version"].as_i64().unwrap();
                    assert!(recorded.insert((slug.clone(), version, tag)), "twice: {entry}");
                }
            }
            let Some(cursor) = page.body["cursor"].as_str() else { break };
            path = format!("/v1/listings/{slug}/history?limit=100&cursor={cursor}");
        }
        let now = service.read(&admin, &format!("/v1/listings/{slug}")).await;
        last.insert(
            slug.clone(),
            (now.body["version"].as_i64().unwrap(), now.body["tags"].clone()),
        );
    }
    assert_eq!(recorded, acknowledged.iter().cloned().collect());
    for (slug, version, tag) in &acknowledged {
        let (newest, tags) = &last[slug];
        assert!(version <= newest);
        if version == newest {
            assert_eq!(tags, &json!([tag]), "the last acknowledged change is what is stored");
        }
    }
}
