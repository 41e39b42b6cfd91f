//! Expand: the terms of a lexicon that a word may mean.

use std::{cmp::Reverse, ops::Range};

use super::{Lexicon, Word, factor, is_plain, sound::sound, stem::stem, typo};

/// The most terms a word stands for; of a long list those in most documents.
const MAX: usize = 256;
/// The shortest beginning that is completed, characters.
pub(super) const SHORTEST_PREFIX: usize = 2;
/// The lengths of a beginning that may hold an error, letters.
pub(super) const WRONG_PREFIX: std::ops::RangeInclusive<usize> = 5..=typo::LONGEST;
/// The shortest part of a word that the index may hold split, letters.
const SHORTEST_PART: usize = 3;
/// A word that at most so many documents hold may itself be an error.
const RARE: u32 = 2;
/// Then what was meant is in at least so many times as many documents.
const MUCH_MORE: u32 = 4;

/// A term that a word may mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expansion {
    /// The term's id.
    pub term: u32,
    /// What it counts, out of 1 for the very word.
    pub factor: f32,
    /// How it came about.
    pub how: How,
}

/// How a term came to stand for a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// It is the word.
    Exact,
    /// It sounds like the word.
    Sound,
    /// It has the same root.
    Stem,
    /// It is, or sounds like, one of [`Word::also`].
    Also,
    /// It is a part of the word; its factor is its share of the letters, so that all parts together
    /// count nearly what the word does.
    Part,
    /// It begins with the word.
    Prefix,
    /// It is the word but for typing errors, or begins so.
    Typo,
}

impl Lexicon {
    /// The terms that `word` may mean, each once with the most it counts: best first, then those in
    /// more documents, then by the alphabet; at most 256.
    ///
    /// Typing errors are looked for only where nothing else was found, or hardly anything (at most
    /// two documents, those that lexicons beside this one [know](Self::knows) included) and one
    /// error away stands a term in four times as many: a name that exists is not corrected away.
    /// Two errors are looked for only where one finds nothing.
    pub fn expand(&self, word: &Word, elsewhere: u32) -> Vec<Expansion> {
        let mut found = self.known(word);
        let unknown = found.all.is_empty() && elsewhere == 0;
        found.add_errors(word, elsewhere);
        // Short parts are found in many a mistyped word, so they do not stand in for what was meant.
        if unknown {
            found.add_parts(&word.text);
        }
        found.best()
    }

    /// In how many documents `word` is found without an error being supposed; of more than a few
    /// only that they are more.
    pub fn knows(&self, word: &Word) -> u32 {
        self.known(word).documents_found().min(RARE + 1)
    }

    fn known(&self, word: &Word) -> Found<'_> {
        let mut found = Found { lexicon: self, all: Vec::new() };
        found.add_known(&word.text, factor::EXACT, None);
        if word.open {
            found.add_beginning(&word.text, factor::PREFIX);
        }
        for other in &word.also {
            found.add_known(&other.text, other.factor, Some(How::Also));
            if other.open {
                found.add_beginning(&other.text, other.factor * factor::PREFIX);
            }
        }
        found
    }
}

/// The terms found so far, some more than once.
struct Found<'a> {
    lexicon: &'a Lexicon,
    all: Vec<Expansion>,
}

