//! A progress bar on stderr, only where a person looks.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// Shows how many credentials are done; `None`: nobody looks.
#[derive(Debug)]
pub struct Progress(Option<ProgressBar>);

impl Progress {
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} credentials tested, {eta} left") {
            bar.set_style(style);
        }
        Self(Some(bar))
    }

    pub fn show(&self, done: usize, all: usize) {
        let Some(bar) = &self.0 else { return };
        bar.set_length(all as u64);
        bar.set_position(done as u64);
        if done == all {
            bar.finish_and_clear();
        }
    }
}
