//! Metrics for the textfile collector of the node exporter.
//!
//! Gauges only: the collector refuses the whole file for a metric of type `info`, and `promtool` finds fault with a
//! counter that starts anew each night. Times instead of days left, so that a file which is no longer written still
//! tells the truth. Written by hand because `prometheus-client` writes OpenMetrics and owns what it writes.

use std::{
    fmt,
    io::{self, Write},
};

use chrono::{DateTime, Utc};

use super::{Report, wording};
use crate::{
    assess::{Assessment, Expiry, Severity},
    text::is_harmless,
};

pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    per_credential(report, out)?;
    family(out, "credwatch_credentials", "Number of credentials by severity.")?;
    for severity in wording::SEVERITIES {
        let (name, count) = (severity.name(), wording::count(&report.summary, severity));
        writeln!(out, "credwatch_credentials{{severity=\"{name}\"}} {count}")?;
    }
    let run = &report.run;
    single(
        out,
        "credwatch_run_incomplete",
        "Number of things the last run could not read, judge or deliver.",
        run.incomplete.len(),
    )?;
    single(out, "credwatch_last_run_timestamp_seconds", "End of the last run.", seconds(run.finished_at))?;
    single(
        out,
        "credwatch_last_success_timestamp_seconds",
        "End of the last run that judged and delivered everything; 0 before the first.",
        report.last_success.map_or(0, seconds),
    )
}

fn per_credential(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let expiry = "credwatch_credential_expiry_timestamp_seconds";
    family(out, expiry, "When the credential ends; +Inf for never, absent where nobody knows.")?;
    for assessment in report.all() {
        let Some(end) = end(assessment.expiry) else { continue };
        writeln!(out, "{expiry}{{{}}} {end}", Labels(assessment))?;
    }
    let info = "credwatch_credential_info";
    family(out, info, "What the credential is and how its last test ended; always 1.")?;
    for assessment in report.all() {
        let app = assessment.subject.app;
        writeln!(
            out,
            "{info}{{{},provider=\"{}\",kind=\"{}\",client_id=\"{}\",verdict=\"{}\",severity=\"{}\"}} 1",
            Labels(assessment),
            app.registration.provider.name(),
            assessment.subject.credential.key.kind(),
            Escaped(&app.client_id),
            assessment.test.verdict.name(),
            assessment.severity.name(),
        )?;
    }
    let severity = "credwatch_credential_severity";
    family(out, severity, "Worst finding: 0 ok, 1 info, 2 warning, 3 unknown (could not tell), 4 critical.")?;
    for assessment in report.all() {
        writeln!(out, "{severity}{{{}}} {}", Labels(assessment), rank(assessment.severity))?;
    }
    Ok(())
}

fn family(out: &mut dyn Write, name: &str, help: &str) -> io::Result<()> {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge")
}

fn single(out: &mut dyn Write, name: &str, help: &str, value: impl fmt::Display) -> io::Result<()> {
    family(out, name, help)?;
    writeln!(out, "{name} {value}")
}

fn seconds(at: DateTime<Utc>) -> i64 {
    at.timestamp()
}

fn end(expiry: Expiry) -> Option<String> {
    if expiry.never { Some("+Inf".to_owned()) } else { expiry.at.map(|at| seconds(at).to_string()) }
}

const fn rank(severity: Severity) -> u8 {
    match severity {
        Severity::Ok => 0,
        Severity::Info => 1,
        Severity::Warning => 2,
        Severity::Unknown => 3,
        Severity::Critical => 4,
    }
}

/// The labels that tell one credential from all others.
struct Labels<'a>(&'a Assessment<'a>);

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = self.0.subject.credential.label.as_deref().unwrap_or_default();
        write!(f, "app=\"{}\",label=\"{}\"", Escaped(&self.0.subject.app.name), Escaped(label))
    }
}

/// A label's value. One duplicate series and the whole file is refused, so different names must stay different:
/// harmful characters are spelled out, not replaced, and so is the backslash that spells them.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                c if c == '\\' || !is_harmless(c) => write!(f, "\\\\u{{{:x}}}", u32::from(c))?,
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_names_stay_different_and_harmless() {
        let escaped = |text| Escaped(text).to_string();
        assert_eq!(escaped("say \"hi\""), "say \\\"hi\\\"");
        assert_eq!(escaped("a\u{1b}\n"), "a\\\\u{1b}\\\\u{a}");
        assert_eq!(escaped("a\\u{1b}"), "a\\\\u{5c}u{1b}");
    }
}
