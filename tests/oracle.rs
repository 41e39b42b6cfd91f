//! Finding against brute force: random questions to a made-up world, each answered a second time
//! by looking at every record.

pub mod world;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use domain::{
    hours::{Context, Hours, State},
    key::{AreaCode, CategoryCode},
    listing::{Kind, NoticeKind},
    position::Position,
    record::Record,
    text::{Lang, fold},
};
use geo::{Distance as _, Geodesic, Point};
use search::{
    Bbox, Centre, Changes, Edge, Facet, Facts, Page, Query, Shape, Snapshot, Sort, Window,
    shape::{Corridor, Outline, Ring},
};
use tests::{NOON, at};
use uuid::Uuid;

use world::{FACILITIES, PAYMENTS, Random, TAGS, TERMS, TONGUES, WORDS, World, reference};

/// A listing as the oracle sees it.
struct Seen {
    id: Uuid,
    position: Option<Position>,
    zone: Tz,
    /// The names by [`Lang::ALL`], folded.
    names: Vec<String>,
    updated: DateTime<Utc>,
    values: BTreeMap<Facet, BTreeSet<String>>,
    hours: Option<String>,
    closures: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)>,
    is_event: bool,
    /// When it takes place from 2010 to 2050, in order.
    times: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Seen {
    fn new(record: &Record, all: &BTreeMap<Uuid, Record>) -> Self {
        let listing = &record.listing;
        let venue = record.event().and_then(|event| all.get(&event.venue?));
        let venue = venue.filter(|_| listing.position().is_none());
        let zone = listing.timezone();
        let area = venue.map_or(&listing.area, |venue| &venue.listing.area);
        let closures = listing.notices.iter().filter(|notice| notice.kind == NoticeKind::Closure);
        let times = record.event().map(|event| {
            let (from, to) = (at("2010-01-01T00:00:00Z"), at("2050-01-01T00:00:00Z"));
            let all = event.schedule.occurrences(zone, from, to, usize::MAX);
            all.iter().map(|one| (one.starts_at(zone), one.ends_at(zone))).collect()
        });
        Self {
            id: listing.id,
            position: listing.position().or_else(|| venue?.listing.position()),
            zone,
            names: Lang::ALL.map(|lang| fold(listing.name.get(lang).1)).into(),
            updated: listing.updated_at,
            values: values(record, area.as_ref()),
            hours: listing.hours.clone(),
            closures: closures
                .map(|notice| (notice.from.unwrap_or(DateTime::<Utc>::MIN_UTC), notice.to))
                .collect(),
            is_event: record.event().is_some(),
            times: times.unwrap_or_default(),
        }
    }

    fn has(&self, facet: Facet, value: &str) -> bool {
        self.values.get(&facet).is_some_and(|values| values.contains(value))
    }

    /// Only what is known to be open is open.
    fn is_open(&self, at: DateTime<Utc>) -> bool {
        let Some(hours) = self.hours.as_ref().and_then(|text| text.parse::<Hours>().ok()) else {
            return false;
        };
        let context = Context {
            holidays: reference().national_holidays().clone(),
            coordinates: None,
            closures: self.closures.clone(),
        };
        hours.at(at.with_timezone(&self.zone), &context).state == State::Open
    }

    /// When the first occurrence between two instants begins: one without length counts from its
    /// start on.
    fn first(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // All in order, and none longer than a listed session may be.
        let earliest = from - TimeDelta::days(367);
        let known = self.times.partition_point(|(start, _)| *start < earliest);
        let overlaps = |(start, end): &&(DateTime<Utc>, DateTime<Utc>)| {
            *start < to && if start == end { *start >= from } else { *end > from }
        };
        self.times[known..].iter().find(overlaps).filter(|_| from < to).map(|(start, _)| *start)
    }
}

/// A code with those around it: `a.b.c` is in `a.b` and `a`.
fn prefixes(code: &str) -> impl Iterator<Item = String> {
    let ends = code.match_indices('.').map(|(at, _)| at).chain([code.len()]);
    ends.map(|end| code[..end].to_owned())
}

