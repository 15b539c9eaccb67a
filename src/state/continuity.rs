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
    if matter == Matter::Attempt && !tried && assessment.subject.credential.rotate.is_some() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assess::{Finding, FindingCode, Standing},
        rotate::fixture::opted_in,
        state::fixture::{app, at, judged},
    };

    #[test]
    fn what_a_rotation_gave_rise_to_is_over_only_when_a_run_could_tell() {
        let mut app = app("etl", &[]);
        app.credentials[0].rotate = Some(opted_in());
        let after = |verdict, tried: bool, now: Option<FindingCode>| {
            let mut assessment = judged(&app, at("2026-11-21"), verdict, Some("2030-01-01"));
            assessment.rotation = tried.then(|| Box::new(Standing { tried, ..Standing::default() }));
            assessment.findings.extend(now.map(|code| Finding {
                code,
                severity: Severity::Critical,
                message: String::new(),
                remedy: String::new(),
                since: None,
            }));
            assessment
        };
        let blocked = Some(FindingCode::RotationBlocked);
        for (code, verdict, tried, now, expected) in [
            // The journal is read by every run, tested or not.
            ("rotation-handover", Verdict::Valid, false, None, Vanished::Over),
            ("rotation-handover", Verdict::Untested, false, None, Vanished::Over),
            ("rotation-handover", Verdict::Valid, false, blocked, Vanished::Replaced),
            ("orphan-left", Verdict::Unreachable, false, blocked, Vanished::Over),
            // A run without `--rotate` met nothing because it tried nothing.
            ("rotation-failed", Verdict::Valid, false, None, Vanished::Stands),
            ("rotation-failed", Verdict::Valid, true, None, Vanished::Over),
            // A refused secret is not mended by a rotation that is blocked.
            ("invalid-secret", Verdict::Valid, false, blocked, Vanished::Over),
        ] {
            assert_eq!(vanished(code, &after(verdict, tried, now)), expected, "{code} {verdict} {tried}");
        }
    }
}
