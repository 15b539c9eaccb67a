use std::{fs, path::Path, sync::Arc};

use chrono::TimeDelta;

use super::{fixture::*, *};
use crate::{
    assess::Assessment,
    inventory::App,
    probe::{Fingerprint, Observation},
};

const FULL: Option<&str> = Some("/etc/credwatch/inventory");

fn url(folder: &tempfile::TempDir) -> String {
    format!("sqlite:{}", folder.path().join("new/state.db").display())
}

fn night(day: &str, scope: Option<&'static str>) -> Night<'static> {
    Night { now: at(day), scope, offline: false }
}

/// One run over the whole state: open, learn, record.
fn run(url: &str, night: &Night<'_>, judged: &mut [Assessment<'_>], print: Option<Fingerprint>) -> Changes {
    let mut state = open(Some(url)).unwrap();
    let mut memory = state.memory().unwrap();
    let changes = memory.learn(night, judged.iter_mut().map(|assessment| (assessment, print)));
    state.record(&uuid::Uuid::new_v4().to_string(), night, &changes).unwrap();
    changes
}

fn lines(url: &str) -> String {
    let changes = open(Some(url)).unwrap().history(None).unwrap();
    let line = |change: &Change| {
        let judged = change
            .judged
            .map_or("removed".to_owned(), |(verdict, severity)| format!("{} {}", verdict.name(), severity.name()));
        format!(
            "{} {} {judged} {:?}\n",
            change.at.format("%m-%d"),
            change.app,
            change.ends.at.map(|at| at.date_naive())
        )
    };
    changes.iter().map(line).collect()
}

#[test]
fn a_quiet_night_writes_nothing_and_a_finding_keeps_its_first_sight() {
    let folder = tempfile::tempdir().unwrap();
    let (url, app) = (url(&folder), app("payroll", &[]));
    for (day, changed) in [("2026-11-01", 1), ("2026-11-02", 0), ("2026-11-03", 0)] {
        let night = night(day, FULL);
        let mut judged = [judged(&app, night.now, Verdict::InvalidSecret, Some("2027-06-01"))];
        let changes = run(&url, &night, &mut judged, Some(Fingerprint([7; 16])));
        assert_eq!(changes.changed.len(), changed, "{day}");
        assert_eq!(judged[0].findings[0].since, Some(at("2026-11-01")), "{day}");
    }
}