impl Found<'_> {
    fn add(&mut self, term: u32, factor: f32, how: How) {
        self.all.push(Expansion { term, factor, how });
    }

    /// Adds `text` itself, what sounds like it and, if it is the word itself, what has its root.
    fn add_known(&mut self, text: &str, counts: f32, how: Option<How>) {
        if let Some(id) = self.lexicon.id(text) {
            self.add(id, counts * factor::EXACT, how.unwrap_or(How::Exact));
        }
        let Some(heard) = sound(text) else { return };
        self.add_sounding(&heard, counts * factor::SOUND, how.unwrap_or(How::Sound));
        if how.is_none() {
            let root = stem(text).and_then(|root| sound(&root));
            let key = root.as_deref().unwrap_or(&heard);
            if root.is_some() {
                self.add_sounding(key, counts * factor::STEM, How::Stem);
            }
            for id in self.lexicon.rooted(key) {
                if stem(self.lexicon.term(id)).and_then(|root| sound(&root)).as_deref() == Some(key)
                {
                    self.add(id, counts * factor::STEM, How::Stem);
                }
            }
        }
    }

    /// Adds the terms that sound like `key`.
    fn add_sounding(&mut self, key: &str, factor: f32, how: How) {
        if let Some(id) = self.lexicon.id(key)
            && sound(key).as_deref() == Some(key)
        {
            self.add(id, factor, how);
        }
        for id in self.lexicon.sounding(key) {
            if sound(self.lexicon.term(id)).as_deref() == Some(key) {
                self.add(id, factor, how);
            }
        }
    }

    /// Adds the most frequent terms that begin with `text` and go on.
    fn add_beginning(&mut self, text: &str, factor: f32) {
        if text.chars().count() < SHORTEST_PREFIX {
            return;
        }
        let range = self.lexicon.beginning(text);
        let longer = range.start + u32::from(self.lexicon.id(text).is_some())..range.end;
        for id in most_frequent(self.lexicon, longer) {
            self.add(id, factor, How::Prefix);
        }
    }

    /// Adds the two terms that make `text` together; of several such pairs the one whose rarer term
    /// is in most documents.
    fn add_parts(&mut self, text: &str) {
        if !is_plain(text) || text.len() > typo::LONGEST {
            return;
        }
        let lexicon = self.lexicon;
        let pair = |at: usize| Some((lexicon.id(&text[..at])?, lexicon.id(&text[at..])?));
        let rarer = |pair: &(u32, u32)| lexicon.documents(pair.0).min(lexicon.documents(pair.1));
        let seams = SHORTEST_PART..(text.len() + 1).saturating_sub(SHORTEST_PART);
        let Some((first, second)) = seams.rev().filter_map(pair).max_by_key(rarer) else { return };
        for part in [first, second] {
            let share = ratio(lexicon.term(part).len(), text.len());
            self.add(part, factor::PARTS * share, How::Part);
        }
    }

    /// Adds what was meant if `word` holds typing errors, where it may.
    fn add_errors(&mut self, word: &Word, elsewhere: u32) {
        let known = self.documents_found().saturating_add(elsewhere);
        let allowed = typo::allowed(&word.text);
        if known > RARE || allowed == 0 {
            return;
        }
        let enough = known * MUCH_MORE;
        let pieces = self.lexicon.pieces();
        let mut near = pieces.near(self.lexicon, &word.text, 1);
        if near.is_empty() && known == 0 && allowed > 1 {
            near = pieces.near(self.lexicon, &word.text, allowed);
        }
        for (id, errors) in near {
            if self.lexicon.documents(id) >= enough {
                self.add(id, for_errors(errors, &word.text, self.lexicon.term(id)), How::Typo);
            }
        }
        if word.open && known == 0 && WRONG_PREFIX.contains(&word.text.len()) {
            let near = beginning_with_error(self.lexicon, word.text.as_bytes())
                .filter(|id| is_plain(self.lexicon.term(*id)));
            for id in most_frequent(self.lexicon, near) {
                let counts = for_errors(1, &word.text, self.lexicon.term(id));
                self.add(id, factor::PREFIX * counts, How::Typo);
            }
        }
    }

    /// In how many documents the found terms are; a document with two of them counts twice.
    fn documents_found(&self) -> u32 {
        let mut ids: Vec<u32> = self.all.iter().map(|found| found.term).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().fold(0, |sum, id| sum.saturating_add(self.lexicon.documents(id)))
    }

    fn best(mut self) -> Vec<Expansion> {
        self.all.sort_unstable_by(|a, b| {
            (a.term.cmp(&b.term)).then(b.factor.total_cmp(&a.factor)).then(a.how.cmp(&b.how))
        });
        self.all.dedup_by_key(|found| found.term);
        self.all.sort_by(|a, b| {
            let more = |found: &Expansion| Reverse(self.lexicon.documents(found.term));
            b.factor.total_cmp(&a.factor).then_with(|| more(a).cmp(&more(b)))
        });
        self.all.truncate(MAX);
        self.all
    }
}

