//! Faults of a file: where, what, and what to do; never the value.

use std::{
    borrow::Cow,
    fmt, io,
    path::{Path, PathBuf},
};

use super::Place;
use crate::text::printable;

/// What kind of mistake it is; the names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultCode {
    /// A file or folder is missing or may not be read.
    FileUnreadable,
    /// A folder without any `*.yaml`.
    NoFiles,
    /// Not UTF-8 text.
    NotUtf8,
    /// No content but comments.
    EmptyFile,
    /// Not one YAML document.
    YamlSyntax,
    /// A value over 64 KiB, aliases that multiply without end, or nesting without sense.
    TooLarge,
    /// A `version` this credwatch does not know.
    UnsupportedVersion,
    /// No app in any of the files.
    EmptyInventory,
    /// A key that has no meaning at this place.
    UnknownField,
    /// A key written twice in one mapping.
    DuplicateKey,
    /// A key that must be there is not.
    MissingField,
    /// A list, mapping or text where another of these belongs.
    WrongType,
    /// A value that cannot be what its key says.
    InvalidValue,
    /// Keys that exclude each other.
    ConflictingFields,
    /// A key that the provider of the app does not use.
    ForeignField,
    UnknownProvider,
    /// Plain `http` to another machine.
    InsecureUrl,
    /// A value where a reference to one belongs.
    SecretLooksInline,
    /// A reference that names no place.
    MalformedReference,
    /// A program that the settings' `exec` does not list.
    ExecNotAllowed,
    /// A hook that the settings' `hooks` do not define.
    UnknownHook,
    /// An app name, label or channel name used twice.
    DuplicateName,
    /// Two entries for the same credential of the provider, one of them rotated.
    DuplicateCredential,
    /// A `rotate` block that could lose a secret or cannot work.
    UnsafeRotation,
    /// A time that is accepted and may prove too short; only ever a warning.
    ShortTime,
    /// A `critical` longer than its `warn`: accepted, and nothing is a warning first; only ever a warning.
    CriticalBeforeWarn,
}

impl FaultCode {
    /// As users and scripts see it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FileUnreadable => "FILE_UNREADABLE",
            Self::NoFiles => "NO_FILES",
            Self::NotUtf8 => "NOT_UTF8",
            Self::EmptyFile => "EMPTY_FILE",
            Self::YamlSyntax => "YAML_SYNTAX",
            Self::TooLarge => "TOO_LARGE",
            Self::UnsupportedVersion => "UNSUPPORTED_VERSION",
            Self::EmptyInventory => "EMPTY_INVENTORY",
            Self::UnknownField => "UNKNOWN_FIELD",
            Self::DuplicateKey => "DUPLICATE_KEY",
            Self::MissingField => "MISSING_FIELD",
            Self::WrongType => "WRONG_TYPE",
            Self::InvalidValue => "INVALID_VALUE",
            Self::ConflictingFields => "CONFLICTING_FIELDS",
            Self::ForeignField => "FOREIGN_FIELD",
            Self::UnknownProvider => "UNKNOWN_PROVIDER",
            Self::InsecureUrl => "INSECURE_URL",
            Self::SecretLooksInline => "SECRET_LOOKS_INLINE",
            Self::MalformedReference => "MALFORMED_REFERENCE",
            Self::ExecNotAllowed => "EXEC_NOT_ALLOWED",
            Self::UnknownHook => "UNKNOWN_HOOK",
            Self::DuplicateName => "DUPLICATE_NAME",
            Self::DuplicateCredential => "DUPLICATE_CREDENTIAL",
            Self::UnsafeRotation => "UNSAFE_ROTATION",
            Self::ShortTime => "SHORT_TIME",
            Self::CriticalBeforeWarn => "CRITICAL_BEFORE_WARN",
        }
    }
}

/// One mistake, ready to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub file: PathBuf,
    /// From 1; 0 when the fault is the file's as a whole.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// `apps[2].client_id`; empty for the file as a whole.
    pub path: String,
    pub code: FaultCode,
    pub message: Cow<'static, str>,
    /// What to do; may be empty where the message says it.
    pub advice: Cow<'static, str>,
}

impl Fault {
    /// A fault without a field.
    pub fn new(
        file: &Path,
        place: Place,
        code: FaultCode,
        message: impl Into<Cow<'static, str>>,
        advice: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (line, column) = (place.line, place.column);
        Self {
            file: file.to_owned(),
            line,
            column,
            path: String::new(),
            code,
            message: message.into(),
            advice: advice.into(),
        }
    }

    /// A file or folder that could not be read.
    #[must_use]
    pub fn unreadable(file: &Path, error: &io::Error) -> Self {
        let (message, advice) = match error.kind() {
            io::ErrorKind::NotFound => ("there is no such file or folder", "`credwatch init` writes a first one"),
            io::ErrorKind::PermissionDenied => {
                ("it may not be read", "give the user credwatch runs as the right to read it")
            }
            _ => ("it cannot be read", "check that it is a file on a working disk"),
        };
        Self::new(file, Place::default(), FaultCode::FileUnreadable, message, advice)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", printable(&self.file.to_string_lossy()))?;
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        write!(f, " {}", self.code.name())?;
        if !self.path.is_empty() {
            write!(f, " {}", self.path)?;
        }
        write!(f, ": {}", self.message)?;
        if !self.advice.is_empty() {
            // In a log, a message is one line.
            write!(f, "{}{}", if f.alternate() { "; " } else { "\n    " }, self.advice)?;
        }
        Ok(())
    }
}

/// Every fault of a reading, by file and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}