#[test]
fn history_holds_changes_alone_and_says_what_left_the_inventory() {
    let folder = tempfile::tempdir().unwrap();
    let (url, payroll, etl) = (url(&folder), app("payroll", &[]), app("etl", &[]));
    let night_of = |day: &str, apps: &[(&App, Verdict, &str)]| {
        let night = night(day, FULL);
        let mut judged: Vec<_> =
            apps.iter().map(|(app, verdict, end)| judged(app, night.now, *verdict, Some(end))).collect();
        run(&url, &night, &mut judged, None);
    };
    night_of("2026-11-01", &[(&payroll, Verdict::Valid, "2027-06-01"), (&etl, Verdict::Valid, "2027-06-01")]);
    night_of("2026-11-02", &[(&payroll, Verdict::Valid, "2027-06-01"), (&etl, Verdict::Unreachable, "2027-06-01")]);
    night_of("2026-11-03", &[(&payroll, Verdict::Valid, "2028-06-01"), (&etl, Verdict::Valid, "2027-06-01")]);
    night_of("2026-11-04", &[(&payroll, Verdict::Valid, "2028-06-01")]);
    insta::assert_snapshot!(lines(&url), @"
    11-01 etl valid ok Some(2027-06-01)
    11-02 etl unreachable unknown Some(2027-06-01)
    11-03 etl valid ok Some(2027-06-01)
    11-04 etl removed None
    11-01 payroll valid ok Some(2027-06-01)
    11-03 payroll valid ok Some(2028-06-01)
    ");
    night_of("2029-01-01", &[(&payroll, Verdict::Valid, "2028-06-01")]);
    insta::assert_snapshot!(lines(&url), @"
    11-04 etl removed None
    01-01 payroll valid critical Some(2028-06-01)
    ");
}

#[test]
fn a_partial_or_another_inventory_removes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (url, payroll, etl) = (url(&folder), app("payroll", &[]), app("etl", &[]));
    let first = night("2026-11-01", FULL);
    let mut both = [judged(&payroll, first.now, Verdict::Valid, None), judged(&etl, first.now, Verdict::Valid, None)];
    run(&url, &first, &mut both, None);
    for scope in [None, Some("/home/me/other.yaml")] {
        let night = night("2026-11-02", scope);
        let mut one = [judged(&payroll, night.now, Verdict::Valid, None)];
        assert_eq!(run(&url, &night, &mut one, None).removed, []);
    }
    let mut one = [judged(&payroll, first.now, Verdict::Valid, None)];
    assert_eq!(run(&url, &night("2026-11-03", FULL), &mut one, None).removed, [(Arc::from("etl"), Arc::from(""))]);
}

#[test]
fn a_refused_secret_stands_while_nobody_can_tell() {
    let folder = tempfile::tempdir().unwrap();
    let (url, app) = (url(&folder), app("payroll", &[]));
    let since = |day: &str, verdict, offline| {
        let night = Night { offline, ..night(day, FULL) };
        let mut judged = [judged(&app, night.now, verdict, Some("2027-06-01"))];
        run(&url, &night, &mut judged, None);
        judged[0].findings.first().map(|finding| (finding.code.name(), finding.since.unwrap().date_naive().to_string()))
    };
    since("2026-11-01", Verdict::InvalidSecret, false);
    since("2026-11-02", Verdict::Unreachable, false);
    since("2026-11-03", Verdict::Untested, true);
    let third = since("2026-11-04", Verdict::InvalidSecret, false);
    assert_eq!(third, Some(("invalid-secret", "2026-11-01".to_owned())));
    since("2026-11-05", Verdict::Valid, false);
    let anew = since("2026-11-06", Verdict::InvalidSecret, false);
    assert_eq!(anew, Some(("invalid-secret", "2026-11-06".to_owned())));
    assert!(!lines(&url).contains("untested"), "an offline run knows no verdict");
}

#[test]
fn a_changed_value_is_noticed_once() {
    let folder = tempfile::tempdir().unwrap();
    let (url, app) = (url(&folder), app("payroll", &[]));
    let mut changed = Vec::new();
    for print in [Some(1), Some(1), None, Some(2), Some(2)] {
        let print = print.map(|byte| Fingerprint([byte; 16]));
        let night = night("2026-11-01", FULL);
        let mut judged = [judged(&app, night.now, Verdict::Valid, None)];
        let observation = Observation { fingerprint: print, ..Observation::local(crate::probe::Outcome::SecretId) };
        changed.push(open(Some(&url)).unwrap().memory().unwrap().value_changed(judged[0].subject, &observation));
        let mut state = open(Some(&url)).unwrap();
        let changes = state.memory().unwrap().learn(&night, judged.iter_mut().map(|one| (one, print)));
        state.record(&changed.len().to_string(), &night, &changes).unwrap();
    }
    assert_eq!(changed, [false, false, false, true, false]);
}

#[test]
fn the_last_finished_run_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = open(Some(&url(&folder))).unwrap();
    assert_eq!(state.last_run().unwrap(), None);
    state.record("a", &night("2026-11-01", FULL), &Changes::default()).unwrap();
    let end = |day: &str, complete| RunEnd { at: at(day) + TimeDelta::minutes(2), exit: 1, complete };
    state.finish("a", end("2026-11-01", true)).unwrap();
    state.record("b", &night("2026-11-02", FULL), &Changes::default()).unwrap();
    let last = state.last_run().unwrap().unwrap();
    assert_eq!((last.id.as_str(), last.exit, last.started_at), ("a", 1, at("2026-11-01")));
    state.finish("b", end("2026-11-02", false)).unwrap();
    let success = state.last_success().unwrap().unwrap();
    assert_eq!(success, at("2026-11-01") + TimeDelta::minutes(2), "what ends with 1 may be incomplete, too");
}

#[test]
fn files_and_folder_are_private_and_the_key_stays() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let url = url(&folder);
    let first = open(Some(&url)).unwrap().installation().key;
    let path = location(Some(&url)).unwrap();
    assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let mut state = open(Some(&url)).unwrap();
    assert_eq!((mode(&path), state.installation().key == first), (0o600, true));
    state.record("a", &night("2026-11-01", FULL), &Changes::default()).unwrap();
    assert_eq!(mode(&path.with_file_name("state.db-wal")), 0o600);
    let other = tempfile::tempdir().unwrap();
    assert_ne!(open(Some(&format!("sqlite:{}/state.db", other.path().display()))).unwrap().installation().key, first);
}

#[test]
fn two_runs_never_hold_one_lock() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(&folder);
    let held = begin(Some(&url)).unwrap();
    assert!(matches!(begin(Some(&url)), Err(StateFault::Locked(_))));
    drop(held);
    assert!(begin(Some(&url)).unwrap().incomplete.is_none());
}

