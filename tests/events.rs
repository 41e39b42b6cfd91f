//! Events and the calendar: single dates, rules, and the Javanese reckoning.

use serde_json::{Value, json};
use tests::{Service, at};

fn starts(body: &Value) -> Vec<&str> {
    body["items"].as_array().unwrap().iter().map(|item| item["start"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn labuhan_is_listed_once_a_window_and_takes_place_twice_in_2027() {
    let service = Service::start().await;
    let listed = service.get("/v1/events?from=2027-01-01&to=2027-12-31&limit=100").await;
    let slugs = listed.each("slug");
    assert_eq!(slugs.iter().filter(|slug| **slug == "labuhan-parangkusumo").count(), 1);
    let path = "/v1/events/labuhan-parangkusumo/occurrences?from=2027-01-01&to=2027-12-31";
    let reply = service.get(path).await;
    assert_eq!(starts(&reply.body), ["2027-01-09", "2027-12-29"]);
    assert_eq!(
        reply.body["items"][1]["javanese"],
        json!({"day": 30, "month": "Rejeb", "year": 1961, "year_name": "Wawu"})
    );
    assert_eq!(reply.body["items"][0]["end"], "2027-01-10", "exclusive");
    assert_eq!(reply.body["items"][0]["certainty"], "computed");
}

#[tokio::test]
async fn an_announced_date_says_so() {
    let service = Service::start().await;
    let path = "/v1/events/labuhan-parangkusumo/occurrences?from=2026-01-01&to=2026-12-31";
    let reply = service.get(path).await;
    assert_eq!(starts(&reply.body), ["2026-01-19"]);
    assert_eq!(reply.body["items"][0]["certainty"], "announced");
}

#[tokio::test]
async fn rebo_pungkasan_is_the_last_wednesday_of_sapar() {
    let service = Service::start().await;
    let path = "/v1/events/rebo-pungkasan-wonokromo/occurrences?from=2024-06-01&to=2028-12-31";
    let reply = service.get(path).await;
    assert_eq!(
        starts(&reply.body),
        ["2024-09-04", "2025-08-20", "2026-08-12", "2027-07-28", "2028-07-19"]
    );
}

#[tokio::test]
async fn the_anniversary_of_bantul_is_the_twentieth_of_july() {
    let service = Service::start().await;
    let path = "/v1/events/hari-jadi-bantul/occurrences?from=2026-01-01&to=2029-12-31";
    let reply = service.get(path).await;
    assert_eq!(starts(&reply.body), ["2026-07-20", "2027-07-20", "2028-07-20", "2029-07-20"]);
}

#[tokio::test]
async fn a_window_includes_its_last_day_and_an_instant_excludes_itself() {
    let service = Service::start().await;
    let found = async |window: &str| {
        let reply =
            service.get(&format!("/v1/events?q=labuhan+parangkusumo&limit=100&{window}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.each("slug").contains(&"labuhan-parangkusumo")
    };
    assert!(found("from=2027-01-09&to=2027-01-09").await);
    assert!(!found("from=2027-01-10&to=2027-01-10").await);
    assert!(!found("from=2027-01-01&to=2027-01-08").await);
    assert!(!found("from=2027-01-08T00:00:00%2B07:00&to=2027-01-09T00:00:00%2B07:00").await);
    assert!(found("from=2027-01-08T00:00:00%2B07:00&to=2027-01-09T00:00:01%2B07:00").await);
    assert!(!found("from=2027-01-10T00:00:00%2B07:00&to=2027-01-11T00:00:00%2B07:00").await);
    // The zone decides: 17:00 UTC on the eighth is midnight in Bantul.
    assert!(found("from=2027-01-08T17:00:00Z&to=2027-01-08T17:00:01Z").await);
}

#[tokio::test]
async fn from_now_on_lists_what_has_not_ended() {
    let service = Service::start().await;
    service.clock.set(at("2027-01-09T23:59:00+07:00"));
    let during = service.get("/v1/events?q=labuhan+parangkusumo&from=now&limit=100").await;
    let labuhan = during.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["slug"] == "labuhan-parangkusumo")
        .unwrap();
    assert_eq!(labuhan["next_occurrence"]["start"], "2027-01-09");
    service.clock.set(at("2027-01-10T00:00:00+07:00"));
    let after = service.get("/v1/events/labuhan-parangkusumo").await;
    assert_eq!(after.body["next_occurrence"]["start"], "2027-12-29");
}

#[tokio::test]
async fn the_past_is_data_too() {
    let service = Service::start().await;
    let reply = service.get("/v1/events?from=2024-09-01&to=2024-09-30&limit=100").await;
    assert!(reply.names().iter().any(|name| name.contains("Lampion")), "{:?}", reply.names());
}

#[tokio::test]
async fn what_is_cancelled_stays_listed_and_says_why() {
    let service = Service::start().await;
    let reply = service.get("/v1/events?event_status=cancelled").await;
    let slug = reply.each("slug")[0].to_owned();
    assert_eq!(reply.body["items"][0]["event_status"], "cancelled");
    let detail = service.get(&format!("/v1/events/{slug}?lang=en")).await;
    assert!(detail.body["status_reason"].is_string(), "{}", detail.text);
}

#[tokio::test]
async fn every_form_of_schedule_occurs_in_the_fixtures() {
    let service = Service::start().await;
    let reply = service.get("/v1/events?limit=100").await;
    let mut forms = std::collections::BTreeSet::new();
    for slug in reply.each("slug") {
        let event = service.get(&format!("/v1/events/{slug}")).await;
        assert_eq!(event.status, 200, "{slug}");
        let schedule = &event.body["schedule"];
        let form = schedule["type"].as_str().unwrap().to_owned();
        let detail =
            schedule["rrule"].as_str().map(|rule| rule.split(';').next().unwrap().to_owned());
        let sessions = schedule["sessions"]
            .as_array()
            .map(|sessions| format!("{} sessions", sessions.len().min(2)));
        forms.insert((form, detail.or(sessions).unwrap_or_default()));
    }
    for form in [
        ("dates", "1 sessions"),
        ("dates", "2 sessions"),
        ("rrule", "FREQ=WEEKLY"),
        ("rrule", "FREQ=MONTHLY"),
        ("rrule", "FREQ=YEARLY"),
        ("rrule", "FREQ=DAILY"),
        ("javanese", ""),
    ] {
        assert!(forms.contains(&(form.0.to_owned(), form.1.to_owned())), "{form:?} in {forms:?}");
    }
}

#[tokio::test]
async fn a_day_of_the_calendar_has_pasaran_javanese_date_holiday_and_events() {
    let service = Service::start().await;
    let reply = service.get("/v1/calendar?from=2027-01-09&to=2027-01-09&lang=id").await;
    let day = &reply.body["items"][0];
    assert_eq!((&day["weekday"], &day["pasaran"]), (&json!("Sabtu"), &json!("Legi")));
    assert_eq!(
        day["javanese"],
        json!({"day": 30, "month": "Rejeb", "year": 1960, "year_name": "Be"})
    );
    let events: Vec<&Value> =
        day["events"].as_array().unwrap().iter().map(|event| &event["slug"]).collect();
    assert!(events.contains(&&json!("labuhan-parangkusumo")), "{events:?}");
    let nyepi = service.get("/v1/calendar?from=2026-03-18&to=2026-03-19&lang=en").await;
    assert!(
        nyepi.body["items"][1]["holiday"].as_str().unwrap().contains("Nyepi"),
        "{}",
        nyepi.text
    );
    let year = service.get("/v1/calendar?from=2027-01-01&to=2027-12-31").await;
    assert_eq!(year.body["items"].as_array().unwrap().len(), 365);
    let far = service.get("/v1/calendar?from=2060-01-01&to=2060-01-01").await;
    assert_eq!(far.body["items"][0]["javanese"], Value::Null, "not fixed, so not said");
}
