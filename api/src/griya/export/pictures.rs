//! The pictures of an export: the files of every picture that its tables know, after the tables, for a
//! row is written after its files.

use std::{
    fs::{self, DirBuilder},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

use api::media::{self, shelf::Shelf};
use domain::audit::digest;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;

use crate::griya::{
    Failure,
    bars::Bars,
    folder::{
        Folder, Lines, Manifest, PICTURES, PictureFile, Pictures, Sealing, cannot, private, sync,
    },
};

/// Files on their way at once: a server answers late, not slowly.
const AT_ONCE: usize = 8;

/// What was copied.
pub struct Copied {
    /// The list.
    pub list: Pictures,
    /// The pictures in it, [shortened](short), in order.
    pub ids: Vec<u128>,
    /// How many files are not where they should be.
    pub missing: u64,
}

/// Half of a digest: enough to know it by, and a million of them are 16 MB.
pub fn short(id: &str) -> u128 {
    id.get(..32).and_then(|half| u128::from_str_radix(half, 16).ok()).unwrap_or_default()
}

/// The list of no pictures.
pub fn none() -> Pictures {
    Pictures { files: 0, bytes: 0, sha256: digest("") }
}

/// Copies every file that the table of pictures in `manifest` promises, but those that lie in `folder`
/// already as some list says.
pub async fn copy(
    shelf: &Shelf,
    folder: &Folder,
    manifest: &Manifest,
    bars: Bars,
) -> Result<Copied, Failure> {
    let all = folder.path(PICTURES);
    make(&all).map_err(|error| cannot("write to", &all, &error))?;
    let list = folder.path(&manifest.folder).join("pictures.ndjson");
    let failed = |error: io::Error| cannot("write", &list, &error);
    let mut known = Known::of(folder)?;
    let mut list_file = Sealing::create(&list).map_err(failed)?;
    let rows = manifest.tables.iter().find(|table| table.name == "media");
    let bar = bars.count(PICTURES, rows.map_or(0, |table| table.rows));
    let wanted = rows.map(|_| Wanted::of(&folder.path(&manifest.folder))).transpose()?;
    let (mut ids, mut missing) = (Vec::new(), 0);
    let files = stream::iter(wanted.into_iter().flatten()).map(|wanted| {
        let all = &all;
        let wanted = wanted.map(|(id, name)| (known.digest(&format!("{id}/{name}")), id, name));
        async move {
            let (digest, id, name) = wanted?;
            let copied = one(shelf, &all.join(&id), &id, &name, digest).await?;
            Ok::<_, Failure>((copied, id, name))
        }
    });
    let mut files = files.buffered(AT_ONCE);
    while let Some((copied, id, name)) = files.try_next().await? {
        if ids.last() != Some(&short(&id)) {
            ids.push(short(&id));
            bar.inc(1);
        }
        let Some(file) = copied else {
            eprintln!("picture {id}: `{name}` is not there");
            missing += 1;
            continue;
        };
        let mut line = serde_json::to_vec(&file).expect("it is plain data");
        line.push(b'\n');
        list_file.add(&line).map_err(failed)?;
    }
    drop(files);
    sync(&all).map_err(failed)?;
    bar.finish();
    let seal = list_file.seal().map_err(failed)?;
    let list = Pictures { files: seal.lines, bytes: seal.bytes, sha256: seal.sha256 };
    Ok(Copied { list, ids, missing })
}

/// The file `name` of the picture `id`, in `place`; `None` where the shelf does not have it.
async fn one(
    shelf: &Shelf,
    place: &Path,
    id: &str,
    name: &str,
    known: Option<String>,
) -> Result<Option<PictureFile>, Failure> {
    let path = place.join(name);
    let described = |bytes: &[u8]| PictureFile {
        file: format!("{id}/{name}"),
        bytes: bytes.len() as u64,
        sha256: digest(bytes),
    };
    if let Some(known) = known {
        let here = fs::read(&path).ok().map(|bytes| described(&bytes));
        if here.as_ref().is_some_and(|here| here.sha256 == known) {
            return Ok(here);
        }
    }
    let bytes = shelf.read(id, name).await;
    let bytes =
        bytes.map_err(|error| Failure::new(&format!("cannot read picture {id}"), &error))?;
    let Some(bytes) = bytes else { return Ok(None) };
    put(place, name, &bytes).map_err(|error| cannot("write", &path, &error))?;
    Ok(Some(described(&bytes)))
}

fn put(place: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    make(place)?;
    let part = place.join(format!("{name}.part"));
    let mut file = private().truncate(true).open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(part, place.join(name))?;
    sync(place)
}

fn make(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The files that a table of pictures promises, in the order of letters.
struct Wanted {
    rows: Lines,
    id: String,
    names: Vec<String>,
}

impl Wanted {
    fn of(place: &Path) -> Result<Self, Failure> {
        let rows = Lines::open(place.join("media.ndjson"))?;
        Ok(Self { rows, id: String::new(), names: Vec::new() })
    }

    fn read(&mut self) -> Result<bool, Failure> {
        #[derive(Deserialize)]
        struct Row {
            id: String,
            widths: Vec<u32>,
        }
        let Some(line) = self.rows.next()? else { return Ok(false) };
        let row: Result<Row, _> = serde_json::from_str(line);
        let row = row.map_err(|error| self.rows.broken(&error.to_string()))?;
        if !media::is_digest(&row.id) {
            return Err(self.rows.broken("names no picture"));
        }
        (self.id, self.names) = (row.id, media::files(&row.widths));
        self.names.reverse();
        Ok(true)
    }
}

impl Iterator for Wanted {
    type Item = Result<(String, String), Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(name) = self.names.pop() {
                return Some(Ok((self.id.clone(), name)));
            }
            match self.read() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// What the lists that lie in a folder say, those that were broken off too. They are asked in the order
/// of letters, which is theirs.
struct Known(Vec<(Lines, Option<PictureFile>)>);

impl Known {
    fn of(folder: &Folder) -> Result<Self, Failure> {
        let lists = folder.all()?.into_iter();
        let lists = lists.map(|place| folder.path(&place).join("pictures.ndjson"));
        let lists = lists.filter_map(|list| Lines::open(list).ok());
        Ok(Self(lists.map(|list| (list, None)).collect()))
    }

    fn digest(&mut self, file: &str) -> Option<String> {
        self.0.iter_mut().find_map(|(list, ahead)| {
            while ahead.as_ref().is_none_or(|ahead| ahead.file.as_str() < file) {
                // Where a list is damaged it ends.
                let line = list.next().ok().flatten()?;
                *ahead = serde_json::from_str(line).ok();
                ahead.as_ref()?;
            }
            let ahead = ahead.as_ref().filter(|ahead| ahead.file == file)?;
            Some(ahead.sha256.clone())
        })
    }
}
