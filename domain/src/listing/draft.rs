//! What somebody may say of a listing.

use serde_json::Value;

use super::*;
use crate::{area::Found, geometry, hours::Hours, reference::Reference};

/// The shared members of a place, producer or event as a file or a body says them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the model's, explained there")]
pub struct Draft {
    #[serde(default)]
    pub slug: Option<Slug>,
    pub name: Texts,
    #[serde(default)]
    pub summary: Option<Texts>,
    #[serde(default)]
    pub description: Option<Texts>,
    #[serde(default)]
    pub location: Option<Position>,
    #[serde(default)]
    pub accuracy_m: Option<i32>,
    #[serde(default)]
    pub geometry: Option<geojson::Geometry>,
    #[serde(default)]
    pub address: Option<Address>,
    pub category: CategoryCode,
    #[serde(default)]
    pub categories: Categories,
    #[serde(default)]
    pub tags: Tags,
    #[serde(default)]
    pub accessibility: Accessibility,
    #[serde(default)]
    pub facilities: Facilities,
    #[serde(default)]
    pub payments: Payments,
    #[serde(default)]
    pub languages_spoken: Languages,
    #[serde(default)]
    pub contacts: Contacts,
    #[serde(default)]
    pub media: Media,
    #[serde(default)]
    pub hours: Option<Hours>,
    #[serde(default)]
    pub zone: Option<chrono_tz::Tz>,
    #[serde(default)]
    pub notices: Notices,
    #[serde(default)]
    pub sample: bool,
    #[serde(default)]
    pub sample_fields: SampleFields,
    pub source: Source,
    pub licence: String,
    #[serde(default)]
    pub external_ids: ExternalIds,
    #[serde(default)]
    pub verified_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub responsible_agency: Option<AgencyId>,
    /// Links, resolved to ids.
    #[serde(default)]
    pub see_also: Links,
}

impl Draft {
    /// The members that are a listing's; the others of a record are its kind's.
    pub const MEMBERS: [&'static str; 28] = [
        "slug",
        "name",
        "summary",
        "description",
        "location",
        "accuracy_m",
        "geometry",
        "address",
        "category",
        "categories",
        "tags",
        "accessibility",
        "facilities",
        "payments",
        "languages_spoken",
        "contacts",
        "media",
        "hours",
        "zone",
        "notices",
        "sample",
        "sample_fields",
        "source",
        "licence",
        "external_ids",
        "verified_at",
        "responsible_agency",
        "see_also",
    ];

    /// What a row says, in the words of a write.
    pub fn of(row: &Model) -> Self {
        let Model {
            id: _,
            slug,
            kind: _,
            status: _,
            name,
            summary,
            description,
            latitude: _,
            longitude: _,
            accuracy_m,
            geometry,
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
            contacts,
            media,
            hours,
            zone: _,
            notices,
            sample,
            sample_fields,
            source,
            licence,
            external_ids,
            verified_at,
            responsible_agency,
            see_also,
            merged_into: _,
            version: _,
            created_at: _,
            updated_at: _,
            published_at: _,
        } = row.clone();
        let zone = Some(row.timezone()).filter(|zone| *zone != DEFAULT_ZONE);
        Self {
            slug: Some(slug),
            name,
            summary,
            description,
            location: row.position(),
            accuracy_m,
            geometry: geometry.and_then(|geometry| serde_json::from_value(geometry).ok()),
            address,
            category,
            categories,
            tags,
            accessibility,
            facilities,
            payments,
            languages_spoken,
            contacts,
            media,
            hours: hours.and_then(|hours| hours.parse().ok()),
            zone,
            notices,
            sample,
            sample_fields,
            source,
            licence,
            external_ids,
            verified_at,
            responsible_agency,
            see_also,
        }
    }

    /// Everything that breaks a rule, all at once; `reference` knows the codes that exist.
    pub fn check(&self, reference: &Reference) -> Vec<Fault> {
        let mut faults = self.check_texts();
        faults.extend(self.check_codes(reference));
        faults.extend(self.check_point());
        faults.extend(self.check_lists());
        faults
    }

    fn check_texts(&self) -> Vec<Fault> {
        let texts = [
            ("name", Some(&self.name), 120),
            ("summary", self.summary.as_ref(), 280),
            ("description", self.description.as_ref(), 8000),
        ];
        let mut faults: Vec<_> = texts
            .into_iter()
            .flat_map(|(name, texts, max)| {
                texts
                    .map(|t| t.check(max))
                    .unwrap_or_default()
                    .into_iter()
                    .map(move |f| f.below(name))
            })
            .collect();
        faults.extend(line_fault(&self.licence, 40).map(|f| f.below("licence")));
        faults.extend(self.source.check().into_iter().map(|f| f.below("source")));
        faults
    }

