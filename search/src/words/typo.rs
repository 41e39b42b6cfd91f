//! Typo: how many typing errors lie between two words.

use super::is_plain;

/// The longest word whose errors are looked at, letters.
pub(super) const LONGEST: usize = 32;

/// The shortest term that can be meant by a word with an error, letters.
pub(super) const SHORTEST: usize = 3;

/// How many errors `word` may hold: one from four letters, two from eight, none in a word with
/// digits or of another script.
pub(super) fn allowed(word: &str) -> usize {
    match word.len() {
        4..=7 if is_plain(word) => 1,
        8..=LONGEST if is_plain(word) => 2,
        _ => 0,
    }
}

/// The letters a word is made of, one bit each.
pub(super) fn letters(word: &[u8]) -> u32 {
    word.iter().fold(0, |mask, letter| mask | 1 << (letter & 31))
}

/// Whether words of these letters can lie within `max` errors: each error brings in at most one
/// letter and takes out at most one. A cheap look before [`Typed`].
pub(super) fn may_be_near(a: u32, b: u32, max: usize) -> bool {
    (a & !b).count_ones() as usize <= max && (b & !a).count_ones() as usize <= max
}

/// A plain word of at most [`LONGEST`] letters, to count the typing errors between it and many
/// terms: letters left out, added, changed, or swapped with their neighbour (Damerau–Levenshtein,
/// optimal string alignment).
///
/// A column of the table of distances is kept in the bits of four numbers: Hyyrö, "A bit-vector
/// algorithm for computing Levenshtein and Damerau edit distances", 2003.
pub(super) struct Typed {
    len: usize,
    /// The places at which each letter stands, one bit each.
    places: [u64; 32],
}

impl Typed {
    pub(super) fn new(word: &str) -> Self {
        let mut places = [0; 32];
        for (at, letter) in word.bytes().take(LONGEST).enumerate() {
            places[usize::from(letter & 31)] |= 1 << at;
        }
        Self { len: word.len().min(LONGEST), places }
    }

    /// The errors between the word and `term`, which is plain; none when more than `max`.
    pub(super) fn errors(&self, term: &str, max: usize) -> Option<usize> {
        if term.len().abs_diff(self.len) > max {
            return None;
        }
        self.errors_by_beginning(term).last().or(Some(self.len)).filter(|errors| *errors <= max)
    }

    /// The fewest errors between the word and a beginning of `term`, which is plain; none when more
    /// than `max`.
    pub(super) fn errors_in_beginning(&self, term: &str, max: usize) -> Option<usize> {
        let longest = &term[..term.len().min(self.len + max)];
        let least = self.errors_by_beginning(longest).min().unwrap_or(self.len);
        Some(least.min(self.len)).filter(|errors| *errors <= max)
    }

    /// The errors between the word and each beginning of `term`, from one letter on.
    fn errors_by_beginning(&self, term: &str) -> impl Iterator<Item = usize> {
        let last = 1_u64 << self.len >> 1;
        let (mut more, mut less, mut same) = (u64::MAX, 0_u64, 0_u64);
        let mut errors = self.len;
        let mut places_before = 0;
        term.bytes().map(move |letter| {
            let places = self.places[usize::from(letter & 31)];
            let swapped = ((!same & places) << 1) & places_before;
            same = ((places & more).wrapping_add(more) ^ more) | places | less | swapped;
            let (longer, shorter) = (less | !(same | more), same & more);
            errors += usize::from(longer & last != 0);
            errors -= usize::from(shorter & last != 0);
            let (longer, shorter) = (longer << 1 | 1, shorter << 1);
            more = shorter | !(same | longer);
            less = longer & same;
            places_before = places;
            errors
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn errors(a: &str, b: &str, max: usize) -> Option<usize> {
        Typed::new(a).errors(b, max)
    }

    #[test]
    fn each_slip_of_a_finger_is_one_error() {
        for slip in ["batk", "battik", "bstik", "abtik", "batki"] {
            assert_eq!(errors(slip, "batik", 2), Some(1), "{slip}");
        }
        assert_eq!(errors("batik", "batik", 0), Some(0));
        assert_eq!(errors("batik", "kulit", 2), None);
    }

    #[test]
    fn a_short_word_and_a_number_hold_no_errors() {
        assert_eq!(
            ["kulit", "parangtritis", "goa", "2026", "km12a5", "班图尔县城"].map(allowed),
            [1, 2, 0, 0, 0, 0]
        );
    }

    /// The definition, word for word.
    fn by_definition(a: &[u8], b: &[u8]) -> usize {
        let (Some((x, a_rest)), Some((y, b_rest))) = (a.split_last(), b.split_last()) else {
            return a.len().max(b.len());
        };
        let mut best = (by_definition(a_rest, b_rest) + usize::from(x != y))
            .min(by_definition(a_rest, b) + 1)
            .min(by_definition(a, b_rest) + 1);
        if let (Some((x2, a2)), Some((y2, b2))) = (a_rest.split_last(), b_rest.split_last())
            && x == y2
            && x2 == y
        {
            best = best.min(by_definition(a2, b2) + 1);
        }
        best
    }

    proptest! {
        #[test]
        fn errors_are_counted_as_defined(a in "[abc]{1,6}", b in "[abc]{0,6}", max in 0..4_usize) {
            let defined = by_definition(a.as_bytes(), b.as_bytes());
            prop_assert_eq!(errors(&a, &b, max), Some(defined).filter(|n| *n <= max));
            prop_assert!(defined > max || may_be_near(letters(a.as_bytes()), letters(b.as_bytes()), max));
        }

        #[test]
        fn a_beginning_is_the_best_of_all(a in "[abc]{1,5}", b in "[abc]{0,7}") {
            let best = (0..=b.len()).filter_map(|end| errors(&a, &b[..end], 1)).min();
            prop_assert_eq!(Typed::new(&a).errors_in_beginning(&b, 1), best);
        }
    }
}
