//! What the service knows of itself: written by the timetable, read by the HTTP handlers.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::exit::Exit;

/// How one run ended.
#[derive(Debug, Clone)]
pub struct Night {
    pub exit: Exit,
    pub finished_at: DateTime<Utc>,
    /// `None`: nothing was tested, the last report stays.
    pub report: Option<Rendered>,
}

/// A finished run's report in the two formats that are served.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// HTML, self-contained.
    pub page: String,
    /// Prometheus text format.
    pub metrics: String,
}

#[derive(Debug, Clone)]
pub(super) struct Status {
    pub started_at: DateTime<Utc>,
    /// `None` while a run is under way.
    pub next_run: Option<DateTime<Utc>>,
    pub last_run: Option<(DateTime<Utc>, Exit)>,
    pub report: Option<Arc<Rendered>>,
    pub runs: u64,
    /// Due times that passed while a run was under way.
    pub skipped: u64,
    pub running: bool,
    pub stopping: bool,
}

impl Status {
    pub(super) fn new(started_at: DateTime<Utc>) -> Self {
        Self {
            started_at,
            next_run: None,
            last_run: None,
            report: None,
            runs: 0,
            skipped: 0,
            running: false,
            stopping: false,
        }
    }

    pub(super) fn record(&mut self, night: Night) {
        self.running = false;
        self.runs += 1;
        self.last_run = Some((night.finished_at, night.exit));
        if let Some(report) = night.report {
            self.report = Some(Arc::new(report));
        }
    }

    /// Findings do not count against the service: its work is to find them.
    pub(super) fn fault(&self) -> Option<&'static str> {
        if self.stopping {
            return Some("stopping");
        }
        match self.last_run {
            Some((_, Exit::Usage)) => Some("the last run could not read the settings or the inventory: see the log"),
            _ => None,
        }
    }
}
