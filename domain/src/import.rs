//! Import: a folder of records poured into the store.
//!
//! The format is documented in `fixtures/README.md`: one JSON object a line (NDJSON), areas as a
//! GeoJSON `FeatureCollection`. Records are read as a stream, checked whole and written through the
//! writer task like any other write. A bad record is reported with file and line and hurts no
//! other. A record whose listing is there already replaces it; one that changes nothing is left
//! alone, so pouring twice is pouring once.

use std::{
    collections::{HashMap, HashSet},
    io::{BufRead, Read as _},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, value::RawValue};
use uuid::Uuid;

use crate::{
    agency, area, audit, category,
    draft::read_draft,
    edit::{self, Edit, Frame},
    error::{Error, Fault},
    holiday,
    key::Slug,
    listing::{self, Kind, Stamp, Status},
    producer::Form,
    product,
    record::{self, Record},
    reference::Reference,
    revision::Members,
    store::Store,
    writer::{Unit, Write, Writer},
};

/// The files of a folder, in the order they are poured: what is referred to comes first.
pub const FILES: [&str; 8] = [
    "categories.ndjson",
    "agencies.ndjson",
    "areas.geojson",
    "holidays.ndjson",
    "places.ndjson",
    "producers.ndjson",
    "products.ndjson",
    "events.ndjson",
];

/// Records read before they are written: one round of look-ups for all of them.
const CHUNK: usize = 200;
/// The longest record, bytes.
const MAX_LINE: usize = 1 << 20;

/// A record that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The file.
    pub file: String,
    /// The line it starts on; the first is 1.
    pub line: usize,
    /// Every rule it breaks.
    pub faults: Vec<Fault>,
}

/// What became of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// New ones and new states of known ones.
    pub written: usize,
    /// Those that are stored just so already.
    pub unchanged: usize,
    /// Those that break a rule.
    pub refused: usize,
}

/// Something to tell whoever waits.
#[derive(Debug)]
pub enum Progress {
    /// So many bytes of the file have been dealt with.
    Bytes(u64),
    /// A record was not taken.
    Refused(Refusal),
}

/// One pouring.
pub struct Import<'a> {
    store: &'a Store,
    writer: &'a Writer,
    actor: &'a str,
    now: DateTime<Utc>,
    mint: &'a (dyn Fn() -> Uuid + Sync),
    reference: Reference,
    /// Producers that others may belong to.
    centres: HashSet<Uuid>,
    /// Listings poured so far: 16 bytes each, a million are some tens of megabytes.
    seen: HashSet<Uuid>,
    /// What became of the records so far.
    pub tally: Tally,
}

/// A record that has been read and not yet checked.
struct Entry {
    line: usize,
    /// The id of a listing, known or made before links are resolved.
    id: Option<Uuid>,
    value: Map<String, Value>,
}

