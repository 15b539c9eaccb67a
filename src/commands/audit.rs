//! `credwatch audit [PATH]...`: flags folded into a [`Job`], reports written last.

use std::{io::IsTerminal, path::PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::Common,
    exit::Exit,
    inventory::{Selection, Shard},
    job::{FailOn, Job, Stage},
    period::Period,
    report::{self, Look, Report, Target, TargetFault},
};

const EXIT_CODES: &str = "\
Exit codes:
  0          Everything was judged, nothing at or above --fail-on
  1          Findings at or above --fail-on
  2          Wrong usage, inventory or settings: nothing was tested
  3          Something could not be judged or delivered (1 wins when both hold)
  75         Another run holds the lock
  130 / 143  Interrupted; what was done is recorded";

/// The job: test every credential, judge, report, notify
#[derive(Debug, Default, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Args {
    /// Inventory files or folders of *.yaml [default: inventory/]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) output: Output,
    /// Test only apps whose name matches (repeatable)
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,
    /// Test only apps with one of these tags (repeatable)
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Judge by the dates alone; nothing is sent to any endpoint
    #[arg(long)]
    offline: bool,
    /// Forecast for a date (2027-03-01 or RFC 3339): offline, tells nobody, remembers nothing
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    as_of: Option<DateTime<Utc>>,
    /// Start and advance rotations first, as `credwatch rotate` does
    #[arg(long, conflicts_with_all = ["offline", "as_of"])]
    rotate: bool,
    /// Send no message and no ping
    #[arg(long)]
    no_notify: bool,
    /// Requests under way at once, in all and to one host [default: the settings' 64 and 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: Option<u16>,
    /// Take part I of N, counted from 0, by a hash of the app's name
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Time for one credential, with all attempts and waits, such as 45s [default: the settings' 30s]
    #[arg(long, value_name = "DURATION", value_parser = super::parse_timeout)]
    timeout: Option<Period>,
}

/// How a judgement is shown and turned into an exit code; `credwatch test` takes the same.
#[derive(Debug, Default, clap::Args)]
pub struct Output {
    /// table, json, ndjson, csv, markdown, html, junit, sarif, prometheus or ics (repeatable) [default: table on stdout]
    #[arg(short = 'o', long = "output", value_name = "FORMAT[=FILE]")]
    targets: Vec<Target>,
    /// Exit 1 from findings of this severity on
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t)]
    pub(super) fail_on: FailOn,
}

impl Output {
    /// Where the reports go: what was named, else the table on stdout unless `-q` keeps it silent.
    ///
    /// # Errors
    /// Two reports that would run into each other.
    pub fn targets(&self, quiet: bool) -> Result<Vec<Target>, TargetFault> {
        if quiet && self.targets.is_empty() {
            return Ok(Vec::new());
        }
        Target::together(self.targets.clone())
    }
}

/// # Errors
/// Wrong usage, inventory or settings: nothing was tested.
pub async fn run(args: Args, common: &Common) -> anyhow::Result<Exit> {
    let targets = args.output.targets(common.quiet);
    let job = args.into_job(common);
    let cancel = CancellationToken::new();
    let signal = super::signals::cancel_on_signal(&cancel)?;
    let targets = targets.and_then(|targets| Target::spare(&targets, || job.files()).map(|()| targets));
    let targets = match targets {
        Ok(targets) => targets,
        Err(fault) => {
            job.refuse(&cancel).await;
            return Err(fault.into());
        }
    };
    let progress = super::progress::Progress::new(common.quiet);
    let stage = Stage {
        cancel: &cancel,
        progress: &|done, all| progress.show(done, all),
        publish: &mut |report, _| write_all(&targets, report),
    };
    let exit = job.run(stage).await?;
    Ok(signal.exit().unwrap_or(exit))
}

/// Tells the dead-man switch of a run that was asked for in a way that cannot be followed.
///
/// # Errors
/// When the process may not install signal handlers.
pub(super) async fn refuse(args: Args, common: &Common) -> anyhow::Result<Exit> {
    let cancel = CancellationToken::new();
    super::signals::cancel_on_signal(&cancel)?;
    args.into_job(common).refuse(&cancel).await;
    Ok(Exit::Usage)
}

impl Args {
    pub(crate) fn into_job(self, common: &Common) -> Job {
        Job {
            paths: super::inventory_paths(self.paths, common),
            config: common.config.clone(),
            state: common.state.clone(),
            selection: Selection { only: self.only, tags: self.tag, shard: self.shard },
            offline: self.offline || self.as_of.is_some(),
            as_of: self.as_of,
            rotate: self.rotate,
            notify: !self.no_notify && self.as_of.is_none(),
            fail_on: self.output.fail_on,
            concurrency: self.concurrency.map(usize::from),
            timeout: self.timeout,
        }
    }
}

/// Writes every report in the looks of this terminal.
pub(super) fn write_all(targets: &[Target], report: &mut Report<'_>) {
    let stdout = std::io::stdout();
    let look = Look {
        color: anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
        width: stdout.is_terminal().then(terminal_width).flatten(),
    };
    report::write_all(targets, report, look);
}

fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|width| *width > 0)
}

fn parse_date(text: &str) -> Result<DateTime<Utc>, String> {
    let midnight = |date: NaiveDate| date.and_hms_opt(0, 0, 0).map(|at| at.and_utc());
    text.parse::<NaiveDate>()
        .ok()
        .and_then(midnight)
        .or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()))
        .ok_or_else(|| "write a date as 2027-03-01 or a time as 2027-03-01T12:00:00Z".to_owned())
}
