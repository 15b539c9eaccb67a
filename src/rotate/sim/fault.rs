//! What goes wrong, and at which call to the outside.

use std::collections::BTreeMap;

use super::world::Ms;

/// The kinds of calls a rotation makes to the outside. Each call is one point where a fault can be planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    List,
    Constraints,
    Create,
    Remove,
    Current,
    Usage,
    Try,
    Read,
    Write,
    Previous,
    Writable,
    Tidy,
    Append,
}

/// Which call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The n-th of all, from 0.
    Io(u32),
    /// The n-th of its kind, from 0.
    Nth(Op, u32),
    /// The n-th append of this kind of record, from 0.
    Append(&'static str, u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// The process dies, and nothing happened.
    KillBefore,
    /// The process dies, and it happened.
    KillAfter,
    /// The process dies, and it happens later.
    KillLate(Ms),
    /// A definite no; of a read: no answer.
    Error,
    /// It happened, and nobody answers.
    LostReply,
    /// It happens later, and nobody answers.
    LateApply(Ms),
    /// Nobody answers, and nothing happens.
    Unanswered,
    /// A proxy sends it a second time, this much later.
    Twice(Ms),
    Throttle(Option<Ms>),
    /// Slow, within the deadline.
    Delay(Ms),
    /// The whole process stands still after it happened (SIGSTOP, a virtual machine that moves).
    Pause(Ms),
    /// The adapter has a defect.
    Panics,
}

impl What {
    /// Whether this means something for such a call.
    #[must_use]
    pub const fn fits(self, op: Op) -> bool {
        let is_effect = matches!(op, Op::Create | Op::Remove | Op::Write);
        match self {
            Self::KillBefore => true,
            Self::KillAfter | Self::LostReply => is_effect || matches!(op, Op::Append),
            Self::KillLate(_) | Self::LateApply(_) | Self::Unanswered => is_effect,
            Self::Twice(_) => matches!(op, Op::Create | Op::Write),
            Self::Error => !matches!(op, Op::Writable | Op::Usage),
            Self::Throttle(_) => matches!(op, Op::List | Op::Create | Op::Remove | Op::Try | Op::Current),
            Self::Delay(_) | Self::Pause(_) | Self::Panics => !matches!(op, Op::Append),
        }
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KillBefore => "kill before",
            Self::KillAfter => "kill after",
            Self::KillLate(_) => "kill, applied late",
            Self::Error => "error",
            Self::LostReply => "lost reply",
            Self::LateApply(_) => "no reply, applied late",
            Self::Unanswered => "no reply, not applied",
            Self::Twice(_) => "replayed",
            Self::Throttle(_) => "throttled",
            Self::Delay(_) => "slow",
            Self::Pause(_) => "paused",
            Self::Panics => "panic",
        }
    }

    /// Whether it befalls the whole process, and not one app's call alone.
    #[must_use]
    pub const fn is_everybodys(self) -> bool {
        self.kills() || matches!(self, Self::Pause(_))
    }

    #[must_use]
    pub const fn kills(self) -> bool {
        matches!(self, Self::KillBefore | Self::KillAfter | Self::KillLate(_))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub at: At,
    pub what: What,
}

/// The planned faults of one scenario, and what has come of them.
#[derive(Debug, Default)]
pub struct Faults {
    planned: Vec<Fault>,
    io: u32,
    of_kind: BTreeMap<Op, u32>,
    appended: BTreeMap<&'static str, u32>,
    /// Which fault at which kind of call.
    pub fired: Vec<(Op, What)>,
    /// A fault met a call for which it means nothing.
    pub unfit: bool,
}

impl Faults {
    #[must_use]
    pub fn new(planned: Vec<Fault>) -> Self {
        Self { planned, ..Self::default() }
    }

    /// Calls so far.
    #[must_use]
    pub const fn calls(&self) -> u32 {
        self.io
    }

    /// Counts a call and says what happens to it.
    pub fn meet(&mut self, op: Op, record: Option<&'static str>) -> Option<What> {
        let io = self.io;
        self.io += 1;
        let count = self.of_kind.entry(op).or_default();
        let nth = *count;
        *count += 1;
        let appended = record.map(|name| {
            let count = self.appended.entry(name).or_default();
            *count += 1;
            (name, *count - 1)
        });
        let is_met = |at: At| match at {
            At::Io(number) => number == io,
            At::Nth(of, number) => of == op && number == nth,
            At::Append(name, number) => appended == Some((name, number)),
        };
        let place = self.planned.iter().position(|fault| is_met(fault.at))?;
        let what = self.planned.get(place)?.what;
        if !what.fits(op) {
            self.unfit = true;
            return None;
        }
        self.fired.push((op, what));
        Some(what)
    }
}
