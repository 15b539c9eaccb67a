use chrono::Utc;

use super::*;
use crate::rotate::{BlockReason, Event, RotationId};

impl SqliteJournal {
    fn damage(&self, statement: &str) {
        let connection = self.connection();
        connection.execute_batch("DROP TRIGGER rotation_event_stays; DROP TRIGGER rotation_event_remains;").unwrap();
        connection.execute_batch(statement).unwrap();
    }
}

fn at() -> DateTime<Utc> {
    "2026-11-21T03:00:00Z".parse().unwrap()
}

fn entry<'a>(sequence: u128, epoch: Option<u64>, event: &'a Event) -> Entry<'a> {
    Entry { identity: "entra/t/c", rotation: RotationId::new(1, sequence), epoch, at: at(), provider_date: None, event }
}

fn filled() -> SqliteJournal {
    let journal = SqliteJournal::in_memory().unwrap();
    let epoch = journal.take_epoch().unwrap();
    for run in ["a", "b", "c"] {
        let event = Event::StoresGood { run: run.to_owned(), requests: Vec::new() };
        journal.append(entry(1, Some(epoch), &event)).unwrap();
    }
    journal
}

#[test]
fn records_come_back_in_order_with_what_they_said() {
    let journal = filled();
    let records = journal.of("entra/t/c").unwrap();
    assert_eq!(records.iter().map(|record| record.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(records[2].event, Event::StoresGood { run: "c".to_owned(), requests: Vec::new() });
    assert_eq!(records[0].at, at());
    assert_eq!(journal.identities().unwrap(), ["entra/t/c"]);
    assert!(journal.of("another").unwrap().is_empty());
}

#[test]
fn who_was_overtaken_appends_nothing_and_a_person_needs_no_lock() {
    let journal = filled();
    let event = Event::Blocked { reason: BlockReason::StoreFight, why: "x".to_owned() };
    let second = journal.take_epoch().unwrap();
    assert_eq!(journal.append(entry(1, Some(second - 1), &event)), Err(JournalFault::Stale));
    assert!(journal.append(entry(1, Some(second), &event)).is_ok());
    assert!(journal.append(entry(1, None, &event)).is_ok());
    assert_eq!(journal.of("entra/t/c").unwrap().len(), 5);
}

#[test]
fn rows_are_never_changed_or_removed() {
    let journal = filled();
    for statement in ["UPDATE rotation_event SET at = 1", "DELETE FROM rotation_event"] {
        assert!(journal.connection().execute_batch(statement).is_err(), "{statement}");
    }
}

#[test]
fn damage_is_never_taken_for_an_empty_journal() {
    for (statement, says) in [
        ("UPDATE rotation_event SET body = replace(body, '\"b\"', '\"d\"') WHERE sequence = 2", "was changed"),
        ("UPDATE rotation_event SET body = '{' WHERE sequence = 3", "was changed"),
        ("DELETE FROM rotation_event WHERE sequence = 1", "is missing"),
        ("DELETE FROM rotation_event WHERE sequence = 2", "is missing"),
        ("UPDATE rotation_event SET at = at - 1 WHERE sequence = 1", "was changed"),
    ] {
        let journal = filled();
        journal.damage(statement);
        let fault = journal.of("entra/t/c").unwrap_err();
        assert!(
            matches!(&fault, JournalFault::Corrupt { reason, .. } if reason.contains(says)),
            "{statement}: {fault}"
        );
    }
}
