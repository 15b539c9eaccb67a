//! The nightly job, readable from top to bottom: read, test, judge, remember, tell, publish.
//!
//! `audit`, `serve` and `demo` are drivers of this one function.

mod fail_on;
mod journal;
pub mod own;
mod retest;
mod rotation;

pub use fail_on::FailOn;

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::{
    assess::{self, Assessment, FindingCode, Recall, Summary},
    clock,
    exit::Exit,
    inventory::{self, Inventory, Selection, Subject},
    logging, management,
    notify::{self, DeadMan, Desk, Tonight},
    period::Period,
    probe::{self, NotTested, Observation, Outcome, Prober},
    report::{self, Report},
    rotate::Known,
    run::{Incomplete, Run},
    secret::{Resolver, SecretRef},
    settings::{self, Settings},
    state::{self, Begun, Night, SqliteJournal},
    store, text,
};

/// What one run is asked to do.
#[derive(Debug, Default)]
pub struct Job {
    pub paths: Vec<PathBuf>,
    pub config: Option<PathBuf>,
    pub state: Option<String>,
    pub selection: Selection,
    pub offline: bool,
    /// A forecast: judged for that time, remembered nowhere, told to nobody.
    pub as_of: Option<DateTime<Utc>>,
    /// Advances rotations before anything is tested.
    pub rotate: bool,
    pub notify: bool,
    pub fail_on: FailOn,
    pub concurrency: Option<usize>,
    pub timeout: Option<Period>,
}

/// What a driver lends to a run.
pub struct Stage<'s> {
    pub cancel: &'s CancellationToken,
    /// Called with the credentials done and their number.
    pub progress: &'s (dyn Fn(usize, usize) + Sync),
    /// Renders the finished report and notes in it what could not be written.
    pub publish: &'s mut (dyn FnMut(&mut Report<'_>, &Tonight<'_>) + Send),
}

impl Job {
    /// Runs the job and says how it ended.
    ///
    /// # Errors
    /// Wrong settings or inventory, or a selection that selects nothing: nothing was tested.
    pub async fn run(&self, mut stage: Stage<'_>) -> anyhow::Result<Exit> {
        let settings = self.settings()?;
        let begun = match self.begin(&settings) {
            Err(fault @ state::StateFault::Locked(_)) => {
                tracing::error!("{fault}");
                return Ok(Exit::Locked);
            }
            begun => begun,
        };
        let resolver = Arc::new(store::resolver(&settings));
        let http = self.messenger(&settings);
        let bell = bell(&settings, http.as_ref());
        let dead_man = bell.as_ref().map(|(url, http)| DeadMan { url, secrets: &*resolver, http, stop: stage.cancel });
        let ended = match (begun, &http) {
            (Ok(begun), Ok(http)) => {
                if let Some(dead_man) = dead_man {
                    dead_man.start().await;
                }
                self.night(&settings, begun, &resolver, http.as_ref(), &mut stage).await
            }
            (Err(fault), _) => Err(fault.into()),
            (_, Err(fault)) => Err(fault.clone().into()),
        };
        let exit = *ended.as_ref().unwrap_or(&Exit::Usage);
        let exit = if stage.cancel.is_cancelled() { Exit::Terminated } else { exit };
        if let Some(dead_man) = dead_man
            && let Some(untold) = dead_man.finish(exit).await
        {
            tracing::error!("{}", untold.message);
            return ended.map(|exit| if exit == Exit::Clean { Exit::Incomplete } else { exit });
        }
        ended
    }

    /// For a run that was asked for in a way that cannot be followed: tells the dead-man switch, where the settings name
    /// one, that the night's run fails.
    pub async fn refuse(&self, cancel: &CancellationToken) {
        let Ok(settings) = self.settings() else { return };
        let http = self.messenger(&settings);
        let Some((url, http)) = bell(&settings, http.as_ref()) else { return };
        let resolver = store::resolver(&settings);
        let dead_man = DeadMan { url: &url, secrets: &resolver, http: &http, stop: cancel };
        if let Some(untold) = dead_man.finish(Exit::Usage).await {
            tracing::error!("{}", untold.message);
        }
    }

    fn settings(&self) -> anyhow::Result<Settings> {
        let file = settings::locate(self.config.as_deref(), self.paths.first().map(PathBuf::as_path));
        let mut settings = settings::read(file.as_deref())?;
        logging::warn(&settings.warnings);
        if let Some(limit) = self.concurrency {
            settings.http.concurrency = limit;
            settings.http.per_host = limit;
        }
        if let Some(timeout) = self.timeout {
            settings.http.timeout = timeout;
        }
        Ok(settings)
    }

