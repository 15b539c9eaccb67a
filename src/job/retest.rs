//! A value that changed since the last run and is refused may simply be new: it is asked about again for up to two
//! minutes before it counts as refused.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    inventory::Subject,
    probe::{NotTested, Observation, Outcome, Prober},
    provider::Meaning,
    state::Memory,
};

/// Two minutes in all, and far from the fifteen requests in five minutes that Entra takes for a loop (AADSTS50196).
const PAUSES: [u64; 5] = [5, 10, 20, 40, 45];

/// Tests again what changed and was refused, until it is accepted or the pauses are used up.
pub async fn retest_changed(
    prober: &Prober,
    subjects: &[Subject<'_>],
    observations: &mut [Observation],
    memory: &Memory,
    cancel: &CancellationToken,
) {
    let is_new = |index: &usize| {
        let (Some(subject), Some(observation)) = (subjects.get(*index), observations.get(*index)) else { return false };
        was_refused(observation) && memory.value_changed(*subject, observation)
    };
    let mut pending: Vec<usize> = (0..subjects.len()).filter(is_new).collect();
    for pause in PAUSES {
        if pending.is_empty() {
            return;
        }
        tracing::info!(credentials = pending.len(), "changed values were refused; asking again in {pause} s");
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(pause)) => {}
            () = cancel.cancelled() => return interrupted(observations, &pending),
        }
        let again: Vec<Subject<'_>> = pending.iter().filter_map(|index| subjects.get(*index).copied()).collect();
        let answers = prober.run(&again, |_| {}).await;
        for (index, mut answer) in pending.iter().zip(answers) {
            if let Some(observation) = observations.get_mut(*index) {
                answer.attempts += observation.attempts;
                *observation = answer;
            }
        }
        pending.retain(|index| observations.get(*index).is_some_and(was_refused));
    }
}

/// Nobody knows yet: not judged and not remembered, it is asked about again by the next run.
fn interrupted(observations: &mut [Observation], pending: &[usize]) {
    for index in pending {
        if let Some(observation) = observations.get_mut(*index) {
            observation.outcome = Outcome::NotTested(NotTested::Interrupted);
        }
    }
}

fn was_refused(observation: &Observation) -> bool {
    matches!(&observation.outcome, Outcome::Answered(answer) if answer.meaning == Meaning::SecretRefused)
}
