//! Lists of listings: everything at once (`/v1/discover`) and one kind at a time.

use std::collections::BTreeMap;

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use domain::{
    Fault, daily_count, daily_query,
    listing::Kind,
    permission::{self, Duty},
};
use search::{BadCursor, Count, Facet, Hit, Page, Query, Snapshot};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema, openapi::path::Parameter};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, EVENTS_FORMAT, LIST_FORMAT},
    counts::Sight,
    exports,
    exports::{CsvExport, LinesExport},
    fields::Fields,
    geojson_view::{Collection, feature},
    icalendar::CalendarText,
    jsonld::{LinkedData, Teller},
    listing_query::LIST,
    listing_view::{ItemView, Seen},
    openapi,
    params::Spec,
    person::{Person, unauthorized},
    problem::{self, At, Problem},
    words::Tongue,
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(discover_listings))
        .routes(routes!(list_places))
        .routes(routes!(list_producers))
        .routes(routes!(list_events))
}

/// A page of listings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListingPage)]
pub struct PageView {
    /// In the order asked for.
    #[schema(max_items = 100)]
    items: Vec<ItemView>,
    /// How many there are in all pages; exact.
    #[schema(minimum = 0, maximum = 1_000_000_000, format = "int64")]
    total: usize,
    /// Where the next page starts; `null` at the end.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
    /// What `fair` was shuffled by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    seed: Option<String>,
    /// By facet; a facet that was not asked for is absent.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    facets: BTreeMap<&'static str, Vec<CountView>>,
    /// Where nothing was found: other words that would find something.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    did_you_mean: Option<String>,
}

/// How many of the found listings have one value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FacetCount, example = json!({"value": "nature.beach", "name": "Pantai", "count": 9}))]
pub struct CountView {
    /// As the parameter of the same name takes it.
    #[schema(max_length = 80)]
    value: String,
    /// For people, where the value is a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 250)]
    name: Option<String>,
    #[schema(minimum = 1, maximum = 1_000_000_000, format = "int64")]
    count: usize,
}

/// The parameters of `/v1/discover`.
pub struct Discover;

/// The parameters of a list of one kind.
pub struct OneKind;

/// The parameters of the list of events.
pub struct Events;

impl IntoParams for Discover {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<Parameter> {
        [LIST, &COMMON, &LIST_FORMAT].into_iter().flatten().map(Spec::document).collect()
    }
}

impl IntoParams for OneKind {
    fn into_params(
        from: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<Parameter> {
        let mut all = Discover::into_params(from);
        all.retain(|parameter| parameter.name != "kind");
        all
    }
}

impl IntoParams for Events {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<Parameter> {
        let all = [LIST, &COMMON, &EVENTS_FORMAT].into_iter().flatten();
        all.filter(|spec| spec.name != "kind").map(Spec::document).collect()
    }
}

/// What a list is answered as, and the parameter that says so.
fn forms(kind: Option<Kind>) -> (&'static [&'static str], &'static [Spec]) {
    const ALL: [&str; 6] =
        [media::JSON, media::GEOJSON, media::JSONLD, media::CSV, media::NDJSON, media::CALENDAR];
    match kind {
        Some(Kind::Event) => (&ALL, &EVENTS_FORMAT),
        _ => (&ALL[..5], &LIST_FORMAT),
    }
}

/// Find places, producers and events together.
///
/// What is near, open, on, or called so: all filters, orders and facets over everything published.
#[utoipa::path(
    get, path = "/v1/discover", tag = "discovery", security((), ("bearer" = [])),
    params(Discover),
    responses((status = OK, description = "A page of listings", content(
        (PageView = "application/json"), (Collection = "application/geo+json"),
        (LinkedData = "application/ld+json"), (CsvExport = "text/csv"),
        (LinesExport = "application/x-ndjson"))))
)]
async fn discover_listings(
    State(app): State<App>,
    person: Option<Person>,
    asked: Asked,
) -> Result<Response, Problem> {
    list(&app, person.as_ref(), asked, None)
}

/// List places: beaches, caves, temples, museums, markets, tourism villages.
#[utoipa::path(
    get, path = "/v1/places", tag = "places", security((), ("bearer" = [])),
    params(OneKind),
    responses((status = OK, description = "A page of places", content(
        (PageView = "application/json"), (Collection = "application/geo+json"),
        (LinkedData = "application/ld+json"), (CsvExport = "text/csv"),
        (LinesExport = "application/x-ndjson"))))
)]
async fn list_places(
    State(app): State<App>,
    person: Option<Person>,
    asked: Asked,
) -> Result<Response, Problem> {
    list(&app, person.as_ref(), asked, Some(Kind::Place))
}

/// List producers: makers, groups and centres of home industry.
#[utoipa::path(
    get, path = "/v1/producers", tag = "producers", security((), ("bearer" = [])),
    params(OneKind),
    responses((status = OK, description = "A page of producers", content(
        (PageView = "application/json"), (Collection = "application/geo+json"),
        (LinkedData = "application/ld+json"), (CsvExport = "text/csv"),
        (LinesExport = "application/x-ndjson"))))
)]
async fn list_producers(
    State(app): State<App>,
    person: Option<Person>,
    asked: Asked,
) -> Result<Response, Problem> {
    list(&app, person.as_ref(), asked, Some(Kind::Producer))
}