    /// Takes the lock and reads what earlier runs left; a forecast has neither.
    fn begin(&self, settings: &Settings) -> Result<Option<Begun>, state::StateFault> {
        let url = self.state.as_deref().or(settings.state.as_deref());
        self.as_of.is_none().then(|| state::begin(url)).transpose()
    }

    async fn night(
        &self,
        settings: &Settings,
        begun: Option<Begun>,
        resolver: &Arc<Resolver>,
        http: Option<&reqwest::Client>,
        stage: &mut Stage<'_>,
    ) -> anyhow::Result<Exit> {
        let started_at = clock::now();
        let mut begun = begun.map_or_else(state::forgetful, Ok)?;
        // The system's certificates take as long to read as a small inventory: both at once.
        let prober = tokio::task::spawn_blocking(self.prober(settings, resolver, &begun, stage));
        let inventory = self.inventory(settings)?;
        let mut subjects: Vec<Subject<'_>> = inventory.subjects().collect();
        let own_apps = management::own_apps(&inventory, settings);
        let mut run = self.describe(started_at);
        run.incomplete.extend(begun.incomplete.take());

        // Before a rotation needs it: what it met is told even where the rotations end early.
        let own = match self.rotate {
            true => self.look(settings, resolver, &begun, stage).examine(&own_apps).await?,
            false => own::recall(&own_apps, &begun.memory, &settings.policy, self.as_of.unwrap_or(started_at)),
        };
        let journal = begun.journal.as_ref();
        let advanced = match self.rotate {
            true => rotation::advance(settings, resolver, &inventory, journal, &mut run, stage.cancel).await?,
            false => rotation::Tonight::default(),
        };
        let prober = prober.await?.context("the HTTP client could not be set up")?;
        let mut observations = prober.run(&subjects, |done| (stage.progress)(done, subjects.len())).await;
        retest::retest_changed(&prober, &subjects, &mut observations, &begun.memory, stage.cancel).await;
        run.incomplete.extend(drop_interrupted(&mut subjects, &mut observations));
        let now = self.as_of.unwrap_or_else(clock::now);
        let mut known = read_journal(&begun, &mut run, |journal| journal::known(journal, &subjects));
        if let Some(journal) = &begun.journal {
            let noted = rotation::note_sign_ins(journal, &subjects, &observations, &known);
            run.incomplete.extend(noted.err());
        }
        advanced.tell(&mut known, &subjects);
        let ours = own.len();
        let mut fingerprints: Vec<_> = observations.iter().map(|observation| observation.fingerprint).collect();
        let mut assessments = judge_all(&subjects, observations, &known, settings, &begun, now);
        let (own, values): (Vec<_>, Vec<_>) = own.into_iter().unzip();
        assessments.splice(0..0, own);
        fingerprints.splice(0..0, values);

        let (partial, scope) =
            (self.selection.is_partial() || stage.cancel.is_cancelled(), Night::scope_of(&self.paths));
        let night = Night { now, scope: (!partial).then_some(scope.as_str()), offline: self.offline };
        let changes = begun.memory.learn(&night, assessments.iter_mut().zip(fingerprints));
        if let Err(fault) = begun.state.record(&run.id, &night, &changes) {
            run.incomplete.push(state::unavailable(&fault));
        }
        drop(changes);
        if !partial {
            let gone =
                read_journal(&begun, &mut run, |journal| journal::without_app(journal, &subjects, &begun.memory, now));
            run.incomplete.extend(gone);
        }
        run.incomplete.extend(left_behind(&assessments));

        let tonight = Tonight {
            run_id: &run.id.clone(),
            now,
            last_run: begun.last_run.as_ref().map(|past| past.started_at),
            assessments: &assessments,
            memory: &begun.memory,
            partial,
            policy: &settings.policy,
        };
        let undelivered = match http {
            Some(http) => {
                let desk = Desk { notify: &settings.notify, ca: settings.ca.as_deref(), http, secrets: &**resolver };
                notify::deliver(&desk, &mut *begun.state, &tonight, stage.cancel).await
            }
            None => notify::overdue(&settings.notify, &mut *begun.state, now),
        };
        run.incomplete.extend(undelivered);

        run.finished_at = clock::now();
        let sound = run.incomplete.is_empty()
            && !assessments.iter().any(|assessment| assessment.test.verdict.is_inconclusive());
        let (management, credentials) = assessments.split_at(ours);
        let mut report = Report {
            schema: report::SCHEMA,
            last_success: if sound { Some(run.finished_at) } else { begun.last_success },
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
        let exit = self.fail_on.exit(&assessments, !report.run.incomplete.is_empty());
        if let Err(fault) = begun.state.finish(&report.run.id, report.run.finished_at, exit.code()) {
            tracing::error!("{fault}");
        }
        Ok(exit)
    }

    /// What carries messages, where there are any to carry; the system's certificates are read for nothing else.
    fn messenger(&self, settings: &Settings) -> Result<Option<reqwest::Client>, probe::SetupFault> {
        let wanted = self.notify && (settings.notify.dead_man.is_some() || !settings.notify.channels.is_empty());
        wanted.then(|| probe::http_client(&settings.http, settings.ca.as_deref())).transpose()
    }

    fn inventory(&self, settings: &Settings) -> anyhow::Result<Inventory> {
        let all = inventory::read(&self.paths, settings)?;
        logging::warn(&all.warnings);
        ensure!(!all.apps.is_empty(), "the inventory holds no app: nothing to test");
        let selected = self.selection.apply(all);
        ensure!(
            !selected.apps.is_empty(),
            "no app of the inventory matches --only, --tag and --shard: nothing to test"
        );
        Ok(selected)
    }

    fn describe(&self, started_at: DateTime<Utc>) -> Run {
        Run {
            id: clock::new_id(),
            started_at,
            finished_at: started_at,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            inventory: self.paths.iter().map(|path| path.display().to_string()).collect(),
            shard: self.selection.shard.map(|shard| shard.to_string()),
            incomplete: Vec::new(),
        }
    }

    fn options(&self, settings: &Settings, begun: &Begun, stage: &Stage<'_>) -> probe::Options {
        probe::Options {
            http: settings.http.clone(),
            ca: settings.ca.clone(),
            allow: settings.allow.clone(),
            offline: self.offline,
            fingerprint_key: Some(begun.state.installation().key),
            shutdown: stage.cancel.clone(),
        }
    }

    fn look<'l>(
        &self,
        settings: &'l Settings,
        secrets: &'l Arc<Resolver>,
        begun: &'l Begun,
        stage: &Stage<'_>,
    ) -> own::Look<'l> {
        let options = self.options(settings, begun, stage);
        own::Look { settings, secrets, memory: &begun.memory, fingerprint_key: begun.state.installation().key, options }
    }

    fn prober(
        &self,
        settings: &Settings,
        resolver: &Arc<Resolver>,
        begun: &Begun,
        stage: &Stage<'_>,
    ) -> impl FnOnce() -> Result<Prober, probe::SetupFault> + Send + use<> {
        let options = self.options(settings, begun, stage);
        let resolver = Arc::clone(resolver);
        move || Prober::new(options, resolver)
    }
}

