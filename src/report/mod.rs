//! Reports: one finished run, rendered. A format takes the report and writes text: no clock, no channel, no files.
//!
//! A new format costs one file here, one variant of [`Format`] and one arm of [`render_to`].

mod csv;
#[cfg(test)]
mod fixture;
mod format;
pub mod html;
mod ics;
mod json;
mod junit;
mod markdown;
mod ndjson;
mod prometheus;
mod sarif;
mod schema;
mod table;
mod target;
#[cfg(test)]
mod tests;
pub(crate) mod wording;
mod write;

pub use format::{Format, UnknownFormat};
pub use schema::schema;
pub use target::{Target, TargetFault};
pub use wording::totals;
pub use write::write_all;

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::{
    assess::{Assessment, Expiry, Finding, Progress, Severity, Summary, Test},
    run::{Incomplete, Run},
};

/// One finished run: what was tested, how it was judged, and what could not be done.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report<'a> {
    /// Name and version of this format; within `/1` members are only added.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: &'static str,
    /// When, over what, and what it could not do.
    pub run: Run,
    /// Each credential counted once, by its severity.
    pub summary: Summary,
    /// What credwatch itself signs in with to rotate secrets, by the settings' `management`: as the run found it, or, where
    /// it rotated nothing, as an earlier one did. In no count.
    #[schemars(with = "Vec<Row<'static>>")]
    pub management: &'a [Assessment<'a>],
    /// In inventory order.
    #[schemars(with = "Vec<Row<'static>>")]
    pub credentials: &'a [Assessment<'a>],
    /// End of the latest run that judged and delivered everything, this one included; kept in the state. Only the
    /// metrics carry it.
    #[serde(skip)]
    pub last_success: Option<DateTime<Utc>>,
    /// The same before this run: what counts once a report of this run could not be written.
    #[serde(skip)]
    pub earlier_success: Option<DateTime<Utc>>,
}

impl<'a> Report<'a> {
    /// What everything hangs on first, then in inventory order.
    pub fn all(&self) -> impl Iterator<Item = &'a Assessment<'a>> + use<'a> {
        self.management.iter().chain(self.credentials)
    }

    /// Notes what could not be delivered: the run was no success then.
    pub fn miss(&mut self, missing: Incomplete) {
        self.last_success = self.earlier_success;
        self.run.incomplete.push(missing);
    }
}

/// Value of `schema`; additive changes only within `/1`.
pub const SCHEMA: &str = "credwatch.report/1";

/// How a report for people may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    pub color: bool,
    /// Columns of the terminal; `None`: lines are not broken.
    pub width: Option<usize>,
}

/// A report that could not be rendered.
#[derive(Debug, Error)]
#[error("the {format} report could not be made: {reason}")]
pub struct RenderFault {
    pub format: Format,
    #[source]
    pub reason: io::Error,
}

/// The report as text.
///
/// # Errors
/// A template or serialiser that failed, which is a fault of ours.
pub fn render(format: Format, report: &Report<'_>, look: Look) -> Result<String, RenderFault> {
    let mut out = Vec::new();
    render_to(format, report, look, &mut out)
        .and_then(|()| String::from_utf8(out).map_err(io::Error::other))
        .map_err(|reason| RenderFault { format, reason })
}

/// Writes the report piece by piece, in many small writes: hand in a buffered writer.
///
/// # Errors
/// Those of the writer, and a template or serialiser that failed.
pub fn render_to(format: Format, report: &Report<'_>, look: Look, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Table => table::render(report, look, out),
        Format::Json => json::render(report, out),
        Format::Ndjson => ndjson::render(report, out),
        Format::Csv => csv::render(report, out),
        Format::Markdown => markdown::render(report, out),
        Format::Html => html::render(report, out),
        Format::Junit => junit::render(report, out),
        Format::Sarif => sarif::render(report, out),
        Format::Prometheus => prometheus::render(report, out),
        Format::Ics => ics::render(report, out),
    }
}

/// One credential: what was tested, how the test ended, when it ends, what is wrong.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Credential")]
pub struct Row<'a> {
    /// Name of the app in the inventory.
    pub app: &'a str,
    /// Tells the credentials of one app apart.
    pub label: Option<&'a str>,
    /// Kind of identity provider.
    pub provider: &'a str,
    pub tenant: Option<&'a str>,
    pub client_id: &'a str,
    /// The provider's id of the credential, never its value.
    pub secret_id: Option<&'a str>,
    #[schemars(extend("enum" = ["client_secret", "certificate"]))]
    pub kind: &'a str,
    /// Addresses of the people who are told.
    pub owners: &'a [String],
    /// The product the credential is typed into.
    pub used_by: Option<&'a str>,
    pub tags: &'a [String],
    pub test: &'a Test,
    pub expiry: Expiry,
    /// The worst of verdict and findings.
    pub severity: Severity,
    pub findings: &'a [Finding],
    /// The rotation that is under way, is blocked, or left something behind.
    pub rotation: Option<&'a Progress>,
}

impl<'a> From<&'a Assessment<'a>> for Row<'a> {
    fn from(assessment: &'a Assessment<'a>) -> Self {
        let (app, credential) = (assessment.subject.app, assessment.subject.credential);
        Self {
            app: &app.name,
            label: credential.label.as_deref(),
            provider: app.registration.provider.name(),
            tenant: app.registration.tenant.as_deref(),
            client_id: &app.client_id,
            secret_id: assessment.secret_id(),
            kind: credential.key.kind(),
            owners: &app.owners,
            used_by: app.used_by.as_deref(),
            tags: &app.tags,
            test: &assessment.test,
            expiry: assessment.expiry,
            severity: assessment.severity,
            findings: &assessment.findings,
            rotation: assessment.progress(),
        }
    }
}

impl Serialize for Assessment<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Row::from(self).serialize(serializer)
    }
}