impl<'a> Import<'a> {
    /// A pouring at `now` in the name of `actor`; `mint` makes the ids of records that bring none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn new(
        store: &'a Store,
        writer: &'a Writer,
        actor: &'a str,
        now: DateTime<Utc>,
        mint: &'a (dyn Fn() -> Uuid + Sync),
    ) -> Result<Self, Error> {
        let reference = Reference::load(&store.reader).await?;
        let (centres, seen, tally) = (HashSet::new(), HashSet::new(), Tally::default());
        Ok(Self { store, writer, actor, now, mint, reference, centres, seen, tally })
    }

    /// Pours one of [`FILES`]; an unknown name is a programmer's mistake and pours nothing.
    ///
    /// # Errors
    /// When the database fails, or the file cannot be read. Bad records are no error: `tell` hears
    /// of each.
    pub async fn file(
        &mut self,
        name: &str,
        read: &mut (dyn BufRead + Send),
        tell: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), Pour> {
        if name == "areas.geojson" {
            return self.areas(name, read, tell).await;
        }
        let mut lines = Lines { read, line: 0 };
        loop {
            let (entries, bytes, refused) = lines.chunk().map_err(Pour::Read)?;
            self.refuse(name, refused, tell);
            if !entries.is_empty() {
                let refused = self.entries(name, entries).await?;
                self.refuse(name, refused, tell);
            }
            if bytes == 0 {
                return Ok(());
            }
            tell(Progress::Bytes(bytes));
        }
    }

    fn refuse(
        &mut self,
        file: &str,
        refused: Vec<(usize, Vec<Fault>)>,
        tell: &mut (dyn FnMut(Progress) + Send),
    ) {
        self.tally.refused += refused.len();
        for (line, faults) in refused {
            tell(Progress::Refused(Refusal { file: file.to_owned(), line, faults }));
        }
    }

    async fn entries(
        &mut self,
        file: &str,
        entries: Vec<Entry>,
    ) -> Result<Vec<(usize, Vec<Fault>)>, Error> {
        match file {
            "categories.ndjson" => {
                self.simple(entries, |import, draft: category::Draft| {
                    let row = draft.into_row()?;
                    let same = import.reference.category(&row.code) == Some(&row);
                    import.reference.add_category(row.clone());
                    Ok(Made::unless(same, Write::Category(Box::new(row))))
                })
                .await
            }
            "agencies.ndjson" => {
                self.simple(entries, |import, draft: agency::Draft| {
                    let row = draft.into_row(&import.reference)?;
                    let same = import.reference.agency(&row.id) == Some(&row);
                    import.reference.add_agency(row.clone());
                    Ok(Made::unless(same, Write::Agency(Box::new(row))))
                })
                .await
            }
            "holidays.ndjson" => {
                self.simple(entries, |import, draft: holiday::Draft| {
                    let row = draft.into_row()?;
                    let same = import.reference.holidays_on(row.date).any(|known| *known == row);
                    Ok(Made::unless(same, Write::Holiday(Box::new(row))))
                })
                .await
            }
            "places.ndjson" => self.listings(Kind::Place, entries).await,
            "producers.ndjson" => self.listings(Kind::Producer, entries).await,
            "events.ndjson" => self.listings(Kind::Event, entries).await,
            "products.ndjson" => self.products(entries).await,
            _ => Ok(Vec::new()),
        }
    }

    /// Records that have no version and no links.
    async fn simple<D: DeserializeOwned>(
        &mut self,
        entries: Vec<Entry>,
        make: impl Fn(&mut Self, D) -> Result<Made, Vec<Fault>>,
    ) -> Result<Vec<(usize, Vec<Fault>)>, Error> {
        let mut refused = Vec::new();
        let mut writes = Vec::new();
        for Entry { line, value, .. } in entries {
            let made = read_draft(&Value::Object(value)).map_err(|fault| vec![fault]);
            match made.and_then(|draft| make(self, draft)) {
                Ok(Made::Write(write)) => writes.push((line, write)),
                Ok(Made::Unchanged) => self.tally.unchanged += 1,
                Err(faults) => refused.push((line, faults)),
            }
        }
        refused.extend(self.write_all(writes).await?);
        Ok(refused)
    }

    async fn areas(
        &mut self,
        file: &str,
        read: &mut (dyn BufRead + Send),
        tell: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), Pour> {
        let mut bytes = Vec::new();
        read.read_to_end(&mut bytes).map_err(Pour::Read)?;
        let text = match str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) => {
                let line = line_at(&bytes[..error.valid_up_to()]);
                self.refuse(file, vec![(line, vec![not_utf8()])], tell);
                tell(Progress::Bytes(bytes.len() as u64));
                return Ok(());
            }
        };
        let mut refused = Vec::new();
        let mut writes = Vec::new();
        match serde_json::from_str::<Collection>(text) {
            Err(error) => refused.push((error.line(), vec![unreadable(&error)])),
            Ok(collection) => {
                for feature in collection.features {
                    let line = line_of(text, feature.get());
                    match read_area(feature) {
                        Ok(row) if self.reference.area(&row.code).is_some_and(|a| a.row == row) => {
                            self.tally.unchanged += 1;
                        }
                        Ok(row) => {
                            self.reference.add_area(row.clone());
                            writes.push((line, (Write::Area(Box::new(row)), None)));
                        }
                        Err(faults) => refused.push((line, faults)),
                    }
                }
            }
        }
        refused.extend(self.write_all(writes).await?);
        self.refuse(file, refused, tell);
        tell(Progress::Bytes(text.len() as u64));
        Ok(())
    }

    async fn listings(
        &mut self,
        kind: Kind,
        entries: Vec<Entry>,
    ) -> Result<Vec<(usize, Vec<Fault>)>, Error> {
        let (mut links, given_up) = self.links(kind, &entries).await?;
        let stored = self.stored(&entries, &links).await?;
        // Who is new gets an id before links are resolved: two new listings may name each other.
        let mut entries = entries;
        for entry in &mut entries {
            let Some(slug) = own_slug(&entry.value) else { continue };
            // A slug that somebody gave up still leads to them; nobody else may take it.
            if given_up.contains(&slug) {
                entry.id = Some(own_id(&entry.value).unwrap_or_else(self.mint));
                continue;
            }
            let id = own_id(&entry.value)
                .unwrap_or_else(|| links.get(&slug).copied().unwrap_or_else(self.mint));
            entry.id = Some(id);
            links.entry(slug).or_insert(id);
        }
        if kind == Kind::Producer {
            self.note_centres(&entries, &links).await?;
        }
        let mut refused = Vec::new();
        let mut writes = Vec::new();
        for entry in entries {
            let line = entry.line;
            // One pouring says one thing of a listing: a slug that stands twice is a mistake.
            let again = entry.id.is_some_and(|id| !self.seen.insert(id));
            let made = self.listing(kind, entry, &links, &stored);
            let made = if again { Err(vec![edit::slug_taken()]) } else { made };
            match made {
                Ok(Made::Write(write)) => writes.push((line, write)),
                Ok(Made::Unchanged) => self.tally.unchanged += 1,
                Err(faults) => refused.push((line, faults)),
            }
        }
        // A centre before its members, whatever the file's order: the batches may part them.
        writes.sort_by_key(|(line, write)| (is_member_of_another(write), *line));
        refused.extend(self.write_all(writes).await?);
        Ok(refused)
    }

    /// Every slug that `entries` name, their own and those they link to, with the id behind it;
    /// and which of them somebody gave up.
    async fn links(
        &self,
        kind: Kind,
        entries: &[Entry],
    ) -> Result<(HashMap<Slug, Uuid>, HashSet<Slug>), Error> {
        let mut slugs: Vec<Slug> = Vec::new();
        for entry in entries {
            slugs.extend(own_slug(&entry.value));
            let mut value = entry.value.clone();
            for_each_link(kind, &mut value, &mut |link| {
                slugs.extend(link.as_str().and_then(|slug| slug.parse().ok()));
            });
        }
        let mut links = record::former_ids_of(&self.store.reader, &slugs).await?;
        let current = record::ids_of(&self.store.reader, &slugs).await?;
        let given_up = links.keys().filter(|slug| !current.contains_key(slug)).cloned().collect();
        links.extend(current);
        Ok((links, given_up))
    }

    async fn stored(
        &self,
        entries: &[Entry],
        links: &HashMap<Slug, Uuid>,
    ) -> Result<HashMap<Uuid, Record>, Error> {
        let ids: Vec<Uuid> = entries
            .iter()
            .filter_map(|entry| {
                own_id(&entry.value).or_else(|| links.get(&own_slug(&entry.value)?).copied())
            })
            .collect();
        let records = record::load(&self.store.reader, &ids).await?;
        Ok(records.into_iter().map(|record| (record.listing.id, record)).collect())
    }

    fn listing(
        &self,
        kind: Kind,
        entry: Entry,
        links: &HashMap<Slug, Uuid>,
        stored: &HashMap<Uuid, Record>,
    ) -> Result<Made, Vec<Fault>> {
        let mut value = entry.value;
        let mut faults = resolve_links(kind, &mut value, links);
        let Some(slug) = own_slug(&value) else {
            faults.push(Fault::new("missing", "perlu slug", "needs a slug").below("slug"));
            return Err(faults);
        };
        let holder = links.get(&slug).copied();
        let id = entry.id.or(holder).unwrap_or_else(self.mint);
        if holder.is_some_and(|holder| holder != id) {
            faults.push(edit::slug_taken());
        }
        if value.get("id").is_some() && own_id(&value).is_none() {
            faults.push(Fault::new("bad_format", "bukan UUID", "is no UUID").below("id"));
        }
        let old = stored.get(&id);
        // One listing is of one kind for ever.
        if old.is_some_and(|old| old.listing.kind != kind) {
            faults.push(edit::slug_taken());
        }
        value.shift_remove("id");
        let status = own_status(&mut value, old, &mut faults);
        let stamp = Stamp {
            id,
            version: old.map_or(1, |old| old.listing.version + 1),
            created_at: old.map_or(self.now, |old| old.listing.created_at),
            now: self.now,
            published_at: old.and_then(|old| old.listing.published_at),
            merged_into: old.and_then(|old| old.listing.merged_into),
        };
        let edit = Edit { reference: &self.reference, now: self.now, vouches: true };
        let record = edit.read(Frame { kind, status, slug, stamp }, value, faults, None)?;
        if let Some(fault) = self.centre_fault(&record) {
            return Err(vec![fault]);
        }
        let mut entry = audit::Entry::new("import", id, record.listing.version);
        entry.public = record.listing.is_public();
        let Some(old) = old else {
            // What it says is the row itself, until somebody changes it and what was goes on record.
            return Ok(Made::listing(record, None, entry));
        };
        if same_content(old, &record) {
            return Ok(Made::Unchanged);
        }
        let (before, after) = (edit::state(old), edit::state(&record));
        let after = Members::between(&before, &after);
        let entry = entry
            .with("actor", self.actor, (self.mint)())
            .with("before", Value::Object(after.of(&before).0), (self.mint)())
            .with("after", Value::Object(after.0), (self.mint)());
        let former = (old.listing.slug != record.listing.slug).then(|| old.listing.slug.clone());
        Ok(Made::listing(record, former, entry))
    }

    /// The fault of a centre that is none.
    fn centre_fault(&self, record: &Record) -> Option<Fault> {
        record.producer()?.centre.filter(|centre| !self.centres.contains(centre))?;
        Some(Fault::new("unknown_reference", "bukan sentra", "is no centre").below("centre"))
    }

    /// Notes which of the producers that `entries` may belong to are centres.
    async fn note_centres(
        &mut self,
        entries: &[Entry],
        links: &HashMap<Slug, Uuid>,
    ) -> Result<(), Error> {
        let named = entries.iter().filter_map(|entry| {
            let centre = entry.value.get("centre")?.as_str()?;
            centre.parse().ok().or_else(|| links.get(&centre.parse::<Slug>().ok()?).copied())
        });
        let named: HashSet<Uuid> = named.collect();
        let stored = record::load(&self.store.reader, &Vec::from_iter(named)).await?;
        let is_centre =
            |record: &&Record| record.producer().is_some_and(|p| p.form == Form::Centre);
        self.centres.extend(stored.iter().filter(is_centre).map(|record| record.listing.id));
        let new = entries
            .iter()
            .filter(|entry| entry.value.get("form").is_some_and(|form| form == "centre"));
        self.centres.extend(new.filter_map(|entry| entry.id));
        Ok(())
    }

    async fn products(&mut self, entries: Vec<Entry>) -> Result<Vec<(usize, Vec<Fault>)>, Error> {
        let producer = |entry: &Entry| entry.value.get("producer")?.as_str()?.parse::<Slug>().ok();
        let slugs: Vec<Slug> = entries.iter().filter_map(producer).collect();
        let links = record::ids_of(&self.store.reader, &slugs).await?;
        let ids: Vec<Uuid> = links.values().copied().collect();
        let makers = record::load(&self.store.reader, &ids).await?;
        let makers: HashMap<Uuid, Record> =
            makers.into_iter().map(|record| (record.listing.id, record)).collect();
        let mut refused = Vec::new();
        let mut writes = Vec::new();
        for entry in entries {
            let line = entry.line;
            let maker = producer(&entry).and_then(|slug| makers.get(links.get(&slug)?));
            match self.product(entry.value, maker) {
                Ok(Made::Write(write)) => writes.push((line, write)),
                Ok(Made::Unchanged) => self.tally.unchanged += 1,
                Err(faults) => refused.push((line, faults)),
            }
        }
        refused.extend(self.write_all(writes).await?);
        Ok(refused)
    }

    fn product(
        &self,
        mut value: Map<String, Value>,
        maker: Option<&Record>,
    ) -> Result<Made, Vec<Fault>> {
        let Some(maker) = maker.filter(|maker| maker.listing.kind == Kind::Producer) else {
            return Err(vec![listing::names_nothing().below("producer")]);
        };
        let id = own_id(&value);
        let slug = own_slug(&value);
        value.shift_remove("producer");
        value.shift_remove("id");
        let draft: product::Draft =
            read_draft(&Value::Object(value)).map_err(|fault| vec![fault])?;
        let mut faults = draft.check();
        let Some(slug) = slug.filter(|_| faults.is_empty()) else {
            if faults.is_empty() {
                faults.push(Fault::new("missing", "perlu slug", "needs a slug").below("slug"));
            }
            return Err(faults);
        };
        let old = maker.products.iter().find(|p| Some(p.id) == id || p.slug == slug);
        let stamp = Stamp {
            id: old.map(|old| old.id).or(id).unwrap_or_else(self.mint),
            version: old.map_or(1, |old| old.version + 1),
            created_at: old.map_or(self.now, |old| old.created_at),
            now: self.now,
            published_at: None,
            merged_into: None,
        };
        let row = draft.into_row(maker.listing.id, slug, &stamp);
        let same = old.is_some_and(|old| {
            *old == product::Model {
                version: old.version,
                updated_at: old.updated_at,
                ..row.clone()
            }
        });
        Ok(Made::unless(same, Write::Product(Box::new(row))))
    }

    /// Writes all of them, each a unit; those that the database refuses come back.
    async fn write_all(
        &mut self,
        writes: Vec<(usize, Ready)>,
    ) -> Result<Vec<(usize, Vec<Fault>)>, Error> {
        let lines: Vec<usize> = writes.iter().map(|(line, _)| *line).collect();
        let handed = writes.into_iter().map(|(_, (write, entry))| {
            let mut unit = Unit::new(vec![write], self.actor, self.now);
            unit.entries.extend(entry);
            self.writer.write(unit)
        });
        let results = futures_util::future::join_all(handed).await;
        let mut refused = Vec::new();
        for (line, result) in lines.into_iter().zip(results) {
            match result {
                Ok(_) => self.tally.written += 1,
                Err(Error::Invalid(faults)) => refused.push((line, faults)),
                Err(Error::Stale(_)) => refused.push((line, vec![changed_meanwhile()])),
                Err(error) => return Err(error),
            }
        }
        Ok(refused)
    }
}

