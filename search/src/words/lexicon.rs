//! Lexicon: the terms of an index, each with how many documents hold it.

use std::{
    io::{self, Read, Write},
    ops::Range,
    sync::OnceLock,
};

use super::{near::Pieces, sound::write_sound, stem::stem, typo};
use crate::checkpoint::{Reader, Writer, broken, check};

/// The terms of an index, or of a segment of one. Ids are places in the order of the terms, from 0.
///
/// Takes 8 bytes a term besides its letters; what other spellings, roots and errors need is built
/// when it is first asked for, or at once by [`Self::prepare`], and takes about 30 bytes more.
#[derive(Debug, Default)]
pub struct Lexicon {
    letters: String,
    /// Where each term ends in `letters`.
    ends: Vec<u32>,
    documents: Vec<u32>,
    spellings: OnceLock<Spellings>,
    pieces: OnceLock<Pieces>,
}

/// The terms by how they sound and by their roots: a hash of the key (high half) and the term
/// (low half), sorted. Only those whose key is not the term itself.
#[derive(Debug, Default)]
struct Spellings {
    sounds: Vec<u64>,
    roots: Vec<u64>,
}

impl Lexicon {
    /// Keeps `terms`, sorted by their bytes and each once, with the number of documents of each.
    /// Their letters may take up to 4 GiB.
    pub fn new<'a>(terms: impl Iterator<Item = (&'a str, u32)>) -> Self {
        let mut lexicon = Self::default();
        for (term, documents) in terms {
            debug_assert!(
                lexicon.count().checked_sub(1).is_none_or(|last| lexicon.term(last) < term),
                "terms come sorted and once"
            );
            lexicon.letters.push_str(term);
            let end = u32::try_from(lexicon.letters.len()).expect("a lexicon is below 4 GiB");
            lexicon.ends.push(end);
            lexicon.documents.push(documents);
        }
        lexicon.letters.shrink_to_fit();
        lexicon.ends.shrink_to_fit();
        lexicon.documents.shrink_to_fit();
        lexicon
    }

    pub(crate) fn write_to(&self, to: &mut Writer<impl Write>) -> io::Result<()> {
        to.bytes(self.letters.as_bytes())?;
        to.column(self.ends.iter().copied())?;
        to.column(self.documents.iter().copied())
    }

    pub(crate) fn read_from(from: &mut Reader<impl Read>) -> io::Result<Self> {
        let letters = String::from_utf8(from.bytes()?).map_err(|_| broken("no letters"))?;
        let ends: Vec<u32> = from.column()?;
        let documents = from.column_of(ends.len())?;
        check(ends.is_sorted(), "a term ends before it begins")?;
        let cut = |end: &u32| letters.is_char_boundary(*end as usize);
        check(ends.iter().all(cut), "a term ends within a letter")?;
        Ok(Self { letters, ends, documents, ..Self::default() })
    }

    /// Builds at once what would be built at the first question.
    pub fn prepare(&self) {
        self.spellings();
        self.pieces();
    }

    /// How many terms there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The term `id`.
    ///
    /// # Panics
    /// When there is no such term: ids come from this lexicon.
    pub fn term(&self, id: u32) -> &str {
        let at = id as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.letters[start as usize..self.ends[at] as usize]
    }

    /// How many documents hold the term `id`.
    ///
    /// # Panics
    /// When there is no such term.
    pub fn documents(&self, id: u32) -> u32 {
        self.documents[id as usize]
    }

    /// The id of `term`, if it is known.
    pub fn id(&self, term: &str) -> Option<u32> {
        let at = self.first_not(0..self.count(), |known| known < term);
        (at < self.count() && self.term(at) == term).then_some(at)
    }

    /// Every term with its id, in order.
    pub(super) fn terms(&self) -> impl Iterator<Item = (u32, &str)> {
        (0..self.count()).map(|id| (id, self.term(id)))
    }

    /// The known term that was most likely meant by `word`, which none matches, to ask "did you
    /// mean" with: one error away from four letters, up to two from five, and from eight up to three
    /// behind the same first letter. An error more must be outweighed by being in sixteen times as
    /// many documents.
    pub fn nearest(&self, word: &str) -> Option<&str> {
        let max = match word.len() {
            4 => 1,
            5..=7 => 2,
            _ => 3,
        };
        if typo::allowed(word) == 0 {
            return None;
        }
        let mut found = self.pieces().near(self, word, max.min(2));
        if found.is_empty() && max == 3 {
            found = self.pieces().scan(self, self.beginning(&word[..1]), word, max);
        }
        let weight =
            |(id, errors): (u32, usize)| u64::from(self.documents(id)) << (4 * (3 - errors));
        let best =
            found.into_iter().max_by_key(|near| (weight(*near), std::cmp::Reverse(near.0)))?;
        Some(self.term(best.0))
    }

    /// The terms that begin with `prefix`; ids in a row.
    pub(super) fn beginning(&self, prefix: &str) -> Range<u32> {
        self.going_on(0..self.count(), 0, prefix.as_bytes())
    }

    /// Those of `range`, which share their first `depth` bytes, that go on with `rest`.
    pub(super) fn going_on(&self, range: Range<u32>, depth: usize, rest: &[u8]) -> Range<u32> {
        let start = self.first_not(range.clone(), |term| &term.as_bytes()[depth..] < rest);
        let end =
            self.first_not(start..range.end, |term| term.as_bytes()[depth..].starts_with(rest));
        start..end
    }

    /// The first of `range` for which `is` does not hold any more.
    pub(super) fn first_not(&self, range: Range<u32>, is: impl Fn(&str) -> bool) -> u32 {
        let Range { mut start, mut end } = range;
        while start < end {
            let middle = start.midpoint(end);
            if is(self.term(middle)) {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        start
    }

    /// The terms that sound like `key`; some that do not may be among them.
    pub(super) fn sounding(&self, key: &str) -> impl Iterator<Item = u32> {
        entries(&self.spellings().sounds, key)
    }

    /// The terms whose root sounds like `key`; some that do not may be among them.
    pub(super) fn rooted(&self, key: &str) -> impl Iterator<Item = u32> {
        entries(&self.spellings().roots, key)
    }

    pub(super) fn pieces(&self) -> &Pieces {
        self.pieces.get_or_init(|| Pieces::new(self))
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.ends.len()).expect("terms have letters, below 4 GiB")
    }

    fn spellings(&self) -> &Spellings {
        self.spellings.get_or_init(|| {
            let mut spellings = Spellings::default();
            let mut key = String::new();
            for (id, term) in self.terms() {
                if write_sound(term, &mut key) && key != term {
                    spellings.sounds.push(hash(&key) | u64::from(id));
                }
                if let Some(root) = stem(term)
                    && write_sound(&root, &mut key)
                {
                    spellings.roots.push(hash(&key) | u64::from(id));
                }
            }
            for entries in [&mut spellings.sounds, &mut spellings.roots] {
                entries.sort_unstable();
                entries.shrink_to_fit();
            }
            spellings
        })
    }
}