/// What a term counts with so many errors against `word`.
pub(super) fn for_errors(errors: usize, word: &str, term: &str) -> f32 {
    let counts = if errors == 1 { factor::ONE_ERROR } else { factor::TWO_ERRORS };
    let same_start = word.as_bytes().first() == term.as_bytes().first();
    if same_start { counts } else { counts * factor::FIRST_LETTER }
}

fn ratio(part: usize, whole: usize) -> f32 {
    let exact = |n: usize| f32::from(u16::try_from(n).expect("words are short"));
    exact(part) / exact(whole)
}

/// The terms of `ids`, which ascend, in most documents, at most [`MAX`]; of equals the first by the
/// alphabet.
fn most_frequent(lexicon: &Lexicon, ids: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut kept: Vec<(Reverse<u32>, u32)> = Vec::new();
    let mut least = 0;
    for id in ids {
        let documents = lexicon.documents(id);
        if documents > least || kept.len() < MAX {
            kept.push((Reverse(documents), id));
        }
        if kept.len() == 4 * MAX {
            least = keep_most(&mut kept);
        }
    }
    keep_most(&mut kept);
    kept.into_iter().map(|(_, id)| id).collect()
}

/// Keeps the [`MAX`] first and says how many documents hold the last of them.
fn keep_most(kept: &mut Vec<(Reverse<u32>, u32)>) -> u32 {
    if kept.len() > MAX {
        kept.select_nth_unstable(MAX - 1);
        kept.truncate(MAX);
    }
    kept.last().map_or(0, |(documents, _)| documents.0)
}

/// The terms that begin with `word` but for one error: a letter left out, added, changed or
/// swapped. Ids ascend.
fn beginning_with_error(lexicon: &Lexicon, word: &[u8]) -> impl Iterator<Item = u32> {
    let mut ranges = Vec::new();
    // Those that begin like the word up to `at`, where the error is.
    let mut same = 0..lexicon.count();
    for at in 0..word.len() {
        let rest = &word[at..];
        ranges.push(lexicon.going_on(same.clone(), at, &rest[1..]));
        if let [a, b, tail @ ..] = rest {
            let swapped = [&[*b, *a], tail].concat();
            ranges.push(lexicon.going_on(same.clone(), at, &swapped));
        }
        for child in children(lexicon, same.clone(), at) {
            ranges.push(lexicon.going_on(child.clone(), at + 1, rest));
            ranges.push(lexicon.going_on(child, at + 1, &rest[1..]));
        }
        same = lexicon.going_on(same, at, &rest[..1]);
        if same.is_empty() {
            break;
        }
    }
    ranges.sort_unstable_by_key(|range| range.start);
    let mut next = 0;
    ranges.into_iter().flat_map(move |range| {
        let new = range.start.max(next)..range.end;
        next = next.max(range.end);
        new
    })
}

