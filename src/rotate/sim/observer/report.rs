//! What a run says of its apps, whom one app's trouble befalls, and where values go (I11, I12, I13).

use chrono::{DateTime, Utc};

use super::super::{
    person::{goes_back, open_rotation},
    world::{World, utc},
};
use crate::{
    exit::Exit,
    rotate::{Event, Outcome, Record, RotationId, Turn, Why, told::Line},
    text::printable,
};

impl World {
    /// I11: whatever is not over is told with its age, its next step and whose turn it is; what needs somebody is no clean end.
    pub fn reported(&mut self, process: usize, app: usize, outcome: &Outcome, line: &Line, now: DateTime<Utc>) {
        // Who was taken over tells what it knew, and so does who had another journal.
        if self.is_stale(process) || self.restored {
            return;
        }
        let records = self.records(app);
        if let Some(open) = open_rotation(&records) {
            let shown = outcome.history.noteworthy().filter(|shown| shown.id == open || shown.blocked.is_some());
            let is_told = shown.is_some_and(|shown| {
                let status = shown.status("'an app'", now);
                let needs_command = matches!(status.turn, Turn::Person(_) | Turn::Admin);
                let begun = records.iter().find(|record| record.rotation == shown.id).map(|record| record.at);
                line.text.contains(status.stage.name())
                    && !status.next.is_empty()
                    && line.text.contains(&printable(&status.next))
                    && (!needs_command || status.command.is_some_and(|command| command.contains("'an app'")))
                    && begun == Some(shown.begun_at)
            });
            if !is_told {
                self.violate("I11", format!("app {app}: {open} is not over, and the run says: {}", line.text));
            }
        }
        let started = self.processes.get(process).map_or(now, |process| utc(process.started));
        let is_overdue = !self.jumped && is_overdue(&records, started);
        let needs_somebody = is_blocked(&records) || has_orphan(&records) || is_overdue;
        if needs_somebody && line.exit == Exit::Clean {
            self.violate("I11", format!("app {app}: somebody is needed, and the run ends clean: {}", line.text));
        }
    }

    /// I12: an app for which nothing went wrong is left in nobody else's trouble.
    pub fn leaves(&mut self, app: usize, why: &Why) {
        let in_trouble = matches!(
            why,
            Why::Provider(_)
                | Why::Store { .. }
                | Why::Journal(_)
                | Why::Interrupted
                | Why::Internal(_)
                | Why::ClockSkew(_)
                | Why::AttemptFailed(_)
                | Why::OrphanLeft { .. }
        );
        if in_trouble && self.apps.get(app).is_some_and(|app| !app.troubled) {
            self.violate("I12", format!("app {app} had no trouble of its own, and is left with {why:?}"));
        }
    }

    /// I13: a value goes to its own app's places.
    pub fn goes_to(&mut self, app: usize, value: &str, place: &str) {
        if let Some(home) = self.homes.get(value).copied().filter(|home| *home != app) {
            self.violate("I13", format!("{place} of app {app} gets a value of app {home}"));
        }
    }
}

fn is_end(event: &Event) -> bool {
    matches!(event, Event::Done { .. } | Event::Closed { .. } | Event::RolledBack { .. })
}

fn is_blocked(records: &[Record]) -> bool {
    let mut blocked: Option<RotationId> = None;
    for record in records {
        match &record.event {
            Event::Blocked { .. } => blocked = Some(record.rotation),
            event if blocked == Some(record.rotation) && (is_end(event) || matches!(event, Event::Resolved { .. })) => {
                blocked = None;
            }
            _ => {}
        }
    }
    blocked.is_some()
}

fn has_orphan(records: &[Record]) -> bool {
    let mut left: Vec<(RotationId, u32)> = Vec::new();
    for record in records {
        match &record.event {
            Event::OrphanLeft { attempt, .. } => left.push((record.rotation, *attempt)),
            Event::OrphanRemoved { attempt, .. } => left.retain(|of| *of != (record.rotation, *attempt)),
            _ => {}
        }
    }
    !left.is_empty()
}

/// A hand-over that was due before this run began, and that nobody has acknowledged.
fn is_overdue(records: &[Record], started: DateTime<Utc>) -> bool {
    let Some(open) = open_rotation(records) else { return false };
    let of_it: Vec<&Record> = records.iter().filter(|record| record.rotation == open).collect();
    if goes_back(of_it.iter().map(|record| &record.event)) {
        return false;
    }
    of_it.iter().enumerate().any(|(place, record)| {
        let Event::HandOver { store, due } = &record.event else { return false };
        let is_acked = |later: &&Record| match &later.event {
            Event::StoreAcked { store: of, .. } | Event::HandOver { store: of, .. } => of == store,
            _ => false,
        };
        *due < started && !of_it.iter().skip(place + 1).any(is_acked)
    })
}
