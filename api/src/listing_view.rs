//! Views: how a listing looks from outside.
//!
//! Rows are taken apart member by member, so that a new column stops the build until somebody
//! decides who may see it.

use std::{collections::BTreeMap, io::Write as _};

use chrono::{DateTime, FixedOffset, Utc};
use domain::{
    event::EventStatus,
    hours::State,
    key::{AgencyId, AreaCode, CategoryCode, Tag},
    listing::{
        Access, Contact, ContactKind, Facility, Image, Kind, Notice, NoticeKind, Payment, Source,
    },
    position::Position,
    producer::Visit,
    record::Record,
    schedule::{Certainty, Occurrence},
    text::Lang,
};
use search::{Document, Explanation, Hit, Snapshot, Stretch, WordScore};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::words::{Tongue, Words};

/// For whom and when something is shown.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// What is published.
    pub snapshot: &'a Snapshot,
    /// The reader's language.
    pub lang: Lang,
    /// How texts are shown.
    pub tongue: Tongue,
    /// When.
    pub now: DateTime<Utc>,
}

/// No moment: for what is kept and read later. Nothing is open or closed then, no occurrence is the
/// next, and notices are those there are, over or not.
pub const WHENEVER: DateTime<Utc> = DateTime::<Utc>::MIN_UTC;

/// A category with its name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NamedCategory)]
pub struct NamedCategory {
    #[schema(value_type = String, max_length = 64, example = "nature.beach")]
    code: CategoryCode,
    #[schema(max_length = 80, example = "Pantai")]
    name: String,
}

/// An area with its name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NamedArea)]
pub struct NamedArea {
    #[schema(value_type = String, max_length = 13, example = "34.02.03.2002")]
    code: AreaCode,
    #[schema(max_length = 250, example = "Parangtritis, Kretek")]
    name: String,
    /// The point lies in no area; this is the nearest within 500 m, as for a beach beyond the line.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    inferred: bool,
}

/// Whether it is open.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Open)]
pub struct OpenView {
    state: OpenState,
    /// When that changes, in the listing's zone; absent when not within a year.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<DateTime<FixedOffset>>,
}

/// Open, closed, or nobody knows: by appointment, or open-ended hours past their start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OpenState {
    Open,
    Closed,
    Unknown,
}

/// One time that an event takes place.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Occurrence, example = json!({"start": "2027-01-09", "end": "2027-01-10", "all_day": true, "certainty": "computed", "event_status": "scheduled", "javanese": {"day": 30, "month": "Rejeb", "year": 1960, "year_name": "Be"}}))]
pub struct OccurrenceView {
    /// A date when it lasts all day, else an RFC 3339 time.
    #[schema(max_length = 40, example = "2027-01-09")]
    start: String,
    /// Exclusive, as in RFC 5545; for an all-day occurrence the day after the last.
    #[schema(max_length = 40, example = "2027-01-10")]
    end: String,
    all_day: bool,
    certainty: CertaintyView,
    event_status: EventStatus,
    /// The Javanese date of its first day.
    #[serde(skip_serializing_if = "Option::is_none")]
    javanese: Option<JavaneseView>,
}

/// `announced`: somebody said so. `computed`: it follows from a rule; the court may say otherwise.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Certainty)]
pub enum CertaintyView {
    Computed,
    Announced,
}

/// A date of the Javanese calendar (Sultan Agung's, kurup Asapon).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JavaneseDate, example = json!({"day": 30, "month": "Rejeb", "year": 1960, "year_name": "Be"}))]
pub struct JavaneseView {
    #[schema(minimum = 1, maximum = 30, format = "int32")]
    day: u8,
    #[schema(max_length = 20)]
    month: String,
    /// Anno Javanico.
    #[schema(minimum = 1800, maximum = 2100, format = "int32")]
    year: i32,
    /// Of the cycle of eight: Alip to Jimakir.
    #[schema(max_length = 20)]
    year_name: String,
}

impl From<domain::javanese::JavaneseDate> for JavaneseView {
    fn from(date: domain::javanese::JavaneseDate) -> Self {
        Self {
            day: date.day,
            month: date.month.to_string(),
            year: date.year,
            year_name: date.year_name().to_string(),
        }
    }
}

