//! A rotation in words, from its journal alone: how old it is, what comes next, and whose turn it is.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Back, BlockReason, ClosedBecause, End, Forward, HandOver, History, Part, Rotation, is_person};
use crate::{management::KeyId, text::word};

/// Where one rotation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub stage: Stage,
    pub since: DateTime<Utc>,
    /// One sentence: what happens next, or what is wrong.
    pub next: String,
    pub turn: Turn,
    /// What that person runs, without `credwatch`.
    pub command: Option<String>,
}

/// The rows of the design, as a reader counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    Planned,
    /// An answer was lost; what came of it is being found out.
    Settling,
    Activating,
    Delivering,
    HandOver,
    Grace,
    Retiring,
    Verifying,
    RollingBack,
    Blocked,
    Kept,
    Done,
}

impl Stage {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Settling => "settling",
            Self::Activating => "activating",
            Self::Delivering => "delivering",
            Self::HandOver => "hand-over",
            Self::Grace => "grace",
            Self::Retiring => "retiring",
            Self::Verifying => "verifying",
            Self::RollingBack => "rolling-back",
            Self::Blocked => "blocked",
            Self::Kept => "kept",
            Self::Done => "done",
        }
    }
}

/// Whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// The next run's.
    Run,
    /// This person's, by address.
    Person(String),
    Admin,
    Nobody,
}

impl Rotation {
    /// `app` is the credential as a command line takes it ([`crate::text::argument`]), by the names the inventory uses today.
    #[must_use]
    pub fn status(&self, app: &str, now: DateTime<Utc>) -> Status {
        if let Some((reason, why, since)) = &self.blocked {
            return self.stuck(*reason, why, *since, app);
        }
        if let Some(end) = &self.end {
            return self.ended(end, app);
        }
        if let Some(back) = &self.back {
            return self.going_back(back, app);
        }
        let mut status = self.under_way(app, now);
        if let Some(Forward { who, why }) = &self.forward {
            status.next =
                format!("{who} called it off, and it goes forward all the same because {why}; {}", status.next);
        }
        status
    }

    fn stuck(&self, reason: BlockReason, why: &str, since: DateTime<Utc>, app: &str) -> Status {
        let next = format!("blocked ({}): {why}", reason.name());
        // What is late can still be done; it counts once the block is lifted.
        let late = self.end.is_none() && self.back.is_none() && reason == BlockReason::HandoverOverdue;
        let waits = self.hand_over(app).filter(|_| late);
        let (turn, command) = waits.map_or((Turn::Admin, None), |(turn, _, command)| (turn, command));
        let (turn, command) = match command {
            Some(command) => (turn, command),
            None => (Turn::Admin, format!("resolve {app}")),
        };
        Status { stage: Stage::Blocked, since, next, turn, command: Some(command) }
    }

    fn going_back(&self, back: &Back, app: &str) -> Status {
        let handed = self.stores.iter().find(|store| store.hand_over.is_some() && store.may_have_it());
        let status = |next, turn, command| Status { stage: Stage::RollingBack, since: back.at, next, turn, command };
        match handed.filter(|_| !self.retire_asked) {
            Some(store) => {
                let next = format!(
                    "{} may have the new value and cannot be read: once it has the old one again, say that the new one may go",
                    store.address
                );
                status(next, Turn::Admin, Some(format!("retire {app}")))
            }
            None => {
                let next = "the old value is put back everywhere, and the new one removed after the grace".to_owned();
                status(next, Turn::Run, None)
            }
        }
    }

    fn under_way(&self, app: &str, now: DateTime<Utc>) -> Status {
        let status =
            |stage, since, next: String, turn, command: Option<String>| Status { stage, since, next, turn, command };
        let run = |stage, next: &str| status(stage, self.begun_at, next.to_owned(), Turn::Run, None);
        if let Some((_, at)) = &self.retired {
            let next = "the next run checks that the old secret is refused and the new one is not".to_owned();
            return status(Stage::Verifying, *at, next, Turn::Run, None);
        }
        let Some(attempt) = self.attempt() else {
            return run(Stage::Planned, "the next run makes the new secret");
        };
        if attempt.created.is_none() {
            return run(Stage::Settling, "an answer was lost: the next run looks what became of it");
        }
        if !attempt.placed {
            return run(Stage::Activating, "the new secret is not in a store yet");
        }
        if let Some((turn, waits, command)) = self.hand_over(app) {
            let due = self.hand_overs().map(|(_, hand)| hand.due).min().filter(|_| command.is_some());
            let due = due.map(|due| (if now > due { "overdue; " } else { "" }, format!(", due {}", moment(due, now))));
            let (late, due) = due.unwrap_or_default();
            return status(Stage::HandOver, self.at, format!("{late}{waits}{due}"), turn, command);
        }
        if let Some(held) = &self.held {
            let why = match self.unnamed() {
                [] => held.why.clone(),
                ids => only_a_person_knows(ids),
            };
            let next = format!("the old secret stays: {why}");
            return status(Stage::Retiring, held.since, next, Turn::Admin, Some(self.retire(app)));
        }
        match self.grace_until {
            None => run(Stage::Delivering, "the next run delivers to the stores that do not have it yet"),
            Some(until) if now < until => {
                let next =
                    format!("both secrets live until {}, while consumers pick the new one up", moment(until, now));
                status(Stage::Grace, self.begun_at, next, Turn::Run, None)
            }
            Some(until) if self.forward.is_some() && !self.retire_asked => {
                let next = "the old secret stays until a person says that it may go".to_owned();
                status(Stage::Retiring, until, next, Turn::Admin, Some(format!("retire {app}")))
            }
            Some(until) => {
                status(Stage::Retiring, until, "the next run removes the old secret".to_owned(), Turn::Run, None)
            }
        }
    }

