//! `-o FORMAT[=FILE]`: which report goes where.

use std::{
    collections::{HashMap, HashSet},
    fmt, fs, io,
    os::{
        fd::AsFd,
        unix::fs::{FileTypeExt, MetadataExt},
    },
    path::{Path, PathBuf},
    str::FromStr,
};

use thiserror::Error;

use super::{Format, format::UnknownFormat};

/// One report and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub format: Format,
    /// `None`: standard output, also written `FORMAT=-`.
    pub file: Option<PathBuf>,
}

/// An `-o` that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TargetFault {
    #[error(transparent)]
    Format(#[from] UnknownFormat),
    #[error("no file name after `{0}=`; write `{0}=FILE`, or `{0}` alone for standard output")]
    NoFile(Format),
    #[error("`{0}` and `{1}` would both go to standard output; give one of them a file, as in `-o {1}=FILE`")]
    TwoOnStdout(Format, Format),
    #[error("two reports would be written to the same file; give `{0}` another one")]
    SameFile(Format),
    #[error("`{0}` would be written over a file that this run reads, or its state; give it another one")]
    Overwrites(Format),
}

impl FromStr for Target {
    type Err = TargetFault;

    fn from_str(text: &str) -> Result<Self, TargetFault> {
        let (format, file) = text.split_once('=').map_or((text, None), |(format, file)| (format, Some(file)));
        let format: Format = format.parse()?;
        match file {
            None | Some("-") => Ok(Self { format, file: None }),
            Some("") => Err(TargetFault::NoFile(format)),
            Some(file) => Ok(Self { format, file: Some(file.into()) }),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            None => write!(f, "{}", self.format),
            Some(file) => write!(f, "{}={}", self.format, crate::text::printable(&file.to_string_lossy())),
        }
    }
}

impl Target {
    /// What the `-o` of one command line mean together; none at all is the table on standard output.
    ///
    /// # Errors
    /// Two reports that would run into each other.
    pub fn together(targets: Vec<Self>) -> Result<Vec<Self>, TargetFault> {
        if targets.is_empty() {
            return Ok(vec![Self { format: Format::Table, file: None }]);
        }
        let mut taken: HashMap<Place, Format> = HashMap::new();
        for Self { format, file } in &targets {
            for place in places(file.as_deref()) {
                let is_stdout = place == Place::Stdout;
                match taken.insert(place, *format) {
                    Some(first) if is_stdout => return Err(TargetFault::TwoOnStdout(first, *format)),
                    Some(_) => return Err(TargetFault::SameFile(*format)),
                    None => {}
                }
            }
        }
        Ok(targets)
    }

    /// `files` is asked for only when a report goes to a file.
    ///
    /// # Errors
    /// A report that would take the place of one of these files.
    pub fn spare(targets: &[Self], files: impl FnOnce() -> Vec<PathBuf>) -> Result<(), TargetFault> {
        let mut named = targets.iter().filter(|target| target.file.is_some()).peekable();
        if named.peek().is_none() {
            return Ok(());
        }
        let spared: HashSet<Place> = files().iter().flat_map(|file| places(Some(file))).collect();
        let hit = named.find(|target| places(target.file.as_deref()).iter().any(|place| spared.contains(place)));
        hit.map_or(Ok(()), |target| Err(TargetFault::Overwrites(target.format)))
    }
}

/// What a target is told from others by, however it is spelled.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Place {
    Stdout,
    /// A name in a folder, links in the folder's own path followed.
    Name(PathBuf),
    /// A file that exists: device and inode.
    File(u64, u64),
}

fn places(file: Option<&Path>) -> Vec<Place> {
    let named = file.map(named);
    let is_stdout = named.as_deref().is_none_or(is_stdout);
    let name = if is_stdout { Place::Stdout } else { Place::Name(named.unwrap_or_default()) };
    let existing = if is_stdout {
        io::stdout().as_fd().try_clone_to_owned().and_then(|stdout| fs::File::from(stdout).metadata())
    } else {
        fs::metadata(file.unwrap_or(Path::new("")))
    };
    // Two may share a device such as a terminal; what is written to a file or pipe is one report.
    let existing = existing.ok().filter(|it| !it.file_type().is_char_device());
    std::iter::once(name).chain(existing.map(|it| Place::File(it.dev(), it.ino()))).collect()
}

