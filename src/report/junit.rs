//! One test case per credential, for CI systems (JUnit XML).
//!
//! Critical is a failure, could-not-tell an error; what was not tested, or was stopped by a policy, is skipped: only a
//! credential that got its token passes. What credwatch itself signs in with stands in a suite of its own, and first; what
//! the run could not do in another, and last.

use std::{
    io::{self, Write},
    time::Duration,
};

use quick_junit::{NonSuccessKind, Report as Xml, TestCase, TestCaseStatus, TestSuite};

use super::{Report, wording};
use crate::{
    assess::{Assessment, Severity, Verdict},
    text::printable,
};

pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut xml = Xml::new("credwatch");
    xml.set_timestamp(report.run.finished_at);
    if !report.management.is_empty() {
        let mut management = TestSuite::new("management");
        management.add_test_cases(report.management.iter().map(case));
        xml.add_test_suite(management);
    }
    let mut credentials = TestSuite::new("credentials");
    credentials.add_test_cases(report.credentials.iter().map(case));
    xml.add_test_suite(credentials);
    if !report.run.incomplete.is_empty() {
        let mut run = TestSuite::new("run");
        run.add_test_cases(report.run.incomplete.iter().map(|incomplete| {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(printable(&incomplete.message));
            let mut case = TestCase::new(printable(&incomplete.code), status);
            case.set_classname("credwatch.run");
            case
        }));
        xml.add_test_suite(run);
    }
    xml.serialize(out).map_err(io::Error::other)
}

fn case(assessment: &Assessment<'_>) -> TestCase {
    let app = assessment.subject.app;
    let label = assessment.subject.credential.label.as_deref();
    let name = label.map_or_else(|| printable(&app.name), |label| printable(&format!("{} / {label}", app.name)));
    let mut case = TestCase::new(name, status(assessment));
    case.set_classname(format!("credwatch.{}", app.registration.provider.name()));
    if let Some(latency) = assessment.test.latency_ms {
        case.set_time(Duration::from_millis(latency));
    }
    if assessment.test.verdict == Verdict::Valid
        && assessment.severity < Severity::Critical
        && !assessment.findings.is_empty()
    {
        case.set_system_out(details(assessment));
    }
    case
}

fn status(assessment: &Assessment<'_>) -> TestCaseStatus {
    let verdict = assessment.test.verdict;
    let mut status = match assessment.severity {
        Severity::Critical => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Severity::Unknown => TestCaseStatus::non_success(NonSuccessKind::Error),
        _ if verdict.is_inconclusive() => TestCaseStatus::non_success(NonSuccessKind::Error),
        _ if verdict == Verdict::Valid => return TestCaseStatus::success(),
        _ => TestCaseStatus::skipped(),
    };
    let worst = wording::findings(assessment).first().map(|finding| printable(&finding.message));
    status.set_type(verdict.name());
    status.set_message(worst.unwrap_or_else(|| verdict.name().to_owned()));
    if !assessment.findings.is_empty() {
        status.set_description(details(assessment));
    }
    status
}

fn details(assessment: &Assessment<'_>) -> String {
    let lines: Vec<_> = wording::findings(assessment)
        .into_iter()
        .map(|finding| {
            let code = finding.code.name();
            printable(&format!("{} {code}: {} To do: {}", finding.severity.name(), finding.message, finding.remedy))
        })
        .collect();
    lines.join("\n")
}
