//! Lines: how listings stand in lists, each written once, by slot.
//!
//! A line is all of an item that depends neither on the moment nor on the question. Those of
//! neighbours lie beside each other: a page is read from few places in memory, and no document is
//! opened for it.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use arc_swap::ArcSwap;
use domain::text::Lang;

/// A line: shared by the segments that a listing is in one after another.
type Line = Arc<[u8]>;

/// The lines of a listing that are written, by language.
pub(crate) type Written = [Option<Line>; 3];

/// The lines of one segment.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    slots: usize,
    columns: ArcSwap<[Column; 3]>,
    held: Arc<Held>,
}

/// The lines in one language by slot, in stretches; each is empty until its first is written, so that
/// nobody who asks for the first line waits for room for a million.
type Column = Box<[OnceLock<Box<[OnceLock<Line>]>>]>;

/// Slots in a stretch.
const STRETCH: usize = 4096;

fn columns(slots: usize) -> [Column; 3] {
    let column = || (0..slots.div_ceil(STRETCH)).map(|_| OnceLock::new()).collect();
    [column(), column(), column()]
}

/// How much the lines of all segments take together.
#[derive(Debug, Default)]
pub(crate) struct Held(AtomicUsize);

impl Held {
    /// What they may take, bytes: a million of them in one language, and some in others.
    const MOST: usize = 768 << 20;

    /// Whether no more are kept until they are forgotten.
    pub(crate) fn is_full(&self) -> bool {
        self.0.load(Ordering::Relaxed) > Self::MOST
    }

    /// Notes that none is kept any more.
    pub(crate) fn emptied(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl Lines {
    /// None yet, of `slots` slots.
    pub(crate) fn new(slots: usize, held: Arc<Held>) -> Self {
        Self { slots, columns: ArcSwap::from_pointee(columns(slots)), held }
    }

    /// The line of `slot` in `lang`, as `render` wrote it first, shown to `read`.
    pub(crate) fn with<T>(
        &self,
        slot: u32,
        lang: Lang,
        render: impl FnOnce() -> Vec<u8>,
        read: impl FnOnce(&[u8]) -> T,
    ) -> T {
        let columns = self.columns.load();
        let place = self.place(&columns, slot, lang as usize);
        if let Some(line) = place.get() {
            return read(line);
        }
        let line = render();
        let shown = read(&line);
        if !self.held.is_full() && place.set(line.into()).is_ok() {
            let bytes = place.get().map_or(0, |line| line.len());
            self.held.0.fetch_add(bytes + 64, Ordering::Relaxed);
        }
        shown
    }

    /// The lines of `slot` that are written.
    pub(crate) fn written(&self, slot: u32) -> Written {
        let columns = self.columns.load();
        let (stretch, at) = (slot as usize / STRETCH, slot as usize % STRETCH);
        std::array::from_fn(|lang| columns[lang][stretch].get()?[at].get().cloned())
    }

    /// Takes over the lines that `slot` had in another segment.
    pub(crate) fn take_over(&self, slot: u32, written: Written) {
        let columns = self.columns.load();
        for (lang, line) in written.into_iter().enumerate() {
            if let Some(line) = line {
                // There is none yet: nobody but the builder knows this segment.
                let _ = self.place(&columns, slot, lang).set(line);
            }
        }
    }

    fn place<'a>(&self, columns: &'a [Column; 3], slot: u32, lang: usize) -> &'a OnceLock<Line> {
        let (stretch, at) = (slot as usize / STRETCH, slot as usize % STRETCH);
        let slots = STRETCH.min(self.slots - stretch * STRETCH);
        let none = || std::iter::repeat_with(OnceLock::new).take(slots).collect();
        &columns[lang][stretch].get_or_init(none)[at]
    }

    /// Forgets them: they come anew where they are asked for.
    pub(crate) fn forget(&self) {
        self.columns.store(Arc::new(columns(self.slots)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(lines: &Lines, slot: u32, written: &str) -> Vec<u8> {
        lines.with(slot, Lang::Id, || written.into(), <[u8]>::to_vec)
    }

    #[test]
    fn a_line_is_written_once_until_it_is_forgotten() {
        let lines = Lines::new(2, Arc::default());
        assert_eq!(line(&lines, 1, "first"), b"first");
        assert_eq!(line(&lines, 1, "second"), b"first");
        assert_eq!(line(&lines, 0, "neighbour"), b"neighbour");
        lines.forget();
        assert_eq!(line(&lines, 1, "second"), b"second");
    }

    #[test]
    fn a_listing_takes_its_lines_into_the_next_segment() {
        let (one, next) = (Lines::new(1, Arc::default()), Lines::new(3, Arc::default()));
        line(&one, 0, "first");
        next.take_over(2, one.written(0));
        assert_eq!(line(&next, 2, "second"), b"first");
        assert_eq!(line(&next, 0, "other"), b"other");
    }
}
