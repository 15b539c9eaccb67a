//! One JSON object a line, for log shippers and `jq`.
//!
//! Each line carries `schema`, `type`, `run` (the run's id) and `at` (its end). A line of type `credential` has the
//! members of a credential of the JSON report, a line of type `incomplete` a `code` and a `message`. There is exactly
//! one `credential` line per credential, in inventory order; `incomplete` lines follow where something was not done.

use std::io::{self, Write};

use serde::Serialize;

use super::{Report, Row, json};
use crate::{clock, run::Incomplete};

#[derive(Serialize)]
struct Line<'a, T> {
    schema: &'a str,
    r#type: &'a str,
    run: &'a str,
    at: &'a str,
    #[serde(flatten)]
    subject: T,
}

pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let at = clock::rfc3339(report.run.finished_at);
    let (schema, run) = (report.schema, report.run.id.as_str());
    for assessment in report.credentials {
        let subject = Row::from(assessment);
        json::line(&Line { schema, r#type: "credential", run, at: &at, subject }, out)?;
    }
    for incomplete in &report.run.incomplete {
        let subject: &Incomplete = incomplete;
        json::line(&Line { schema, r#type: "incomplete", run, at: &at, subject }, out)?;
    }
    Ok(())
}
