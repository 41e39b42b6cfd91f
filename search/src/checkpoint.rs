//! Checkpoint: the form in which a snapshot is kept in a file, to be read much sooner than its
//! listings could be read from the database.
//!
//! Columns of plain numbers and texts, one after another, cut into blocks. Each block carries a
//! checksum that goes on from the one before, so that nothing is missing, torn or from another
//! file. Whoever reads believes no length that the rest of the file cannot hold. What is kept of
//! which type stands beside the type; what is cheap to work out is not kept.

use std::io::{self, ErrorKind, Read, Write};

use domain::reference::Reference;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::snapshot::Snapshot;

/// What every checkpoint begins with.
const MAGIC: [u8; 8] = *b"griya-ix";
/// One more with every change of what is kept, and of how a record is packed; a test says when.
pub(crate) const FORMAT: u32 = 2;
/// The most bytes of a block: large enough that reading is copying, small enough to be held twice.
const BLOCK: usize = 1 << 20;
/// What stands before a block: its length and its checksum.
const HEAD: usize = 4 + 8;

/// A checkpoint of which the beginning was read.
#[derive(Debug)]
pub struct Checkpoint<R> {
    note: Vec<u8>,
    seq: i64,
    listings: u64,
    reader: Reader<R>,
}

impl<R: Read> Checkpoint<R> {
    /// Reads the beginning of a checkpoint of so many `bytes`.
    ///
    /// # Errors
    /// When it cannot be read, or is none, or one of another format.
    pub fn open(from: R, bytes: u64) -> io::Result<Self> {
        let mut reader = Reader::new(from, bytes)?;
        let note = reader.bytes()?;
        let (seq, listings) = (reader.one()?, reader.one()?);
        Ok(Self { note, seq, listings, reader })
    }

    /// What was noted of it when it was written.
    pub fn note(&self) -> &[u8] {
        &self.note
    }

    /// The change it includes last.
    pub fn seq(&self) -> i64 {
        self.seq
    }

    /// How many listings it says it holds.
    pub fn listings(&self) -> u64 {
        self.listings
    }

    /// The snapshot, with what its listings refer to as that is now.
    ///
    /// # Errors
    /// When it cannot be read, or is not what was written.
    pub fn read(mut self, reference: Reference) -> io::Result<Snapshot> {
        let snapshot = Snapshot::read_from(reference, self.seq, &mut self.reader)?;
        self.reader.end()?;
        Ok(snapshot)
    }
}

impl Snapshot {
    /// Writes it as a checkpoint, with a `note` to know it by.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, note: &[u8], to: impl Write) -> io::Result<()> {
        let mut writer = Writer::new(to)?;
        writer.bytes(note)?;
        writer.one(self.seq)?;
        writer.count(self.len())?;
        self.write_to(&mut writer)?;
        writer.end()
    }
}

/// A number that is kept as its little-endian bytes.
pub(crate) trait Plain: Sized {
    const SIZE: usize;

    fn put(self, to: &mut Vec<u8>);

    /// From exactly so many bytes.
    fn get(from: &[u8]) -> Self;
}

macro_rules! plain {
    ($($number:ty),+) => {$(
        impl Plain for $number {
            const SIZE: usize = size_of::<Self>();

            fn put(self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_le_bytes());
            }

            fn get(from: &[u8]) -> Self {
                Self::from_le_bytes(from.try_into().expect("the caller cuts pieces of that size"))
            }
        }
    )+};
}

plain!(u8, u32, u64, u128, i32, i64, f64);

/// Writes values into blocks; none lies in two.
pub(crate) struct Writer<W> {
    to: W,
    block: Vec<u8>,
    /// The checksum of the block before.
    before: u64,
}

impl<W: Write> Writer<W> {
    fn new(mut to: W) -> io::Result<Self> {
        to.write_all(&MAGIC)?;
        to.write_all(&FORMAT.to_le_bytes())?;
        Ok(Self { to, block: Vec::with_capacity(BLOCK), before: u64::from(FORMAT) })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.before = xxh3_64_with_seed(&self.block, self.before);
        let length = u32::try_from(self.block.len()).expect("a block is a mebibyte");
        self.to.write_all(&length.to_le_bytes())?;
        self.to.write_all(&self.before.to_le_bytes())?;
        self.to.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }

    /// An empty block is the last one.
    fn end(mut self) -> io::Result<()> {
        if !self.block.is_empty() {
            self.flush()?;
        }
        self.flush()?;
        self.to.flush()
    }

    pub(crate) fn one<T: Plain>(&mut self, value: T) -> io::Result<()> {
        if self.block.len() + T::SIZE > BLOCK {
            self.flush()?;
        }
        value.put(&mut self.block);
        Ok(())
    }

    pub(crate) fn count(&mut self, count: usize) -> io::Result<()> {
        self.one(count as u64)
    }

    pub(crate) fn column<T: Plain>(
        &mut self,
        values: impl ExactSizeIterator<Item = T>,
    ) -> io::Result<()> {
        self.count(values.len())?;
        for value in values {
            self.one(value)?;
        }
        Ok(())
    }

    fn raw(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.block.len() == BLOCK {
                self.flush()?;
            }
            let (fits, rest) = bytes.split_at(bytes.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(fits);
            bytes = rest;
        }
        Ok(())
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.count(bytes.len())?;
        self.raw(bytes)
    }

    /// Runs of bytes: how long each is, then all of them.
    pub(crate) fn runs<'a>(
        &mut self,
        runs: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    ) -> io::Result<()> {
        let length = |run: &[u8]| u32::try_from(run.len()).expect("a run is far below 4 GiB");
        self.column(runs.clone().map(length))?;
        runs.into_iter().try_for_each(|run| self.raw(run))
    }

    /// Texts of which many are the same: the different ones, and which each is.
    pub(crate) fn few<'a>(
        &mut self,
        texts: impl ExactSizeIterator<Item = Option<&'a str>> + Clone,
    ) -> io::Result<()> {
        let different: std::collections::BTreeSet<&str> = texts.clone().flatten().collect();
        let different: Vec<&str> = different.into_iter().collect();
        self.runs(different.iter().map(|text| text.as_bytes()))?;
        self.column(texts.map(|text| {
            let at = text.and_then(|text| different.binary_search(&text).ok());
            at.and_then(|at| u32::try_from(at).ok()).unwrap_or(NONE)
        }))
    }
}

/// Stands where there is none of a few.
const NONE: u32 = u32::MAX;

/// Reads what a [`Writer`] wrote.
#[derive(Debug)]
pub(crate) struct Reader<R> {
    from: R,
    /// Bytes of the file that were not read yet.
    left: u64,
    block: Vec<u8>,
    at: usize,
    before: u64,
}

