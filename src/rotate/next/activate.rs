//! Waiting until every replica knows the new value (rotation.md section 9).

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Case, Source, Step};
use crate::{rotate::TrialOutcome, secret::Fingerprint};

/// One success proves one replica.
const SUCCESSES: u32 = 3;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const GROWTH: f64 = 1.6;

pub(super) enum Liveness {
    Live {
        accepted: u32,
        first: DateTime<Utc>,
        last: DateTime<Utc>,
    },
    NotYet(Step),
    /// It did not become live in time, or never will.
    GivenUp,
}

/// An unbroken series of successes.
struct Series {
    first: (Duration, DateTime<Utc>),
    last: (Duration, DateTime<Utc>),
    counted: Duration,
    accepted: u32,
}

impl Case<'_> {
    /// What the token requests with a value of this run say about it; `since` is when it was made.
    pub(super) fn liveness(&self, source: Source, value: Fingerprint, since: Duration) -> Liveness {
        let deadline = self.limits.live_deadline.max(self.policy.capabilities.live_deadline.unwrap_or_default());
        let mut series: Option<Series> = None;
        let (mut count, mut last) = (0_u32, None);
        for (_, seen) in self.sight().trials.iter().filter(|(of, seen)| *of == value && seen.at >= since) {
            count += 1;
            last = Some(seen);
            match &seen.what {
                TrialOutcome::Accepted => series = Some(self.extended(series, seen.at, seen.wall)),
                TrialOutcome::Unknown => series = None,
                TrialOutcome::Expired | TrialOutcome::Wrong(_) => return Liveness::GivenUp,

                TrialOutcome::Throttled { .. } | TrialOutcome::NoEvidence(_) => {}
            }
        }
        if let Some(series) = &series {
            if series.accepted >= SUCCESSES && series.last.0 - series.first.0 >= self.limits.live_for {
                return Liveness::Live { accepted: series.accepted, first: series.first.1, last: series.last.1 };
            }
            // Silence behind the first success must end some time too.
            if series.first.0 - since > deadline
                || self.now.elapsed.saturating_sub(since) > (deadline + self.limits.live_for) * 2
            {
                return Liveness::GivenUp;
            }
        } else if self.now.elapsed.saturating_sub(since) >= deadline {
            return Liveness::GivenUp;
        }
        let pause = match last {
            Some(seen) => match &seen.what {
                TrialOutcome::Accepted => self.pause(count).max(self.limits.live_spacing),
                TrialOutcome::Throttled { retry_after } => self.pause(count).max(retry_after.unwrap_or_default()),
                _ => self.pause(count),
            },
            None => self.pause(0),
        };
        let from = last.map_or(since, |seen| seen.at);
        Liveness::NotYet(self.after(from, pause, self.try_now(source)))
    }

    fn extended(&self, series: Option<Series>, at: Duration, wall: DateTime<Utc>) -> Series {
        match series {
            None => Series { first: (at, wall), last: (at, wall), counted: at, accepted: 1 },
            Some(mut series) => {
                series.last = (at, wall);
                if at - series.counted >= self.limits.live_spacing {
                    series.counted = at;
                    series.accepted += 1;
                }
                series
            }
        }
    }

    fn pause(&self, tries: u32) -> Duration {
        let first = self.limits.live_spacing / 2;
        let longest = LONGEST_PAUSE.max(self.limits.live_spacing);
        let grown = first.mul_f64(GROWTH.powi(i32::try_from(tries.min(20)).unwrap_or(20)));
        grown.min(longest).mul_f64(0.9 + self.dice.clamp(0.0, 1.0) / 5.0)
    }
}
