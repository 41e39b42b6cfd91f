//! Token: the terms of a text, folded, and where they stand in it.

use std::ops::Range;

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// A term of a text with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Letters and digits, folded: Unicode NFKD, marks dropped, lower case.
    pub term: String,
    /// The bytes of the original text it was read from, on character borders. Ranges follow each
    /// other and never overlap; of several terms inside one character (`½` is `1` and `2`), those
    /// after the first have an empty range.
    pub at: Range<usize>,
}

/// The terms of `text` in order. Whatever is no letter or digit parts terms, save combining marks
/// and an apostrophe between letters: `Jum'at` is `jumat`.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    scan(text, |term, at| tokens.push(Token { term: term.to_owned(), at }));
    tokens
}

/// Calls `f` with each term of `text`, the same as [`tokens`], without keeping them.
pub fn for_each_term(text: &str, mut f: impl FnMut(&str)) {
    scan(text, |term, _| f(term));
}

/// Terms of ASCII alone, which most are, are read without a look at Unicode and, where they need no
/// folding, without a copy.
fn scan(text: &str, mut f: impl FnMut(&str, Range<usize>)) {
    let bytes = text.as_bytes();
    let mut slow = Scan::default();
    let mut at = 0;
    while at < bytes.len() {
        let end = end_of_ascii_term(bytes, at);
        if bytes[at..].starts_with(b" ") {
            at += 1;
        } else if end > at && is_over(bytes, end) {
            slow.ascii(&text[at..end], at, &mut f);
            at = end;
        } else {
            at = slow.read_term(text, at, &mut f);
        }
    }
}

/// Where the run of ASCII letters and digits at `start` ends, apostrophes between them taken in.
fn end_of_ascii_term(bytes: &[u8], start: usize) -> usize {
    let letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let mut end = start;
    while letter(end) || (end > start && bytes[end..].starts_with(b"'") && letter(end + 1)) {
        end += 1;
    }
    end
}

/// Whether nothing that follows can belong to the ASCII term that ends here.
fn is_over(bytes: &[u8], end: usize) -> bool {
    match bytes[end..] {
        [] => true,
        [b'\'', next, ..] | [next, ..] => next.is_ascii(),
    }
}

/// A term as it grows.
#[derive(Default)]
struct Scan {
    term: String,
    at: Range<usize>,
    /// An apostrophe was met that joins if a letter follows.
    held: bool,
}

impl Scan {
    /// Gives the ASCII term that stands at `start`.
    fn ascii(&mut self, written: &str, start: usize, f: &mut impl FnMut(&str, Range<usize>)) {
        let at = start..start + written.len();
        if written.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            return f(written, at);
        }
        self.term.extend(
            written.bytes().filter(|b| *b != b'\'').map(|b| char::from(b.to_ascii_lowercase())),
        );
        f(&self.term, at);
        self.term.clear();
    }

    /// Reads characters from `start` on until no term is open; says where that is.
    fn read_term(
        &mut self,
        text: &str,
        start: usize,
        f: &mut impl FnMut(&str, Range<usize>),
    ) -> usize {
        for (at, c) in text[start..].char_indices() {
            let at = start + at..start + at + c.len_utf8();
            decompose_compatible(c, |part| self.take(part, at.clone(), f));
            if self.term.is_empty() {
                return at.end;
            }
        }
        self.finish(f);
        text.len()
    }

    fn take(&mut self, c: char, at: Range<usize>, f: &mut impl FnMut(&str, Range<usize>)) {
        if matches!(c, '\'' | '’' | '‘' | 'ʼ') {
            if self.term.is_empty() || self.held {
                self.finish(f);
            } else {
                self.held = true;
            }
        } else if is_combining_mark(c) {
            if !self.term.is_empty() && !self.held {
                self.at.end = at.end;
            }
        } else if c.is_alphanumeric() {
            if self.term.is_empty() {
                self.at.start = at.start.max(self.at.end);
            }
            self.at.end = at.end;
            self.held = false;
            self.term.extend(c.to_lowercase());
        } else {
            self.finish(f);
        }
    }

    fn finish(&mut self, f: &mut impl FnMut(&str, Range<usize>)) {
        self.held = false;
        if !self.term.is_empty() {
            f(&self.term, self.at.clone());
            self.term.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn terms(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|token| token.term).collect()
    }

    #[test]
    fn signs_and_emoji_part_words_and_marks_fold_away() {
        assert_eq!(terms("Café-Ōmah, «Batik»🙂!"), ["cafe", "omah", "batik"]);
        assert_eq!(terms("Cafe\u{301}"), ["cafe"]);
        assert_eq!(terms("🙂 !!"), Vec::<String>::new());
        assert_eq!(terms("Pasar Seni 2"), ["pasar", "seni", "2"]);
    }

    #[test]
    fn an_apostrophe_between_letters_joins_and_a_quote_does_not() {
        for text in ["Jum'at", "Jum’at", "'Jum'at'", "‘Jumʼat’"] {
            assert_eq!(terms(text), ["jumat"], "{text}");
        }
        assert_eq!(terms("'batik' '' x''y"), ["batik", "x", "y"]);
    }

    #[test]
    fn a_token_says_where_it_stands_in_the_text_as_written() {
        let text = "Ōmah BATIK “Café”";
        let at: Vec<&str> = tokens(text).into_iter().map(|token| &text[token.at]).collect();
        assert_eq!(at, ["Ōmah", "BATIK", "Café"]);
        assert_eq!(&text[tokens(text)[2].at.clone()], "Café");
    }

    #[test]
    fn other_scripts_are_words_as_they_stand() {
        assert_eq!(terms("ꦧꦤ꧀ꦠꦸꦭ 班图尔 بانتول").len(), 3);
    }

    fn folded_and_parted(text: &str) -> Vec<String> {
        text.nfkd()
            .filter(|c| !is_combining_mark(*c))
            .flat_map(char::to_lowercase)
            .collect::<String>()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|term| !term.is_empty())
            .map(str::to_owned)
            .collect()
    }

    proptest! {
        #[test]
        fn terms_are_the_folded_text_parted(text in "[^'‘’ʼŉ]{0,40}") {
            prop_assert_eq!(terms(&text), folded_and_parted(&text));
        }

        #[test]
        fn ranges_follow_each_other_inside_any_text(text in any::<String>()) {
            let mut end = 0;
            for token in tokens(&text) {
                prop_assert!(token.at.start >= end && text.get(token.at.clone()).is_some());
                end = token.at.end;
            }
        }

        #[test]
        fn ascii_reads_the_same_by_either_way(text in "[ -~]{0,40}") {
            let longer = format!("{text} é");
            let mut expected = terms(&text);
            expected.push("e".to_owned());
            prop_assert_eq!(terms(&longer), expected);
        }
    }
}
