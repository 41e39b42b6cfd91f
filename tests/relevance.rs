//! Relevance: what people type finds what they want.
//!
//! `relevance/queries.tsv` holds what people would type, each with what should come first, judged
//! by what they want and not by what the engine gives. The rows about the fixtures are asked of the
//! fixtures; all rows are asked of the fixtures and the villages of Indonesia together, where
//! `relevance/fetch` has brought those. `cargo test -p tests relevance -- --nocapture` prints the
//! figures.

mod villages;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
};

use domain::{key::CategoryCode, position::Position, text::Lang};
use search::{Centre, Changes, Document, Query, Snapshot, Sort};
use tests::{NOON, Service, at};
use tokio::sync::OnceCell;

/// Of the listings that should be found, how many are to be among the first ten.
const RECALL: f64 = 0.97;
/// The mean reciprocal rank to be reached: 1 where what was wanted comes first, 1/2 where second.
const RANK: f64 = 0.9;

/// Asks: the only place that knows how.
fn first_ten(snapshot: &Snapshot, row: &Row) -> Vec<Arc<Document>> {
    let query = Query {
        words: Some(row.words.to_owned()),
        centre: row.at.map(|at| Centre { at, radius_m: None }),
        lang: row.lang,
        limit: 10,
        ..Query::all(Sort::Relevance)
    };
    let page = snapshot.find(&query, at(NOON)).unwrap();
    page.hits.into_iter().map(|hit| Arc::clone(hit.document)).collect()
}

async fn fixtures() -> Arc<Snapshot> {
    Service::start().await.app.index.snapshot()
}

/// The fixtures and the villages; `None` where these were not fetched.
async fn crowd() -> Option<&'static Snapshot> {
    static CROWD: OnceCell<Option<Snapshot>> = OnceCell::const_new();
    let make = async || {
        let records = villages::villages()?;
        let records = records.into_iter().map(|record| (record.listing.id, Some(record))).collect();
        let fixtures = fixtures().await;
        Some(fixtures.with(Changes { records, reference: None, seq: fixtures.seq }))
    };
    CROWD.get_or_init(make).await.as_ref()
}

/// What somebody types, and what they want.
struct Row<'t> {
    words: &'t str,
    lang: Lang,
    at: Option<Position>,
    /// What is hard about it.
    group: &'t str,
    wanted: Vec<Wanted<'t>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted<'t> {
    /// The listing of this slug.
    Listing(&'t str),
    /// Any listing of this category: one is enough.
    Any(&'t str),
}

impl<'t> Row<'t> {
    fn parse(line: &'t str) -> Self {
        let [words, lang, at, group, wanted] =
            line.split('\t').collect::<Vec<_>>().try_into().expect("five columns");
        let position = |(lat, lon): (&str, &str)| {
            Position::new(lat.parse().unwrap(), lon.parse().unwrap()).unwrap()
        };
        Self {
            words,
            lang: lang.parse().unwrap(),
            at: at.split_once(',').map(position),
            group,
            wanted: wanted.split(' ').map(Wanted::parse).collect(),
        }
    }

    /// All rows.
    fn all() -> Vec<Row<'static>> {
        include_str!("relevance/queries.tsv").lines().skip(1).map(Row::parse).collect()
    }

    /// The rows that can be asked where no village is.
    fn without_villages() -> Vec<Row<'static>> {
        let mut rows = Self::all();
        rows.iter_mut().for_each(|row| row.wanted.retain(|wanted| !wanted.is_village()));
        rows.retain(|row| !row.wanted.is_empty());
        rows
    }
}

impl<'t> Wanted<'t> {
    fn parse(text: &'t str) -> Self {
        text.strip_prefix("any:").map_or(Self::Listing(text), Self::Any)
    }

    /// A village's slug ends with the ten digits of its code.
    fn is_village(&self) -> bool {
        let Self::Listing(slug) = self else { return false };
        let code = slug.rsplit('-').next().unwrap_or_default();
        code.len() == 10 && code.bytes().all(|byte| byte.is_ascii_digit())
    }

    fn is(&self, document: &Document) -> bool {
        match self {
            Self::Listing(slug) => document.slug.as_str() == *slug,
            Self::Any(category) => {
                let category: CategoryCode = category.parse().unwrap();
                let listing = document.record().listing;
                let all = std::iter::once(&listing.category).chain(listing.categories.iter());
                all.into_iter().any(|code| code.is_within(&category))
            }
        }
    }
}

/// How well some rows were answered.
#[derive(Default)]
struct Score {
    rows: u32,
    recall: f64,
    reciprocal_rank: f64,
}

impl Score {
    /// Of one row: the share of the wanted that is there, and one over the place of the first.
    fn of(row: &Row, found: &[Arc<Document>]) -> Self {
        let there = |wanted: &&Wanted| found.iter().any(|document| wanted.is(document));
        let there = u32::try_from(row.wanted.iter().filter(there).count()).unwrap();
        let wanted = u32::try_from(row.wanted.len()).unwrap();
        let rank = (1_u32..)
            .zip(found)
            .find(|(_, document)| row.wanted.iter().any(|wanted| wanted.is(document)));
        Self {
            rows: 1,
            recall: f64::from(there) / f64::from(wanted),
            reciprocal_rank: rank.map_or(0.0, |(rank, _)| f64::from(rank).recip()),
        }
    }

    fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.recall += other.recall;
        self.reciprocal_rank += other.reciprocal_rank;
    }

    fn mean_recall(&self) -> f64 {
        self.recall / f64::from(self.rows)
    }

    fn mean_reciprocal_rank(&self) -> f64 {
        self.reciprocal_rank / f64::from(self.rows)
    }

    fn line(&self, name: &str) -> String {
        let (recall, rank) = (self.mean_recall(), self.mean_reciprocal_rank());
        format!("{name:<16}{:>5}{recall:>11.3}{rank:>7.3}\n", self.rows)
    }
}

/// Asks every row, prints the figures by group and what went wrong, and gives the whole.
fn measure(title: &str, snapshot: &Snapshot, rows: &[Row]) -> Score {
    let mut all = Score::default();
    let mut groups: BTreeMap<&str, Score> = BTreeMap::new();
    let mut wrong = String::new();
    for row in rows {
        let found = first_ten(snapshot, row);
        let score = Score::of(row, &found);
        all.add(&score);
        groups.entry(row.group).or_default().add(&score);
        if score.recall < 1.0 || score.reciprocal_rank < 1.0 {
            wrong.push_str(&complaint(row, &score, &found));
        }
    }
    let groups: String = groups.iter().map(|(name, score)| score.line(name)).collect();
    println!("{title}\n{:<16}{:>5}{:>11}{:>7}", "group", "n", "recall@10", "MRR");
    println!("{groups}{}{wrong}", all.line("all"));
    all
}

/// A row that was not answered as it should be, with what came first instead.
fn complaint(row: &Row, score: &Score, found: &[Arc<Document>]) -> String {
    let mut line = format!("  {} [{}] ", row.words, row.group);
    let _ = write!(line, "recall {:.2}, 1/rank {:.2}:", score.recall, score.reciprocal_rank);
    for document in found.iter().take(3) {
        let _ = write!(line, " {}", document.slug);
    }
    line + "\n"
}

fn assert_marks(score: &Score) {
    let (recall, rank) = (score.mean_recall(), score.mean_reciprocal_rank());
    assert!(recall >= RECALL, "recall@10 is {recall:.3}");
    assert!(rank >= RANK, "the mean reciprocal rank is {rank:.3}");
}

#[tokio::test]
async fn what_people_type_finds_what_they_want() {
    assert_marks(&measure("The fixtures", &*fixtures().await, &Row::without_villages()));
}

#[tokio::test]
async fn it_is_found_among_all_villages_of_indonesia() {
    let Some(crowd) = crowd().await else {
        println!("not asked: the villages are not here; tests/relevance/fetch brings them");
        return;
    };
    assert_marks(&measure(&format!("{} listings", crowd.len()), crowd, &Row::all()));
}

#[tokio::test]
async fn what_is_wanted_exists() {
    let (fixtures, crowd) = (fixtures().await, crowd().await);
    let rows = if crowd.is_some() { Row::all() } else { Row::without_villages() };
    let snapshot = crowd.unwrap_or(&fixtures);
    let slugs: BTreeSet<&str> =
        snapshot.documents().map(|document| document.slug.as_str()).collect();
    for row in &rows {
        for wanted in &row.wanted {
            let exists = match wanted {
                Wanted::Listing(slug) => slugs.contains(slug),
                Wanted::Any(_) => fixtures.documents().any(|document| wanted.is(document)),
            };
            assert!(exists, "{}", row.words);
        }
    }
}

#[tokio::test]
async fn what_comes_second_counts_half() {
    let snapshot = fixtures().await;
    let found: Vec<Arc<Document>> = snapshot.documents().take(3).cloned().collect();
    let row = |wanted: &[&str]| {
        let wanted = wanted.join(" ");
        let score = Score::of(&Row::parse(&format!("words\tid\t\tgroup\t{wanted}")), &found);
        (score.recall, score.reciprocal_rank)
    };
    let slug = |at: usize| found[at].slug.as_str();
    let category = format!("any:{}", found[0].record().listing.category);
    assert_eq!(row(&[slug(0)]), (1.0, 1.0));
    assert_eq!(row(&[slug(1), "is-not-there"]), (0.5, 0.5));
    assert_eq!(row(&[slug(2), slug(1)]), (1.0, 0.5));
    assert_eq!(row(&[&category]), (1.0, 1.0));
    assert_eq!(row(&["is-not-there"]), (0.0, 0.0));
}

#[test]
fn no_query_is_asked_twice() {
    let mut seen = BTreeSet::new();
    for line in include_str!("relevance/queries.tsv").lines().skip(1) {
        let row = Row::parse(line);
        let place = line.split('\t').nth(2);
        assert!(seen.insert((row.words, place)), "{}", row.words);
    }
}
