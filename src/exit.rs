//! Exit codes: the truth about a run, for cron, CI and scripts.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything was judged, nothing at or above `--fail-on`.
    Clean,
    /// Findings at or above `--fail-on`.
    Findings,
    /// Wrong usage, inventory or settings: nothing was tested.
    Usage,
    /// A credential could not be judged, or a report or message could not be delivered.
    Incomplete,
    /// Another run holds the lock (`EX_TEMPFAIL` of sysexits.h).
    Locked,
    /// Ended by SIGINT; what was done is recorded.
    Interrupted,
    /// Ended by SIGTERM; what was done is recorded.
    Terminated,
}

impl Exit {
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Incomplete => 3,
            Self::Locked => 75,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// The worse of two ends: findings before what could not be done.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let rank = |exit| match exit {
            Self::Clean => 0,
            Self::Incomplete => 1,
            Self::Findings => 2,
            _ => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
