//! The villages of Indonesia as listings: 83,763 real names, for an engine to find the right one
//! among. `tests/relevance/fetch` brings them.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::PathBuf,
};

use domain::{
    key::Slug,
    listing::{self, Kind, Stamp, Status},
    place,
    record::{Detail, Record},
    text::{Lang, Texts},
};
use serde_json::json;
use tests::at;
use uuid::Uuid;

/// A village as a listing has the name and, in its summary, the district and regency; no point,
/// since the collection has none. Its slug is its name and its code. `None` where the collection
/// was not fetched.
pub fn villages() -> Option<Vec<Record>> {
    let villages = table("villages")?;
    let (districts, regencies) = (by_code("districts")?, by_code("regencies")?);
    let example = example();
    let record = |(code, district, name): &(String, String, String)| {
        let (regency, district) = &districts[district];
        village(&example, code, name, district, &regencies[regency].1)
    };
    Some(villages.iter().map(record).collect())
}

/// The rows of a table: its code, the code of what it is in, its name. No field is quoted; some
/// names hold a quotation mark all the same.
fn table(name: &str) -> Option<Vec<(String, String, String)>> {
    let file = format!("../target/relevance/{name}.csv");
    let text = fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)).ok()?;
    let row = |line: &str| {
        let (code, rest) = line.split_once(',').unwrap();
        let (parent, name) = rest.split_once(',').unwrap();
        (code.to_owned(), parent.to_owned(), name.to_owned())
    };
    Some(text.lines().skip(1).map(row).collect())
}

fn by_code(name: &str) -> Option<HashMap<String, (String, String)>> {
    Some(table(name)?.into_iter().map(|(code, parent, name)| (code, (parent, name))).collect())
}

fn example() -> listing::Draft {
    let draft = json!({
        "name": { "id": "Desa" },
        "category": "village",
        "source": { "name": "idn-area-data" },
        "licence": "ODbL-1.0",
    });
    serde_json::from_value(draft).unwrap()
}

fn village(
    example: &listing::Draft,
    code: &str,
    name: &str,
    district: &str,
    regency: &str,
) -> Record {
    let digits = code.replace('.', "");
    let now = at("2026-11-24T08:00:00+07:00");
    let stamp = Stamp {
        id: Uuid::from_u128(digits.parse().unwrap()),
        version: 1,
        created_at: now,
        now,
        published_at: None,
        merged_into: None,
    };
    let draft = listing::Draft {
        name: indonesian(name.to_owned()),
        summary: Some(indonesian(format!("Desa di Kecamatan {district}, {regency}."))),
        ..example.clone()
    };
    let slug = Slug::from_name(&format!("{name} {digits}")).unwrap();
    let listing = draft.into_row(Kind::Place, Status::Published, slug, None, &stamp);
    Record {
        listing,
        detail: Detail::Place(place::Draft::default().into_row(stamp.id)),
        products: Vec::new(),
        former_slugs: Vec::new(),
    }
}

fn indonesian(text: String) -> Texts {
    BTreeMap::from([(Lang::Id, text)]).try_into().unwrap()
}