fn values(record: &Record, area: Option<&AreaCode>) -> BTreeMap<Facet, BTreeSet<String>> {
    let listing = &record.listing;
    let mut all: BTreeMap<Facet, BTreeSet<String>> = BTreeMap::new();
    let mut note = |facet, value: &str| {
        all.entry(facet).or_default().insert(value.to_owned());
    };
    note(Facet::Kind, listing.kind.name());
    for code in std::iter::once(&listing.category).chain(listing.categories.iter()) {
        prefixes(code.as_str()).for_each(|code| note(Facet::Category, &code));
    }
    area.iter().flat_map(|code| prefixes(code.as_str())).for_each(|code| note(Facet::Area, &code));
    listing.tags.iter().for_each(|tag| note(Facet::Tag, tag.as_str()));
    listing.facilities.iter().for_each(|one| note(Facet::Facility, one.name()));
    listing.payments.iter().for_each(|one| note(Facet::Payment, one.name()));
    listing.languages_spoken.iter().for_each(|one| note(Facet::LanguageSpoken, one.as_str()));
    for (aspect, yes) in &listing.accessibility.0 {
        if *yes {
            note(Facet::Accessibility, aspect.name());
        }
    }
    listing.responsible_agency.iter().for_each(|id| note(Facet::Agency, id.as_str()));
    listing.name.all().for_each(|(lang, _)| note(Facet::TextIn, lang.code()));
    if let Some(place) = record.place() {
        note(Facet::Award, &(!place.awards.is_empty()).to_string());
        place.admission.iter().for_each(|entry| note(Facet::Free, &entry.free.to_string()));
    }
    if let Some(producer) = record.producer() {
        producer.techniques.iter().for_each(|term| note(Facet::Technique, term.as_str()));
        producer.materials.iter().for_each(|term| note(Facet::Material, term.as_str()));
        producer.certificates.iter().for_each(|one| note(Facet::Certificate, one.kind.name()));
        note(Facet::Form, producer.form.name());
        note(Facet::HasWorkshop, &(!producer.workshops.is_empty()).to_string());
        producer.made_to_order.iter().for_each(|yes| note(Facet::MadeToOrder, &yes.to_string()));
    }
    if let Some(event) = record.event() {
        note(Facet::EventStatus, event.event_status.name());
        event.admission.iter().for_each(|entry| note(Facet::Free, &entry.free.to_string()));
    }
    all
}

/// All listings in the order of their ids, and what questions are about again and again, each with the oracle's answer for every listing.
struct Oracle {
    all: Vec<Seen>,
    centres: Vec<(Position, Vec<Option<f64>>)>,
    shapes: Vec<(Shape, Vec<bool>)>,
    open: HashMap<DateTime<Utc>, Vec<bool>>,
}

impl Oracle {
    fn new(world: &mut World) -> Self {
        let all: Vec<Seen> =
            world.records.values().map(|record| Seen::new(record, &world.records)).collect();
        let random = &mut world.random;
        let points: Vec<Position> = all.iter().filter_map(|seen| seen.position).collect();
        let mut centres: Vec<Position> = (0..12).map(|_| near(random)).collect();
        centres.extend((0..6).map(|_| *random.one(&points)));
        let far = [(89.9, 0.0), (-8.0, 180.0), (-8.0, -180.0), (7.9, -69.7), (59.0, 10.0)];
        centres.extend(far.map(|(lat, lon)| Position::new(lat, lon).unwrap()));
        let shapes: Vec<Shape> = (0..12).map(|_| shape(random)).collect();
        let contains = |shape: &Shape| {
            let holds = |seen: &Seen| seen.position.is_some_and(|at| shape.outline.contains(at));
            all.iter().map(holds).collect::<Vec<bool>>()
        };
        let shapes = shapes.into_iter().map(|shape| (shape.clone(), contains(&shape))).collect();
        let metres = |from: Position| {
            let from = Point::new(from.lon(), from.lat());
            let to = |seen: &Seen| seen.position.map(|to| Point::new(to.lon(), to.lat()));
            all.iter().map(|seen| Some(Geodesic.distance(from, to(seen)?))).collect()
        };
        let centres = centres.into_iter().map(|from| (from, metres(from))).collect();
        Self { all, centres, shapes, open: HashMap::new() }
    }

    fn open_at(&mut self, at: DateTime<Utc>) -> &[bool] {
        let all = &self.all;
        self.open.entry(at).or_insert_with(|| {
            let mut known: HashMap<_, bool> = HashMap::new();
            let mut ask = |seen: &Seen| {
                let key = (seen.hours.clone(), seen.zone, seen.closures.clone());
                *known.entry(key).or_insert_with(|| seen.is_open(at))
            };
            all.iter().map(&mut ask).collect()
        })
    }

