//! A fault of form on its way out of the reader, and what the user is told about it.

use std::{borrow::Cow, fmt};

use serde::de::{self, Unexpected};

use super::{
    At, FaultCode, Node, Notes, Place,
    notes::{Step, looks_like_a_key},
};

/// What went wrong on the way down, and where.
#[derive(Debug)]
pub(super) struct Mistake {
    kind: Kind,
    /// From the innermost step outwards.
    steps: Vec<Step>,
    place: Option<Place>,
    pub(super) entry: Option<Left>,
}

/// What is left out of the next try, by where it starts: a block mapping starts where its first key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Left {
    Entry(usize),
    Item(usize),
}

#[derive(Debug)]
pub(super) enum Kind {
    Unknown { known: &'static [&'static str] },
    Duplicate,
    Empty,
    WrongType { found: &'static str, expected: String },
    Other,
}

impl Mistake {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, steps: Vec::new(), place: None, entry: None }
    }

    /// Whether it is a key met again, at a place still to be told.
    pub(super) fn is_duplicate(&self) -> bool {
        matches!(self.kind, Kind::Duplicate) && self.place.is_none()
    }

    /// On the way out: the step it happened in; the first place and entry on the way are the right ones.
    pub(super) fn within(mut self, step: Step, place: Place, entry: Left) -> Self {
        self.steps.push(step);
        self.place.get_or_insert(place);
        self.entry.get_or_insert(entry);
        self
    }

    pub(super) fn note(mut self, node: &Node<'_>, at: &At<'_>, notes: &mut Notes) {
        self.steps.reverse();
        let mut steps = at.steps();
        steps.append(&mut self.steps);
        let place = self.place.unwrap_or(node.place);
        let (code, message, advice): (_, Cow<'static, str>, Cow<'static, str>) = match self.kind {
            Kind::Unknown { known } => {
                let key = match steps.last() {
                    Some(Step::Key(key)) => key.clone(),
                    _ => String::new(),
                };
                let message = match looks_like_a_key(&key) {
                    true => format!("there is no key `{key}` here").into(),
                    false => "there is no such key here".into(),
                };
                let meant = did_you_mean(&key, known);
                if let Some(meant) = meant {
                    let mut other = steps.clone();
                    other.pop();
                    other.push(Step::Key(meant.to_owned()));
                    notes.cover(other);
                }
                let advice = match meant {
                    Some("secret") => "did you mean `secret`? It takes a reference, as in `secret: env:NAME`".into(),
                    Some(meant) => format!("did you mean `{meant}`?").into(),
                    None if !looks_like_a_key(&key) => {
                        "keys are lower-case words: is this a value, or indented wrongly?".into()
                    }
                    None if known.len() > 12 => "`credwatch schema` lists the keys that may stand here".into(),
                    None => format!("the keys here are {}", known.join(", ")).into(),
                };
                (FaultCode::UnknownField, message, advice)
            }
            Kind::Duplicate => (FaultCode::DuplicateKey, "this key is already there, above".into(), "keep one".into()),
            Kind::Empty => {
                let (what, advice) = match steps.last() {
                    Some(Step::Index(_)) => {
                        ("there is nothing in this item", "write what belongs there, or remove the item")
                    }
                    _ => ("there is nothing behind this key", "write what belongs there, or remove the key"),
                };
                (FaultCode::InvalidValue, what.into(), advice.into())
            }
            Kind::WrongType { found, expected } => {
                let advice = match &*expected {
                    "a list" => "write `[one, two]`, or each on a line of its own behind `- `",
                    "a text" => "write one value",
                    _ => "check the indentation, and that there is a space behind each `:`",
                };
                (FaultCode::WrongType, format!("this is {found}; {expected} belongs here").into(), advice.into())
            }
            Kind::Other => (FaultCode::InvalidValue, "this cannot be read".into(), "".into()),
        };
        notes.of_form(steps, place, code, message, advice);
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text is not as it should be")
    }
}

impl std::error::Error for Mistake {}

impl de::Error for Mistake {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::new(Kind::Other)
    }

    /// Only the kind of what was found is kept, never its content.
    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match found {
            Unexpected::Unit | Unexpected::Option => "empty",
            Unexpected::Seq => "a list",
            Unexpected::Map => "a mapping",
            _ => "a text",
        };
        let expected = match expected.to_string() {
            name if name == "a sequence" => "a list".to_owned(),
            name if name == "a map" => "a mapping".to_owned(),
            name => name,
        };
        Self::new(Kind::WrongType { found, expected })
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Self {
        Self::new(Kind::Unknown { known })
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self::new(Kind::Duplicate)
    }
}

/// Names people bring from portals and other tools.
const SYNONYMS: &[(&str, &str)] = &[
    ("client_secret", "secret"),
    ("secret_value", "secret"),
    ("password", "secret"),
    ("value", "secret"),
    ("app_id", "client_id"),
    ("application_id", "client_id"),
    ("key_id", "secret_id"),
    ("expiry", "expires"),
    ("expiration", "expires"),
    ("end_date", "expires"),
    ("url", "token_endpoint"),
    ("token_url", "token_endpoint"),
    ("email", "owners"),
    ("type", "provider"),
    ("product", "used_by"),
];

fn did_you_mean(key: &str, known: &'static [&'static str]) -> Option<&'static str> {
    if !looks_like_a_key(&key.to_ascii_lowercase()) {
        return None;
    }
    let key = key.to_ascii_lowercase().replace('-', "_");
    let meant = SYNONYMS.iter().find(|(name, _)| *name == key).map(|(_, meant)| *meant);
    if let Some(meant) = meant.filter(|meant| known.contains(meant)) {
        return Some(meant);
    }
    let distance = |name: &str| strsim::damerau_levenshtein(&key, name);
    // A third of the letters may differ: `tennant` is `tenant`, `id` is nothing.
    known.iter().copied().min_by_key(|name| distance(name)).filter(|name| distance(name) * 3 <= name.len())
}
