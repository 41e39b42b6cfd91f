//! Near: the terms within two typing errors of a word, without looking at all of them.
//!
//! Each term is cut in three. Two errors leave one of the three pieces whole, so a term within two
//! errors shares a piece with the word, at nearly the same place (Li, Deng, Wang and Feng,
//! "Pass-Join: a partition-based method for similarity joins", 2011; the places are their
//! "multi-match-aware" ones). Two letters swapped over a seam break two pieces with one error;
//! those are met by swapping them back first.

use std::ops::Range;

use super::{Lexicon, is_plain, typo};

/// The pieces of the terms.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// Which piece it is (high half) and the term it is of (low half), sorted.
    pieces: Vec<u64>,
    /// The letters of each term without its last piece, and without its first.
    letters: Vec<(u32, u32)>,
}

/// Where a piece begins and ends.
type Piece = (usize, usize);

/// The three pieces of a term of `len` letters.
fn cut(len: usize) -> [Piece; 3] {
    let (first, second) = (len / 3, len * 2 / 3);
    [(0, first), (first, second), (second, len)]
}

/// One number for the piece `text`, the `nth` of a term of `len` letters (FNV-1a). Pieces that
/// share a number by accident only cost time.
fn key(len: usize, nth: usize, text: &[u8]) -> u64 {
    let start = 0x811c_9dc5_u32 ^ u32::try_from(len * 3 + nth).expect("terms are short");
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    u64::from(text.iter().fold(step(start, &0), step)) << 32
}

impl Pieces {
    pub(super) fn new(lexicon: &Lexicon) -> Self {
        let mut pieces = Vec::new();
        let mut letters = Vec::with_capacity(lexicon.len());
        for (id, term) in lexicon.terms() {
            let [(_, first), (_, second), _] = cut(term.len());
            let bytes = term.as_bytes();
            letters.push((typo::letters(&bytes[..second]), typo::letters(&bytes[first..])));
            if (typo::SHORTEST..=typo::LONGEST).contains(&term.len()) && is_plain(term) {
                let keys = cut(term.len()).into_iter().enumerate().map(|(nth, (start, end))| {
                    key(term.len(), nth, &bytes[start..end]) | u64::from(id)
                });
                pieces.extend(keys);
            }
        }
        pieces.sort_unstable();
        pieces.shrink_to_fit();
        Self { pieces, letters }
    }

    /// Every plain term within `max` (one or two) errors of `word`, which is plain, with their
    /// number; ids ascend. The word itself is not among them.
    pub(super) fn near(&self, lexicon: &Lexicon, word: &str, max: usize) -> Vec<(u32, usize)> {
        let mut search = Search { pieces: self, word: word.as_bytes(), max, ids: Vec::new() };
        for len in word.len().saturating_sub(max).max(typo::SHORTEST)..=word.len() + max {
            if max == 1 {
                search.one_error(len);
            } else {
                search.two_errors(len);
            }
        }
        let typed = typo::Typed::new(word);
        let mut ids = search.ids;
        ids.sort_unstable();
        ids.dedup();
        let errors = |id| Some((id, typed.errors(lexicon.term(id), max)?));
        ids.into_iter().filter_map(errors).filter(|(_, errors)| *errors > 0).collect()
    }

    /// The same for any `max`, by looking at every term of `range`.
    pub(super) fn scan(
        &self,
        lexicon: &Lexicon,
        range: Range<u32>,
        word: &str,
        max: usize,
    ) -> Vec<(u32, usize)> {
        let letters = typo::letters(word.as_bytes());
        let typed = typo::Typed::new(word);
        let errors = |id: u32| {
            let (head, tail) = self.letters[id as usize];
            let term = lexicon.term(id);
            if !typo::may_be_near(letters, head | tail, max)
                || term.len() < typo::SHORTEST
                || !is_plain(term)
            {
                return None;
            }
            typed.errors(term, max).filter(|errors| *errors > 0)
        };
        range.filter_map(|id| Some((id, errors(id)?))).collect()
    }
}

/// The terms that share a piece with a word, as they are gathered.
struct Search<'a> {
    pieces: &'a Pieces,
    word: &'a [u8],
    max: usize,
    ids: Vec<u32>,
}