    /// What must be found, as numbers of listings, in no order.
    fn found(&mut self, query: &Query, now: DateTime<Utc>) -> Vec<usize> {
        let mut found: Vec<usize> = (0..self.all.len()).collect();
        if let Some(Centre { at, radius_m: Some(radius) }) = query.centre {
            let metres = self.metres(at);
            found.retain(|one| metres[*one].is_some_and(|metres| metres <= radius));
        }
        if let Some(shape) = &query.shape {
            let known = self.shapes.iter().find(|known| known.0.written == shape.written).unwrap();
            found.retain(|one| known.1[*one]);
        }
        if let Some(bbox) = query.bbox {
            found.retain(|one| self.all[*one].position.is_some_and(|at| holds(bbox, at)));
        }
        if let Some(edge) = query.open_at {
            let open = self.open_at(instant(edge, now, Tz::UTC));
            found.retain(|one| open[*one]);
        }
        let all = &self.all;
        for (facet, values) in wishes(query) {
            found.retain(|one| values.iter().any(|value| all[*one].has(facet, value)));
        }
        if !query.facts.ids.is_empty() {
            found.retain(|one| query.facts.ids.contains(&all[*one].id));
        }
        if let Some(since) = query.updated_since {
            found.retain(|one| all[*one].updated >= since);
        }
        if let Some(window) = query.window {
            found.retain(|one| self.start(*one, Some(window), now).is_some());
        }
        found.retain(|one| query.except != Some(all[*one].id));
        found
    }

    fn metres(&self, at: Position) -> &[Option<f64>] {
        &self.centres.iter().find(|(centre, _)| *centre == at).unwrap().1
    }

    /// When a listing's first occurrence in a window begins, else the first that has not ended.
    fn start(
        &self,
        one: usize,
        window: Option<Window>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let seen = &self.all[one];
        if !seen.is_event {
            return None;
        }
        let ten_years = TimeDelta::days(3653);
        let Some(window) = window else { return seen.first(now, now + ten_years) };
        let from = window.from.map_or(now - ten_years, |edge| instant(edge, now, seen.zone));
        let to = match window.to {
            None => now.max(from) + ten_years,
            Some(Edge::On(day)) => midnight(day.succ_opt().unwrap(), seen.zone),
            Some(edge) => instant(edge, now, seen.zone),
        };
        seen.first(from, to)
    }

    /// What a listing is ordered by, before its id.
    fn key(&self, query: &Query, now: DateTime<Utc>, one: usize) -> (f64, &str) {
        #[expect(clippy::cast_precision_loss, reason = "less than 2^53 for 285 years")]
        let micros = |instant: DateTime<Utc>| instant.timestamp_micros() as f64;
        let seen = &self.all[one];
        let number = match query.sort {
            Sort::Distance => self.metres(query.centre.unwrap().at)[one].unwrap_or(f64::INFINITY),
            Sort::Name => return (0.0, &seen.names[query.lang as usize]),
            Sort::Updated => -micros(seen.updated),
            Sort::Start => self.start(one, query.window, now).map_or(f64::INFINITY, micros),
            Sort::Fair | Sort::Relevance | Sort::Id => 0.0,
        };
        (number, "")
    }

