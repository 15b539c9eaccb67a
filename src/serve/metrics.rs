//! `/metrics`: the last report's metrics, then the service's own, in the Prometheus text format 0.0.4.

use std::fmt::Write;

use chrono::{DateTime, Utc};

use super::Status;

/// Neither names nor values can hold anything that needs escaping.
struct Sample {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    value: Option<i64>,
}

pub(super) fn text(status: &Status) -> String {
    let mut text = String::new();
    if let Some(report) = &status.report {
        // OpenMetrics ends with a marker, after which nothing may follow.
        text.push_str(report.metrics.trim_end().trim_end_matches("# EOF").trim_end());
        text.push('\n');
    }
    for Sample { name, kind, help, value } in samples(status) {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        }
    }
    text
}

fn samples(status: &Status) -> [Sample; 7] {
    let gauge = |name, help, value| Sample { name, kind: "gauge", help, value };
    let counter = |name, help, value: u64| Sample { name, kind: "counter", help, value: i64::try_from(value).ok() };
    let seconds = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp());
    let (last_run, exit) = status.last_run.unzip();
    [
        gauge("credwatch_serve_start_timestamp_seconds", "Start of the service.", seconds(Some(status.started_at))),
        gauge("credwatch_serve_next_run_timestamp_seconds", "When the next run is due.", seconds(status.next_run)),
        gauge("credwatch_serve_last_run_timestamp_seconds", "End of the last run.", seconds(last_run)),
        gauge(
            "credwatch_serve_last_run_exit_code",
            "What the last run would have exited with.",
            exit.map(|exit| exit.code().into()),
        ),
        gauge("credwatch_serve_run_in_progress", "Whether a run is under way.", Some(status.running.into())),
        counter("credwatch_serve_runs_total", "Runs finished since the start.", status.runs),
        counter(
            "credwatch_serve_skipped_runs_total",
            "Due times that passed while a run was still under way.",
            status.skipped,
        ),
    ]
}