    fn check_codes(&self, reference: &Reference) -> Vec<Fault> {
        let mut faults = Vec::new();
        if reference.category(&self.category).is_none() {
            faults.push(names_nothing().below("category"));
        }
        for (at, code) in self.categories.iter().enumerate() {
            if reference.category(code).is_none() {
                faults.push(names_nothing().below(at).below("categories"));
            }
        }
        if let Some(agency) = &self.responsible_agency
            && reference.agency(agency).is_none()
        {
            faults.push(names_nothing().below("responsible_agency"));
        }
        for (at, notice) in self.notices.iter().enumerate() {
            if notice.agency.as_ref().is_some_and(|agency| reference.agency(agency).is_none()) {
                faults.push(names_nothing().below("agency").below(at).below("notices"));
            }
        }
        for name in self.sample_fields.iter() {
            if !is_member(name) {
                faults.push(names_nothing().below("sample_fields"));
            }
        }
        faults
    }

    fn check_point(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if let Some(metres) = self.accuracy_m {
            if self.location.is_none() {
                faults.push(
                    Fault::new("contradiction", "tanpa titik", "an accuracy without a point")
                        .below("accuracy_m"),
                );
            }
            if !(0..=50_000).contains(&metres) {
                faults.push(
                    Fault::new(
                        "out_of_range",
                        "harus antara 0 dan 50000",
                        "must be between 0 and 50000",
                    )
                    .below("accuracy_m"),
                );
            }
        }
        if let Some(geometry) = &self.geometry
            && geometry::drawn(geometry).is_none()
        {
            faults.push(
                Fault::new("bad_format", "bukan geometri RFC 7946", "is no RFC 7946 geometry")
                    .below("geometry"),
            );
        }
        faults
    }

    fn check_lists(&self) -> Vec<Fault> {
        let lengths = [
            ("categories", self.categories.len(), 8),
            ("tags", self.tags.len(), 12),
            ("contacts", self.contacts.len(), 12),
            ("media", self.media.len(), 24),
            ("notices", self.notices.len(), 24),
            ("languages_spoken", self.languages_spoken.len(), 12),
            ("see_also", self.see_also.len(), 12),
            ("external_ids", self.external_ids.0.len(), 12),
        ];
        let mut faults: Vec<_> = lengths
            .into_iter()
            .filter(|(_, len, max)| len > max)
            .map(|(name, _, max)| too_many(max).below(name))
            .collect();
        for (at, contact) in self.contacts.iter().enumerate() {
            faults.extend(contact.check().map(|f| f.below(at).below("contacts")));
        }
        for (at, image) in self.media.iter().enumerate() {
            faults.extend(image.check().into_iter().map(|f| f.below(at).below("media")));
        }
        for (at, notice) in self.notices.iter().enumerate() {
            faults.extend(notice.check().into_iter().map(|f| f.below(at).below("notices")));
        }
        for (system, id) in &self.external_ids.0 {
            faults.extend(line_fault(id, 120).map(|f| f.below(system).below("external_ids")));
        }
        faults.extend(self.address.iter().flat_map(Address::check).map(|f| f.below("address")));
        faults
    }

    /// The row this draft makes. The area is computed from the point: `found` is where it lies.
    pub fn into_row(
        self,
        kind: Kind,
        status: Status,
        slug: Slug,
        found: Option<Found>,
        stamp: &Stamp,
    ) -> Model {
        let published = (status == Status::Published).then_some(stamp.now);
        Model {
            id: stamp.id,
            slug,
            kind,
            status,
            name: self.name,
            summary: self.summary,
            description: self.description,
            latitude: self.location.map(Position::lat),
            longitude: self.location.map(Position::lon),
            accuracy_m: self.accuracy_m,
            geometry: self.geometry.and_then(|geometry| serde_json::to_value(geometry).ok()),
            area_inferred: found.as_ref().is_some_and(|found| found.inferred),
            area: found.map(|found| found.code),
            address: self.address,
            category: self.category,
            categories: self.categories,
            tags: self.tags,
            accessibility: self.accessibility,
            facilities: self.facilities,
            payments: self.payments,
            languages_spoken: self.languages_spoken,
            contacts: self.contacts,
            media: self.media,
            hours: self.hours.map(|hours| hours.to_string()),
            zone: self.zone.unwrap_or(DEFAULT_ZONE).name().to_owned(),
            notices: self.notices,
            sample: self.sample,
            sample_fields: self.sample_fields,
            source: self.source,
            licence: self.licence,
            external_ids: self.external_ids,
            verified_at: self.verified_at,
            responsible_agency: self.responsible_agency,
            see_also: self.see_also,
            merged_into: stamp.merged_into.filter(|_| status == Status::Archived),
            version: stamp.version,
            created_at: stamp.created_at,
            updated_at: stamp.now,
            published_at: stamp.published_at.or(published),
        }
    }
}

/// The fault of a code or id that names nothing.
pub fn names_nothing() -> Fault {
    Fault::new("unknown_reference", "tidak ada yang bernama demikian", "names nothing that exists")
}

fn is_member(name: &str) -> bool {
    Draft::MEMBERS.contains(&name)
        || crate::place::Draft::MEMBERS.contains(&name)
        || crate::producer::Draft::MEMBERS.contains(&name)
        || crate::event::Draft::MEMBERS.contains(&name)
}

/// Takes a listing's members out of a record; what stays is its kind's.
pub(crate) fn split(record: &mut serde_json::Map<String, Value>) -> serde_json::Map<String, Value> {
    Draft::MEMBERS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), record.shift_remove(*name)?)))
        .collect()
}