/// FNV-1a, in the high half.
fn hash(key: &str) -> u64 {
    let step = |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    u64::from(key.bytes().fold(0x811c_9dc5, step)) << 32
}

/// The terms that `entries` hold under `key`.
fn entries(entries: &[u64], key: &str) -> impl Iterator<Item = u32> {
    let key = hash(key);
    let from = entries.partition_point(|entry| *entry < key);
    let same = entries[from..].iter().take_while(move |entry| **entry >> 32 == key >> 32);
    same.map(|entry| u32::try_from(entry & u64::from(u32::MAX)).expect("the low half was taken"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lexicon(terms: &[(&'static str, u32)]) -> Lexicon {
        let mut terms = terms.to_vec();
        terms.sort_unstable();
        Lexicon::new(terms.into_iter())
    }

    #[test]
    fn an_empty_lexicon_knows_nothing() {
        let none = Lexicon::new(std::iter::empty());
        none.prepare();
        assert!(none.len() == 0 && none.id("batik").is_none() && none.nearest("batik").is_none());
    }

    #[test]
    fn a_far_slip_still_finds_what_was_meant() {
        let known =
            lexicon(&[("parangtritis", 9), ("panggungharjo", 3), ("batik", 40), ("goa", 5)]);
        assert_eq!(known.nearest("parngtirtos"), Some("parangtritis"));
        assert_eq!(known.nearest("btaik"), Some("batik"));
        assert_eq!(known.nearest("qqqqqqqq"), None);
        assert_eq!(known.nearest("2026"), None);
    }

    #[test]
    fn a_frequent_term_outweighs_a_nearer_rare_one() {
        let known = lexicon(&[("gerabahx", 1), ("gerabah", 400), ("gerabih", 1)]);
        assert_eq!(known.nearest("gerabix"), Some("gerabah"));
        let even = lexicon(&[("gerabah", 2), ("gerabih", 1)]);
        assert_eq!(even.nearest("gerabix"), Some("gerabih"));
    }

    proptest! {
        #[test]
        fn every_term_has_its_id_and_its_prefixes(
            terms in proptest::collection::btree_set("[ab]{1,4}|é[a-c]{0,2}", 0..50),
            prefix in "[ab]{0,3}",
        ) {
            let known = Lexicon::new(terms.iter().map(|term| (term.as_str(), 1)));
            for (id, term) in terms.iter().enumerate() {
                prop_assert_eq!(known.id(term).map(|id| id as usize), Some(id));
                prop_assert_eq!(known.term(u32::try_from(id).unwrap()), term);
            }
            let begin: Vec<&str> = known.beginning(&prefix).map(|id| known.term(id)).collect();
            let expected: Vec<&String> = terms.iter().filter(|t| t.starts_with(&prefix)).collect();
            prop_assert_eq!(begin, expected);
        }
    }
}
