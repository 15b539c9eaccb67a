//! What the journal says about a credential's rotation: where it stands, who must act, and what is in its way.

mod words;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::{FindingCode, Severity, judge::Case};
use crate::{
    clock,
    inventory::Subject,
    rotate::{Block, ClosedBecause, End, Known, Rotation, Stage, Status, Turn},
};

pub(super) use words::{command, message, todo};

/// What a judgement knows beyond test and dates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The provider's id of the value in use, where credwatch made it: newer than the inventory's.
    pub key_id: Option<String>,
    pub progress: Option<Progress>,
    pub hand_over: Option<HandOver>,
    /// This run tried: what kept an earlier one from it and is not named is over.
    pub tried: bool,
}

/// Where a rotation stands (`rotation` in the report).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Progress {
    /// Name of the rotation, a ULID.
    pub id: String,
    pub stage: Stage,
    /// When the stage began.
    #[schemars(with = "DateTime<Utc>")]
    pub since: String,
    /// Whole days since the rotation began.
    pub age_days: i64,
    /// One sentence: what happens next, or what is wrong.
    pub next: String,
    /// Whose turn it is: `run` (the next one's), `person:ADDRESS`, `admin` or `nobody`.
    pub turn: String,
    /// What that person runs.
    pub command: Option<String>,
}

/// What waits for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    /// Their addresses.
    pub assignees: Vec<String>,
    pub opened_at: DateTime<Utc>,
    /// The first to be due.
    pub due: DateTime<Utc>,
}

/// What is known and how it stands now.
pub(super) struct Facts<'a> {
    known: &'a Known,
    block: Option<Block<'a>>,
    /// What is under way, blocked, or left something behind.
    shown: Option<(&'a Rotation, Status)>,
    hand_over: Option<HandOver>,
}

impl<'a> Facts<'a> {
    /// `None`: there is nothing to say.
    pub(super) fn of(subject: Subject<'_>, known: Option<&'a Known>, now: DateTime<Utc>) -> Option<Self> {
        let known = known.filter(|known| !known.is_nothing())?;
        let block = known.block();
        let shown = block.and_then(|block| block.rotation).or_else(|| known.history.open());
        let shown = shown.or_else(|| known.kept(now).last().map(|(rotation, _)| *rotation));
        let credential = words::credential(subject);
        let shown = shown.map(|rotation| (rotation, rotation.status(&credential, now)));
        Some(Self { known, block, shown, hand_over: known.history.open().and_then(hand_over) })
    }

    pub(super) fn standing(&self, key_id: Option<&String>, now: DateTime<Utc>) -> Standing {
        Standing {
            key_id: key_id.cloned(),
            progress: self.shown.as_ref().map(|(rotation, status)| progress(rotation, status, now)),
            hand_over: self.hand_over.clone(),
            tried: self.known.rest.is_some(),
        }
    }

    pub(super) fn findings(&self, case: &Case<'_>) -> Vec<(FindingCode, Severity)> {
        let is_open = self.known.history.open().is_some();
        let blocked = self.block.is_some();
        let failed = !blocked && (self.failure(case).is_some() || self.known.history.copies_left().next().is_some());
        let hand_over = self.hand_over.as_ref().map(|hand| match case.now > hand.due {
            true => Severity::Critical,
            false => Severity::Warning,
        });
        let under_way = is_open && !blocked && hand_over.is_none();
        let all = [
            (FindingCode::RotationBlocked, blocked.then_some(Severity::Critical)),
            (FindingCode::RotationHandover, hand_over),
            (FindingCode::RotationFailed, failed.then_some(Severity::Warning)),
            (FindingCode::RotationUnderWay, under_way.then_some(Severity::Info)),
            (FindingCode::OrphanLeft, self.known.orphan().map(|_| Severity::Warning)),
            (FindingCode::PredecessorKept, self.kept(case.now)),
            (FindingCode::PredecessorStillAccepted, self.known.still_accepted(case.now).map(|_| Severity::Warning)),
        ];
        all.into_iter().filter_map(|(code, severity)| Some((code, severity?))).collect()
    }

    /// On purpose, or because nobody but a person can let the old secret go.
    fn kept(&self, now: DateTime<Utc>) -> Option<Severity> {
        let is_wanted = |rotation: &Rotation| {
            !matches!(&rotation.end, Some(End::Closed { why: ClosedBecause::RetireNotWanted, .. }))
        };
        match self.known.unnamed(now) {
            Some(rotation) if is_wanted(rotation) => Some(Severity::Warning),
            _ => (!self.known.kept(now).is_empty()).then_some(Severity::Info),
        }
    }

    /// Whether the rotation will not get on without somebody.
    pub(super) fn is_stuck(&self, case: &Case<'_>) -> bool {
        self.block.is_some() || self.failure(case).is_some()
    }

    fn failure(&self, case: &Case<'_>) -> Option<String> {
        words::failure(self.known, case.subject)
    }
}

fn progress(rotation: &Rotation, status: &Status, now: DateTime<Utc>) -> Progress {
    Progress {
        id: rotation.id.to_string(),
        stage: status.stage,
        since: clock::rfc3339(status.since),
        age_days: (now - rotation.begun_at).num_days(),
        next: status.next.clone(),
        turn: match &status.turn {
            Turn::Run => "run".to_owned(),
            Turn::Person(address) => format!("person:{address}"),
            Turn::Admin => "admin".to_owned(),
            Turn::Nobody => "nobody".to_owned(),
        },
        command: status.command.as_ref().map(|command| format!("credwatch {command}")),
    }
}

fn hand_over(rotation: &Rotation) -> Option<HandOver> {
    let open = || rotation.hand_overs();
    let assignees = open().filter_map(|(store, _)| store.strip_prefix("person:")).map(str::to_owned).collect();
    let opened_at = open().map(|(_, hand)| hand.opened_at).min()?;
    Some(HandOver { assignees, opened_at, due: open().map(|(_, hand)| hand.due).min()? })
}

#[cfg(test)]
mod tests;
