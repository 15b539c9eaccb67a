//! What a run owes because of how credentials stand: reasons for exit code 3.

use crate::{
    assess::{Assessment, FindingCode},
    run::Incomplete,
    text,
};

/// So many credentials are named; the report shows each of them in its place.
const NAMED: usize = 5;

/// Longest name shown, characters.
const NAME: usize = 120;

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
    let subject = assessment.subject;
    let label = subject.credential.label.as_deref().map(|label| format!(" / {}", text::shortened(label, NAME)));
    let (app, label) = (text::shortened(&subject.app.name, NAME), label.unwrap_or_default());
    format!("{app}{label} ({})", assessment.test.verdict.name())
}

/// A credential that nobody holds and nobody could remove is a debt of the run.
pub(super) fn left_behind<'a>(assessments: &'a [Assessment<'_>]) -> impl Iterator<Item = Incomplete> + use<'a> {
    assessments.iter().flat_map(|assessment| {
        let orphans = assessment.findings.iter().filter(|finding| finding.code == FindingCode::OrphanLeft);
        orphans.map(|orphan| {
            let app = text::shortened(&assessment.subject.app.name, NAME);
            Incomplete::new("orphan-left", format!("{app}: {}", orphan.message))
        })
    })
}
