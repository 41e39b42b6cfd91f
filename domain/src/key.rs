//! Checked keys: the short ASCII names that rows, codes and tags are known by.
//!
//! Each is a string that kept its rule when it was made and is trusted from then on, in a row, in
//! JSON and in a path alike.

use std::{fmt, str::FromStr};

use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use serde::{Deserialize, Serialize};

use crate::{draft::Carried, error::Fault};

macro_rules! key {
    ($(#[$doc:meta])* $name:ident, $max:literal, $pattern:literal, $holds:expr) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            DeriveValueType,
        )]
        #[sea_orm(value_type = "String")]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The longest one, in bytes (all are ASCII).
            pub const MAX: usize = $max;
            /// The rule as a regular expression (ECMA 262, as OpenAPI wants it).
            pub const PATTERN: &'static str = $pattern;

            /// The key as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Fault;

            /// # Errors
            /// `bad_format` when the text breaks [`Self::PATTERN`] or is longer than [`Self::MAX`].
            fn from_str(raw: &str) -> Result<Self, Fault> {
                let holds: fn(&str) -> bool = $holds;
                if raw.len() <= $max && holds(raw) {
                    return Ok(Self(raw.to_owned()));
                }
                Err(Fault::new(
                    "bad_format",
                    concat!("harus cocok dengan ", $pattern, ", paling banyak ", $max, " karakter"),
                    concat!("must match ", $pattern, " and hold at most ", $max, " characters"),
                ))
            }
        }

        impl TryFrom<String> for $name {
            type Error = Carried;

            fn try_from(raw: String) -> Result<Self, Carried> {
                Ok(raw.parse()?)
            }
        }

        impl From<$name> for String {
            fn from(key: $name) -> Self {
                key.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        /// A primary key must say what an auto-increment would mean; ours never is one.
        impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    };
}

key! {
    /// What a listing is called in a path: lower-case words joined by `-`. Unique among listings.
    ///
    /// Never in the form of a UUID: a path takes either, and must know which it got.
    Slug, 80, "^[a-z0-9]+(-[a-z0-9]+)*$",
    |raw| words(raw, '-', digit_or_lower) && raw.parse::<uuid::Uuid>().is_err()
}
key! {
    /// The short name of an agency, such as `dinas-pariwisata`.
    AgencyId, 64, "^[a-z0-9]+(-[a-z0-9]+)*$", |raw| words(raw, '-', digit_or_lower)
}
key! {
    /// A free keyword of a listing.
    Tag, 40, "^[a-z0-9]+(-[a-z0-9]+)*$", |raw| words(raw, '-', digit_or_lower)
}
key! {
    /// A word of a craft's vocabulary: a material or a technique, such as `tatah_sungging`.
    Term, 40, "^[a-z0-9]+(_[a-z0-9]+)*$", |raw| words(raw, '_', digit_or_lower)
}
key! {
    /// The name of a system outside that knows the listing by an id of its own: `osm`, `wikidata`.
    System, 40, "^[a-z0-9]+(_[a-z0-9]+)*$", |raw| words(raw, '_', digit_or_lower)
}
key! {
    /// A node of the category tree, root first: `nature`, `nature.beach`.
    CategoryCode, 64, "^[a-z]+(_[a-z]+)*(\\.[a-z]+(_[a-z]+)*)*$",
    |raw| raw.split('.').all(|step| words(step, '_', |b| b.is_ascii_lowercase()))
}
key! {
    /// A Kemendagri code: `34` province, `34.02` regency, `34.02.10` kapanewon, `34.02.10.2003`
    /// kalurahan. Never derived from a BPS code: the two number kapanewon differently.
    AreaCode, 13, "^\\d{2}(\\.\\d{2}(\\.\\d{2}(\\.\\d{4})?)?)?$", area_code
}

fn digit_or_lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn words(raw: &str, joint: char, letter: fn(u8) -> bool) -> bool {
    raw.split(joint).all(|word| !word.is_empty() && word.bytes().all(letter))
}

fn area_code(raw: &str) -> bool {
    let mut steps = 0;
    for (step, width) in raw.split('.').zip([2, 2, 2, 4]) {
        if step.len() != width || !step.bytes().all(|b| b.is_ascii_digit()) {
            return false;
        }
        steps += 1;
    }
    steps == raw.split('.').count()
}

impl CategoryCode {
    /// The code itself, then its parents up to the root.
    pub fn lineage(&self) -> impl Iterator<Item = &str> {
        lineage(&self.0)
    }

    /// Whether this is `ancestor` or below it.
    pub fn is_within(&self, ancestor: &Self) -> bool {
        self.lineage().any(|code| code == ancestor.0)
    }
}

impl AreaCode {
    /// The code itself, then the areas that hold it, up to the province.
    pub fn lineage(&self) -> impl Iterator<Item = &str> {
        lineage(&self.0)
    }

    /// The kapanewon that it is or lies in.
    pub fn kapanewon(&self) -> Option<&str> {
        self.lineage().find(|code| code.len() == "34.02.10".len())
    }

    /// Whether this is `outer` or inside it.
    pub fn is_within(&self, outer: &Self) -> bool {
        self.lineage().any(|code| code == outer.0)
    }
}

fn lineage(code: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(code), |code| code.rsplit_once('.').map(|(outer, _)| outer))
}

impl Slug {
    /// The slug that a name suggests: its letters without marks, other signs as joints.
    ///
    /// `None` when the name holds no Latin letter or digit.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut slug = String::new();
        for c in crate::text::fold(name).chars() {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.ends_with('-') {
                slug.push('-');
            }
        }
        let slug = slug.trim_matches('-');
        let cut = slug.char_indices().nth(Self::MAX).map_or(slug.len(), |(at, _)| at);
        slug[..cut].trim_end_matches('-').parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_lower_case_words_joined_by_hyphens() {
        assert!("pantai-parangtritis".parse::<Slug>().is_ok());
        for bad in [
            "019abc00-0000-7000-8000-000000000000",
            "",
            "-",
            "a--b",
            "A",
            "a b",
            "é",
            "a/b",
            &"a".repeat(81),
        ] {
            assert!(bad.parse::<Slug>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_area_code_has_one_of_four_lengths() {
        for good in ["34", "34.02", "34.02.10", "34.02.10.2003"] {
            assert!(good.parse::<AreaCode>().is_ok(), "{good}");
        }
        for bad in ["", "3", "34.2", "34.02.10.203", "34.02.10.2003.1", "34.02.", "３４"] {
            assert!(bad.parse::<AreaCode>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_code_is_within_its_parents_and_not_within_a_longer_name() {
        let code = |raw: &str| raw.parse::<CategoryCode>().unwrap();
        assert!(code("nature.beach").is_within(&code("nature")));
        assert!(!code("nature").is_within(&code("nature.beach")));
        assert!(!code("crafty").is_within(&code("craft")));
    }

    #[test]
    fn a_name_suggests_its_slug() {
        assert_eq!(
            Slug::from_name("Pantai  Parangtritis!").unwrap().as_str(),
            "pantai-parangtritis"
        );
        assert_eq!(Slug::from_name("Café Ōmah").unwrap().as_str(), "cafe-omah");
        assert_eq!(Slug::from_name("海"), None);
    }
}
