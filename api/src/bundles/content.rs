//! Content: what is in a bundle, and in which order.
//!
//! A bundle is written as it is read out of a snapshot: however many listings there are, a line is in
//! memory at a time, and eight bytes for each. What the lines are is decided where they are shown.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, BufWriter, Seek as _, Write as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono::{DateTime, Datelike as _, FixedOffset, Months, NaiveDate, TimeZone as _, Utc};
use domain::{
    area::{Area, Level},
    audit::{digest, hex},
    change,
    key::{AreaCode, CategoryCode},
    listing::{DEFAULT_ZONE, Kind},
    record::Record,
    scope::Scope,
    text::{Lang, Texts},
};
use search::{Document, Snapshot};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use tokio::runtime::Handle;
use utoipa::ToSchema;
use uuid::Uuid;

use super::packing::{Member, Packing};
use crate::{
    changes::cursor::Cursor,
    listing_detail::whole,
    listing_view::{OccurrenceView, Seen, WHENEVER},
    media::{shelf::Shelf, thumbnail},
    words::Tongue,
};

/// The version of the format: another one where a reader of this one would stumble.
pub const FORMAT: u32 = 1;
/// The bundle of everything.
pub const ALL: &str = "all";
/// The most that the pictures of a bundle take, bytes: half an hour on a line of 150 kbit/s. The
/// listings of a kapanewon have some megabytes of them.
const PICTURE_BYTES: u64 = 32 * 1024 * 1024;
/// The most pictures of a bundle: all members together stay below the 65,535 of a plain ZIP.
const PICTURES: usize = 10_000;
/// How many months of occurrences there are, the one that has begun included: so that it is always a
/// year.
const MONTHS: u32 = 13;
/// The most occurrences of one event, one a day and some.
const OCCURRENCES: usize = 400;
/// From how many listings on they may take more than 4 GiB when they are unpacked.
const MANY: usize = 100_000;
/// Bytes that are written at once.
const PIECE: usize = 256 * 1024;

/// How much of everything is in a bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BundleCounts)]
pub struct Counts {
    /// Published listings.
    #[schema(minimum = 0, maximum = 1_000_000_000, format = "int64")]
    listings: usize,
    /// Times that events take place.
    #[schema(minimum = 0, maximum = 1_000_000_000, format = "int64")]
    occurrences: usize,
    #[schema(minimum = 0, maximum = 1_000_000_000, format = "int64")]
    areas: usize,
    #[schema(minimum = 0, maximum = 1_000_000_000, format = "int64")]
    categories: usize,
    #[schema(minimum = 0, maximum = 1_000_000_000, format = "int64")]
    holidays: usize,
    /// Thumbnails.
    #[schema(minimum = 0, maximum = 10_000, format = "int64")]
    pictures: usize,
    /// Thumbnails that there was no room for.
    #[schema(minimum = 0, maximum = 1_000_000_000, format = "int64")]
    pictures_left_out: usize,
}

/// What all bundles of one making are made of.
pub struct Stuff<'a> {
    /// What is published.
    pub snapshot: &'a Snapshot,
    /// The last change in it.
    pub last: Option<&'a change::Model>,
    /// The first day of the occurrences.
    pub from: NaiveDate,
    /// The address that the world knows this service by.
    pub service: Option<&'a str>,
    /// Where pictures lie.
    pub shelf: &'a Shelf,
    /// Set when the node ends: then nobody waits for this.
    pub stop: &'a AtomicBool,
    documents: BTreeMap<Option<AreaCode>, Vec<&'a Arc<Document>>>,
}

/// A bundle that was made.
#[derive(Debug)]
pub struct Made {
    /// The file, not in its place yet.
    pub file: NamedTempFile,
    /// How long it is.
    pub bytes: u64,
    /// SHA-256 of it.
    pub sha256: String,
    /// What is in it, without how far it has followed the log: two that say the same are as good.
    pub essence: String,
    /// Where `/v1/changes` goes on.
    pub cursor: Cursor,
    /// How much is in it.
    pub counts: Counts,
}