    fn counts(&self, facet: Facet, found: &[usize], query: &Query) -> Vec<(String, usize)> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for one in found {
            let values = self.all[*one].values.get(&facet);
            values.into_iter().flatten().for_each(|v| *counts.entry(v).or_default() += 1);
        }
        // Kapanewon, and kalurahan inside one: 34.02.10 and 34.02.10.2003.
        let inside = query.areas.iter().any(|code| code.as_str().len() >= 8);
        let length = if inside { 13 } else { 8 };
        let counted = counts.into_iter().filter(|(v, _)| facet != Facet::Area || v.len() == length);
        let mut counted: Vec<_> = counted.map(|(v, count)| (v.to_owned(), count)).collect();
        counted.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        counted
    }

    /// Compares a page with what it should be.
    fn check(&mut self, query: &Query, now: DateTime<Utc>, page: &Page, note: &str) {
        let found = self.found(query, now);
        assert_eq!(page.total, found.len(), "total: {note}");
        for (facet, counts) in &page.facets {
            let counts: Vec<_> = counts.iter().map(|one| (one.value.clone(), one.count)).collect();
            assert_eq!(counts, self.counts(*facet, &found, query), "{facet:?}: {note}");
        }
        assert_eq!(page.hits.len(), found.len().min(query.limit), "{note}");
        let ids: Vec<Uuid> = page.hits.iter().map(|hit| hit.document.id).collect();
        let met: BTreeSet<Uuid> = ids.iter().copied().collect();
        assert_eq!(met.len(), ids.len(), "met twice: {note}");
        let number = |id: &Uuid| self.all.binary_search_by_key(id, |seen| seen.id).unwrap();
        let is_due = |id: &Uuid| found.binary_search(&number(id)).is_ok();
        assert!(ids.iter().all(is_due), "should not be there: {note}");
        if query.sort != Sort::Fair {
            // They are in the order of their ids, which a stable sort keeps among equals.
            let mut due: Vec<_> =
                found.iter().map(|one| (self.key(query, now, *one), *one)).collect();
            due.sort_by(|((a, of_a), _), ((b, of_b), _)| a.total_cmp(b).then(of_a.cmp(of_b)));
            let due = due.iter().map(|(_, one)| self.all[*one].id);
            assert!(due.take(ids.len()).eq(ids.iter().copied()), "order: {note}");
        }
        for hit in &page.hits {
            let one = number(&hit.document.id);
            let metres = query.centre.and_then(|centre| self.metres(centre.at)[one]);
            let metres = metres.map(|metres| (metres * 10.0).round() / 10.0);
            assert_eq!(hit.distance_m, metres, "{} {note}", hit.document.id);
            let next = hit.next_occurrence.map(|next| next.starts_at(hit.document.zone));
            assert_eq!(next, self.start(one, query.window, now), "{} {note}", hit.document.id);
        }
    }
}

fn holds(bbox: Bbox, at: Position) -> bool {
    let Bbox { west, south, east, north } = bbox;
    let lon = at.lon();
    let between =
        if west <= east { lon >= west && lon <= east } else { !(lon > east && lon < west) };
    between && at.lat() >= south && at.lat() <= north
}

fn instant(edge: Edge, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    match edge {
        Edge::Now => now,
        Edge::At(instant) => instant,
        Edge::On(day) => midnight(day, zone),
    }
}

/// No zone of the made-up world skips midnight.
fn midnight(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    zone.from_local_datetime(&day.and_time(NaiveTime::MIN)).earliest().unwrap().to_utc()
}

/// The filters by a value, with the values wanted.
fn wishes(query: &Query) -> Vec<(Facet, Vec<String>)> {
    let facts = &query.facts;
    let flag = |flag: Option<bool>| flag.iter().map(bool::to_string).collect::<Vec<_>>();
    let all = [
        (Facet::Kind, query.kinds.iter().map(|kind| kind.name().to_owned()).collect()),
        (Facet::Category, query.categories.iter().map(ToString::to_string).collect()),
        (Facet::Area, query.areas.iter().map(ToString::to_string).collect()),
        (Facet::Tag, query.tags.iter().map(ToString::to_string).collect()),
        (Facet::Free, flag(facts.free)),
        (Facet::Award, flag(facts.award)),
        (Facet::HasWorkshop, flag(facts.has_workshop)),
        (Facet::MadeToOrder, flag(facts.made_to_order)),
        (Facet::Facility, facts.facilities.iter().map(|one| one.name().to_owned()).collect()),
        (Facet::Payment, facts.payments.iter().map(|one| one.name().to_owned()).collect()),
        (
            Facet::LanguageSpoken,
            facts.languages_spoken.iter().map(|one| one.as_str().to_owned()).collect(),
        ),
        (Facet::Technique, facts.techniques.iter().map(ToString::to_string).collect()),
        (Facet::Material, facts.materials.iter().map(ToString::to_string).collect()),
        (Facet::Form, facts.forms.iter().map(|form| form.name().to_owned()).collect()),
        (Facet::TextIn, facts.text_in.iter().map(|lang| lang.code().to_owned()).collect()),
        (Facet::EventStatus, facts.event_statuses.iter().map(|s| s.name().to_owned()).collect()),
    ];
    all.into_iter().filter(|(_, values): &(_, Vec<String>)| !values.is_empty()).collect()
}

fn near(random: &mut Random) -> Position {
    Position::new(random.between(-8.1, -7.6), random.between(110.1, 110.6)).unwrap()
}