/// An image.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Image)]
pub struct ImageView {
    #[schema(max_length = 1000)]
    src: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4000)]
    srcset: Option<String>,
    /// Pixels.
    #[schema(minimum = 1, maximum = 100_000, format = "int32")]
    width: u32,
    /// Pixels.
    #[schema(minimum = 1, maximum = 100_000, format = "int32")]
    height: u32,
    /// What it shows.
    alt: Words,
    #[schema(max_length = 120)]
    credit: String,
    #[schema(max_length = 40)]
    licence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 120)]
    holder: Option<String>,
    /// The point to keep in a crop: shares of width and height.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 2, max_items = 2)]
    focal_point: Option<Vec<f32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 80)]
    thumbhash: Option<String>,
}

/// Something that holds for a time: a closure closes, a danger warns of harm, an info tells.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notice)]
pub struct NoticeView {
    kind: NoticeKind,
    /// Inclusive; absent: always has.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<DateTime<FixedOffset>>,
    /// Exclusive; absent: until further notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<DateTime<FixedOffset>>,
    text: Words,
    /// Who says so.
    #[schema(max_length = 300)]
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 64)]
    agency: Option<AgencyId>,
}

/// A listing as it stands in a list. With `fields`, only the members asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListingItem)]
pub struct ItemView {
    id: Uuid,
    #[schema(max_length = 80, example = "pantai-parangtritis")]
    #[schema(required = false)]
    slug: String,
    #[schema(required = false)]
    kind: Kind,
    #[schema(max_length = 120, example = "Pantai Parangtritis", required = false)]
    name: String,
    /// The language that `name` and `summary` are in: asked for, else Indonesian, else any.
    #[schema(value_type = LangView, required = false)]
    lang: Lang,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 280)]
    summary: Option<String>,
    #[schema(required = false)]
    category: NamedCategory,
    /// Its point; an event's without one is its venue's.
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Position>,
    /// How far from the truth the point may be, metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 50_000, format = "int32")]
    accuracy_m: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<NamedArea>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_status: Option<EventStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<ImageView>,
    /// The whole record is invented for demonstration.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    sample: bool,
    /// Members that are invented for demonstration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 60, required = false)]
    sample_fields: Vec<String>,
    #[schema(required = false)]
    updated_at: DateTime<FixedOffset>,
    /// Metres from the point asked for, along the WGS 84 geodesic, to a decimetre.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 20_010_000, format = "double", example = 812.4)]
    distance_m: Option<f64>,
    /// Absent when nothing is known of its hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<OpenView>,
    /// When it opens next, if it is not open.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_open: Option<DateTime<FixedOffset>>,
    /// The first occurrence in `from` to `to`, else the first that has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_occurrence: Option<OccurrenceView>,
    /// Notices in force now, dangers first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 24, required = false)]
    notices: Vec<NoticeView>,
    /// With `highlight=true`: where the words were found.
    #[serde(skip_serializing_if = "Option::is_none")]
    highlight: Option<HighlightView>,
    /// With `explain=true`: what its place in the order is made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    explain: Option<ExplainView>,
}

/// Texts as HTML, escaped, with the words that were found between `<mark>` and `</mark>`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Highlight, example = json!({"name": "Pantai <mark>Parangtritis</mark>"}))]
pub struct HighlightView {
    #[schema(max_length = 2000)]
    name: String,
}

/// What the place of an item in an order by relevance is made of: `total` is `words` · (1 + the sum of
/// value · weight of what else counts).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Explanation)]
pub struct ExplainView {
    #[schema(minimum = 0, maximum = 1_000_000_000, format = "double", example = 21.7)]
    total: f64,
    /// How well the words match: the sum of rarity · weight, times the share that the rarity of those
    /// it has is of the rarity of all; 1 where only what is open was asked for.
    #[schema(minimum = 0, maximum = 1_000_000_000, format = "double", example = 20.1)]
    words: f64,
    /// In the order of the query, those that only join others left out.
    #[schema(max_items = 12)]
    each_word: Vec<WordScoreView>,
    /// 1 at the centre, ½ at 1 km; 0 without a centre.
    near: PartView,
    /// The share of what a good description has.
    complete: PartView,
    /// Halves with every year since it was written.
    fresh: PartView,
    /// 1 while it is open.
    open: PartView,
}