/// What a bundle says of itself.
#[derive(Serialize)]
struct Manifest<'a> {
    format: u32,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
    /// When the last change in it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<DateTime<FixedOffset>>,
    cursor: String,
    changes: String,
    occurrences: Days,
    counts: &'a Counts,
    members: &'a [Member],
}

#[derive(Serialize)]
struct Days {
    from: NaiveDate,
    /// Exclusive.
    to: NaiveDate,
}

#[derive(Serialize)]
struct CategoryLine<'a> {
    code: &'a CategoryCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'a CategoryCode>,
    name: &'a Texts,
    #[serde(skip_serializing_if = "Option::is_none")]
    osm: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_org: Option<&'a str>,
}

#[derive(Serialize)]
struct HolidayLine<'a> {
    date: NaiveDate,
    kind: domain::holiday::Kind,
    name: &'a Texts,
    certainty: domain::holiday::Certainty,
}

#[derive(Serialize)]
struct OccurrenceLine {
    event: Uuid,
    #[serde(flatten)]
    occurrence: OccurrenceView,
}

/// The first day of the month in Bantul at `now`: occurrences begin there, so that what is made on
/// two days of a month is the same.
pub fn month(now: DateTime<Utc>) -> NaiveDate {
    let today = now.with_timezone(&DEFAULT_ZONE).date_naive();
    today.with_day(1).expect("every month has a first")
}

/// What a bundle of `code` follows.
pub fn scope(code: &str) -> Scope {
    let areas = code.parse().ok().filter(|_| code != ALL).into_iter().collect();
    Scope { areas, ..Scope::default() }
}

/// Where the changes of `code` are.
pub fn changes(code: &str) -> String {
    if code == ALL {
        return "/v1/changes?texts=all".to_owned();
    }
    format!("/v1/changes?area={code}&texts=all")
}

/// The codes of all bundles that there are to be: the kapanewon, then everything.
pub fn codes(snapshot: &Snapshot) -> Vec<String> {
    let areas = snapshot.reference().areas();
    let kapanewon = areas.filter(|area| area.row.level == Level::Kapanewon);
    kapanewon.map(|area| area.row.code.to_string()).chain([ALL.to_owned()]).collect()
}

impl<'a> Stuff<'a> {
    /// What is published in `snapshot`, which shows the log up to `last`.
    pub fn new(
        snapshot: &'a Snapshot,
        last: Option<&'a change::Model>,
        from: NaiveDate,
        service: Option<&'a str>,
        shelf: &'a Shelf,
        stop: &'a AtomicBool,
    ) -> Self {
        let mut documents: BTreeMap<Option<AreaCode>, Vec<&Arc<Document>>> = BTreeMap::new();
        for document in snapshot.documents() {
            let area = document.area.as_ref().and_then(AreaCode::kapanewon);
            documents.entry(area.and_then(|code| code.parse().ok())).or_default().push(document);
        }
        documents.values_mut().for_each(|some| some.sort_unstable_by_key(|one| one.id));
        Self { snapshot, last, from, service, shelf, stop, documents }
    }

    fn to(&self) -> NaiveDate {
        self.from + Months::new(MONTHS)
    }

