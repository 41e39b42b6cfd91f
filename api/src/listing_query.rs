//! The parameters of every list of listings, and the query they make.

use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    Fault,
    event::EventStatus,
    key::{AgencyId, AreaCode, CategoryCode, Tag, Term},
    listing::{Access, Facility, Kind, Language, Payment, names_nothing, unknown_word},
    position::Position,
    producer::{CertificateKind, Form},
    reference::Reference,
};
use search::{
    Bbox, Centre, Edge, Facet, Facts, Lookup, Query, Shape, Snapshot, Sort, Window,
    shape::{self, CORRIDOR_M, Corridor, Outline, Ring, polyline},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    asked::Asked,
    params::{Params, Spec, between, decimal, text},
};

/// The radius of a circle that names none, metres.
pub const RADIUS_M: f64 = 5000.0;
/// The largest radius, metres.
pub const MAX_RADIUS_M: f64 = 100_000.0;
/// Items of a page that names no limit.
pub const LIMIT: usize = 20;
/// The most items of a page.
pub const MAX_LIMIT: usize = 100;
/// The longest text of a search, characters.
pub const MAX_WORDS: usize = 200;
/// The longest cursor, characters.
const MAX_CURSOR: usize = 4096;
/// The longest `fields`, characters.
const MAX_FIELDS: usize = 2000;

/// An encoded polyline: a vertex takes at most twelve letters.
fn polyline() -> Value {
    json!({"type": "string", "minLength": 4, "maxLength": 12 * polyline::MOST_VERTICES, "pattern": "^[?-~]+$"})
}

/// A text of at most `max` characters that fits `pattern`.
pub fn pattern(pattern: &str, max: usize) -> Value {
    json!({"type": "string", "pattern": pattern, "maxLength": max})
}

