//! What must hold at every instant (I1, I5, I6), and what records claim.

use std::sync::Arc;

use super::super::{
    disk::name_of,
    line::DEADLINE,
    provider::{By, Kind},
    world::{MINUTE, World},
};
use crate::rotate::{Event, Marker, Record};

impl World {
    /// The provider's credentials changed, by a call of this process or by nobody of ours.
    pub fn provider_changed(&mut self, app: usize, by: Option<usize>) {
        self.check_stores(app, by);
    }

    pub fn store_changed(&mut self, app: usize, _index: usize, by: Option<usize>) {
        self.check_stores(app, by);
    }

    /// I1: every store holds a value that is live.
    fn check_stores(&mut self, app: usize, by: Option<usize>) {
        let now = self.now;
        let notes = by.and_then(|process| self.notes(process, app).map(|notes| notes.clone()));
        let restored = self.restored;
        let Some(known) = self.apps.get_mut(app) else { return };
        let mut dead = Vec::new();
        for (index, shelf) in known.shelves.iter().enumerate() {
            let Some(value) = &shelf.value else { continue };
            if known.provider.is_live(value, now) {
                known.truth.excused.retain(|store| *store != index);
                continue;
            }
            if known.truth.excused.contains(&index) {
                continue;
            }
            let foreign = shelf.foreign
                && notes.as_ref().is_none_or(|notes| notes.read(index).is_none_or(|(_, at, _)| *at < shelf.changed));
            let taken = known.truth.taken.contains(value);
            let expired = known
                .provider
                .credentials
                .iter()
                .any(|known| known.value == *value && known.end.is_some_and(|end| end <= now));
            let gap = !known.provider.has_overlap();
            if gap && known.truth.gap.is_none() {
                known.truth.gap = Some(now);
            }
            if notes.is_none() || foreign || taken || expired || gap || restored {
                known.truth.excused.push(index);
            } else {
                dead.push(shelf.address.clone());
            }
        }
        let kind = known.provider.kind;
        if kind == Kind::Gap || kind == Kind::Grace {
            let all_live = known
                .shelves
                .iter()
                .all(|shelf| shelf.value.as_ref().is_none_or(|value| known.provider.is_live(value, now)));
            if all_live {
                known.truth.gap = None;
            }
        }
        for address in dead {
            self.violate("I1", format!("{address} holds a dead value"));
        }
    }

    /// I6: own credentials that stand, counted by marker: one in use, one being replaced, one that is not settled.
    pub fn made(&mut self, app: usize, marker: &str) {
        let now = self.now;
        let records = self.records(app);
        let Some(known) = self.apps.get(app) else { return };
        let kept = |id: &str| {
            records.iter().any(|record| match &record.event {
                Event::Closed { kept: Some(kept), .. } | Event::RolledBack { kept: Some(kept), .. } => kept == id,
                _ => false,
            })
        };
        let mut markers: Vec<&str> = known
            .provider
            .standing(now)
            .filter(|standing| standing.by == By::Us && !kept(&standing.id))
            .filter_map(|standing| standing.label.as_deref())
            .collect();
        markers.sort_unstable();
        markers.dedup();
        let count = markers.len();
        if count > 3 && known.provider.has_overlap() {
            self.violate("I6", format!("{count} credentials of ours stand after {marker}"));
        }
    }

    /// Row 3: at least three successes, nothing but successes after the first, over two minutes.
    pub(super) fn claims_live(&mut self, process: usize, app: usize) {
        let Some(notes) = self.notes(process, app).map(|notes| notes.clone()) else { return };
        let Some((last, value)) = notes.accepted.last().cloned() else {
            self.violate("N15", "a value is called live that was never accepted");
            return;
        };
        let broken = notes.refused.iter().filter(|(_, of)| *of == value).map(|(at, _)| *at).max().unwrap_or_default();
        let series: Vec<_> =
            notes.accepted.iter().filter(|(at, of)| *of == value && *at > broken).map(|(at, _)| *at).collect();
        let over = series.first().map_or(0, |first| last - first);
        // An answer may be as late as a call may take.
        if series.len() < 3 || over + DEADLINE < 2 * MINUTE {
            self.violate("N15", format!("{} successes over {} s are called live", series.len(), over / 1000));
        }
    }