/// What one word counts for an item.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WordScore)]
pub struct WordScoreView {
    #[schema(max_length = 200, example = "batik")]
    word: String,
    /// ln(1 + listings ÷ (1 + listings that have it)).
    #[schema(minimum = 0, maximum = 1_000_000, format = "double", example = 2.1)]
    rarity: f64,
    /// Of the best place where it stands, times how surely it is the word meant; 0 where it is not.
    #[schema(minimum = 0, maximum = 5, format = "double", example = 5.0)]
    weight: f64,
}

/// A part of a score and what it counts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScorePart)]
pub struct PartView {
    #[schema(minimum = 0, maximum = 1, format = "double", example = 0.5)]
    value: f64,
    #[schema(minimum = 0, maximum = 1, format = "double", example = 0.6)]
    weight: f64,
}

impl From<&Explanation> for ExplainView {
    fn from(Explanation { score, weights, words }: &Explanation) -> Self {
        let part = |value, weight| PartView { value, weight };
        let word = |WordScore { word, rarity, weight }: &WordScore| WordScoreView {
            word: word.clone(),
            rarity: *rarity,
            weight: *weight,
        };
        Self {
            total: score.total,
            words: score.words,
            each_word: words.iter().map(word).collect(),
            near: part(score.near, weights.near),
            complete: part(score.complete, weights.complete),
            fresh: part(score.fresh, weights.fresh),
            open: part(f64::from(u8::from(score.open)), weights.open),
        }
    }
}

/// A language of texts.
#[derive(Debug, ToSchema)]
#[schema(as = Lang, rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
pub enum LangView {
    Id,
    En,
    Jv,
}