/// List events: rites, festivals, markets, by the Gregorian and the Javanese calendar.
#[utoipa::path(
    get, path = "/v1/events", tag = "events", security((), ("bearer" = [])),
    params(Events),
    responses((status = OK, description = "A page of events", content(
        (PageView = "application/json"), (Collection = "application/geo+json"),
        (LinkedData = "application/ld+json"), (CsvExport = "text/csv"),
        (LinesExport = "application/x-ndjson"), (CalendarText = "text/calendar"))))
)]
async fn list_events(
    State(app): State<App>,
    person: Option<Person>,
    asked: Asked,
) -> Result<Response, Problem> {
    list(&app, person.as_ref(), asked, Some(Kind::Event))
}

fn list(
    app: &App,
    person: Option<&Person>,
    mut asked: Asked,
    kind: Option<Kind>,
) -> Result<Response, Problem> {
    let (offers, format) = forms(kind);
    let media = asked.media(offers)?;
    if exports::is_whole(media) {
        asked.refuse(&["limit", "cursor", "fields", "facets", "highlight"]);
    } else if media == media::JSONLD {
        asked.refuse(&["fields", "facets", "highlight"]);
    }
    let fields = asked.params.one_with("fields", |raw| Fields::read(raw, openapi::item_fields()));
    let query = asked.query(kind);
    // The path fixes the kind: there, `kind` is a parameter like any other that is not known.
    let kind_spec = LIST.iter().position(|spec| spec.name == "kind").unwrap_or_default();
    let known: [&[Spec]; 4] = match kind {
        None => [LIST, &[], &COMMON, format],
        Some(_) => [&LIST[..kind_spec], &LIST[kind_spec + 1..], &COMMON, format],
    };
    asked.params.finish(&known)?;
    if query.explain {
        let person = person.ok_or_else(unauthorized)?;
        if !permission::has(&person.account, Duty::SeeRanking) {
            return Err(Problem::new(problem::Kind::Forbidden));
        }
    }
    if exports::is_whole(media) {
        return exports::stream(app, asked, query, kind, media);
    }
    let Asked { lang, path, query: raw, now, snapshot, .. } = asked;
    let page = snapshot.find(&query, now).map_err(bad_cursor)?;
    let seen = Seen { snapshot: &snapshot, lang, tongue: Tongue::One(lang), now };
    let link = page.next.as_ref().map(|cursor| next_link(app, &path, &raw, cursor));
    let body = if media == media::JSONLD {
        let base = app.settings.public_url.as_deref().unwrap_or_default();
        let told = serde_json::to_vec(&Teller { seen: &seen, base }.page(&page.hits));
        told.map(|told| (told, holds_until(&page, &seen)))
    } else if fields.is_none() && media == media::JSON {
        written(&page, &seen)
    } else {
        view(&page, &seen, fields.as_ref(), media)
    };
    let (body, holds_until) = body.map_err(|error| Problem::internal(&error))?;
    let sight = if page.total > 0 {
        let listings = page.hits.iter().map(|hit| hit.document.id).collect();
        Some(Sight::Shown(listings, search(&query, &snapshot)))
    } else {
        in_vain(&query, &snapshot)
    };
    let answer = Answer::bytes(body, media, lang).until(holds_until, now).link(link).seen(sight);
    Ok(answer.into_response())
}

/// What was sought and found, where it may be counted: nothing but words that are published. The
/// pages that follow a first one are the same search.
fn search(query: &Query, snapshot: &Snapshot) -> Option<Box<str>> {
    let first = query.words.as_deref().filter(|_| query.cursor.is_none());
    let text = first.and_then(daily_query::text)?;
    snapshot.knows_words_of(&text).then(|| text.into())
}

/// What was sought in vain, and where: in the one area asked for, else in the kapanewon that holds
/// the centre.
fn in_vain(query: &Query, snapshot: &Snapshot) -> Option<Sight> {
    let words = daily_count::words(query.words.as_deref()?);
    if words.is_empty() {
        return None;
    }
    let area = match (&query.areas[..], &query.centre) {
        ([area], _) => Some(area.as_str().to_owned()),
        ([], Some(centre)) => snapshot
            .reference()
            .locate(centre.at)
            .and_then(|found| found.code.kapanewon().map(str::to_owned)),
        _ => None,
    };
    Some(Sight::Sought(words, area.unwrap_or_default()))
}

/// A usual item, bytes: only a guess, to ask for memory once.
const USUAL_ITEM: usize = 640;

/// A page as JSON, and until when it is true.
type Written = (Vec<u8>, Option<DateTime<Utc>>);

/// Until when a page is true that shows the whole of its listings.
fn holds_until(page: &Page<'_>, seen: &Seen<'_>) -> Option<DateTime<Utc>> {
    let changes = page.hits.iter().filter_map(|hit| {
        let (document, next) = (hit.document, hit.next_occurrence.as_ref());
        let record = document.has_notices.then(|| document.record());
        let stretch = document.stretch(seen.now);
        seen.changes_at(document, stretch.as_deref(), record.as_ref(), next)
    });
    page.holds_until.into_iter().chain(changes).min()
}

