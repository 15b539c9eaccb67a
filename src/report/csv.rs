//! One row per credential, for spreadsheets; what credwatch itself signs in with first.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use super::{Report, wording};
use crate::{assess::Assessment, clock, text::printable};

/// Stable; new columns are added at the end.
const HEADER: [&str; 28] = [
    "app",
    "label",
    "provider",
    "tenant",
    "client_id",
    "secret_id",
    "kind",
    "owners",
    "used_by",
    "tags",
    "severity",
    "verdict",
    "secret_accepted",
    "http_status",
    "error",
    "error_codes",
    "trace_id",
    "correlation_id",
    "attempts",
    "latency_ms",
    "token_lifetime_seconds",
    "expires_at",
    "never",
    "days_left",
    "expiry_source",
    "findings",
    "messages",
    "remedies",
];

pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(HEADER)?;
    for assessment in report.all() {
        csv.write_record(row(assessment))?;
    }
    csv.flush()
}

fn row(assessment: &Assessment<'_>) -> [String; HEADER.len()] {
    let (app, credential) = (assessment.subject.app, assessment.subject.credential);
    let (test, expiry) = (&assessment.test, assessment.expiry);
    let each = |text: fn(&crate::assess::Finding) -> Cow<'_, str>| {
        let all: Vec<_> = assessment.findings.iter().map(text).collect();
        inert(&all.join("; "))
    };
    [
        inert(&app.name),
        optional(credential.label.as_deref()),
        app.registration.provider.name().to_owned(),
        optional(app.registration.tenant.as_deref()),
        inert(&app.client_id),
        optional(assessment.secret_id()),
        credential.key.kind().to_owned(),
        inert(&app.owners.join("; ")),
        optional(app.used_by.as_deref()),
        inert(&app.tags.join("; ")),
        assessment.severity.name().to_owned(),
        test.verdict.name().to_owned(),
        number(test.secret_accepted),
        number(test.http_status),
        optional(test.error.as_deref()),
        test.error_codes.iter().map(u64::to_string).collect::<Vec<_>>().join("; "),
        optional(test.trace_id.as_deref()),
        optional(test.correlation_id.as_deref()),
        test.attempts.to_string(),
        number(test.latency_ms),
        number(test.token_lifetime_seconds),
        number(expiry.at.map(clock::rfc3339)),
        expiry.never.to_string(),
        number(expiry.days_left),
        expiry.source.map(|source| wording::serialised(&source)).unwrap_or_default(),
        each(|finding| finding.code.name().into()),
        each(|finding| finding.message.as_str().into()),
        each(|finding| finding.remedy.as_str().into()),
    ]
}

/// A text no spreadsheet takes for a formula and no terminal acts on. The full-width signs count as operators in East
/// Asian editions of spreadsheets.
fn inert(text: &str) -> String {
    // Spreadsheets may drop blanks before they look.
    let guard = text.starts_with(['\t', '\r', '\n'])
        || text.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    format!("{}{}", if guard { "'" } else { "" }, printable(text))
}

fn optional(text: Option<&str>) -> String {
    text.map(inert).unwrap_or_default()
}

/// Numbers, times and booleans of our own: never guarded, `-20` must stay a number.
fn number(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_becomes_text() {
        for (text, cell) in [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\u{fffd}=1"),
            ("\r=1", "'\u{fffd}=1"),
            (" =1", "' =1"),
            ("\u{a0}@SUM(A1)", "'\u{a0}@SUM(A1)"),
            ("plain = text", "plain = text"),
        ] {
            assert_eq!(inert(text), cell);
        }
    }
}