impl Seen<'_> {
    /// Writes a hit as an item, and tells when it says something else by itself. What does not
    /// depend on the moment or the query was rendered once; the rest is put behind it.
    pub fn write_item(
        &self,
        hit: &Hit<'_>,
        out: &mut Vec<u8>,
    ) -> serde_json::Result<Option<DateTime<Utc>>> {
        let document = hit.document;
        hit.line(
            self.lang,
            |record| self.line(document, record),
            |line| out.extend_from_slice(line),
        );
        if let Some(metres) = hit.distance_m {
            // To a decimetre already: whole numbers are written faster than fractions.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "on Earth")]
            let tenths = (metres * 10.0).round() as u32;
            write!(out, ",\"distance_m\":{}.{}", tenths / 10, tenths % 10)
                .map_err(serde_json::Error::io)?;
        }
        let stretch = hit.stretch(self.now);
        if let Some(stretch) = &stretch {
            out.extend_from_slice(stretch.shown.get_or_init(|| shown(stretch)));
        }
        if let Some(one) = &hit.next_occurrence
            && let Some(view) = Self::occurrence(document, one)
        {
            out.extend_from_slice(b",\"next_occurrence\":");
            serde_json::to_writer(&mut *out, &view)?;
        }
        let record = hit.has_notices().then(|| document.record());
        if let Some(record) = &record {
            let notices = self.notices(document, record, |notice| notice.in_force(self.now));
            if !notices.is_empty() {
                out.extend_from_slice(b",\"notices\":");
                serde_json::to_writer(&mut *out, &notices)?;
            }
        }
        if let Some(name) = &hit.highlight {
            out.extend_from_slice(b",\"highlight\":");
            serde_json::to_writer(&mut *out, &HighlightView { name: name.clone() })?;
        }
        if let Some(explanation) = &hit.explanation {
            out.extend_from_slice(b",\"explain\":");
            serde_json::to_writer(&mut *out, &ExplainView::from(&**explanation))?;
        }
        out.push(b'}');
        let next = hit.next_occurrence.as_ref();
        Ok(self.changes_at(document, stretch.as_deref(), record.as_ref(), next))
    }

    /// The part of an item that is the same in every list until the listing changes: an object that
    /// is not closed yet, for more comes behind it.
    fn line(&self, document: &Document, record: &Record) -> Vec<u8> {
        let listing = &record.listing;
        let (lang, name) = listing.name.get(self.lang);
        let view = ItemView {
            id: listing.id,
            slug: listing.slug.to_string(),
            kind: listing.kind,
            name: name.to_owned(),
            lang,
            summary: listing.summary.as_ref().map(|texts| texts.get(self.lang).1.to_owned()),
            category: self.category(&listing.category),
            location: document.position,
            accuracy_m: document.accuracy_m,
            area: self.area(document),
            event_status: document.event_status(),
            image: listing.media.first().map(|image| self.image(image)),
            sample: listing.sample,
            sample_fields: listing.sample_fields.0.clone(),
            updated_at: local(listing.updated_at, document),
            distance_m: None,
            open: None,
            next_open: None,
            next_occurrence: None,
            notices: Vec::new(),
            highlight: None,
            explain: None,
        };
        let mut line = serde_json::to_vec(&view).expect("a view is plain data");
        line.pop();
        line
    }

    /// A category with its name.
    pub fn category(&self, code: &CategoryCode) -> NamedCategory {
        NamedCategory { code: code.clone(), name: self.category_name(code) }
    }

    /// What a category is called.
    pub fn category_name(&self, code: &CategoryCode) -> String {
        let category = self.snapshot.reference().category(code);
        category.map_or_else(|| code.to_string(), |c| c.name.get(self.lang).1.to_owned())
    }

    /// The area of a document with its name.
    pub fn area(&self, document: &Document) -> Option<NamedArea> {
        Some(self.named_area(document.area.clone()?, document.area_inferred))
    }

    /// An area with its name.
    pub fn named_area(&self, code: AreaCode, inferred: bool) -> NamedArea {
        let name = self.snapshot.reference().area_name(&code, self.lang);
        NamedArea { code, name, inferred }
    }

    /// Whether it is open now, and when it opens next unless it is.
    pub fn open(&self, document: &Document) -> OpenNow {
        if self.now == WHENEVER {
            return OpenNow::default();
        }
        document.stretch(self.now).map(|stretch| open_now(&stretch)).unwrap_or_default()
    }

    /// The first occurrence of an event that has not ended.
    pub fn next_occurrence(&self, document: &Document) -> Option<OccurrenceView> {
        let next = (self.now != WHENEVER).then(|| document.next_occurrence(self.now)).flatten();
        next.and_then(|one| Self::occurrence(document, &one))
    }

    /// One occurrence of an event.
    pub fn occurrence(document: &Document, one: &Occurrence) -> Option<OccurrenceView> {
        Some(OccurrenceView {
            start: one.start.to_string(),
            end: one.end.to_string(),
            all_day: one.all_day(),
            certainty: match one.certainty {
                Certainty::Computed => CertaintyView::Computed,
                Certainty::Announced => CertaintyView::Announced,
            },
            event_status: document.event_status()?,
            javanese: one.javanese.map(JavaneseView::from),
        })
    }

    /// An image.
    pub fn image(&self, image: &Image) -> ImageView {
        let Image {
            src,
            srcset,
            width,
            height,
            alt,
            credit,
            licence,
            holder,
            focal_point,
            thumbhash,
        } = image;
        ImageView {
            src: src.clone(),
            srcset: srcset.clone(),
            width: *width,
            height: *height,
            alt: self.tongue.show(alt),
            credit: credit.clone(),
            licence: licence.clone(),
            holder: holder.clone(),
            focal_point: focal_point.map(|(x, y)| vec![x, y]),
            thumbhash: thumbhash.clone(),
        }
    }

    /// The notices of a document that `which` chooses: dangers, then closures, then the rest.
    pub fn notices(
        &self,
        document: &Document,
        record: &Record,
        which: impl Fn(&Notice) -> bool,
    ) -> Vec<NoticeView> {
        let mut notices: Vec<&Notice> =
            record.listing.notices.iter().filter(|notice| which(notice)).collect();
        notices.sort_by_key(|notice| match notice.kind {
            NoticeKind::Danger => 0,
            NoticeKind::Closure => 1,
            NoticeKind::Info => 2,
        });
        notices
            .into_iter()
            .map(|Notice { kind, from, to, text, source, agency }| NoticeView {
                kind: *kind,
                from: from.map(|at| local(at, document)),
                to: to.map(|at| local(at, document)),
                text: self.tongue.show(text),
                source: source.clone(),
                agency: agency.clone(),
            })
            .collect()
    }

    /// When what is shown of `document` is otherwise by itself: it opens, closes or ends, or a
    /// notice of its record begins or ends.
    pub fn changes_at(
        &self,
        document: &Document,
        stretch: Option<&Stretch>,
        record: Option<&Record>,
        next: Option<&Occurrence>,
    ) -> Option<DateTime<Utc>> {
        let open = stretch.and_then(|stretch| stretch.until);
        let ends = next.map(|one| one.ends_at(document.zone));
        let notices = record.into_iter().flat_map(|record| record.listing.notices.iter());
        let notices = notices.flat_map(|notice| [notice.from, notice.to]).flatten();
        let later = ends.into_iter().chain(notices).filter(|at| *at > self.now);
        open.into_iter().chain(later).min()
    }
}

