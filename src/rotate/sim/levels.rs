//! The levels of proof: every fault at every call, every pair of them, and chance.

use super::{
    coverage::Coverage,
    fault::{At, Fault, What},
    play::{Story, play},
    provider::Kind,
    random,
    rng::Rng,
    sabotage::Sabotage,
    scenario::{AppSpec, Scenario},
    shrink::shrink,
    store::Sort,
    world::{HOUR, MINUTE, SECOND},
};

/// What a level came to.
#[derive(Debug, Default)]
pub struct Summary {
    pub stories: u64,
    pub coverage: Coverage,
    /// In words, with the seed and the shortest list of faults that shows it.
    pub failures: Vec<String>,
}

/// More failures than anybody reads.
const ENOUGH: usize = 5;

pub const KINDS: [Kind; 5] = [Kind::Labelled, Kind::ByValue(true), Kind::ByValue(false), Kind::Grace, Kind::Gap];

/// One to three stores, of every sort that can be read.
pub const STORES: [&[Sort]; 6] = [
    &[Sort::Cas],
    &[Sort::File],
    &[Sort::Plain],
    &[Sort::Cas, Sort::File],
    &[Sort::File, Sort::Plain],
    &[Sort::Plain, Sort::Cas, Sort::File],
];

/// What can befall a single call.
pub const SINGLE: [What; 13] = [
    What::KillBefore,
    What::KillAfter,
    What::KillLate(40 * SECOND),
    What::KillLate(30 * HOUR),
    What::Error,
    What::LostReply,
    What::LateApply(MINUTE),
    What::LateApply(HOUR),
    What::Unanswered,
    What::Twice(SECOND),
    What::Twice(HOUR),
    What::Throttle(Some(5 * SECOND)),
    What::Delay(25 * SECOND),
];

impl Summary {
    pub fn take(&mut self, scenario: &Scenario, sabotage: Option<Sabotage>, story: Story) {
        self.stories += 1;
        self.coverage.add(story.coverage);
        if !story.violations.is_empty() && self.failures.len() < ENOUGH {
            self.failures.push(shrink(scenario, sabotage, &story.violations));
        }
    }

    #[must_use]
    pub fn is_red(&self) -> bool {
        !self.failures.is_empty()
    }

    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.failures.len() >= ENOUGH
    }

    pub fn add(&mut self, other: Self) {
        self.stories += other.stories;
        self.coverage.add(other.coverage);
        self.failures.extend(other.failures);
    }
}

#[must_use]
pub fn plain(kind: Kind, stores: &[Sort]) -> Scenario {
    Scenario::new(vec![AppSpec { kind, stores: stores.to_vec(), ..AppSpec::default() }])
}

/// L1: each fault at the 1st, 2nd, ... n-th call, until one passes clean.
#[must_use]
pub fn single(kind: Kind, stores: &[Sort], sabotage: Option<Sabotage>) -> Summary {
    let mut summary = Summary::default();
    for what in SINGLE {
        for nth in 0.. {
            let scenario = plain(kind, stores).with(&[Fault { at: At::Io(nth), what }]);
            let story = play(&scenario, sabotage, false);
            let is_clean = story.fired.is_empty() && !story.unfit;
            summary.take(&scenario, sabotage, story);
            if is_clean || summary.is_full() {
                break;
            }
        }
    }
    summary
}

/// L2: pairs of faults, the second one anywhere behind the first. `sample`: so many of them by chance.
#[must_use]
pub fn pairs(kind: Kind, stores: &[Sort], sample: Option<u64>) -> Summary {
    let mut summary = Summary::default();
    let calls = {
        let story = play(&plain(kind, stores), None, false);
        u32::try_from(story.coverage.calls).unwrap_or(u32::MAX)
    };
    // A fault makes a rotation longer, by new attempts and further nights.
    let reach = calls * 2;
    let mut run = |first: (u32, What), second: (u32, What)| {
        let faults = [Fault { at: At::Io(first.0), what: first.1 }, Fault { at: At::Io(second.0), what: second.1 }];
        let scenario = plain(kind, stores).with(&faults);
        let story = play(&scenario, None, false);
        summary.take(&scenario, None, story);
        summary.is_full()
    };
    match sample {
        Some(count) => {
            let mut rng = Rng::new(u64::from(calls) + 17);
            for _ in 0..count {
                let first = u32::try_from(rng.below(u64::from(calls))).unwrap_or_default();
                let second = first + 1 + u32::try_from(rng.below(u64::from(reach - first))).unwrap_or_default();
                let (one, two) = (rng.pick(What::KillBefore, &SINGLE), rng.pick(What::KillBefore, &SINGLE));
                if run((first, one), (second, two)) {
                    break;
                }
            }
        }
        None => {
            'all: for first in 0..calls {
                for second in first + 1..reach {
                    for one in SINGLE {
                        for two in SINGLE {
                            if run((first, one), (second, two)) {
                                break 'all;
                            }
                        }
                    }
                }
            }
        }
    }
    summary
}

/// The first of these random stories that a planted bug turns red.
#[must_use]
pub fn reddens(seeds: std::ops::Range<u64>, sabotage: Sabotage) -> Option<u64> {
    seeds.into_iter().find(|seed| !play(&random::scenario(*seed), Some(sabotage), false).violations.is_empty())
}

/// L3: random stories from these seeds.
#[must_use]
pub fn random(seeds: std::ops::Range<u64>, sabotage: Option<Sabotage>) -> Summary {
    let mut summary = Summary::default();
    for seed in seeds {
        let scenario = random::scenario(seed);
        let story = play(&scenario, sabotage, false);
        summary.take(&scenario, sabotage, story);
        if summary.is_full() {
            break;
        }
    }
    summary
}
