//! Words: the languages we speak, and texts by language.

use std::{collections::BTreeMap, fmt, str::FromStr};

use sea_orm::{DeriveActiveEnum, EnumIter, FromJsonQueryResult};
use serde::{Deserialize, Serialize};

use crate::{draft::Carried, error::Fault};

/// A language that texts are kept in (ISO 639-1).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "String(sea_orm::sea_query::StringLen::N(2))",
    rename_all = "snake_case"
)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Indonesian, the default.
    Id,
    /// English.
    En,
    /// Javanese, in Latin script.
    Jv,
}

impl Lang {
    /// Every language, the default first.
    pub const ALL: [Self; 3] = [Self::Id, Self::En, Self::Jv];

    /// The two-letter code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::En => "en",
            Self::Jv => "jv",
        }
    }
}

impl FromStr for Lang {
    type Err = Fault;

    fn from_str(raw: &str) -> Result<Self, Fault> {
        Self::ALL.into_iter().find(|lang| lang.code() == raw).ok_or_else(|| {
            Fault::new("unknown_value", "harus id, en, atau jv", "must be id, en or jv")
        })
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// One text in one or more languages; never in none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(try_from = "BTreeMap<Lang, String>")]
pub struct Texts(BTreeMap<Lang, String>);

impl Texts {
    /// The text for a reader of `lang`, and the language it is in: `lang`, else Indonesian, else any.
    pub fn get(&self, lang: Lang) -> (Lang, &str) {
        let (lang, text) = [lang, Lang::Id]
            .iter()
            .find_map(|lang| self.0.get_key_value(lang))
            .or_else(|| self.0.first_key_value())
            .expect("texts are never empty: checked where they are made");
        (*lang, text)
    }

    /// Every language it is in, with its text.
    pub fn all(&self) -> impl Iterator<Item = (Lang, &str)> {
        self.0.iter().map(|(lang, text)| (*lang, text.as_str()))
    }

    /// Whether it is in `lang`.
    pub fn has(&self, lang: Lang) -> bool {
        self.0.contains_key(&lang)
    }

    /// The faults of texts that may hold at most `max` characters (Unicode scalar values) each.
    pub fn check(&self, max: usize) -> Vec<Fault> {
        self.0
            .iter()
            .filter_map(|(lang, text)| line_fault(text, max).map(|fault| fault.below(lang)))
            .collect()
    }
}

/// Trims; an empty text is a language that is not there.
impl TryFrom<BTreeMap<Lang, String>> for Texts {
    type Error = Carried;

    fn try_from(raw: BTreeMap<Lang, String>) -> Result<Self, Carried> {
        let texts: BTreeMap<_, _> = raw
            .into_iter()
            .map(|(lang, text)| (lang, text.trim().to_owned()))
            .filter(|(_, text)| !text.is_empty())
            .collect();
        if texts.is_empty() {
            return Err(Fault::new(
                "missing",
                "perlu teks dalam sedikitnya satu bahasa",
                "needs a text in at least one language",
            )
            .into());
        }
        Ok(Self(texts))
    }
}

/// What is wrong with `text` as 1 to `max` characters of ordinary writing, if anything is.
///
/// Line breaks and tabs are ordinary; other control characters are not (a NUL alone would make
/// PostgreSQL refuse the row).
pub fn line_fault(text: &str, max: usize) -> Option<Fault> {
    if text.trim().is_empty() {
        return Some(Fault::new("missing", "tidak boleh kosong", "must not be empty"));
    }
    if text.chars().count() > max {
        return Some(Fault::new(
            "too_long",
            format!("paling banyak {max} karakter"),
            format!("must be at most {max} characters"),
        ));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Some(Fault::new(
            "control_character",
            "tidak boleh memuat karakter kendali",
            "must not hold control characters",
        ));
    }
    None
}

/// `text` as words are compared: lower case, without diacritics and compatibility forms.
///
/// Unicode NFKD, marks dropped, lower case: `Café` and `CAFE` fold alike, `ﬁ` is `fi`.
pub fn fold(text: &str) -> String {
    use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
    text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}
