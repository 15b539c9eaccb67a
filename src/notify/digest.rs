//! What a person reads: subject, text and HTML of one message about everything due to them.

use chrono::{DateTime, Utc};
use minijinja::{Environment, UndefinedBehavior, value::Serde};
use serde::Serialize;

use super::event::{Ending, Event, Kind};
use crate::{
    assess::{Assessment, FindingCode, Severity, Verdict},
    clock, run, text,
};

/// More are counted, not listed; the report has them all.
const LISTED: usize = 100;

/// Everything due to one recipient.
#[derive(Debug)]
pub struct Digest<'a> {
    pub events: Vec<Event<'a>>,
    /// Admins hear of everybody's credentials.
    pub admin: bool,
    pub run_id: &'a str,
    pub now: DateTime<Utc>,
    pub last_run: Option<DateTime<Utc>>,
}

/// A message without addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub subject: String,
    pub text: String,
    pub html: String,
}

#[derive(Serialize)]
struct View {
    subject: String,
    headline: String,
    gap: Option<String>,
    entries: Vec<Entry>,
    more: usize,
    resolved: Vec<Line>,
    more_resolved: usize,
    footer: String,
}

/// One credential.
#[derive(Serialize)]
struct Entry {
    name: String,
    severity: &'static str,
    colour: &'static str,
    days: Option<String>,
    findings: Vec<Item>,
    by: Option<String>,
    runbook: Option<String>,
    runbook_is_link: bool,
    answer: Option<String>,
    registration: String,
    owners: Option<String>,
}

#[derive(Serialize)]
struct Item {
    code: &'static str,
    message: String,
    remedy: String,
}

#[derive(Serialize)]
struct Line {
    name: String,
    code: String,
    how: String,
}

/// Writes the letter.
///
/// # Errors
/// A template that does not fit its data: a fault of ours.
pub fn letter(digest: &Digest<'_>) -> Result<Letter, minijinja::Error> {
    let mut groups = groups(&digest.events);
    // What credwatch itself signs in with, which stands in no inventory, before all that hangs on it.
    groups.sort_by_key(|(assessment, events)| {
        (assessment.subject.app.origin.is_some(), std::cmp::Reverse(worst(events)), left(assessment))
    });
    let mut resolved: Vec<_> = digest.events.iter().filter_map(line).collect();
    let subject = subject(digest, &groups, &resolved);
    let (count, ended) = (groups.len(), resolved.len());
    let need = needing(&groups);
    groups.truncate(LISTED);
    resolved.truncate(LISTED);
    let view = View {
        headline: headline(digest, need, count - need, ended),
        gap: run::gap(digest.last_run, digest.now),
        entries: groups.iter().map(|(assessment, events)| entry(assessment, events, digest)).collect(),
        more: count - groups.len(),
        more_resolved: ended - resolved.len(),
        resolved,
        footer: footer(digest),
        subject,
    };
    render(view.subject.clone(), &view)
}

/// The message of `credwatch notify test`.
///
/// # Errors
/// As [`letter`].
pub fn test_letter(channel: &str, now: DateTime<Utc>) -> Result<Letter, minijinja::Error> {
    let channel = text::shortened(channel, 60);
    let view = View {
        subject: "[credwatch] test message".to_owned(),
        headline: format!("This is a test of the channel {channel}. Nothing is wrong, and nothing is to be done."),
        gap: None,
        entries: Vec::new(),
        more: 0,
        resolved: Vec::new(),
        more_resolved: 0,
        footer: format!("credwatch {}, {}", env!("CARGO_PKG_VERSION"), clock::rfc3339(now)),
    };
    render(view.subject.clone(), &view)
}

fn render(subject: String, view: &View) -> Result<Letter, minijinja::Error> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.add_template("mail.txt", include_str!("templates/mail.txt"))?;
    templates.add_template("mail.html", include_str!("templates/mail.html"))?;
    let view = minijinja::Value::from(Serde(view));
    let text = templates.get_template("mail.txt")?.render(&view)?;
    let html = templates.get_template("mail.html")?.render(&view)?;
    Ok(Letter { subject, text, html })
}

type Group<'a, 'e> = (&'a Assessment<'a>, Vec<&'e Event<'a>>);

