//! Somebody who knows the whole truth, and holds every event against the invariants I1-I16.
//!
//! It looks at what truly went out and what truly stands, below the adapters: what an adapter makes the core believe counts for
//! nothing here.

mod effects;
mod removals;
mod report;
mod standing;

use std::sync::Arc;

use super::world::{Ms, World};
use crate::{
    management::Listing,
    rotate::{Event, Marker, Record, TrialOutcome},
    secret::Fingerprint,
};

/// What one process truly saw of one app.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    listed: Option<(Ms, usize)>,
    /// A listing of this run showed a marker that the journal does not know.
    unknown_marker: bool,
    reads: Vec<(usize, Ms, Option<Arc<str>>)>,
    accepted: Vec<(Ms, Arc<str>)>,
    refused: Vec<(Ms, Arc<str>)>,
    /// Ids this process made.
    made: Vec<String>,
    written: Vec<(usize, Ms)>,
}

/// What is true of one app, whatever anybody believes.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// Markers that were sent.
    sent: Vec<String>,
    /// Stores whose value is dead through no act of ours.
    excused: Vec<usize>,
    /// Since when each store has held its value by a write of ours or a person's.
    reached: Vec<(usize, Ms)>,
    /// Values that strangers removed at the provider.
    pub taken: Vec<Arc<str>>,
    /// A gap is open since.
    pub gap: Option<Ms>,
    /// What a planted bug remembers from another night.
    pub old_list: Option<Listing>,
}

impl Notes {
    fn read(&self, store: usize) -> Option<&(usize, Ms, Option<Arc<str>>)> {
        self.reads.iter().rev().find(|(of, ..)| *of == store)
    }
}

impl Truth {
    fn reached(&self, store: usize) -> Option<Ms> {
        self.reached.iter().rev().find(|(of, _)| *of == store).map(|(_, at)| *at)
    }

    pub fn reaches(&mut self, store: usize, now: Ms) {
        self.reached.push((store, now));
    }
}

impl World {
    fn notes(&mut self, process: usize, app: usize) -> Option<&mut Notes> {
        self.processes.get_mut(process)?.notes.get_mut(app)
    }

    /// The durable records of an app.
    pub fn records(&self, app: usize) -> Vec<Record> {
        let Some(app) = self.apps.get(app) else { return Vec::new() };
        self.disk.of(&app.identity).cloned().collect()
    }

    pub fn saw_list(&mut self, process: usize, app: usize, listing: &Listing) {
        let now = self.now;
        let labels = listing.credentials.iter().filter_map(|listed| listed.label.as_deref());
        let markers: Vec<Marker> = labels.filter_map(|label| label.parse().ok()).collect();
        let unknown = !markers.is_empty() && {
            let records = self.records(app);
            let knows = |marker: &Marker| {
                records
                    .iter()
                    .any(|record| matches!(&record.event, Event::CreateIntent { marker: known, .. } if known == marker))
            };
            !markers.iter().all(knows)
        };
        if let Some(notes) = self.notes(process, app) {
            notes.listed = Some((now, listing.credentials.len()));
            notes.unknown_marker |= unknown;
        }
    }

    pub fn saw_store(&mut self, process: usize, app: usize, store: usize, value: Option<Arc<str>>) {
        let now = self.now;
        if let Some(notes) = self.notes(process, app) {
            notes.reads.push((store, now, value));
        }
    }

    pub fn saw_trial(&mut self, process: usize, app: usize, value: &str, outcome: &TrialOutcome) {
        let now = self.now;
        let value: Arc<str> = value.into();
        let holds: String = value.chars().take(3).collect();
        self.note(|| format!("app {app}: {holds}… is tried: {outcome:?}"));
        let Some(notes) = self.notes(process, app) else { return };
        match outcome {
            TrialOutcome::Accepted => notes.accepted.push((now, value)),
            TrialOutcome::Unknown | TrialOutcome::Expired => notes.refused.push((now, value)),
            _ => {}
        }
    }

    pub fn got_created(&mut self, process: usize, app: usize, key_id: &str) {
        if let Some(notes) = self.notes(process, app) {
            notes.made.push(key_id.to_owned());
        }
    }

    /// The values the journal may put away for another: predecessors, and what own rotations made.
    fn is_known_value(records: &[Record], print: Fingerprint) -> bool {
        records.iter().any(|record| match &record.event {
            Event::Planned(plan) => plan.fingerprint == Some(print),
            Event::Created { fingerprint, .. } => *fingerprint == print,
            _ => false,
        })
    }

    pub(super) fn is_stale(&self, process: usize) -> bool {
        self.processes.get(process).is_none_or(|process| process.epoch != self.disk.epoch)
    }

    pub(super) fn must_not_act(&mut self, process: usize, what: &str) {
        if self.processes.get(process).is_some_and(|process| process.is_dry) {
            self.violate("I16", format!("a dry run {what}"));
        }
    }
}
