//! `credwatch audit [PATH]...`: flags folded into a [`Job`], reports written last.

use std::{io::IsTerminal, path::PathBuf};

use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::Common,
    exit::Exit,
    inventory::{Selection, Shard},
    job::{FailOn, Job},
    period::Period,
    report::{self, Format, Report, Target},
    run::Incomplete,
};

/// The job: test every credential, judge, report, notify
#[derive(Debug, Default, clap::Args)]
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
    /// Send no message and no ping
    #[arg(long)]
    no_notify: bool,
    /// Requests under way at once, in all and to one host [default: the settings' 64 and 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: Option<u16>,
    /// Take part I of N, counted from 0, by a hash of the app's name
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Time for one credential, with all attempts and waits [default: the settings' 30s]
    #[arg(long, value_name = "DURATION")]
    timeout: Option<Period>,
}

/// How a judgement is shown and turned into an exit code; `credwatch test` takes the same.
#[derive(Debug, Default, clap::Args)]
pub struct Output {
    /// table, json, ndjson, csv, markdown, html, junit, sarif, prometheus or ics (repeatable) [default: table on stdout]
    #[arg(short, long = "output", value_name = "FORMAT[=FILE]")]
    targets: Vec<Target>,
    /// Exit 1 from findings of this severity on
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t)]
    pub(super) fail_on: FailOn,
}

impl Output {
    /// Where the report goes: what was named, else the table on stdout unless `-q` keeps it silent.
    ///
    /// # Errors
    /// When two formats would share stdout.
    pub fn targets(&self, quiet: bool) -> anyhow::Result<Vec<Target>> {
        let on_stdout = self.targets.iter().filter(|target| target.file.is_none()).count();
        anyhow::ensure!(on_stdout < 2, "two formats cannot share stdout: give all but one a file, as in `-o json=report.json`");
        Ok(match self.targets.as_slice() {
            [] if quiet => Vec::new(),
            [] => vec![Target { format: Format::Table, file: None }],
            named => named.to_vec(),
        })
    }
}

/// # Errors
/// Wrong usage, inventory or settings: nothing was tested.
pub async fn run(args: Args, common: &Common) -> anyhow::Result<Exit> {
    let targets = args.output.targets(common.quiet)?;
    let job = args.into_job(common)?;
    let cancel = CancellationToken::new();
    let signal = super::signals::cancel_on_signal(&cancel);
    let progress = super::progress::Progress::new(common.quiet);
    let exit = job.run(&cancel, |done, all| progress.show(done, all), |report| write_all(&targets, report)).await?;
    Ok(signal.exit().unwrap_or(exit))
}

impl Args {
    fn into_job(self, common: &Common) -> anyhow::Result<Job> {
        let mut job = Job::new(super::inventory_paths(self.paths, common), common);
        job.selection = Selection::new(&self.only, self.tag, self.shard)?;
        job.offline = self.offline || self.as_of.is_some();
        job.as_of = self.as_of;
        job.notify = !self.no_notify && self.as_of.is_none();
        job.fail_on = self.output.fail_on;
        job.concurrency = self.concurrency.map(usize::from);
        job.timeout = self.timeout;
        Ok(job)
    }
}

/// Writes every report; what could not be written is said on stderr and costs the clean exit code.
pub(super) fn write_all(targets: &[Target], report: &Report<'_>) -> Vec<Incomplete> {
    let look = report::Look {
        color: anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never,
        width: std::io::stdout().is_terminal().then(terminal_width).flatten(),
    };
    targets
        .iter()
        .filter_map(|target| {
            let fault = report::write(target, report, look).err()?;
            Some(Incomplete::new("report-not-written", format!("the {} report could not be written: {fault}", target.format.name())))
        })
        .collect()
}

fn terminal_width() -> Option<usize> {
    console_width()
}

fn parse_date(text: &str) -> Result<DateTime<Utc>, String> {
    let midnight = |date: NaiveDate| date.and_hms_opt(0, 0, 0).map(|at| at.and_utc());
    text.parse::<NaiveDate>()
        .ok()
        .and_then(midnight)
        .or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()))
        .ok_or_else(|| "write a date as 2027-03-01 or a time as 2027-03-01T12:00:00Z".to_owned())
}
