//! Reading one part of a tree into its fields, with every fault of form noted instead of the first one.
//!
//! All fields of what is read are optional, so a faulty entry can be left out and the rest tried again: each
//! try finds one more fault, until the part reads without. A faulty list item is read as an empty one instead,
//! so that the items behind it keep their numbers.

use std::{borrow::Cow, collections::HashSet, fmt, slice};

use serde::{
    Deserialize,
    de::{self, DeserializeSeed, Deserializer, Unexpected, Visitor, value::BorrowedStrDeserializer},
    forward_to_deserialize_any,
};

use super::{
    At, FaultCode, Node, Notes, Place,
    notes::{Step, looks_like_a_key},
    tree::{Entry, Value},
};

/// Faults of form shown for one app, or for the settings; who makes more will run it again anyway.
const MOST: usize = 100;

/// Reads a part of a tree, and notes what is not as it should be. `None` when the part as a whole is of the wrong
/// type.
pub fn collect<'t, T: Deserialize<'t>>(node: &'t Node<'t>, at: &At<'_>, notes: &mut Notes) -> Option<T> {
    let mut left_out = HashSet::new();
    loop {
        let part = Part { node: Some(node), left_out: &left_out };
        match part.given().and_then(T::deserialize) {
            Ok(value) => return Some(value),
            Err(mistake) => {
                let faulty = mistake.entry;
                mistake.note(node, at, notes);
                if left_out.len() >= MOST || !faulty.is_some_and(|entry| left_out.insert(entry)) {
                    return None;
                }
            }
        }
    }
}

/// What went wrong on the way down, and where.
#[derive(Debug)]
struct Mistake {
    kind: Kind,
    /// From the innermost step outwards.
    steps: Vec<Step>,
    place: Option<Place>,
    entry: Option<Left>,
}

/// What is left out of the next try, by where it starts: a block mapping starts where its first key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Left {
    Entry(usize),
    Item(usize),
}

#[derive(Debug)]
enum Kind {
    Unknown { known: &'static [&'static str] },
    Duplicate,
    Empty,
    WrongType { found: &'static str, expected: String },
    Other,
}

impl Mistake {
    fn new(kind: Kind) -> Self {
        Self { kind, steps: Vec::new(), place: None, entry: None }
    }

    /// On the way out: the step it happened in; the first place and entry on the way are the right ones.
    fn within(mut self, step: Step, place: Place, entry: Left) -> Self {
        self.steps.push(step);
        self.place.get_or_insert(place);
        self.entry.get_or_insert(entry);
        self
    }

    fn note(mut self, node: &Node<'_>, at: &At<'_>, notes: &mut Notes) {
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

/// A node being read, or what stands in for a list item that is left out.
struct Part<'t, 'l> {
    node: Option<&'t Node<'t>>,
    left_out: &'l HashSet<Left>,
}

impl<'t> Part<'t, '_> {
    /// Nothing written is a slip: see [`super::given`].
    fn given(self) -> Result<Self, Mistake> {
        match self.node.map(|node| &*node.value) {
            Some(Value::Null) => Err(Mistake::new(Kind::Empty)),
            _ => Ok(self),
        }
    }

    fn found(&self) -> Unexpected<'t> {
        match self.node.map(|node| &*node.value) {
            None | Some(Value::Null) => Unexpected::Unit,
            Some(Value::Text(_)) => Unexpected::Str(""),
            Some(Value::List(_)) => Unexpected::Seq,
            Some(Value::Map(_)) => Unexpected::Map,
        }
    }
}

impl<'t> Deserializer<'t> for Part<'t, '_> {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.node.map(|node| &*node.value) {
            None => visitor.visit_str(""),
            Some(Value::Null) => visitor.visit_unit(),
            Some(Value::Text(text)) => visitor.visit_borrowed_str(text),
            Some(Value::List(items)) => {
                visitor.visit_seq(Items { items: items.iter().enumerate(), left_out: self.left_out })
            }
            Some(Value::Map(_)) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_some(self)
    }

    fn deserialize_map<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let entries = match self.node.map(|node| &*node.value) {
            None => [].iter(),
            Some(Value::Map(entries)) => entries.iter(),
            Some(_) => return Err(de::Error::invalid_type(self.found(), &visitor)),
        };
        visitor.visit_map(Entries { entries, current: None, seen: HashSet::new(), left_out: self.left_out })
    }

    fn deserialize_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.deserialize_map(visitor)
    }

    fn deserialize_seq<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.node {
            None => visitor.visit_seq(Items { items: [].iter().enumerate(), left_out: self.left_out }),
            Some(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        <V: Visitor<'t>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct newtype_struct tuple tuple_struct enum identifier
    }
}

struct Entries<'t, 'l> {
    entries: slice::Iter<'t, Entry<'t>>,
    current: Option<&'t Entry<'t>>,
    seen: HashSet<&'t str>,
    left_out: &'l HashSet<Left>,
}

impl<'t> de::MapAccess<'t> for Entries<'t, '_> {
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'t>>(&mut self, seed: K) -> Result<Option<K::Value>, Mistake> {
        let Some(entry) = self.entries.find(|entry| !self.left_out.contains(&entry.left())) else {
            return Ok(None);
        };
        let at_key = |mistake: Mistake| mistake.within(entry.step(), entry.key_place, entry.left());
        if !self.seen.insert(&entry.key) {
            return Err(at_key(Mistake::new(Kind::Duplicate)));
        }
        self.current = Some(entry);
        seed.deserialize(BorrowedStrDeserializer::new(&entry.key)).map(Some).map_err(at_key)
    }

    fn next_value_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<S::Value, Mistake> {
        let Some(entry) = self.current.take() else { return Err(Mistake::new(Kind::Other)) };
        let part = Part { node: Some(&entry.node), left_out: self.left_out };
        part.given().and_then(|part| seed.deserialize(part)).map_err(|mistake| {
            let place = match &*entry.node.value {
                Value::Text(_) => entry.node.place,
                _ => entry.key_place,
            };
            mistake.within(entry.step(), place, entry.left())
        })
    }
}

impl Entry<'_> {
    fn left(&self) -> Left {
        Left::Entry(self.key_place.offset)
    }

    fn step(&self) -> Step {
        Step::Key(self.key.clone().into_owned())
    }
}

struct Items<'t, 'l> {
    items: std::iter::Enumerate<slice::Iter<'t, Node<'t>>>,
    left_out: &'l HashSet<Left>,
}

impl<'t> de::SeqAccess<'t> for Items<'t, '_> {
    type Error = Mistake;

    fn next_element_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<Option<S::Value>, Mistake> {
        let Some((index, item)) = self.items.next() else { return Ok(None) };
        let left = Left::Item(item.place.offset);
        let node = (!self.left_out.contains(&left)).then_some(item);
        let part = Part { node, left_out: self.left_out };
        let read = part.given().and_then(|part| seed.deserialize(part));
        read.map(Some).map_err(|mistake| mistake.within(Step::Index(index), item.place, left))
    }
}