/// Writes the line of every listing in the language that most ask for, so that nobody waits for it.
pub fn write_lines(snapshot: &Snapshot) {
    // The moment has no part in a line.
    let now = DateTime::UNIX_EPOCH;
    let seen = Seen { snapshot, lang: Lang::Id, tongue: Tongue::One(Lang::Id), now };
    snapshot.write_lines(Lang::Id, |document, record| seen.line(document, record));
}

/// Whether something is open, and when it opens next unless it is.
pub type OpenNow = (Option<OpenView>, Option<DateTime<FixedOffset>>);

fn open_now(stretch: &Stretch) -> OpenNow {
    let view = stretch.openness.map(|openness| OpenView {
        state: match openness.state {
            State::Open => OpenState::Open,
            State::Closed => OpenState::Closed,
            State::Unknown => OpenState::Unknown,
        },
        until: openness.until.map(|until| until.fixed_offset()),
    });
    (view, stretch.next_open.map(|at| at.fixed_offset()))
}

/// The members of an item that say when it is open, each with a comma before it.
fn shown(stretch: &Stretch) -> Box<[u8]> {
    let (open, next_open) = open_now(stretch);
    let mut members = String::new();
    let text = |value: serde_json::Result<String>| value.expect("a view is plain data");
    if let Some(open) = open {
        members += ",\"open\":";
        members += &text(serde_json::to_string(&open));
    }
    if let Some(next_open) = next_open {
        members += ",\"next_open\":";
        members += &text(serde_json::to_string(&next_open));
    }
    members.into_bytes().into()
}

/// `at` in the zone of the listing, with its offset written out.
pub fn local(at: DateTime<Utc>, document: &Document) -> DateTime<FixedOffset> {
    at.with_timezone(&document.zone).fixed_offset()
}

/// A link to another listing that is published.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListingLink)]
pub struct LinkView {
    id: Uuid,
    #[schema(max_length = 80)]
    slug: String,
    kind: Kind,
    name: Words,
}

impl Seen<'_> {
    /// The link to `id`; `None` when that is not published.
    pub fn link(&self, id: Uuid) -> Option<LinkView> {
        let listing = self.snapshot.get(id)?.record().listing;
        Some(LinkView {
            id,
            slug: listing.slug.to_string(),
            kind: listing.kind,
            name: self.tongue.show(&listing.name),
        })
    }
}

/// Whether the public may come to the door: not to a producer who takes no visitors.
pub fn may_come(record: &Record) -> bool {
    record.producer().is_none_or(|producer| producer.visit != Visit::None)
}

/// An address.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Address)]
pub struct AddressView {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 160)]
    street: Option<String>,
    /// Hamlet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 120)]
    dusun: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 5)]
    rt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 5)]
    rw: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 5)]
    postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    directions: Option<Words>,
}

