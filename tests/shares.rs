//! Several nodes on one database: each gives its share of a limit, and says so.

use chrono::TimeDelta;
use tests::{NOON, Place, Service, at, server};

/// The limit of an address as a node tells it.
async fn told(service: &Service) -> String {
    service.get("/v1/places?limit=1").await.header("ratelimit-policy").to_owned()
}

const WHOLE: &str = "\"address\";q=2000;w=40";
const HALF: &str = "\"address\";q=1000;w=40";

#[tokio::test]
async fn each_node_gives_its_share_of_a_limit_and_all_of_it_once_the_other_is_dead() {
    // A file is one node's.
    if server().is_none() {
        return;
    }
    let place = Place::with_fixtures().await;
    let second = place.shared();
    let first = Service::over(place, &["--rate", "on"]).await;
    first.app.beat().await.unwrap();
    assert_eq!(told(&first).await, WHOLE);
    let second = Service::over(second, &["--rate", "on"]).await;
    second.app.beat().await.unwrap();
    first.app.beat().await.unwrap();
    assert_eq!((told(&first).await, told(&second).await), (HALF.to_owned(), HALF.to_owned()));
    let left = second.get("/v1/places?limit=1").await.header("ratelimit").to_owned();
    assert!(left.starts_with("\"address\";r=99"), "{left}");
    // One that is not heard of for fifteen seconds is dead; one that is heard of again is not.
    let later = |seconds| at(NOON) + TimeDelta::seconds(seconds);
    first.clock.set(later(14));
    first.app.beat().await.unwrap();
    assert_eq!(told(&first).await, HALF);
    first.clock.set(later(15));
    first.app.beat().await.unwrap();
    assert_eq!(told(&first).await, WHOLE);
    second.clock.set(later(16));
    second.app.beat().await.unwrap();
    first.app.beat().await.unwrap();
    assert_eq!((told(&first).await, told(&second).await), (HALF.to_owned(), HALF.to_owned()));
}

#[tokio::test]
async fn a_node_that_ends_leaves_its_share_at_once_and_without_the_database_the_last_count_holds() {
    if server().is_none() {
        return;
    }
    let place = Place::with_fixtures().await;
    let second = place.shared();
    let first = Service::over(place, &["--rate", "on"]).await;
    let second = Service::over(second, &["--rate", "on"]).await;
    second.app.beat().await.unwrap();
    first.app.beat().await.unwrap();
    assert_eq!(told(&first).await, HALF);
    second.app.store.writer.close_by_ref().await.unwrap();
    assert!(second.app.beat().await.is_err());
    assert_eq!(told(&second).await, HALF);
    first.app.end().await;
    let third = Service::over(first.place.shared(), &["--rate", "on"]).await;
    third.app.beat().await.unwrap();
    // The second has not been heard to end; the first has.
    assert_eq!(told(&third).await, HALF);
}

#[tokio::test]
async fn a_node_over_a_file_is_alone_and_writes_nothing_to_say_so() {
    if server().is_some() {
        return;
    }
    let service = Service::over(Place::with_fixtures().await, &["--rate", "on"]).await;
    service.app.beat().await.unwrap();
    assert_eq!(told(&service).await, WHOLE);
    let nodes = domain::node::alive(&service.app.store.reader, at(NOON)).await.unwrap();
    assert_eq!(nodes, 0);
}