/// The events that ask for something, by credential.
fn groups<'a, 'e>(events: &'e [Event<'a>]) -> Vec<Group<'a, 'e>> {
    let mut groups: Vec<Group<'a, 'e>> = Vec::new();
    for event in events.iter().filter(|event| !event.kind.is_resolved()) {
        let Some(assessment) = event.assessment else { continue };
        // The policy goes through one credential after the other, so that only the last group can be meant,
        // except for findings that ride along; those come at the end.
        match groups.iter_mut().rev().find(|(known, _)| std::ptr::eq(*known, assessment)) {
            Some((_, events)) => events.push(event),
            None => groups.push((assessment, vec![event])),
        }
    }
    groups
}

/// How many of them ask for something; the others are told for information.
fn needing(groups: &[Group<'_, '_>]) -> usize {
    groups.iter().filter(|(_, events)| worst(events) >= Severity::Warning).count()
}

fn worst(events: &[&Event<'_>]) -> Severity {
    events.iter().map(|event| event.severity).max().unwrap_or(Severity::Ok)
}

fn left(assessment: &Assessment<'_>) -> i64 {
    assessment.expiry.days_left.unwrap_or(i64::MAX)
}

fn subject(digest: &Digest<'_>, groups: &[Group<'_, '_>], resolved: &[Line]) -> String {
    let Some((assessment, events)) = groups.first() else {
        let more = match resolved.len() {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let first = resolved.first().map(|line| line.name.as_str()).unwrap_or_default();
        return format!("[credwatch] resolved: {first}{more}");
    };
    let name = text::shortened(&name(assessment), 60);
    let what = match events.iter().rev().max_by_key(|event| event.severity).and_then(|event| event.finding) {
        Some(finding) if finding.code == FindingCode::Expiring => match days(assessment) {
            Some(0) => format!("{name} expires today"),
            Some(1) => format!("{name} expires in 1 day"),
            Some(days) => format!("{name} expires in {days} days"),
            None => format!("{name} expires"),
        },
        Some(finding) if finding.code == FindingCode::Expired => format!("{name} has expired"),
        Some(finding) if finding.code == FindingCode::RotationHandover => format!("{name} waits for its new secret"),
        Some(finding) => format!("{name}: {}", finding.code.name().replace('-', " ")),
        None => name,
    };
    match (needing(groups), digest.admin) {
        (0, _) if groups.len() > 1 => format!("[credwatch] {} credentials are being rotated", groups.len()),
        (0 | 1, _) => format!("[credwatch] {what}"),
        (count, true) => format!("[credwatch] {count} credentials need attention: {what}"),
        (count, false) => format!("[credwatch] {count} credentials need you: {what}"),
    }
}

fn headline(digest: &Digest<'_>, count: usize, rotated: usize, resolved: usize) -> String {
    let is_rotation = |event: &Event<'_>| event.code == FindingCode::RotationUnderWay.name();
    let need = match (count, digest.admin) {
        (0, _) if rotated > 0 => {
            let are = if rotated == 1 { "is" } else { "are" };
            format!("{} {are} being rotated.", plural(rotated, "credential", "credentials"))
        }
        (0, _) if digest.events.iter().any(is_rotation) => {
            return format!("{} resolved.", plural(resolved, "finding", "findings"));
        }
        (0, _) => return format!("{} resolved; nothing is to be done.", plural(resolved, "finding", "findings")),
        (1, true) => "1 credential needs attention.".to_owned(),
        (1, false) => "1 credential needs you.".to_owned(),
        (count, true) => format!("{count} credentials need attention."),
        (count, false) => format!("{count} credentials need you."),
    };
    match resolved {
        0 => need,
        _ => format!("{need} {} resolved.", plural(resolved, "finding", "findings")),
    }
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn entry(assessment: &Assessment<'_>, events: &[&Event<'_>], digest: &Digest<'_>) -> Entry {
    let app = assessment.subject.app;
    let severity = worst(events);
    let owners = digest.admin.then(|| match app.owners.len() {
        0 => "none declared; you stand in".to_owned(),
        _ => prose(&app.owners.join(", "), 300),
    });
    Entry {
        name: name(assessment),
        severity: severity.name(),
        colour: match severity {
            Severity::Info => "#1d4ed8",
            Severity::Warning => "#b45309",
            _ => "#b91c1c",
        },
        days: days_left(assessment, events),
        findings: events.iter().filter_map(|event| item(event)).collect(),
        by: by(assessment, events),
        runbook: app.runbook.as_ref().map(|url| text::shortened(url.as_str(), 500)),
        runbook_is_link: app.runbook.as_ref().is_some_and(|url| matches!(url.scheme(), "http" | "https")),
        answer: answer(assessment),
        registration: registration(assessment),
        owners,
    }
}

fn item(event: &Event<'_>) -> Option<Item> {
    let finding = event.finding?;
    let (message, remedy) = (prose(&finding.message, 600), prose(&finding.remedy, 1_500));
    Some(Item { code: finding.code.name(), message, remedy })
}

/// Until when something must be done, where that can be said.
fn by(assessment: &Assessment<'_>, events: &[&Event<'_>]) -> Option<String> {
    let ends = |event: &&&Event<'_>| event.code == FindingCode::Expiring.name();
    if events.iter().any(|event| !ends(&event) && event.severity == Severity::Critical) {
        return Some("now".to_owned());
    }
    let is_hand_over = |event: &&Event<'_>| event.code == FindingCode::RotationHandover.name();
    if let Some(hand) = assessment.hand_over().filter(|_| events.iter().any(is_hand_over)) {
        return Some(clock::rfc3339(hand.due));
    }
    events.iter().find(ends).and(assessment.expiry.at).map(clock::rfc3339)
}

fn days_left(assessment: &Assessment<'_>, events: &[&Event<'_>]) -> Option<String> {
    let ends = [FindingCode::Expiring.name(), FindingCode::Expired.name()];
    events.iter().find(|event| ends.contains(&event.code))?;
    Some(match days(assessment)? {
        ..0 => "expired".to_owned(),
        0 => "less than a day left".to_owned(),
        days => format!("{} left", plural(usize::try_from(days).unwrap_or(usize::MAX), "day", "days")),
    })
}

