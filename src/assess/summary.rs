//! Counts over a run, each credential once, by its severity.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Assessment, Severity};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    pub credentials: usize,
    pub ok: usize,
    pub info: usize,
    pub warning: usize,
    pub critical: usize,
    pub unknown: usize,
}

impl Summary {
    #[must_use]
    pub fn of(assessments: &[Assessment<'_>]) -> Self {
        let mut summary = Self { credentials: assessments.len(), ..Self::default() };
        for assessment in assessments {
            *match assessment.severity {
                Severity::Ok => &mut summary.ok,
                Severity::Info => &mut summary.info,
                Severity::Warning => &mut summary.warning,
                Severity::Critical => &mut summary.critical,
                Severity::Unknown => &mut summary.unknown,
            } += 1;
        }
        summary
    }
}
