//! Findings for code scanning and other viewers of results (SARIF 2.1.0).

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::{Component, Path},
};

use serde_json::json;
use serde_sarif::sarif::{
    ArtifactLocation, Invocation, Location, LogicalLocation, Message, MultiformatMessageString, Notification,
    PhysicalLocation, PropertyBag, Region, ReportingDescriptor, Result as Hit, ResultLevel, Run, RunAutomationDetails,
    SCHEMA_URL, Sarif, Tool, ToolComponent,
};
use url::Url;

use super::{Report, json, wording};
use crate::{
    assess::{self, Assessment, Finding, Severity},
    clock,
    inventory::Origin,
    text::printable,
};

pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (mut rules, mut indexes) = (Vec::new(), BTreeMap::new());
    let mut hits = Vec::new();
    for assessment in report.all() {
        for finding in &assessment.findings {
            let index = *indexes.entry(finding.code).or_insert_with(|| {
                rules.push(rule(finding));
                rules.len() - 1
            });
            hits.push(hit(assessment, finding, index as i64));
        }
    }
    let driver =
        ToolComponent::builder().name("credwatch").semantic_version(report.run.version.as_str()).rules(rules).build();
    let run = Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .automation_details(RunAutomationDetails::builder().id(format!("credwatch/{}", report.run.id)).build())
        .invocations(vec![invocation(report)])
        .results(hits)
        .build();
    json::line(&Sarif::builder().schema(SCHEMA_URL).version("2.1.0").runs(vec![run]).build(), out)
}

/// Where the app's entry begins.
fn entry(origin: &Origin) -> Option<PhysicalLocation> {
    let file = ArtifactLocation::builder().uri(relative_uri(&origin.file)?).build();
    let region = Region::builder().start_line(i64::from(origin.line)).build();
    Some(PhysicalLocation::builder().artifact_location(file).region(region).build())
}

/// A path as URI reference, each part percent-encoded.
fn relative_uri(path: &Path) -> Option<String> {
    if path.is_absolute() {
        return Url::from_file_path(path).ok().map(String::from);
    }
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::ParentDir => parts.push("..".to_owned()),
            Component::Normal(name) => {
                let mut url = Url::parse("file:///").ok()?;
                url.path_segments_mut().ok()?.push(name.to_str()?);
                // A colon in the first part would make it a scheme.
                parts.push(url.path().trim_start_matches('/').replace(':', "%3A"));
            }
            _ => {}
        }
    }
    Some(parts.join("/"))
}

fn rule(finding: &Finding) -> ReportingDescriptor {
    let code = finding.code.name();
    let explained = assess::explain(code).map(|it| (it.title, format!("{} {} {}", it.what, it.why, it.todo)));
    let (title, help) =
        explained.unwrap_or_else(|| (code.replace('-', " "), format!("`credwatch explain {code}` says more.")));
    let text = |text: String| MultiformatMessageString::builder().text(text).build();
    ReportingDescriptor::builder().id(code).short_description(text(title)).help(text(help)).build()
}

fn hit(assessment: &Assessment<'_>, finding: &Finding, rule: i64) -> Hit {
    let (code, name) = (finding.code.name(), wording::credential(assessment));
    let text = format!("{name}: {} To do: {}", finding.message, finding.remedy);
    let logical = LogicalLocation::builder().fully_qualified_name(name).kind("resource").build();
    let mut location = Location::builder().logical_locations(vec![logical]).build();
    location.physical_location = assessment.subject.app.origin.as_ref().and_then(entry);
    let properties = BTreeMap::from([
        ("severity".to_owned(), json!(finding.severity)),
        ("verdict".to_owned(), json!(assessment.test.verdict)),
        ("owners".to_owned(), json!(&*assessment.subject.app.owners)),
        ("since".to_owned(), json!(finding.since.map(clock::rfc3339))),
    ]);
    Hit::builder()
        .rule_index(rule)
        .level(level(finding.severity))
        .message(message(&text))
        .locations(vec![location])
        .partial_fingerprints(BTreeMap::from([("credential/v1".to_owned(), wording::stable_id(assessment, code))]))
        .properties(PropertyBag::builder().additional_properties(properties).build())
        .rule_id(code)
        .build()
}

fn invocation(report: &Report<'_>) -> Invocation {
    let notes: Vec<_> = report
        .run
        .incomplete
        .iter()
        .map(|it| {
            let text = message(&format!("{}: {}", it.code, it.message));
            Notification::builder().level(json!("error")).message(text).build()
        })
        .collect();
    Invocation::builder()
        .execution_successful(notes.is_empty())
        .start_time_utc(clock::rfc3339(report.run.started_at))
        .end_time_utc(clock::rfc3339(report.run.finished_at))
        .tool_execution_notifications(notes)
        .build()
}

/// A plain message may hold links `[text](target)` (SARIF 2.1.0 section 3.11.6): a space keeps it from being one.
fn message(text: &str) -> Message {
    Message::builder().text(printable(text).replace("](", "] (")).build()
}

const fn level(severity: Severity) -> ResultLevel {
    match severity {
        Severity::Critical => ResultLevel::Error,
        Severity::Warning | Severity::Unknown => ResultLevel::Warning,
        Severity::Info => ResultLevel::Note,
        Severity::Ok => ResultLevel::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_uri_reference() {
        for (path, uri) in [
            ("inventory/apps.yaml", "inventory/apps.yaml"),
            ("./my apps/a#b?.yaml", "my%20apps/a%23b%3F.yaml"),
            ("../a:b.yaml", "../a%3Ab.yaml"),
            ("/etc/credwatch/apps.yaml", "file:///etc/credwatch/apps.yaml"),
        ] {
            assert_eq!(relative_uri(Path::new(path)).as_deref(), Some(uri), "{path}");
        }
    }
}
