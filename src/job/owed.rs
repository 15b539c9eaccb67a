//! What a run owes because of how credentials stand: reasons for exit code 3.

use crate::{
    assess::{Assessment, FindingCode},
    report::wording,
    run::Incomplete,
};

/// So many credentials are named; the report shows each of them in its place.
const NAMED: usize = 5;

/// Credentials whose test could not tell.
#[must_use]
pub fn not_judged(assessments: &[Assessment<'_>]) -> Option<Incomplete> {
    let mut unclear = assessments.iter().filter(|assessment| assessment.test.verdict.is_inconclusive());
    let named: Vec<String> = unclear.by_ref().take(NAMED).map(described).collect();
    let more = unclear.count();
    let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let count = match named.len() + more {
        0 => return None,
        1 => "1 credential".to_owned(),
        many => format!("{many} credentials"),
    };
    Some(Incomplete::new("not-judged", format!("{count} could not be judged: {}{and_more}", named.join(", "))))
}

fn described(assessment: &Assessment<'_>) -> String {
    format!("{} ({})", wording::credential(assessment), assessment.test.verdict.name())
}

/// A credential that nobody holds and nobody could remove is a debt of the run.
pub(super) fn left_behind<'a>(assessments: &'a [Assessment<'_>]) -> impl Iterator<Item = Incomplete> + use<'a> {
    assessments.iter().flat_map(|assessment| {
        let orphans = assessment.findings.iter().filter(|finding| finding.code == FindingCode::OrphanLeft);
        orphans.map(|orphan| {
            let app = wording::name(&assessment.subject.app.name);
            Incomplete::new("orphan-left", format!("{app}: {}", orphan.message))
        })
    })
}
