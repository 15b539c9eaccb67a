//! The closed set of report formats.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// A format of the report; one file each in this folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Table,
    Json,
    Ndjson,
    Csv,
    Markdown,
    Html,
    Junit,
    Sarif,
    Prometheus,
    Ics,
}

/// No format has this name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown report format{}; there are {}", self.did_you_mean(), Format::names())]
pub struct UnknownFormat {
    close: Option<Format>,
}

impl Format {
    pub const ALL: [Self; 10] = [
        Self::Table,
        Self::Json,
        Self::Ndjson,
        Self::Csv,
        Self::Markdown,
        Self::Html,
        Self::Junit,
        Self::Sarif,
        Self::Prometheus,
        Self::Ics,
    ];

    /// As `-o` takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Junit => "junit",
            Self::Sarif => "sarif",
            Self::Prometheus => "prometheus",
            Self::Ics => "ics",
        }
    }

    /// All names, for help and error texts.
    #[must_use]
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| UnknownFormat {
            close: Self::ALL.into_iter().find(|format| strsim::damerau_levenshtein(format.name(), text) <= 1),
        })
    }
}

impl UnknownFormat {
    fn did_you_mean(&self) -> String {
        self.close.map(|format| format!(", did you mean `{format}`?")).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_answered_with_the_name_meant() {
        let fault = "jsn".parse::<Format>().unwrap_err().to_string();
        assert!(fault.starts_with("unknown report format, did you mean `json`?"), "{fault}");
        let fault = "pdf-and-more".parse::<Format>().unwrap_err().to_string();
        assert!(fault.starts_with("unknown report format; there are table, json,"), "{fault}");
    }
}
