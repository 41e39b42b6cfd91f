//! Finding: the answers that a tourist, a partner and a map rely on.

use domain::account::Role;
use serde_json::{Value, json};
use tests::Service;

/// Each item's name with one more member.
fn with<'a>(body: &'a Value, member: &str) -> Vec<(&'a str, Value)> {
    let items = body["items"].as_array().unwrap();
    items.iter().map(|item| (item["name"].as_str().unwrap(), item[member].clone())).collect()
}

#[tokio::test]
async fn what_is_near_parangtritis_comes_nearest_first_with_true_distances() {
    let service = Service::start().await;
    let reply = service.get("/v1/discover?lat=-8.02&lon=110.32&radius_m=3000&kind=place").await;
    assert_eq!(reply.status, 200);
    // By Karney's geodesics to the points of the fixtures.
    assert_eq!(
        with(&reply.body, "distance_m"),
        [
            ("Gumuk Pasir Parangkusumo", json!(221.2)),
            ("Pantai Cemara Sewu", json!(562.2)),
            ("Pantai Parangkusumo", json!(643.3)),
            ("Pantai Parangtritis", json!(1179.0)),
            ("Goa Jepang Surocolo", json!(2372.9)),
        ]
    );
    assert_eq!(reply.body["total"], 5);
    assert_eq!(reply.body["cursor"], Value::Null);
}

#[tokio::test]
async fn a_beach_beyond_the_official_line_is_in_its_area_and_says_that_it_is_inferred() {
    let service = Service::start().await;
    let reply = service.get("/v1/discover?area=34.02.03&kind=place&sort=name").await;
    assert!(reply.names().contains(&"Pantai Parangtritis"), "{:?}", reply.names());
    let beach = service.get("/v1/places/pantai-parangtritis").await;
    assert_eq!(
        beach.body["area"],
        json!({"code": "34.02.03.2002", "name": "Parangtritis, Kretek", "inferred": true})
    );
}

#[tokio::test]
async fn batik_tulis_leads_to_giriloyo() {
    let service = Service::start().await;
    let reply = service.get("/v1/discover?q=batik%20tulis").await;
    assert!(reply.each("slug").contains(&"sentra-batik-tulis-giriloyo"), "{:?}", reply.names());
    for name in reply.names() {
        assert!(!name.is_empty());
    }
}

#[tokio::test]
async fn more_and_rarer_words_rank_higher_and_none_is_compulsory() {
    let service = Service::start().await;
    let reply = service.get("/v1/discover?q=museum+wayang+zzzz").await;
    assert_eq!(reply.names()[0], "Museum Wayang Kekayon");
    let alone = service.get("/v1/discover?q=zzzz").await;
    assert_eq!((alone.status.as_u16(), &alone.body["total"]), (200, &json!(0)));
}

#[tokio::test]
async fn signs_emoji_and_other_scripts_find_nothing_and_break_nothing() {
    let service = Service::start().await;
    for q in ["%F0%9F%8F%96", "!!!", "%E6%B5%B7", "%D8%A8", "%27%22%3B--", "%25", "a%CC%81"] {
        let reply = service.get(&format!("/v1/discover?q={q}")).await;
        assert_eq!(reply.status, 200, "{q}: {}", reply.text);
    }
}

#[tokio::test]
async fn words_are_found_in_any_language_whatever_the_reader_s() {
    let service = Service::start().await;
    for q in ["parangtritis+beach", "segara+parangtritis", "pantai+parangtritis"] {
        let reply = service.get(&format!("/v1/places?q={q}&lang=en&limit=1")).await;
        assert_eq!(reply.names(), ["Parangtritis Beach"], "{q}");
    }
}

#[tokio::test]
async fn near_a_listing_is_near_its_point_without_itself() {
    let service = Service::start().await;
    let near = service.get("/v1/places?near=pantai-parangtritis&limit=100").await;
    let around = service.get("/v1/places?lat=-8.0247&lon=110.3296&limit=100").await;
    assert!(!near.names().contains(&"Pantai Parangtritis"));
    let mut others = around.names();
    others.retain(|name| *name != "Pantai Parangtritis");
    assert_eq!(near.names(), others);
}

#[tokio::test]
async fn by_distance_without_a_radius_reaches_everything_and_puts_the_pointless_last() {
    let service = Service::start().await;
    let reply = service.get("/v1/discover?lat=-8.02&lon=110.32&sort=distance&limit=1").await;
    let all = service.get("/v1/discover?limit=1").await;
    assert_eq!(reply.body["total"], all.body["total"]);
}

