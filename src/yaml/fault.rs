//! Faults of a file: where, what, and what to do; never the value.

use std::{
    borrow::Cow,
    collections::HashSet,
    fmt, io,
    path::{Path, PathBuf},
};

use super::{Node, Place, tree};
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
    /// An app name, label or channel name used twice.
    DuplicateName,
    /// Two entries for the same credential of the provider, one of them rotated.
    DuplicateCredential,
    /// A `rotate` block that could lose a secret or cannot work.
    UnsafeRotation,
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
            Self::DuplicateName => "DUPLICATE_NAME",
            Self::DuplicateCredential => "DUPLICATE_CREDENTIAL",
            Self::UnsafeRotation => "UNSAFE_ROTATION",
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
            write!(f, "\n    {}", self.advice)?;
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

/// A field's way from the root of its file; only written out when there is a fault.
#[derive(Debug, Clone, Copy)]
pub enum At<'a> {
    Root,
    Key(&'a At<'a>, &'a str),
    Index(&'a At<'a>, usize),
}

impl<'a> At<'a> {
    #[must_use]
    pub const fn key(&'a self, key: &'a str) -> Self {
        Self::Key(self, key)
    }

    #[must_use]
    pub const fn index(&'a self, index: usize) -> Self {
        Self::Index(self, index)
    }

    pub(super) fn steps(&self) -> Vec<Step> {
        match self {
            Self::Root => Vec::new(),
            Self::Key(parent, key) => parent.then(Step::Key((*key).to_owned())),
            Self::Index(parent, index) => parent.then(Step::Index(*index)),
        }
    }

    pub(super) fn then(&self, step: Step) -> Vec<Step> {
        let mut steps = self.steps();
        steps.push(step);
        steps
    }
}

/// One step of a field's way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    Key(String),
    Index(usize),
}

/// A key may be shown only if it looks like one: it may be a value that slipped to the left.
#[must_use]
pub fn looks_like_a_key(key: &str) -> bool {
    let mut bytes = key.bytes();
    key.len() <= 40
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase() || first == b'_')
        && bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

fn written(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Index(index) => path.push_str(&format!("[{index}]")),
            Step::Key(key) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(if looks_like_a_key(key) { key } else { "?" });
            }
        }
    }
    path
}

struct Note {
    steps: Vec<Step>,
    /// Where the reader of the tree saw it; else the field's place is looked up.
    place: Option<Place>,
    code: FaultCode,
    message: Cow<'static, str>,
    advice: Cow<'static, str>,
}

/// Faults of one file while it is read, not yet placed.
#[derive(Default)]
pub struct Notes {
    notes: Vec<Note>,
    noted: HashSet<Vec<Step>>,
    /// Those whose form is wrong: nothing inside them can be judged.
    malformed: HashSet<Vec<Step>>,
}

impl Notes {
    /// Notes a fault of a field, once; a field whose form is wrong already gets no second one about its content.
    pub fn add(
        &mut self,
        at: &At<'_>,
        code: FaultCode,
        message: impl Into<Cow<'static, str>>,
        advice: impl Into<Cow<'static, str>>,
    ) {
        let steps = at.steps();
        if !self.is_noted(&steps) {
            self.noted.insert(steps.clone());
            self.notes.push(Note { steps, place: None, code, message: message.into(), advice: advice.into() });
        }
    }

    /// Notes a fault of form.
    pub(super) fn of_form(
        &mut self,
        steps: Vec<Step>,
        place: Place,
        code: FaultCode,
        message: Cow<'static, str>,
        advice: Cow<'static, str>,
    ) {
        let set = if code == FaultCode::WrongType { &mut self.malformed } else { &mut self.noted };
        set.insert(steps.clone());
        self.notes.push(Note { steps, place: Some(place), code, message, advice });
    }

    /// Counts the field as faulty without a fault of its own, so that it is not called missing.
    pub(super) fn cover(&mut self, steps: Vec<Step>) {
        self.noted.insert(steps);
    }

    /// Whether the field has a fault.
    #[must_use]
    pub fn has(&self, at: &At<'_>) -> bool {
        !self.notes.is_empty() && self.is_noted(&at.steps())
    }

    fn is_noted(&self, steps: &[Step]) -> bool {
        let mut around = (1..=steps.len()).filter_map(|end| steps.get(..end));
        self.noted.contains(steps) || around.any(|part| self.malformed.contains(part))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    /// The faults with their places, in the order of the file.
    #[must_use]
    pub fn placed(self, file: &Path, root: Option<&Node<'_>>) -> Vec<Fault> {
        let mut faults: Vec<Fault> = self
            .notes
            .into_iter()
            .map(|note| {
                let found = || root.map(|node| tree::place_of(node, &note.steps));
                let place = note.place.or_else(found).unwrap_or_default();
                Fault { path: written(&note.steps), ..Fault::new(file, place, note.code, note.message, note.advice) }
            })
            .collect();
        faults.sort_by_key(|fault| (fault.line, fault.column));
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_shows_keys_that_look_like_keys_and_hides_the_rest() {
        let apps = At::Root.key("apps");
        let app = apps.index(2);
        let params = app.key("params");
        assert_eq!(written(&params.key("resource").steps()), "apps[2].params.resource");
        assert_eq!(written(&params.key("Canary~7Qm2").steps()), "apps[2].params.?");
    }

    #[test]
    fn only_short_lower_case_words_look_like_keys() {
        for key in ["name", "_x", "token_endpoint", "line-1", &"a".repeat(40)] {
            assert!(looks_like_a_key(key), "{key}");
        }
        for key in ["", "Name", "1x", "a b", "a~b", "café", &"a".repeat(41)] {
            assert!(!looks_like_a_key(key), "{key}");
        }
    }
}
