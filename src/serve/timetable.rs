//! One run at a time, when the schedule says so.

use std::{panic::AssertUnwindSafe, time::Duration};

use chrono::{DateTime, Utc};
use futures::FutureExt;
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{Night, NightlyJob, Status};
use crate::{clock::rfc3339, exit::Exit, schedule::Schedule};

/// A sleep does not notice that the machine slept or that its clock was set: look again this often.
const LOOK: Duration = Duration::from_secs(30);

/// Runs the job when it is due, first at `due`, until `stop` is cancelled and no run is under way.
pub(super) async fn keep<J: NightlyJob>(
    job: &J,
    mut schedule: Schedule,
    mut due: DateTime<Utc>,
    board: &watch::Sender<Status>,
    stop: &CancellationToken,
) {
    loop {
        board.send_modify(|status| status.next_run = Some(due));
        tracing::info!(next = rfc3339(due), "waiting");
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = until(job, due) => {}
        }
        board.send_modify(|status| {
            status.next_run = None;
            status.running = true;
        });
        let night = one_run(job, stop).await;
        tracing::info!(exit_code = night.exit.code(), "run finished");
        board.send_modify(|status| status.record(night));
        if stop.is_cancelled() {
            return;
        }

        schedule = job.schedule().unwrap_or_else(|error| {
            tracing::error!("the schedule stays as it was: {error:#}");
            schedule
        });
        let (skipped, next) = after(&schedule, due, job.now());
        if skipped > 0 {
            tracing::warn!("the run was still under way when {skipped} more were due; they are skipped");
            board.send_modify(|status| status.skipped += skipped);
        }
        let Some(next) = next else {
            tracing::error!("the schedule has no time within the next eight years: nothing will run");
            board.send_modify(|status| status.next_run = None);
            return stop.cancelled().await;
        };
        due = next;
    }
}

async fn until<J: NightlyJob>(job: &J, due: DateTime<Utc>) {
    while let Ok(left) = (due - job.now()).to_std() {
        if left.is_zero() {
            return;
        }
        sleep(left.min(LOOK)).await;
    }
}

/// A panic in one run must not end the service. Its message went to stderr; it counts as a run that could not tell.
async fn one_run<J: NightlyJob>(job: &J, stop: &CancellationToken) -> Night {
    AssertUnwindSafe(job.run(stop.child_token())).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("the run was broken off by an internal error");
        Night { exit: Exit::Incomplete, finished_at: job.now(), report: None }
    })
}

/// How many due times passed from `due` (not counted) until `now`, and the first one after both.
fn after(schedule: &Schedule, due: DateTime<Utc>, now: DateTime<Utc>) -> (u64, Option<DateTime<Utc>>) {
    let mut skipped = 0;
    let mut next = schedule.next_after(due);
    while next.is_some_and(|at| at <= now) {
        skipped += 1;
        next = next.and_then(|at| schedule.next_after(at));
    }
    (skipped, next)
}