/// Why a pouring stopped.
#[derive(Debug, thiserror::Error)]
pub enum Pour {
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Read(#[source] std::io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

enum Made {
    Write(Ready),
    Unchanged,
}

/// What is ready to be written, and what the record says of it.
type Ready = (Write, Option<audit::Entry>);

impl Made {
    fn unless(same: bool, write: Write) -> Self {
        if same { Self::Unchanged } else { Self::Write((write, None)) }
    }

    fn listing(record: Record, former_slug: Option<Slug>, entry: audit::Entry) -> Self {
        let write = Write::Listing { record: Box::new(record), former_slug };
        Self::Write((write, Some(entry)))
    }
}

struct Lines<'r> {
    read: &'r mut (dyn BufRead + Send),
    line: usize,
}

type Chunk = (Vec<Entry>, u64, Vec<(usize, Vec<Fault>)>);

impl Lines<'_> {
    /// The next records, the bytes they took (0 at the end), and the lines that are no record.
    fn chunk(&mut self) -> std::io::Result<Chunk> {
        let (mut entries, mut bytes, mut refused) = (Vec::new(), 0, Vec::new());
        while entries.len() + refused.len() < CHUNK {
            let (line, read) = self.line()?;
            if read == 0 {
                break;
            }
            self.line += 1;
            bytes += read;
            match read_line(&line) {
                Ok(Some(value)) => entries.push(Entry { line: self.line, id: None, value }),
                Ok(None) => {}
                Err(fault) => refused.push((self.line, vec![fault])),
            }
        }
        Ok((entries, bytes, refused))
    }
}

