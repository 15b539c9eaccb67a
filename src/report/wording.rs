//! What the formats for people have in common: names, ends, order and counts in words.

use std::cmp::Reverse;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Report;
use crate::{
    assess::{Assessment, Expiry, Finding, Severity, Summary},
    text::shortened,
};

/// Longest name shown to people; formats for machines keep all of it.
const NAME: usize = 120;

/// From worst to best.
pub const SEVERITIES: [Severity; 5] =
    [Severity::Critical, Severity::Unknown, Severity::Warning, Severity::Info, Severity::Ok];

/// Text of others on one harmless line of bearable length.
#[must_use]
pub fn name(text: &str) -> String {
    shortened(text, NAME)
}

/// `app`, or `app / label` where an app has several credentials.
#[must_use]
pub fn credential(assessment: &Assessment<'_>) -> String {
    let app = name(&assessment.subject.app.name);
    match &assessment.subject.credential.label {
        Some(label) => format!("{app} / {}", name(label)),
        None => app,
    }
}

/// `a@example.org, b@example.org`; empty without owners.
#[must_use]
pub fn owners(assessment: &Assessment<'_>) -> String {
    let owners: Vec<_> = assessment.subject.app.owners.iter().map(|owner| name(owner)).collect();
    owners.join(", ")
}

/// `01M7... (hand-over, 6 days), the turn of person:ops@example.org`; `None` where nothing is under way or left behind.
#[must_use]
pub fn rotation(assessment: &Assessment<'_>) -> Option<String> {
    let progress = assessment.progress()?;
    let turn = match progress.turn.as_str() {
        "nobody" => String::new(),
        "run" => ", the next run's turn".to_owned(),
        who => format!(", the turn of {}", name(who)),
    };
    let age = counted(progress.age_days.unsigned_abs(), "day");
    Some(format!("{} ({}, {age}){turn}", progress.id, progress.stage.name()))
}

/// Day of the end (UTC), `never`, or `not known`.
#[must_use]
pub fn ends(expiry: Expiry) -> String {
    match expiry.at {
        _ if expiry.never => "never".to_owned(),
        Some(at) => at.format("%Y-%m-%d").to_string(),
        None => "not known".to_owned(),
    }
}

/// `12 days`, `under a day`, `20 days ago`; empty where there is no end.
#[must_use]
pub fn left(expiry: Expiry) -> String {
    match expiry.days_left {
        None => String::new(),
        Some(0) => "under a day".to_owned(),
        Some(days) if days < 0 => format!("{} ago", counted(days.unsigned_abs(), "day")),
        Some(days) => counted(days.unsigned_abs(), "day"),
    }
}

/// `1 day`, `2 days`.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// What everything hangs on, then worst first, then by the time left, then as in the inventory.
#[must_use]
pub fn worst_first<'a>(report: &Report<'a>) -> Vec<&'a Assessment<'a>> {
    let mut all: Vec<_> = report.credentials.iter().collect();
    all.sort_by_key(|assessment| (Reverse(assessment.severity), assessment.expiry.days_left.unwrap_or(i64::MAX)));
    report.management.iter().chain(all).collect()
}

/// Findings of one credential, worst first.
#[must_use]
pub fn findings<'a>(assessment: &'a Assessment<'_>) -> Vec<&'a Finding> {
    let mut all: Vec<_> = assessment.findings.iter().collect();
    all.sort_by_key(|finding| Reverse(finding.severity));
    all
}

/// How many credentials are that bad.
#[must_use]
pub const fn count(summary: &Summary, severity: Severity) -> usize {
    match severity {
        Severity::Critical => summary.critical,
        Severity::Unknown => summary.unknown,
        Severity::Warning => summary.warning,
        Severity::Info => summary.info,
        Severity::Ok => summary.ok,
    }
}

/// `6 credentials: 2 critical, 1 unknown, 3 ok`.
#[must_use]
pub fn totals(summary: &Summary) -> String {
    let counts: Vec<_> = SEVERITIES
        .into_iter()
        .filter(|severity| count(summary, *severity) > 0)
        .map(|severity| format!("{} {}", count(summary, severity), severity.name()))
        .collect();
    let all = counted(summary.credentials as u64, "credential");
    if counts.is_empty() { all } else { format!("{all}: {}", counts.join(", ")) }
}

/// The name of a unit variant, as serde writes it.
#[must_use]
pub fn serialised(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The same credential has the same id in every run: hexadecimal, 32 digits.
#[must_use]
pub fn stable_id(assessment: &Assessment<'_>, about: &str) -> String {
    let label = assessment.subject.credential.label.as_deref().unwrap_or_default();
    let mut hash = Sha256::new();
    for part in [&*assessment.subject.app.name, label, about] {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_said_as_people_say_it() {
        let left = |days| left(Expiry { at: None, never: false, days_left: days, source: None });
        assert_eq!(
            [Some(12), Some(1), Some(0), Some(-1), Some(i64::MIN), None].map(left),
            ["12 days", "1 day", "under a day", "1 day ago", "9223372036854775808 days ago", ""]
        );
    }

    #[test]
    fn totals_leave_out_what_is_not_there() {
        let summary = Summary { credentials: 3, ok: 2, critical: 1, ..Summary::default() };
        assert_eq!(totals(&summary), "3 credentials: 1 critical, 2 ok");
        assert_eq!(totals(&Summary::default()), "0 credentials");
    }
}
