//! Words: how texts become terms, what somebody meant by the words of a query, and which terms of
//! an index these may be.
//!
//! A text is read by [`tokens`] or [`for_each_term`]; a query by [`Sought::read`], without knowing
//! any index. [`Lexicon::expand`] then says which terms of one index a word of it stands for and
//! how much each counts, and [`matches()`] the same of a single term, to highlight it. Everything is
//! bounded and deterministic: the same words over the same terms give the same answer.

mod expand;
mod lexicon;
mod matching;
mod near;
mod sought;
mod sound;
mod stem;
mod synonyms;
mod token;
mod typo;

pub use expand::Expansion;
pub use lexicon::Lexicon;
pub use matching::matches;
pub use sought::{Sought, Word};
pub use token::{for_each_term, tokens};

/// The terms of `text`, in order.
pub fn terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for_each_term(text, |term| terms.push(term.to_owned()));
    terms
}

/// What a match counts by the way it came about, out of 1 for the very term. The order is what
/// matters: how surely the term is what was meant.
mod factor {
    /// The term itself.
    pub(super) const EXACT: f32 = 1.0;
    /// Another spelling that sounds the same.
    pub(super) const SOUND: f32 = 0.9;
    /// Another form of the same root.
    pub(super) const STEM: f32 = 0.8;
    /// All parts together of a term that the index holds split.
    pub(super) const PARTS: f32 = 0.9;
    /// A longer term that begins so.
    pub(super) const PREFIX: f32 = 0.6;
    /// One typing error away.
    pub(super) const ONE_ERROR: f32 = 0.7;
    /// Two typing errors away.
    pub(super) const TWO_ERRORS: f32 = 0.5;
    /// On top, where already the first letter is wrong: people seldom miss that one.
    pub(super) const FIRST_LETTER: f32 = 0.8;
}

/// Whether `word` is made of `a` to `z` alone: only such words have a sound, a stem and typing
/// errors. Digits are never corrected, and other scripts match as they stand.
fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())
}