impl Lines<'_> {
    /// The next line and the bytes it took; of one that is too long, only the beginning is kept.
    fn line(&mut self) -> std::io::Result<(Vec<u8>, u64)> {
        let mut line = Vec::new();
        let limit = MAX_LINE as u64 + 1;
        let mut read = (&mut *self.read).take(limit).read_until(b'\n', &mut line)? as u64;
        let mut ended = line.last() == Some(&b'\n') || read < limit;
        while !ended {
            let mut rest = Vec::new();
            let more = (&mut *self.read).take(limit).read_until(b'\n', &mut rest)? as u64;
            read += more;
            ended = rest.last() == Some(&b'\n') || more < limit;
        }
        Ok((line, read))
    }
}

/// `None` for a blank line.
fn read_line(line: &[u8]) -> Result<Option<Map<String, Value>>, Fault> {
    if line.len() > MAX_LINE {
        return Err(Fault::new("too_long", "paling banyak 1 MiB", "must be at most 1 MiB"));
    }
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    serde_json::from_slice(line).map(Some).map_err(|error| unreadable(&error))
}

fn not_utf8() -> Fault {
    Fault::new("bad_encoding", "bukan UTF-8", "is not UTF-8")
}

fn unreadable(error: &serde_json::Error) -> Fault {
    Fault::new(
        "bad_json",
        format!("bukan objek JSON: {error}"),
        format!("is no JSON object: {error}"),
    )
}

