//! The parts of a listing that are more than a word: address, contacts, images, notices.

use super::*;

/// Makes a JSON column of a list, absent items being an empty list.
macro_rules! json_list {
    ($(#[$doc:meta])* $name:ident of $item:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, sea_orm::FromJsonQueryResult)]
        #[serde(transparent)]
        pub struct $name(pub Vec<$item>);

        impl $name {
            /// Whether there is none.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl std::ops::Deref for $name {
            type Target = [$item];

            fn deref(&self) -> &[$item] {
                &self.0
            }
        }
    };
}
pub(crate) use json_list;

/// Makes a closed vocabulary: an enum whose JSON names are `snake_case`, with its list.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum $name {
            $($(#[$item_doc])* #[serde(rename = $text)] #[doc = concat!("`", $text, "`")] $item),+
        }

        impl $name {
            /// Every word of it.
            pub const ALL: &'static [Self] = &[$(Self::$item),+];
            /// Every word of it, as in JSON.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The word, as in JSON.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$item => $text),+
                }
            }
        }

        // By hand: utoipa's derive does not see a name that a macro brings.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some(Self::NAMES.iter().copied()))
                    .into()
            }
        }

        impl ToSchema for $name {}

        impl std::str::FromStr for $name {
            type Err = Fault;

            fn from_str(raw: &str) -> Result<Self, Fault> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|word| word.name() == raw)
                    .ok_or_else(|| $crate::listing::unknown_word(Self::NAMES))
            }
        }
    };
}
pub(crate) use vocabulary;

/// Makes a closed vocabulary that a column of a table holds.
macro_rules! stored_vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sea_orm::EnumIter,
            sea_orm::DeriveActiveEnum, serde::Serialize, serde::Deserialize,
        )]
        #[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(16))")]
        pub enum $name {
            $(
                $(#[$item_doc])*
                #[sea_orm(string_value = $text)]
                #[serde(rename = $text)]
                $item
            ),+
        }

        impl $name {
            /// Every word of it.
            pub const ALL: &'static [Self] = &[$(Self::$item),+];
            /// Every word of it, as in JSON and in the table.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The word, as in JSON.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$item => $text),+
                }
            }
        }

        // By hand: utoipa's derive does not see a name that a macro brings.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some(Self::NAMES.iter().copied()))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl std::str::FromStr for $name {
            type Err = $crate::Fault;

            fn from_str(raw: &str) -> Result<Self, $crate::Fault> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|word| word.name() == raw)
                    .ok_or_else(|| $crate::listing::unknown_word(Self::NAMES))
            }
        }
    };
}
pub(crate) use stored_vocabulary;

/// The fault of a word that is in no `vocabulary`.
pub fn unknown_word(vocabulary: &[&str]) -> Fault {
    let all = vocabulary.join(", ");
    Fault::new(
        "unknown_value",
        format!("harus salah satu dari: {all}"),
        format!("must be one of: {all}"),
    )
}

vocabulary! {
    /// What a visitor finds there.
    Facility {
        Parking = "parking", Toilet = "toilet", PrayerRoom = "prayer_room", Food = "food",
        Souvenir = "souvenir", Lodging = "lodging", Camping = "camping", Guide = "guide",
        Wifi = "wifi", Viewpoint = "viewpoint", Rental = "rental",
        ChangingRoom = "changing_room", FirstAid = "first_aid", Lifeguard = "lifeguard",
        Playground = "playground", MeetingRoom = "meeting_room",
    }
}
vocabulary! {
    /// How one can pay.
    Payment {
        Cash = "cash", Qris = "qris", Card = "card", Transfer = "transfer", EWallet = "e_wallet",
    }
}
vocabulary! {
    /// What makes it possible for somebody to come: `true` and `false` are known, absent is not.
    Access {
        WheelchairEntrance = "wheelchair_entrance", WheelchairToilet = "wheelchair_toilet",
        WheelchairParking = "wheelchair_parking", Hearing = "hearing", Visual = "visual",
    }
}

json_list! {
    /// Further categories.
    Categories of CategoryCode
}
json_list! {
    /// Free keywords.
    Tags of Tag
}
json_list! {
    /// What a visitor finds there.
    Facilities of Facility
}
json_list! {
    /// How one can pay.
    Payments of Payment
}
json_list! {
    /// Languages spoken there (ISO 639).
    Languages of Language
}
json_list! {
    /// How to reach it.
    Contacts of Contact
}
json_list! {
    /// Images, the first one first.
    Media of Image
}
json_list! {
    /// What holds for a time.
    Notices of Notice
}
json_list! {
    /// Names of members that are invented for demonstration.
    SampleFields of String
}
json_list! {
    /// Links to other listings.
    Links of Uuid
}