impl Search<'_> {
    /// Terms of `len` letters: with one error the first piece is whole, or else the middle one and
    /// all behind it, or the error is a swap over the seam between them. The last piece is not
    /// asked: half the names of Java end alike.
    fn one_error(&mut self, len: usize) {
        let [first, middle, _] = cut(len);
        self.look_up(self.word, len, 0, first, 0);
        self.look_up(self.word, len, 1, middle, self.longer(len));
        self.look_up_swapped(len, first.1.cast_signed(), 0, first, 0);
    }

    /// Terms of `len` letters: with two errors one piece is whole; or both are swaps, or one is, over
    /// a seam, and the other is in the piece beyond. Then with the swap undone the piece at the other
    /// end is whole.
    fn two_errors(&mut self, len: usize) {
        let [first, middle, last] = cut(len);
        let longer = self.longer(len);
        self.look_up(self.word, len, 0, first, 0);
        self.look_up(self.word, len, 2, last, longer);
        for shift in (longer - 1).max(-1)..=(longer + 1).min(1) {
            self.look_up(self.word, len, 1, middle, shift);
        }
        if longer.abs() < 2 {
            self.look_up_swapped(len, first.1.cast_signed(), 0, first, 0);
            self.look_up_swapped(len, last.0.cast_signed() + longer, 2, last, longer);
        }
    }

    /// How many letters the word has more than `len`.
    fn longer(&self, len: usize) -> isize {
        self.word.len().cast_signed() - len.cast_signed()
    }

    /// The same as [`Self::look_up`] with the letters on both sides of `seam` swapped.
    fn look_up_swapped(&mut self, len: usize, seam: isize, nth: usize, piece: Piece, shift: isize) {
        let mut swapped = self.word.to_vec();
        let Ok(seam @ 1..) = usize::try_from(seam) else { return };
        if seam < swapped.len() {
            swapped.swap(seam - 1, seam);
            self.look_up(&swapped, len, nth, piece, shift);
        }
    }

    /// Gathers the terms of `len` letters whose `nth` piece is what `word` has `shift` later.
    fn look_up(&mut self, word: &[u8], len: usize, nth: usize, piece: Piece, shift: isize) {
        let at = |place: usize| place.checked_add_signed(shift);
        let (Some(start), Some(end)) = (at(piece.0), at(piece.1)) else { return };
        let Some(text) = word.get(start..end) else { return };
        let key = key(len, nth, text);
        // A shared beginning or end holds no error: only the letters of the rest are compared.
        let rest = match nth {
            0 => typo::letters(&word[end..]),
            2 => typo::letters(&word[..start]),
            _ => typo::letters(word),
        };
        let from = self.pieces.pieces.partition_point(|entry| *entry < key);
        for entry in &self.pieces.pieces[from..] {
            if entry >> 32 != key >> 32 {
                break;
            }
            let id = u32::try_from(entry & u64::from(u32::MAX)).expect("the low half was taken");
            let (head, tail) = self.pieces.letters[id as usize];
            let letters = [tail, head | tail, head][nth];
            if typo::may_be_near(rest, letters, self.max) {
                self.ids.push(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn by_looking_at_all(lexicon: &Lexicon, word: &str, max: usize) -> Vec<(u32, usize)> {
        Pieces::new(lexicon).scan(lexicon, 0..lexicon.count(), word, max)
    }

    proptest! {
        #[test]
        fn nothing_near_is_missed(
            terms in proptest::collection::btree_set("[abcd]{2,12}", 1..200),
            words in proptest::collection::vec("[abcd]{8,11}", 20),
            short in proptest::collection::vec("[abcd]{4,7}", 20),
        ) {
            let lexicon = Lexicon::new(terms.iter().map(|term| (term.as_str(), 1)));
            let pieces = Pieces::new(&lexicon);
            for (word, max) in words.iter().map(|w| (w, 2)).chain(short.iter().map(|w| (w, 1))) {
                prop_assert_eq!(
                    pieces.near(&lexicon, word, max),
                    by_looking_at_all(&lexicon, word, max)
                );
            }
        }

        #[test]
        fn two_slips_anywhere_are_found(
            term in "[a-z]{8,14}",
            slips in proptest::collection::vec((0..4_u8, 0..14_usize, "[a-z]"), 2),
        ) {
            let mut word = term.clone().into_bytes();
            for (kind, at, letter) in slips {
                let at = at % (word.len() - 1);
                match kind {
                    0 => word.swap(at, at + 1),
                    1 => { word.remove(at); }
                    2 => word.insert(at, letter.as_bytes()[0]),
                    _ => word[at] = letter.as_bytes()[0],
                }
            }
            let word = String::from_utf8(word).unwrap();
            let lexicon = Lexicon::new(BTreeSet::from([term.as_str()]).into_iter().map(|t| (t, 1)));
            let expected = by_looking_at_all(&lexicon, &word, 2);
            prop_assert_eq!(Pieces::new(&lexicon).near(&lexicon, &word, 2), expected);
        }
    }
}
