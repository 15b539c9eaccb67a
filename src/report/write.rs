//! The thin shell that puts a report where it was asked for.

use std::{
    fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::{Format, Look, Report, Target, render_to};
use crate::{fsio, run::Incomplete, text::printable};

/// A report that could not be delivered; the run is incomplete.
#[derive(Debug, Error)]
#[error("the {format} report could not be written to {place}: {reason}")]
struct WriteFault {
    format: Format,
    place: String,
    #[source]
    reason: io::Error,
}

/// Writes every report; one that cannot be written keeps none of the others from its place, and they say so: files are
/// written again then. What can be written only once comes after the files, standard output last.
pub fn write_all(targets: &[Target], report: &mut Report<'_>, look: Look) {
    let mut is_written = |target: &&Target| match write(target, report, look) {
        Ok(()) => true,
        Err(fault) => {
            report.miss(Incomplete::new("report-not-written", fault.to_string()));
            false
        }
    };
    let is_special = |target: &&Target| target.file.as_deref().is_none_or(is_special);
    let (mut once, mut files): (Vec<&Target>, Vec<&Target>) = targets.iter().partition(is_special);
    once.sort_by_key(|target| target.file.is_none());
    let all = targets.len();
    files.retain(&mut is_written);
    let mut failed = all - files.len() - once.iter().filter(|target| is_written(target)).count();
    while failed > 0 {
        let before = files.len();
        files.retain(&mut is_written);
        failed = before - files.len();
    }
}

/// Renders into the target: a file is replaced whole, standard output and special files are written in place.
///
/// # Errors
/// What kept the report from its place; an older file then stands untouched.
fn write(target: &Target, report: &Report<'_>, look: Look) -> Result<(), WriteFault> {
    let outcome = match &target.file {
        None => in_place(io::stdout().lock(), target, report, look),
        Some(file) => to_file(file, target, report, look),
    };
    outcome.map_err(|reason| WriteFault {
        format: target.format,
        place: target
            .file
            .as_ref()
            .map_or_else(|| "standard output".to_owned(), |file| format!("`{}`", printable(&file.to_string_lossy()))),
        reason,
    })
}

fn to_file(file: &Path, target: &Target, report: &Report<'_>, look: Look) -> io::Result<()> {
    if is_special(file) {
        // Append: `/dev/stdout` may be a regular file that others write to as well.
        return in_place(fs::OpenOptions::new().append(true).open(file)?, target, report, look);
    }
    // The collector that reads the metrics is another user.
    let mode = (target.format == Format::Prometheus).then_some(0o644);
    fsio::replace_with(&behind_links(file), mode, |out| render_to(target.format, report, look, out))
}

fn in_place(out: impl Write, target: &Target, report: &Report<'_>, look: Look) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    render_to(target.format, report, look, &mut out)?;
    out.flush()
}

/// A device, a FIFO, or a name for an open file: replacing it would send the report nowhere.
fn is_special(file: &Path) -> bool {
    file.starts_with("/dev") || file.starts_with("/proc") || fs::metadata(file).is_ok_and(|it| !it.is_file())
}

/// A link stays a link; what it points at is replaced.
fn behind_links(file: &Path) -> PathBuf {
    fs::canonicalize(file).unwrap_or_else(|_| file.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{super::fixture, *};

    fn write_json(file: &Path) -> Result<(), WriteFault> {
        let target = Target { format: Format::Json, file: Some(file.to_owned()) };
        fixture::with_report(|report| write(&target, report, Look::default()))
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("report.json");
        fs::write(&file, "old").unwrap();
        write_json(&file).unwrap();
        assert!(fs::read_to_string(&file).unwrap().starts_with("{\n"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn metrics_can_be_read_by_the_collector_and_links_stay_links() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("metrics.prom"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let target = Target { format: Format::Prometheus, file: Some(link.clone()) };
        fixture::with_report(|report| write(&target, report, Look::default())).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
        assert!(fs::read_to_string(&file).unwrap().starts_with("# HELP"));
    }

    #[test]
    fn a_fault_names_the_report_its_place_and_the_reason() {
        let fault = write_json(Path::new("/nowhere/\u{1b}[31m/report.json")).unwrap_err().to_string();
        assert!(
            fault.starts_with("the json report could not be written to `/nowhere/\u{fffd}[31m/report.json`: No such"),
            "{fault}"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn devices_are_written_in_place_and_a_full_one_is_a_fault() {
        write_json(Path::new("/dev/null")).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        let fault = write_json(Path::new("/dev/full")).unwrap_err();
        assert_eq!(fault.reason.kind(), io::ErrorKind::StorageFull);
    }
    #[cfg(target_os = "linux")]
    #[test]
    fn a_report_that_could_not_be_written_is_named_in_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let target = |format, name: &str| Target { format, file: Some(folder.path().join(name)) };
        let targets = [
            target(Format::Json, "j"),
            target(Format::Csv, "nowhere/c"),
            target(Format::Prometheus, "p"),
            target(Format::Html, "/dev/full"),
        ];
        let last_success = |report: &Report<'_>| report.last_success.unwrap().timestamp();
        let earlier = fixture::with_report(|report| {
            let mut report = Report { run: report.run.clone(), summary: report.summary, ..*report };
            let (before, success) = (report.run.incomplete.len(), last_success(&report));
            write_all(&targets, &mut report, Look::default());
            assert_eq!(report.run.incomplete.len(), before + 2);
            assert!(last_success(&report) < success);
            last_success(&report)
        });
        let written = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let json: serde_json::Value = serde_json::from_str(&written("j")).unwrap();
        let missing = json["run"]["incomplete"].to_string();
        assert!(missing.contains("the csv report could not") && missing.contains("`/dev/full`"), "{missing}");
        assert!(written("p").contains(&format!("credwatch_last_success_timestamp_seconds {earlier}")));
    }
}
