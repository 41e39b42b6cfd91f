//! Packing: a ZIP whose members are hashed as they are written.
//!
//! The same members give the same bytes: the clock, the machine and its user leave no trace.

use std::io::{self, Seek, Write};

use domain::audit::hex;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// How hard a text is packed: more takes three times as long and saves a hundredth.
const LEVEL: i64 = 6;

/// A member of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Its path in the bundle.
    pub name: String,
    /// How long it is when it is unpacked, bytes.
    pub bytes: u64,
    /// SHA-256 of it when it is unpacked.
    pub sha256: String,
}

/// A bundle that is being written.
pub struct Packing<W: Write + Seek> {
    zip: ZipWriter<W>,
    name: String,
    bytes: u64,
    hash: Sha256,
    /// What has been written.
    pub members: Vec<Member>,
}

impl<W: Write + Seek> Packing<W> {
    /// An empty one.
    pub fn new(to: W) -> Self {
        let (zip, hash) = (ZipWriter::new(to), Sha256::new());
        Self { zip, name: String::new(), bytes: 0, hash, members: Vec::new() }
    }

    /// Begins a member that is packed; `large` where it may be longer than 4 GiB, which not every
    /// reader of ZIP can read.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn text(&mut self, name: &str, large: bool) -> io::Result<()> {
        let packed = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(LEVEL));
        self.begin(name, packed.large_file(large))
    }

    /// Writes a member as it is, for it is packed in its own way.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn picture(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        self.begin(name, stored)?;
        self.write_all(bytes)?;
        self.end();
        Ok(())
    }

    fn begin(&mut self, name: &str, options: SimpleFileOptions) -> io::Result<()> {
        let options = options.last_modified_time(DateTime::default()).unix_permissions(0o644);
        self.zip.start_file(name, options)?;
        (self.name, self.bytes, self.hash) = (name.to_owned(), 0, Sha256::new());
        Ok(())
    }

    /// Ends the member.
    pub fn end(&mut self) {
        let name = std::mem::take(&mut self.name);
        let sha256 = hex(&std::mem::take(&mut self.hash).finalize());
        self.members.push(Member { name, bytes: self.bytes, sha256 });
    }

    /// Writes `value` as a JSON text of its own line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.write_all(&line)
    }

    /// Ends the bundle.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> io::Result<W> {
        Ok(self.zip.finish()?)
    }
}

impl<W: Write + Seek> Write for Packing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.zip.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.zip.flush()
    }
}
