//! Changelog: how the contract came to be what it is, for those who build on it.
//!
//! What is told lies in one file, `openapi/changelog.json`, newest first.

use std::{collections::BTreeMap, sync::LazyLock};

use chrono::NaiveDate;
use domain::text::Lang;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, LangParams},
    problem::Problem,
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_changelog))
}

/// What kind of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ContractChangeKind)]
pub enum Kind {
    /// There is more.
    Added,
    /// It is otherwise, and breaks nobody.
    Changed,
    /// It will go.
    Deprecated,
    /// It is gone.
    Removed,
    /// It is now what it was said to be.
    Fixed,
}

/// A change as the file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    version: String,
    date: NaiveDate,
    kind: Kind,
    text: BTreeMap<Lang, String>,
    operations: Vec<String>,
}

/// A change of the contract.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ContractChange)]
pub struct ChangeView {
    /// The version of the document that has it first.
    #[schema(max_length = 20, example = "0.1.0")]
    version: &'static str,
    date: NaiveDate,
    kind: Kind,
    #[schema(max_length = 1000)]
    text: &'static str,
    /// The language of `text`.
    #[schema(max_length = 2, example = "id")]
    lang: &'static str,
    /// The operations that it concerns.
    #[schema(max_items = 100)]
    operations: &'static [String],
}

/// The changes of the contract.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ContractChangePage)]
pub struct ChangePage {
    /// The newest first.
    #[schema(max_items = 1000)]
    items: Vec<ChangeView>,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// What the file tells.
static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../openapi/changelog.json"))
        .expect("the checked-in file is read by a test")
});

impl ChangeView {
    fn of(entry: &'static Entry, lang: Lang) -> Self {
        let known = [lang, Lang::Id].into_iter().find_map(|lang| entry.text.get_key_value(&lang));
        let (lang, text) = known.map_or((Lang::Id, ""), |(lang, text)| (*lang, text.as_str()));
        let Entry { version, date, kind, text: _, operations } = entry;
        Self { version, date: *date, kind: *kind, text, lang: lang.code(), operations }
    }
}

/// List how the contract has changed.
///
/// What will go is told here, in the document and in the headers `Deprecation` and `Sunset` at least
/// twelve months ahead.
#[utoipa::path(
    get, path = "/v1/changelog", tag = "operations", params(LangParams),
    responses((status = OK, description = "The changes", body = ChangePage))
)]
async fn list_changelog(mut asked: Asked) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let items = ENTRIES.iter().map(|entry| ChangeView::of(entry, asked.lang)).collect();
    Answer::of(&ChangePage { items, cursor: None }, media::JSON, asked.lang)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_told_in_indonesian_and_english_newest_first() {
        for entry in ENTRIES.iter() {
            for lang in [Lang::Id, Lang::En] {
                let text = entry.text.get(&lang).map(|text| text.chars().count());
                assert!(text.is_some_and(|long| (1..=1000).contains(&long)), "{entry:?}");
            }
        }
        assert!(ENTRIES.is_sorted_by(|a, b| a.date >= b.date));
    }
}
