//! A rotation in words, from its journal alone: how old it is, what comes next, and whose turn it is.

use chrono::{DateTime, TimeDelta, Utc};

use super::{BlockReason, ClosedBecause, End, History, Rotation, StoreState};

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
    /// `app` is the name the inventory uses today.
    #[must_use]
    pub fn status(&self, app: &str, now: DateTime<Utc>) -> Status {
        let status =
            |stage, since, next: String, turn, command: Option<String>| Status { stage, since, next, turn, command };
        let run = |stage, next: &str| status(stage, self.begun_at, next.to_owned(), Turn::Run, None);
        if let Some(end) = &self.end {
            return self.ended(end, app);
        }
        if let Some((reason, why, since)) = &self.blocked {
            let next = format!("blocked ({}): {why}", reason.name());
            return status(Stage::Blocked, *since, next, Turn::Admin, Some(format!("resolve {app}")));
        }
        if let Some(back) = &self.back {
            let next = "the old value is put back everywhere, and the new one removed after the grace".to_owned();
            return status(Stage::RollingBack, back.at, next, Turn::Run, None);
        }
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
        if let Some((store, due)) = self.waiting_for_person() {
            let who = store.strip_prefix("person:").map_or(Turn::Admin, |who| Turn::Person(who.to_owned()));
            let command = self.persons_command(app, &store);
            let overdue = if now > due { "overdue; " } else { "" };
            let next = format!("{overdue}{store} still needs the new secret, due {}", due.date_naive());
            return status(Stage::HandOver, self.at, next, who, Some(command));
        }
        if let Some(held) = &self.held {
            let next = format!("the old secret stays: {}", held.why);
            return status(Stage::Retiring, held.since, next, Turn::Admin, Some(format!("retire {app}")));
        }
        match self.grace_until {
            None => run(Stage::Delivering, "the next run delivers to the stores that do not have it yet"),
            Some(until) if now < until => {
                let next =
                    format!("both secrets live until {}, while consumers pick the new one up", until.date_naive());
                status(Stage::Grace, self.begun_at, next, Turn::Run, None)
            }
            Some(until) => {
                status(Stage::Retiring, until, "the next run removes the old secret".to_owned(), Turn::Run, None)
            }
        }
    }

    fn ended(&self, end: &End, app: &str) -> Status {
        let since = self.ended_at.unwrap_or(self.at);
        match end {
            End::Closed { kept: Some(kept), why, .. } if self.retired.is_none() => Status {
                stage: Stage::Kept,
                since,
                next: format!("the old secret {kept} is still at the provider: {}", why.sentence()),
                turn: Turn::Admin,
                command: Some(format!("retire {app}")),
            },
            _ => Status { stage: Stage::Done, since, next: "nothing".to_owned(), turn: Turn::Nobody, command: None },
        }
    }

    fn waiting_for_person(&self) -> Option<(String, DateTime<Utc>)> {
        let waits = |store: &&StoreState| store.hand_over.is_some() && store.acked.is_none();
        let store = self.stores.iter().find(waits)?;
        Some((store.address.clone(), store.hand_over.as_ref()?.due))
    }

    fn persons_command(&self, app: &str, store: &str) -> String {
        let hand = self.store(store).and_then(|state| state.hand_over.as_ref());
        match hand {
            Some(hand) if hand.revealed.is_some() => format!("confirm {app}"),
            Some(hand) if hand.claimed.is_some() => format!("reveal {app}"),
            _ => format!("claim {app}"),
        }
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
    /// What a report has to mention: the rotation under way, else the last one as long as it left something behind.
    #[must_use]
    pub fn noteworthy(&self) -> Option<&Rotation> {
        self.open().or_else(|| {
            self.rotations.iter().rev().find(|rotation| {
                matches!(&rotation.end, Some(End::Closed { kept: Some(_), .. })) && rotation.retired.is_none()
            })
        })
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