/// Whether it is a producer that belongs to a centre.
fn is_member_of_another((write, _): &Ready) -> bool {
    let Write::Listing { record, .. } = write else { return false };
    record.producer().is_some_and(|producer| producer.centre.is_some())
}

fn own_id(value: &Map<String, Value>) -> Option<Uuid> {
    value.get("id")?.as_str()?.parse().ok()
}

/// The slug a record names, else the one its name suggests.
fn own_slug(value: &Map<String, Value>) -> Option<Slug> {
    if let Some(slug) = value.get("slug") {
        return slug.as_str()?.parse().ok();
    }
    let name = value.get("name")?;
    Slug::from_name(name.get("id").or_else(|| name.get("en"))?.as_str()?)
}

fn own_status(
    value: &mut Map<String, Value>,
    old: Option<&Record>,
    faults: &mut Vec<Fault>,
) -> Status {
    let named = value.shift_remove("status").map(serde_json::from_value::<Status>);
    let status = match named {
        None => old.map_or(Status::Published, |old| old.listing.status),
        Some(Ok(status)) => status,
        Some(Err(_)) => {
            faults
                .push(Fault::new("unknown_value", "bukan status", "is no status").below("status"));
            return Status::Draft;
        }
    };
    if old.is_some_and(|old| !old.listing.status.may_become(status)) {
        let fault = Fault::new("not_allowed", "perubahan status tidak boleh", "is no allowed move");
        faults.push(fault.below("status"));
    }
    status
}