#[tokio::test]
async fn a_box_may_cross_the_antimeridian() {
    let service = Service::start().await;
    let here = service.get("/v1/places?bbox=110.3,-8.05,110.36,-7.98&limit=100").await;
    let across = service.get("/v1/places?bbox=170,-90,-170,90").await;
    let round = service.get("/v1/places?bbox=110.3,-8.05,110.29,-7.98&limit=100").await;
    assert!(here.names().contains(&"Pantai Parangtritis"));
    assert_eq!(across.body["total"], 0);
    assert!(round.body["total"].as_u64() >= here.body["total"].as_u64(), "all round the world");
}

#[tokio::test]
async fn a_category_includes_its_children_and_names_are_or_within_and_between() {
    let service = Service::start().await;
    let total = async |query: &str| {
        service.get(&format!("/v1/places?{query}")).await.body["total"].as_u64().unwrap()
    };
    let [nature, beach, cave] = [
        total("category=nature").await,
        total("category=nature.beach").await,
        total("category=nature.cave").await,
    ];
    assert!(beach > 0 && cave > 0 && nature > beach + cave);
    assert_eq!(total("category=nature.beach&category=nature.cave").await, beach + cave);
    assert_eq!(total("category=nature.beach&area=34.02.03").await, 4);
}

#[tokio::test]
async fn a_filter_about_one_kind_leaves_only_that_kind() {
    let service = Service::start().await;
    for (filter, kind) in [
        ("form=centre", "producer"),
        ("technique=tulis", "producer"),
        ("event_status=cancelled", "event"),
        ("award=false", "place"),
    ] {
        let reply = service.get(&format!("/v1/discover?{filter}&limit=100")).await;
        assert!(reply.body["total"].as_u64().unwrap() > 0, "{filter}");
        assert!(reply.each("kind").iter().all(|found| *found == kind), "{filter}");
    }
    let centres = service.get("/v1/producers?form=centre").await;
    assert_eq!(centres.body["total"], 34);
}

#[tokio::test]
async fn only_what_is_known_to_be_open_is_open() {
    let service = Service::start().await;
    let now = service.get("/v1/places?open_at=now&limit=100").await;
    let then = service.get("/v1/places?open_at=2026-11-24T12:00:00%2B07:00&limit=100").await;
    assert_eq!(now.body["items"], then.body["items"]);
    for item in now.body["items"].as_array().unwrap() {
        assert_eq!(item["open"]["state"], "open", "{item}");
    }
    let night = service.get("/v1/places?open_at=2026-11-25T02:00:00%2B07:00").await;
    assert!(night.body["total"].as_u64() < now.body["total"].as_u64());
}

#[tokio::test]
async fn a_dated_closure_closes_and_ends() {
    let service = Service::start().await;
    // The fixtures close the museum from 24 to 26 December; it is a sample, and says so.
    let open = async |at: &str| {
        let path = format!("/v1/places?q=kekayon&open_at={at}T09:30:00%2B07:00&limit=1");
        service.get(&path).await.names().contains(&"Museum Wayang Kekayon")
    };
    assert!(open("2026-12-23").await, "the day before");
    assert!(!open("2026-12-24").await, "the first day");
    assert!(!open("2026-12-26").await, "the last day");
    assert!(open("2026-12-27").await, "the day after");
}

#[tokio::test]
async fn public_holidays_are_indonesia_s() {
    use tests::at;
    let service = Service::start().await;
    // Closed on public holidays, whatever the weekday: 19 March 2026 is Nyepi, a Thursday.
    service.clock.set(at("2026-03-19T10:00:00+07:00"));
    let closed = service.get("/v1/places?open_at=now&limit=100").await;
    service.clock.set(at("2026-03-12T10:00:00+07:00"));
    let open = service.get("/v1/places?open_at=now&limit=100").await;
    let rested: Vec<&str> =
        open.names().into_iter().filter(|name| !closed.names().contains(name)).collect();
    assert!(!rested.is_empty(), "some museum rests on Nyepi");
}

#[tokio::test]
async fn facet_counts_are_what_the_filter_would_find() {
    let service = Service::start().await;
    let facets = [
        "kind",
        "category",
        "area",
        "tag",
        "free",
        "facility",
        "payment",
        "technique",
        "material",
        "certificate",
        "form",
        "has_workshop",
        "made_to_order",
        "event_status",
        "agency",
        "text_in",
        "accessibility",
        "language_spoken",
        "award",
    ];
    let query = "/v1/discover?lat=-7.9&lon=110.36&radius_m=15000";
    let asked: String = facets.iter().map(|facet| format!("&facets={facet}")).collect();
    let reply = service.get(&format!("{query}{asked}&limit=1")).await;
    let mut checked = 0;
    for facet in facets {
        let counts = reply.body["facets"][facet].as_array().unwrap_or_else(|| panic!("{facet}"));
        for count in counts {
            let value = count["value"].as_str().unwrap();
            let only = service.get(&format!("{query}&{facet}={value}&limit=1")).await;
            assert_eq!(only.body["total"], count["count"], "{facet}={value}");
            checked += 1;
        }
    }
    assert!(checked > 60, "{checked}");
}

