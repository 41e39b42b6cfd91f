//! Vocabulary: the words that the texts of the benchmark are made of.
//!
//! Common words by Zipf's law, and among them names of villages: a true index has a long tail of
//! rare words. The names come from a list of all Indonesian villages where there is one, else from
//! the fixtures.

use std::{collections::BTreeSet, io, path::Path};

use serde_json::Value;

use crate::{
    random::{Random, Weights},
    town::Town,
};

/// What is said in Indonesian.
const INDONESIAN: &str = "buatan tangan batik tulis cap kain tenun \
    perak filigri cincin gelang kalung gerabah keramik tanah liat kayu ukir topeng wayang kulit \
    sandal tas dompet bambu anyaman rotan lukisan tari gamelan keris blangkon lurik jumputan \
    pewarna alami tradisional klasik murah nyaman bersih ramah keluarga anak wisata gudeg bakpia \
    sate klathak kopi teh jahe wedang ronde soto bakso mie ayam nasi goreng pedas manis gurih segar \
    pagi malam pemandangan gunung sawah sungai pantai candi museum sejarah budaya keraton desa \
    pasar pusat oleh cenderamata belajar membuat kursus lokakarya pengrajin produksi rumahan \
    warisan turun temurun indah sejuk tenang luas lengkap cepat pelayanan harga kualitas bahan \
    pilihan motif parang kawung truntum pesanan khusus grosir eceran pengiriman matahari terbenam \
    halaman joglo pendopo kebun mangga salak durian jamu rempah kunyit tempe peyek geplak emping \
    perajin lulang tatah sungging serat pandan tempurung kelapa mendong layang dolanan kendang";

/// What is said in English.
const ENGLISH: &str = "handmade hand drawn batik stamped cloth woven \
    silver filigree ring bracelet necklace pottery ceramic clay carved wood mask shadow puppet \
    leather sandal bag wallet bamboo basket rattan painting gallery art dance gamelan dagger cap \
    striped dyed natural colours traditional modern classic cheap quiet clean friendly family \
    children visit jackfruit stew bean cake skewer coffee tea ginger drink soup noodle chicken rice \
    fried spicy sweet savoury fresh morning night view mountain paddy field river beach temple \
    museum history culture palace village market centre souvenir learn make course workshop maker \
    home heritage generation famous favourite unique authentic beautiful cool calm wide complete \
    quick service price quality material choice pattern order special wholesale retail delivery \
    sunset courtyard pavilion garden mango fruit herbal spice turmeric cracker coconut sugar";

/// What a business calls itself by.
const FIRST: [&str; 22] = [
    "Batik",
    "Perak",
    "Gerabah",
    "Kerajinan",
    "Warung",
    "Kedai",
    "Rumah",
    "Sanggar",
    "Galeri",
    "Toko",
    "Omah",
    "Ndalem",
    "Pondok",
    "Kampung",
    "Griya",
    "Wisata",
    "Bakpia",
    "Gudeg",
    "Angkringan",
    "Studio",
    "Pasar",
    "Joglo",
];

/// How often a word of a text is the name of a village.
const RARE: f64 = 0.2;
/// The longest summary that the seed format takes, characters.
const MAX_SUMMARY: usize = 280;

/// The words, and how often each is said.
#[derive(Debug)]
pub struct Vocabulary {
    common: [Common; 2],
    villages: Vec<String>,
    by_village: Weights,
}

/// The common words of one language.
#[derive(Debug)]
struct Common(Vec<&'static str>, Weights);

impl Common {
    fn new(words: &'static str) -> Self {
        let words: Vec<_> = words.split_whitespace().collect();
        let weights = Weights::of_words(words.len());
        Self(words, weights)
    }

    fn word(&self, random: &mut Random) -> &'static str {
        self.0[self.1.draw(random)]
    }
}

impl Vocabulary {
    /// The built-in words, and the names in the column `name` of the CSV file `villages`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn with_villages(villages: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(villages)?;
        // `code,district_code,name`: a name may hold a comma, and then it stands in quotes.
        let names = text.lines().skip(1).filter_map(|line| line.splitn(3, ',').nth(2));
        Ok(Self::of(names.map(|name| name.trim_matches('"'))))
    }

    /// The built-in words, and the names of Bantul's areas and of the town's centres.
    pub fn built_in() -> Self {
        let areas = fixtures::file("areas.geojson").expect("the fixtures hold areas");
        let areas: Value = serde_json::from_str(areas).expect("the fixtures are JSON");
        let features = areas["features"].as_array().into_iter().flatten();
        let areas = features.filter_map(|feature| feature["properties"]["name"]["id"].as_str());
        let areas = areas.map(str::to_owned);
        let words = INDONESIAN.split_whitespace().chain(Town::names());
        let all: Vec<String> = areas.chain(words.map(str::to_owned)).collect();
        Self::of(all.iter().map(String::as_str))
    }

    fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let plain = |word: &&str| word.len() > 2 && word.bytes().all(|b| b.is_ascii_alphabetic());
        let names: BTreeSet<String> =
            names.flat_map(str::split_whitespace).filter(plain).map(capitalised).collect();
        let mut villages: Vec<String> = names.into_iter().collect();
        // Not by the alphabet: which of them are often said is chance, the same in every run.
        let mut random = Random::new(0, 0);
        for end in (2..=villages.len()).rev() {
            villages.swap(end - 1, random.below(end));
        }
        Self {
            common: [INDONESIAN, ENGLISH].map(Common::new),
            by_village: Weights::of_words(villages.len()),
            villages,
        }
    }

    /// How many names of villages it knows.
    pub fn villages(&self) -> usize {
        self.villages.len()
    }

    /// The name of a village.
    pub fn village(&self, random: &mut Random) -> &str {
        &self.villages[self.by_village.draw(random)]
    }

    /// What somebody calls a listing: two or three words.
    pub fn name(&self, random: &mut Random) -> String {
        let first = *random.pick(&FIRST);
        let second = self.village(random);
        if random.chance(0.5) {
            return format!("{first} {second}");
        }
        format!("{first} {second} {}", self.village(random))
    }

    /// 8 to 24 words about a listing, in Indonesian and in English.
    pub fn summaries(&self, random: &mut Random) -> [String; 2] {
        let count = 8 + random.below(17);
        self.common.each_ref().map(|common| self.sentence(common, count, random))
    }

    fn sentence(&self, common: &Common, count: usize, random: &mut Random) -> String {
        let mut said = capitalised(common.word(random));
        for _ in 1..count {
            let rare = random.chance(RARE);
            let word = if rare { self.village(random) } else { common.word(random) };
            if said.len() + word.len() + 2 > MAX_SUMMARY {
                break;
            }
            said.push(' ');
            said.push_str(word);
        }
        said.push('.');
        said
    }

    /// What somebody looks for, `count` words: mostly common ones, sometimes a village.
    pub fn sought(&self, count: usize, random: &mut Random) -> String {
        let [indonesian, _] = &self.common;
        let mut word = || {
            if random.chance(0.25) { self.village(random) } else { indonesian.word(random) }
        };
        (0..count).map(|_| word()).collect::<Vec<_>>().join("%20")
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters.map(|letter| letter.to_ascii_lowercase())).collect()
}
