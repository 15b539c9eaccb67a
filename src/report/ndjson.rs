//! One JSON object a line, for log shippers and `jq`.
//!
//! Each line carries `schema`, `type`, `run` (the run's id) and `at` (its end). A line of type `credential` has the
//! members of a credential of the JSON report, a line of type `incomplete` a `code` and a `message`. There is exactly
//! one `credential` line per credential, in inventory order; `incomplete` lines follow where something was not done. Before
//! all others stand lines of type `management`, with the same members: what credwatch itself signs in with.

use std::io::{self, Write};

use serde::Serialize;

use super::{Report, Row, json};
use crate::{assess::Assessment, clock, run::Incomplete};

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
    let of_kind = |kind, all: &'_ [Assessment<'_>], out: &mut dyn Write| {
        all.iter().try_for_each(|assessment| {
            json::line(&Line { schema, r#type: kind, run, at: &at, subject: Row::from(assessment) }, out)
        })
    };
    of_kind("management", report.management, out)?;
    of_kind("credential", report.credentials, out)?;
    for incomplete in &report.run.incomplete {
        let subject: &Incomplete = incomplete;
        json::line(&Line { schema, r#type: "incomplete", run, at: &at, subject }, out)?;
    }
    Ok(())
}
