//! The report as one self-contained page: nothing is loaded, and it can be read, printed and mailed without its script.

mod timeline;

use std::io::{self, Write};

use base64::{Engine, engine::general_purpose::STANDARD};
use minijinja::{Environment, UndefinedBehavior, Value, context, value::Serde};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Report, wording};
use crate::{
    assess::{Assessment, Finding, Severity, Summary},
    clock,
    run::Incomplete,
    text::printable,
};
use timeline::Timeline;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // The name ends in `.html`: every value is escaped.
    environment.add_template("page.html", PAGE).map_err(io::Error::other)?;
    let template = environment.get_template("page.html").map_err(io::Error::other)?;
    let page = Value::from(Serde(Page::of(report)));
    template
        .render_captured_to(
            context! { page, policy => content_security_policy(), style => STYLE, script => SCRIPT },
            out,
        )
        .map_err(io::Error::other)?;
    Ok(())
}

/// What the page may do: run its own script, use its own style, nothing else. Also a fit header for a server of it.
#[must_use]
pub fn content_security_policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
}

#[derive(Serialize)]
struct Page {
    day: String,
    time: String,
    finished_at: String,
    version: String,
    run: String,
    inventory: String,
    shard: Option<String>,
    headline: String,
    gap: Option<String>,
    totals: String,
    counts: Vec<Count>,
    incomplete: Vec<Incomplete>,
    timeline: Timeline,
    rows: Vec<Row>,
    entries: Vec<Entry>,
}

#[derive(Serialize)]
struct Count {
    severity: &'static str,
    number: usize,
    meaning: &'static str,
}

#[derive(Serialize)]
struct Row {
    severity: &'static str,
    /// For sorting; higher is worse.
    rank: u8,
    name: String,
    /// Number of its entry among the findings.
    entry: Option<usize>,
    verdict: &'static str,
    ends: String,
    left: String,
    /// For sorting: seconds since 1970, empty without an end.
    end_key: String,
    owners: String,
    provider: &'static str,
}

/// The findings of one credential.
#[derive(Serialize)]
struct Entry {
    number: usize,
    severity: &'static str,
    name: String,
    findings: Vec<Item>,
    facts: Vec<Fact>,
    runbook: Option<String>,
}

#[derive(Serialize)]
struct Item {
    code: String,
    message: String,
    remedy: String,
    since: Option<String>,
    since_at: Option<String>,
}

#[derive(Serialize)]
struct Fact {
    name: &'static str,
    text: String,
}

impl Page {
    fn of(report: &Report<'_>) -> Self {
        let (mut rows, mut entries) = (Vec::with_capacity(report.credentials.len()), Vec::new());
        for assessment in wording::worst_first(report) {
            let entry = (!assessment.findings.is_empty()).then(|| entries.len() + 1);
            rows.push(Row::of(assessment, entry));
            entries.extend(entry.map(|number| Entry::of(assessment, number)));
        }
        let run = &report.run;
        Self {
            day: run.finished_at.format("%-d %B %Y").to_string(),
            time: run.finished_at.format("%H:%M").to_string(),
            finished_at: clock::rfc3339(run.finished_at),
            version: printable(&run.version),
            run: printable(&run.id),
            inventory: wording::name(&run.inventory.join(", ")),
            shard: run.shard.as_deref().map(printable),
            headline: headline(&report.summary),
            gap: report.run.gap(),
            totals: wording::totals(&report.summary),
            counts: wording::SEVERITIES.map(|severity| Count::of(severity, &report.summary)).into(),
            incomplete: run
                .incomplete
                .iter()
                .map(|it| Incomplete { code: printable(&it.code), message: printable(&it.message) })
                .collect(),
            timeline: Timeline::of(report.credentials, run.finished_at),
            rows,
            entries,
        }
    }
}

