//! Finding: the answers that a tourist, a partner and a map rely on.

use tests::Service;

#[tokio::test]
async fn what_is_near_parangtritis_comes_with_true_distances() {
    let service = Service::start().await;
    let reply = service.get("/v1/discover?lat=-8.02&lon=110.32&radius_m=3000&kind=place&lang=id").await;
    assert_eq!(reply.status, 200);
    insta::assert_json_snapshot!(reply.names(), @"");
}
