//! Calendars, read back by a reader that is not ours: what they say is when events take place.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use domain::{
    record::{self, Detail, Record},
    schedule::Schedule,
    writer::{Unit, Write},
};
use icalendar::parser::{Component, read_calendar, unfold};
use serde_json::{Value, json};
use tests::{NOON, Service, at};

/// From a month before noon's day to a little less than two years after it.
const WINDOW: (&str, &str) = ("2026-10-26", "2028-11-20");

/// A component's only property of that name, with what is written beside it.
fn property(component: &Component<'_>, name: &str) -> Option<(String, Vec<String>)> {
    let mut all = component.properties.iter().filter(|property| property.name == name);
    let property = all.next()?;
    assert!(all.next().is_none(), "{name} stands twice");
    let value = |param: &icalendar::parser::Parameter<'_>| {
        format!("{}={}", param.key.as_str(), param.val.as_ref().map_or("", |val| val.as_str()))
    };
    Some((property.val.as_str().to_owned(), property.params.iter().map(value).collect()))
}

fn text(component: &Component<'_>, name: &str) -> String {
    property(component, name).map(|(value, _)| value).unwrap_or_default()
}

/// Days as they are, times as the instant they are at.
fn moment(raw: &str, params: &[String]) -> String {
    if params.iter().any(|param| param == "VALUE=DATE") {
        return NaiveDate::parse_from_str(raw, "%Y%m%d").unwrap().to_string();
    }
    assert_eq!(params, ["TZID=Asia/Jakarta"]);
    let local = NaiveDateTime::parse_from_str(raw, "%Y%m%dT%H%M%S").unwrap();
    let zoned = local.and_local_timezone(chrono_tz::Asia::Jakarta).unwrap();
    zoned.to_utc().to_rfc3339()
}

/// The starts and ends that an event of a calendar has within the window, by rule or alone.
fn dates(event: &Component<'_>) -> Vec<(String, String)> {
    let (start, params) = property(event, "DTSTART").expect("an event starts");
    let (end, _) = property(event, "DTEND").unwrap_or((start.clone(), Vec::new()));
    let all_day = params.iter().any(|param| param == "VALUE=DATE");
    if property(event, "RRULE").is_none() {
        return vec![(moment(&start, &params), moment(&end, &params))];
    }
    // The expander knows no days: they become midnights in UTC.
    let (zone, midnight) = if all_day { ("", "T000000Z") } else { (";TZID=Asia/Jakarta", "") };
    let mut rule = vec![format!("DTSTART{zone}:{start}{midnight}")];
    for name in ["RRULE", "EXDATE", "RDATE"] {
        let Some((value, _)) = property(event, name) else { continue };
        if name == "RRULE" {
            let until = value.split("UNTIL=").nth(1).filter(|until| !until.contains('T'));
            let value = until.map_or(value.clone(), |until| {
                value.replace(until, &format!("{}T000000Z", &until[..8]))
            });
            rule.push(format!("RRULE:{value}"));
        } else {
            let values: Vec<String> =
                value.split(',').map(|value| format!("{value}{midnight}")).collect();
            rule.push(format!("{name}{zone}:{}", values.join(",")));
        }
    }
    let rule = rule.join("\n");
    let set: rrule::RRuleSet = rule.parse().unwrap_or_else(|error| panic!("{rule}: {error}"));
    let length = |raw: &str| {
        let date = |raw: &str| NaiveDate::parse_from_str(raw, "%Y%m%d").map(NaiveDateTime::from);
        NaiveDateTime::parse_from_str(raw, "%Y%m%dT%H%M%S").or_else(|_| date(raw)).unwrap()
    };
    let length = length(&end) - length(&start);
    let day = |at: DateTime<Utc>| at.date_naive().to_string();
    let (from, to) = window();
    let zone = rrule::Tz::UTC;
    let found =
        set.after(from.with_timezone(&zone)).before(to.with_timezone(&zone)).all(2000).dates;
    let found = found.into_iter().map(|start| (start.to_utc(), start.to_utc() + length));
    if all_day {
        found.map(|(start, end)| (day(start), day(end))).collect()
    } else {
        found.map(|(start, end)| (start.to_rfc3339(), end.to_rfc3339())).collect()
    }
}

fn window() -> (DateTime<Utc>, DateTime<Utc>) {
    (at(&format!("{}T00:00:00Z", WINDOW.0)), at(&format!("{}T00:00:00Z", WINDOW.1)))
}

