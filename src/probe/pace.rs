//! How quickly a host answers, and so how long a request waits for a connection before it opens one more.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// A handshake costs both sides as much as twenty requests: a twentieth of their work, once each connection has carried so
/// many on average.
const WORTH: u64 = 400;

/// The quickest of what was seen so far, microseconds: whatever else goes on here makes things slower, never quicker.
pub(super) struct Pace {
    opened: AtomicU64,
    answered: AtomicU64,
    /// How many answers there were.
    answers: AtomicU64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { opened: AtomicU64::new(u64::MAX), answered: AtomicU64::new(u64::MAX), answers: AtomicU64::new(0) }
    }
}

impl Pace {
    /// A connection was there after so long.
    pub(super) fn opened(&self, took: Duration) {
        self.opened.fetch_min(micros(took), Ordering::Relaxed);
    }

    /// A request had its answer after so long.
    pub(super) fn answered(&self, took: Duration) {
        self.answered.fetch_min(micros(took), Ordering::Relaxed);
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// A few connections keep a host busy that answers at once, and for many requests a few more do so better. From a
    /// distance every connection counts from the beginning.
    pub(super) fn patience(&self, open: usize) -> Duration {
        if self.answers.load(Ordering::Relaxed) >= WORTH.saturating_mul(open as u64) {
            return Duration::ZERO;
        }
        let answer = match self.answered.load(Ordering::Relaxed) {
            // Its round trips and its arithmetic take several times as long.
            u64::MAX => self.opened.load(Ordering::Relaxed) / 8,
            answer => answer,
        };
        Duration::from_millis(match answer {
            0..2_000 => 100,
            2_000..25_000 => 20,
            _ => 0,
        })
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_answers_at_once_is_waited_for_and_who_is_far_away_is_not() {
        let patience = |opened: u64, answered: Option<u64>| {
            let pace = Pace::default();
            pace.opened(Duration::from_millis(opened));
            answered.into_iter().for_each(|took| pace.answered(Duration::from_millis(took)));
            pace.patience(8).as_millis()
        };
        assert_eq!([3, 30, 210].map(|opened| patience(opened, None)), [100, 20, 0]);
        assert_eq!([1, 8, 100].map(|answered| patience(30, Some(answered))), [100, 20, 0]);
        assert_eq!(Pace::default().patience(8), Duration::ZERO);
    }

    #[test]
    fn a_further_connection_is_opened_once_those_there_are_have_paid_for_it() {
        let pace = Pace::default();
        (1..8 * WORTH).for_each(|_| pace.answered(Duration::from_millis(1)));
        assert_eq!(pace.patience(8), Duration::from_millis(100));
        pace.answered(Duration::from_millis(1));
        assert_eq!((pace.patience(8), pace.patience(9)), (Duration::ZERO, Duration::from_millis(100)));
    }

    #[test]
    fn the_quickest_counts() {
        let pace = Pace::default();
        [9, 1, 50].into_iter().for_each(|took| pace.answered(Duration::from_millis(took)));
        assert_eq!(pace.patience(8), Duration::from_millis(100));
    }
}
