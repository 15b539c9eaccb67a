//! Whether somebody is told, and of what. Pure.
//!
//! What is due is the difference between what a recipient was told (by an accepted message) and what is true
//! tonight. So nothing can be lost in between: what could not be sent is due again the next night, as it stands
//! then, and what ended meanwhile is never mentioned. Findings below `warning` are left to the reports, but for a
//! rotation: that one begins and is over is told.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{
    audience::View,
    event::{Ending, Event, Kind},
};
use crate::{
    assess::{Assessment, Finding, FindingCode, Policy, Severity},
    state::{Memory, News, Told, Vanished, vanished},
};

/// Days left whose crossing is worth a message, where they lie within the app's `warn`.
const THRESHOLDS: [u16; 6] = [1, 7, 14, 30, 60, 90];

/// What a run found.
#[derive(Debug, Clone, Copy)]
pub struct Tonight<'a> {
    pub run_id: &'a str,
    pub now: DateTime<Utc>,
    /// When the run before began.
    pub last_run: Option<DateTime<Utc>>,
    /// What credwatch itself signs in with, then in inventory order.
    pub assessments: &'a [Assessment<'a>],
    /// After [`Memory::learn`].
    pub memory: &'a Memory,
    /// `--only`, `--tag`, `--shard`: says nothing about what it did not see.
    pub partial: bool,
    pub policy: &'a Policy,
}

/// What one recipient is due.
#[derive(Debug, Default)]
pub struct Due<'a> {
    pub events: Vec<Event<'a>>,
    /// What changes in the recipient's memory without a word: it got better but is not over, or is no longer theirs.
    pub silent: Vec<News>,
}

/// Finds credentials by app and label.
pub type Index<'a> = HashMap<(&'a str, &'a str), usize>;

#[must_use]
pub fn index<'a>(assessments: &'a [Assessment<'a>]) -> Index<'a> {
    assessments.iter().enumerate().map(|(place, assessment)| (key(assessment), place)).collect()
}

/// `sees`: places of the assessments the recipient may hear of, and of how much; `told`: what this recipient was told on this channel.
/// A webhook keeps books, so it also hears of a finding that another one replaced.
#[must_use]
pub fn due<'a>(
    tonight: &Tonight<'a>,
    index: &Index<'a>,
    sees: &mut dyn Iterator<Item = (usize, View)>,
    told: &'a [Told],
    webhook: bool,
) -> Due<'a> {
    let mut open: HashMap<_, _> = told.iter().map(|told| ((&*told.app, &*told.label, &*told.code), told)).collect();
    let mut due = Due::default();
    let mut carried = Vec::new();
    for (assessment, view) in sees.filter_map(|(place, view)| Some((tonight.assessments.get(place)?, view))) {
        let (app, label) = key(assessment);
        let heard_of = |finding: &&Finding| {
            is_told(finding) && (view == View::All || finding.code == FindingCode::RotationHandover)
        };
        for finding in assessment.findings.iter().filter(heard_of) {
            let known = open.remove(&(app, label, finding.code.name()));
            let days = threshold(assessment, finding, tonight);
            let event = |kind| reported(kind, assessment, finding, days, known);
            match known {
                None => due.events.push(event(Kind::Opened)),
                Some(told)
                    if finding.severity > told.severity
                        || nearer(days, told.days)
                        || is_reminder(assessment, finding, told, tonight.now) =>
                {
                    due.events.push(event(Kind::Worsened));
                }
                // An address refused for good is tried again only with news.
                Some(told) if told.refused => carried.push(event(Kind::Opened)),
                Some(told) if (finding.severity, days) != (told.severity, told.days) => {
                    let better = Told { severity: finding.severity, days, ..told.clone() };
                    due.silent.push(News::Knows(better));
                }
                Some(_) => {}
            }
        }
    }
    for told in told.iter().filter(|told| open.contains_key(&(&*told.app, &*told.label, &*told.code))) {
        match ended(tonight, index, told, webhook) {
            Some(Some(ending)) if !told.refused => due.events.push(resolved(tonight, index, ending, told)),
            Some(_) => due.silent.push(News::Forgets(told.clone())),
            None => {}
        }
    }
    if !due.events.is_empty() {
        due.events.append(&mut carried);
    }
    due
}

