//! Sought: what somebody wrote in `q`, read without knowing any index.

use super::{factor, stem::stem, synonyms, token::for_each_term};

/// The most of a query that is read, characters. Longer ones are refused where requests are read;
/// here the rest is not looked at.
const MAX_CHARS: usize = 200;
/// The most words of a query that are sought; the first ones.
const MAX_WORDS: usize = 12;
/// The shortest pair of neighbours that may be one word, and the longest, bytes.
const JOINED: std::ops::RangeInclusive<usize> = 5..=40;
/// What neighbours count when the index holds them as one word.
const JOINED_COUNTS: f32 = 0.9;
/// What a word counts that the index holds doubled, `oleh2`.
const DOUBLED_COUNTS: f32 = 0.95;

/// Words that say how others hang together, in three languages. They are dropped where other words
/// remain. Those that are half a name (sari, kidul, lor) are none.
const STOP_WORDS: &[&str] = &[
    "a",
    "ada",
    "aku",
    "an",
    "and",
    "at",
    "atau",
    "cari",
    "cedak",
    "cedhak",
    "cerak",
    "dan",
    "dari",
    "dekat",
    "dekatnya",
    "dengan",
    "dg",
    "dgn",
    "di",
    "dimana",
    "dkt",
    "dr",
    "for",
    "from",
    "golek",
    "iki",
    "iku",
    "in",
    "ing",
    "ini",
    "is",
    "itu",
    "kanggo",
    "karo",
    "ke",
    "kene",
    "lan",
    "me",
    "mana",
    "mencari",
    "near",
    "nearby",
    "nearest",
    "neng",
    "ngendi",
    "ning",
    "of",
    "on",
    "or",
    "pada",
    "saka",
    "saya",
    "sekitar",
    "sekitarnya",
    "sing",
    "sini",
    "the",
    "terdekat",
    "to",
    "untuk",
    "utawa",
    "utk",
    "where",
    "with",
    "yang",
    "yg",
];

/// Words for being open.
const OPEN: &[&str] = &["buka", "bukak", "mbukak", "open"];
/// Words that make "open" mean now, before it.
const STILL: &[&str] = &["isih", "lagi", "masih", "sedang", "still"];
/// Words for now and today, before or behind "open".
const NOW: &[&[&str]] = &[
    &["hari", "ini"],
    &["saat", "ini"],
    &["right", "now"],
    &["dina", "iki"],
    &["dino", "iki"],
    &["now"],
    &["saiki"],
    &["sekarang"],
    &["skr"],
    &["skrg"],
    &["today"],
];

/// What somebody seeks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sought {
    /// The words in order, each once, at most twelve; empty only when nothing but signs, or nothing
    /// but the wish for an open place, was written.
    pub words: Vec<Word>,
    /// Only what is open now is wanted ("buka sekarang", "open today").
    pub open_now: bool,
}

/// A word of a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Word {
    /// The word, folded like a term.
    pub text: String,
    /// Whether it may be unfinished: the last one written.
    pub open: bool,
    /// What stands for it as well: long forms, synonyms, the word joined to its neighbour.
    pub also: Vec<Other>,
}

/// What stands for a word of a query as well.
#[derive(Debug, Clone, PartialEq)]
pub struct Other {
    /// The other word.
    pub text: String,
    /// What it counts, out of 1 for the word itself.
    pub factor: f32,
    /// Whether it may be unfinished, as the end of a joined word is.
    pub open: bool,
}

impl Word {
    /// A finished word that nothing else stands for.
    #[cfg(test)]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    fn add(&mut self, text: &str, factor: f32, open: bool) {
        if text == self.text {
            return;
        }
        match self.also.iter_mut().find(|other| other.text == text) {
            Some(known) => {
                known.factor = known.factor.max(factor);
                known.open |= open;
            }
            None => self.also.push(Other { text: text.to_owned(), factor, open }),
        }
    }
}

impl Sought {
    /// Reads `q`. Bounded: at most 200 characters are read and twelve words sought.
    pub fn read(q: &str) -> Self {
        let end = q.char_indices().nth(MAX_CHARS).map_or(q.len(), |(at, _)| at);
        let mut written = Vec::new();
        for_each_term(&q[..end], |term| written.push(Written::new(term)));
        if let Some(last) = written.last_mut() {
            last.open = true;
        }
        let open_now = take_open_now(&mut written);
        drop_stop_words(&mut written);
        written.truncate(MAX_WORDS);
        let mut words: Vec<Word> = written.iter().map(Written::word).collect();
        add_joined(&written, &mut words);
        add_synonyms(&written, &mut words);
        Self { words: each_once(words), open_now }
    }
}

/// A term as it was written.
struct Written {
    text: String,
    open: bool,
    /// Whether it was written doubled with a figure, `oleh2`.
    doubled: bool,
    /// Whether the term before it was written right before it.
    follows: bool,
}