/// Those that start within the window.
fn within(dates: Vec<(String, String)>) -> BTreeSet<(String, String)> {
    dates.into_iter().filter(|(start, _)| (WINDOW.0..WINDOW.1).contains(&&start[..10])).collect()
}

/// When our own JSON says that it takes place.
async fn occurrences(service: &Service, key: &str) -> BTreeSet<(String, String)> {
    let path = format!("/v1/events/{key}/occurrences?from=2026-10-20&to={}", WINDOW.1);
    let reply = service.get(&path).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let moment = |value: &Value| {
        let raw = value.as_str().unwrap();
        if raw.len() == 10 { raw.to_owned() } else { at(raw).to_rfc3339() }
    };
    let items = reply.body["items"].as_array().unwrap().iter();
    within(items.map(|item| (moment(&item["start"]), moment(&item["end"]))).collect())
}

/// The dates of each listing in a calendar, by its id.
fn read(calendar: &str) -> BTreeMap<String, BTreeSet<(String, String)>> {
    let unfolded = unfold(calendar);
    let calendar = read_calendar(&unfolded).expect("a calendar");
    let mut all: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    let mut known = BTreeSet::new();
    for event in calendar.components.iter().filter(|component| component.name == "VEVENT") {
        let uid = text(event, "UID");
        assert!(uid.ends_with("@griya") && known.insert(uid.clone()), "{uid} stands twice");
        for name in ["DTSTAMP", "SUMMARY", "STATUS", "SEQUENCE", "CATEGORIES"] {
            assert!(!text(event, name).is_empty(), "{uid} has no {name}");
        }
        all.entry(uid[..36].to_owned()).or_default().extend(within(dates(event)));
    }
    all
}

async fn load(service: &Service, slug: &str) -> Record {
    record::named(&service.app.store.reader, slug).await.unwrap().unwrap()
}

async fn save(service: &Service, mut record: Record) {
    record.listing.version += 1;
    let write = Write::Listing { record: Box::new(record), former_slug: None };
    service.app.write(Unit::new(vec![write], "test", at(NOON))).await.unwrap();
}

/// An invented event made true, by the schedule given if one is.
async fn make_true(service: &Service, slug: &str, schedule: Option<Value>) {
    let mut record = load(service, slug).await;
    record.listing.sample = false;
    if let (Detail::Event(event), Some(schedule)) = (&mut record.detail, schedule) {
        let schedule: Schedule = serde_json::from_value(schedule).unwrap();
        assert_eq!(schedule.check(at(NOON)), []);
        event.schedule = schedule;
    }
    save(service, record).await;
}

#[tokio::test]
async fn a_feed_says_of_every_event_when_it_takes_place() {
    let service = Service::start().await;
    make_true(&service, "contoh-senam-minggu-alun-alun", None).await;
    make_true(&service, "contoh-pasar-kriya-gabusan", None).await;
    make_true(&service, "contoh-festival-gerabah-2027", None).await;
    // Its start is no day of the rule, and its last day is written without a zone.
    let training = json!({"type": "rrule", "start": "2027-01-04T19:30:00+07:00", "duration_min": 120,
        "rrule": "freq=WEEKLY;BYDAY=TU,FR;UNTIL=20270430", "exdates": ["2027-01-05T12:30:00Z"]});
    make_true(&service, "contoh-latihan-karawitan-krapyak", Some(training)).await;
    let thrice = json!({"type": "rrule", "start": "2027-01-01", "days": 2,
        "rrule": "FREQ=MONTHLY;BYDAY=-1SU;COUNT=3", "rdates": ["2027-05-01"]});
    make_true(&service, "contoh-belajar-membatik-giriloyo", Some(thrice)).await;

    let feed = service.get("/v1/events?format=ics").await;
    assert_eq!(feed.status, 200);
    assert_eq!(feed.header("content-type"), "text/calendar; charset=utf-8");
    assert_eq!(feed.header("content-disposition"), "inline; filename=\"griya-events.ics\"");
    assert!(feed.text.ends_with("END:VCALENDAR\r\n"));
    assert!(feed.text.split("\r\n").all(|line| line.len() <= 75 && !line.contains('\n')));
    let told = read(&feed.text);

    let mut looked = 0;
    let all = service.get("/v1/events?limit=100").await;
    for item in all.body["items"].as_array().unwrap() {
        let hidden =
            item["sample_fields"].as_array().is_some_and(|all| all.contains(&json!("schedule")));
        let id = item["id"].as_str().unwrap();
        if item["sample"] == true || hidden {
            assert!(!told.contains_key(id), "{} is invented", item["slug"]);
            continue;
        }
        let truth = occurrences(&service, id).await;
        let dates = told.get(id).cloned().unwrap_or_default();
        assert_eq!(dates, truth, "{}", item["slug"]);
        looked += usize::from(!truth.is_empty());
        let own = service.get(&format!("/v1/events/{id}?format=ics")).await;
        assert_eq!(own.status, 200, "{}", own.text);
        assert_eq!(read(&own.text).remove(id).unwrap_or_default(), truth);
    }
    assert!(looked >= 10, "only {looked} events have a date");
    assert_eq!(told.len(), told.keys().filter(|id| all.each("id").contains(&id.as_str())).count());
}

