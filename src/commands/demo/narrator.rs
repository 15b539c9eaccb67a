//! A journal that says aloud what is written into it.

use std::{io::Write, time::Duration};

use crate::{
    clock,
    rotate::{Entry, Event, Journal, JournalFault, Record},
};

/// How long both secrets live in the demo.
pub(super) const GRACE: Duration = Duration::from_secs(3);

pub(super) struct Narrator<'a> {
    journal: &'a dyn Journal,
    quiet: bool,
}

impl<'a> Narrator<'a> {
    pub(super) const fn new(journal: &'a dyn Journal, quiet: bool) -> Self {
        Self { journal, quiet }
    }

    /// Whoever closed the pipe reads no more: the rotation goes on all the same.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(anstream::stdout(), "{text}");
        }
    }

    pub(super) fn step(&self, what: &str, text: &str) {
        self.say(&format!("  {what:<10} {text}"));
    }

    fn tell(&self, event: &Event) {
        match event {
            Event::Planned(plan) => {
                let old = plan.predecessor.as_deref().unwrap_or("unknown");
                self.step(
                    "planned",
                    &format!("replace the secret with key id {old} by one that ends {}", clock::rfc3339(plan.end)),
                );
            }
            Event::Created { key_id, .. } => {
                let new = key_id.as_deref().unwrap_or("unknown");
                self.step("created", &format!("key id {new}; the value is in memory only, the old one still works"));
            }
            Event::Live { accepted, first, last, .. } => {
                let seconds = (*last - *first).num_milliseconds().max(0);
                self.step(
                    "live",
                    &format!(
                        "the token endpoint accepted it {accepted} times without a refusal between, over {}.{} s",
                        seconds / 1_000,
                        seconds % 1_000 / 100
                    ),
                );
            }
            Event::StoreWritten { .. } => self.step("delivered", "to the file, which held the old value until then"),
            Event::StoreAcked { .. } => {
                self.step("tested", "read back from the file, and the value as read is accepted");
            }
            Event::GraceStarted { .. } => self.step(
                "grace",
                &format!(
                    "both secrets work for {} s (default: 7 days), while consumers pick the new one up",
                    GRACE.as_secs()
                ),
            ),
            Event::StoresGood { .. } => self.step("looked", "the file still holds the new value, and it is accepted"),
            Event::Retired { key_id, .. } => self.step("removed", &format!("the old secret, by its key id {key_id}")),
            _ => {}
        }
    }
}

impl Journal for Narrator<'_> {
    fn installation(&self) -> String {
        self.journal.installation()
    }

    fn of(&self, identity: &str) -> Result<Vec<Record>, JournalFault> {
        self.journal.of(identity)
    }

    fn identities(&self) -> Result<Vec<String>, JournalFault> {
        self.journal.identities()
    }

    fn append(&self, entry: Entry<'_>) -> Result<Record, JournalFault> {
        let record = self.journal.append(entry)?;
        self.tell(&record.event);
        Ok(record)
    }
}