impl Written {
    fn new(term: &str) -> Self {
        let once = term
            .strip_suffix('2')
            .filter(|once| once.chars().count() >= 3 && once.chars().all(|c| !c.is_numeric()));
        Self {
            text: once.unwrap_or(term).to_owned(),
            open: false,
            doubled: once.is_some(),
            follows: true,
        }
    }

    fn word(&self) -> Word {
        let mut word = Word { text: self.text.clone(), open: self.open, also: Vec::new() };
        if self.doubled {
            add_doubled(&mut word);
        }
        word
    }
}

/// The other ways to write a doubled word: `oleh-oleh`, `oleh2`, `oleholeh` are one.
fn add_doubled(word: &mut Word) {
    let text = word.text.clone();
    word.add(&format!("{text}2"), DOUBLED_COUNTS, false);
    word.add(&format!("{text}{text}"), JOINED_COUNTS, word.open);
}

/// Takes the words out that ask for what is open now; says whether there were any.
fn take_open_now(written: &mut Vec<Written>) -> bool {
    let mut found = false;
    let mut at = 0;
    while at < written.len() {
        let taken = open_now_at(&written[at..]);
        if taken == 0 {
            at += 1;
            continue;
        }
        found = true;
        written.drain(at..at + taken);
        if let Some(next) = written.get_mut(at) {
            next.follows = false;
        }
    }
    found
}

/// How many terms at the beginning of `rest` ask for what is open now.
fn open_now_at(rest: &[Written]) -> usize {
    let is = |at: usize, words: &[&str]| {
        rest.get(at).is_some_and(|written| words.contains(&written.text.as_str()))
    };
    let now = |at: usize| {
        let said =
            |phrase: &&&[&str]| (0..phrase.len()).all(|nth| is(at + nth, &phrase[nth..=nth]));
        NOW.iter().find(said).map_or(0, |phrase| phrase.len())
    };
    let still = usize::from(is(0, STILL));
    let before = if still == 0 { now(0) } else { 0 };
    let start = still + before;
    if !is(start, OPEN) {
        return 0;
    }
    let behind = now(start + 1);
    if start + behind == 0 { 0 } else { start + 1 + behind }
}

/// Drops the words that only hang others together, unless there is nothing else.
fn drop_stop_words(written: &mut Vec<Written>) {
    let stops = |written: &Written| STOP_WORDS.contains(&written.text.as_str());
    if written.iter().all(stops) {
        return;
    }
    let mut gap = false;
    written.retain_mut(|written| {
        let stop = stops(written);
        written.follows &= !gap;
        gap = stop;
        !stop
    });
}

/// Lets neighbours stand for the one word they may make: parang tritis, parangtritis.
fn add_joined(written: &[Written], words: &mut [Word]) {
    for at in 1..words.len() {
        let joined = format!("{}{}", words[at - 1].text, words[at].text);
        if !written[at].follows || !JOINED.contains(&joined.len()) {
            continue;
        }
        if words[at - 1].text == words[at].text {
            add_doubled(&mut words[at]);
            continue;
        }
        let open = words[at].open;
        words[at - 1].add(&joined, JOINED_COUNTS, open);
        words[at].add(&joined, JOINED_COUNTS, open);
    }
}

/// Adds what stands for words and runs of words; for their root, where nothing does for the word.
fn add_synonyms(written: &[Written], words: &mut [Word]) {
    for at in 0..words.len() {
        for len in 1..=synonyms::LONGEST.min(words.len() - at) {
            let run = &written[at..at + len];
            let entry = run.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
            if !run[1..].iter().all(|written| written.follows) {
                continue;
            }
            for word in &mut words[at..at + len] {
                synonyms::of(&entry)
                    .iter()
                    .for_each(|(text, counts)| word.add(text, *counts, false));
            }
        }
        let text = words[at].text.clone();
        if synonyms::of(&text).is_empty()
            && let Some(root) = stem(&text)
        {
            for (other, counts) in synonyms::of(&root) {
                words[at].add(other, counts * factor::STEM, false);
            }
        }
    }
}

