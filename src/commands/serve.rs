//! `credwatch serve`: the audit on its schedule, and the latest report over HTTP.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::Common,
    clock,
    exit::Exit,
    inventory,
    job::{Job, Stage},
    logging,
    report::{self, Format, Look, Report},
    run::Incomplete,
    schedule::Schedule,
    serve::{self, Night, NightlyJob, Rendered},
    settings::{self, Settings},
};

/// Stay up: audit on the settings' schedule, serve /healthz, /readyz, /metrics and the latest report page
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address and port to listen on [default: the settings' serve.listen, else 127.0.0.1:9464]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Audit once at the start as well, not only when the schedule says so
    #[arg(long)]
    now: bool,
}

/// # Errors
/// Settings or inventory that cannot be read at the start, or an address that cannot be listened on.
pub async fn run(args: Args, common: &Common) -> anyhow::Result<Exit> {
    let nights = Nights { paths: super::inventory_paths(Vec::new(), common), common };
    let settings = nights.settings()?;
    inventory::read(&nights.paths, &settings)?;
    drive(&args, settings.listen, &nights).await
}

/// The audit, as the service drives it: everything is read afresh for each run.
struct Nights<'a> {
    paths: Vec<PathBuf>,
    common: &'a Common,
}

impl Nights<'_> {
    fn settings(&self) -> anyhow::Result<Settings> {
        Ok(settings::beside(self.common.config.as_deref(), &self.paths)?)
    }
}

impl NightlyJob for Nights<'_> {
    fn now(&self) -> DateTime<Utc> {
        clock::now()
    }

    fn schedule(&self) -> anyhow::Result<Schedule> {
        let schedule = self.settings()?.schedule;
        Schedule::parse(&schedule.cron, schedule.timezone).context("`schedule.cron` of the settings")
    }

    async fn run(&self, stop: CancellationToken) -> Night {
        let job = Job {
            paths: self.paths.clone(),
            config: self.common.config.clone(),
            state: self.common.state.clone(),
            rotate: true,
            notify: true,
            ..Job::default()
        };
        let mut rendered = None;
        let stage = Stage {
            cancel: &stop,
            progress: &|_, _| {},
            publish: &mut |report, _| match render(report) {
                Ok(pages) => rendered = Some(pages),
                Err(fault) => report.miss(Incomplete::new("report-not-written", fault.to_string())),
            },
        };
        let exit = job.run(stage).await.unwrap_or_else(|error| {
            logging::print_error(&error);
            Exit::Usage
        });
        Night { exit, finished_at: clock::now(), report: rendered }
    }
}

fn render(report: &Report<'_>) -> Result<Rendered, report::RenderFault> {
    let [page, metrics] =
        [Format::Html, Format::Prometheus].map(|format| report::render(format, report, Look::default()));
    Ok(Rendered { page: page?, metrics: metrics? })
}

/// Serves `job` until a signal ends it. `listen` is what the settings say; an argument wins.
///
/// # Errors
/// The address cannot be listened on, or the settings' schedule cannot be used.
async fn drive(args: &Args, listen: SocketAddr, job: &impl NightlyJob) -> anyhow::Result<Exit> {
    let stop = CancellationToken::new();
    let signal = super::signals::cancel_on_signal(&stop)?;
    let listen = args.listen.unwrap_or(listen);
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}: is another credwatch serve running? choose an address with --listen")
    })?;
    let address = listener.local_addr()?;
    tracing::info!("listening on http://{address}/");
    if !address.ip().is_loopback() {
        tracing::warn!("{address} is not a loopback address: whoever can reach it reads the report, without a login");
    }
    let ended = async {
        stop.cancelled().await;
        signal.exit().unwrap_or(Exit::Terminated)
    };
    serve::serve(job, listener, args.now, ended).await
}
