//! The fixtures: small, true, and marked where they are not.

use std::collections::BTreeSet;

use domain::{
    import::Progress,
    listing::Kind,
    record::{self, Record},
    store::Store,
    text::Lang,
};
use tests::{Place, at, pour};

async fn records() -> (Place, Store, Vec<Record>) {
    let place = Place::with_fixtures().await;
    let store = place.open().await;
    let records = record::load_public(&store.reader).await.unwrap();
    (place, store, records)
}

#[tokio::test]
async fn there_is_enough_of_bantul() {
    let (_place, store, records) = records().await;
    let of = |kind| records.iter().filter(move |record| record.listing.kind == kind);
    assert!(of(Kind::Place).count() >= 60);
    let centres =
        of(Kind::Producer).filter(|r| r.producer().unwrap().form == domain::producer::Form::Centre);
    assert_eq!(centres.count(), 34);
    let samples: Vec<&Record> = of(Kind::Producer).filter(|record| record.listing.sample).collect();
    assert!(samples.len() >= 10);
    assert!(samples.iter().map(|record| record.products.len()).sum::<usize>() >= 40);
    assert!(of(Kind::Event).count() >= 25);
    let with_hours = of(Kind::Place).filter(|record| record.listing.hours.is_some()).count();
    assert!(with_hours >= 30);
    let kapanewon: BTreeSet<String> = of(Kind::Place)
        .filter_map(|record| Some(record.listing.area.as_ref()?.as_str()[..8].to_owned()))
        .collect();
    assert_eq!(kapanewon.len(), 17);
    let reference = domain::reference::Reference::load(&store.reader).await.unwrap();
    let level = |level: &str| {
        reference.areas().filter(|a| a.row.level.name() == level && a.bbox().is_some()).count()
    };
    assert_eq!((level("kapanewon"), level("kalurahan")), (17, 75));
    for category in reference.categories() {
        assert!(Lang::ALL.iter().all(|lang| category.name.has(*lang)), "{}", category.code);
    }
}

#[tokio::test]
async fn every_area_is_computed_from_the_point() {
    let (_place, store, records) = records().await;
    let reference = domain::reference::Reference::load(&store.reader).await.unwrap();
    for record in &records {
        let listing = &record.listing;
        let found = listing.position().and_then(|at| reference.locate(at));
        assert_eq!(
            listing.area,
            found.as_ref().map(|found| found.code.clone()),
            "{}",
            listing.slug
        );
        assert_eq!(
            listing.area_inferred,
            found.is_some_and(|found| found.inferred),
            "{}",
            listing.slug
        );
    }
}

#[tokio::test]
async fn every_record_says_where_it_comes_from_and_how_exact_it_is() {
    let (_place, _store, records) = records().await;
    for record in &records {
        let listing = &record.listing;
        assert!(!listing.source.name.is_empty(), "{}", listing.slug);
        assert!(!listing.licence.is_empty(), "{}", listing.slug);
        assert_eq!(listing.position().is_some(), listing.accuracy_m.is_some(), "{}", listing.slug);
        assert!(listing.verified_at.is_none(), "nobody has been there: {}", listing.slug);
        for lang in [Lang::Id, Lang::En] {
            assert!(listing.name.has(lang), "{} {lang}", listing.slug);
            assert!(listing.summary.as_ref().unwrap().has(lang), "{} {lang}", listing.slug);
        }
    }
}

#[tokio::test]
async fn nothing_that_reads_as_true_is_invented() {
    let (_place, _store, records) = records().await;
    for record in &records {
        let listing = &record.listing;
        let marked =
            |field: &str| listing.sample || listing.sample_fields.iter().any(|f| f == field);
        assert!(listing.contacts.is_empty() || marked("contacts"), "{}", listing.slug);
        assert!(listing.hours.is_none() || marked("hours"), "{}", listing.slug);
        let admission = record.place().and_then(|place| place.admission.as_ref());
        let admission = admission.or(record.event().and_then(|event| event.admission.as_ref()));
        let priced = admission.is_some_and(|admission| !admission.prices.is_empty());
        assert!(!priced || marked("admission"), "{}", listing.slug);
        for product in &record.products {
            assert!(product.sample, "{}", product.slug);
        }
        if listing.sample {
            assert!(listing.name.get(Lang::Id).1.starts_with("Contoh"), "{}", listing.slug);
            assert!(listing.name.get(Lang::En).1.starts_with("Sample"), "{}", listing.slug);
        }
    }
}

#[tokio::test]
async fn pouring_twice_is_pouring_once() {
    let place = Place::with_fixtures().await;
    let store = place.open().await;
    let before = domain::change::head(&store.reader).await.unwrap();
    pour(&store, api::seed::From::Fixtures).await;
    assert_eq!(domain::change::head(&store.reader).await.unwrap(), before);
}