/// A word twice is a word once, in the later place: the last stays last, it may be half typed.
fn each_once(words: Vec<Word>) -> Vec<Word> {
    let mut once: Vec<Word> = Vec::with_capacity(words.len());
    for mut word in words {
        if let Some(at) = once.iter().position(|known| known.text == word.text) {
            let known = once.remove(at);
            known.also.iter().for_each(|other| word.add(&other.text, other.factor, other.open));
        }
        once.push(word);
    }
    once
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(q: &str) -> Vec<String> {
        Sought::read(q).words.into_iter().map(|word| word.text).collect()
    }

    fn also(q: &str, at: usize) -> Vec<String> {
        Sought::read(q).words[at].also.iter().map(|other| other.text.clone()).collect()
    }

    #[test]
    fn words_that_only_join_others_are_dropped_where_others_remain() {
        assert_eq!(read("pantai di dekat Kretek"), ["pantai", "kretek"]);
        assert_eq!(read("museum near the palace"), ["museum", "palace"]);
        assert_eq!(read("gerabah ing Kasongan sing apik"), ["gerabah", "kasongan", "apik"]);
        assert_eq!(read("di"), ["di"]);
        assert_eq!(read("the in"), ["the", "in"]);
    }

    #[test]
    fn asking_for_what_is_open_is_heard_and_not_sought() {
        for q in [
            "museum buka hari ini",
            "museum buka sekarang",
            "museum open now",
            "open today museum",
            "museum bukak saiki",
            "museum yang masih buka",
            "Museum hari ini buka?",
            "museum still open now",
        ] {
            let sought = Sought::read(q);
            assert!(sought.open_now, "{q}");
            assert_eq!(sought.words.len(), 1, "{q}");
            assert!(sought.words[0].text == "museum", "{q}");
        }
        let only = Sought::read("buka sekarang");
        assert!(only.open_now && only.words.is_empty());
    }

    #[test]
    fn to_open_alone_and_today_alone_are_words() {
        for q in ["buka", "jam buka", "open air", "hari ini", "masih", "now"] {
            assert!(!Sought::read(q).open_now, "{q}");
            assert!(!Sought::read(q).words.is_empty(), "{q}");
        }
    }

    #[test]
    fn a_word_doubled_in_any_way_is_the_word_once() {
        let hyphen = Sought::read("oleh-oleh");
        assert_eq!(hyphen.words[0].text, "oleh");
        assert_eq!(hyphen, Sought::read("oleh oleh"));
        assert_eq!(hyphen, Sought::read("Oleh2"));
        assert_eq!(read("oleh2 khas bantul"), ["oleh", "khas", "bantul"]);
    }

    #[test]
    fn a_number_is_not_a_doubling() {
        assert_eq!(read("km 12"), ["km", "12"]);
        assert_eq!(read("a2 b12 2022"), ["a2", "b12", "2022"]);
        assert!(also("sman2", 0).contains(&"sman2".to_owned()));
    }

    #[test]
    fn the_last_word_is_unfinished_wherever_it_stood_before() {
        let sought = Sought::read("batik kayu batik");
        assert_eq!(read("batik kayu batik"), ["kayu", "batik"]);
        assert!(!sought.words[0].open && sought.words[1].open);
    }

    #[test]
    fn a_word_before_a_dropped_one_is_finished() {
        assert!(!Sought::read("museum open now").words[0].open);
        assert!(!Sought::read("pantai di").words[0].open);
    }

    #[test]
    fn neighbours_may_be_one_word() {
        let sought = Sought::read("parang tri");
        for word in &sought.words {
            let joined = word.also.iter().find(|other| other.text == "parangtri").unwrap();
            assert!(joined.open);
        }
        assert!(!also("batik di bantul", 0).contains(&"batikbantul".to_owned()));
    }

    #[test]
    fn abbreviations_and_synonyms_stand_beside_the_word() {
        assert_eq!(also("jl. Parangtritis", 0)[1..], ["jalan"]);
        assert!(also("Kec. Kretek", 0).contains(&"kapanewon".to_owned()));
        assert!(also("beach", 0).contains(&"pantai".to_owned()));
        assert!(also("beaches", 0).contains(&"pantai".to_owned()));
        assert!(also("air terjun", 0).contains(&"curug".to_owned()));
        assert!(also("air terjun", 1).contains(&"waterfall".to_owned()));
        assert!(!also("air", 0).contains(&"curug".to_owned()));
    }

    #[test]
    fn hostile_queries_are_bounded() {
        for q in ["a".repeat(5000), "ab ".repeat(3000), "🙂".repeat(200), "*?%".repeat(100)] {
            assert!(Sought::read(&q).words.len() <= MAX_WORDS);
        }
        let many: String = ('a'..='z').map(|c| format!("{c}x ")).collect();
        assert_eq!(read(&many).len(), MAX_WORDS);
        assert_eq!(Sought::read("🙂 e\u{301}\u{301} !!").words.len(), 1);
        assert_eq!(Sought::read(""), Sought::default());
    }

    proptest! {
        #[test]
        fn any_text_is_read_into_words_each_once(q in any::<String>()) {
            let words = Sought::read(&q).words;
            prop_assert!(words.len() <= MAX_WORDS);
            for (at, word) in words.iter().enumerate() {
                prop_assert!(!word.text.is_empty());
                prop_assert!(words[..at].iter().all(|other| other.text != word.text));
                prop_assert!(!word.open || at + 1 == words.len());
            }
        }

        #[test]
        fn reading_again_what_was_read_changes_nothing(q in "(batik|di|oleh2|open now|kali|oleh| ){0,8}") {
            let once = read(&q);
            prop_assert_eq!(read(&once.join(" ")), once);
        }
    }
}
