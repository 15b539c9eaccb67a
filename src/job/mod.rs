//! The nightly job: settings, lock, the dead-man switch around it, and in the middle the night itself.
//!
//! `audit`, `serve` and `demo` are drivers of this one function.

mod fail_on;
pub mod journal;
mod night;
pub mod owed;
pub mod own;
mod retest;
mod rotation;

pub use fail_on::FailOn;

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    exit::Exit,
    inventory::{self, Inventory, Selection},
    logging,
    notify::{DeadMan, Tonight},
    period::Period,
    probe::{self, Prober},
    report::Report,
    run::Run,
    secret::{Resolver, SecretRef},
    settings::{self, Settings},
    state::{self, Begun},
    store,
};
use night::Night;

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
                self.night(&settings, &resolver, http.as_ref(), begun, &mut stage).await
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

    /// What is read or kept by this run: inventory, settings, state, as far as they can be found.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let first = self.paths.first().map(PathBuf::as_path);
        let settings = settings::locate(self.config.as_deref(), first);
        let state = self.state.clone().or_else(|| settings::read(settings.as_deref()).ok()?.state);
        let inventory = inventory::files(&self.paths, &mut Vec::new());
        inventory.into_iter().chain(settings).chain(state::location(state.as_deref())).collect()
    }

    fn settings(&self) -> anyhow::Result<Settings> {
        let mut settings = settings::beside(self.config.as_deref(), &self.paths)?;
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

    /// Takes the lock and reads what earlier runs left; a forecast does so in a copy, and without the lock.
    fn begin(&self, settings: &Settings) -> Result<Begun, state::StateFault> {
        let url = self.state.as_deref().or(settings.state.as_deref());
        if self.as_of.is_some() { state::forecast(url) } else { state::begin(url) }
    }

    async fn night(
        &self,
        settings: &Settings,
        resolver: &Arc<Resolver>,
        http: Option<&reqwest::Client>,
        begun: Begun,
        stage: &mut Stage<'_>,
    ) -> anyhow::Result<Exit> {
        let run = Run { last_run: begun.last_run.as_ref().map(|past| past.started_at), ..self.describe(clock::now()) };
        let options = probe::Options {
            offline: self.offline,
            fingerprint_key: Some(begun.state.installation().key),
            ..probe::Options::of(settings, stage.cancel)
        };
        // The system's certificates take as long to read as a small inventory: both at once.
        let secrets = Arc::clone(resolver);
        let prober = tokio::task::spawn_blocking(move || Prober::new(options, secrets));
        let inventory = self.inventory(settings)?;
        let prober = prober.await?.context("the HTTP client could not be set up")?;
        Night { job: self, settings, resolver, prober, http, begun, run, stage }.pass(&inventory).await
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
        tracing::info!(apps = selected.apps.len(), files = selected.files.len(), "inventory read");
        Ok(selected)
    }

    fn describe(&self, started_at: DateTime<Utc>) -> Run {
        Run {
            inventory: self.paths.iter().map(|path| path.display().to_string()).collect(),
            shard: self.selection.shard.map(|shard| shard.to_string()),
            ..Run::begun(started_at)
        }
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
