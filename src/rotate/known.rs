//! What a run knows of one credential's rotations, and what in it deserves a word. Pure.

use chrono::{DateTime, Utc};

use super::{Attempt, BlockReason, End, HandOver, History, Made, Rest, Rotation, Why};
use crate::{management::KeyId, secret::Fingerprint};

/// What a run knows; the default knows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub history: History,
    /// How far this run came; `None`: it did not try.
    pub rest: Option<Rest>,
}

/// A value that we made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own<'a> {
    pub made: &'a Made,
    pub made_at: DateTime<Utc>,
    /// When it was last put anywhere, else when it was made: until a while after it, not every server may know it.
    pub new_at: DateTime<Utc>,
}

/// Why nothing goes on until a person has looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    pub reason: BlockReason,
    pub why: &'a str,
    /// `None`: before a rotation could begin, or its journal cannot be read.
    pub rotation: Option<&'a Rotation>,
}

impl Known {
    /// Whether there is nothing to say at all.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.history.rotations.is_empty() && self.history.behind.is_none() && self.rest.is_none()
    }

    /// Which of our own values this is.
    #[must_use]
    pub fn own(&self, value: Fingerprint) -> Option<Own<'_>> {
        self.history.rotations.iter().rev().find_map(|rotation| {
            let is_it = |attempt: &&Attempt| attempt.created.as_ref().is_some_and(|made| made.fingerprint == value);
            let attempt = rotation.attempts.iter().find(is_it)?;
            let written = rotation.stores.iter().filter(|store| store.written == Some(value));
            let new_at = written.filter_map(|store| store.written_at).max().unwrap_or(attempt.at);
            Some(Own { made: attempt.created.as_ref()?, made_at: attempt.at, new_at })
        })
    }

    /// What keeps a rotation from going on until somebody says `resolve`.
    #[must_use]
    pub fn block(&self) -> Option<Block<'_>> {
        let in_journal = self.history.blocked().and_then(|rotation| {
            let (reason, why, _) = rotation.blocked.as_ref()?;
            Some(Block { reason: *reason, why, rotation: Some(rotation) })
        });
        let in_run = || match &self.rest.as_ref()?.why {
            Why::Blocked { reason, why } => Some(Block { reason: *reason, why, rotation: self.history.open() }),
            _ => None,
        };
        let behind = || {
            let (why, _) = self.history.behind.as_ref()?;
            Some(Block { reason: BlockReason::StateBehind, why, rotation: self.history.open() })
        };
        in_journal.or_else(in_run).or_else(behind)
    }

    /// A credential of ours that nobody holds and that could not be removed, and why not.
    #[must_use]
    pub fn orphan(&self) -> Option<(&KeyId, &str)> {
        let in_run = || match &self.rest.as_ref()?.why {
            Why::OrphanLeft { key_id, why } => Some((key_id, why.as_str())),
            _ => None,
        };
        self.history.left_over().or_else(in_run)
    }

    /// Finished rotations that left something at the provider which lives as far as is known: each with its id, or with
    /// those that it may be.
    #[must_use]
    pub fn kept(&self, now: DateTime<Utc>) -> Vec<(&Rotation, &[KeyId])> {
        let kept = self.history.rotations.iter().filter_map(|rotation| {
            let end = match rotation.end.as_ref()? {
                End::RolledBack { .. } => rotation.successor().and_then(|made| made.end),
                End::Closed { .. } | End::Done { .. } => rotation.predecessor_end(),
            };
            let left = rotation.left_behind();
            (!left.is_empty() && end.is_none_or(|end| end > now)).then_some((rotation, left))
        });
        kept.collect()
    }

    /// The newest rotation whose old secret lives on until a person says which one it is.
    #[must_use]
    pub fn unnamed(&self, now: DateTime<Utc>) -> Option<&Rotation> {
        let lives = |rotation: &&Rotation| rotation.predecessor_end().is_none_or(|end| end > now);
        self.history.rotations.iter().rev().filter(lives).find(|rotation| !rotation.unnamed().is_empty())
    }

    /// The last rotation, where what it removed was still accepted at its end and has not died by itself since.
    #[must_use]
    pub fn still_accepted(&self, now: DateTime<Utc>) -> Option<&Rotation> {
        let last = self.history.rotations.iter().rev().find(|rotation| rotation.end.is_some())?;
        let accepted = last.end == Some(End::Done { old_refused: Some(false) });
        (accepted && last.predecessor_end().is_none_or(|end| end > now)).then_some(last)
    }

    /// A store of the last rotation that something else keeps putting an earlier value into.
    #[must_use]
    pub fn given_up(&self) -> Option<&str> {
        let last = self.history.rotations.iter().rev().find(|rotation| rotation.end.is_some())?;
        last.stores.iter().find(|store| store.is_given_up()).map(|store| store.address.as_str())
    }
}

