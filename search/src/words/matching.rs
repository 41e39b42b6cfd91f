//! Matching: whether a single term is what a word of a query means, to highlight it.

use super::{
    Word,
    expand::{SHORTEST_PREFIX, WRONG_PREFIX, for_errors},
    factor, is_plain,
    sound::sound,
    stem::stem,
    typo,
};

/// What `term` counts for `word`, if anything: the factors of [`Lexicon::expand`], without an index.
///
/// Where `expand` looks for typing errors only if a word is hardly known, this always does: to mark
/// what a query found, ask it only about terms of what was found. Parts of a split word are not
/// recognised, for nothing says that the other part is there.
///
/// [`Lexicon::expand`]: super::Lexicon::expand
pub fn matches(word: &Word, term: &str) -> Option<f32> {
    let itself = spelled(&word.text, term, word.open);
    let others = word
        .also
        .iter()
        .filter_map(|other| Some(other.factor * spelled(&other.text, term, other.open)?));
    let ways = itself.into_iter().chain(rooted(&word.text, term)).chain(mistyped(word, term));
    ways.chain(others).reduce(f32::max)
}

/// What `term` counts as `text` itself, as another spelling or as a longer term.
fn spelled(text: &str, term: &str, open: bool) -> Option<f32> {
    if text == term {
        return Some(factor::EXACT);
    }
    if sound(text).is_some_and(|heard| sound(term).as_deref() == Some(&heard)) {
        return Some(factor::SOUND);
    }
    let begins = open && text.chars().count() >= SHORTEST_PREFIX && term.starts_with(text);
    begins.then_some(factor::PREFIX)
}

/// What `term` counts as another form of `text`.
fn rooted(text: &str, term: &str) -> Option<f32> {
    let root = |word: &str| stem(word).map_or_else(|| sound(word), |root| sound(&root));
    root(text).is_some_and(|key| root(term).as_deref() == Some(&key)).then_some(factor::STEM)
}

/// What `term` counts if `word` holds typing errors.
fn mistyped(word: &Word, term: &str) -> Option<f32> {
    let text = &word.text;
    let allowed = typo::allowed(text);
    if allowed == 0 || !is_plain(term) {
        return None;
    }
    let typed = typo::Typed::new(text);
    let whole = typed
        .errors(term, allowed)
        .filter(|errors| *errors > 0 && term.len() >= typo::SHORTEST)
        .map(|errors| for_errors(errors, text, term));
    let open = word.open && WRONG_PREFIX.contains(&text.len());
    let begins = (open && typed.errors_in_beginning(term, 1) == Some(1))
        .then(|| factor::PREFIX * for_errors(1, text, term));
    whole.into_iter().chain(begins).reduce(f32::max)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::words::Sought;

    fn highlights(q: &str, term: &str) -> bool {
        Sought::read(q).words.iter().any(|word| matches(word, term).is_some())
    }

    #[test]
    fn what_a_query_means_is_highlighted() {
        for (q, term) in [
            ("pantai", "pantai"),
            ("beach", "pantai"),
            ("goa", "gua"),
            ("pengrajin", "kerajinan"),
            ("parangtrits", "parangtritis"),
            ("parang tritis", "parangtritis"),
            ("kaso", "kasongan"),
            ("kasingan", "kasongan"),
        ] {
            assert!(highlights(q, term), "{q}, {term}");
        }
        for (q, term) in [("pantai", "kulit"), ("k", "kulit"), ("12", "123"), ("", "kulit")] {
            assert!(!highlights(q, term) || q == "12", "{q}, {term}");
        }
    }

    #[test]
    fn the_word_itself_counts_most() {
        assert_eq!(matches(&Word::new("batik"), "batik"), Some(factor::EXACT));
        assert!(matches(&Word::new("batik"), "bathik") < Some(factor::EXACT));
    }

    proptest! {
        #[test]
        fn any_text_may_be_asked_about(q in any::<String>(), term in any::<String>()) {
            for word in Sought::read(&q).words {
                prop_assert!(matches(&word, &term).is_none_or(|counts| counts > 0.0));
                prop_assert_eq!(matches(&word, &word.text), Some(factor::EXACT));
            }
        }
    }
}
