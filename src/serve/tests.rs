use std::cell::{Cell, RefCell};

use chrono::TimeDelta;
use chrono_tz::UTC;
use tokio::{
    io::AsyncWriteExt,
    time::{Instant, sleep},
};

use super::*;
use crate::clock::rfc3339;

/// A job that takes a given time and keeps a diary, on tokio's clock.
struct Fake {
    began: Instant,
    takes: Vec<u64>,
    exit: Exit,
    panics: Cell<bool>,
    diary: RefCell<Vec<String>>,
    cron: Cell<&'static str>,
}

impl Fake {
    /// Hourly; the runs take so many seconds.
    fn hourly(takes: &[u64]) -> Self {
        Self {
            began: Instant::now(),
            takes: takes.to_vec(),
            exit: Exit::Clean,
            panics: Cell::new(false),
            diary: RefCell::default(),
            cron: Cell::new("0 * * * *"),
        }
    }

    fn note(&self, what: &str) {
        self.diary.borrow_mut().push(format!("{} {what}", &rfc3339(self.now())[11..19]));
    }
}

impl NightlyJob for Fake {
    fn now(&self) -> DateTime<Utc> {
        let start: DateTime<Utc> = "2026-11-04T02:30:00Z".parse().unwrap();
        start + TimeDelta::from_std(self.began.elapsed()).unwrap()
    }

    fn schedule(&self) -> anyhow::Result<Schedule> {
        Ok(Schedule::parse(self.cron.get(), UTC)?)
    }

    async fn run(&self, stop: CancellationToken) -> Night {
        self.note("begins");
        assert!(!self.panics.replace(false), "a fault of ours");
        let run = self.diary.borrow().iter().filter(|line| line.ends_with("begins")).count();
        let takes = self.takes.get(run - 1).copied().unwrap_or(1);
        tokio::select! {
            () = sleep(Duration::from_secs(takes)) => self.note("ends"),
            () = stop.cancelled(), if takes < 1_000_000 => self.note("stopped"),
        }
        let report = Rendered { page: format!("<p>run {run}"), metrics: "credwatch_x 1\n# EOF\n".to_owned() };
        Night { exit: self.exit, finished_at: self.now(), report: Some(report) }
    }
}

/// Serves until `seconds` have passed and SIGTERM comes; gives the diary.
async fn diary(job: &Fake, run_now: bool, seconds: u64) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ended = async {
        sleep(Duration::from_secs(seconds)).await;
        Exit::Terminated
    };
    assert_eq!(serve(job, listener, run_now, ended).await.unwrap(), Exit::Terminated);
    job.note("over");
    job.diary.take()
}

#[tokio::test(start_paused = true)]
async fn the_job_runs_when_it_is_due_and_not_at_the_start() {
    let job = Fake::hourly(&[20, 20]);
    assert_eq!(
        diary(&job, false, 2 * 3600).await,
        ["03:00:00 begins", "03:00:20 ends", "04:00:00 begins", "04:00:20 ends", "04:30:00 over"]
    );
}

