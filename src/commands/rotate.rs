//! `credwatch plan` and `credwatch rotate`: what a rotation would do, and doing it.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, ensure};
use tokio_util::sync::CancellationToken;

use crate::{
    assess::Assessment,
    cli::Common,
    clock,
    exit::Exit,
    inventory::{self, Inventory},
    job::own,
    logging, management, probe,
    rotate::{Opening, Round, told},
    secret::Resolver,
    settings::{self, Settings},
    state::{self, Begun, Memory, Night, Sqlite, SqliteJournal, State},
    store,
    text::printable,
};

/// Start what is due and go on with what is under way
#[derive(Debug, clap::Args)]
pub struct RotateArgs {
    /// Apps to rotate [default: all that opt in]
    #[arg(value_name = "APP")]
    apps: Vec<String>,
    /// Start now, however far the end is; needs an APP
    #[arg(long, requires = "apps")]
    now: bool,
}

/// Say exactly what a rotation would do; nothing is changed anywhere
#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    /// Apps to plan for [default: all that opt in]
    #[arg(value_name = "APP")]
    apps: Vec<String>,
    /// As if it were started now, however far the end is; needs an APP
    #[arg(long, requires = "apps")]
    now: bool,
}

/// What both commands work on.
struct Ground {
    settings: Settings,
    inventory: Inventory,
    secrets: Arc<Resolver>,
}

impl Ground {
    fn read(apps: &[String], common: &Common) -> anyhow::Result<Self> {
        let paths = super::inventory_paths(Vec::new(), common);
        let file = settings::locate(common.config.as_deref(), paths.first().map(PathBuf::as_path));
        let settings = settings::read(file.as_deref())?;
        let mut inventory = inventory::read(&paths, &settings)?;
        if !common.quiet {
            logging::warn(&settings.warnings);
            logging::warn(&inventory.warnings);
        }
        for app in apps {
            let found = inventory.apps.iter().find(|known| *known.name == **app);
            let found = found.with_context(|| format!("the inventory has no app named `{}`", printable(app)))?;
            ensure!(
                found.credentials.iter().any(|credential| credential.rotate.is_some()),
                "`{}` does not opt in to rotation: it has no `rotate:` block",
                printable(app)
            );
        }
        inventory.apps.retain(|app| apps.is_empty() || apps.iter().any(|wanted| **wanted == *app.name));
        let secrets = Arc::new(store::resolver(&settings));
        Ok(Self { settings, inventory, secrets })
    }

    fn options(&self, key: [u8; 32], cancel: &CancellationToken) -> probe::Options {
        probe::Options {
            http: self.settings.http.clone(),
            ca: self.settings.ca.clone(),
            allow: self.settings.allow.clone(),
            offline: false,
            fingerprint_key: Some(key),
            shutdown: cancel.clone(),
        }
    }

    fn look<'l>(&'l self, key: [u8; 32], memory: &'l Memory, cancel: &CancellationToken) -> own::Look<'l> {
        let options = self.options(key, cancel);
        own::Look { settings: &self.settings, secrets: &self.secrets, memory, fingerprint_key: key, options }
    }

    fn opening(&self, key: [u8; 32], early: bool, cancel: &CancellationToken) -> Opening<'_> {
        let options = self.options(key, cancel);
        Opening { settings: &self.settings, secrets: Arc::clone(&self.secrets), options, fingerprint_key: key, early }
    }
}