fn shape(random: &mut Random) -> Shape {
    let vertices: Vec<Position> = (0..3 + random.below(6)).map(|_| near(random)).collect();
    let ring = random.chance(60).then(|| Ring::new(&vertices).unwrap());
    let metres = random.between(10.0, 5000.0);
    let wanted = ring.is_none() || random.chance(30);
    let corridor = wanted.then(|| Corridor::new(&vertices, metres).unwrap());
    Shape { written: random.next().to_string(), outline: Outline { ring, corridor } }
}

/// A moment of asking with what else questions at that time ask about: questions come in bouts, as
/// the hours of all listings are long to reckon.
struct Bout {
    now: DateTime<Utc>,
    instants: [DateTime<Utc>; 2],
}

impl Bout {
    fn new(random: &mut Random, number: i64) -> Self {
        let mut after = |days: usize| {
            let minutes = i64::try_from(random.below(days * 1440)).unwrap();
            at(NOON) + TimeDelta::minutes(minutes)
        };
        let now = after(1) + TimeDelta::days(number * 9);
        Self { now, instants: [after(30), after(700)] }
    }

    fn query(&self, random: &mut Random, oracle: &Oracle) -> Query {
        let sorts = [Sort::Distance, Sort::Name, Sort::Updated, Sort::Start, Sort::Fair];
        let mut query = Query::all(*random.one(&sorts));
        query.lang = *random.one(&Lang::ALL);
        query.limit = *random.one(&[1, 7, 7, 50, 50, 300, 300, 100_000]);
        query.seed = random.chance(50).then(|| "7".to_owned());
        place(random, oracle, &mut query);
        self.time(random, &mut query);
        filters(random, oracle, &mut query);
        facts(random, &mut query.facts);
        if random.chance(20) {
            query.facets = random.some(Facet::ALL, 3);
        }
        query
    }

    fn time(&self, random: &mut Random, query: &mut Query) {
        if random.chance(12) {
            let [soon, late] = self.instants.map(Edge::At);
            query.open_at = Some(*random.one(&[Edge::Now, soon, late]));
        }
        let share = if query.sort == Sort::Start { 50 } else { 8 };
        if random.chance(share) {
            let edge = |random: &mut Random| {
                let days = i64::try_from(random.below(500)).unwrap() - 150;
                let then = self.now + TimeDelta::days(days);
                let edges = [Edge::Now, Edge::At(then), Edge::On(then.date_naive())];
                random.chance(90).then(|| *random.one(&edges))
            };
            query.window = Some(Window { from: edge(random), to: edge(random) });
        }
    }
}

fn place(random: &mut Random, oracle: &Oracle, query: &mut Query) {
    if query.sort == Sort::Distance || random.chance(30) {
        let (at, metres) = random.one(&oracle.centres);
        let edge = random.one(metres).unwrap_or(5000.0);
        let radius = *random.one(&[1.0, 50.0, 900.0, 20_000.0, 100_000.0, edge, edge]);
        let radius_m = random.chance(60).then_some(radius);
        query.centre = Some(Centre { at: *at, radius_m });
    }
    if random.chance(15) {
        let (a, b) = (near(random), near(random));
        let across = random.chance(20);
        let (west, east) = if across { (170.0, -110.3) } else { (a.lon(), b.lon()) };
        let (south, north) = (a.lat().min(b.lat()), a.lat().max(b.lat()));
        query.bbox = Some(Bbox { west, south, east, north });
    }
    if random.chance(15) {
        query.shape = Some(random.one(&oracle.shapes).0.clone());
    }
}

fn filters(random: &mut Random, oracle: &Oracle, query: &mut Query) {
    let some = |random: &mut Random, percent| random.chance(percent);
    if some(random, 15) {
        query.kinds = random.some(&Kind::ALL, 2);
    }
    if some(random, 15) {
        let all: Vec<CategoryCode> = reference().categories().map(|c| c.code.clone()).collect();
        query.categories = random.some(&all, 4);
    }
    if some(random, 15) {
        let all: Vec<AreaCode> = reference().areas().map(|area| area.row.code.clone()).collect();
        query.areas = random.some(&all, 3);
    }
    if some(random, 10) {
        query.tags = random.some(&TAGS, 2).into_iter().map(|tag| tag.parse().unwrap()).collect();
    }
    let ids: Vec<Uuid> = (0..30).map(|_| random.one(&oracle.all).id).collect();
    if some(random, 10) {
        query.except = Some(ids[0]);
    }
    if some(random, 4) {
        query.facts.ids = ids;
        query.facts.ids.push(Uuid::nil());
    }
    if some(random, 8) {
        query.updated_since = Some(random.one(&oracle.all).updated);
    }
}

