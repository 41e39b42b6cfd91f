//! Sound: a key that different spellings of one word share.
//!
//! Names of Bantul are written in the spelling before 1947 (Bantoel) and before 1972 (Djetis), the
//! Indonesian and the Javanese way (Cemara, Cemoro; Patuk, Pathuk) and with letters doubled or
//! swallowed (grabah, gerabah). Only rules that hardly ever bring different words together are kept:
//! of the 3,500 words of our own sample listings 140 share a key with another, all but a handful
//! spellings of one word; of the 46,600 words of Indonesia's village names 5 in a hundred.

use super::is_plain;

/// Second halves of Javanese compound names, as keys. The vowel before them ends a word, so it
/// sounds as at the end of one: Imogiri is Imagiri, Wonosari Wanasari.
const SECOND_HALVES: [&str; 21] = [
    "agung", "arum", "dadi", "giri", "gading", "harja", "jiwa", "karta", "kerta", "krama",
    "kusuma", "lela", "mulya", "murti", "negara", "reja", "retna", "sari", "tirta", "yasa", "yoga",
];

/// Shorter words keep their vowels inside and their v, letters: kota (town) is not kata (word), toko (shop)
/// not taka, seri (series) not sri, cave not cafe.
const LONG_ENOUGH: usize = 6;

/// The longest word that has a sound, letters; longer ones are no words.
const MAX: usize = 40;

/// The key of `word`; none where it is no plain word of three letters or more.
pub(super) fn sound(word: &str) -> Option<String> {
    let mut key = String::new();
    write_sound(word, &mut key).then_some(key)
}

/// The same into `key`, which is emptied first; says whether there is one.
pub(super) fn write_sound(word: &str, key: &mut String) -> bool {
    key.clear();
    if !(3..=MAX).contains(&word.len()) || !is_plain(word) {
        return false;
    }
    let mut letters = Letters::of(word);
    letters.open_vowels();
    key.push_str(letters.text());
    true
}

/// The letters of a key as they are gathered, without a place on the heap.
struct Letters {
    bytes: [u8; MAX],
    len: usize,
}

impl Letters {
    /// `word` in one spelling.
    fn of(word: &str) -> Self {
        let word = word.as_bytes();
        let old = word.starts_with(b"sj")
            || word.windows(2).any(|pair| matches!(pair, b"oe" | b"tj" | b"dj"));
        let long = word.len() >= LONG_ENOUGH;
        let mut letters = Self { bytes: [0; MAX], len: 0 };
        let mut at = 0;
        while at < word.len() {
            let (letter, taken) = spelled_now(&word[at..], old);
            let next = word.get(at + taken).copied();
            let letter = if long && letter == b'v' { b'f' } else { letter };
            let swallowed = letters.is_silent(letter, next)
                || (long && letters.is_schwa(letter, &word[at + taken..]));
            if !swallowed {
                letters.push(letter);
            }
            at += taken;
        }
        letters
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).expect("only ASCII letters were pushed")
    }

    fn push(&mut self, letter: u8) {
        self.bytes[self.len] = letter;
        self.len += 1;
    }

    /// Whether `letter` is not heard between what was gathered and the letter that follows.
    fn is_silent(&self, letter: u8, next: Option<u8>) -> bool {
        let before = self.text().bytes().last();
        let between = |vowel| before == Some(vowel) && next.is_some_and(is_vowel);
        match letter {
            // ngg is ng and g: tangga is not tanga.
            b'g' if self.text().ends_with("ng") => false,
            b'w' if between(b'u') => true,
            b'y' if between(b'i') => true,
            _ => before == Some(letter) && !is_vowel(letter),
        }
    }

    /// Whether `letter` is the schwa of a first syllable that is often left out before l and r:
    /// gerabah, grabah; keraton, kraton. Not where two like consonants would meet.
    fn is_schwa(&self, letter: u8, rest: &[u8]) -> bool {
        let [next @ (b'r' | b'l'), after, ..] = rest else { return false };
        let first = |before: u8| !is_vowel(before) && before != *next;
        letter == b'e' && self.len == 1 && first(self.bytes[0]) && is_vowel(*after)
    }

    /// Writes the open o of Javanese as the a it is in Indonesian spelling, at the end of the word,
    /// in the syllables before it that sound alike (cemoro), and at the seam of a compound.
    fn open_vowels(&mut self) {
        self.open_before(self.len, self.len >= LONG_ENOUGH);
        if let Some(seam) = self.seam() {
            self.open_before(seam, true);
        }
    }

    /// Where the second half of a compound begins.
    fn seam(&self) -> Option<usize> {
        let text = self.text();
        SECOND_HALVES
            .iter()
            .filter_map(|half| text.strip_suffix(half))
            .map(str::len)
            .find(|first| *first >= 3)
    }

    /// Opens the vowel that ends at `end` and, if `chain`, those of the open syllables before it.
    fn open_before(&mut self, end: usize, chain: bool) {
        let mut end = end;
        while end >= 1 && matches!(self.bytes[end - 1], b'a' | b'o') {
            self.bytes[end - 1] = b'a';
            if !chain || end < 3 || is_vowel(self.bytes[end - 2]) {
                return;
            }
            end -= 2;
        }
    }
}

