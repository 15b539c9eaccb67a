//! Journals for the tests of reports and alerts: one rotation of one credential, day by day.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    BlockReason, ClosedBecause, Event, Gate, History, Known, Marker, Planned, PlannedStore, Record, RotationId, Writing,
};
use crate::{
    inventory::{Delivery, Destination, Rotation as OptIn},
    management::Holder,
    period::Period,
    secret::{Fingerprint, SecretRef},
};

pub(crate) const OLD: Fingerprint = Fingerprint([1; 16]);
pub(crate) const NEW: Fingerprint = Fingerprint([2; 16]);
pub(crate) const STORE: &str = "file:/etc/etl/secret";
pub(crate) const PERSON: &str = "person:ops@example.org";

/// At 03:00, where it is a day alone.
pub(crate) fn on(day: &str) -> DateTime<Utc> {
    let time = if day.contains('T') { day.to_owned() } else { format!("{day}T03:00:00Z") };
    time.parse().unwrap()
}

pub(crate) fn id() -> RotationId {
    RotationId::new(1_795_000_000_000, 7)
}

/// The inventory's part.
pub(crate) fn opted_in() -> Arc<OptIn> {
    let store = Destination::Store(SecretRef::File("/etc/etl/secret".into()));
    Arc::new(OptIn {
        before: Period::from_days(30),
        lifetime: Period::from_days(180),
        deliver_to: vec![Delivery { to: store, pick_up: None, in_place: false }],
        grace: Period::from_days(7),
        retire: true,
        retire_without_usage: false,
        abandon_after: Period::from_days(14),
        allow_gap: false,
        window: None,
        frozen: false,
    })
}

/// What these events come to.
pub(crate) fn known(events: Vec<(&str, Event)>) -> Known {
    let record = |(place, (day, event)): (usize, (&str, Event))| Record {
        rotation: id(),
        sequence: u32::try_from(place).unwrap() + 1,
        epoch: Some(1),
        at: on(day),
        provider_date: None,
        event,
    };
    let records: Vec<_> = events.into_iter().enumerate().map(record).collect();
    Known { history: History::replay(&records).unwrap(), rest: None }
}

pub(crate) fn planned(app: &str) -> Event {
    Event::Planned(Box::new(Planned {
        app: app.to_owned(),
        label: None,
        baseline: vec!["old-id".to_owned()],
        candidates: None,
        predecessor: Some("old-id".to_owned()),
        holder: Holder::Application,
        predecessor_end: Some(on("2026-12-20")),
        fingerprint: Some(OLD),
        stores: vec![PlannedStore { store: STORE.to_owned(), version: None, fingerprint: Some(OLD) }],
        end: on("2027-05-20"),
        grace: 7 * 86_400,
        repair: false,
    }))
}

/// Planned and made on one day.
pub(crate) fn made(app: &str, day: &'static str) -> Vec<(&'static str, Event)> {
    let intent = Event::CreateIntent {
        attempt: 1,
        marker: Marker::new("0193a7c2", id(), 1),
        run: "run-1".to_owned(),
        fingerprint: None,
    };
    let created =
        Event::Created { attempt: 1, key_id: Some("new-id".to_owned()), end: Some(on("2027-05-20")), fingerprint: NEW };
    vec![(day, planned(app)), (day, intent), (day, created)]
}

/// Made, and put into the first store on the same day.
pub(crate) fn placed(app: &str, day: &'static str) -> Vec<(&'static str, Event)> {
    let intent = Event::StoreIntent {
        store: STORE.to_owned(),
        what: Writing::Deliver,
        attempt: 1,
        fingerprint: NEW,
        version_before: None,
    };
    let written = Event::StoreWritten { store: STORE.to_owned(), fingerprint: NEW, version: None };
    let mut events = made(app, day);
    events.extend([(day, intent), (day, written)]);
    events
}

/// Placed, beside two secrets of which nobody knows which one the old one is.
pub(crate) fn nameless(app: &str, day: &'static str) -> Vec<(&'static str, Event)> {
    let mut events = placed(app, day);
    if let Some((_, Event::Planned(plan))) = events.first_mut() {
        plan.baseline = vec!["id-a".to_owned(), "id-b".to_owned()];
        plan.predecessor = None;
    }
    events
}

/// The gate waits for its name.
pub(crate) fn held_for_a_name() -> Event {
    Event::GateHeld { by: vec![Gate::G5], why: "nobody knows which id the old secret has; name it".to_owned() }
}

pub(crate) fn closed_with(kept: Option<&str>, why: ClosedBecause) -> Event {
    Event::Closed { kept: kept.map(str::to_owned), why, unacked: vec![] }
}

/// Placed, and handed over to a person on the same day.
pub(crate) fn handed_over(app: &str, day: &'static str, due: &str) -> Vec<(&'static str, Event)> {
    let mut events = placed(app, day);
    events.push((day, Event::HandOver { store: PERSON.to_owned(), due: on(due) }));
    events
}

pub(crate) fn blocked(reason: BlockReason) -> Event {
    Event::Blocked { reason, why: "something is in the way".to_owned() }
}