impl Rotation {
    /// As the provider told it when the rotation was planned.
    #[must_use]
    pub fn predecessor_end(&self) -> Option<DateTime<Utc>> {
        self.plan.as_ref()?.predecessor_end
    }

    /// Stores that wait for a person, each with what is known of it.
    pub fn hand_overs(&self) -> impl Iterator<Item = (&str, &HandOver)> {
        let stands = self.end.is_none() && self.back.is_none() && self.retired.is_none() && self.successor().is_some();
        let open = self.stores.iter().filter(move |store| stands && store.acked.is_none());
        open.filter_map(|store| Some((store.address.as_str(), store.hand_over.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotate::{ClosedBecause, Event, fixture::*};

    fn and(mut events: Vec<(&'static str, Event)>, more: Vec<(&'static str, Event)>) -> Known {
        events.extend(more);
        known(events)
    }

    #[test]
    fn our_own_value_is_known_with_its_end_and_since_when_it_is_new() {
        let placed = known(placed("etl", "2026-11-20"));
        let own = placed.own(NEW).unwrap();
        assert_eq!(own.made.key_id.as_deref(), Some("new-id"));
        assert_eq!((own.made.end, own.new_at), (Some(on("2027-05-20")), on("2026-11-20")));
        assert_eq!(placed.own(OLD), None);
        assert_eq!(Known::default().own(NEW), None);
    }

    #[test]
    fn a_block_stands_until_it_is_resolved_or_the_rotation_ends_after_it() {
        let block = |more| and(placed("etl", "2026-11-20"), more).block().map(|block| block.reason);
        let fight = || blocked(BlockReason::StoreFight);
        let resolved = Event::Resolved { who: "ann".to_owned(), note: "mended".to_owned() };
        let ended = || Event::Closed { kept: None, why: ClosedBecause::GateHeld, unacked: vec![] };
        for (more, expected) in [
            (vec![], None),
            (vec![("2026-11-21", fight())], Some(BlockReason::StoreFight)),
            (vec![("2026-11-21", fight()), ("2026-11-22", resolved)], None),
            (vec![("2026-11-21", fight()), ("2026-11-22", ended())], None),
            (vec![("2026-11-21", ended()), ("2026-11-22", fight())], Some(BlockReason::StoreFight)),
        ] {
            let text = format!("{more:?}");
            assert_eq!(block(more), expected, "{text}");
        }
    }

    #[test]
    fn a_run_that_met_a_block_tells_it_without_a_journal() {
        let why = Why::Blocked { reason: BlockReason::StateCorrupt, why: "record 2 was changed".to_owned() };
        let known = Known { rest: Some(Rest { why, until: None }), ..Known::default() };
        assert_eq!(known.block().map(|block| (block.reason, block.rotation)), Some((BlockReason::StateCorrupt, None)));
    }

    #[test]
    fn an_orphan_stands_until_it_is_removed() {
        let left = || Event::OrphanLeft { attempt: 1, key_id: "new-id".to_owned(), why: "HTTP 403".to_owned() };
        let gone = Event::OrphanRemoved { attempt: 1, key_id: "new-id".to_owned() };
        let one = and(made("etl", "2026-11-20"), vec![("2026-11-21", left())]);
        assert_eq!(one.orphan(), Some((&"new-id".to_owned(), "HTTP 403")));
        let none = and(made("etl", "2026-11-20"), vec![("2026-11-21", left()), ("2026-11-22", gone)]);
        assert_eq!(none.orphan(), None);
    }

    #[test]
    fn what_was_kept_is_told_until_it_is_removed_or_over() {
        let closed =
            || Event::Closed { kept: Some("old-id".to_owned()), why: ClosedBecause::RetireNotWanted, unacked: vec![] };
        let kept = and(placed("etl", "2026-11-20"), vec![("2026-11-28", closed())]);
        assert_eq!(kept.kept(on("2026-12-19")).len(), 1);
        assert_eq!(kept.kept(on("2026-12-21")).len(), 0);
        let retired = Event::Retired { key_id: "old-id".to_owned(), how: "by id".to_owned() };
        let gone = and(placed("etl", "2026-11-20"), vec![("2026-11-28", closed()), ("2026-11-29", retired)]);
        assert_eq!(gone.kept(on("2026-11-29")).len(), 0);
    }

    #[test]
    fn an_old_secret_without_a_name_is_told_until_it_has_one_or_is_gone_or_over() {
        let told = |more: Vec<Event>, day| {
            let more = more.into_iter().map(|event| ("2026-11-28", event)).collect();
            and(nameless("etl", "2026-11-20"), more).unnamed(on(day)).map(|one| one.unnamed().len())
        };
        let closed = || closed_with(None, ClosedBecause::GateHeld);
        let named = Event::PredecessorNamed { key_id: "id-a".to_owned(), who: "ann".to_owned() };
        let gone = Event::Retired { key_id: "id-a, id-b".to_owned(), how: "not listed".to_owned() };
        let repair = Event::Repair { why: "it is refused".to_owned() };
        assert_eq!(told(vec![], "2026-11-29"), None);
        assert_eq!(told(vec![held_for_a_name()], "2026-11-29"), Some(2));
        assert_eq!(told(vec![held_for_a_name(), named.clone()], "2026-11-29"), None);
        assert_eq!(told(vec![closed()], "2026-11-29"), Some(2));
        assert_eq!(told(vec![closed()], "2026-12-21"), None);
        assert_eq!(told(vec![closed(), named], "2026-11-29"), None);
        assert_eq!(told(vec![closed(), gone], "2026-11-29"), None);
        assert_eq!(told(vec![repair, closed()], "2026-11-29"), None);
    }

    #[test]
    fn what_we_made_ourselves_is_no_candidate() {
        let mut events = nameless("etl", "2026-11-20");
        let Some((_, Event::Planned(plan))) = events.first().cloned() else { panic!("planned first") };
        let mut again = plan;
        again.baseline.push("new-id".to_owned());
        events.push(("2026-11-20", Event::Planned(again)));
        let known = known(events);
        let open = known.history.open().unwrap();
        assert_eq!(open.candidates, ["id-a", "id-b"]);
        assert!(open.may_be_predecessor("new-id").is_err() && open.may_be_predecessor("id-b").is_ok());
    }

    #[test]
    fn what_was_seen_to_be_another_or_is_said_to_stay_is_no_candidate() {
        let mut events = nameless("etl", "2026-11-20");
        if let Some((_, Event::Planned(plan))) = events.first_mut() {
            plan.baseline.push("a-certificates".to_owned());
            plan.candidates = Some(vec!["id-a".to_owned(), "id-b".to_owned()]);
        }
        events.push(("2026-11-28", Event::Adopted { key_ids: vec!["id-b".to_owned()], who: "ann".to_owned() }));
        let known = known(events);
        let open = known.history.open().unwrap();
        assert_eq!(open.candidates, ["id-a"]);
        assert!(open.may_be_predecessor("a-certificates").is_err());
    }

    #[test]
    fn a_store_that_is_put_back_again_and_again_after_the_end_is_told_until_it_holds_ours() {
        let drift = || Event::StoreDrift { store: STORE.to_owned(), found: Some(OLD) };
        let mended = || Event::StoreWritten { store: STORE.to_owned(), fingerprint: NEW, version: None };
        let done = Event::Done { old_refused: Some(true) };
        let told = |times: usize, last: Option<Event>| {
            let mut more = vec![("2026-11-30", done.clone())];
            for _ in 1..times {
                more.extend([("2026-12-01", drift()), ("2026-12-01", mended())]);
            }
            more.push(("2026-12-02", drift()));
            more.extend(last.map(|last| ("2026-12-03", last)));
            and(placed("etl", "2026-11-20"), more).given_up().map(str::to_owned)
        };
        assert_eq!(told(3, None), None);
        assert_eq!(told(4, None).as_deref(), Some(STORE));
        assert_eq!(told(4, Some(mended())), None);
    }

    #[test]
    fn a_removed_secret_that_is_still_accepted_is_told() {
        let done = |old_refused| and(placed("etl", "2026-11-20"), vec![("2026-11-30", Event::Done { old_refused })]);
        assert!(done(Some(false)).still_accepted(on("2026-12-01")).is_some());
        assert!(done(Some(false)).still_accepted(on("2026-12-21")).is_none());
        assert!(done(Some(true)).still_accepted(on("2026-12-01")).is_none());
        assert!(done(None).still_accepted(on("2026-12-01")).is_none());
    }

    #[test]
    fn a_hand_over_waits_until_it_is_acknowledged() {
        let waiting = known(handed_over("etl", "2026-11-20", "2026-12-04"));
        let open = waiting.history.open().unwrap();
        assert_eq!(
            open.hand_overs().map(|(store, hand)| (store, hand.due)).collect::<Vec<_>>(),
            [(PERSON, on("2026-12-04"))]
        );
        let acked = Event::StoreAcked { store: PERSON.to_owned(), version: None, requests: vec![] };
        let over = and(handed_over("etl", "2026-11-20", "2026-12-04"), vec![("2026-11-25", acked)]);
        assert_eq!(over.history.open().unwrap().hand_overs().count(), 0);
    }
}