/// The file is not what was written.
pub(crate) fn broken(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

/// An error unless `holds`.
pub(crate) fn check(holds: bool, what: &str) -> io::Result<()> {
    if holds { Ok(()) } else { Err(broken(what)) }
}

impl<R: Read> Reader<R> {
    fn new(from: R, bytes: u64) -> io::Result<Self> {
        let before = u64::from(FORMAT);
        let mut reader = Self { from, left: bytes, block: Vec::new(), at: 0, before };
        let mut beginning = [0; MAGIC.len() + 4];
        reader.raw(&mut beginning)?;
        check(beginning[..MAGIC.len()] == MAGIC, "it is no checkpoint")?;
        check(u32::get(&beginning[MAGIC.len()..]) == FORMAT, "it has another format")?;
        Ok(reader)
    }

    /// Fills `into` from the file.
    fn raw(&mut self, into: &mut [u8]) -> io::Result<()> {
        self.left = self.left.checked_sub(into.len() as u64).ok_or(ErrorKind::UnexpectedEof)?;
        self.from.read_exact(into)
    }

    /// The next block in the place of the one that was used up.
    fn refill(&mut self) -> io::Result<()> {
        let mut head = [0; HEAD];
        self.raw(&mut head)?;
        let length = u32::get(&head[..4]) as usize;
        check(length <= BLOCK && length as u64 <= self.left, "a block is too long")?;
        let mut block = std::mem::take(&mut self.block);
        block.resize(length, 0);
        self.raw(&mut block)?;
        self.before = xxh3_64_with_seed(&block, self.before);
        check(self.before == u64::get(&head[4..]), "a checksum is wrong")?;
        (self.block, self.at) = (block, 0);
        Ok(())
    }

    /// What the block holds still; of the next one when that is nothing.
    fn rest(&mut self) -> io::Result<&[u8]> {
        if self.at == self.block.len() {
            self.refill()?;
            check(!self.block.is_empty(), "it ends too soon")?;
        }
        Ok(&self.block[self.at..])
    }

    /// Nothing comes after this.
    fn end(mut self) -> io::Result<()> {
        check(self.at == self.block.len(), "it goes on too long")?;
        self.refill()?;
        check(self.block.is_empty() && self.left == 0, "it goes on too long")
    }

    pub(crate) fn one<T: Plain>(&mut self) -> io::Result<T> {
        let rest = self.rest()?;
        check(rest.len() >= T::SIZE, "a value is cut")?;
        let value = T::get(&rest[..T::SIZE]);
        self.at += T::SIZE;
        Ok(value)
    }

    /// A count of things of `size` bytes each, no more than the file can hold.
    pub(crate) fn count(&mut self, size: usize) -> io::Result<usize> {
        let count: u64 = self.one()?;
        let held = self.left + (self.block.len() - self.at) as u64;
        check(count.checked_mul(size as u64).is_some_and(|bytes| bytes <= held), "a count is off")?;
        usize::try_from(count).map_err(|_| broken("a count is off"))
    }

    pub(crate) fn column<T: Plain>(&mut self) -> io::Result<Vec<T>> {
        let count = self.count(T::SIZE)?;
        let mut values = Vec::with_capacity(count);
        while values.len() < count {
            let rest = self.rest()?;
            let whole = (rest.len() / T::SIZE).min(count - values.len());
            check(whole > 0, "a value is cut")?;
            let used = whole * T::SIZE;
            values.extend(rest[..used].chunks_exact(T::SIZE).map(T::get));
            self.at += used;
        }
        Ok(values)
    }

    /// A column of exactly so many values.
    pub(crate) fn column_of<T: Plain>(&mut self, count: usize) -> io::Result<Vec<T>> {
        let values = self.column()?;
        check(values.len() == count, "a column has another length")?;
        Ok(values)
    }

    /// So many bytes, which somebody has made sure of that the file can hold.
    pub(crate) fn run(&mut self, length: usize) -> io::Result<Box<[u8]>> {
        let mut run = Vec::with_capacity(length);
        while run.len() < length {
            let rest = self.rest()?;
            let some = rest.len().min(length - run.len());
            run.extend_from_slice(&rest[..some]);
            self.at += some;
        }
        Ok(run.into_boxed_slice())
    }

    pub(crate) fn bytes(&mut self) -> io::Result<Vec<u8>> {
        self.column()
    }

    /// How long each of some runs is, that come next.
    pub(crate) fn lengths(&mut self) -> io::Result<Vec<u32>> {
        let lengths: Vec<u32> = self.column()?;
        let held = self.left + (self.block.len() - self.at) as u64;
        check(lengths.iter().copied().map(u64::from).sum::<u64>() <= held, "runs are too long")?;
        Ok(lengths)
    }

    /// Texts that are read as what they mean.
    pub(crate) fn texts<T>(&mut self, mean: impl Fn(&str) -> Option<T>) -> io::Result<Vec<T>> {
        let lengths = self.lengths()?;
        let text = |reader: &mut Self, length: u32| {
            let run = reader.run(length as usize)?;
            std::str::from_utf8(&run).ok().and_then(&mean).ok_or_else(|| broken("no such text"))
        };
        lengths.into_iter().map(|length| text(self, length)).collect()
    }

    /// The different ones of a few texts, and which each of `count` is.
    pub(crate) fn few<T>(
        &mut self,
        count: usize,
        mean: impl Fn(&str) -> Option<T>,
    ) -> io::Result<Few<T>> {
        let different = self.texts(mean)?;
        let which: Vec<u32> = self.column_of(count)?;
        let known = |at: &u32| *at == NONE || (*at as usize) < different.len();
        check(which.iter().all(known), "a text is missing")?;
        Ok(Few { different, which })
    }
}

/// Values of which many are the same.
#[derive(Debug)]
pub(crate) struct Few<T> {
    different: Vec<T>,
    which: Vec<u32>,
}

impl<T: Clone> Few<T> {
    pub(crate) fn get(&self, at: usize) -> Option<T> {
        self.different.get(self.which[at] as usize).cloned()
    }
}

#[cfg(test)]
mod tests;
