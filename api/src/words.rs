//! Words: a text as an answer shows it, in one language or, with `texts=all`, in each.

use std::collections::BTreeMap;

use domain::text::{Lang, Texts};
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

/// A text in the reader's language, or in every language there is.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Words {
    /// In one language.
    One(String),
    /// By language.
    All(BTreeMap<Lang, String>),
}

/// How texts are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    /// In one language, with fallback.
    One(Lang),
    /// In all.
    All,
}

impl Tongue {
    /// A text, shown so.
    pub fn show(self, texts: &Texts) -> Words {
        match self {
            Self::One(lang) => Words::One(texts.get(lang).1.to_owned()),
            Self::All => {
                Words::All(texts.all().map(|(lang, text)| (lang, text.to_owned())).collect())
            }
        }
    }

    /// A text that may not be there.
    pub fn maybe(self, texts: Option<&Texts>) -> Option<Words> {
        texts.map(|texts| self.show(texts))
    }
}

impl PartialSchema for Words {
    fn schema() -> RefOr<Schema> {
        let schema = serde_json::json!({
            "description": "A text in the language asked for; with `texts=all` a map by language.",
            "oneOf": [
                {"type": "string", "maxLength": 8000},
                {"type": "object", "title": "TextByLanguage", "minProperties": 1,
                 "properties": {
                    "id": {"type": "string", "maxLength": 8000},
                    "en": {"type": "string", "maxLength": 8000},
                    "jv": {"type": "string", "maxLength": 8000}}}
            ]
        });
        serde_json::from_value(schema).expect("a schema of the contract is well formed")
    }
}

impl ToSchema for Words {
    fn name() -> std::borrow::Cow<'static, str> {
        "Text".into()
    }
}