/// The page as it is written item by item.
fn written(page: &Page<'_>, seen: &Seen<'_>) -> serde_json::Result<Written> {
    let mut holds_until = page.holds_until;
    let mut body = Vec::with_capacity(256 + page.hits.len() * USUAL_ITEM);
    body.extend_from_slice(b"{\"items\":[");
    for (at, hit) in page.hits.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        let changes = seen.write_item(hit, &mut body)?;
        holds_until = holds_until.into_iter().chain(changes).min();
    }
    body.extend_from_slice(b"],");
    // The rest of the page is an object of its own: its members follow the items.
    let from = body.len();
    serde_json::to_writer(&mut body, &Rest::of(page, seen))?;
    body.remove(from);
    Ok((body, holds_until))
}

/// A page without its items.
#[derive(Serialize)]
struct Rest<'a> {
    total: usize,
    cursor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    facets: BTreeMap<&'static str, Vec<CountView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    did_you_mean: Option<&'a str>,
}

impl<'a> Rest<'a> {
    fn of(page: &'a Page<'_>, seen: &Seen<'_>) -> Self {
        let facets = page.facets.iter().map(|(facet, counts)| {
            let counts = counts.iter().map(|count| count_view(*facet, count, seen));
            (facet.name(), counts.collect())
        });
        Self {
            total: page.total,
            cursor: page.next.as_deref(),
            seed: page.seed.as_deref(),
            facets: facets.collect(),
            did_you_mean: page.did_you_mean.as_deref(),
        }
    }
}

/// The page as a value that is taken apart again.
fn view(
    page: &Page<'_>,
    seen: &Seen<'_>,
    fields: Option<&Fields>,
    media: &str,
) -> serde_json::Result<Written> {
    let mut holds_until = page.holds_until;
    let mut items = Vec::with_capacity(page.hits.len());
    for hit in &page.hits {
        let (item, changes) = item(hit, seen, fields, media)?;
        items.push(item);
        holds_until = holds_until.into_iter().chain(changes).min();
    }
    let geojson = media == media::GEOJSON;
    let mut body = Map::new();
    if geojson {
        body.insert("type".to_owned(), json!("FeatureCollection"));
    }
    body.insert((if geojson { "features" } else { "items" }).to_owned(), Value::Array(items));
    if let Value::Object(rest) = serde_json::to_value(Rest::of(page, seen))? {
        body.extend(rest);
    }
    Ok((serde_json::to_vec(&body)?, holds_until))
}

fn item(
    hit: &Hit<'_>,
    seen: &Seen<'_>,
    fields: Option<&Fields>,
    media: &str,
) -> serde_json::Result<(Value, Option<DateTime<Utc>>)> {
    let mut text = Vec::with_capacity(USUAL_ITEM);
    let changes = seen.write_item(hit, &mut text)?;
    let mut item = serde_json::from_slice(&text)?;
    if media == media::GEOJSON {
        item = feature(hit.document, &hit.document.record(), item);
    }
    if let Some(fields) = fields {
        match item.get_mut("properties") {
            Some(properties) => fields.keep(properties),
            None => fields.keep(&mut item),
        }
    }
    Ok((item, changes))
}

fn count_view(facet: Facet, count: &Count, seen: &Seen<'_>) -> CountView {
    let reference = seen.snapshot.reference();
    let Count { value, count } = count;
    let name = match facet {
        Facet::Category => {
            let category = value.parse().ok().and_then(|code| reference.category(&code));
            category.map(|category| category.name.get(seen.lang).1.to_owned())
        }
        Facet::Area => value.parse().ok().map(|code| reference.area_name(&code, seen.lang)),
        Facet::Agency => {
            let agency = value.parse().ok().and_then(|id| reference.agency(&id));
            agency.map(|agency| agency.name.get(seen.lang).1.to_owned())
        }
        _ => None,
    };
    CountView { value: value.clone(), name, count: *count }
}

/// The problem of a cursor that leads nowhere.
pub fn bad_cursor(bad: BadCursor) -> Problem {
    let fault = match bad {
        BadCursor::Unreadable => Fault::new("bad_format", "bukan kursor kami", "is none of ours"),
        BadCursor::OfAnotherQuery => Fault::new(
            "of_another_query",
            "milik kueri lain: mulai dari halaman pertama",
            "belongs to another query: start from the first page",
        ),
    };
    Problem::invalid_parameters(vec![(At::Parameter("cursor".to_owned()), fault)])
}

/// The `Link` to the next page (RFC 8288): the same query with the cursor put in.
fn next_link(app: &App, path: &str, raw: &str, cursor: &str) -> String {
    let kept: Vec<&str> =
        raw.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor=")).collect();
    let base = app.settings.public_url.as_deref().unwrap_or_default();
    let joint = if kept.is_empty() { "" } else { "&" };
    format!("<{base}{path}?{}{joint}cursor={cursor}>; rel=\"next\"", kept.join("&"))
}