    /// The listings of a bundle, in the order of ids.
    fn listings(&self, scope: &Scope) -> Vec<&'a Arc<Document>> {
        if let [area] = &scope.areas[..] {
            return self.documents.get(&Some(area.clone())).cloned().unwrap_or_default();
        }
        let mut all: Vec<_> = self.documents.values().flatten().copied().collect();
        all.sort_unstable_by_key(|one| one.id);
        all
    }

    /// Makes the bundle of `code`, as a file without its name in `folder`.
    ///
    /// # Errors
    /// When it cannot be written, a picture cannot be read, or the node ends.
    pub fn make(&self, code: &str, folder: &Path) -> io::Result<Made> {
        let scope = scope(code);
        let listings = self.listings(&scope);
        let file = tempfile::Builder::new().prefix("new-").suffix(".zip").tempfile_in(folder)?;
        let mut to = Packing::new(BufWriter::with_capacity(PIECE, file.as_file()));
        let mut counts = Counts { listings: listings.len(), ..Counts::default() };
        self.categories(&mut to, &mut counts)?;
        self.areas(&scope, &mut to, &mut counts)?;
        self.holidays(&mut to, &mut counts)?;
        let pictures = self.write_listings(&listings, &mut to)?;
        self.occurrences(&listings, &mut to, &mut counts)?;
        self.pictures(pictures, &mut to, &mut counts)?;
        let cursor = Cursor::at(self.last, &scope);
        let essence = self.manifest(code, &cursor, &counts, &mut to)?;
        to.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        let (bytes, sha256) = hashed(file.reopen()?)?;
        Ok(Made { file, bytes, sha256, essence, cursor, counts })
    }

    /// Goes on, unless the node ends.
    fn go_on(&self) -> io::Result<()> {
        let ends = self.stop.load(Ordering::Relaxed);
        if ends { Err(io::Error::other("the node ends")) } else { Ok(()) }
    }

    fn categories(&self, to: &mut To<'_>, counts: &mut Counts) -> io::Result<()> {
        to.text("categories.ndjson", false)?;
        for row in self.snapshot.reference().categories() {
            let domain::category::Model { code, parent, name, words: _, osm, schema_org } = row;
            let (parent, osm, schema_org) =
                (parent.as_ref(), osm.as_deref(), schema_org.as_deref());
            to.line(&CategoryLine { code, parent, name, osm, schema_org })?;
            counts.categories += 1;
        }
        to.end();
        Ok(())
    }

    /// The areas that listings of a bundle may lie in, a feature a line.
    fn areas(&self, scope: &Scope, to: &mut To<'_>, counts: &mut Counts) -> io::Result<()> {
        let wanted = |area: &&Area| {
            scope.areas.is_empty() || scope.areas.iter().any(|code| area.row.code.is_within(code))
        };
        to.text("areas.geojson", false)?;
        to.write_all(b"{\"type\":\"FeatureCollection\",\"features\":[")?;
        for area in self.snapshot.reference().areas().filter(wanted) {
            to.write_all(if counts.areas == 0 { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut *to, &feature(area))?;
            counts.areas += 1;
        }
        to.write_all(b"\n]}\n")?;
        to.end();
        Ok(())
    }

    fn holidays(&self, to: &mut To<'_>, counts: &mut Counts) -> io::Result<()> {
        to.text("holidays.ndjson", false)?;
        for row in self.snapshot.reference().holidays() {
            let domain::holiday::Model { date, kind, name, certainty, source: _ } = row;
            let (date, kind, certainty) = (*date, *kind, *certainty);
            to.line(&HolidayLine { date, kind, name, certainty })?;
            counts.holidays += 1;
        }
        to.end();
        Ok(())
    }

    /// Each listing as `/v1/changes?texts=all` has it; the pictures that they begin with.
    fn write_listings(
        &self,
        listings: &[&Arc<Document>],
        to: &mut To<'_>,
    ) -> io::Result<Vec<(String, String)>> {
        let snapshot = self.snapshot;
        let seen = Seen { snapshot, lang: Lang::Id, tongue: Tongue::All, now: WHENEVER };
        let mut pictures = Vec::new();
        to.text("listings.ndjson", listings.len() > MANY)?;
        for document in listings {
            self.go_on()?;
            let record = document.record();
            to.line(&whole(&seen, document, &record)?)?;
            pictures.extend(cover(&record));
        }
        to.end();
        // A picture that several show is one.
        pictures.sort_unstable();
        pictures.dedup();
        Ok(pictures)
    }

    /// When the events among `listings` take place, an event after the other.
    fn occurrences(
        &self,
        listings: &[&Arc<Document>],
        to: &mut To<'_>,
        counts: &mut Counts,
    ) -> io::Result<()> {
        let [from, until] = [self.from, self.to()].map(midnight);
        to.text("occurrences.ndjson", false)?;
        for document in listings.iter().filter(|document| document.kind == Kind::Event) {
            self.go_on()?;
            for one in document.occurrences(from, until, OCCURRENCES) {
                let Some(occurrence) = Seen::occurrence(document, &one) else { continue };
                to.line(&OccurrenceLine { event: document.id, occurrence })?;
                counts.occurrences += 1;
            }
        }
        to.end();
        Ok(())
    }

    /// The thumbnails, as long as there is room, each under the path that the service has it at.
    fn pictures(
        &self,
        pictures: Vec<(String, String)>,
        to: &mut To<'_>,
        counts: &mut Counts,
    ) -> io::Result<()> {
        let (handle, mut room) = (Handle::current(), PICTURE_BYTES);
        for (id, name) in pictures {
            self.go_on()?;
            let file = handle.block_on(self.shelf.get(&id, &name)).map_err(io::Error::other)?;
            // Somebody's listing may name a picture that never came.
            let Some(file) = file else { continue };
            if counts.pictures == PICTURES || file.meta.size > room {
                (room, counts.pictures_left_out) = (0, counts.pictures_left_out + 1);
                continue;
            }
            let bytes = handle.block_on(file.bytes()).map_err(io::Error::other)?;
            to.picture(&format!("media/{id}/{name}"), &bytes)?;
            room = room.saturating_sub(bytes.len() as u64);
            counts.pictures += 1;
        }
        Ok(())
    }

    /// The last member, which names all others; a digest of what it says without how far the log was
    /// followed.
    fn manifest(
        &self,
        code: &str,
        cursor: &Cursor,
        counts: &Counts,
        to: &mut To<'_>,
    ) -> io::Result<String> {
        let members = to.members.clone();
        let mut manifest = Manifest {
            format: FORMAT,
            code,
            service: self.service,
            as_of: None,
            cursor: String::new(),
            changes: changes(code),
            occurrences: Days { from: self.from, to: self.to() },
            counts,
            members: &members,
        };
        let essence = digest(serde_json::to_vec(&manifest)?);
        manifest.as_of = self.last.map(|last| last.at.with_timezone(&DEFAULT_ZONE).fixed_offset());
        manifest.cursor = cursor.to_string();
        to.text("manifest.json", false)?;
        serde_json::to_writer_pretty(&mut *to, &manifest)?;
        to.end();
        Ok(essence)
    }
}

