//! The commands: thin shells over the modules, one file each with its `Args` and its `run`.
//!
//! A command returns how it ended; an error means nothing was done and is the user's to mend (exit code 2).

mod audit;
mod check_paste;
mod completions;
#[cfg(feature = "sandbox")]
mod demo;
mod desk;
mod explain;
mod hand_over;
mod history;
mod init;
mod man;
mod next;
mod notify_test;
mod own;
mod progress;
mod reveal;
mod rotate;
mod rotations;
mod schema;
mod serve;
mod signals;
mod stdio;
mod test;
mod validate;

use std::{ffi::OsString, future::Future, path::PathBuf};

use clap::{Subcommand, ValueEnum};
use tokio::runtime::Runtime;

use crate::{
    cli::{Cli, Common},
    exit::Exit,
    inventory::{self, Inventory},
    logging,
    period::{NotAPeriod, Period},
    settings::{self, Settings},
};

/// What was asked for; one file each.
#[derive(Debug, Subcommand)]
pub enum Command {
    Audit(audit::Args),
    Test(test::Args),
    Init(init::Args),
    Validate(validate::Args),
    Next(next::Args),
    Explain(explain::Args),
    History(history::Args),
    Serve(serve::Args),
    #[command(subcommand)]
    Notify(Notify),
    Plan(rotate::PlanArgs),
    Rotate(rotate::RotateArgs),
    Rotations(rotations::ListArgs),
    Claim(hand_over::ClaimArgs),
    Reveal(reveal::Args),
    CheckPaste(check_paste::Args),
    Confirm(hand_over::ConfirmArgs),
    Retire(rotations::RetireArgs),
    Abort(rotations::AbortArgs),
    Resolve(rotations::ResolveArgs),
    Adopt(rotations::AdoptArgs),
    Schema(schema::Args),
    #[cfg(feature = "sandbox")]
    Demo(demo::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Try the ways messages take
#[derive(Debug, Subcommand)]
pub enum Notify {
    Test(notify_test::Args),
}

/// Runs the command that was typed.
///
/// # Errors
/// What the user has to mend; nothing was done.
pub fn run(cli: Cli) -> anyhow::Result<Exit> {
    let common = &cli.common;
    match cli.command {
        Command::Audit(args) => block_on(audit::run(args, common)),
        Command::Test(args) => block_on(test::run(args, common)),
        Command::History(args) => block_on(history::run(args, common)),
        Command::Serve(args) => block_beside_server(serve::run(args, common)),
        Command::Notify(Notify::Test(args)) => block_on(notify_test::run(args, common)),
        Command::Init(args) => init::run(&args),
        Command::Validate(args) => Ok(validate::run(args, common)),
        Command::Next(args) => block_on(next::run(args, common)),
        Command::Explain(args) => explain::run(&args),
        Command::Plan(args) => block_on(rotate::plan(args, common)),
        Command::Rotate(args) => block_on(rotate::rotate(args, common)),
        Command::Rotations(args) => block_on(rotations::list(args, common)),
        Command::Claim(args) => block_on(hand_over::claim(args, common)),
        Command::Reveal(args) => block_on(reveal::run(args, common)),
        Command::CheckPaste(args) => block_on(check_paste::run(args, common)),
        Command::Confirm(args) => block_on(hand_over::confirm(args, common)),
        Command::Retire(args) => block_on(rotations::retire(args, common)),
        Command::Abort(args) => block_on(rotations::abort(args, common)),
        Command::Resolve(args) => block_on(rotations::resolve(args, common)),
        Command::Adopt(args) => block_on(rotations::adopt(args, common)),
        Command::Schema(args) => Ok(schema::run(&args)),
        #[cfg(feature = "sandbox")]
        Command::Demo(args) => block_on(demo::run(args, common)),
        Command::Completions(args) => Ok(completions::run(&args)),
        Command::Man(args) => man::run(&args),
    }
}

/// For a command line that clap does not take: prints help and version, which were asked for, or what is wrong.
#[must_use]
pub fn unparsed(answer: &clap::Error, words: &[OsString]) -> Exit {
    let printed = answer.print();
    if !answer.use_stderr() {
        return stdio::delivered(Exit::Clean, printed);
    }
    if let Some(Cli { common, command: Command::Audit(args) }) = Cli::without(answer, words) {
        logging::start(&common);
        if let Err(error) = block_on(audit::refuse(args, &common)) {
            logging::print_error(&error);
        }
    }
    Exit::Usage
}

/// One thread does it: the work is waiting for others.
fn block_on(command: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    run_on(tokio::runtime::Builder::new_current_thread().enable_all().build()?, command)
}

/// The server answers from a thread of its own, so that a run which reads, remembers and renders holds up no probe of it.
fn block_beside_server(command: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    run_on(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?, command)
}

/// What was broken off may have left a name being looked up on a thread of its own: nobody waits for that.
fn run_on(runtime: Runtime, command: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    let ended = runtime.block_on(command);
    runtime.shutdown_background();
    ended
}

/// How a command lists what it knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Listing {
    #[default]
    Table,
    Json,
}

/// The inventory a command works on: its arguments, else `--inventory`, else `inventory/`.
fn inventory_paths(args: Vec<PathBuf>, common: &Common) -> Vec<PathBuf> {
    [args, common.inventory.clone()]
        .into_iter()
        .find(|paths| !paths.is_empty())
        .unwrap_or_else(|| vec!["inventory".into()])
}

/// Settings and inventory, for commands whose arguments are not paths.
///
/// # Errors
/// Every fault of the settings, else of the inventory.
fn settings_and_inventory(common: &Common) -> anyhow::Result<(Settings, Inventory)> {
    let paths = inventory_paths(Vec::new(), common);
    let settings = settings::beside(common.config.as_deref(), &paths)?;
    let inventory = inventory::read(&paths, &settings)?;
    Ok((settings, inventory))
}

/// `--timeout`, as strict as the settings' `http.timeout`.
fn parse_timeout(text: &str) -> Result<Period, String> {
    let timeout: Period = text.parse().map_err(|fault: NotAPeriod| fault.to_string())?;
    if timeout == Period::default() {
        Err("nothing answers in no time; the default is 30s".to_owned())
    } else {
        Ok(timeout)
    }
}