    fn ended(&self, end: &End, app: &str) -> Status {
        let since = self.ended_at.unwrap_or(self.at);
        let (which, why) = match end {
            End::Closed { why, .. } => ("old", why.sentence()),
            End::RolledBack { .. } | End::Done { .. } => ("new", "the rotation was called off"),
        };
        let still = match (self.left_behind(), self.unnamed()) {
            ([], _) => {
                let next = "nothing".to_owned();
                return Status { stage: Stage::Done, since, next, turn: Turn::Nobody, command: None };
            }
            (_, [_, ..]) => format!("the old secret is still at the provider: {}", only_a_person_knows(self.unnamed())),
            (left, []) => format!("the {which} secret {} is still at the provider: {why}", left.join(", ")),
        };
        let (next, command) = match self.overtaken {
            true => (format!("{still}; a later rotation has begun, so remove it at the provider"), None),
            false => (still, Some(self.retire(app))),
        };
        Status { stage: Stage::Kept, since, next, turn: Turn::Admin, command }
    }

    /// The command that lets the old secret go.
    #[must_use]
    pub fn retire(&self, app: &str) -> String {
        match self.unnamed() {
            [] => format!("retire {app}"),
            [only] => format!("retire {app} --predecessor {}", word(only)),
            _ => format!("retire {app} --predecessor ID"),
        }
    }

    /// The first hand-over that waits for somebody: whose turn it is, for what, and what that person runs.
    fn hand_over(&self, app: &str) -> Option<(Turn, String, Option<String>)> {
        let is_said = |store: &str, hand: &HandOver| hand.part(store) == Part::Said;
        let all: Vec<_> = self.hand_overs().collect();
        let open = all.iter().find(|(store, hand)| !is_said(store, hand));
        let Some((store, hand)) = open else {
            let (store, _) = all.first()?;
            return Some((Turn::Run, format!("the next run takes the confirmation of {store}"), None));
        };
        // A command that would have to ask which place is meant names it.
        let which = if all.len() > 1 { format!(" --store {}", word(store)) } else { String::new() };
        let person = store.strip_prefix("person:").map_or(Turn::Admin, |who| Turn::Person(who.to_owned()));
        let (verb, waits) = match hand.part(store) {
            Part::Claim => ("claim", format!("{store} still needs the new secret")),
            Part::Reveal { claimed_by } => ("reveal", format!("{claimed_by} has claimed it for {store}")),
            Part::Confirm if is_person(store) => ("confirm", format!("{store} has been shown the new secret")),
            Part::Confirm => ("confirm", format!("somebody has to see that the new secret in {store} works")),
            Part::Witness { first } => {
                ("confirm", format!("{first} has confirmed {store}, and a second person has to"))
            }
            Part::Said => return None,
        };
        let turn = if matches!(hand.part(store), Part::Witness { .. }) { Turn::Admin } else { person };
        Some((turn, waits, Some(format!("{verb} {app}{which}"))))
    }
}

fn only_a_person_knows(ids: &[KeyId]) -> String {
    match ids {
        [only] => format!("only a person knows whether it is {only}"),
        ids => format!("only a person knows which of these it is: {}", ids.join(", ")),
    }
}

/// The day; what is less than two days away has its time with it.
fn moment(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    if (at - now).abs() < TimeDelta::days(2) {
        at.format("%Y-%m-%d %H:%M UTC").to_string()
    } else {
        at.date_naive().to_string()
    }
}

impl BlockReason {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StateCorrupt => "state_corrupt",
            Self::StateBehind => "state_behind",
            Self::StoreConflict => "store_conflict",
            Self::StoreFight => "store_fight",
            Self::PrimaryLost => "primary_lost",
            Self::SuccessorGone => "successor_gone",
            Self::NeverLive => "never_live",
            Self::HandoverOverdue => "handover_overdue",
            Self::OrphanUnidentified => "orphan_unidentified",
            Self::AppGone => "app_gone",
        }
    }
}

impl ClosedBecause {
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::RetireNotWanted => "`retire` is not set for it",
            Self::GateHeld => "for 14 days something spoke against its removal",
            Self::SuccessorDue => "its successor had to be replaced first",
            Self::NothingToRetire => "the provider has nothing that could be removed",
        }
    }
}

impl History {
    /// What a report has to mention: what is blocked, else the rotation under way, else the last one as long as it left
    /// something behind.
    #[must_use]
    pub fn noteworthy(&self) -> Option<&Rotation> {
        let left = || self.rotations.iter().rev().find(|rotation| !rotation.left_behind().is_empty());
        self.blocked().or_else(|| self.open()).or_else(left)
    }
}

/// An age for people: days, or hours within the first two.
#[must_use]
pub fn age(since: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let age = (now - since).max(TimeDelta::zero());
    match age.num_hours() {
        0 => format!("{} min", age.num_minutes()),
        hours @ 1..48 => format!("{hours} h"),
        _ => format!("{} d", age.num_days()),
    }
}

#[cfg(test)]
mod tests;