#[tokio::test(start_paused = true)]
async fn asked_to_it_runs_at_the_start_too() {
    let job = Fake::hourly(&[20, 20]);
    assert_eq!(
        diary(&job, true, 3600).await,
        ["02:30:00 begins", "02:30:20 ends", "03:00:00 begins", "03:00:20 ends", "03:30:00 over"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_outlasts_its_successors_time_skips_it() {
    let job = Fake::hourly(&[2 * 3600 + 60, 20]);
    assert_eq!(
        diary(&job, false, 4 * 3600).await,
        ["03:00:00 begins", "05:01:00 ends", "06:00:00 begins", "06:00:20 ends", "06:30:00 over"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_under_way_is_asked_to_stop() {
    let job = Fake::hourly(&[3000]);
    assert_eq!(diary(&job, false, 1860).await, ["03:00:00 begins", "03:01:00 stopped", "03:01:00 over"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_does_not_listen_is_abandoned_after_eight_seconds() {
    let job = Fake::hourly(&[2_000_000]);
    assert_eq!(diary(&job, false, 1860).await, ["03:00:00 begins", "03:01:08 over"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_not_all_there_adds_nothing_to_the_time_of_a_run() {
    for (takes, over) in [(2_000_000, "02:30:09"), (1, "02:30:03")] {
        let job = Fake::hourly(&[takes]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: local").await.unwrap();
        let ended = async {
            sleep(Duration::from_secs(1)).await;
            Exit::Terminated
        };
        serve(&job, listener, true, ended).await.unwrap();
        job.note("over");
        assert_eq!(job.diary.take().last(), Some(&format!("{over} over")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_one_run_and_not_the_service() {
    let job = Fake::hourly(&[20, 20]);
    job.panics.set(true);
    assert_eq!(
        diary(&job, false, 2 * 3600).await,
        ["03:00:00 begins", "04:00:00 begins", "04:00:20 ends", "04:30:00 over"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_changed_schedule_counts_after_the_next_run_and_a_broken_one_not_at_all() {
    let job = Fake::hourly(&[1; 4]);
    let changes = async {
        sleep(Duration::from_secs(60)).await;
        job.cron.set("15 * * * *");
        sleep(Duration::from_secs(3600)).await;
        job.cron.set("broken");
        std::future::pending::<()>().await;
    };
    let diary = tokio::select! {
        diary = diary(&job, false, 3 * 3600) => diary,
        () = changes => unreachable!("it waits for ever"),
    };
    assert_eq!(
        diary,
        [
            "03:00:00 begins",
            "03:00:01 ends",
            "03:15:00 begins",
            "03:15:01 ends",
            "04:15:00 begins",
            "04:15:01 ends",
            "05:15:00 begins",
            "05:15:01 ends",
            "05:30:00 over"
        ]
    );
}

#[tokio::test]
async fn settings_without_a_usable_schedule_end_the_service_at_once() {
    let job = Fake::hourly(&[]);
    job.cron.set("0 0 30 2 *");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = serve(&job, listener, false, std::future::pending()).await.unwrap_err();
    assert!(error.to_string().contains("no date ever matches"), "{error}");
}

/// The routes over a real connection, for one status.
async fn answer(method: reqwest::Method, path: &str, status: &Status) -> reqwest::Response {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let _end_with_the_test = stop.clone().drop_guard();
    let (_board, receiver) = watch::channel(status.clone());
    tokio::spawn(routes::serve(listener, receiver, stop));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.request(method, format!("http://{address}{path}")).send().await.unwrap()
}

fn status_after(exit: Exit) -> Status {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let mut status = Status::new(at("2026-11-04T02:30:00Z"));
    let report = Rendered { page: "<p>report".to_owned(), metrics: "credwatch_credentials 3\n# EOF\n".to_owned() };
    let report = Some(report).filter(|_| exit != Exit::Usage);
    status.record(Night { exit, finished_at: at("2026-11-04T03:00:20Z"), report });
    status.next_run = Some(at("2026-11-05T03:00:00Z"));
    status
}

#[tokio::test]
async fn the_latest_page_is_served_with_headers_that_keep_it_harmless() {
    let page = answer(reqwest::Method::GET, "/", &status_after(Exit::Findings)).await;
    assert_eq!(page.status(), 200);
    let header = |name: &str| page.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "no-store");
    assert!(header("content-security-policy").starts_with("default-src 'none'; "));
    assert_eq!(page.text().await.unwrap(), "<p>report");

    let head = answer(reqwest::Method::HEAD, "/", &status_after(Exit::Findings)).await;
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].as_bytes()), (200, &b"9"[..]));
}

#[tokio::test]
async fn before_the_first_run_the_page_says_when_it_is_due() {
    let mut status = Status::new("2026-11-04T02:30:00Z".parse().unwrap());
    status.next_run = Some("2026-11-04T03:00:00Z".parse().unwrap());
    let page = answer(reqwest::Method::GET, "/", &status).await;
    assert_eq!(page.status(), 503);
    assert_eq!(page.text().await.unwrap(), "no run has finished yet; the next is due at 2026-11-04T03:00:00Z\n");
    assert_eq!(answer(reqwest::Method::GET, "/readyz", &status).await.status(), 200);
}

#[tokio::test]
async fn it_is_ready_unless_the_last_run_could_read_nothing_or_it_is_stopping() {
    let ready = async |status: Status| answer(reqwest::Method::GET, "/readyz", &status).await.status().as_u16();
    assert_eq!(ready(status_after(Exit::Clean)).await, 200);
    assert_eq!(ready(status_after(Exit::Findings)).await, 200);
    assert_eq!(ready(status_after(Exit::Incomplete)).await, 200);
    assert_eq!(ready(status_after(Exit::Usage)).await, 503);
    assert_eq!(ready(Status { stopping: true, ..status_after(Exit::Clean) }).await, 503);
    assert_eq!(answer(reqwest::Method::GET, "/healthz", &status_after(Exit::Usage)).await.status(), 200);
}

#[tokio::test]
async fn only_reading_is_answered() {
    let status = status_after(Exit::Clean);
    assert_eq!(answer(reqwest::Method::POST, "/", &status).await.status(), 405);
    assert_eq!(answer(reqwest::Method::DELETE, "/metrics", &status).await.status(), 405);
    let missing = answer(reqwest::Method::GET, "/../etc/passwd", &status).await;
    assert_eq!(missing.status(), 404);
    assert_eq!(missing.headers()["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn metrics_are_the_reports_and_the_services_own() {
    let metrics = answer(reqwest::Method::GET, "/metrics", &status_after(Exit::Findings)).await;
    assert_eq!(metrics.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    insta::assert_snapshot!(metrics.text().await.unwrap(), @"
    credwatch_credentials 3
    # HELP credwatch_serve_start_timestamp_seconds Start of the service.
    # TYPE credwatch_serve_start_timestamp_seconds gauge
    credwatch_serve_start_timestamp_seconds 1793759400
    # HELP credwatch_serve_next_run_timestamp_seconds When the next run is due.
    # TYPE credwatch_serve_next_run_timestamp_seconds gauge
    credwatch_serve_next_run_timestamp_seconds 1793847600
    # HELP credwatch_serve_last_run_timestamp_seconds End of the last run.
    # TYPE credwatch_serve_last_run_timestamp_seconds gauge
    credwatch_serve_last_run_timestamp_seconds 1793761220
    # HELP credwatch_serve_last_run_exit_code What the last run would have exited with.
    # TYPE credwatch_serve_last_run_exit_code gauge
    credwatch_serve_last_run_exit_code 1
    # HELP credwatch_serve_run_in_progress Whether a run is under way.
    # TYPE credwatch_serve_run_in_progress gauge
    credwatch_serve_run_in_progress 0
    # HELP credwatch_serve_runs_total Runs finished since the start.
    # TYPE credwatch_serve_runs_total counter
    credwatch_serve_runs_total 1
    # HELP credwatch_serve_skipped_runs_total Due times that passed while a run was still under way.
    # TYPE credwatch_serve_skipped_runs_total counter
    credwatch_serve_skipped_runs_total 0
    ");
}
