//! Bars: how far a command is, on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// What makes bars, or hides them where nobody looks.
#[derive(Debug, Clone, Copy)]
pub struct Bars {
    /// Whether somebody looks.
    pub show: bool,
}

impl Bars {
    /// A bar of `size` bytes, where that is known.
    pub fn bytes(self, what: &str, size: Option<u64>) -> ProgressBar {
        self.bar(what, size, "{msg:20} {wide_bar} {bytes}/{total_bytes} {eta}")
    }

    /// A bar of `size` things.
    pub fn count(self, what: &str, size: u64) -> ProgressBar {
        self.bar(what, Some(size), "{msg:20} {wide_bar} {pos}/{len} {eta}")
    }

    fn bar(self, what: &str, size: Option<u64>, template: &str) -> ProgressBar {
        if !self.show {
            return ProgressBar::hidden();
        }
        let bar = size.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.with_message(what.to_owned())
    }
}