/// Accessibility by aspect.
#[derive(
    Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, sea_orm::FromJsonQueryResult,
)]
#[serde(transparent)]
pub struct Accessibility(pub BTreeMap<Access, bool>);

/// The listing's ids in systems outside.
#[derive(
    Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, sea_orm::FromJsonQueryResult,
)]
#[serde(transparent)]
pub struct ExternalIds(pub BTreeMap<System, String>);

/// A language by its ISO 639 code: two or three lower-case letters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(String);

impl Language {
    /// The rule.
    pub const PATTERN: &'static str = "^[a-z]{2,3}$";

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Language {
    type Err = Fault;

    fn from_str(raw: &str) -> Result<Self, Fault> {
        Ok(Self::try_from(raw.to_owned())?)
    }
}

impl TryFrom<String> for Language {
    type Error = Carried;

    fn try_from(raw: String) -> Result<Self, Carried> {
        if (2..=3).contains(&raw.len()) && raw.bytes().all(|b| b.is_ascii_lowercase()) {
            return Ok(Self(raw));
        }
        Err(Fault::new(
            "bad_format",
            "harus kode bahasa ISO 639, dua atau tiga huruf kecil",
            "must be an ISO 639 code of two or three lower-case letters",
        )
        .into())
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}

/// Where it is, in words.
#[derive(
    Debug, Clone, PartialEq, Default, Serialize, Deserialize, sea_orm::FromJsonQueryResult,
)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Street and number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// Hamlet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dusun: Option<String>,
    /// Neighbourhood (rukun tetangga).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rt: Option<String>,
    /// Ward (rukun warga).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rw: Option<String>,
    /// Five digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// How to find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directions: Option<Texts>,
}

impl Address {
    pub(super) fn check(&self) -> Vec<Fault> {
        let lines = [
            ("street", &self.street, 160),
            ("dusun", &self.dusun, 120),
            ("rt", &self.rt, 5),
            ("rw", &self.rw, 5),
            ("postal_code", &self.postal_code, 5),
        ];
        let mut faults: Vec<_> = lines
            .iter()
            .filter_map(|(name, line, max)| {
                line_fault(line.as_deref()?, *max).map(|f| f.below(name))
            })
            .collect();
        if self.postal_code.as_ref().is_some_and(|code| !code.bytes().all(|b| b.is_ascii_digit())) {
            let fault = Fault::new("bad_format", "harus lima angka", "must be five digits");
            faults.push(fault.below("postal_code"));
        }
        let directions = self.directions.iter().flat_map(|texts| texts.check(500));
        faults.extend(directions.map(|f| f.below("directions")));
        faults
    }
}

vocabulary! {
    /// The way a contact works.
    ContactKind {
        Phone = "phone", Whatsapp = "whatsapp", Email = "email", Website = "website",
        Instagram = "instagram", Marketplace = "marketplace",
    }
}

/// One way to reach it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// The way.
    #[serde(rename = "type")]
    pub kind: ContactKind,
    /// E.164 for phone and WhatsApp, an address, a URL or a name.
    pub value: String,
    /// Whether its holder agreed to show it to everybody (Law 27/2022). Absent is no.
    #[serde(default)]
    pub public: bool,
    /// When they agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_at: Option<DateTime<Utc>>,
}

impl Contact {
    pub(super) fn check(&self) -> Option<Fault> {
        let holds = match self.kind {
            ContactKind::Phone | ContactKind::Whatsapp => is_e164(&self.value),
            ContactKind::Email => is_email(&self.value),
            ContactKind::Website | ContactKind::Marketplace => is_web(&self.value),
            ContactKind::Instagram => is_instagram(&self.value),
        };
        let bad = || {
            Fault::new(
                "bad_format",
                format!("bukan {} yang sah", self.kind.name()),
                format!("is not a valid {}", self.kind.name()),
            )
        };
        line_fault(&self.value, 300).or_else(|| (!holds).then(bad)).map(|f| f.below("value"))
    }
}

