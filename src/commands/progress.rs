//! A progress bar on stderr, only where a person looks.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// Shows how many credentials are done.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} credentials tested, {eta} left") {
            bar.set_style(style);
        }
        Self(bar)
    }

    pub fn show(&self, done: usize, all: usize) {
        self.0.set_length(all as u64);
        self.0.set_position(done as u64);
        if done == all {
            self.0.finish_and_clear();
        }
    }
}