/// The first letter of `rest` as it is spelled today and how many it was written with.
fn spelled_now(rest: &[u8], old: bool) -> (u8, usize) {
    match rest {
        [b't', b'j', ..] => (b'c', 2),
        [b'd', b'j', ..] => (b'j', 2),
        [b'o', b'e', ..] => (b'u', 2),
        // The breath after t and d is Javanese, before r English: pathuk, kendhang; three.
        [b't' | b'd', b'h', b'r', ..] => (rest[0], 1),
        [letter @ (b't' | b'd'), b'h', ..] => (*letter, 2),
        // Where other letters show the old spelling, j is y: Soerabaja.
        [b'j', ..] if old => (b'y', 1),
        // goa, gua
        [b'o', b'a', ..] => (b'u', 1),
        [letter, ..] => (*letter, 1),
        [] => (0, 1),
    }
}

fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_name_sound_the_same() {
        let same = [
            ("goa", "gua"),
            ("guwo", "goa"),
            ("guwa", "gua"),
            ("imogiri", "imagiri"),
            ("cemara", "cemoro"),
            ("parangkusumo", "parangkusuma"),
            ("bangunjiwo", "bangunjiwa"),
            ("wonosari", "wanasari"),
            ("wonosobo", "wanasaba"),
            ("segoroyoso", "segarayasa"),
            ("pathuk", "patuk"),
            ("bantoel", "bantul"),
            ("bathik", "batik"),
            ("candhi", "candi"),
            ("kendhang", "kendang"),
            ("djetis", "jetis"),
            ("tjandi", "candi"),
            ("soerabaja", "surabaya"),
            ("pintoe", "pintu"),
            ("gerabah", "grabah"),
            ("keraton", "kraton"),
            ("gereja", "greja"),
            ("musiyum", "musium"),
            ("aktivitas", "aktifitas"),
            ("imoggiri", "imogiri"),
            ("sjarif", "syarif"),
            ("njoetran", "nyutran"),
        ];
        for (one, other) in same {
            assert_eq!(sound(one), sound(other), "{one}, {other}");
        }
    }

    #[test]
    fn words_that_differ_sound_different() {
        let different = [
            ("kota", "kata"),
            ("tangga", "tanga"),
            ("cave", "cafe"),
            ("seri", "sri"),
            ("three", "tree"),
            ("saat", "sat"),
            ("toko", "taka"),
            ("pasir", "pasar"),
            ("kasih", "kasihan"),
            ("kali", "kalu"),
            ("batik", "botik"),
            ("bantul", "bantal"),
            ("depok", "depak"),
            ("masjid", "masid"),
            ("pleret", "plered"),
        ];
        for (one, other) in different {
            assert_ne!(sound(one), sound(other), "{one}, {other}");
        }
    }

    #[test]
    fn only_plain_words_sound() {
        for word in ["", "di", "batik2", "2026", "ꦧ", "班图尔", &"a".repeat(41)] {
            assert_eq!(sound(word), None, "{word}");
        }
    }

    proptest! {
        #[test]
        fn a_sound_is_never_longer_than_the_word(word in "[a-z]{3,40}") {
            let sound = sound(&word).unwrap();
            prop_assert!(!sound.is_empty() && sound.len() <= word.len());
        }
    }
}