#[tokio::test]
async fn the_area_facet_counts_kapanewon_and_kalurahan_inside_one() {
    let service = Service::start().await;
    let outside = service.get("/v1/places?facets=area&limit=1").await;
    let kapanewon = outside.body["facets"]["area"].as_array().unwrap();
    assert_eq!(kapanewon.len(), 17, "every kapanewon has a place");
    let inside = service.get("/v1/places?facets=area&area=34.02.10&limit=1").await;
    for count in inside.body["facets"]["area"].as_array().unwrap() {
        assert_eq!(count["value"].as_str().unwrap().len(), "34.02.10.2003".len());
    }
}

#[tokio::test]
async fn only_the_fields_asked_for_come_and_the_id_always() {
    let service = Service::start().await;
    let reply = service.get("/v1/places?fields=name,location.lat,category.code&limit=2").await;
    for item in reply.body["items"].as_array().unwrap() {
        let members: Vec<&String> = item.as_object().unwrap().keys().collect();
        assert_eq!(members, ["id", "name", "category", "location"]);
        assert_eq!(item["location"].as_object().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn fair_is_a_shuffle_by_seed_that_repeats() {
    let service = Service::start().await;
    let [one, again, other] = ["a", "a", "b"];
    let order = async |seed: &str| {
        let reply = service.get(&format!("/v1/producers?sort=fair&seed={seed}&limit=100")).await;
        assert_eq!(reply.body["seed"], seed);
        reply.each("id").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let first = order(one).await;
    assert_eq!(first, order(again).await);
    assert_ne!(first, order(other).await);
    let today = service.get("/v1/producers").await;
    assert_eq!(today.body["seed"], "2026-11-24");
}

#[tokio::test]
async fn the_order_follows_what_is_asked_where_none_is_named() {
    let service = Service::start().await;
    let distances = service.get("/v1/places?lat=-7.9&lon=110.36&radius_m=9000").await;
    let metres: Vec<f64> =
        with(&distances.body, "distance_m").iter().map(|(_, m)| m.as_f64().unwrap()).collect();
    assert!(metres.is_sorted(), "{metres:?}");
    let starts = service.get("/v1/events?from=2027-01-01&to=2027-12-31&limit=100").await;
    let starts: Vec<String> = starts.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["next_occurrence"]["start"].as_str().unwrap()[..10].to_owned())
        .collect();
    assert!(starts.is_sorted(), "{starts:?}");
    let names = service.get("/v1/places?sort=name&lang=en&limit=100").await;
    let folded: Vec<String> = names.names().iter().map(|name| domain::text::fold(name)).collect();
    assert!(folded.is_sorted(), "{folded:?}");
    let updated = service.get("/v1/places?sort=updated&limit=100").await;
    assert_eq!(updated.status, 200);
}

#[tokio::test]
async fn a_batch_of_ids_is_one_answer() {
    let service = Service::start().await;
    let all = service.get("/v1/places?limit=3").await;
    let asked: String = all.each("id").iter().map(|id| format!("&id={id}")).collect();
    let batch = service.get(&format!("/v1/discover?limit=10{asked}")).await;
    assert_eq!(batch.body["total"], 3);
}

#[tokio::test]
async fn a_danger_stands_in_every_item_that_it_is_about() {
    let service = Service::start().await;
    let reply = service.get("/v1/discover?q=parangtritis&kind=place&limit=1&lang=en").await;
    let notice = &reply.body["items"][0]["notices"][0];
    assert_eq!(notice["kind"], "danger");
    assert!(notice["text"].as_str().unwrap().to_lowercase().contains("current"), "{notice}");
}

#[tokio::test]
async fn what_is_invented_says_so_in_lists_and_details() {
    let service = Service::start().await;
    let reply = service.get("/v1/producers?form=maker&limit=100").await;
    for item in reply.body["items"].as_array().unwrap() {
        assert_eq!(item["sample"], true, "{item}");
    }
    let place = service.get("/v1/places/museum-wayang-kekayon").await;
    let fields = place.body["sample_fields"].as_array().unwrap();
    assert!(fields.contains(&json!("hours")), "{fields:?}");
}

#[tokio::test]
async fn suggestions_begin_as_typed_and_nearness_decides() {
    let service = Service::start().await;
    let reply = service.get("/v1/suggest?q=parang&lang=id").await;
    assert_eq!(reply.status, 200);
    assert!(reply.each("text").contains(&"Pantai Parangtritis"));
    assert!(reply.each("text").contains(&"Parangtritis, Kretek"));
    let batik = service.get("/v1/suggest?q=gerab").await;
    assert!(batik.each("type").contains(&"category"), "{}", batik.text);
    let near = service.get("/v1/suggest?q=pantai&lat=-7.989&lon=110.221&limit=20").await;
    let beaches: Vec<&str> =
        near.each("text").into_iter().filter(|text| *text != "Pantai").collect();
    assert_eq!(beaches[..2], ["Pantai Baru", "Pantai Kuwaru"]);
}

#[tokio::test]
async fn the_offices_are_told_what_a_place_in_the_order_is_made_of() {
    let service = Service::start().await;
    let editor = service.person(Role::Editor, &["dinas-kukmp"]).await;
    let producer = service.person(Role::Producer, &[]).await;
    let asked = "q=batik+tulis+giriloyo&lat=-7.91&lon=110.39&radius_m=20000&explain=true";
    for list in ["discover", "places", "producers", "events"] {
        let path = format!("/v1/{list}?{asked}");
        let reply = service.read(&editor, &path).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let items = reply.body["items"].as_array().unwrap();
        assert!(!items.is_empty(), "{path}");
        let totals = items.iter().map(|item| {
            let explain = &item["explain"];
            let number = |value: &Value| value.as_f64().unwrap();
            let each = |member| {
                explain["each_word"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(move |word| number(&word[member]))
            };
            let found: f64 =
                each("rarity").zip(each("weight")).map(|(rarity, weight)| rarity * weight).sum();
            let has = each("rarity").zip(each("weight")).filter(|(_, weight)| *weight > 0.0);
            let share = has.map(|(rarity, _)| rarity).sum::<f64>() / each("rarity").sum::<f64>();
            assert!((number(&explain["words"]) - found * share).abs() < 1e-6, "{explain}");
            let parts = ["near", "complete", "fresh", "open"];
            let lift = parts
                .map(|part| number(&explain[part]["value"]) * number(&explain[part]["weight"]));
            let total = number(&explain["words"]) * (1.0 + lift.iter().sum::<f64>());
            assert!((number(&explain["total"]) - total).abs() < 1e-6, "{explain}");
            total
        });
        let totals: Vec<f64> = totals.collect();
        assert!(totals.is_sorted_by(|a, b| *a + 1e-9 >= *b), "{totals:?}");
        assert_eq!(service.read(&producer, &path).await.status, 403);
        assert_eq!(service.get(&path).await.status, 401);
    }
    let geojson = service.read(&editor, &format!("/v1/discover?{asked}&format=geojson")).await;
    assert!(geojson.body["features"][0]["properties"]["explain"]["total"].is_number());
    let plain = service.read(&editor, "/v1/discover?q=batik").await;
    assert_eq!(plain.body["items"][0].get("explain"), None);
    let elsewhere = service.read(&editor, "/v1/places?sort=name&explain=true").await;
    assert_eq!(elsewhere.status, 400, "{}", elsewhere.text);
    assert_eq!(elsewhere.body["errors"][0]["code"], "needs_relevance");
}

#[tokio::test]
async fn the_helpers_name_what_there_is() {
    let service = Service::start().await;
    let kapanewon = service.get("/v1/areas?level=kapanewon").await;
    assert_eq!(kapanewon.body["items"].as_array().unwrap().len(), 17);
    let kalurahan = service.get("/v1/areas?level=kalurahan&format=geojson").await;
    assert_eq!(kalurahan.body["features"].as_array().unwrap().len(), 75);
    let categories = service.get("/v1/categories?lang=jv").await;
    assert!(categories.names().len() > 40);
    let agencies = service.get("/v1/agencies").await;
    assert!(agencies.each("id").contains(&"dinas-pariwisata"));
    let at = service.get("/v1/areas/at?lat=-7.9109&lon=110.4112").await;
    assert_eq!(at.each("level"), ["province", "regency", "kapanewon", "kalurahan"]);
    assert_eq!(at.body["items"][3]["inferred"], false);
    let sea = service.get("/v1/areas/at?lat=-8.2&lon=110.3").await;
    assert_eq!(sea.body["items"], json!([]));
}
