//! What tells machines where things are.

use tests::{Place, Service};

#[tokio::test]
async fn a_sitemap_leads_to_everything_that_is_not_invented() {
    let place = Place::with_fixtures().await;
    let service = Service::over(place, &["--public-url=https://griya.example"]).await;
    let index = service.get("/sitemap.xml").await;
    assert_eq!(index.header("content-type"), "application/xml");
    let part = "https://griya.example/sitemaps/1.xml";
    assert!(
        index.text.contains(&format!("<sitemap><loc>{part}</loc></sitemap>")),
        "{}",
        index.text
    );
    assert_eq!(index.text.matches("<loc>").count(), 1);
    let map = service.get("/sitemaps/1.xml").await;
    let addresses: Vec<&str> =
        map.text.split("<loc>").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
    assert_eq!(map.text.matches("<lastmod>20").count(), addresses.len());
    assert!(addresses.len() > 100 && addresses.iter().all(|address| !address.contains("/contoh-")));
    for address in &addresses[..5] {
        let path = address.strip_prefix("https://griya.example").unwrap();
        assert_eq!(service.get(path).await.status, 200, "{address}");
    }
    let tag = map.header("etag").to_owned();
    let again = service.send(service.request("/sitemaps/1.xml").header("if-none-match", tag)).await;
    assert_eq!(again.status, 304);
    for none in ["/sitemaps/0.xml", "/sitemaps/2.xml", "/sitemaps/01.xml", "/sitemaps/1"] {
        assert_eq!(service.get(none).await.status, 404, "{none}");
    }
    assert!(
        service
            .get("/robots.txt")
            .await
            .text
            .ends_with("Sitemap: https://griya.example/sitemap.xml\n")
    );
    let search = service.get("/opensearch.xml").await;
    assert_eq!(search.header("content-type"), "application/opensearchdescription+xml");
    assert!(search.text.contains("template=\"https://griya.example/v1/discover?q={searchTerms}\""));
}

#[tokio::test]
async fn where_the_service_does_not_know_its_address_there_is_no_sitemap() {
    let service = Service::start().await;
    for path in ["/sitemap.xml", "/sitemaps/1.xml", "/opensearch.xml"] {
        assert_eq!(service.get(path).await.status, 404, "{path}");
    }
    let robots = service.get("/robots.txt").await;
    assert_eq!(robots.status, 200);
    assert!(!robots.text.contains("Sitemap:"));
}
