//! One night, readable from top to bottom: rotate, test, judge, remember, tell, publish.

use std::{iter, sync::Arc};

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::{Job, Stage, journal, owed, own, retest, rotation};
use crate::{
    assess::{self, Assessment, Recall, Summary},
    clock,
    exit::Exit,
    inventory::{App, Inventory, Subject},
    management,
    notify::{self, Desk, Tonight},
    probe::{NotTested, Observation, Outcome, Prober},
    report::{self, Report, wording},
    rotate::Known,
    run::{Incomplete, Run},
    secret::{Fingerprint, Resolver},
    settings::Settings,
    state::{self, Begun, SqliteJournal},
    text,
};

/// What a night works with, and what came of it so far.
pub(super) struct Night<'n, 's> {
    pub(super) job: &'n Job,
    pub(super) settings: &'n Settings,
    pub(super) resolver: &'n Arc<Resolver>,
    pub(super) prober: Prober,
    /// What carries messages; `None`: there is nobody to tell.
    pub(super) http: Option<&'n reqwest::Client>,
    pub(super) begun: Begun,
    pub(super) run: Run,
    pub(super) stage: &'n mut Stage<'s>,
}

/// What the tests saw, credential by credential.
struct Seen<'i> {
    subjects: Vec<Subject<'i>>,
    observations: Vec<Observation>,
    /// Of their rotations; empty where there are none.
    known: Vec<Known>,
}

/// As of when the night judges, and over what.
#[derive(Clone, Copy)]
struct View {
    now: DateTime<Utc>,
    /// A part of the inventory, by choice or cut short: it says nothing about what it did not see.
    partial: bool,
    /// How many judgements, the first ones, are about what credwatch itself signs in with.
    own: usize,
}

impl Night<'_, '_> {
    /// # Errors
    /// An HTTP client cannot be set up: nothing was tested.
    pub(super) async fn pass(mut self, inventory: &Inventory) -> anyhow::Result<Exit> {
        self.run.incomplete.extend(self.begun.incomplete.take());
        let own_apps = management::own_apps(inventory, self.settings);
        // Before a rotation needs it: what it met is told even where the rotations end early.
        let own = self.look_at_own(&own_apps).await?;
        let advanced = match self.job.rotate {
            true => self.rotate(inventory).await?,
            false => rotation::Tonight::default(),
        };
        let mut seen = self.test(inventory).await;
        let view = View {
            now: self.job.as_of.unwrap_or_else(clock::now),
            partial: self.job.selection.is_partial() || self.stage.cancel.is_cancelled(),
            own: own.len(),
        };
        self.recall(&mut seen, advanced);
        let (mut assessments, values) = self.judge(own, seen, view.now);
        self.remember(&mut assessments, values, view);
        if !view.partial && self.job.as_of.is_none() {
            self.look_for_lost_apps(assessments.get(view.own..).unwrap_or_default(), view.now);
        }
        self.run.incomplete.extend(owed::not_judged(&assessments));
        self.run.incomplete.extend(owed::left_behind(&assessments));
        Ok(self.tell_and_publish(&assessments, view).await)
    }

