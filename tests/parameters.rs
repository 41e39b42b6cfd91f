//! Bad input of every kind: each is a 400 that names it, and all faults come at once.

use domain::position::Position;
use insta::assert_json_snapshot;
use proptest::prelude::*;
use search::shape::polyline;
use serde_json::{Value, json};
use tests::{Reply, Service};

/// The parameter and code of every fault.
fn faults(reply: &Reply) -> Vec<(String, String)> {
    assert_eq!(reply.status, 400, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let errors = reply.body["errors"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    errors.iter().map(|error| (text(&error["parameter"]), text(&error["code"]))).collect()
}

#[tokio::test]
async fn each_broken_rule_is_named_with_its_code() {
    let service = Service::start().await;
    let cases = [
        ("/v1/places?limit=101", "limit", "out_of_range"),
        ("/v1/places?limit=0", "limit", "out_of_range"),
        ("/v1/places?limit=-1", "limit", "out_of_range"),
        ("/v1/places?limit=1.5", "limit", "out_of_range"),
        ("/v1/places?limit=5&limit=6", "limit", "repeated"),
        ("/v1/places?near_me=1", "near_me", "unknown_parameter"),
        ("/v1/places?kind=place", "kind", "unknown_parameter"),
        ("/v1/places?within=abc", "within", "bad_format"),
        ("/v1/places?within=????????", "within", "too_short"),
        ("/v1/places?route=????&corridor_m=100", "route", "too_short"),
        ("/v1/places?route=_p~iF~ps%7CU_ulLnnqC", "corridor_m", "missing"),
        ("/v1/places?corridor_m=100", "route", "missing"),
        ("/v1/places?corridor_m=5001&route=_p~iF~ps%7CU_ulLnnqC", "corridor_m", "out_of_range"),
        ("/v1/places?within=~~~~~~~~", "within", "bad_format"),
        ("/v1/places?highlight=true", "highlight", "needs_words"),
        ("/v1/places?highlight=yes&q=batik", "highlight", "bad_format"),
        ("/v1/discover?kind=thing", "kind", "unknown_value"),
        ("/v1/discover?lat=-8", "lon", "missing"),
        ("/v1/discover?lon=110", "lat", "missing"),
        ("/v1/discover?lat=-91&lon=110", "lat", "out_of_range"),
        ("/v1/discover?lat=NaN&lon=110", "lat", "out_of_range"),
        ("/v1/discover?lat=-8&lon=inf", "lon", "out_of_range"),
        ("/v1/discover?lat=-8&lon=110&radius_m=0", "radius_m", "out_of_range"),
        ("/v1/discover?lat=-8&lon=110&radius_m=100001", "radius_m", "out_of_range"),
        ("/v1/discover?radius_m=500", "radius_m", "needs_point"),
        ("/v1/discover?sort=distance", "sort", "needs_point"),
        ("/v1/discover?sort=relevance", "sort", "needs_words"),
        ("/v1/discover?sort=name&seed=a", "seed", "needs_fair"),
        ("/v1/discover?format=json&format=geojson", "format", "repeated"),
        ("/v1/discover?sort=price", "sort", "unknown_value"),
        ("/v1/discover?near=atlantis", "near", "unknown_reference"),
        ("/v1/discover?near=pantai-depok&lat=-8&lon=110", "near", "contradiction"),
        ("/v1/discover?bbox=1,2,3", "bbox", "bad_format"),
        ("/v1/discover?bbox=110,-7,111,-8", "bbox", "bad_order"),
        ("/v1/discover?bbox=110,-99,111,-8", "bbox", "out_of_range"),
        ("/v1/discover?area=99.99", "area", "unknown_reference"),
        ("/v1/discover?area=34.2", "area", "bad_format"),
        ("/v1/discover?category=nature.volcano", "category", "unknown_reference"),
        ("/v1/discover?category=Nature", "category", "bad_format"),
        ("/v1/discover?agency=nobody", "agency", "unknown_reference"),
        ("/v1/discover?lang=fr", "lang", "unknown_value"),
        ("/v1/discover?q=", "q", "missing"),
        ("/v1/discover?q=%20%20", "q", "missing"),
        ("/v1/discover?q=%00", "q", "control_character"),
        ("/v1/discover?q=%FF", "q", "bad_encoding"),
        ("/v1/discover?open_at=noon", "open_at", "bad_format"),
        ("/v1/discover?open_at=2026-11-24", "open_at", "bad_format"),
        ("/v1/discover?from=2026-13-01", "from", "bad_format"),
        ("/v1/discover?from=2027-01-02&to=2027-01-01", "to", "bad_order"),
        ("/v1/discover?from=99999-01-01", "from", "bad_format"),
        ("/v1/discover?updated_since=yesterday", "updated_since", "bad_format"),
        ("/v1/discover?free=yes", "free", "bad_format"),
        ("/v1/discover?facility=pool", "facility", "unknown_value"),
        ("/v1/discover?language_spoken=indonesian", "language_spoken", "bad_format"),
        ("/v1/discover?id=7", "id", "bad_format"),
        ("/v1/discover?facets=colour", "facets", "unknown_value"),
        ("/v1/discover?fields=colour", "fields", "unknown_field"),
        ("/v1/discover?fields=", "fields", "unknown_field"),
        ("/v1/discover?cursor=abc", "cursor", "bad_format"),
        ("/v1/discover?format=xml", "format", "unknown_value"),
        ("/v1/places/pantai-depok?texts=some", "texts", "unknown_value"),
        ("/v1/places/pantai-depok?limit=3", "limit", "unknown_parameter"),
        ("/v1/suggest", "q", "missing"),
        ("/v1/suggest?q=a&limit=21", "limit", "out_of_range"),
        ("/v1/areas?level=village", "level", "unknown_value"),
        ("/v1/areas?parent=99", "parent", "unknown_reference"),
        ("/v1/areas/at?lat=-8", "lon", "missing"),
        ("/v1/calendar?from=2027-01-01&to=2028-01-02", "to", "out_of_range"),
        ("/v1/calendar?from=now", "from", "bad_format"),
        ("/v1/events/labuhan-parangkusumo/occurrences?to=2099-01-01", "to", "out_of_range"),
        ("/v1/categories?level=1", "level", "unknown_parameter"),
    ];
    for (path, parameter, code) in cases {
        let reply = service.get(path).await;
        let expected = (parameter.to_owned(), code.to_owned());
        assert!(faults(&reply).contains(&expected), "{path}: {}", reply.text);
    }
}

#[tokio::test]
async fn all_faults_come_at_once_in_the_reader_s_language() {
    let service = Service::start().await;
    let path = "/v1/places?lat=-98&radius_m=x&limit=999&colour=red&sort=size&lang=en";
    let mut reply = service.get(path).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.header("content-language"), "en");
    assert_eq!(reply.header("x-request-id"), reply.body["request_id"]);
    reply.body["request_id"] = json!("…");
    assert_json_snapshot!(reply.body, @r#"
    {
      "type": "/problems/invalid-parameter",
      "title": "Invalid parameter",
      "status": 400,
      "detail": "lat: must be a number between -90 and 90; lon: must come together with lat; radius_m: must be a number between 1 and 100000; sort: must be one of: relevance, distance, name, updated, start, fair; limit: must be a number between 1 and 100; colour: is no parameter here",
      "instance": "/v1/places",
      "request_id": "…",
      "errors": [
        {
          "parameter": "lat",
          "code": "out_of_range",
          "detail": "must be a number between -90 and 90"
        },
        {
          "parameter": "lon",
          "code": "missing",
          "detail": "must come together with lat"
        },
        {
          "parameter": "radius_m",
          "code": "out_of_range",
          "detail": "must be a number between 1 and 100000"
        },
        {
          "parameter": "sort",
          "code": "unknown_value",
          "detail": "must be one of: relevance, distance, name, updated, start, fair"
        },
        {
          "parameter": "limit",
          "code": "out_of_range",
          "detail": "must be a number between 1 and 100"
        },
        {
          "parameter": "colour",
          "code": "unknown_parameter",
          "detail": "is no parameter here"
        }
      ]
    }
    "#);
    let indonesian = service.get("/v1/places?limit=999").await;
    assert_eq!(indonesian.body["title"], "Parameter tidak valid");
}

#[tokio::test]
async fn every_documented_parameter_is_taken_where_it_is_documented() {
    let service = Service::start().await;
    for (path, item) in api::document()["paths"].as_object().unwrap() {
        let path = path.replace("{code}", "34.02").replace("{id}", "labuhan-parangkusumo");
        for parameter in item["get"]["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] != "query" || parameter["example"].is_null() {
                continue;
            }
            let name = parameter["name"].as_str().unwrap();
            let example = &parameter["example"];
            let example = if example.is_array() { &example[0] } else { example };
            let value = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            let value = value.replace('+', "%2B").replace(' ', "+");
            let reply = service.get(&format!("{path}?{name}={value}")).await;
            let unknown = reply.body["errors"].as_array().is_some_and(|errors| {
                errors.iter().any(|error| {
                    error["parameter"] == name
                        && error["code"] != "missing"
                        && error["code"] != "needs_point"
                        && error["code"] != "needs_words"
                })
            });
            assert!(!unknown, "{path}?{name}={value}: {}", reply.text);
        }
    }
}

#[tokio::test]
async fn a_ring_and_a_road_of_the_most_vertices_fit_into_an_address() {
    let service = Service::start().await;
    // From one end of the earth to the other: no step is longer in letters.
    let far = |at: u32| {
        let (lat, lon) = if at.is_multiple_of(2) { (-84.0, -179.0) } else { (84.0, 179.0) };
        Position::new(lat + f64::from(at) * 1e-3, lon).unwrap()
    };
    let line = polyline::encode(&(0..500).map(far).collect::<Vec<_>>());
    let encoded: String = line.bytes().map(|letter| format!("%{letter:02X}")).collect();
    let path = format!("/v1/discover?within={encoded}&route={encoded}&corridor_m=100");
    assert!(path.len() > 30_000, "{}", path.len());
    assert_eq!(service.get(&path).await.status, 200);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever stands behind any parameter, the answer is 200 or a 400 that is well formed.
    #[test]
    fn no_text_makes_the_service_fail(values in prop::collection::vec(any::<String>(), 44)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let service = Service::start().await;
            let parameters = &api::document()["paths"]["/v1/discover"]["get"]["parameters"];
            for (parameter, value) in parameters.as_array().unwrap().iter().zip(values) {
                let name = parameter["name"].as_str().unwrap().to_owned();
                let request = service.request("/v1/discover").query(&[(name, value)]);
                let reply = service.send(request).await;
                prop_assert!([200, 400, 406].contains(&reply.status.as_u16()), "{}", reply.text);
                prop_assert!(reply.body.is_object());
            }
            Ok(())
        })?;
    }
}
