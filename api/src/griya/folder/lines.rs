//! Lines: the files of an export, written and read line by line, with the digest of the whole.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
};

use domain::audit::hex;
use sha2::{Digest as _, Sha256};

use super::{Failure, cannot, private};

/// The longest line that is read, bytes: many times what any row may hold.
const LONGEST: u64 = 64 << 20;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// How many lines.
    pub lines: u64,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

#[derive(Debug, Default)]
struct Sum {
    lines: u64,
    bytes: u64,
    hash: Sha256,
}

impl Sum {
    fn add(&mut self, line: &[u8]) {
        self.lines += 1;
        self.bytes += line.len() as u64;
        self.hash.update(line);
    }

    fn seal(self) -> Seal {
        let Self { lines, bytes, hash } = self;
        Seal { lines, bytes, sha256: hex(&hash.finalize()) }
    }
}

/// A file that is being written.
#[derive(Debug)]
pub struct Sealing {
    file: BufWriter<File>,
    sum: Sum,
}

impl Sealing {
    /// A new file, for our eyes only.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(1 << 20, private().create_new(true).open(path)?);
        Ok(Self { file, sum: Sum::default() })
    }

    /// Adds a line, which brings its end.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn add(&mut self, line: &[u8]) -> io::Result<()> {
        self.sum.add(line);
        self.file.write_all(line)
    }

    /// On disk.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn seal(self) -> io::Result<Seal> {
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok(self.sum.seal())
    }
}

/// A file that is being read, and held to what it should be.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    sum: Sum,
    line: Vec<u8>,
}

impl Lines {
    /// Opens a file.
    ///
    /// # Errors
    /// When it is not there, or is none.
    pub fn open(path: PathBuf) -> Result<Self, Failure> {
        // A pipe would be waited for without end.
        let is_file = path.symlink_metadata().map(|found| found.is_file());
        match is_file {
            Ok(true) => {}
            Ok(false) => return Err(Failure(format!("{} is no file", path.display()))),
            Err(error) => return Err(cannot("read", &path, &error)),
        }
        let file = File::open(&path).map_err(|error| cannot("read", &path, &error))?;
        let file = BufReader::with_capacity(1 << 20, file);
        Ok(Self { path, file, sum: Sum::default(), line: Vec::new() })
    }

    /// The next line, without its end.
    ///
    /// # Errors
    /// When it is too long, has no end, or is no text.
    pub fn next(&mut self) -> Result<Option<&str>, Failure> {
        self.line.clear();
        let read = self.file.by_ref().take(LONGEST).read_until(b'\n', &mut self.line);
        if read.map_err(|error| cannot("read", &self.path, &error))? == 0 {
            return Ok(None);
        }
        self.sum.add(&self.line);
        if self.line.pop() != Some(b'\n') {
            return Err(self.broken("ends within this line"));
        }
        match str::from_utf8(&self.line) {
            Ok(line) => Ok(Some(line)),
            Err(_) => Err(broken(&self.path, self.sum.lines, "is no UTF-8")),
        }
    }

    /// How many bytes were read.
    pub fn bytes(&self) -> u64 {
        self.sum.bytes
    }

    /// How many lines were read.
    pub fn count(&self) -> u64 {
        self.sum.lines
    }

    /// That something is wrong with the line that was read last.
    pub fn broken(&self, why: &str) -> Failure {
        broken(&self.path, self.sum.lines, why)
    }

    /// Ends; all that was read is what `seal` says.
    ///
    /// # Errors
    /// When it is something else.
    pub fn end(self, seal: &Seal) -> Result<(), Failure> {
        let found = self.sum.seal();
        let (path, expected) = (self.path.display(), seal);
        if found.lines != expected.lines {
            let (found, expected) = (found.lines, expected.lines);
            return Err(Failure(format!("{path} has {found} lines; the manifest says {expected}")));
        }
        if found != *expected {
            return Err(Failure(format!(
                "{path} is not as it was written: its SHA-256 is another"
            )));
        }
        Ok(())
    }
}

fn broken(path: &Path, line: u64, why: &str) -> Failure {
    Failure(format!("{}:{line}: {why}", path.display()))
}