impl Count {
    const fn of(severity: Severity, summary: &Summary) -> Self {
        let meaning = match severity {
            Severity::Critical => "critical",
            Severity::Unknown => "could not be judged",
            Severity::Warning => "to be looked at",
            Severity::Info => "with a note",
            Severity::Ok => "in order",
        };
        Self { severity: severity.name(), number: wording::count(summary, severity), meaning }
    }
}

impl Row {
    fn of(assessment: &Assessment<'_>, entry: Option<usize>) -> Self {
        let severity = assessment.severity;
        let end = if assessment.expiry.never { Some(i64::MAX) } else { assessment.expiry.at.map(|at| at.timestamp()) };
        Self {
            severity: severity.name(),
            rank: severity as u8,
            name: wording::credential(assessment),
            entry,
            verdict: assessment.test.verdict.name(),
            ends: wording::ends(assessment.expiry),
            left: wording::left(assessment.expiry),
            end_key: end.map(|end| end.to_string()).unwrap_or_default(),
            owners: wording::owners(assessment),
            provider: assessment.subject.app.registration.provider.name(),
        }
    }
}

impl Entry {
    fn of(assessment: &Assessment<'_>, number: usize) -> Self {
        let runbook = assessment.subject.app.runbook.as_ref();
        Self {
            number,
            severity: assessment.severity.name(),
            name: wording::credential(assessment),
            findings: wording::findings(assessment).into_iter().map(Item::of).collect(),
            facts: facts(assessment),
            runbook: runbook.filter(|url| matches!(url.scheme(), "https" | "http")).map(|url| printable(url.as_str())),
        }
    }
}

impl Item {
    fn of(finding: &Finding) -> Self {
        Self {
            code: finding.code.name().to_owned(),
            message: printable(&finding.message),
            remedy: printable(&finding.remedy),
            since: finding.since.map(|since| since.format("%-d %B %Y").to_string()),
            since_at: finding.since.map(clock::rfc3339),
        }
    }
}

/// What its owner needs to find it, and the provider's support to look it up.
fn facts(assessment: &Assessment<'_>) -> Vec<Fact> {
    let (app, test) = (assessment.subject.app, &assessment.test);
    let owners = wording::owners(assessment);
    let known = [
        ("Owner", (!owners.is_empty()).then_some(owners)),
        ("Used by", app.used_by.as_deref().map(wording::name)),
        ("Client id", Some(wording::name(&app.client_id))),
        ("Secret id", assessment.secret_id().map(wording::name)),
        ("Rotation", wording::rotation(assessment)),
        ("Tenant", app.registration.tenant.as_deref().map(wording::name)),
        ("Trace id", test.trace_id.as_deref().map(wording::name)),
        ("Correlation id", test.correlation_id.as_deref().map(wording::name)),
    ];
    known.into_iter().filter_map(|(name, text)| Some(Fact { name, text: text? })).collect()
}

/// The one sentence a reader in a hurry needs.
fn headline(summary: &Summary) -> String {
    let of = |number: usize| format!("{number} of {}", wording::counted(summary.credentials as u64, "credential"));
    let need = |number: usize| if number == 1 { "needs" } else { "need" };
    match summary {
        Summary { critical: number @ 1.., .. } => format!("{} {} action now", of(*number), need(*number)),
        Summary { unknown: number @ 1.., .. } => format!("{} could not be judged", of(*number)),
        Summary { warning: number @ 1.., .. } => format!("{} {} attention soon", of(*number), need(*number)),
        _ => format!("{} in order", of(summary.ok + summary.info)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_tells_the_worst() {
        let summary =
            |critical, unknown, warning| Summary { credentials: 4, critical, unknown, warning, ok: 4, info: 0 };
        assert_eq!(headline(&summary(1, 1, 1)), "1 of 4 credentials needs action now");
        assert_eq!(headline(&summary(0, 2, 1)), "2 of 4 credentials could not be judged");
        assert_eq!(headline(&summary(0, 0, 2)), "2 of 4 credentials need attention soon");
        assert_eq!(headline(&summary(0, 0, 0)), "4 of 4 credentials in order");
    }
}