/// ITU-T E.164 §6: `+`, then up to fifteen digits, the first of them not zero.
pub(crate) fn is_e164(value: &str) -> bool {
    let digits = value.strip_prefix('+').unwrap_or_default();
    (8..=15).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0')
}

pub(crate) fn is_email(value: &str) -> bool {
    let Some((user, host)) = value.rsplit_once('@') else { return false };
    // Fewer than RFC 5321 allows: what a link or a header would read as more than an address is out.
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._+-".contains(&b);
    !user.is_empty() && host.contains('.') && user.bytes().all(plain) && host.bytes().all(plain)
}

/// Only `https` and `http`: a `javascript:` link never reaches a page.
pub(crate) fn is_web(value: &str) -> bool {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_alphanumeric())
            && !rest.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>'))
    })
}

fn is_instagram(value: &str) -> bool {
    (1..=30).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_')
}

/// An image of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Where it is: a path below the API's root, or a URL.
    pub src: String,
    /// Several widths of it, in the form of HTML's `srcset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub srcset: Option<String>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// What it shows, for who does not see it.
    pub alt: Texts,
    /// Who made it.
    pub credit: String,
    /// SPDX id.
    pub licence: String,
    /// Who holds the rights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// The point to keep in a crop: shares of width and height, from the upper left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub focal_point: Option<(f32, f32)>,
    /// A 25-byte likeness, base64 (thumbhash).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbhash: Option<String>,
}

impl Image {
    pub(crate) fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let far = |share: f32| !(0.0..=1.0).contains(&share);
        if self.width == 0
            || self.height == 0
            || self.focal_point.is_some_and(|(x, y)| far(x) || far(y))
        {
            faults.push(Fault::new(
                "out_of_range",
                "ukuran tidak sah",
                "sizes are at least 1, shares 0 to 1",
            ));
        }
        let lines = [
            ("srcset", &self.srcset, 4000),
            ("holder", &self.holder, 120),
            ("thumbhash", &self.thumbhash, 80),
        ];
        for (name, line, max) in lines {
            faults.extend(
                line.as_ref().and_then(|line| line_fault(line, max)).map(|f| f.below(name)),
            );
        }
        if self.src.len() > 1000 || !is_web(&self.src) && !self.src.starts_with("/media/") {
            faults.push(Fault::new("bad_format", "bukan URL", "is not a URL").below("src"));
        }
        faults.extend(self.alt.check(300).into_iter().map(|f| f.below("alt")));
        faults.extend(line_fault(&self.credit, 120).map(|f| f.below("credit")));
        faults.extend(line_fault(&self.licence, 40).map(|f| f.below("licence")));
        faults
    }
}

vocabulary! {
    /// What a notice does: a closure closes, a danger warns of harm, an info tells.
    NoticeKind { Closure = "closure", Danger = "danger", Info = "info" }
}

/// Something that holds for a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// What it does.
    pub kind: NoticeKind,
    /// From when, inclusive; absent: always has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    /// Until when, exclusive; absent: until further notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
    /// What is said.
    pub text: Texts,
    /// Who says so.
    pub source: String,
    /// The agency that answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<AgencyId>,
}

impl Notice {
    /// Whether it holds at `now`.
    pub fn in_force(&self, now: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| from <= now) && self.to.is_none_or(|to| now < to)
    }

    pub(super) fn check(&self) -> Vec<Fault> {
        let mut faults: Vec<_> =
            self.text.check(500).into_iter().map(|f| f.below("text")).collect();
        faults.extend(line_fault(&self.source, 300).map(|f| f.below("source")));
        if let (Some(from), Some(to)) = (self.from, self.to)
            && to <= from
        {
            faults.push(
                Fault::new("bad_order", "harus sesudah from", "must be after from").below("to"),
            );
        }
        faults
    }
}

/// Where a record comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Who or what says so.
    #[schema(max_length = 500)]
    pub name: String,
    /// Where to read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000, format = "uri")]
    pub url: Option<String>,
}

impl Source {
    pub(super) fn check(&self) -> Vec<Fault> {
        let mut faults: Vec<_> =
            line_fault(&self.name, 500).map(|f| f.below("name")).into_iter().collect();
        if self.url.as_ref().is_some_and(|url| url.len() > 1000 || !is_web(url)) {
            faults.push(Fault::new("bad_format", "bukan URL", "is not a URL").below("url"));
        }
        faults
    }
}
