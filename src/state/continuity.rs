//! What it means that a finding of an earlier run is no longer reported.

use crate::assess::{Assessment, Severity, Verdict};

/// What became of a finding that the latest judgement does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vanished {
    /// This run could not tell: it stands.
    Stands,
    /// Another finding on the same matter took its place (`expiring`, then `expired`).
    Replaced,
    /// It is over.
    Over,
}

/// Judges a finding that `assessment` does not name.
///
/// What a test found is over only when a later test could tell: a refused secret at an endpoint that is down
/// tonight is still refused.
#[must_use]
pub fn vanished(code: &str, assessment: &Assessment<'_>) -> Vanished {
    let matter = Matter::of(code);
    let verdict = assessment.test.verdict;
    let tested = !verdict.is_inconclusive() && verdict != Verdict::Untested;
    if !tested && matches!(matter, Matter::Test | Matter::TestAgainstDate) {
        return Vanished::Stands;
    }
    // Only a run that tries to rotate can tell that nothing is in the way any more.
    let tried = assessment.rotation.as_ref().is_some_and(|standing| standing.tried);
    if matter == Matter::Attempt && !tried {
        return Vanished::Stands;
    }
    let replaced = matches!(matter, Matter::Test | Matter::End | Matter::Rotation)
        && assessment
            .findings
            .iter()
            .any(|finding| finding.severity >= Severity::Warning && Matter::of(finding.code.name()) == matter);
    if replaced { Vanished::Replaced } else { Vanished::Over }
}

/// What a finding is about; of one matter a credential has one state at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Matter {
    /// How the test ended.
    Test,
    /// When the credential ends.
    End,
    /// The declared end against the test.
    TestAgainstDate,
    Lifetime,
    /// How far a rotation is.
    Rotation,
    /// What kept one run from going on with it.
    Attempt,
    /// What a rotation left behind.
    Rest,
}

impl Matter {
    fn of(code: &str) -> Self {
        match code {
            "expiring" | "expired" | "never-expires" | "expiry-undeclared" => Self::End,
            "declared-date-wrong" => Self::TestAgainstDate,
            "lifetime-too-long" => Self::Lifetime,
            "rotation-under-way" | "rotation-handover" | "rotation-blocked" => Self::Rotation,
            "rotation-failed" => Self::Attempt,
            "orphan-left" | "predecessor-kept" | "predecessor-still-accepted" => Self::Rest,
            _ => Self::Test,
        }
    }
}