fn words(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

fn flag() -> Value {
    json!({"type": "boolean"})
}

/// A date, an instant or `now`.
pub fn moment() -> Value {
    json!({"type": "string", "maxLength": 40, "anyOf": [
        {"type": "string", "format": "date"}, {"type": "string", "format": "date-time"},
        {"type": "string", "const": "now"}]})
}

fn instant_or_now() -> Value {
    json!({"type": "string", "maxLength": 40, "anyOf": [
        {"type": "string", "format": "date-time"}, {"type": "string", "const": "now"}]})
}

macro_rules! specs {
    ($(#[$doc:meta])* $name:ident: $($parameter:literal $many:ident, $schema:expr, $example:expr, $about:literal;)+) => {
        $(#[$doc])*
        pub static $name: &[Spec] = &[$(Spec {
            name: $parameter,
            many: specs!(@ $many),
            about: $about,
            schema: || $schema,
            example: || json!($example),
        }),+];
    };
    (@ one) => { false };
    (@ many) => { true };
}
pub(crate) use specs;

specs! {
    /// What `GET /v1/discover` and the three lists take.
    LIST:
    "q" one, json!({"type": "string", "minLength": 1, "maxLength": MAX_WORDS}), "batik tulis",
        "Words in any language: names, summaries, categories, products, materials, area names. None is compulsory: more and rarer matches rank higher; the last may be unfinished.";
    "lat" one, json!({"type": "number", "format": "double", "minimum": -90, "maximum": 90}), -8.02,
        "Degrees north, WGS 84. Goes with `lon`: the centre of a circle and of the order by distance.";
    "lon" one, json!({"type": "number", "format": "double", "minimum": -180, "maximum": 180}), 110.32,
        "Degrees east, WGS 84. Goes with `lat`.";
    "radius_m" one, json!({"type": "number", "format": "double", "minimum": 1, "maximum": 100_000, "default": 5000}), 3000,
        "Radius of the circle, metres along the WGS 84 geodesic, edge included. Needs `lat` and `lon`, or `near`. Without it 5,000; none at all where `sort=distance` is written out.";
    "near" one, pattern("^[a-z0-9]+(-[a-z0-9]+)*$", 80), "pantai-parangtritis",
        "Id or slug of a listing: the same as its coordinates, itself left out.";
    "bbox" one, pattern("^-?[0-9.]+,-?[0-9.]+,-?[0-9.]+,-?[0-9.]+$", 120), "110.30,-8.05,110.36,-7.98",
        "West, south, east, north in degrees (RFC 7946 order); west greater than east crosses the antimeridian.";
    "within" one, polyline(), "hmyo@kxz_T?_aFn`F?",
        "Inside a ring: its vertices as an encoded polyline (precision 5), at most 500; closed by itself, edge included.";
    "route" one, polyline(), "hmyo@kxz_T_aF_aF",
        "Along a line (an encoded polyline, precision 5, at most 500 vertices): what lies within `corridor_m` of it.";
    "corridor_m" one, json!({"type": "number", "format": "double", "minimum": 10, "maximum": 5000}), 500,
        "How far from `route`, metres. Goes with it.";
    "area" many, pattern(AreaCode::PATTERN, AreaCode::MAX), "34.02.03",
        "Kemendagri code of any level; inner areas included.";
    "kind" many, words(&["place", "producer", "event"]), "place", "Kind of listing.";
    "category" many, pattern(CategoryCode::PATTERN, CategoryCode::MAX), "nature.beach",
        "Category code; those below it included.";
    "tag" many, pattern(Tag::PATTERN, Tag::MAX), "sunset", "Keyword.";
    "open_at" one, instant_or_now(), "now",
        "Only what is known to be open then, dated closures counted.";
    "from" one, moment(), "2027-01-01",
        "Only events with an occurrence that overlaps `from` to `to`: a date begins in the event's zone. An open end reaches ten years.";
    "to" one, moment(), "2027-12-31", "The end of that interval: a date includes that day, an instant is exclusive.";
    "free" one, flag(), true, "Whether entering is free.";
    "award" one, flag(), true, "Whether the place won a prize.";
    "accessibility" many, words(Access::NAMES), "wheelchair_entrance", "What is known to be accessible.";
    "facility" many, words(Facility::NAMES), "parking", "What a visitor finds there.";
    "payment" many, words(Payment::NAMES), "qris", "How one can pay.";
    "language_spoken" many, pattern(Language::PATTERN, 3), "en", "Language spoken there (ISO 639).";
    "technique" many, pattern(Term::PATTERN, Term::MAX), "tulis", "Technique of a producer or its products.";
    "material" many, pattern(Term::PATTERN, Term::MAX), "cotton", "Material of a producer or its products.";
    "certificate" many, words(CertificateKind::NAMES), "geographical_indication", "Kind of certificate a producer has.";
    "form" many, words(&["maker", "group", "centre"]), "centre", "Form of a producer.";
    "has_workshop" one, flag(), true, "Whether the producer gives classes or demonstrations.";
    "made_to_order" one, flag(), true, "Whether the producer makes to order.";
    "event_status" many, words(&["scheduled", "cancelled", "postponed", "rescheduled", "moved_online"]), "scheduled", "Status of an event.";
    "agency" many, pattern(AgencyId::PATTERN, AgencyId::MAX), "dinas-pariwisata", "Agency that answers for the listing.";
    "text_in" many, words(&["id", "en", "jv"]), "jv", "Only what has its name in that language.";
    "id" many, json!({"type": "string", "format": "uuid", "maxLength": 36}), "019abc00-0000-7000-8000-000000000000", "Only these listings: a batch of up to 100.";
    "updated_since" one, json!({"type": "string", "format": "date-time", "maxLength": 40}), "2026-01-01T00:00:00+07:00", "Only what was written since.";
    "sort" one, words(&["relevance", "distance", "name", "updated", "start", "fair"]), "distance",
        "Order. None given: `q` → `relevance`; else `from`/`to` → `start`; else a point or `near` → `distance`; else `fair`, a shuffle by `seed` so that nobody is always last.";
    "seed" one, json!({"type": "string", "minLength": 1, "maxLength": 64}), "2026-11-24",
        "What `fair` shuffles by; today's date if absent. Echoed in the answer.";
    "facets" many, words(Facet::NAMES), "category",
        "Counts over the same filtered set; a count is what `total` would be with that value as a filter.";
    "highlight" one, flag(), true,
        "Whether each item says in `highlight` where the words of `q` were found: HTML, escaped, with `<mark>`.";
    "explain" one, flag(), Value::Null,
        "For editors and administrators, in an order by relevance: whether each item says in `explain` what its place is made of. 401 for nobody in particular, 403 for everybody else.";
    "fields" one, pattern("^[a-z_]+(\\.[a-z_]+)*(,[a-z_]+(\\.[a-z_]+)*)*$", MAX_FIELDS), "name,distance_m",
        "Only these members of an item, dotted and comma-separated. `id` is always there. A part named (`location.lat`) leaves out the other parts of its member, those the schema requires too.";
    "limit" one, json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": MAX_LIMIT, "default": LIMIT}), 20,
        "The most items of the page.";
    "cursor" one, pattern("^[A-Za-z0-9_-]+$", MAX_CURSOR), Value::Null,
        "Where to go on: `cursor` of the last answer, with the same query.";
}

impl Asked {
    /// Notes a fault of each of `names` that was given: the representation asked for has no place for
    /// it.
    pub fn refuse(&mut self, names: &[&str]) {
        for name in names.iter().filter(|name| self.params.has(name)).collect::<Vec<_>>() {
            let fault = Fault::new(
                "not_here",
                "tidak ada pada representasi ini",
                "does not go with this representation",
            );
            self.params.fault(name, fault);
        }
    }

    /// The query that the parameters make, among listings of `kind` where the path fixes one.
    ///
    /// Faults stay with the parameters: what comes back is only good if they
    /// [finish](Params::finish) well.
    pub fn query(&mut self, kind: Option<Kind>) -> Query {
        let snapshot = self.snapshot.clone();
        let p = &mut self.params;
        let words = p.one_with("q", |raw| text(raw, MAX_WORDS));
        let window = window(p);
        let (centre, except) = centre(p, &snapshot);
        let sort = sort(p, words.is_some(), window.is_some(), centre.is_some());
        if p.has("seed") && sort != Sort::Fair {
            let fault = Fault::new("needs_fair", "hanya untuk sort=fair", "is for sort=fair alone");
            p.fault("seed", fault);
        }
        let reference = snapshot.reference();
        Query {
            except,
            bbox: p.one_with("bbox", bbox),
            shape: shape(p),
            areas: areas(p, reference),
            kinds: match kind {
                // The path fixes it, and `LIST` without `kind` is what `finish` is given: a `kind=`
                // there is an unknown parameter.
                Some(kind) => vec![kind],
                None => kinds(p),
            },
            categories: categories(p, reference),
            tags: p.many("tag"),
            open_at: p.one_with("open_at", instant_edge),
            facts: facts(p, &snapshot),
            updated_since: p.one_with("updated_since", instant),
            seed: p.one_with("seed", |raw| text(raw, 64)),
            lang: self.lang,
            facets: facets(p),
            limit: p.integer("limit", 1, MAX_LIMIT).unwrap_or(LIMIT),
            cursor: p.one_with("cursor", |raw| text(raw, MAX_CURSOR)),
            highlight: highlight(p),
            explain: explain(p, sort),
            words,
            centre,
            window,
            sort,
        }
    }
}

/// `code`, where it names something.
///
/// # Errors
/// Where it names nothing.
pub fn known<T>(exists: bool, code: T) -> Result<T, Fault> {
    if exists { Ok(code) } else { Err(names_nothing()) }
}

/// The areas asked for.
pub fn areas(p: &mut Params, reference: &Reference) -> Vec<AreaCode> {
    p.many_with("area", |raw| {
        raw.parse().and_then(|code| known(reference.area(&code).is_some(), code))
    })
}

/// The categories asked for.
pub fn categories(p: &mut Params, reference: &Reference) -> Vec<CategoryCode> {
    p.many_with("category", |raw| {
        raw.parse().and_then(|code| known(reference.category(&code).is_some(), code))
    })
}

/// The kinds asked for.
pub fn kinds(p: &mut Params) -> Vec<Kind> {
    p.many_with("kind", |raw| {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == raw);
        kind.ok_or_else(|| unknown_word(&["place", "producer", "event"]))
    })
}

/// A latitude and a longitude that go together.
pub fn point(p: &mut Params) -> Option<Position> {
    let lat = p.number("lat", -90.0, 90.0);
    let lon = p.number("lon", -180.0, 180.0);
    together(p, ["lat", "lon"]);
    Position::new(lat?, lon?).ok()
}

fn centre(p: &mut Params, snapshot: &Snapshot) -> (Option<Centre>, Option<Uuid>) {
    let point = point(p);
    let near = p.one_with("near", |raw| match snapshot.lookup(raw, None) {
        Lookup::Here(document) | Lookup::Moved(document) => {
            let no_point =
                || Fault::new("no_point", "entri itu tanpa titik", "that listing has no point");
            document.position.map(|at| (at, document.id)).ok_or_else(no_point)
        }
        Lookup::Gone { .. } | Lookup::Nowhere => Err(names_nothing()),
    });
    if p.has("near") && (p.has("lat") || p.has("lon")) {
        let fault = Fault::new(
            "contradiction",
            "near atau lat dan lon, tidak keduanya",
            "either near, or lat and lon",
        );
        p.fault("near", fault);
    }
    let radius_m = p.number("radius_m", 1.0, MAX_RADIUS_M);
    if p.has("radius_m") && !has_point(p) {
        p.fault("radius_m", needs_point());
    }
    let everywhere = p.peek("sort") == Some("distance") && !p.has("radius_m");
    let radius_m = (!everywhere).then(|| radius_m.unwrap_or(RADIUS_M));
    let at = point.or(near.map(|(at, _)| at));
    (at.map(|at| Centre { at, radius_m }), near.map(|(_, id)| id))
}

fn has_point(p: &Params) -> bool {
    p.has("near") || p.has("lat") || p.has("lon")
}

fn needs_point() -> Fault {
    Fault::new("needs_point", "perlu lat dan lon, atau near", "needs lat and lon, or near")
}

/// The shape that `within` and `route` draw; both must hold.
fn shape(p: &mut Params) -> Option<Shape> {
    let line = |raw: &str| polyline::decode(raw).map_err(bad_shape);
    let within = p.one_with("within", |raw| {
        line(raw).and_then(|points| Ok((Ring::new(&points).map_err(bad_shape)?, raw.to_owned())))
    });
    let (least, most) = (*CORRIDOR_M.start(), *CORRIDOR_M.end());
    let corridor_m = p.number("corridor_m", least, most);
    let route = p.one_with("route", |raw| {
        // A width that is missing or bad is a fault of its own.
        let points = line(raw)?;
        let corridor = Corridor::new(&points, corridor_m.unwrap_or(least)).map_err(bad_shape)?;
        Ok((corridor, raw.to_owned()))
    });
    together(p, ["route", "corridor_m"]);
    let (ring, within) = within.unzip();
    let (corridor, route) = route.unzip();
    if within.is_none() && route.is_none() {
        return None;
    }
    let written = format!("{within:?} {route:?} {corridor_m:?}");
    Some(Shape { written, outline: Outline { ring, corridor } })
}

fn bad_shape(bad: shape::Bad) -> Fault {
    let most = polyline::MOST_VERTICES;
    match bad {
        shape::Bad::Format => Fault::new(
            "bad_format",
            "harus polyline terenkode, presisi 5",
            "must be an encoded polyline of precision 5",
        ),
        shape::Bad::Range => Fault::new(
            "out_of_range",
            "ada titik di luar batas",
            "holds a point that is out of range",
        ),
        shape::Bad::TooFew => Fault::new(
            "too_short",
            "titik sudutnya kurang: cincin perlu tiga, garis dua",
            "has too few vertices: a ring needs three, a line two",
        ),
        shape::Bad::TooMany => Fault::new(
            "too_many",
            format!("paling banyak {most} titik sudut"),
            format!("must have at most {most} vertices"),
        ),
    }
}

/// Notes a fault where only one of two parameters is there that go together.
fn together(p: &mut Params, names: [&str; 2]) {
    for (name, other) in [(names[0], names[1]), (names[1], names[0])] {
        if p.has(other) && !p.has(name) {
            let fault = Fault::new(
                "missing",
                format!("harus bersama {other}"),
                format!("must come together with {other}"),
            );
            p.fault(name, fault);
        }
    }
}

fn highlight(p: &mut Params) -> bool {
    let highlight = p.flag("highlight").unwrap_or(false);
    if highlight && !p.has("q") {
        p.fault("highlight", Fault::new("needs_words", "perlu q", "needs q"));
    }
    highlight
}

fn explain(p: &mut Params, sort: Sort) -> bool {
    let explain = p.flag("explain").unwrap_or(false);
    if explain && sort != Sort::Relevance {
        let fault = Fault::new(
            "needs_relevance",
            "hanya untuk urutan relevance",
            "is for an order by relevance alone",
        );
        p.fault("explain", fault);
    }
    explain
}

fn bbox(raw: &str) -> Result<Bbox, Fault> {
    let bad = || {
        Fault::new("bad_format", "harus barat,selatan,timur,utara", "must be west,south,east,north")
    };
    let parts: Vec<&str> = raw.split(',').collect();
    let [west, south, east, north] = parts[..] else { return Err(bad()) };
    let bbox = Bbox {
        west: decimal(west, -180.0, 180.0)?,
        south: decimal(south, -90.0, 90.0)?,
        east: decimal(east, -180.0, 180.0)?,
        north: decimal(north, -90.0, 90.0)?,
    };
    if bbox.south > bbox.north {
        return Err(Fault::new(
            "bad_order",
            "selatan melebihi utara",
            "south is greater than north",
        ));
    }
    Ok(bbox)
}

/// An RFC 3339 instant.
pub fn instant(raw: &str) -> Result<DateTime<Utc>, Fault> {
    // A `+` that was not encoded arrives as a space.
    let raw = raw.replace(' ', "+");
    DateTime::parse_from_rfc3339(&raw).ok().map(|at| at.to_utc()).filter(in_reach).ok_or_else(
        || {
            Fault::new(
                "bad_format",
                "harus waktu RFC 3339",
                "must be an RFC 3339 time, years 1900 to 2199",
            )
        },
    )
}

/// What can be reckoned with: far instants overflow calendars, and no listing is there.
fn in_reach(at: &DateTime<Utc>) -> bool {
    use chrono::Datelike as _;
    (1900..2200).contains(&at.year())
}

fn instant_edge(raw: &str) -> Result<Edge, Fault> {
    if raw == "now" { Ok(Edge::Now) } else { instant(raw).map(Edge::At) }
}

/// A `YYYY-MM-DD` date.
pub fn date(raw: &str) -> Result<NaiveDate, Fault> {
    let bad = || Fault::new("bad_format", "harus tanggal YYYY-MM-DD", "must be a date YYYY-MM-DD");
    if raw.len() != 10 {
        return Err(bad());
    }
    let date = NaiveDate::parse_from_str(raw, "%Y-%m-%d").map_err(|_| bad())?;
    in_reach(&date.and_time(chrono::NaiveTime::MIN).and_utc())
        .then_some(date)
        .ok_or_else(|| between(1900, 2199))
}

fn edge(raw: &str) -> Result<Edge, Fault> {
    date(raw).map(Edge::On).or_else(|_| instant_edge(raw)).map_err(|_| {
        Fault::new(
            "bad_format",
            "harus tanggal, waktu RFC 3339, atau now",
            "must be a date, an RFC 3339 time or now, years 1900 to 2199",
        )
    })
}

/// The interval of `from` and `to`, if either is there.
pub fn window(p: &mut Params) -> Option<Window> {
    let from = p.one_with("from", edge);
    let to = p.one_with("to", edge);
    let late = match (from, to) {
        (Some(Edge::On(from)), Some(Edge::On(to))) => to < from,
        (Some(Edge::At(from)), Some(Edge::At(to))) => to <= from,
        (Some(Edge::Now), Some(Edge::Now)) => true,
        _ => false,
    };
    if late {
        p.fault("to", Fault::new("bad_order", "harus sesudah from", "must be after from"));
    }
    (from.is_some() || to.is_some()).then_some(Window { from, to })
}

fn sort(p: &mut Params, words: bool, window: bool, centre: bool) -> Sort {
    let named = p.one_with("sort", |raw| match raw {
        "relevance" => Ok(Sort::Relevance),
        "distance" => Ok(Sort::Distance),
        "name" => Ok(Sort::Name),
        "updated" => Ok(Sort::Updated),
        "start" => Ok(Sort::Start),
        "fair" => Ok(Sort::Fair),
        _ => Err(unknown_word(&["relevance", "distance", "name", "updated", "start", "fair"])),
    });
    if named == Some(Sort::Distance) && !has_point(p) {
        p.fault("sort", needs_point());
    }
    if named == Some(Sort::Relevance) && !p.has("q") {
        p.fault("sort", Fault::new("needs_words", "perlu q", "needs q"));
    }
    named.unwrap_or(match (words, window, centre) {
        (true, ..) => Sort::Relevance,
        (_, true, _) => Sort::Start,
        (.., true) => Sort::Distance,
        _ => Sort::Fair,
    })
}

fn facets(p: &mut Params) -> Vec<Facet> {
    let mut facets = p.many_with("facets", |raw| {
        let facet = Facet::ALL.iter().copied().find(|facet| facet.name() == raw);
        facet.ok_or_else(|| unknown_word(Facet::NAMES))
    });
    facets.sort_unstable();
    facets.dedup();
    facets
}

fn facts(p: &mut Params, snapshot: &Snapshot) -> Facts {
    let form = |raw: &str| {
        let form = Form::ALL.into_iter().find(|form| form.name() == raw);
        form.ok_or_else(|| unknown_word(&["maker", "group", "centre"]))
    };
    let status = |raw: &str| {
        let status = EventStatus::ALL.into_iter().find(|status| status.name() == raw);
        status.ok_or_else(|| unknown_word(&EventStatus::ALL.map(EventStatus::name)))
    };
    let id = |raw: &str| {
        raw.parse::<Uuid>().map_err(|_| Fault::new("bad_format", "bukan UUID", "is no UUID"))
    };
    Facts {
        free: p.flag("free"),
        award: p.flag("award"),
        accessibility: p.many("accessibility"),
        facilities: p.many("facility"),
        payments: p.many("payment"),
        languages_spoken: p.many("language_spoken"),
        techniques: p.many("technique"),
        materials: p.many("material"),
        certificates: p.many("certificate"),
        forms: p.many_with("form", form),
        has_workshop: p.flag("has_workshop"),
        made_to_order: p.flag("made_to_order"),
        event_statuses: p.many_with("event_status", status),
        agencies: p.many_with("agency", |raw| {
            raw.parse().and_then(|id| known(snapshot.reference().agency(&id).is_some(), id))
        }),
        text_in: p.many("text_in"),
        ids: p.many_with("id", id),
    }
}
