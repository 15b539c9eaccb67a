//! From a judged run to its exit code.

use clap::ValueEnum;

use crate::{
    assess::{Assessment, Severity},
    exit::Exit,
};

/// `--fail-on`: from which severity on findings cost exit code 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    Warning,
    #[default]
    Critical,
    Never,
}

impl FailOn {
    /// The exit code of a run. 1 wins over 3, the report says both.
    ///
    /// `unknown` is no finding to fail on: a verdict that could not tell is exit code 3, whatever the limit.
    #[must_use]
    pub fn exit(self, assessments: &[Assessment<'_>], incomplete: bool) -> Exit {
        let fails = |severity: Severity| match self {
            Self::Warning => matches!(severity, Severity::Warning | Severity::Critical),
            Self::Critical => severity == Severity::Critical,
            Self::Never => false,
        };
        let mut findings = assessments.iter().flat_map(|assessment| assessment.findings.iter());
        let failed = findings.any(|finding| fails(finding.severity));
        if failed {
            Exit::Findings
        } else if incomplete || assessments.iter().any(|assessment| assessment.test.verdict.is_inconclusive()) {
            Exit::Incomplete
        } else {
            Exit::Clean
        }
    }
}