/// A way to reach it that its holder made public.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contact)]
pub struct ContactView {
    #[serde(rename = "type")]
    kind: ContactKind,
    #[schema(max_length = 300)]
    value: String,
    /// Where a tap leads: `tel:`, `https://wa.me/…`, `mailto:` or the page.
    #[schema(max_length = 400, format = "uri")]
    link: String,
    /// Leads to `link`, and lets its keeper know how often it did, not whom; relative to the root of
    /// the API.
    #[schema(
        max_length = 80,
        format = "uri-reference",
        example = "/v1/listings/01a20ada-2c00-796c-84a8-0529f3d06181/contact/1"
    )]
    tap: String,
}

/// The contacts of a listing that are public, in its order.
pub fn public_contacts(listing: &domain::listing::Model) -> impl Iterator<Item = &Contact> {
    listing.contacts.iter().filter(|contact| contact.public)
}

/// Where a tap on a contact leads.
pub fn link_of(contact: &Contact) -> String {
    let Contact { kind, value, public: _, consent_at: _ } = contact;
    match kind {
        ContactKind::Phone => format!("tel:{value}"),
        ContactKind::Whatsapp => format!("https://wa.me/{}", value.trim_start_matches('+')),
        ContactKind::Email => format!("mailto:{value}"),
        ContactKind::Website | ContactKind::Marketplace => value.clone(),
        ContactKind::Instagram => format!("https://www.instagram.com/{value}/"),
    }
}

fn contacts(listing: &domain::listing::Model) -> Vec<ContactView> {
    let view = |(contact, n): (&Contact, u32)| ContactView {
        kind: contact.kind,
        value: contact.value.clone(),
        link: link_of(contact),
        tap: format!("/v1/listings/{}/contact/{n}", listing.id),
    };
    public_contacts(listing).zip(1..).map(view).collect()
}

/// An agency with its name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NamedAgency)]
pub struct NamedAgency {
    #[schema(value_type = String, max_length = 64, example = "dinas-pariwisata")]
    id: AgencyId,
    name: Words,
}

/// A listing as a whole: what place, producer and event share.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Listing)]
pub struct ListingView {
    id: Uuid,
    #[schema(max_length = 80, example = "pantai-parangtritis")]
    slug: String,
    kind: Kind,
    name: Words,
    /// The language that texts are in; absent with `texts=all`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<LangView>)]
    lang: Option<Lang>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<Words>,
    /// Markdown, safe subset.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Words>,
    category: NamedCategory,
    /// Further categories.
    #[schema(max_items = 8)]
    categories: Vec<NamedCategory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Position>,
    /// How far from the truth the point may be, metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 50_000, format = "int32")]
    accuracy_m: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<NamedArea>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<AddressView>,
    #[schema(value_type = Vec<String>, max_items = 12)]
    tags: Vec<Tag>,
    /// By aspect; what is absent is not known.
    #[schema(value_type = BTreeMap<String, bool>)]
    accessibility: BTreeMap<Access, bool>,
    #[schema(max_items = 20)]
    facilities: Vec<Facility>,
    #[schema(max_items = 10)]
    payments: Vec<Payment>,
    #[schema(max_items = 12)]
    languages_spoken: Vec<String>,
    #[schema(max_items = 12)]
    contacts: Vec<ContactView>,
    #[schema(max_items = 24)]
    media: Vec<ImageView>,
    /// OSM `opening_hours`, dated closures not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500, example = "Tu-Su 08:00-16:00; Mo off")]
    hours: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<OpenView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_open: Option<DateTime<FixedOffset>>,
    /// IANA zone that decides what "today" is.
    #[schema(max_length = 40, example = "Asia/Jakarta")]
    zone: String,
    /// Notices in force and to come.
    #[schema(max_items = 24)]
    notices: Vec<NoticeView>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    sample: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 60, required = false)]
    sample_fields: Vec<String>,
    source: Source,
    /// SPDX id.
    #[schema(max_length = 40, example = "CC-BY-4.0")]
    licence: String,
    /// By system.
    external_ids: BTreeMap<String, String>,
    /// When somebody checked it on site or with its holder.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_at: Option<DateTime<FixedOffset>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    responsible_agency: Option<NamedAgency>,
    #[schema(max_items = 12)]
    see_also: Vec<LinkView>,
    /// Leads the `ETag`; one more with every write.
    #[schema(minimum = 1, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    version: i64,
    created_at: DateTime<FixedOffset>,
    updated_at: DateTime<FixedOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    published_at: Option<DateTime<FixedOffset>>,
}