fn days(assessment: &Assessment<'_>) -> Option<i64> {
    assessment.expiry.days_left
}

/// What a provider's support asks for.
fn answer(assessment: &Assessment<'_>) -> Option<String> {
    let test = &assessment.test;
    let status = test.http_status?;
    if test.verdict == Verdict::Valid {
        return None;
    }
    let mut parts = vec![format!("HTTP {status}")];
    parts.extend(test.error.as_deref().map(|error| text::shortened(error, 80)));
    parts.extend(test.error_codes.iter().map(u64::to_string));
    parts.extend(test.trace_id.as_deref().map(|id| format!("trace {}", text::shortened(id, 80))));
    parts.extend(test.correlation_id.as_deref().map(|id| format!("correlation {}", text::shortened(id, 80))));
    Some(parts.join(" "))
}

fn registration(assessment: &Assessment<'_>) -> String {
    let app = assessment.subject.app;
    let mut parts = vec![app.registration.provider.name().to_owned()];
    parts.extend(app.registration.tenant.as_deref().map(|tenant| text::shortened(tenant, 120)));
    parts.push(format!("client {}", text::shortened(&app.client_id, 120)));
    parts.extend(assessment.secret_id().map(|id| format!("secret id {}", text::shortened(id, 120))));
    parts.join(", ")
}

fn line(event: &Event<'_>) -> Option<Line> {
    let Kind::Resolved(ending) = event.kind else { return None };
    let since = event.told.map(|told| format!(", told {}", told.format("%Y-%m-%d"))).unwrap_or_default();
    let how = match ending {
        // What is left to do, if anything, is a finding of its own.
        Ending::Mended if event.code == FindingCode::RotationUnderWay.name() => "the rotation is over",
        Ending::Mended => "no longer found",
        Ending::Replaced => "another finding took its place",
        Ending::Removed => "no longer in the inventory",
    };
    Some(Line { name: named(event.app, event.label), code: prose(event.code, 60), how: format!("{how}{since}") })
}

fn footer(digest: &Digest<'_>) -> String {
    let hand_overs = digest.events.iter().all(|event| event.code == FindingCode::RotationHandover.name());
    let why = match (digest.admin, hand_overs) {
        (true, _) => "an admin of credwatch",
        (false, true) => "an owner of these credentials, or the one who puts their new secrets in",
        (false, false) => "an owner of these credentials",
    };
    let version = env!("CARGO_PKG_VERSION");
    format!("Sent because you are {why}. credwatch {version}, run {}, {}", digest.run_id, clock::rfc3339(digest.now))
}

fn name(assessment: &Assessment<'_>) -> String {
    named(&assessment.subject.app.name, assessment.subject.credential.label.as_deref().unwrap_or_default())
}

/// The credential as people call it.
pub(super) fn named(app: &str, label: &str) -> String {
    match label {
        "" => text::shortened(app, 120),
        label => format!("{} ({})", text::shortened(app, 120), text::shortened(label, 60)),
    }
}

/// Several lines made one, nothing in it but letters.
fn prose(raw: &str, limit: usize) -> String {
    let lines: Vec<_> = raw.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    text::shortened(&lines.join(" "), limit)
}

#[cfg(test)]
mod tests;
