//! Faults of one file while it is read, by the way to their field; placed at the end.

use std::{borrow::Cow, collections::HashSet, path::Path};

use super::{Fault, FaultCode, Node, Place, tree};

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
    /// What is accepted all the same.
    warnings: Vec<Note>,
    warned: HashSet<Vec<Step>>,
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

    /// Notes what is accepted and had better be otherwise; of a field once.
    pub fn warn(
        &mut self,
        at: &At<'_>,
        code: FaultCode,
        message: impl Into<Cow<'static, str>>,
        advice: impl Into<Cow<'static, str>>,
    ) {
        let steps = at.steps();
        if self.warned.insert(steps.clone()) {
            self.warnings.push(Note { steps, place: None, code, message: message.into(), advice: advice.into() });
        }
    }

    /// The warnings by themselves, if there are any.
    pub fn take_warnings(&mut self) -> Option<Self> {
        let warnings = std::mem::take(&mut self.warnings);
        (!warnings.is_empty()).then(|| Self { notes: warnings, ..Self::default() })
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
        let is_malformed = matches!(code, FaultCode::WrongType | FaultCode::InvalidValue);
        let set = if is_malformed { &mut self.malformed } else { &mut self.noted };
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

    /// Whether there is no fault.
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