#[tokio::test]
async fn an_event_in_a_calendar_says_where_and_how_sure() {
    let service =
        Service::over(tests::Place::with_fixtures().await, &["--public-url=https://griya.example"])
            .await;
    let reply = service.get("/v1/events/labuhan-parangkusumo?lang=en&format=ics").await;
    assert_eq!(
        reply.header("content-disposition"),
        "inline; filename=\"labuhan-parangkusumo.ics\""
    );
    assert!(reply.header("etag").starts_with("\"1-"));
    let unfolded = unfold(&reply.text);
    let calendar = read_calendar(&unfolded).unwrap();
    let of =
        |name: &str| calendar.properties.iter().find(|p| p.name == name).unwrap().val.to_string();
    assert_eq!(of("X-WR-CALNAME"), "Labuhan Parangkusumo");
    assert_eq!(of("REFRESH-INTERVAL"), "PT12H");
    let event = calendar.components.iter().find(|c| c.name == "VEVENT").unwrap();
    assert_eq!(text(event, "UID"), "01a20ada-2c00-7d56-b25f-6436171ee669-20270109@griya");
    assert_eq!(text(event, "DTSTART"), "20270109");
    assert_eq!(text(event, "DTEND"), "20270110");
    assert_eq!(text(event, "STATUS"), "TENTATIVE");
    assert_eq!(text(event, "SEQUENCE"), "1");
    assert_eq!(text(event, "URL"), "https://griya.example/v1/events/labuhan-parangkusumo");
    assert!(
        text(event, "LOCATION").starts_with("Parangkusumo Beach"),
        "{}",
        text(event, "LOCATION")
    );
    assert!(text(event, "GEO").starts_with("-8.023"));
    let mut cancelled = load(&service, "labuhan-parangkusumo").await;
    if let Detail::Event(event) = &mut cancelled.detail {
        event.event_status = domain::event::EventStatus::Cancelled;
    }
    save(&service, cancelled).await;
    let reply = service.get("/v1/events/labuhan-parangkusumo?format=ics").await;
    assert!(reply.text.contains("\r\nSEQUENCE:2\r\nSTATUS:CANCELLED\r\n"));
}

#[tokio::test]
async fn a_time_has_its_zone_and_what_is_known_already_is_not_sent_again() {
    let service = Service::start().await;
    let path = "/v1/events?format=ics&category=event.ritual";
    let first = service.get(path).await;
    assert!(first.text.contains("BEGIN:VTIMEZONE\r\nTZID:Asia/Jakarta\r\nBEGIN:STANDARD"));
    assert!(first.text.contains("\r\nDTSTART;TZID=Asia/Jakarta:2026"));
    let tag = first.header("etag").to_owned();
    let again = service.send(service.request(path).header("if-none-match", &tag)).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    assert_eq!(service.get(path).await.text, first.text);
    // A day later it looks a day further ahead.
    service.clock.set(at("2026-11-25T12:00:00+07:00"));
    assert_ne!(service.get(path).await.header("etag"), tag);
    for (name, value) in [("limit", "5"), ("cursor", "x"), ("fields", "name"), ("facets", "kind")] {
        let reply = service.get(&format!("{path}&{name}={value}")).await;
        assert_eq!(reply.status, 400, "{name}");
        assert_eq!(reply.body["errors"][0]["code"], "not_here");
    }
    let empty = service.get("/v1/events?format=ics&q=zzzzqqqq").await;
    assert!(empty.text.contains("END:VTIMEZONE\r\nEND:VCALENDAR\r\n"));
}
