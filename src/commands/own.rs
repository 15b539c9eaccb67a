//! How what credwatch itself signs in with stands, before what the commands about rotations say of apps.

use crate::{assess::Assessment, exit::Exit, job::FailOn, text::printable};

/// A line for each finding; for one in order, its end, where it is known and `quiet` does not ask for silence.
pub(super) fn lines(all: &[Assessment<'_>], quiet: bool) -> String {
    all.iter().flat_map(|assessment| of(assessment, quiet)).map(|line| format!("{}\n", printable(&line))).collect()
}

pub(super) fn exit(all: &[Assessment<'_>]) -> Exit {
    FailOn::Critical.exit(all, false)
}

fn of(assessment: &Assessment<'_>, quiet: bool) -> Vec<String> {
    let (app, credential) = (assessment.subject.app, assessment.subject.credential);
    let name = format!("{} ({})", app.name, credential.label.as_deref().unwrap_or_default());
    let findings = assessment.findings.iter();
    let mut lines: Vec<_> = findings
        .map(|finding| format!("{name}: {}: {} To do: {}", finding.code, finding.message, finding.remedy))
        .collect();
    let end = assessment.expiry.at.filter(|_| lines.is_empty() && !quiet);
    lines.extend(end.map(|end| format!("{name}: good until {}", end.format("%Y-%m-%d"))));
    lines
}
