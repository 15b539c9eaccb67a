//! What one run leaves for the next: verdicts, since when a finding stands, who was told what.
//!
//! Nothing here is needed to judge: a state that cannot be opened costs silence (everything due is told as
//! new, exit code 3), never a finding. No secret value is ever stored.

mod continuity;
mod file;
mod forecast;
mod journal;
mod memory;
mod rows;
mod sqlite;

pub use continuity::{Vanished, vanished};
pub use file::RunLock;
pub use forecast::forecast;
pub use journal::SqliteJournal;
pub use memory::{Changes, Ends, Memory, Night, Remembered};
pub use sqlite::Sqlite;

use std::{collections::HashMap, path::PathBuf};

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{
    assess::{Severity, Verdict},
    run::Incomplete,
};

/// A state backend; each in a file of its own. Every writing method is one transaction, durable when it returns.
pub trait State: Send {
    fn installation(&self) -> &Installation;

    /// Keeps other runs out until dropped; the kernel frees it when the process dies.
    ///
    /// # Errors
    /// [`StateFault::Locked`] while another run holds it.
    fn lock(&self) -> Result<RunLock, StateFault>;

    /// The newest run that came to its end.
    ///
    /// # Errors
    /// A state that cannot be read.
    fn last_run(&mut self) -> Result<Option<PastRun>, StateFault>;

    /// The newest run that came to its end with everything judged and delivered.
    ///
    /// # Errors
    /// A state that cannot be read.
    fn last_success(&mut self) -> Result<Option<DateTime<Utc>>, StateFault>;

    /// # Errors
    /// A state that cannot be read.
    fn memory(&mut self) -> Result<Memory, StateFault>;

    /// Writes what a run learned ([`Memory::learn`]), before anybody is told.
    ///
    /// # Errors
    /// A state that cannot be written; nothing of it is kept then.
    fn record(&mut self, run_id: &str, night: &Night<'_>, changes: &Changes) -> Result<(), StateFault>;

    /// Writes how a recorded run ended.
    ///
    /// # Errors
    /// A state that cannot be written.
    fn finish(&mut self, run_id: &str, end: RunEnd) -> Result<(), StateFault>;

    /// # Errors
    /// A state that cannot be read.
    fn told(&mut self) -> Result<Vec<Told>, StateFault>;

    /// Recipients (channel, person) that are owed a message, and since when.
    ///
    /// # Errors
    /// A state that cannot be read.
    fn owed(&mut self) -> Result<HashMap<(String, String), DateTime<Utc>>, StateFault>;

    /// Writes what recipients now know and are owed.
    ///
    /// # Errors
    /// A state that cannot be written.
    fn tell(&mut self, news: &[News]) -> Result<(), StateFault>;

    /// Changes over time, of one app or of all, by app, label and time.
    ///
    /// # Errors
    /// A state that cannot be read.
    fn history(&mut self, app: Option<&str>) -> Result<Vec<Change>, StateFault>;
}

/// This installation, told apart from others.
#[derive(Clone)]
pub struct Installation {
    pub id: String,
    /// Random key of the fingerprints: without it a fingerprint says nothing about the value.
    pub key: [u8; 32],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRun {
    pub id: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub exit: u8,
}

/// How a run ended.
#[derive(Debug, Clone, Copy)]
pub struct RunEnd {
    pub at: DateTime<Utc>,
    pub exit: u8,
    /// It judged and delivered everything.
    pub complete: bool,
}

/// Which finding one recipient was told about, and how bad it was then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub channel: String,
    /// Lower-case address; empty for a webhook.
    pub person: String,
    pub app: String,
    /// Empty where the app has one credential.
    pub label: String,
    pub code: String,
    pub severity: Severity,
    /// The smallest of the thresholds (days) that had been crossed.
    pub days: Option<u16>,
    pub at: DateTime<Utc>,
    /// The address was refused for good: told again with the next message that is due.
    pub refused: bool,
}

/// A change of what a recipient knows or is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    Knows(Told),
    Forgets(Told),
    /// A message could not be sent; the first time counts.
    Owed {
        channel: String,
        person: String,
        since: DateTime<Utc>,
    },
    Settled {
        channel: String,
        person: String,
    },
}

/// One line of a credential's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub app: String,
    pub label: String,
    pub at: DateTime<Utc>,
    /// `None`: no longer in the inventory.
    pub judged: Option<(Verdict, Severity)>,
    pub ends: Ends,
}