fn is_told(finding: &Finding) -> bool {
    finding.severity >= Severity::Warning || finding.code == FindingCode::RotationUnderWay
}

/// What became of a told finding that the recipient no longer sees: `None` = it stands, `Some(None)` = not worth a word.
fn ended(tonight: &Tonight<'_>, index: &Index<'_>, told: &Told, webhook: bool) -> Option<Option<Ending>> {
    let assessment = index.get(&(&*told.app, &*told.label)).and_then(|place| tonight.assessments.get(*place));
    let Some(assessment) = assessment else {
        let gone = !tonight.partial && tonight.memory.get(&told.app, &told.label).is_none();
        return gone.then_some(Some(Ending::Removed));
    };
    let reported = assessment.findings.iter().find(|finding| finding.code.name() == told.code);
    match reported {
        // Somebody else's now.
        Some(finding) if is_told(finding) => Some(None),
        _ => match vanished(&told.code, assessment) {
            Vanished::Stands => None,
            Vanished::Replaced => Some(webhook.then_some(Ending::Replaced)),
            Vanished::Over => Some(Some(Ending::Mended)),
        },
    }
}

/// The smallest threshold that an expiring credential has crossed.
fn threshold(assessment: &Assessment<'_>, finding: &Finding, tonight: &Tonight<'_>) -> Option<u16> {
    if finding.code != FindingCode::Expiring {
        return None;
    }
    let left = assessment.expiry.at? - tonight.now;
    let warn = assessment.subject.app.warn.unwrap_or(tonight.policy.warn).as_delta();
    let days = |days: u16| TimeDelta::days(i64::from(days));
    THRESHOLDS.into_iter().find(|threshold| left <= days(*threshold) && days(*threshold) <= warn)
}

fn nearer(now: Option<u16>, told: Option<u16>) -> bool {
    now.is_some_and(|now| told.is_none_or(|told| now < told))
}

/// Whether a day has come, since it was last told, on which a hand-over is told again: half-time, the day it is due, and
/// every day after it. Whole days, so that a night that begins a minute earlier than the one before skips none.
fn is_reminder(assessment: &Assessment<'_>, finding: &Finding, told: &Told, now: DateTime<Utc>) -> bool {
    let Some(hand) = assessment.hand_over().filter(|_| finding.code == FindingCode::RotationHandover) else {
        return false;
    };
    let (half, due) = ((hand.opened_at + (hand.due - hand.opened_at) / 2).date_naive(), hand.due.date_naive());
    let reminders = |day: NaiveDate| match day {
        day if day >= due => 2 + (day - due).num_days(),
        day => i64::from(day >= half),
    };
    reminders(now.date_naive()) > reminders(told.at.date_naive())
}

fn reported<'a>(
    kind: Kind,
    assessment: &'a Assessment<'a>,
    finding: &'a Finding,
    days: Option<u16>,
    told: Option<&Told>,
) -> Event<'a> {
    let (app, label) = key(assessment);
    Event {
        kind,
        app,
        label,
        code: finding.code.name(),
        severity: finding.severity,
        days,
        assessment: Some(assessment),
        finding: Some(finding),
        told: told.map(|told| told.at),
    }
}

fn resolved<'a>(tonight: &Tonight<'a>, index: &Index<'a>, ending: Ending, told: &'a Told) -> Event<'a> {
    Event {
        kind: Kind::Resolved(ending),
        app: &told.app,
        label: &told.label,
        code: &told.code,
        severity: told.severity,
        days: told.days,
        assessment: index.get(&(&*told.app, &*told.label)).and_then(|place| tonight.assessments.get(*place)),
        finding: None,
        told: Some(told.at),
    }
}

fn key<'a>(assessment: &'a Assessment<'a>) -> (&'a str, &'a str) {
    (&assessment.subject.app.name, assessment.subject.credential.label.as_deref().unwrap_or_default())
}
