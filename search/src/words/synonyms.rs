//! Synonyms: what else a word may mean, as `synonyms.tsv` says.

use std::{collections::HashMap, sync::LazyLock};

/// What a synonym counts.
const SYNONYM: f32 = 0.7;
/// What the long form of an abbreviation counts.
const LONG_FORM: f32 = 0.95;

/// The longest entry, words.
pub(super) const LONGEST: usize = 2;

/// The words that stand for `entry` (words parted by one space), each with what it counts.
pub(super) fn of(entry: &str) -> &'static [(&'static str, f32)] {
    static ALL: LazyLock<Synonyms> = LazyLock::new(|| read(include_str!("synonyms.tsv")));
    ALL.get(entry).map_or(&[], Vec::as_slice)
}

type Synonyms = HashMap<&'static str, Vec<(&'static str, f32)>>;

fn read(file: &'static str) -> Synonyms {
    let mut synonyms = Synonyms::new();
    for line in file.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some((entry, others)) = line.split_once(" = ") {
            add(&mut synonyms, entry, others, LONG_FORM);
        } else if let Some((entry, others)) = line.split_once(" > ") {
            add(&mut synonyms, entry, others, SYNONYM);
        } else {
            line.split('\t').for_each(|entry| add(&mut synonyms, entry, line, SYNONYM));
        }
    }
    synonyms
}

/// Adds those of `others` that are single words and not `entry`.
fn add(synonyms: &mut Synonyms, entry: &'static str, others: &'static str, factor: f32) {
    let known = synonyms.entry(entry).or_default();
    let words = others.split('\t').filter(|other| *other != entry && !other.contains(' '));
    known.extend(words.map(|other| (other, factor)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::tokens;

    fn means(entry: &str, other: &str) -> bool {
        of(entry).iter().any(|(word, _)| *word == other)
    }

    #[test]
    fn three_languages_name_the_same_things() {
        let pairs = [
            ("beach", "pantai"),
            ("segara", "pantai"),
            ("pottery", "gerabah"),
            ("pottery", "grabah"),
            ("pottery", "keramik"),
            ("leather", "kulit"),
            ("cave", "goa"),
            ("cave", "gua"),
            ("temple", "candi"),
            ("waterfall", "curug"),
            ("waterfall", "grojogan"),
            ("waterfall", "terjun"),
            ("air terjun", "curug"),
            ("food", "kuliner"),
            ("food", "makan"),
            ("souvenir", "oleh"),
            ("souvenir", "cenderamata"),
            ("homestay", "penginapan"),
            ("homestay", "losmen"),
            ("silver", "perak"),
        ];
        for (one, other) in pairs {
            assert!(means(one, other), "{one}, {other}");
            assert!(one.contains(' ') || means(other, one), "{other}, {one}");
        }
    }

    #[test]
    fn an_abbreviation_stands_for_its_long_form_and_not_the_other_way_round() {
        assert!(means("jl", "jalan") && !means("jalan", "jl"));
        assert!(means("kec", "kecamatan") && means("kec", "kapanewon"));
        assert!(means("hotel", "penginapan") && !means("penginapan", "hotel"));
    }

    #[test]
    fn entries_are_written_as_terms_and_no_longer_than_is_looked_for() {
        let lines = include_str!("synonyms.tsv").lines().filter(|line| !line.starts_with('#'));
        for entry in lines.flat_map(|line| line.split(['\t', '=', '>'])).map(str::trim) {
            let terms: Vec<String> = tokens(entry).into_iter().map(|token| token.term).collect();
            assert_eq!(terms.join(" "), entry);
            assert!(terms.len() <= LONGEST, "{entry}");
        }
    }
}
