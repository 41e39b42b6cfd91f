//! Suggest: what somebody who is still typing may mean.

use std::sync::Arc;

use domain::{
    key::{AreaCode, CategoryCode},
    position::Position,
    text::Lang,
};

use crate::{
    bits::slots_of,
    document::Document,
    gazetteer::Entry,
    meaning::Meaning,
    ruler::Ruler,
    snapshot::{Live, Snapshot},
    walk::{Visitor, walk},
    words::{Sought, Word, terms},
};

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
    /// Something that many look for.
    Search,
}

/// How near counts as near, metres: closer listings win over farther ones by as much as half of
/// what a better match wins by.
const NEAR_M: f64 = 10_000.0;

/// The most popular searches among suggestions.
const SEARCHES: usize = 3;
/// What a popular search counts beside a like match: more than a listing far away, less than a
/// category.
const SEARCH: f64 = 0.2;

/// Listings whose names are looked at more closely, a segment.
const LOOKED_AT: usize = 32;
/// So many are measured one by one before a walk by distance is worth its while.
const FEW: usize = 2048;

impl Snapshot {
    /// What begins with the words of `typed`, the last of which may be unfinished: best first, at
    /// most `limit`. Nearness to `around` decides between like matches. Of the `popular` searches, the
    /// most sought of which comes first, those are suggested that still find something.
    pub fn suggest(
        &self,
        typed: &str,
        lang: Lang,
        around: Option<Position>,
        popular: &[String],
        limit: usize,
    ) -> Vec<Suggestion> {
        let sought = Sought::read(typed);
        let typed = terms(typed);
        if typed.is_empty() || sought.words.is_empty() {
            return Vec::new();
        }
        let ruler = around.map(Ruler::new);
        let mut found: Vec<(f64, Suggestion)> = self.named_so(&typed, lang);
        for live in self.segments() {
            for slot in live.beginning(&sought.words, ruler.as_ref()) {
                let document = &live.segment.documents[slot as usize];
                let names = document.name();
                let fits = names.all().filter_map(|(_, name)| fit(&typed, &terms(name)));
                // Another spelling or a typing error: a match, if not by its letters.
                let fit = fits.max_by(f64::total_cmp).unwrap_or(0.5);
                let text = names.get(lang).1.to_owned();
                let suggestion = Suggestion { text, of: Suggested::Listing(Arc::clone(document)) };
                found.push((fit + nearness(document, ruler.as_ref()), suggestion));
            }
        }
        found.extend(self.sought_so(&typed, popular, &found));
        found.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| x.text.cmp(&y.text)));
        found.into_iter().take(limit).map(|(_, suggestion)| suggestion).collect()
    }

    /// The popular searches that begin so and say more than what was typed or is `found` anyway.
    fn sought_so(
        &self,
        typed: &[String],
        popular: &[String],
        found: &[(f64, Suggestion)],
    ) -> Vec<(f64, Suggestion)> {
        let new = |text: &str, words: &[String]| {
            words != typed
                && !found.iter().any(|(_, one)| terms(&one.text) == words)
                && self.knows_words_of(text)
        };
        let fitting = popular.iter().filter_map(|text| {
            let words = terms(text);
            let fit = fit(typed, &words)?;
            new(text, &words)
                .then(|| (fit + SEARCH, Suggestion { text: text.clone(), of: Suggested::Search }))
        });
        fitting.take(SEARCHES).collect()
    }

    /// Whether every word of `text` is published: a listing has it, or a category or an area is
    /// called so.
    pub fn knows_words_of(&self, text: &str) -> bool {
        let known = |term: &String| {
            let mut segments = self.segments().iter().map(|live| &live.segment.lexicon);
            self.gazetteer().knows(term) || segments.any(|lexicon| lexicon.id(term).is_some())
        };
        terms(text).iter().all(known)
    }

    /// The categories and areas that are called so.
    fn named_so(&self, typed: &[String], lang: Lang) -> Vec<(f64, Suggestion)> {
        let reference = self.reference();
        let Some(first) = typed.first() else { return Vec::new() };
        let entries = self.gazetteer().called(first);
        entries
            .filter_map(|(entry, names)| {
                let fit =
                    names.iter().filter_map(|name| fit(typed, name)).max_by(f64::total_cmp)?;
                Some(match entry {
                    Entry::Category(code) => {
                        let text = reference.category(code)?.name.get(lang).1.to_owned();
                        (fit + 0.25, Suggestion { text, of: Suggested::Category(code.clone()) })
                    }
                    Entry::Area(code) => {
                        let text = reference.area_name(code, lang);
                        (fit, Suggestion { text, of: Suggested::Area(code.clone()) })
                    }
                })
            })
            .collect()
    }
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

