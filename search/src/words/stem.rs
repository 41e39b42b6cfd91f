//! Stem: the root of an Indonesian or English word, as far as it can be trusted.
//!
//! Tala's stemmer takes anything for an affix (pantai becomes panta, kelapa lapa, Imogiri imogir).
//! So it is asked only about words whose affixes are plain to see, after a list of words that we
//! know better and a list of names, and its answer counts only when four letters remain.

use std::borrow::Cow;

use tantivy_stemmers::algorithms::indonesian_tala;

use super::is_plain;

/// The shortest root that says anything, letters.
const SHORTEST: usize = 4;

/// Words whose root the rules below miss or get wrong: the nasal n- of Javanese swallows a t, the
/// stemmer takes the m of mandi for a part of pem-. Sorted by word.
const KNOWN: &[(&str, &str)] = &[
    ("natah", "tatah"),
    ("nenun", "tenun"),
    ("pekerja", "kerja"),
    ("pelatihan", "latih"),
    ("pelukis", "lukis"),
    ("pemahat", "pahat"),
    ("pemandian", "mandi"),
    ("penari", "tari"),
    ("penatah", "tatah"),
    ("pengrajin", "rajin"),
    ("pengukir", "ukir"),
    ("penjahit", "jahit"),
    ("perajin", "rajin"),
    ("perikanan", "ikan"),
    ("perkemahan", "kemah"),
    ("pewarna", "warna"),
];

/// Plain nouns and names that only look as if they had affixes. Areas and craft villages of
/// Bantul, and what the categories' words hold. Sorted.
const NAMES: &[&str] = &[
    "bendungan",
    "beringin",
    "berlian",
    "dirgantara",
    "kedawungan",
    "kedungan",
    "kemiren",
    "menara",
    "mendut",
    "menjangan",
    "menoreh",
    "mentaok",
    "mentari",
    "menteri",
    "pendapa",
    "pendhapa",
    "pendopo",
    "pendowo",
    "pendowoharjo",
    "pengasih",
    "pengger",
    "permata",
    "permoni",
    "teratai",
    "terminal",
    "terracotta",
];

/// Roots whose form in a bare -an is the thing made or done. The ending alone proves nothing: half
/// the villages of Java have it (Kasihan, Pajangan, Piyungan, Kasongan). Sorted.
const ROOTS_WITH_AN: &[&str] = &[
    "anyam", "bangun", "dagang", "dolan", "gambar", "goreng", "hias", "jahit", "jajan", "jalan",
    "jual", "jualan", "kenang", "lapang", "latih", "layan", "libur", "lukis", "main", "makan",
    "mandi", "minum", "olah", "pahat", "pangan", "rajut", "sulam", "tabuh", "tari", "tenun",
    "titip", "tonton", "tulis", "ukir", "undang", "wayang",
];

/// The root of `word`, if it has one besides itself that can be trusted. An extra form of it, to
/// count less than the word.
pub(super) fn stem(word: &str) -> Option<Cow<'_, str>> {
    if !is_plain(word) || word.len() < SHORTEST {
        return None;
    }
    if let Ok(at) = KNOWN.binary_search_by(|(known, _)| (*known).cmp(word)) {
        return Some(Cow::Borrowed(KNOWN[at].1));
    }
    if NAMES.binary_search(&word).is_ok() {
        return None;
    }
    let stem =
        bare_an(word).map(Cow::Borrowed).or_else(|| affixed(word)).or_else(|| plural(word))?;
    (stem.len() >= SHORTEST && stem != word).then_some(stem)
}

/// The root of makanan or ukiran.
fn bare_an(word: &str) -> Option<&str> {
    let root = word.strip_suffix("an")?;
    ROOTS_WITH_AN.binary_search(&root).is_ok().then_some(root)
}

/// What Tala's stemmer makes of a word with affixes that are plain to see.
fn affixed(word: &str) -> Option<Cow<'_, str>> {
    /// The active and the agent, with the nasal that the root's first letter asks for.
    const NASAL: [&str; 6] = ["meng", "mem", "men", "peng", "pem", "pen"];
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| word.starts_with(prefix));
    // Javanese: mbatik, mbathik.
    if let Some(root) = word.strip_prefix('m').filter(|root| root.starts_with('b')) {
        return Some(Cow::Borrowed(root));
    }
    let around = word.ends_with("an") && begins(&["ke", "pe"]);
    let plain = around || word.ends_with("nya") || begins(&NASAL) || begins(&["ber", "ter", "di"]);
    plain.then(|| indonesian_tala(word)).filter(|root| begins_like_a_word(root))
}

