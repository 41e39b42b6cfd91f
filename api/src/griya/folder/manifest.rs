//! The manifest: what is in an export, of which program and which moment, with a digest of each file.

use std::{collections::BTreeMap, fs::File, io::Read as _, path::Path};

use chrono::{DateTime, Utc};
use domain::{
    audit::digest,
    dump::{Column, Table},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Failure, Seal, cannot, is_place};

/// The number of the form of an export. Who changes what is in one gives it a new number.
const FORMAT: u32 = 1;
/// The largest manifest that is read, bytes: many times what hundreds of tables need.
const MOST: u64 = 4 << 20;

/// What is in an export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The number of the form.
    pub format: u32,
    /// The version of the program that made it.
    pub program: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// The kind of database that it was made from.
    pub database: String,
    /// Where its tables lie.
    pub folder: String,
    /// The last change that is in it.
    pub change: i64,
    /// The head of the record of who did what.
    pub audit: String,
    /// The migrations that its tables have seen, the oldest first.
    pub migrations: Vec<String>,
    /// The last number that each table gave that numbers its rows.
    pub numbers: BTreeMap<String, i64>,
    /// Its tables.
    pub tables: Vec<TableFile>,
    /// Its pictures.
    pub pictures: Pictures,
}

/// A table, and what its file holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableFile {
    /// Its name; with `.ndjson` that of the file.
    pub name: String,
    /// A line, a row.
    pub rows: u64,
    /// The size of the file.
    pub bytes: u64,
    /// The SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// The columns, in the order of a line.
    pub columns: Vec<Column>,
}

/// The list of the files of pictures, `pictures.ndjson`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pictures {
    /// How many there are.
    pub files: u64,
    /// The size of the list.
    pub bytes: u64,
    /// The SHA-256 of the list, hexadecimal.
    pub sha256: String,
}

/// A line of the list: a file below `pictures/`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureFile {
    /// `ID/NAME`.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

/// A manifest with its own digest.
#[derive(Serialize, Deserialize)]
struct Signed<'a> {
    sha256: String,
    #[serde(borrow)]
    manifest: &'a RawValue,
}

impl TableFile {
    /// `table` with what its file holds.
    pub fn new(table: Table, seal: Seal) -> Self {
        let Seal { lines, bytes, sha256 } = seal;
        Self { name: table.name, rows: lines, bytes, sha256, columns: table.columns }
    }

    /// The table.
    pub fn table(&self) -> Table {
        Table { name: self.name.clone(), columns: self.columns.clone() }
    }

    /// What its file holds.
    pub fn seal(&self) -> Seal {
        Seal { lines: self.rows, bytes: self.bytes, sha256: self.sha256.clone() }
    }
}

impl Pictures {
    /// What the list holds.
    pub fn seal(&self) -> Seal {
        Seal { lines: self.files, bytes: self.bytes, sha256: self.sha256.clone() }
    }
}

impl PictureFile {
    /// Picture and name, where both may be that.
    pub fn key(&self) -> Option<(&str, &str)> {
        let (id, name) = self.file.split_once('/')?;
        (api::media::is_digest(id) && api::media::is_file(name)).then_some((id, name))
    }
}

impl Manifest {
    /// The number of the form that this program writes.
    pub const FORMAT: u32 = FORMAT;

    /// As it stands in its file.
    pub fn text(&self) -> String {
        let manifest = serde_json::to_string_pretty(self).expect("it is plain data");
        let sha256 = digest(&manifest);
        format!("{{\n\"sha256\": \"{sha256}\",\n\"manifest\": {manifest}\n}}\n")
    }

    /// Reads the manifest in the file `path`.
    ///
    /// # Errors
    /// When there is none, it is of another form, or not as it was written.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let file = File::open(path);
        let file = file.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Failure(format!(
                "{} is not there: an export that was broken off has none; export again",
                path.display()
            )),
            _ => cannot("read", path, &error),
        })?;
        let mut text = String::new();
        let read = file.take(MOST).read_to_string(&mut text);
        read.map_err(|error| cannot("read", path, &error))?;
        Self::parse(&text).map_err(|why| Failure(format!("{}: {why}", path.display())))
    }

    fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Form {
            format: u32,
        }
        let broken = |error: serde_json::Error| format!("is no manifest of an export: {error}");
        let Signed { sha256, manifest } = serde_json::from_str(text).map_err(broken)?;
        let Form { format } = serde_json::from_str(manifest.get()).map_err(broken)?;
        if format != FORMAT {
            return Err(format!(
                "it is of form {format}; Griya {} reads form {FORMAT}",
                env!("CARGO_PKG_VERSION")
            ));
        }
        if sha256 != digest(manifest.get()) {
            return Err("is not as it was written: its SHA-256 is another".to_owned());
        }
        let manifest: Self = serde_json::from_str(manifest.get()).map_err(broken)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// No name leads out of the folder.
    fn check(&self) -> Result<(), String> {
        if !is_place(&self.folder) {
            return Err(format!("`{}` is no place for tables", self.folder));
        }
        let word = |name: &str| {
            let letter =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            (1..=63).contains(&name.len()) && name.bytes().all(letter)
        };
        match self.tables.iter().find(|table| !word(&table.name)) {
            None => Ok(()),
            Some(table) => Err(format!("`{}` is no name of a table", table.name)),
        }
    }
}