fn facts(random: &mut Random, facts: &mut Facts) {
    fn read<T: std::str::FromStr>(names: Vec<&str>) -> Vec<T>
    where
        T::Err: std::fmt::Debug,
    {
        names.into_iter().map(|name| name.parse().unwrap()).collect()
    }
    let flag = Some(random.chance(50));
    match random.below(40) {
        0 => facts.free = flag,
        1 => facts.award = flag,
        2 => facts.has_workshop = flag,
        3 => facts.made_to_order = flag,
        4 => facts.facilities = read(random.some(&FACILITIES, 2)),
        5 => facts.payments = read(random.some(&PAYMENTS, 2)),
        6 => facts.languages_spoken = read(random.some(&TONGUES, 2)),
        7 => facts.techniques = read(random.some(&TERMS, 2)),
        8 => facts.materials = read(random.some(&TERMS, 2)),
        9 => facts.forms = random.some(&domain::producer::Form::ALL, 2),
        10 => facts.text_in = random.some(&Lang::ALL, 1),
        11 => facts.event_statuses = random.some(&domain::event::EventStatus::ALL, 2),
        _ => {}
    }
}

/// The same listings, brought all at once: one segment.
fn at_once(world: &World) -> Snapshot {
    let records = world.records.iter().map(|(id, record)| (*id, Some(record.clone()))).collect();
    Snapshot::default().with(Changes { records, reference: Some(reference().clone()), seq: 1 })
}

fn ids(page: &Page) -> Vec<Uuid> {
    page.hits.iter().map(|hit| hit.document.id).collect()
}

/// Asks 2,500 questions of a world made by `seed`.
fn ask(seed: u64) {
    let mut world = World::new(seed, 3000);
    let mut oracle = Oracle::new(&mut world);
    let (snapshot, whole) = (world.index.snapshot(), at_once(&world));
    assert_eq!(snapshot.len(), oracle.all.len());
    for bout in 0..10 {
        let bout_at = Bout::new(&mut world.random, bout);
        for number in 0..250 {
            let query = bout_at.query(&mut world.random, &oracle);
            let note = format!("seed {seed}, bout {bout}, question {number}: {query:?}");
            let page = snapshot.find(&query, bout_at.now).unwrap();
            oracle.check(&query, bout_at.now, &page, &note);
            if query.sort == Sort::Fair {
                let again = whole.find(&query, bout_at.now).unwrap();
                assert_eq!(ids(&page), ids(&again), "shuffled otherwise: {note}");
            }
        }
    }
}

#[test]
fn what_is_found_is_what_looking_at_everything_finds() {
    ask(1);
}

#[test]
fn it_is_in_a_second_world() {
    ask(2);
}

#[test]
fn it_is_in_a_third_world() {
    ask(3);
}

#[test]
fn it_is_in_a_fourth_world() {
    ask(4);
}

/// Who asks for twenty is shown the first twenty of all: of so many that not each of them is scored.
#[test]
fn the_best_of_thousands_are_the_first_of_all_of_them() {
    let mut world = World::empty(6);
    let all = world.newcomers(9000);
    world.take(all);
    let snapshot = world.index.snapshot();
    for number in 0..60 {
        let random = &mut world.random;
        let words = random.some(&WORDS, 3).join(" ");
        let (lat, lon) = (random.between(-8.0, -7.7), random.between(110.2, 110.5));
        let radius_m = *random.one(&[None, Some(8000.0), Some(60_000.0)]);
        let centre = Position::new(lat, lon).ok().map(|at| Centre { at, radius_m });
        let first = Query { words: Some(words), centre, limit: 20, ..Query::all(Sort::Relevance) };
        let all = Query { limit: 100_000, ..first.clone() };
        let [page, all] = [&first, &all].map(|query| snapshot.find(query, at(NOON)).unwrap());
        assert_eq!((page.total, &ids(&page)[..]), (all.total, &ids(&all)[..page.hits.len()]));
        let score = |hit: &search::Hit<'_>| hit.score.unwrap().total;
        let in_order = all.hits.is_sorted_by(|a, b| score(a) >= score(b));
        assert!(in_order, "question {number}: {first:?}");
    }
}

