//! Suggest: what somebody who is still typing may mean.

use std::sync::Arc;

use domain::{
    key::{AreaCode, CategoryCode},
    position::Position,
    text::Lang,
};

use crate::{document::Document, snapshot::Snapshot, words::terms};

/// Something that begins as typed.
#[derive(Debug, Clone)]
pub struct Suggestion {
    /// What is shown, in the reader's language where it can be.
    pub text: String,
    /// What it stands for.
    pub of: Suggested,
}

/// What a suggestion stands for.
#[derive(Debug, Clone)]
pub enum Suggested {
    /// A listing.
    Listing(Arc<Document>),
    /// A category.
    Category(CategoryCode),
    /// An area.
    Area(AreaCode),
}

/// How near counts as near, metres: closer listings win over farther ones by as much as half of
/// what a better match wins by.
const NEAR_M: f64 = 10_000.0;

impl Snapshot {
    /// What begins with the words of `typed`, the last of which may be unfinished: best first, at
    /// most `limit`. Nearness to `around` decides between like matches.
    pub fn suggest(
        &self,
        typed: &str,
        lang: Lang,
        around: Option<Position>,
        limit: usize,
    ) -> Vec<Suggestion> {
        let typed = terms(typed);
        if typed.is_empty() {
            return Vec::new();
        }
        let listings = self.documents().filter_map(|document| {
            let names = document.record.listing.name.all().map(|(_, name)| name);
            let fit = best_fit(&typed, names)? + nearness(document, around);
            let text = document.record.listing.name.get(lang).1.to_owned();
            Some((fit, Suggestion { text, of: Suggested::Listing(Arc::clone(document)) }))
        });
        let categories = self.reference().categories().filter_map(|category| {
            let words = category.words.0.values().flatten().map(String::as_str);
            let fit = best_fit(&typed, category.name.all().map(|(_, name)| name).chain(words))?;
            let text = category.name.get(lang).1.to_owned();
            Some((fit + 0.25, Suggestion { text, of: Suggested::Category(category.code.clone()) }))
        });
        let areas = self.reference().areas().filter_map(|area| {
            let fit = best_fit(&typed, area.row.name.all().map(|(_, name)| name))?;
            let text = self.reference().area_name(&area.row.code, lang);
            Some((fit, Suggestion { text, of: Suggested::Area(area.row.code.clone()) }))
        });
        let mut found: Vec<_> = listings.chain(categories).chain(areas).collect();
        found.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| x.text.cmp(&y.text)));
        found.into_iter().take(limit).map(|(_, suggestion)| suggestion).collect()
    }
}

fn best_fit<'a>(typed: &[String], names: impl Iterator<Item = &'a str>) -> Option<f64> {
    names.filter_map(|name| fit(typed, &terms(name))).max_by(f64::total_cmp)
}

/// How well a name fits: 3 all of it, 2 its beginning, 1 words inside it; `None` not at all.
fn fit(typed: &[String], name: &[String]) -> Option<f64> {
    let (last, whole) = typed.split_last()?;
    let matches = |run: &[String]| {
        run.len() == typed.len()
            && run[..whole.len()] == *whole
            && run[whole.len()].starts_with(last.as_str())
    };
    if typed == name {
        Some(3.0)
    } else if name.get(..typed.len()).is_some_and(matches) {
        Some(2.0)
    } else if name.windows(typed.len()).any(matches) {
        Some(1.0)
    } else {
        None
    }
}

fn nearness(document: &Document, around: Option<Position>) -> f64 {
    let (Some(around), Some(at)) = (around, document.position) else { return 0.0 };
    0.5 * NEAR_M / (NEAR_M + around.metres_to(at))
}