/// Whether a syllable of Indonesian can begin so: what is cut in the wrong place often cannot.
fn begins_like_a_word(root: &str) -> bool {
    let mut letters = root.bytes();
    let is_vowel = |letter: u8| b"aeiou".contains(&letter);
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) => {
            is_vowel(first)
                || is_vowel(second)
                || b"rlyw".contains(&second)
                || root.starts_with("ng")
        }
        _ => false,
    }
}

/// The singular of an English plural. Not after a vowel other than e, nor of -ss: names of Java end
/// in -as, -is and -us (Samas, Jetis, Kudus).
fn plural(word: &str) -> Option<Cow<'_, str>> {
    let one = word.strip_suffix('s')?;
    if let Some(root) = one.strip_suffix("ie") {
        return Some(Cow::Owned(format!("{root}y")));
    }
    if let Some(root) = one.strip_suffix('e')
        && ["ch", "sh", "ss", "x"].iter().any(|hiss| root.ends_with(hiss))
    {
        return Some(Cow::Borrowed(root));
    }
    (!one.ends_with(['a', 'i', 'o', 'u', 's'])).then_some(Cow::Borrowed(one))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn root(word: &str) -> String {
        stem(word).map_or_else(|| word.to_owned(), Cow::into_owned)
    }

    #[test]
    fn forms_of_one_root_share_it() {
        for word in ["kerajinan", "pengrajin", "perajin", "rajin"] {
            assert_eq!(root(word), "rajin", "{word}");
        }
        for word in ["pembatik", "membatik", "mbatik", "batik"] {
            assert_eq!(root(word), "batik", "{word}");
        }
        let others = [
            ("penyewaan", "sewa"),
            ("pemandian", "mandi"),
            ("kesenian", "seni"),
            ("kebudayaan", "budaya"),
            ("penginapan", "inap"),
            ("makanan", "makan"),
            ("anyaman", "anyam"),
            ("ukiran", "ukir"),
            ("memahat", "pahat"),
            ("pertunjukan", "tunjuk"),
            ("pelatihan", "latih"),
        ];
        for (word, expected) in others {
            assert_eq!(root(word), expected, "{word}");
        }
    }

    #[test]
    fn english_plurals_have_their_singular() {
        let pairs = [
            ("beaches", "beach"),
            ("caves", "cave"),
            ("puppets", "puppet"),
            ("temples", "temple"),
            ("potteries", "pottery"),
            ("boxes", "box"),
        ];
        for (plural, singular) in pairs {
            assert!(root(plural) == singular || singular.len() < SHORTEST, "{plural}");
        }
    }

    #[test]
    fn names_and_short_roots_are_left_alone() {
        for word in [
            "pantai",
            "kelapa",
            "imogiri",
            "pariwisata",
            "kasihan",
            "pajangan",
            "piyungan",
            "samas",
            "jetis",
            "kudus",
            "menara",
            "menjangan",
            "pendopo",
            "terong",
            "kasongan",
            "mangunan",
            "keris",
            "gabusan",
            "glass",
            "temuwuh",
            "pendowoharjo",
            "desa",
            "mebel",
            "merapi",
        ] {
            assert_eq!(stem(word), None, "{word}");
        }
    }

    #[test]
    fn the_lists_are_sorted_as_they_are_searched() {
        assert!(KNOWN.is_sorted() && NAMES.is_sorted() && ROOTS_WITH_AN.is_sorted());
    }

    proptest! {
        #[test]
        fn a_stem_is_a_plain_word_of_four_letters(word in any::<String>()) {
            if let Some(stem) = stem(&word) {
                prop_assert!(is_plain(&stem) && stem.len() >= SHORTEST);
            }
        }

        #[test]
        fn any_plain_word_may_be_asked(word in "(ke|pe|meny|mem|di)?[a-z]{0,20}(an|nya|es|s)?") {
            if let Some(stem) = stem(&word) {
                prop_assert!(is_plain(&stem) && stem != word);
            }
        }
    }
}