/// The places of a record that hold links, each with the path that names it.
fn for_each_link(kind: Kind, value: &mut Map<String, Value>, visit: &mut dyn FnMut(&mut Value)) {
    let direct: &[&str] = match kind {
        Kind::Place => &[],
        Kind::Producer => &["centre"],
        Kind::Event => &["venue"],
    };
    for member in direct {
        if let Some(link) = value.get_mut(*member) {
            visit(link);
        }
    }
    if let Some(link) = value.get_mut("organiser").and_then(|o| o.get_mut("listing")) {
        visit(link);
    }
    if let Some(Value::Array(links)) = value.get_mut("see_also") {
        links.iter_mut().for_each(visit);
    }
}

/// Puts ids where slugs stand; a slug that leads nowhere is a fault.
fn resolve_links(
    kind: Kind,
    value: &mut Map<String, Value>,
    links: &HashMap<Slug, Uuid>,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for_each_link(kind, value, &mut |link| {
        let Some(text) = link.as_str() else { return };
        if text.parse::<Uuid>().is_ok() {
            return;
        }
        let Some(id) = text.parse::<Slug>().ok().and_then(|slug| links.get(&slug)) else {
            faults.push(Fault::new(
                "unknown_reference",
                format!("`{text}` tidak ada"),
                format!("`{text}` names no listing that is here already"),
            ));
            // It has been said; whoever reads on need not stumble over it again.
            *link = Value::String(Uuid::nil().to_string());
            return;
        };
        *link = Value::String(id.to_string());
    });
    faults
}

/// Whether two states differ in nothing but version and time.
fn same_content(old: &Record, new: &Record) -> bool {
    let listing = listing::Model {
        version: old.listing.version,
        updated_at: old.listing.updated_at,
        ..new.listing.clone()
    };
    listing == old.listing && new.detail == old.detail
}

fn changed_meanwhile() -> Fault {
    Fault::new("stale", "berubah sementara itu", "has changed in the meantime; pour it again")
}

#[derive(Deserialize)]
struct Collection<'t> {
    #[serde(rename = "type")]
    _kind: CollectionType,
    #[serde(borrow)]
    features: Vec<&'t RawValue>,
}

#[derive(Deserialize)]
enum CollectionType {
    FeatureCollection,
}

#[derive(Deserialize)]
struct Feature {
    properties: area::Draft,
    geometry: Option<geojson::Geometry>,
}

fn read_area(feature: &RawValue) -> Result<area::Model, Vec<Fault>> {
    let value: Value = serde_json::from_str(feature.get()).map_err(|e| vec![unreadable(&e)])?;
    let feature: Feature = read_draft(&value).map_err(|fault| vec![fault])?;
    feature.properties.into_row(feature.geometry)
}

/// The line on which `part` of `text` starts.
fn line_of(text: &str, part: &str) -> usize {
    let at = part.as_ptr() as usize - text.as_ptr() as usize;
    line_at(&text.as_bytes()[..at])
}

/// The line on which what comes after `before` starts.
fn line_at(before: &[u8]) -> usize {
    before.split(|byte| *byte == b'\n').count()
}