fn nearness(document: &Document, ruler: Option<&Ruler>) -> f64 {
    let (Some(ruler), Some(at)) = (ruler, document.position) else { return 0.0 };
    0.5 * NEAR_M / (NEAR_M + ruler.quick(at).0)
}

impl Live {
    /// The slots with all of `words` in their names that are worth a look: the nearest, or where
    /// nobody says where he is, those whose names are shortest.
    fn beginning(&self, words: &[Word], ruler: Option<&Ruler>) -> Vec<u32> {
        let segment = &self.segment;
        let meanings: Vec<Arc<Meaning>> = words
            .iter()
            .map(|word| {
                let key = format!("names {} {} {:?}", word.text, word.open, word.also);
                segment.meaning(&key, || Meaning::in_names(segment, word))
            })
            .collect();
        let Some(rarest) = meanings.iter().min_by_key(|meaning| meaning.count()) else {
            return Vec::new();
        };
        if rarest.count() <= LOOKED_AT || ruler.is_none() {
            let has_all = |slot: &u32| {
                meanings.iter().all(|meaning| meaning.holds(*slot)) && !self.is_dead(*slot)
            };
            let heaviest = rarest.heaviest().iter().copied().filter(has_all);
            return heaviest.take(LOOKED_AT).collect();
        }
        let mut nearby = Nearby { live: self, meanings: &meanings, slots: Vec::new() };
        match ruler {
            // A walk for few goes everywhere to meet them.
            Some(ruler) if rarest.count() <= FEW => nearby.measure(rarest, ruler),
            Some(ruler) => walk(&segment.tree, ruler, &mut nearby),
            None => {}
        }
        // The best names wherever they are, too.
        nearby.slots.extend(rarest.heaviest().iter().take(LOOKED_AT / 2).filter(|slot| {
            meanings.iter().all(|meaning| meaning.holds(**slot)) && !self.is_dead(**slot)
        }));
        nearby.slots.sort_unstable();
        nearby.slots.dedup();
        nearby.slots
    }

    fn is_dead(&self, slot: u32) -> bool {
        self.dead.leaf(slot as usize / 64) >> (slot % 64) & 1 == 1
    }
}

/// Takes the nearest as they come.
struct Nearby<'a> {
    live: &'a Live,
    meanings: &'a [Arc<Meaning>],
    slots: Vec<u32>,
}

impl Nearby<'_> {
    /// Takes the nearest of those that have `rarest`.
    fn measure(&mut self, rarest: &Meaning, ruler: &Ruler) {
        let tree = &self.live.segment.tree;
        let has_all = |slot: &u32| {
            self.meanings.iter().all(|meaning| meaning.holds(*slot)) && !self.live.is_dead(*slot)
        };
        let mut near: Vec<(u64, u32)> = rarest
            .slots()
            .filter(has_all)
            .filter_map(|slot| Some((ruler.quick(tree.at(slot)?).0.to_bits(), slot)))
            .collect();
        if near.len() > LOOKED_AT {
            near.select_nth_unstable(LOOKED_AT);
            near.truncate(LOOKED_AT);
        }
        self.slots.extend(near.into_iter().map(|(_, slot)| slot));
    }
}

impl Visitor for Nearby<'_> {
    fn bits(&self, leaf: usize) -> u64 {
        let all = self.meanings.iter().fold(u64::MAX, |all, meaning| all & meaning.any(leaf));
        all & !self.live.dead.leaf(leaf)
    }

    fn goes_on(&self, _: f64) -> bool {
        self.slots.len() < LOOKED_AT
    }

    fn is_past(&self, _: f64) -> bool {
        false
    }

    fn visit(&mut self, leaf: usize, bits: u64, _: f64) {
        self.slots.extend(slots_of(leaf, bits));
    }
}
