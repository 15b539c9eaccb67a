//! `-o FORMAT[=FILE]`: which report goes where.

use std::{collections::HashSet, fmt, path::PathBuf, str::FromStr};

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
        let mut files = HashSet::new();
        let mut stdout = None;
        for Self { format, file } in &targets {
            match file {
                Some(file) if !files.insert(file) => return Err(TargetFault::SameFile(*format)),
                Some(_) => {}
                None => {
                    if let Some(first) = stdout.replace(*format) {
                        return Err(TargetFault::TwoOnStdout(first, *format));
                    }
                }
            }
        }
        Ok(targets)
    }
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
}