    /// Row 6: the store was read with the value after the last write, and the value was accepted.
    pub(super) fn claims_ack(&mut self, process: usize, app: usize, address: &str) {
        let records = self.records(app);
        let made = records.iter().rev().find_map(|record| match &record.event {
            Event::Created { fingerprint, .. } => Some(*fingerprint),
            _ => None,
        });
        let is_back = records.iter().rev().any(|record| matches!(record.event, Event::RollingBack { .. }));
        let Some(known) = self.apps.get(app) else { return };
        let Some(index) = known.shelves.iter().position(|shelf| shelf.address == *address) else { return };
        let is_readable = known
            .shelves
            .get(index)
            .and_then(|shelf| shelf.sort.abilities())
            .is_some_and(|abilities| abilities.readable);
        if !is_readable {
            return;
        }
        let made: Option<Arc<str>> = made.and_then(|print| self.value_of(print));
        let Some(notes) = self.notes(process, app).map(|notes| notes.clone()) else { return };
        let wrote = notes.written.iter().rev().find(|(store, _)| *store == index).map_or(0, |(_, at)| *at);
        match notes.read(index) {
            Some((_, at, Some(value))) if *at >= wrote && (is_back || made.as_ref() == Some(value)) => {
                // A version that moved while the value stayed is no new delivery.
                let acked_before = records.iter().rev().skip(1).find_map(|record| match &record.event {
                    Event::StoreAcked { store, .. } if store == address => Some(true),
                    Event::StoreIntent { store, .. } | Event::StoreDrift { store, .. } if store == address => {
                        Some(false)
                    }
                    _ => None,
                });
                if acked_before != Some(true) && !notes.accepted.iter().any(|(_, of)| of == value) {
                    self.violate("ack", format!("{address} is acknowledged, and its value was not accepted"));
                }
            }
            _ => self.violate("ack", format!("{address} is acknowledged, and was not read with the value")),
        }
    }

    /// An attempt that is said never to have been made.
    pub(super) fn claims_absent(&mut self, app: usize, record: &Record, attempt: u32) {
        let markers: Vec<String> = self
            .records(app)
            .iter()
            .filter(|known| known.rotation == record.rotation)
            .filter_map(|known| match &known.event {
                Event::CreateIntent { attempt: of, marker, .. } if *of == attempt => Some(marker.to_string()),
                _ => None,
            })
            .collect();
        let Some(known) = self.apps.get(app) else { return };
        let overlaps = known.provider.has_overlap();
        let is_it = |label: &String| markers.contains(label);
        let stands = known.provider.standing(self.now).filter_map(|standing| standing.label.as_ref()).any(is_it);
        // A state put back in the middle of a run makes it send the same marker again, and forgets the first one.
        if stands && overlaps && !self.restored {
            self.violate("outcome", format!("attempt {attempt} is called absent, and stands"));
        }
    }

    pub(super) fn claims_gone(&mut self, app: usize, key_id: &str) {
        let now = self.now;
        let Some(known) = self.apps.get(app) else { return };
        if known.provider.find(key_id).is_some_and(|known| known.is_live(now)) {
            self.violate("outcome", format!("{key_id} is called removed, and stands"));
        }
    }

    /// I5: no value, nor twelve characters of one, in what is written or said.
    pub fn leaks(&mut self, place: &'static str, text: &str) {
        let found = self.values.iter().any(|(value, _)| {
            (0..value.len().saturating_sub(11))
                .step_by(7)
                .filter_map(|start| value.get(start..start + 12))
                .any(|window| text.contains(window))
        });
        if found {
            self.violate("I5", format!("{place} has a value in it"));
        }
    }

    pub(super) fn covers(&mut self, app: usize, record: &Record) {
        let records = self.records(app);
        let before = records.iter().rev().filter(|known| known.rotation == record.rotation).nth(1);
        let from = before.map_or("begin", |before| name_of(&before.event));
        *self.coverage.edges.entry((from, name_of(&record.event))).or_default() += 1;
        match &record.event {
            Event::Planned(_) if before.is_none() => self.coverage.rotations += 1,
            Event::Blocked { reason, .. } => self.coverage.block(*reason),
            Event::Closed { why, .. } => *self.coverage.ends.entry(format!("closed: {why:?}")).or_default() += 1,
            Event::Done { .. } => *self.coverage.ends.entry("done".to_owned()).or_default() += 1,
            Event::RolledBack { kept, .. } => {
                let name = if kept.is_some() { "rolled back, kept" } else { "rolled back" };
                *self.coverage.ends.entry(name.to_owned()).or_default() += 1;
            }
            _ => {}
        }
    }

    /// Credentials of ours that stand, and that no store holds and no record keeps on purpose.
    #[must_use]
    pub fn leftovers(&self, app: usize) -> Vec<String> {
        let records = self.records(app);
        let Some(known) = self.apps.get(app) else { return Vec::new() };
        let named = |id: &str| {
            records.iter().any(|record| match &record.event {
                Event::Closed { kept: Some(kept), .. } | Event::RolledBack { kept: Some(kept), .. } => kept == id,
                Event::Adopted { key_ids, .. } => key_ids.iter().any(|adopted| adopted == id),
                _ => false,
            })
        };
        let finished =
            records.iter().rev().find(|record| matches!(record.event, Event::Done { .. } | Event::Closed { .. }));
        let successor = finished.and_then(|end| {
            records.iter().rev().filter(|record| record.rotation == end.rotation).find_map(|record| {
                match &record.event {
                    Event::Created { fingerprint, .. } => Some(*fingerprint),
                    _ => None,
                }
            })
        });
        known
            .provider
            .standing(self.now)
            .filter(|standing| standing.by == By::Us && !named(&standing.id) && Some(standing.print) != successor)
            .filter(|standing| !known.shelves.iter().any(|shelf| shelf.value.as_ref() == Some(&standing.value)))
            .filter(|standing| standing.label.as_deref().is_some_and(|label| label.parse::<Marker>().is_ok()))
            .map(|standing| standing.id.clone())
            .collect()
    }
}