#[test]
fn the_lock_of_another_process_counts_and_dies_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(&folder);
    drop(open(Some(&url)).unwrap());
    let lock = location(Some(&url)).unwrap().with_file_name("state.db.lock");
    // util-linux's flock(1) takes the same lock; it says when it holds it.
    let mut holder = std::process::Command::new("flock")
        .arg(&lock)
        .args(["-c", "echo held; exec cat"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = [0; 5];
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut said).unwrap();
    assert!(matches!(begin(Some(&url)), Err(StateFault::Locked(_))));
    holder.stdin.take();
    holder.wait().unwrap();
    assert!(begin(Some(&url)).is_ok());
}

#[test]
fn what_is_no_state_is_refused_and_the_run_goes_on_without_memory() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::write(place("empty.db"), "").unwrap();
    fs::write(place("text.db"), "not a database, but long enough to be taken for the header of one at a glance")
        .unwrap();
    rusqlite::Connection::open(place("foreign.db")).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    drop(Sqlite::open(&place("future.db")).unwrap());
    rusqlite::Connection::open(place("future.db")).unwrap().pragma_update(None, "user_version", 99).unwrap();
    drop(Sqlite::open(&place("torn.db")).unwrap());
    let whole = fs::read(place("torn.db")).unwrap();
    fs::write(place("torn.db"), &whole[..whole.len() / 2]).unwrap();
    fs::create_dir(place("folder.db")).unwrap();
    fs::write(place("file"), "").unwrap();
    let mut said = String::new();
    for name in ["empty.db", "text.db", "foreign.db", "future.db", "torn.db", "folder.db", "file/below.db"] {
        let before = fs::read(place(name)).unwrap_or_default();
        let begun =
            begin(Some(&format!("sqlite:{}", place(name).display()))).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let incomplete = begun.incomplete.unwrap();
        assert_eq!(incomplete.code, "state-unavailable");
        said += &incomplete.message.replace(&folder.path().display().to_string(), "");
        said.push('\n');
        assert!(fs::read(place(name)).unwrap_or_default() == before, "{name} was touched");
    }
    insta::assert_snapshot!(said, @"
    the state could not be used: /empty.db is no credwatch state or is damaged (it is empty or another program's); restore it from a backup, or move it away to begin anew
    the state could not be used: /text.db is no credwatch state or is damaged (SQLite finds it damaged); restore it from a backup, or move it away to begin anew
    the state could not be used: /foreign.db is no credwatch state or is damaged (it is empty or another program's); restore it from a backup, or move it away to begin anew
    the state could not be used: /future.db was written by a newer credwatch (schema 99, this one knows 3); update credwatch
    the state could not be used: /torn.db is no credwatch state or is damaged (SQLite finds it damaged); restore it from a backup, or move it away to begin anew
    the state could not be used: /folder.db: unable to open database file: /folder.db
    the state could not be used: /file: File exists (os error 17)
    ");
}

#[test]
fn a_damaged_state_still_keeps_a_second_run_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    fs::write(&path, "").unwrap();
    let url = format!("sqlite:{}", path.display());
    let _first = begin(Some(&url)).unwrap();
    assert!(matches!(begin(Some(&url)), Err(StateFault::Locked(_))));
}

#[test]
fn a_full_disk_keeps_the_old_state_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let mut state = Sqlite::open(&path).unwrap();
    state.record("a", &night("2026-11-01", FULL), &Changes::default()).unwrap();
    state.limit_pages(1);
    let apps: Vec<_> = (0..2_000).map(|number| app(&format!("app-{number}"), &[])).collect();
    let night = night("2026-11-02", FULL);
    let mut judged: Vec<_> = apps.iter().map(|app| judged(app, night.now, Verdict::Valid, None)).collect();
    let changes = Memory::default().learn(&night, judged.iter_mut().map(|one| (one, None)));
    let fault = state.record("b", &night, &changes).unwrap_err();
    assert!(fault.to_string().ends_with("database or disk is full"), "{fault}");
    drop(state);
    let mut state = Sqlite::open(&path).unwrap();
    assert!(state.memory().unwrap().get("app-0", "").is_none());
}

#[test]
fn names_of_states() {
    let path = |url| location(Some(url)).map(|path| path.display().to_string()).map_err(|fault| fault.to_string());
    assert_eq!(path("sqlite:/var/lib/credwatch/state.db"), Ok("/var/lib/credwatch/state.db".to_owned()));
    insta::assert_snapshot!(path("postgres://u:canary-Pw1@db/x").unwrap_err(), @"`postgres:` states are not in this build; use `sqlite:PATH`");
    insta::assert_snapshot!(path("/var/lib/state.db").unwrap_err(), @"a state is named `sqlite:PATH`, as in `sqlite:/var/lib/credwatch/state.db`");
    assert!(path("sqlite:").is_err());
}
