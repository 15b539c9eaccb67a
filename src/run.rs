//! One run of the job: when, over what, and what it could not do.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::clock;

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Run {
    pub id: String,
    #[serde(serialize_with = "rfc3339")]
    pub started_at: DateTime<Utc>,
    /// When the run before this one began, as far as the state knows.
    #[serde(skip)]
    pub last_run: Option<DateTime<Utc>>,
    #[serde(serialize_with = "rfc3339")]
    pub finished_at: DateTime<Utc>,
    pub version: String,
    /// The files or folders named on the command line.
    pub inventory: Vec<String>,
    /// `I/N` of `--shard`.
    pub shard: Option<String>,
    /// What could not be read, judged or delivered.
    pub incomplete: Vec<Incomplete>,
}

impl Run {
    /// A run that begins, over nothing yet.
    #[must_use]
    pub fn begun(started_at: DateTime<Utc>) -> Self {
        Self {
            id: clock::new_id(),
            started_at,
            last_run: None,
            finished_at: started_at,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            inventory: Vec::new(),
            shard: None,
            incomplete: Vec::new(),
        }
    }

    /// That nobody looked for some days, in words.
    #[must_use]
    pub fn gap(&self) -> Option<String> {
        gap(self.last_run, self.started_at)
    }
}

/// Who reads a report should know that nobody looked in between.
#[must_use]
pub fn gap(last_run: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<String> {
    let days = (now - last_run?).num_days();
    (days >= 2).then(|| format!("The last run before this one was {days} days ago."))
}

/// Something the run owed and could not do: exit code 3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Incomplete {
    /// Kebab-case, stable.
    pub code: String,
    pub message: String,
}

impl Incomplete {
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

fn rfc3339<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&clock::rfc3339(*at))
}