/// What a bundle is written to.
type To<'a> = Packing<BufWriter<&'a File>>;

/// An area with its names by language and where its polygon is from.
fn feature(area: &Area) -> Value {
    let domain::area::Model { code, edition, level, name, parent, polygon, source, licence } =
        &area.row;
    let mut properties = json!({
        "code": code, "level": level, "name": name, "edition": edition, "source": source,
        "licence": licence,
    });
    if let Some(parent) = parent {
        properties["parent"] = json!(parent);
    }
    json!({"type": "Feature", "id": code, "geometry": polygon, "properties": properties})
}

/// The thumbnail of the picture that a listing begins with, if it is one of ours.
fn cover(record: &Record) -> Option<(String, String)> {
    thumbnail(&record.listing.media.first()?.src)
}

/// The beginning of a day in Bantul.
fn midnight(day: NaiveDate) -> DateTime<Utc> {
    let local = day.and_time(chrono::NaiveTime::MIN);
    DEFAULT_ZONE.from_local_datetime(&local).earliest().expect("no clock is moved there").to_utc()
}

/// How long a file is, and its SHA-256.
fn hashed(mut file: File) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    file.rewind()?;
    let bytes = io::copy(&mut BufReader::with_capacity(PIECE, file), &mut HashWriter(&mut hash))?;
    Ok((bytes, hex(&hash.finalize())))
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
