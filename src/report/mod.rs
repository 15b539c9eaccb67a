//! Reports: one finished run, rendered. A format takes the report and returns text: no I/O, no clock, no channel.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::{
    assess::{Assessment, Expiry, Finding, Severity, Summary, Test},
    run::Run,
};

/// The whole run, as every format sees it; serialised it is the JSON report.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    pub schema: &'static str,
    pub run: Run,
    pub summary: Summary,
    /// In inventory order.
    pub credentials: &'a [Assessment<'a>],
}

/// Value of `schema`; additive changes only within `/1`.
pub const SCHEMA: &str = "credwatch.report/1";

/// One row of the JSON report; the schema describes it, the serializer fills it by reference.
#[derive(Serialize, JsonSchema)]
pub struct Row<'a> {
    pub app: &'a str,
    pub label: Option<&'a str>,
    pub provider: &'a str,
    pub tenant: Option<&'a str>,
    pub client_id: &'a str,
    pub secret_id: Option<&'a str>,
    /// `client_secret` or `certificate`.
    pub kind: &'a str,
    pub owners: &'a [String],
    pub used_by: Option<&'a str>,
    pub tags: &'a [String],
    pub test: &'a Test,
    pub expiry: Expiry,
    pub severity: Severity,
    pub findings: &'a [Finding],
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
            secret_id: credential.secret_id.as_deref(),
            kind: credential.key.kind(),
            owners: &app.owners,
            used_by: app.used_by.as_deref(),
            tags: &app.tags,
            test: &assessment.test,
            expiry: assessment.expiry,
            severity: assessment.severity,
            findings: &assessment.findings,
        }
    }
}

impl Serialize for Assessment<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Row::from(self).serialize(serializer)
    }
}
