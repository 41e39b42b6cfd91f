//! Lines: a body that comes in pieces, a line at a time, however it was cut.

use std::{collections::VecDeque, mem, time::Duration};

use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt as _;

/// The longest line, bytes: as long as the body of one record may be.
pub const LONGEST: usize = 256 * 1024;
/// How long the next piece may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// U+FEFF as UTF-8, which some programs write before a text.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// A line without what ends it; none where it is too long.
pub type Line = Option<Vec<u8>>;

/// Why a body ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It is longer than it may be.
    TooLong,
    /// Nothing came any more.
    Broken,
}

/// Parts what comes into lines.
#[derive(Debug, Default)]
struct Parting {
    line: Vec<u8>,
    is_long: bool,
    whole: VecDeque<Line>,
}

impl Parting {
    fn take(&mut self, piece: &[u8]) {
        let mut parts = piece.split(|byte| *byte == b'\n');
        let first = parts.next().unwrap_or_default();
        self.grow(first);
        for part in parts {
            self.end();
            self.grow(part);
        }
    }

    fn grow(&mut self, part: &[u8]) {
        if self.line.len() + part.len() > LONGEST {
            self.is_long = true;
            self.line = Vec::new();
        } else if !self.is_long {
            self.line.extend_from_slice(part);
        }
    }

    fn end(&mut self) {
        let line = mem::take(&mut self.line);
        let is_long = mem::take(&mut self.is_long);
        self.whole.push_back((!is_long).then_some(line));
    }

    /// What stands behind the last line break, if anything.
    fn finish(&mut self) {
        if self.is_long || !self.line.is_empty() {
            self.end();
        }
    }
}

/// The lines of a body.
pub struct Lines {
    body: BodyDataStream,
    left: usize,
    number: usize,
    parting: Parting,
    ended: bool,
}

impl Lines {
    /// Those of `body`, of which at most `most` bytes are read.
    pub fn of(body: Body, most: usize) -> Self {
        let parting = Parting::default();
        Self { body: body.into_data_stream(), left: most, number: 0, parting, ended: false }
    }

    /// The next line that is not blank, with its number from 1; none at the end.
    ///
    /// # Errors
    /// Where the body ends before its end. What comes after the last line break is no line then.
    pub async fn next(&mut self) -> Result<Option<(usize, Line)>, Cut> {
        loop {
            while let Some(line) = self.parting.whole.pop_front() {
                self.number += 1;
                let line = line.map(|line| self.unmarked(line));
                let is_blank = |line: &Vec<u8>| line.iter().all(u8::is_ascii_whitespace);
                if !line.as_ref().is_some_and(is_blank) {
                    return Ok(Some((self.number, line)));
                }
            }
            if self.ended {
                return Ok(None);
            }
            self.read().await?;
        }
    }

    /// Whether a line waits that has come already.
    pub fn waits(&self) -> bool {
        !self.parting.whole.is_empty()
    }

    /// Lets go of what is still being sent, up to `most` bytes, so that whoever sends it comes to read
    /// why nobody wants it.
    pub async fn drain(&mut self, most: usize) {
        self.left = most;
        while !self.ended && self.read().await.is_ok() {
            self.parting = Parting::default();
        }
    }

    fn unmarked(&self, line: Vec<u8>) -> Vec<u8> {
        match line.strip_prefix(MARK) {
            Some(rest) if self.number == 1 => rest.to_vec(),
            _ => line,
        }
    }

    async fn read(&mut self) -> Result<(), Cut> {
        let piece = tokio::time::timeout(PATIENCE, self.body.next()).await;
        match piece.map_err(|_| Cut::Broken)? {
            None => {
                self.ended = true;
                self.parting.finish();
            }
            Some(piece) => {
                let piece = piece.map_err(|_| Cut::Broken)?;
                self.left = self.left.checked_sub(piece.len()).ok_or(Cut::TooLong)?;
                self.parting.take(&piece);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Line> {
        let mut parting = Parting::default();
        pieces.for_each(|piece| parting.take(piece));
        parting.finish();
        parting.whole.into()
    }

    #[test]
    fn lines_are_the_same_however_they_come() {
        let long = vec![b'x'; LONGEST + 1];
        let text = [b"a\n\nbc\r\n\n".as_slice(), &long, b"\n", &long[1..], b"\nlast"].concat();
        let whole = parted(std::iter::once(text.as_slice()));
        let says = |line: &str| Some(line.as_bytes().to_vec());
        assert_eq!(whole[..4], [says("a"), says(""), says("bc\r"), says("")]);
        assert_eq!((whole[4].clone(), whole[5].as_ref().map(Vec::len)), (None, Some(LONGEST)));
        assert_eq!(whole[6..], [says("last")]);
        for size in [1, 2, 3, 7, 4096, LONGEST, LONGEST + 1] {
            assert_eq!(parted(text.chunks(size)), whole, "{size}");
        }
    }

    #[test]
    fn what_is_too_long_is_not_kept_while_it_comes() {
        let mut parting = Parting::default();
        for _ in 0..1000 {
            parting.take(&[b'x'; 8 * 1024]);
            assert!(parting.line.len() <= LONGEST);
        }
    }

    #[tokio::test]
    async fn blank_lines_count_and_a_mark_before_the_first_line_does_not() {
        let mut lines = Lines::of(Body::from("\u{feff}a\n \r\n\u{feff}b"), 100);
        let told = |line: Result<Option<(usize, Line)>, Cut>| {
            let (number, line) = line.unwrap().unwrap();
            (number, String::from_utf8(line.unwrap()).unwrap())
        };
        assert_eq!(told(lines.next().await), (1, "a".to_owned()));
        assert_eq!(told(lines.next().await), (3, "\u{feff}b".to_owned()));
        assert_eq!(lines.next().await, Ok(None));
        assert_eq!(Lines::of(Body::from("abc\n"), 3).next().await, Err(Cut::TooLong));
    }
}
