//! Rotations in the run of an audit: what opted in is advanced before anything is tested, so that the test meets what the
//! stores hold now.

use std::{collections::HashMap, sync::Arc};

use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    exit::Exit,
    inventory::{Inventory, Subject},
    probe::{Observation, Outcome},
    rotate::{Entry, Event, Journal, Known, Opening, Outcome as Advanced, Rest, Round, Unfit, Why, identity, told},
    run::{Incomplete, Run},
    secret::Resolver,
    settings::Settings,
    state::SqliteJournal,
    text::shortened,
};

/// How far this run came with each credential that opted in.
#[derive(Default)]
pub struct Tonight(HashMap<String, Rest>);

/// Advances what opted in; what could not be done is a debt of the run.
///
/// # Errors
/// No HTTP client can be set up.
pub async fn advance(
    settings: &Settings,
    secrets: &Arc<Resolver>,
    inventory: &Inventory,
    journal: Option<&SqliteJournal>,
    run: &mut Run,
    cancel: &CancellationToken,
) -> anyhow::Result<Tonight> {
    let opted_in = inventory.subjects().any(|subject| subject.credential.rotate.is_some());
    if !opted_in {
        return Ok(Tonight::default());
    }
    let failed = |why: String| Incomplete::new("rotation-failed", why);
    let epoch = match journal.map(|journal| journal.take_epoch().map(|epoch| (journal, epoch))) {
        Some(Ok(epoch)) => Ok(epoch),
        Some(Err(fault)) => Err(fault.to_string()),
        // What is not written down cannot be found again.
        None => Err("the state cannot be used".to_owned()),
    };
    let (journal, epoch) = match epoch {
        Ok(held) => held,
        Err(why) => {
            run.incomplete.push(failed(format!("{why}; nothing is rotated")));
            return Ok(Tonight::default());
        }
    };
    let opening = Opening::new(settings, secrets, *journal.key(), false, cancel);
    let id = run.id.clone();
    let round = Round { opening, journal, run: &id, epoch, cancel: cancel.clone() };
    let (come, unfit) = round.advance(inventory).await?;
    run.incomplete.extend(unfit.iter().map(|unfit| failed(sentence(unfit))));
    let now = clock::now();
    let mut tonight = Tonight::default();
    for come in come {
        let line = told::outcome(&come.policy, &come.how, now);
        tracing::info!("{}", line.text);
        let Advanced { rest, .. } = come.how;
        // An orphan and a signal are told elsewhere.
        if line.exit == Exit::Incomplete && !matches!(rest.why, Why::Interrupted | Why::OrphanLeft { .. }) {
            run.incomplete.push(failed(line.text));
        }
        tonight.0.insert(identity(come.subject), rest);
    }
    Ok(tonight)
}

fn sentence(unfit: &Unfit<'_>) -> String {
    format!("{} cannot be rotated: {}", shortened(&unfit.subject.app.name, 120), unfit.why)
}

impl Tonight {
    /// Adds what this run found out to what the journal knows.
    pub fn tell(mut self, known: &mut Vec<Known>, subjects: &[Subject<'_>]) {
        if self.0.is_empty() {
            return;
        }
        known.resize_with(subjects.len(), Known::default);
        for (known, subject) in known.iter_mut().zip(subjects) {
            if subject.credential.rotate.is_some() {
                known.rest = known.rest.take().or_else(|| self.0.remove(&identity(*subject)));
            }
        }
    }
}

/// Notes the audit's own sign-ins where a rotation is under way: usage evidence leaves them out.
///
/// # Errors
/// The journal cannot be written.
pub fn note_sign_ins(
    journal: &dyn Journal,
    subjects: &[Subject<'_>],
    observations: &[Observation],
    known: &[Known],
) -> Result<(), Incomplete> {
    for ((subject, observation), known) in subjects.iter().zip(observations).zip(known) {
        let Some(open) = known.history.open() else { continue };
        let Outcome::Answered(answer) = &observation.outcome else { continue };
        let requests: Vec<String> =
            [&observation.correlation_id, &answer.trace_id].into_iter().flatten().cloned().collect();
        if requests.is_empty() {
            continue;
        }
        let entry = Entry {
            identity: &identity(*subject),
            rotation: open.id,
            epoch: None,
            at: clock::now(),
            provider_date: None,
            event: &Event::Audited { requests },
        };
        journal.append(entry).map_err(|fault| {
            Incomplete::new("state-unavailable", format!("the audit's own sign-in could not be noted: {fault}"))
        })?;
    }
    Ok(())
}