    /// What credwatch itself signs in with: tried by a night that rotates, else as the last such night left it.
    async fn look_at_own<'i>(&self, apps: &'i [App]) -> anyhow::Result<Vec<own::Seen<'i>>> {
        let (settings, memory) = (self.settings, &self.begun.memory);
        if !self.job.rotate {
            let now = self.job.as_of.unwrap_or(self.run.started_at);
            return Ok(own::recall(apps, memory, &settings.policy, now));
        }
        let fingerprint_key = self.begun.state.installation().key;
        own::Look { settings, secrets: self.resolver, memory, fingerprint_key, prober: &self.prober }
            .examine(apps)
            .await
    }

    async fn rotate(&mut self, inventory: &Inventory) -> anyhow::Result<rotation::Tonight> {
        let journal = self.begun.journal.as_ref();
        rotation::advance(self.settings, self.resolver, inventory, journal, &mut self.run, self.stage.cancel).await
    }

    async fn test<'i>(&mut self, inventory: &'i Inventory) -> Seen<'i> {
        let mut subjects: Vec<Subject<'i>> = inventory.subjects().collect();
        let prober = &self.prober;
        let begun = Instant::now();
        let mut observations = prober.run(&subjects, |done| (self.stage.progress)(done, subjects.len())).await;
        tracing::info!(credentials = subjects.len(), "tested in {:.1} s", begun.elapsed().as_secs_f64());
        let (memory, cancel) = (&self.begun.memory, self.stage.cancel);
        retest::retest_changed(prober, &subjects, &mut observations, memory, cancel).await;
        self.run.incomplete.extend(drop_interrupted(&mut subjects, &mut observations));
        Seen { subjects, observations, known: Vec::new() }
    }

    /// Adds what the journal and this night know of each credential's rotations, and tells the journal of the sign-ins.
    fn recall(&mut self, seen: &mut Seen<'_>, advanced: rotation::Tonight) {
        let Seen { subjects, observations, known } = seen;
        let journal = self.begun.journal.as_ref();
        *known = read_journal(journal, &mut self.run, |journal| journal::known(journal, subjects));
        if let Some(journal) = journal {
            let noted = rotation::note_sign_ins(journal, subjects, observations, known);
            self.run.incomplete.extend(noted.err());
        }
        advanced.tell(known, subjects);
    }

    /// The judgements, those of `own` first, and in the same order the values they are about. Judged, an observation is
    /// let go at once: a big inventory's are not to be in memory twice.
    fn judge<'i>(
        &self,
        own: Vec<own::Seen<'i>>,
        seen: Seen<'i>,
        now: DateTime<Utc>,
    ) -> (Vec<Assessment<'i>>, Vec<Option<Fingerprint>>) {
        let memory = &self.begun.memory;
        let known = seen.known.iter().map(Some).chain(iter::repeat(None));
        let judged = seen.subjects.iter().zip(seen.observations).zip(known).map(|((subject, observation), known)| {
            let recall = Recall {
                value_changed: memory.value_changed(*subject, &observation),
                value: observation.fingerprint.or_else(|| memory.value(*subject)),
                known,
                ours: None,
            };
            let assessment = assess::assess(*subject, &observation, &self.settings.policy, now, &recall);
            tracing::debug!("{}", said(&assessment));
            (assessment, observation.fingerprint)
        });
        own.into_iter().chain(judged).unzip()
    }

    fn remember(&mut self, assessments: &mut [Assessment<'_>], values: Vec<Option<Fingerprint>>, view: View) {
        let scope = state::Night::scope_of(&self.job.paths);
        let scope = (!view.partial).then_some(scope.as_str());
        let night = state::Night { now: view.now, scope, offline: self.job.offline };
        let changes = self.begun.memory.learn(&night, assessments.iter_mut().zip(values));
        if let Err(fault) = self.begun.state.record(&self.run.id, &night, &changes) {
            self.run.incomplete.push(state::unavailable(&fault));
        }
    }

    fn look_for_lost_apps(&mut self, assessments: &[Assessment<'_>], now: DateTime<Utc>) {
        let memory = &self.begun.memory;
        let subjects: Vec<_> = assessments.iter().map(|assessment| assessment.subject).collect();
        let read = |journal: &SqliteJournal| journal::without_app(journal, &subjects, memory, now);
        let gone = read_journal(self.begun.journal.as_ref(), &mut self.run, read);
        self.run.incomplete.extend(gone);
    }

    async fn tell_and_publish(self, assessments: &[Assessment<'_>], view: View) -> Exit {
        let Self { job, settings, resolver, http, mut begun, mut run, stage, .. } = self;
        let tonight = Tonight {
            run_id: &run.id.clone(),
            now: view.now,
            last_run: begun.last_run.as_ref().map(|past| past.started_at),
            assessments,
            memory: &begun.memory,
            partial: view.partial,
            policy: &settings.policy,
        };
        let undelivered = match http {
            Some(http) => {
                let (ca, secrets) = (settings.ca.as_deref(), &**resolver);
                let desk = Desk { notify: &settings.notify, ca, http, secrets };
                notify::deliver(&desk, &mut *begun.state, &tonight, stage.cancel).await
            }
            None => notify::overdue(&settings.notify, &mut *begun.state, view.now),
        };
        run.incomplete.extend(undelivered);

        run.finished_at = clock::now();
        let is_success = run.incomplete.is_empty();
        let (management, credentials) = assessments.split_at(view.own);
        let mut report = Report {
            schema: report::SCHEMA,
            last_success: if is_success { Some(run.finished_at) } else { begun.last_success },
            earlier_success: begun.last_success,
            run,
            summary: Summary::of(credentials),
            management,
            credentials,
        };
        (stage.publish)(&mut report, &tonight);
        for missing in &report.run.incomplete {
            tracing::error!("{}", missing.message);
        }
        let exit = job.fail_on.exit(assessments, !report.run.incomplete.is_empty());
        let complete = report.run.incomplete.is_empty();
        let end = state::RunEnd { at: report.run.finished_at, exit: exit.code(), complete };
        if let Err(fault) = begun.state.finish(&report.run.id, end) {
            tracing::error!("{fault}");
        }
        exit
    }
}

/// What the journal says; nothing where there is none. One that cannot be read leaves the run incomplete.
fn read_journal<T>(
    journal: Option<&SqliteJournal>,
    run: &mut Run,
    read: impl FnOnce(&SqliteJournal) -> Result<Vec<T>, Incomplete>,
) -> Vec<T> {
    journal.map_or(Ok(Vec::new()), read).unwrap_or_else(|fault| {
        run.incomplete.push(fault);
        Vec::new()
    })
}

/// How a test went, for those who watch.
fn said(assessment: &Assessment<'_>) -> String {
    let test = &assessment.test;
    let status = test.http_status.map(|status| format!(", HTTP {status}")).unwrap_or_default();
    let id = test.correlation_id.as_deref().map(|id| format!(", request {}", text::printable(id))).unwrap_or_default();
    let (name, verdict) = (wording::credential(assessment), test.verdict.name());
    format!("{name}: {verdict}{status}, attempts: {}{id}", test.attempts)
}

/// What a signal kept from being tested is neither judged nor remembered.
fn drop_interrupted(subjects: &mut Vec<Subject<'_>>, observations: &mut Vec<Observation>) -> Option<Incomplete> {
    let all = subjects.len();
    let tested = |observation: &Observation| observation.outcome != Outcome::NotTested(NotTested::Interrupted);
    let mut outcomes = observations.iter();
    subjects.retain(|_| outcomes.next().is_some_and(tested));
    observations.retain(tested);
    let missing = all - subjects.len();
    (missing > 0).then(|| {
        Incomplete::new(
            "interrupted",
            format!("the run was interrupted: {missing} of {all} credentials were not tested"),
        )
    })
}
