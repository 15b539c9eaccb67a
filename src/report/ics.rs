//! A calendar of ends: one all-day event per credential that ends (RFC 5545).

use std::io::{self, Write};

use chrono::{DateTime, NaiveDate, Utc};
use icalendar::{Alarm, Calendar, Component, Event, EventLike, Property};

use super::{Report, wording};
use crate::{assess::Assessment, text::printable};

/// Days before the end on which a calendar reminds.
const REMINDERS: [i64; 3] = [30, 7, 1];

pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut calendar = Calendar::new();
    calendar.properties = vec![
        Property::new("VERSION", "2.0"),
        Property::new("PRODID", format!("-//credwatch//credwatch {}//EN", printable(&report.run.version))),
        Property::new("CALSCALE", "GREGORIAN"),
    ];
    calendar.name("Credentials that expire");
    calendar.extend(report.all().filter_map(|it| event(it, report.run.finished_at)));
    write_lines(&calendar.to_string().replace("\r\n ", ""), out)
}

/// Writes unfolded lines. The crate stamps alarms with the wall clock, where RFC 5545 section 3.6.6 knows no DTSTAMP,
/// and folds some lines an octet too late.
fn write_lines(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut in_alarm = false;
    for line in text.split_terminator("\r\n") {
        in_alarm = line == "BEGIN:VALARM" || (in_alarm && line != "END:VALARM");
        if !(in_alarm && line.starts_with("DTSTAMP:")) {
            write_folded(line, out)?;
        }
    }
    Ok(())
}

/// At most 75 octets a line, broken between characters (RFC 5545 section 3.1).
fn write_folded(line: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut used = 0;
    for c in line.chars() {
        if used + c.len_utf8() > 75 {
            out.write_all(b"\r\n ")?;
            used = 1;
        }
        used += c.len_utf8();
        out.write_all(c.encode_utf8(&mut [0; 4]).as_bytes())?;
    }
    out.write_all(b"\r\n")
}

fn event(assessment: &Assessment<'_>, now: DateTime<Utc>) -> Option<Event> {
    let at = assessment.expiry.at.filter(|_| !assessment.expiry.never)?;
    let day = at.date_naive();
    let id = wording::stable_id(assessment, "expiry");
    let title = format!("{} expires", wording::credential(assessment));
    let mut event = Event::new();
    event
        .uid(&format!("{id}@credwatch"))
        .timestamp(now)
        .starts(day)
        // The end of an event is the first day after it (RFC 5545 section 3.6.1).
        .ends(day.succ_opt()?)
        .summary(&title)
        .description(&description(assessment))
        .add_property("TRANSP", "TRANSPARENT");
    for days in REMINDERS {
        if is_ahead(day, days, now) {
            event.alarm(alarm(&title, days, &id));
        }
    }
    Some(event.done())
}

fn is_ahead(day: NaiveDate, days: i64, now: DateTime<Utc>) -> bool {
    (day - now.date_naive()).num_days() >= days
}

fn alarm(title: &str, days: i64, id: &str) -> Alarm {
    let mut alarm = Alarm::display(title, chrono::TimeDelta::days(-days));
    // The crate would write seconds and a random UID.
    alarm.add_property("TRIGGER", format!("-P{days}D")).add_property("UID", format!("{id}-{days}d@credwatch"));
    alarm
}

fn description(assessment: &Assessment<'_>) -> String {
    let app = assessment.subject.app;
    let mut lines = vec![
        format!("Client: {}", wording::name(&app.client_id)),
        format!("Provider: {}", app.registration.provider.name()),
        format!("Verdict: {}", assessment.test.verdict.name()),
    ];
    if let Some(product) = &app.used_by {
        lines.push(format!("Used by: {}", wording::name(product)));
    }
    if !app.owners.is_empty() {
        lines.push(format!("Owner: {}", wording::owners(assessment)));
    }
    lines.extend(
        wording::findings(assessment)
            .into_iter()
            .map(|finding| printable(&format!("{} {}", finding.message, finding.remedy))),
    );
    lines.join("\n")
}
