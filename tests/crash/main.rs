//! Nothing acknowledged is lost, and nothing is half done: whatever is killed, stopped or full.
//!
//! Short by default. `tests/crash/run` makes the long runs: see CONTRIBUTING.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod faults;
mod node;
mod receiver;
mod server;
mod town;
mod worker;

use std::time::Duration;

use tests::{Place, client, number};
use uuid::Uuid;

use crate::{
    node::Node,
    server::Server,
    town::{Load, Tally},
};

/// A seed, another one each time unless it is given, and told.
fn seed() -> u64 {
    let random = u32::try_from(Uuid::new_v4().as_u128() >> 96).unwrap();
    let seed = number("SEED", usize::try_from(random).unwrap());
    eprintln!("SEED={seed}");
    seed as u64
}

fn verdict(what: &str, tally: &Tally) {
    let Tally { acknowledged, lost, faults } = tally;
    println!("{what}: acknowledged={acknowledged} lost={lost}");
    assert!(
        faults.is_empty() && *lost == 0,
        "{} faults, such as {:?}",
        faults.len(),
        faults.first()
    );
    assert!(*acknowledged > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_killed_again_and_again_loses_nothing_it_acknowledged() {
    let kills = number("KILLS", 3);
    let (is_long, rate) = (kills > 3, number("RATE", 50));
    let postgres = Server::start();
    let (what, place) = match &postgres {
        Some(server) => ("postgres", server.place("griya").await),
        None => ("sqlite", Place::bare().await),
    };
    let mut load = Load::start(place, 1, rate, seed()).await;
    let mut lost = 0;
    for kill in 1..=kills {
        // In the middle of any write, or between two.
        let writes = 1 + load.random.below(rate);
        load.work(writes).await;
        let pause = load.random.below(40) as u64;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        load.kill(0);
        load.start_again(0).await;
        if kill % 10 == 0 || !is_long {
            lost += load.check(kill % 50 == 0).await;
            eprintln!("{kill} kills, {} acknowledged, {lost} lost", load.town.count());
        }
    }
    let mut tally = load.end(is_long).await;
    tally.lost += lost;
    verdict(&format!("{what}, {kills} kills"), &tally);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_end_equal_though_one_is_killed_and_the_database_crashes() {
    let Some(server) = Server::start() else { return };
    let (rounds, rate) = (number("ROUNDS", 1), number("RATE", 50));
    let mut load = Load::start(server.place("griya").await, 3, rate, seed()).await;
    for _ in 0..rounds {
        let writes = 20 + load.random.below(rate);
        load.work(writes).await;
        let at = load.random.below(3);
        load.sleep((at + 1) % 3, 20).await;
        load.kill(at);
        load.work(10).await;
        server.stop("immediate");
        tokio::time::sleep(Duration::from_millis(500)).await;
        server.go_on();
        load.work(20).await;
        load.start_again(at).await;
        load.work(20).await;
        assert_eq!(load.check(true).await, 0);
    }
    let tally = load.end(rounds > 1).await;
    verdict(&format!("three nodes, {rounds} rounds"), &tally);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_that_is_killed_again_and_again_comes_up_whole() {
    let postgres = Server::start();
    let place = match &postgres {
        Some(server) => server.place("griya").await,
        None => Place::bare().await,
    };
    let mut random = town::Random(seed());
    for _ in 0..number("STARTS", 5) {
        let mut node = Node::spawn(&place, &[]);
        tokio::time::sleep(Duration::from_millis(random.below(700) as u64)).await;
        node.kill();
    }
    let mut node = Node::spawn(&place, &[]);
    let url = node.address().await.unwrap_or_else(|| panic!("{}", node.log()));
    let total = async |url: &str| {
        let said: serde_json::Value =
            client().get(format!("{url}/v1/discover")).send().await.unwrap().json().await.unwrap();
        said["total"].as_u64().unwrap()
    };
    let whole = match &postgres {
        Some(server) => server.place("whole").await,
        None => Place::bare().await,
    };
    let mut other = Node::spawn(&whole, &[]);
    let other_url = other.address().await.unwrap_or_else(|| panic!("{}", other.log()));
    assert_eq!(total(&url).await, total(&other_url).await);
}
