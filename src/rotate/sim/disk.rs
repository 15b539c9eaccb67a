//! The journal, in memory, with everything a disk and a lock can do to it.

use super::{
    fault::{Op, What},
    line::Line,
    world::{MINUTE, Ms, World},
};
use crate::rotate::{Entry, Event, Journal, JournalFault, Record};

/// What is durable, and who holds the lock.
#[derive(Debug, Default)]
pub struct Disk {
    pub records: Vec<(String, Record)>,
    pub epoch: u64,
    pub holder: Option<usize>,
}

/// A lease ends after this much silence.
pub const LEASE: Ms = 10 * MINUTE;

/// More records than any story needs.
const MOST: usize = 1500;

pub const INSTALLATION: &str = "5eed5eed-0000-4000-8000-000000000000";

impl Disk {
    pub fn of(&self, identity: &str) -> impl DoubleEndedIterator<Item = &Record> {
        let identity = identity.to_owned();
        self.records.iter().filter(move |(of, _)| *of == identity).map(|(_, record)| record)
    }

    pub fn push(&mut self, entry: &Entry<'_>) -> Record {
        let last = self.of(entry.identity).rfind(|record| record.rotation == entry.rotation);
        let record = Record {
            rotation: entry.rotation,
            sequence: last.map_or(1, |last| last.sequence + 1),
            epoch: entry.epoch,
            at: entry.at,
            provider_date: entry.provider_date,
            event: entry.event.clone(),
        };
        self.records.push((entry.identity.to_owned(), record.clone()));
        record
    }
}

impl World {
    /// The lock, if it is to be had: its epoch.
    pub fn acquire(&mut self, process: usize) -> Option<u64> {
        let now = self.now;
        if let Some(holder) = self.disk.holder.and_then(|holder| self.processes.get(holder)) {
            let is_silent = holder.paused_until > now && holder.paused_until - now > LEASE;
            if !holder.is_dead && !holder.is_over && !is_silent {
                return None;
            }
        }
        self.disk.holder = Some(process);
        self.disk.epoch += 1;
        Some(self.disk.epoch)
    }
}

pub struct SimJournal {
    pub line: Line,
}

#[must_use]
pub const fn name_of(event: &Event) -> &'static str {
    match event {
        Event::Planned(_) => "planned",
        Event::CreateIntent { .. } => "create-intent",
        Event::Created { .. } => "created",
        Event::CreateUnknown { .. } => "create-unknown",
        Event::CreateRefused { .. } => "create-refused",
        Event::AttemptClosed { .. } => "attempt-closed",
        Event::Live { .. } => "live",
        Event::StoreIntent { .. } => "store-intent",
        Event::StoreWritten { .. } => "store-written",
        Event::StoreRefused { .. } => "store-refused",
        Event::StoreFenced { .. } => "store-fenced",
        Event::PredecessorSeen { .. } => "predecessor-seen",
        Event::StoreAcked { .. } => "store-acked",
        Event::StoreDrift { .. } => "store-drift",
        Event::CopyLeft { .. } => "copy-left",
        Event::CopyGone { .. } => "copy-gone",
        Event::GraceStarted { .. } => "grace-started",
        Event::StoresGood { .. } => "stores-good",
        Event::Audited { .. } => "audited",
        Event::GateHeld { .. } => "gate-held",
        Event::RetireIntent { .. } => "retire-intent",
        Event::Retired { .. } => "retired",
        Event::RemoveIntent { .. } => "remove-intent",
        Event::OrphanRemoved { .. } => "orphan-removed",
        Event::OrphanLeft { .. } => "orphan-left",
        Event::Repair { .. } => "repair",
        Event::HandOver { .. } => "hand-over",
        Event::Claimed { .. } => "claimed",
        Event::Revealed { .. } => "revealed",
        Event::Confirmed { .. } => "confirmed",
        Event::RetireAsked { .. } => "retire-asked",
        Event::PredecessorNamed { .. } => "predecessor-named",
        Event::Adopted { .. } => "adopted",
        Event::Behind { .. } => "behind",
        Event::CaughtUp {} => "caught-up",
        Event::Blocked { .. } => "blocked",
        Event::Resolved { .. } => "resolved",
        Event::RollingBack { .. } => "rolling-back",
        Event::RollingForward { .. } => "rolling-forward",
        Event::RolledBack { .. } => "rolled-back",
        Event::Closed { .. } => "closed",
        Event::Done { .. } => "done",
    }
}

fn full() -> JournalFault {
    JournalFault::Io("no space left on device".to_owned())
}

impl Journal for SimJournal {
    fn installation(&self) -> String {
        INSTALLATION.to_owned()
    }

    fn of(&self, identity: &str) -> Result<Vec<Record>, JournalFault> {
        Ok(self.line.world.with(|world| world.disk.of(identity).cloned().collect()))
    }

    fn identities(&self) -> Result<Vec<String>, JournalFault> {
        let mut all: Vec<_> =
            self.line.world.with(|world| world.disk.records.iter().map(|(identity, _)| identity.clone()).collect());
        all.sort();
        all.dedup();
        Ok(all)
    }

    fn append(&self, entry: Entry<'_>) -> Result<Record, JournalFault> {
        let name = name_of(entry.event);
        let process = self.line.process;
        let what = self.line.world.with(|world| {
            if world.processes.get(process).is_none_or(|process| process.is_dead) || !world.violations.is_empty() {
                return Err(full());
            }
            if world.disk.records.len() > MOST {
                world.violate("I10", "the journal grows without end");
                return Err(full());
            }
            let what = world.faults.meet(Op::Append, Some(name));
            if let Some(what) = what {
                let app = world.apps.iter().position(|app| app.identity == entry.identity);
                world.disturb();
                world.trouble(app.filter(|_| !what.is_everybodys()));
                world.note(|| format!("fault: {} at the append of {name}", what.name()));
            }
            if entry.epoch.is_some_and(|epoch| epoch != world.disk.epoch) {
                return Err(JournalFault::Stale);
            }
            Ok(what)
        })?;
        match what {
            Some(What::KillBefore) => {
                self.line.kill();
                return Err(full());
            }
            Some(What::Error) => return Err(full()),
            _ => {}
        }
        let record = self.line.world.with(|world| {
            let record = world.disk.push(&entry);
            world.note(|| format!("{}: {:?}", entry.identity, record.event));
            world.appended(process, entry.identity, &record);
            record
        });
        match what {
            Some(What::KillAfter) => {
                self.line.kill();
                Err(full())
            }
            Some(What::LostReply) => Err(full()),
            _ => Ok(record),
        }
    }
}