/// Why there is no state. The texts name files, never a value.
#[derive(Debug, Error)]
pub enum StateFault {
    #[error("another run holds the lock {}; it is freed when that run ends", .0.display())]
    Locked(PathBuf),
    #[error("`{scheme}:` states are not in this build; use `sqlite:PATH`")]
    Unsupported { scheme: String },
    #[error("a state is named `sqlite:PATH`, as in `sqlite:/var/lib/credwatch/state.db`")]
    NotAUrl,
    #[error("no folder for the state: set XDG_STATE_HOME or HOME, or name one with --state sqlite:PATH")]
    NoFolder,
    #[error(
        "{} lies on a network file system, where SQLite's locks do not hold; name a local file with --state sqlite:PATH",
        .0.display()
    )]
    NetworkFileSystem(PathBuf),
    #[error("{} is no credwatch state or is damaged ({reason}); restore it from a backup, or move it away to begin anew", .path.display())]
    Corrupt { path: PathBuf, reason: String },
    #[error("{} was written by a newer credwatch (schema {found}, this one knows {known}); update credwatch", .path.display())]
    Future { path: PathBuf, found: i64, known: i64 },
    #[error("{}: {reason}", .path.display())]
    Io { path: PathBuf, reason: String },
}

impl StateFault {
    /// The user named a state that cannot be one (exit code 2); any other fault leaves a run without memory (3).
    const fn is_usage(&self) -> bool {
        matches!(self, Self::Unsupported { .. } | Self::NotAUrl)
    }
}

/// Opens the state at `url` (`sqlite:PATH`), by default `$XDG_STATE_HOME/credwatch/state.db`; creates it where
/// there is none.
///
/// # Errors
/// Why it cannot be used.
pub fn open(url: Option<&str>) -> Result<Box<dyn State>, StateFault> {
    Ok(Box::new(Sqlite::open(&location(url)?)?))
}

/// The file behind a state's name.
///
/// # Errors
/// A name that is none, or no place for the default.
pub fn location(url: Option<&str>) -> Result<PathBuf, StateFault> {
    let Some(url) = url else { return file::default_path() };
    match url.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => Ok(PathBuf::from(path)),
        Some((scheme @ ("postgres" | "postgresql"), _)) => Err(StateFault::Unsupported { scheme: scheme.to_owned() }),
        _ => Err(StateFault::NotAUrl),
    }
}

/// What a run begins with.
pub struct Begun {
    pub state: Box<dyn State>,
    pub memory: Memory,
    /// `None`: a state that lasts no longer than the run knows of no rotation, and must begin none.
    pub journal: Option<SqliteJournal>,
    pub last_run: Option<PastRun>,
    pub last_success: Option<DateTime<Utc>>,
    /// Drop it last.
    pub lock: RunLock,
    /// `state-unavailable`: the run goes on, with an empty memory that lasts as long as it does.
    pub incomplete: Option<Incomplete>,
}

/// Locks and reads the state for a run. A state that cannot be used must not hide a finding: the run then gets an
/// empty one in memory, tells everything due as new, and ends with exit code 3.
///
/// # Errors
/// [`StateFault::Locked`] (exit code 75), and a state that cannot be one (2).
pub fn begin(url: Option<&str>) -> Result<Begun, StateFault> {
    match begin_with(url) {
        Ok(begun) => Ok(begun),
        Err(fault @ StateFault::Locked(_)) => Err(fault),
        Err(fault) if fault.is_usage() => Err(fault),
        Err(fault) => {
            // The lock lies beside the state and may be had all the same; where it cannot, nothing is shared.
            let lock = match location(url).map(|path| file::lock(&path)) {
                Ok(Ok(lock)) => lock,
                Ok(Err(fault @ StateFault::Locked(_))) => return Err(fault),
                _ => RunLock::none(),
            };
            Ok(Begun { lock, incomplete: Some(unavailable(&fault)), ..forgetful()? })
        }
    }
}

/// The beginning of a run that remembers nothing and leaves nothing behind.
///
/// # Errors
/// None is known; SQLite's signatures have them.
pub fn forgetful() -> Result<Begun, StateFault> {
    let state = Box::new(Sqlite::in_memory()?);
    Ok(Begun {
        state,
        memory: Memory::default(),
        journal: None,
        last_run: None,
        last_success: None,
        lock: RunLock::none(),
        incomplete: None,
    })
}

fn begin_with(url: Option<&str>) -> Result<Begun, StateFault> {
    let path = location(url)?;
    let mut state = Sqlite::open(&path)?;
    let lock = state.lock()?;
    let memory = state.memory()?;
    let journal = Some(state.journal(&path)?);
    let last_run = state.last_run()?;
    let last_success = state.last_success()?;
    Ok(Begun { state: Box::new(state), memory, journal, last_run, last_success, lock, incomplete: None })
}

/// How a run reports a state it could not read or write.
#[must_use]
pub fn unavailable(fault: &StateFault) -> Incomplete {
    Incomplete::new("state-unavailable", format!("the state could not be used: {fault}"))
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
