//! Words: how texts become terms, and how well a document matches some.

use std::collections::BTreeMap;

use domain::text::fold;

/// The terms of a text: runs of letters and digits, folded. Signs, emoji and marks part terms.
pub(crate) fn terms(text: &str) -> Vec<String> {
    fold(text)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|term| !term.is_empty())
        .map(str::to_owned)
        .collect()
}

/// How many different terms a text has.
pub(crate) fn count(text: &str) -> usize {
    terms(text).into_iter().collect::<std::collections::HashSet<_>>().len()
}

/// The terms of a document, each with the weight of the best place it stands in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bag(BTreeMap<String, f32>);

impl Bag {
    pub(crate) fn add(&mut self, text: &str, weight: f32) {
        for term in terms(text) {
            let best = self.0.entry(term).or_insert(0.0);
            *best = best.max(weight);
        }
    }

    /// The weight of `term`; where `open`, of a term that begins so, at [`PREFIX`] of its weight.
    fn weight(&self, term: &str, open: bool) -> f32 {
        let whole = self.0.get(term).copied().unwrap_or(0.0);
        if !open || term.chars().count() < 2 {
            return whole;
        }
        self.0
            .range(term.to_owned()..)
            .take_while(|(found, _)| found.starts_with(term))
            .map(|(found, weight)| if found == term { *weight } else { weight * PREFIX })
            .fold(whole, f32::max)
    }
}

/// What a term counts that only begins as asked: less than a whole one, more than another field.
const PREFIX: f32 = 0.6;
/// What a name counts that holds all the words in a row.
const PHRASE: f64 = 1.5;

/// The words of a query with how rare each is.
#[derive(Debug, Clone)]
pub(crate) struct Sought {
    terms: Vec<String>,
    phrase: String,
    /// Inverse document frequency of each term. A cursor carries them on, so that a score does not
    /// move while somebody walks and listings come and go.
    pub(crate) rarity: Vec<f64>,
}

impl Sought {
    /// The words of `text`, their rarity counted over `bags`.
    pub(crate) fn new<'a>(text: &str, bags: impl Iterator<Item = &'a Bag>) -> Self {
        let mut sought = Self::with_rarity(text, Vec::new());
        let mut found = vec![0_u32; sought.terms.len()];
        let mut all = 0_u32;
        for bag in bags {
            all += 1;
            for (at, count) in found.iter_mut().enumerate() {
                *count += u32::from(sought.weight(bag, at) > 0.0);
            }
        }
        sought.rarity = found
            .into_iter()
            .map(|found| (1.0 + f64::from(all) / (1.0 + f64::from(found))).ln())
            .collect();
        sought
    }

    /// The same with a rarity counted before; what is missing of it counts nothing.
    pub(crate) fn with_rarity(text: &str, mut rarity: Vec<f64>) -> Self {
        let mut terms = terms(text);
        let phrase = terms.join(" ");
        let last = terms.last().cloned();
        // A word twice is a word once, but the last stays last: it may be half typed.
        let mut seen = std::collections::HashSet::new();
        terms.retain(|term| seen.insert(term.clone()));
        if let Some(last) = last
            && let Some(at) = terms.iter().position(|term| *term == last)
        {
            let last = terms.remove(at);
            terms.push(last);
        }
        rarity.resize(terms.len(), 0.0);
        Self { terms, phrase, rarity }
    }

    fn weight(&self, bag: &Bag, at: usize) -> f32 {
        bag.weight(&self.terms[at], at + 1 == self.terms.len())
    }

    /// How well a document matches; 0 when it holds none of the words.
    pub(crate) fn score(&self, bag: &Bag, names: &[String]) -> f64 {
        let words: f64 =
            (0..self.terms.len()).map(|at| self.rarity[at] * f64::from(self.weight(bag, at))).sum();
        let phrase = words > 0.0 && names.iter().any(|name| name.contains(&self.phrase));
        if phrase { words * PHRASE } else { words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_and_marks_part_and_fold_words() {
        assert_eq!(terms("Café-Ōmah, «Batik»🙂!"), ["cafe", "omah", "batik"]);
        assert_eq!(terms("🙂 !!"), Vec::<String>::new());
    }

    #[test]
    fn the_rarer_word_counts_more() {
        let bags: Vec<Bag> = ["batik tulis", "batik cap", "batik kayu"]
            .iter()
            .map(|text| {
                let mut bag = Bag::default();
                bag.add(text, 1.0);
                bag
            })
            .collect();
        let sought = Sought::new("batik tulis", bags.iter());
        assert!(sought.rarity[1] > sought.rarity[0]);
        assert!(sought.score(&bags[0], &[]) > sought.score(&bags[1], &[]));
    }

    #[test]
    fn the_last_word_may_be_half_typed_and_the_others_not() {
        let mut bag = Bag::default();
        bag.add("pantai parangtritis", 1.0);
        assert!(Sought::new("parang", [&bag].into_iter()).score(&bag, &[]) > 0.0);
        assert!(Sought::new("parang zzz", [&bag].into_iter()).score(&bag, &[]) < f64::EPSILON);
    }
}