fn named(file: &Path) -> PathBuf {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (fs::canonicalize(folder), file.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => file.to_owned(),
    }
}

/// `/dev/fd` and `/proc/self/fd` are links to the folder of this process.
fn is_stdout(named: &Path) -> bool {
    let own = format!("/proc/{}/fd/1", std::process::id());
    [Path::new("/dev/stdout"), Path::new("/dev/fd/1"), Path::new(&own)].contains(&named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn together(texts: &[&str]) -> Result<Vec<Target>, String> {
        let targets = texts.iter().map(|text| text.parse()).collect::<Result<_, _>>();
        targets.and_then(Target::together).map_err(|fault: TargetFault| fault.to_string())
    }

    #[test]
    fn the_table_is_what_nobody_asked_for() {
        assert_eq!(together(&[]), Ok(vec![Target { format: Format::Table, file: None }]));
        assert_eq!(together(&["html=a=b.html"]).unwrap()[0].file, Some("a=b.html".into()));
        assert_eq!(together(&["json=-"]).unwrap()[0].file, None);
    }

    #[test]
    fn reports_that_run_into_each_other_are_refused_with_advice() {
        for (targets, fault) in [
            (
                &["json", "html=x", "csv=-"][..],
                "`json` and `csv` would both go to standard output; give one of them a file, as in `-o csv=FILE`",
            ),
            (&["json=x", "csv=x"], "two reports would be written to the same file; give `csv` another one"),
            (&["ics="], "no file name after `ics=`; write `ics=FILE`, or `ics` alone for standard output"),
            (
                &["yaml=x"],
                "unknown report format; there are table, json, ndjson, csv, markdown, html, junit, sarif, prometheus, ics",
            ),
        ] {
            assert_eq!(together(targets), Err(fault.to_owned()));
        }
    }

    #[test]
    fn what_the_run_reads_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("apps.yaml"), "").unwrap();
        std::os::unix::fs::symlink(at("apps.yaml"), at("link")).unwrap();
        let spare = |file: &str| {
            let targets = together(&["table", &format!("csv={}", at(file).display())]).unwrap();
            Target::spare(&targets, || vec![at("apps.yaml"), at("state.db")]).map_err(|fault| fault.to_string())
        };
        let fault = "`csv` would be written over a file that this run reads, or its state; give it another one";
        for file in ["apps.yaml", "./apps.yaml", "link", "state.db"] {
            assert_eq!(spare(file), Err(fault.to_owned()), "{file}");
        }
        assert_eq!(spare("report.csv"), Ok(()));
        let unasked = || panic!("no report goes to a file");
        assert_eq!(Target::spare(&together(&["json"]).unwrap(), unasked), Ok(()));
    }

    #[test]
    fn one_place_in_two_spellings_is_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        fs::create_dir(at("sub")).unwrap();
        fs::write(at("there"), "").unwrap();
        std::os::unix::fs::symlink(at("there"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("sub"), at("sub-link")).unwrap();
        fs::hard_link(at("there"), at("twin")).unwrap();
        let refused = |one: &str, two: &str| together(&[&format!("json={one}"), &format!("csv={two}")]).is_err();
        for (one, two) in [
            (at("a"), at("./sub/../a")),
            (at("sub/a"), at("sub-link/a")),
            (at("there"), at("link")),
            (at("there"), at("twin")),
            ("a".to_owned(), "./a".to_owned()),
            ("-".to_owned(), "/dev/stdout".to_owned()),
            ("/dev/fd/1".to_owned(), "/proc/self/fd/1".to_owned()),
        ] {
            assert!(refused(&one, &two) && refused(&two, &one), "{one} {two}");
        }
        for (one, two) in
            [(at("a"), at("b")), (at("a"), at("sub/a")), (at("nowhere/a"), at("a")), ("-".to_owned(), at("there"))]
        {
            assert!(!refused(&one, &two), "{one} {two}");
        }
        let both = together(&["json=/dev/stdout", "csv"]).unwrap_err();
        assert!(both.starts_with("`json` and `csv` would both go to standard output"), "{both}");
    }
}