#[tokio::test]
async fn a_member_may_stand_before_its_centre_and_a_slug_given_up_is_nobody_elses() {
    use domain::writer::{Unit, Write, Writer};
    let (place, store, records) = records().await;
    let mut renamed =
        records.iter().find(|r| r.listing.slug.as_str() == "pantai-depok").unwrap().clone();
    let former_slug = Some(renamed.listing.slug.clone());
    renamed.listing.slug = "pantai-depok-baru".parse().unwrap();
    renamed.listing.version += 1;
    let writes = vec![Write::Listing { record: Box::new(renamed), former_slug }];
    let writer = Writer::start(&store);
    writer.write(Unit::new(writes, "test", at(tests::NOON))).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let line = |slug: &str, rest: &str| {
        format!(
            r#"{{"slug":"{slug}","name":{{"id":"Satu"}},"category":"craft.batik","source":{{"name":"t"}},"licence":"CC0-1.0"{rest}}}"#
        )
    };
    let producer = r#","form":"maker","craft":"batik","visit":"none""#;
    let centre = r#","form":"centre","craft":"batik","visit":"none""#;
    let member = format!(r#"{producer},"centre":"sentra-baru""#);
    let lines = [
        line("anggota", &member),
        line("sentra-baru", centre),
        line("bukan", &format!(r#"{producer},"centre":"anggota""#)),
    ];
    std::fs::write(folder.path().join("producers.ndjson"), lines.join("\n")).unwrap();
    std::fs::write(folder.path().join("places.ndjson"), line("pantai-depok", "")).unwrap();
    let mut refused = Vec::new();
    let mut tell = |_: &str, _: Option<u64>, progress: Progress| {
        if let Progress::Refused(refusal) = progress {
            refused.push((refusal.file, refusal.line, refusal.faults[0].pointer.clone()));
        }
    };
    let from = api::seed::From::Folder(folder.path());
    let tally =
        api::seed::pour(&store, &writer, from, "test", at(tests::NOON), &mut tell).await.unwrap();
    assert_eq!(tally.written, 2);
    assert_eq!(
        refused,
        [
            ("places.ndjson".into(), 1, "/slug".into()),
            ("producers.ndjson".to_owned(), 3, "/centre".to_owned())
        ]
    );
    drop(place);
}

/// A collection of areas whose second line cannot be read.
const NOT_UTF8: &[u8] = b"{\"type\":\"FeatureCollection\",\n\"features\":[\"\xF9\"]}";

#[tokio::test]
async fn a_bad_record_is_named_by_file_and_line_and_hurts_no_other() {
    let place = Place::with_fixtures().await;
    let store = place.open().await;
    let folder = tempfile::tempdir().unwrap();
    let good = |slug: &str| {
        format!(
            r#"{{"slug":"{slug}","name":{{"id":"Satu"}},"category":"nature.beach","source":{{"name":"t"}},"licence":"CC0-1.0"}}"#
        )
    };
    let lines = [
        good("pertama"),
        String::new(),
        "not json".to_owned(),
        good("ketiga").replace("nature.beach", "nature.volcano"),
        good("keempat").replace(r#""licence""#, r#""colour":1,"licence""#),
        good("kelima").replace(
            r#""licence""#,
            r#""hours":"Mo-Su 99:00","location":{"lat":-98,"lon":110},"licence""#,
        ),
        good("keenam"),
        good("pertama"),
        good("labuhan-parangkusumo"),
        good("pantai-parangtritis")
            .replace(r#"{"slug""#, r#"{"id":"019abc00-0000-7000-8000-000000000001","slug""#),
    ];
    std::fs::write(folder.path().join("places.ndjson"), lines.join("\n")).unwrap();
    std::fs::write(folder.path().join("areas.geojson"), NOT_UTF8).unwrap();
    let mut refused = Vec::new();
    let mut tell = |_: &str, _: Option<u64>, progress: Progress| {
        if let Progress::Refused(refusal) = progress {
            let codes: Vec<String> =
                refusal.faults.iter().map(|f| format!("{} {}", f.pointer, f.code)).collect();
            refused.push((refusal.file, refusal.line, codes.join(", ")));
        }
    };
    let writer = domain::writer::Writer::start(&store);
    let tally = api::seed::pour(
        &store,
        &writer,
        api::seed::From::Folder(folder.path()),
        "test",
        at(tests::NOON),
        &mut tell,
    )
    .await
    .unwrap();
    assert_eq!((tally.written, tally.refused), (2, 8));
    insta::assert_debug_snapshot!(refused, @r#"
    [
        (
            "areas.geojson",
            2,
            " bad_encoding",
        ),
        (
            "places.ndjson",
            3,
            " bad_json",
        ),
        (
            "places.ndjson",
            4,
            "/category unknown_reference",
        ),
        (
            "places.ndjson",
            5,
            "/colour unknown_member",
        ),
        (
            "places.ndjson",
            6,
            "/location/lat bad_format, /hours bad_format",
        ),
        (
            "places.ndjson",
            8,
            "/slug taken",
        ),
        (
            "places.ndjson",
            9,
            "/slug taken",
        ),
        (
            "places.ndjson",
            10,
            "/slug taken",
        ),
    ]
    "#);
}

#[tokio::test]
async fn every_record_comes_back_from_its_packed_form() {
    let (_place, _store, records) = records().await;
    for record in &records {
        assert_eq!(record.pack().unpack(), *record, "{}", record.listing.slug);
    }
}