/// # Errors
/// Wrong settings, inventory or app; nothing was done.
pub async fn rotate(args: RotateArgs, common: &Common) -> anyhow::Result<Exit> {
    let ground = Ground::read(&args.apps, common)?;
    let url = common.state.as_deref().or(ground.settings.state.as_deref());
    let mut state = match state::begin(url) {
        Ok(begun) => begun,
        Err(fault @ state::StateFault::Locked(_)) => {
            tracing::error!("{fault}");
            return Ok(Exit::Locked);
        }
        Err(fault) => return Err(fault.into()),
    };
    // Without a journal nothing is begun: what is not written down cannot be found again.
    if let Some(incomplete) = &state.incomplete {
        tracing::error!("{}; nothing is rotated", incomplete.message);
        return Ok(Exit::Incomplete);
    }
    let cancel = CancellationToken::new();
    let signal = super::signals::cancel_on_signal(&cancel)?;
    let journal = SqliteJournal::open(&state::location(url)?)?;
    let epoch = match journal.take_epoch() {
        Ok(epoch) => epoch,
        Err(fault) => {
            tracing::error!("{fault}; nothing is rotated");
            return Ok(Exit::Incomplete);
        }
    };
    let run = clock::new_id();
    let own_apps = management::own_apps(&ground.inventory, &ground.settings);
    let seen = ground.look(*journal.key(), &state.memory, &cancel).examine(&own_apps).await?;
    let seen = remember(&mut state, &run, seen);
    let opening = ground.opening(*journal.key(), args.now, &cancel);
    let round = Round { opening, journal: &journal, run: &run, epoch, cancel };
    let (outcomes, unfit) = round.advance(&ground.inventory).await?;
    let now = clock::now();
    // Said only now: what cannot be said must keep nothing from being done.
    let mut exit = told::worse(super::own::tell(&seen, common.quiet)?, told::unfit(&unfit));
    for come in &outcomes {
        let line = told::outcome(&come.policy, &come.how, now);
        if !common.quiet || line.exit != Exit::Clean {
            println(&line.text)?;
        }
        exit = told::worse(exit, line.exit);
    }
    if outcomes.is_empty() && unfit.is_empty() && !common.quiet {
        println(NOBODY)?;
    }
    Ok(signal.exit().unwrap_or(exit))
}

/// # Errors
/// Wrong settings, inventory or app; nothing is ever done.
pub async fn plan(args: PlanArgs, common: &Common) -> anyhow::Result<Exit> {
    let ground = Ground::read(&args.apps, common)?;
    let url = common.state.as_deref().or(ground.settings.state.as_deref());
    let place = state::location(url)?;
    // Looking must not create what it looks for.
    let journal = if place.exists() { SqliteJournal::open(&place)? } else { SqliteJournal::in_memory()? };
    let cancel = CancellationToken::new();
    let signal = super::signals::cancel_on_signal(&cancel)?;
    let memory = if place.exists() { Sqlite::open(&place)?.memory()? } else { Memory::default() };
    let own_apps = management::own_apps(&ground.inventory, &ground.settings);
    let seen = ground.look(*journal.key(), &memory, &cancel).examine(&own_apps).await?;
    let seen: Vec<_> = seen.into_iter().map(|(assessment, _)| assessment).collect();
    let opening = ground.opening(*journal.key(), args.now, &cancel);
    let round = Round { opening, journal: &journal, run: "plan", epoch: 0, cancel };
    let (foreseen, unfit) = round.foresee(&ground.inventory).await?;
    let mut exit = told::worse(super::own::tell(&seen, common.quiet)?, told::unfit(&unfit));
    for come in &foreseen {
        let line = told::foresight(&come.policy, &come.how, clock::now());
        println(&line.text)?;
        exit = told::worse(exit, line.exit);
    }
    if foreseen.is_empty() && unfit.is_empty() {
        println(NOBODY)?;
    }
    Ok(signal.exit().unwrap_or(exit))
}

/// Keeps how what credwatch itself signs in with stands, for the audits that rotate nothing.
fn remember<'a>(begun: &mut Begun, run: &str, seen: Vec<own::Seen<'a>>) -> Vec<Assessment<'a>> {
    let (mut seen, values): (Vec<_>, Vec<_>) = seen.into_iter().unzip();
    if !seen.is_empty() {
        let night = Night { now: clock::now(), scope: None, offline: false };
        let changes = begun.memory.learn(&night, seen.iter_mut().zip(values));
        if let Err(fault) = begun.state.record(run, &night, &changes) {
            tracing::error!("{}", state::unavailable(&fault).message);
        }
    }
    seen
}

const NOBODY: &str = "no credential of the inventory opts in to rotation: none has a `rotate:` block";

fn println(text: &str) -> std::io::Result<()> {
    use std::io::Write;
    writeln!(anstream::stdout(), "{text}")
}