/// The dead-man switch of the settings and what reaches it: also without a CA file that cannot be used, for it may well
/// need none.
fn bell(
    settings: &Settings,
    http: Result<&Option<reqwest::Client>, &probe::SetupFault>,
) -> Option<(SecretRef, reqwest::Client)> {
    let url = settings.notify.dead_man.clone()?;
    let http = match http {
        Ok(http) => http.clone()?,
        Err(_) => probe::http_client(&settings.http, None).ok()?,
    };
    Some((url, http))
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

/// What the journal says; nothing where there is none. One that cannot be read leaves the run incomplete.
fn read_journal<T>(
    begun: &Begun,
    run: &mut Run,
    read: impl FnOnce(&SqliteJournal) -> Result<Vec<T>, Incomplete>,
) -> Vec<T> {
    begun.journal.as_ref().map_or(Ok(Vec::new()), read).unwrap_or_else(|fault| {
        run.incomplete.push(fault);
        Vec::new()
    })
}

/// `known` is empty, or holds something for each subject. Judged, an observation is let go at once: a big inventory's are
/// not to be in memory twice.
fn judge_all<'a>(
    subjects: &[Subject<'a>],
    observations: Vec<Observation>,
    known: &[Known],
    settings: &Settings,
    begun: &Begun,
    now: DateTime<Utc>,
) -> Vec<Assessment<'a>> {
    let known = known.iter().map(Some).chain(std::iter::repeat(None));
    let seen = subjects.iter().zip(observations).zip(known);
    let judged = seen.map(|((subject, observation), known)| {
        let recall = Recall {
            value_changed: begun.memory.value_changed(*subject, &observation),
            value: observation.fingerprint.or_else(|| begun.memory.value(*subject)),
            known,
            ours: None,
        };
        assess::assess(*subject, &observation, &settings.policy, now, &recall)
    });
    judged.collect()
}

/// A credential that nobody holds and nobody could remove is a debt of the run.
fn left_behind<'a>(assessments: &'a [Assessment<'_>]) -> impl Iterator<Item = Incomplete> + use<'a> {
    assessments.iter().flat_map(|assessment| {
        let orphans = assessment.findings.iter().filter(|finding| finding.code == FindingCode::OrphanLeft);
        orphans.map(|orphan| {
            let app = text::shortened(&assessment.subject.app.name, 120);
            Incomplete::new("orphan-left", format!("{app}: {}", orphan.message))
        })
    })
}