/// The systems whose ids are public by nature. Others may be a person's: a producer's `nib` is a
/// business number of somebody who works at home.
const PUBLIC_SYSTEMS: [&str; 6] =
    ["geonames", "jadesta", "osm", "wikidata", "wikipedia", "wikivoyage"];

impl Seen<'_> {
    /// What all listings share.
    pub fn listing(&self, document: &Document, record: &Record) -> ListingView {
        let domain::listing::Model {
            id,
            slug,
            kind,
            status: _,
            name,
            summary,
            description,
            latitude: _,
            longitude: _,
            accuracy_m: _,
            geometry: _, // shown by the GeoJSON representation
            area: _,
            area_inferred: _,
            address,
            category,
            categories,
            tags,
            accessibility,
            facilities,
            payments,
            languages_spoken,
            contacts: _, // those that are public, below
            media,
            hours,
            zone,
            notices: _,
            sample,
            sample_fields,
            source,
            licence,
            external_ids,
            verified_at,
            responsible_agency,
            see_also,
            merged_into: _, // a merged listing is gone
            version,
            created_at,
            updated_at,
            published_at,
        } = &record.listing;
        let tongue = self.tongue;
        let (open, next_open) = self.open(document);
        ListingView {
            id: *id,
            slug: slug.to_string(),
            kind: *kind,
            name: tongue.show(name),
            lang: (tongue != Tongue::All).then(|| name.get(self.lang).0),
            summary: tongue.maybe(summary.as_ref()),
            description: tongue.maybe(description.as_ref()),
            category: self.category(category),
            categories: categories.iter().map(|code| self.category(code)).collect(),
            location: document.position,
            accuracy_m: document.accuracy_m,
            area: self.area(document),
            address: address.as_ref().map(|address| self.address(address, may_come(record))),
            tags: tags.0.clone(),
            accessibility: accessibility.0.clone(),
            facilities: facilities.0.clone(),
            payments: payments.0.clone(),
            languages_spoken: languages_spoken.iter().map(|l| l.as_str().to_owned()).collect(),
            contacts: contacts(&record.listing),
            media: media.iter().map(|image| self.image(image)).collect(),
            hours: hours.clone(),
            open,
            next_open,
            zone: zone.clone(),
            notices: self
                .notices(document, record, |notice| notice.to.is_none_or(|to| self.now < to)),
            sample: *sample,
            sample_fields: sample_fields.0.clone(),
            source: source.clone(),
            licence: licence.clone(),
            external_ids: external_ids
                .0
                .iter()
                .filter(|(system, _)| PUBLIC_SYSTEMS.contains(&system.as_str()))
                .map(|(system, id)| (system.to_string(), id.clone()))
                .collect(),
            verified_at: verified_at.map(|at| local(at, document)),
            responsible_agency: responsible_agency.as_ref().and_then(|id| self.agency(id)),
            see_also: see_also.iter().filter_map(|id| self.link(*id)).collect(),
            version: *version,
            created_at: local(*created_at, document),
            updated_at: local(*updated_at, document),
            published_at: published_at.map(|at| local(at, document)),
        }
    }

    /// Street and door only where one may come: else it is somebody's home.
    fn address(&self, address: &domain::listing::Address, door: bool) -> AddressView {
        let domain::listing::Address { street, dusun, rt, rw, postal_code, directions } = address;
        AddressView {
            street: street.clone().filter(|_| door),
            dusun: dusun.clone(),
            rt: rt.clone().filter(|_| door),
            rw: rw.clone().filter(|_| door),
            postal_code: postal_code.clone(),
            directions: self.tongue.maybe(directions.as_ref().filter(|_| door)),
        }
    }

    /// An agency with its name.
    pub fn agency(&self, id: &AgencyId) -> Option<NamedAgency> {
        let agency = self.snapshot.reference().agency(id)?;
        Some(NamedAgency { id: id.clone(), name: self.tongue.show(&agency.name) })
    }
}
