//! `credwatch plan` and `credwatch rotate`: what a rotation would do, and doing it.

use std::sync::Arc;

use anyhow::{Context, ensure};
use tokio_util::sync::CancellationToken;

use super::stdio::answer;
use crate::{
    assess::Assessment,
    cli::Common,
    clock,
    exit::Exit,
    inventory::{App, Inventory},
    job::own,
    logging, management,
    probe::{self, Prober},
    rotate::{
        Opening, Round, Unfit,
        told::{self, Line},
    },
    secret::Resolver,
    settings::Settings,
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
        let (settings, mut inventory) = super::settings_and_inventory(common)?;
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

    /// Tries what credwatch itself signs in with.
    async fn look_at_own<'a>(
        &self,
        apps: &'a [App],
        fingerprint_key: [u8; 32],
        memory: &Memory,
        cancel: &CancellationToken,
    ) -> anyhow::Result<Vec<own::Seen<'a>>> {
        let (settings, secrets) = (&self.settings, &self.secrets);
        let options = probe::Options { fingerprint_key: Some(fingerprint_key), ..probe::Options::of(settings, cancel) };
        let prober = Prober::new(options, Arc::clone(secrets)).context("the HTTP client could not be set up")?;
        own::Look { settings, secrets, memory, fingerprint_key, prober: &prober }.examine(apps).await
    }

    fn opening(&self, key: [u8; 32], early: bool, cancel: &CancellationToken) -> Opening<'_> {
        Opening::new(&self.settings, &self.secrets, key, early, cancel)
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
    let seen = ground.look_at_own(&own_apps, *journal.key(), &state.memory, &cancel).await?;
    let own = remember(&mut state, &run, seen);
    let opening = ground.opening(*journal.key(), args.now, &cancel);
    let round = Round { opening, journal: &journal, run: &run, epoch, cancel };
    let (outcomes, unfit) = round.advance(&ground.inventory).await?;
    let now = clock::now();
    let lines = outcomes.iter().map(|come| told::outcome(&come.policy, &come.how, now)).collect();
    // Said only now: what cannot be said must keep nothing from being done.
    let exit = tell(&own, lines, &unfit, common.quiet);
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
    let seen = ground.look_at_own(&own_apps, *journal.key(), &memory, &cancel).await?;
    let own: Vec<_> = seen.into_iter().map(|(assessment, _)| assessment).collect();
    let opening = ground.opening(*journal.key(), args.now, &cancel);
    let round = Round { opening, journal: &journal, run: "plan", epoch: 0, cancel };
    let (seen, unfit) = round.foresee(&ground.inventory).await?;
    let now = clock::now();
    let lines = seen.iter().map(|come| told::foresight(&come.policy, &come.how, now)).collect();
    let exit = tell(&own, lines, &unfit, false);
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

/// Says how it stands with what credwatch itself signs in with, and with each credential that opted in; `quiet`: only where
/// something is the matter.
fn tell(own: &[Assessment<'_>], mut lines: Vec<Line>, unfit: &[Unfit<'_>], quiet: bool) -> Exit {
    let nobody = lines.is_empty() && unfit.is_empty();
    let begin = super::own::exit(own).worse(told::unfit(unfit));
    let exit = lines.iter().fold(begin, |exit, line| exit.worse(line.exit));
    lines.retain(|line| !quiet || line.exit != Exit::Clean);
    answer(exit, |out| {
        out.write_all(super::own::lines(own, quiet).as_bytes())?;
        if nobody && !quiet {
            writeln!(out, "no credential of the inventory opts in to rotation: none has a `rotate:` block")?;
        }
        lines.iter().try_for_each(|line| writeln!(out, "{}", line.text))
    })
}