#[test]
fn how_the_listings_came_to_be_known_changes_no_answer_to_words() {
    let mut world = World::new(5, 2000);
    let oracle = Oracle::new(&mut world);
    let (snapshot, whole) = (world.index.snapshot(), at_once(&world));
    for bout in 0..4 {
        let bout_at = Bout::new(&mut world.random, bout);
        for number in 0..100 {
            let mut query = bout_at.query(&mut world.random, &oracle);
            query.words = Some(world.random.some(&WORDS, 3).join(" ")).filter(|q| !q.is_empty());
            if query.words.is_none() {
                continue;
            }
            query.sort = Sort::Relevance;
            query.limit = 100_000;
            let note = format!("bout {bout}, question {number}: {query:?}");
            compare(&query, bout_at.now, [&snapshot, &whole], &note);
        }
    }
}

fn compare(query: &Query, now: DateTime<Utc>, [many, one]: [&Snapshot; 2], note: &str) {
    let (many_page, one_page) = (many.find(query, now).unwrap(), one.find(query, now).unwrap());
    assert_eq!(many_page.total, one_page.total, "{note}");
    let scores = |page: &Page| -> BTreeMap<Uuid, f64> {
        page.hits.iter().map(|hit| (hit.document.id, hit.score.unwrap().total)).collect()
    };
    let (of_many, of_one) = (scores(&many_page), scores(&one_page));
    assert!(of_many.keys().eq(of_one.keys()), "{note}");
    for (id, score) in &of_many {
        assert!((score - of_one[id]).abs() < 1e-9, "{id}: {score} {} {note}", of_one[id]);
    }
    let falls =
        |pair: &[search::Hit<'_>]| pair[0].score.unwrap().total >= pair[1].score.unwrap().total;
    assert!(many_page.hits.windows(2).all(falls), "{note}");
    for limit in [1, 20] {
        let short = many.find(&Query { limit, ..query.clone() }, now).unwrap();
        assert!(ids(&many_page).starts_with(&ids(&short)), "the first {limit} {note}");
    }
    if query.centre.is_some() {
        let query = Query { sort: Sort::Distance, ..query.clone() };
        let page = many.find(&query, now).unwrap();
        let metres = |hit: &search::Hit<'_>| hit.distance_m.unwrap_or(f64::INFINITY);
        assert!(page.hits.is_sorted_by_key(metres), "{note}");
        assert_eq!(page.total, many_page.total, "{note}");
    }
}

/// A listing of this name, with no other words.
fn named(world: &mut World, number: u128, name: &str) -> (Uuid, Option<Record>) {
    let id = Uuid::from_u128(number);
    let mut record = world.record(id);
    record.listing.name = BTreeMap::from([(Lang::Id, name.to_owned())]).try_into().unwrap();
    record.listing.summary = None;
    record.listing.tags = domain::listing::Tags::default();
    (id, Some(record))
}

#[test]
fn a_closure_in_two_years_is_known_whoever_asked_about_now_before() {
    let mut world = World::empty(1);
    let (id, mut record) = named(&mut world, 1, "samudra");
    let listing = &mut record.as_mut().unwrap().listing;
    listing.hours = Some("24/7".to_owned());
    listing.notices = serde_json::from_value(serde_json::json!([{
        "kind": "closure", "source": "made up", "text": { "id": "Libur" },
        "from": "2028-06-01T00:00:00Z", "to": "2028-07-01T00:00:00Z",
    }]))
    .unwrap();
    world.take(vec![(id, record)]);
    let open = |then: &str| {
        let query = Query { open_at: Some(Edge::At(at(then))), ..Query::all(Sort::Name) };
        world.index.snapshot().find(&query, at(NOON)).unwrap().total
    };
    assert_eq!(open(NOON), 1);
    assert_eq!(open("2028-06-10T00:00:00Z"), 0);
}

#[test]
fn a_word_that_is_known_is_no_typing_error_of_what_came_later() {
    let mut world = World::empty(1);
    let known = (1..=100).map(|number| named(&mut world, number, "sekar")).collect();
    world.take(known);
    let newcomer = named(&mut world, 101, "sejarah");
    world.take(vec![newcomer]);
    let query = Query { words: Some("sekar".to_owned()), ..Query::all(Sort::Relevance) };
    let total = |snapshot: &Snapshot| snapshot.find(&query, at(NOON)).unwrap().total;
    assert_eq!(total(&world.index.snapshot()), total(&at_once(&world)));
}