/// The terms of `range`, which share their first `depth` bytes, parted by the next.
fn children(lexicon: &Lexicon, range: Range<u32>, depth: usize) -> Vec<Range<u32>> {
    let mut children = Vec::new();
    let mut start = lexicon.first_not(range.clone(), |term| term.len() == depth);
    while start < range.end {
        let letter = lexicon.term(start).as_bytes()[depth];
        let end = lexicon.first_not(start..range.end, |term| term.as_bytes()[depth] == letter);
        children.push(start..end);
        start = end;
    }
    children
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::words::{Sought, matches};

    fn lexicon(terms: &[(&str, u32)]) -> Lexicon {
        let mut terms = terms.to_vec();
        terms.sort_unstable();
        Lexicon::new(terms.into_iter())
    }

    /// What the only word of `q` means among `terms`, best first.
    fn meant(q: &str, terms: &[(&str, u32)]) -> Vec<(String, f32, How)> {
        let lexicon = lexicon(terms);
        let sought = Sought::read(q);
        let word = sought.words.first().unwrap();
        let found = lexicon.expand(word, 0);
        found.iter().map(|e| (lexicon.term(e.term).to_owned(), e.factor, e.how)).collect()
    }

    fn finds(q: &str, term: &str) -> Option<How> {
        let terms = [("zzz", 1), (term, 1)];
        meant(q, &terms).into_iter().find(|found| found.0 == term).map(|found| found.2)
    }

    #[test]
    fn whatever_people_type_finds_what_they_mean() {
        let pairs = [
            ("batik", "batik", How::Exact),
            ("goa", "gua", How::Sound),
            ("guwo", "goa", How::Sound),
            ("Imagiri", "imogiri", How::Sound),
            ("cemoro", "cemara", How::Sound),
            ("Bantoel", "bantul", How::Sound),
            ("pathuk", "patuk", How::Sound),
            ("kerajinan", "rajin", How::Stem),
            ("pengrajin", "kerajinan", How::Stem),
            ("perajin", "pengrajin", How::Stem),
            ("batik", "pembatik", How::Stem),
            ("mbathik", "batik", How::Stem),
            ("beaches", "beach", How::Stem),
            ("cave", "caves", How::Stem),
            ("beach", "pantai", How::Also),
            ("pottery", "grabah", How::Also),
            ("jl", "jalan", How::Also),
            ("oleh2", "oleh", How::Exact),
            ("parang tritis", "parangtritis", How::Also),
            ("parang tri", "parangtritis", How::Prefix),
            ("pa", "pantai", How::Prefix),
            ("pntai", "pantai", How::Typo),
            ("abtik", "batik", How::Typo),
            ("parangtrtiss", "parangtritis", How::Typo),
            ("prangtri", "parangtritis", How::Typo),
            ("ꦧꦤ꧀ꦠꦸꦭ", "ꦧꦤꦠꦭ", How::Exact),
            ("班图", "班图尔", How::Prefix),
        ];
        for (q, term, how) in pairs {
            assert_eq!(finds(q, term), Some(how), "{q}, {term}");
        }
    }

    #[test]
    fn what_is_something_else_is_not_found() {
        for (q, term) in [
            ("kasih", "kasihanlah"),
            ("2026", "2025"),
            ("goa", "gor"),
            ("batik tulis", "kulit"),
            ("b", "batik"),
        ] {
            let finished = format!("{q} xx");
            assert_eq!(finds(&finished, term), None, "{q}, {term}");
        }
    }

    #[test]
    fn the_surer_comes_first() {
        let terms = [
            ("batik", 5),
            ("bathik", 5),
            ("membatik", 5),
            ("batikan", 9),
            ("batiks", 1),
            ("betik", 50),
        ];
        let words: Vec<String> = meant("batik", &terms).into_iter().map(|found| found.0).collect();
        assert_eq!(words, ["batik", "bathik", "membatik", "batiks", "batikan"]);
    }

    #[test]
    fn a_name_that_exists_is_not_corrected_away() {
        let terms = [("mangir", 1), ("mangis", 3), ("mangar", 4)];
        let found = meant("mangir", &terms);
        assert_eq!((found[0].0.as_str(), found[0].2), ("mangir", How::Exact));
        // In four times as many documents, it may have been meant as well.
        assert!(found.iter().any(|f| f.0 == "mangar" && f.1 < 1.0));
        assert!(found.iter().all(|f| f.0 != "mangis"));
        let known = [("mangir", 3), ("mangar", 4000)];
        assert_eq!(meant("mangir", &known).len(), 1);
    }

    #[test]
    fn digits_are_never_corrected() {
        for (q, term) in [("2026", "2025"), ("bat1k", "batik"), ("bstik", "batik2")] {
            assert_eq!(finds(q, term), None, "{q}, {term}");
        }
    }

    #[test]
    fn a_nearer_slip_hides_a_farther_one() {
        let terms = [("kerajinan", 1), ("kerajanen", 50)];
        let found = meant("kerajnan xx", &terms);
        assert!(found.iter().any(|f| f.0 == "kerajinan"));
        assert!(found.iter().all(|f| f.0 != "kerajanen"));
    }

    #[test]
    fn a_wrong_first_letter_counts_less() {
        let found = meant("patik", &[("batik", 1), ("patil", 1)]);
        assert_eq!(found.iter().map(|f| f.0.as_str()).collect::<Vec<_>>(), ["patil", "batik"]);
    }

    #[test]
    fn a_joined_word_is_found_by_its_parts() {
        let found = meant("parangtritis", &[("parang", 9), ("tritis", 2), ("par", 1)]);
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|f| f.2 == How::Part));
        let sum: f32 = found.iter().map(|f| f.1).sum();
        assert!((sum - factor::PARTS).abs() < 1e-6);
    }

    #[test]
    fn parts_that_happen_to_exist_do_not_hide_a_slip() {
        let found = meant("pantei", &[("pan", 50), ("tei", 50), ("pantai", 9)]);
        assert_eq!(found[0].0, "pantai");
    }

    #[test]
    fn of_a_long_list_the_most_frequent_are_kept() {
        let names: Vec<String> = (0..5000).map(|n| format!("ba{n:04}")).collect();
        let lexicon = Lexicon::new((0..).zip(&names).map(|(n, name)| (name.as_str(), n)));
        let found = lexicon.expand(&Word { open: true, ..Word::new("ba") }, 0);
        assert_eq!(found.len(), MAX);
        assert!(found.iter().all(|e| lexicon.documents(e.term) >= 5000 - 256));
    }

    #[test]
    fn hostile_words_find_little_and_harm_nothing() {
        let lexicon = lexicon(&[("aaaa", 1), ("batik", 3), ("é", 1), ("班图尔", 2)]);
        let many = "ab ".repeat(100);
        for q in ["a".repeat(200), many, "*?%".into(), "\u{301}".repeat(99), "🙂".repeat(200)] {
            for word in Sought::read(&q).words {
                assert!(lexicon.expand(&word, 0).len() <= lexicon.len());
            }
        }
    }

    fn any_word() -> impl Strategy<Value = Word> {
        ("[a-e]{1,9}|.{1,5}", any::<bool>(), proptest::option::of("[a-e]{1,6}")).prop_map(
            |(text, open, other)| {
                let also = other.into_iter();
                let also =
                    also.map(|text| crate::words::sought::Other { text, factor: 0.7, open: false });
                Word { text, open, also: also.collect() }
            },
        )
    }

    proptest! {
        #[test]
        fn terms_come_once_best_first_and_the_word_itself_leads(
            terms in proptest::collection::btree_map("[a-e]{1,9}", 1..20_u32, 0..80),
            word in any_word(),
        ) {
            let lexicon = Lexicon::new(terms.iter().map(|(term, n)| (term.as_str(), *n)));
            let found = lexicon.expand(&word, 0);
            prop_assert!(found.is_sorted_by(|a, b| a.factor >= b.factor));
            let mut ids: Vec<u32> = found.iter().map(|e| e.term).collect();
            ids.sort_unstable();
            prop_assert!(ids.is_sorted_by(|a, b| a < b));
            if terms.contains_key(&word.text) {
                prop_assert_eq!(lexicon.term(found[0].term), &word.text);
            }
        }

        #[test]
        fn whatever_is_found_is_highlighted_and_counts_the_same(
            terms in proptest::collection::btree_map("[a-e]{1,9}", 1..20_u32, 0..80),
            word in any_word(),
        ) {
            let lexicon = Lexicon::new(terms.iter().map(|(term, n)| (term.as_str(), *n)));
            for found in lexicon.expand(&word, 0).into_iter().filter(|e| e.how != How::Part) {
                let counts = matches(&word, lexicon.term(found.term));
                prop_assert!(counts.is_some_and(|counts| counts >= found.factor), "{found:?} {counts:?}");
            }
        }

        #[test]
        fn beginnings_with_an_error_are_all_met(
            terms in proptest::collection::btree_set("[abc]{1,9}", 0..80),
            word in "[abc]{5,7}",
        ) {
            let lexicon = Lexicon::new(terms.iter().map(|term| (term.as_str(), 1)));
            let mut met: Vec<u32> = beginning_with_error(&lexicon, word.as_bytes()).collect();
            prop_assert!(met.is_sorted_by(|a, b| a < b));
            met.extend(lexicon.beginning(&word));
            met.sort_unstable();
            met.dedup();
            let expected: Vec<u32> = lexicon
                .terms()
                .filter(|(_, term)| typo::Typed::new(&word).errors_in_beginning(term, 1).is_some())
                .map(|(id, _)| id)
                .collect();
            prop_assert_eq!(met, expected);
        }
    }
}
