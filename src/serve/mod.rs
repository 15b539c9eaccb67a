//! Staying up: the audit on its schedule, one run at a time, and a small HTTP server that shows the last one.
//!
//! | path | answer |
//! |---|---|
//! | `/` | the latest report page; 503 until a run has finished |
//! | `/healthz` | 200 while the process answers at all |
//! | `/readyz` | 200 while the last run could read settings and inventory (both were read at the start), else 503 |
//! | `/metrics` | the metrics of the last report and of the service itself, Prometheus text format |
//!
//! Nothing runs at the start unless asked for: a restart at noon must not mail at noon. Settings, inventory
//! and schedule are read afresh for each run; a changed schedule counts once the next run is over.

mod connection;
mod metrics;
mod routes;
mod service_manager;
mod status;
#[cfg(test)]
mod tests;
mod timetable;

pub use status::{Night, Rendered};

use std::{future::Future, time::Duration};

use anyhow::Context;
use chrono::{DateTime, Utc};
use tokio::{net::TcpListener, sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{exit::Exit, schedule::Schedule};
use status::Status;

/// How long a run under way may take to end once the service is told to; what waits for its end waits ten seconds.
const GRACE: Duration = Duration::from_secs(8);
/// The same for an answer under way. A request that is not all there is not waited for longer either.
const LAST_ANSWER: Duration = Duration::from_secs(2);

/// What the service drives.
pub trait NightlyJob {
    /// The time, to the second.
    fn now(&self) -> DateTime<Utc>;

    /// The schedule as it stands in the settings now.
    ///
    /// # Errors
    /// The settings cannot be read. At the start that ends the service; later the last good schedule stays.
    fn schedule(&self) -> anyhow::Result<Schedule>;

    /// One run. Once `stop` is cancelled it has eight seconds to write down what was done.
    fn run(&self, stop: CancellationToken) -> impl Future<Output = Night>;
}

/// Serves until `ended` names the signal that ends it.
///
/// # Errors
/// Settings without a usable schedule, or a server that could not go on.
pub async fn serve<J: NightlyJob>(
    job: &J,
    listener: TcpListener,
    run_now: bool,
    ended: impl Future<Output = Exit>,
) -> anyhow::Result<Exit> {
    let schedule = job.schedule()?;
    let first = schedule.next_after(job.now()).context("the schedule has no time within the next eight years")?;
    let (board, status) = watch::channel(Status::new(job.now()));
    let stop = CancellationToken::new();
    let mut server = tokio::spawn(routes::serve(listener, status, stop.clone()));
    service_manager::ready();

    let timetable = timetable::keep(job, schedule, if run_now { job.now() } else { first }, &board, &stop);
    tokio::pin!(timetable);
    let exit = tokio::select! {
        exit = ended => exit,
        () = &mut timetable => anyhow::bail!("the schedule ended by itself"),
        _ = &mut server => anyhow::bail!("the HTTP server ended by itself"),
        () = service_manager::keep_alive() => anyhow::bail!("the service manager's watchdog ended by itself"),
    };

    tracing::info!("stopping");
    service_manager::stopping();
    board.send_modify(|status| status.stopping = true);
    stop.cancel();
    let answered = async {
        if timeout(LAST_ANSWER, &mut server).await.is_err() {
            server.abort();
        }
    };
    if tokio::join!(timeout(GRACE, timetable), answered).0.is_err() {
        tracing::warn!("the run under way did not end within {} s and is abandoned", GRACE.as_secs());
    }
    Ok(exit)
}
