//! Gazetteer: the words by which categories and areas are called.
//!
//! Listings do not carry these words themselves; they are found by the value the word leads to.

use std::collections::BTreeMap;

use domain::{
    key::{AreaCode, CategoryCode},
    reference::Reference,
};

use crate::{
    facet::Facet,
    fields::{AREA, CATEGORY},
    words::{Lexicon, Word, for_each_term, terms},
};

/// Words, and the categories and areas that each names.
#[derive(Debug, Default)]
pub(crate) struct Gazetteer {
    lexicon: Lexicon,
    named: Vec<Vec<Named>>,
    /// Every category and area with the words of each of its names.
    entries: Vec<(Entry, Vec<Vec<String>>)>,
    /// Each word of their names, in order, and whose it is.
    called: Vec<(String, usize)>,
}

/// What has names.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    Category(CategoryCode),
    Area(AreaCode),
}

/// A value that a word names, and what the word counts for it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named {
    pub(crate) facet: Facet,
    pub(crate) value: Box<str>,
    pub(crate) weight: f32,
}

impl Gazetteer {
    pub(crate) fn new(reference: &Reference) -> Self {
        let mut named: BTreeMap<String, Vec<Named>> = BTreeMap::new();
        let mut note = |text: &str, facet, value: &str, weight| {
            for_each_term(text, |term| {
                let named = named.entry(term.to_owned()).or_default();
                let new = Named { facet, value: value.into(), weight };
                if !named.contains(&new) {
                    named.push(new);
                }
            });
        };
        for category in reference.categories() {
            let code = category.code.as_str();
            let words = category.words.0.values().flatten().map(String::as_str);
            let names = category.name.all().map(|(_, name)| name);
            names.chain(words).for_each(|text| note(text, Facet::Category, code, CATEGORY));
        }
        for area in reference.areas() {
            let names = area.row.name.all().map(|(_, name)| name);
            names.for_each(|name| note(name, Facet::Area, area.row.code.as_str(), AREA));
        }
        let entries = entries(reference);
        let words = entries.iter().enumerate().flat_map(|(entry, (_, names))| {
            names.iter().flatten().map(move |word| (word.clone(), entry))
        });
        let mut called: Vec<(String, usize)> = words.collect();
        called.sort_unstable();
        called.dedup();
        let count = |named: &Vec<Named>| u32::try_from(named.len()).unwrap_or(u32::MAX);
        let lexicon = Lexicon::new(named.iter().map(|(term, named)| (term.as_str(), count(named))));
        Self { lexicon, named: named.into_values().collect(), entries, called }
    }

    /// What `word` may name, each with what the word counts for it.
    pub(crate) fn named(&self, word: &Word) -> Vec<(&Named, f32)> {
        let found = self.lexicon.expand(word, 0).into_iter();
        let named = found.flat_map(|one| {
            let named = self.named[one.term as usize].iter();
            named.map(move |named| (named, named.weight * one.factor))
        });
        named.collect()
    }

    /// The categories and areas of which a name has a word that begins with `start`, each with the
    /// words of its names.
    pub(crate) fn called(&self, start: &str) -> impl Iterator<Item = &(Entry, Vec<Vec<String>>)> {
        let from = self.called.partition_point(|(word, _)| word.as_str() < start);
        let words = self.called[from..].iter().take_while(|(word, _)| word.starts_with(start));
        let mut entries: Vec<usize> = words.map(|(_, entry)| *entry).collect();
        entries.sort_unstable();
        entries.dedup();
        entries.into_iter().map(|entry| &self.entries[entry])
    }

    /// Whether something is called by `term`.
    pub(crate) fn knows(&self, term: &str) -> bool {
        self.lexicon.id(term).is_some()
    }

    /// The word it knows nearest to one that nothing matches.
    pub(crate) fn nearest(&self, word: &str) -> Option<&str> {
        self.lexicon.nearest(word)
    }
}

fn entries(reference: &Reference) -> Vec<(Entry, Vec<Vec<String>>)> {
    let categories = reference.categories().map(|category| {
        let words = category.words.0.values().flatten().map(String::as_str);
        let names = category.name.all().map(|(_, name)| name).chain(words);
        (Entry::Category(category.code.clone()), names.map(terms).collect())
    });
    let areas = reference.areas().map(|area| {
        let names = area.row.name.all().map(|(_, name)| terms(name));
        (Entry::Area(area.row.code.clone()), names.collect())
    });
    categories.chain(areas).collect()
}
