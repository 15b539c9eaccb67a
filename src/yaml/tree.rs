//! A YAML text as a tree of nodes with their places, for telling the user where something is wrong.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    mem,
    rc::Rc,
};

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, Span, Tag};

use super::{FaultCode, Lone, MAX_DEPTH, MAX_REPLAYED, MAX_VALUE, notes::Step};

/// A place in a text. The default is "nowhere".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// In characters from the start: tells places apart.
    pub offset: usize,
}

impl Place {
    /// The place right after this much text.
    #[must_use]
    pub fn after(text: &str) -> Self {
        let last = text.rsplit('\n').next().unwrap_or_default();
        Self {
            line: text.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: last.chars().count() + 1,
            offset: text.chars().count(),
        }
    }
}

impl From<Span> for Place {
    fn from(span: Span) -> Self {
        Self { line: span.start.line(), column: span.start.col() + 1, offset: span.start.index() }
    }
}

/// A value and where it stands; one that an alias repeats is shared.
#[derive(Clone)]
pub struct Node<'t> {
    pub place: Place,
    pub value: Rc<Value<'t>>,
    /// Nodes with aliases written out.
    size: usize,
}

pub enum Value<'t> {
    Null,
    Text(Cow<'t, str>),
    List(Vec<Node<'t>>),
    Map(Vec<Entry<'t>>),
}

#[derive(Clone)]
pub struct Entry<'t> {
    pub key: Cow<'t, str>,
    pub key_place: Place,
    pub node: Node<'t>,
}

impl<'t> Node<'t> {
    /// The value of a key of a mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry<'t>> {
        match &*self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }
}

/// The place of a field, or of the nearest thing around it that is there. A mapping, a list or an empty value is
/// best shown by its key.
pub(super) fn place_of(root: &Node<'_>, steps: &[Step]) -> Place {
    let (mut node, mut place) = (root, root.place);
    for step in steps {
        let next = match (step, &*node.value) {
            (Step::Key(key), Value::Map(_)) => node.get(key).map(|entry| match &*entry.node.value {
                Value::Text(_) => (&entry.node, entry.node.place),
                _ => (&entry.node, entry.key_place),
            }),
            (Step::Index(index), Value::List(items)) => items.get(*index).map(|item| (item, item.place)),
            _ => None,
        };
        let Some(found) = next else { break };
        (node, place) = found;
    }
    place
}

/// One document.
pub struct Tree<'t> {
    pub root: Node<'t>,
}

impl<'t> Tree<'t> {
    /// Parses a text into nodes. Duplicate keys stay in, one after the other; merge keys are written out.
    ///
    /// # Errors
    /// A syntax error, or a text that is made to be too much.
    pub fn parse(text: &'t str) -> Result<Self, Lone> {
        let mut limits = granit_parser::Options::default();
        (limits.block_nesting_limit, limits.flow_nesting_limit) = (MAX_DEPTH, MAX_DEPTH);
        limits.set_emit_comments(false);
        let mut builder = Builder::default();
        for event in Parser::new_from_str_with_options(text, limits) {
            let (event, span) = event.map_err(|error| Lone::syntax(&error, text))?;
            builder.take(event, span.into())?;
        }
        match builder.root {
            Some(root) if !matches!(*root.value, Value::Null) => Ok(Self { root }),
            _ => Err(Lone::new(
                Place::default(),
                FaultCode::EmptyFile,
                "there is nothing in this file",
                "`credwatch init` writes a first one; `credwatch schema` says what may stand in it",
            )),
        }
    }
}

/// A collection that is still open.
struct Open<'t> {
    place: Place,
    anchor: usize,
    size: usize,
    kind: OpenKind<'t>,
}

enum OpenKind<'t> {
    List(Vec<Node<'t>>),
    Map { entries: Vec<Entry<'t>>, key: Option<Key<'t>>, merges: Vec<Entry<'t>> },
}

struct Key<'t> {
    text: Cow<'t, str>,
    place: Place,
    merge: bool,
}

#[derive(Default)]
struct Builder<'t> {
    root: Option<Node<'t>>,
    open: Vec<Open<'t>>,
    anchors: HashMap<usize, Node<'t>>,
    replayed: usize,
}

impl<'t> Builder<'t> {
    fn take(&mut self, event: Event<'t>, place: Place) -> Result<(), Lone> {
        match event {
            Event::DocumentStart(..) if self.root.is_some() => Err(Lone::new(
                place,
                FaultCode::YamlSyntax,
                "a second YAML document begins here",
                "one file is one document: remove the `---`, or make two files",
            )),
            Event::Scalar(text, style, anchor, tag) => {
                check_tag(tag.as_deref(), place)?;
                let plain = style == ScalarStyle::Plain && tag.is_none();
                self.scalar(text, plain, anchor, place)
            }
            Event::SequenceStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), place)?;
                self.open.push(Open { place, anchor, size: 1, kind: OpenKind::List(Vec::new()) });
                Ok(())
            }
            Event::MappingStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), place)?;
                let kind = OpenKind::Map { entries: Vec::new(), key: None, merges: Vec::new() };
                self.open.push(Open { place, anchor, size: 1, kind });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    let advice = "an alias cannot stand inside its own anchor";
                    return Err(Lone::new(place, FaultCode::YamlSyntax, "this alias contains itself", advice));
                };
                self.replayed = self.replayed.saturating_add(node.size);
                if self.replayed > MAX_REPLAYED {
                    let message = "the aliases up to here stand for more than a million values";
                    return Err(Lone::new(
                        place,
                        FaultCode::TooLarge,
                        message,
                        "put what all apps share under `defaults`",
                    ));
                }
                self.add(Node { place, ..node })
            }
            _ => Ok(()),
        }
    }

    fn scalar(&mut self, text: Cow<'t, str>, plain: bool, anchor: usize, place: Place) -> Result<(), Lone> {
        if text.len() > MAX_VALUE {
            let message = "this value is longer than 64 KiB";
            return Err(Lone::new(place, FaultCode::TooLarge, message, "nothing in this file needs to be that long"));
        }
        let awaits_key = matches!(self.open.last(), Some(Open { kind: OpenKind::Map { key: None, .. }, .. }));
        if awaits_key {
            let merge = plain && text == "<<";
            return self.key(Key { text, place, merge });
        }
        let null = plain && (text.is_empty() || text == "~" || text.eq_ignore_ascii_case("null"));
        let value = Rc::new(if null { Value::Null } else { Value::Text(text) });
        let node = Node { place, value, size: 1 };
        self.remember(anchor, &node);
        self.add(node)
    }

    fn key(&mut self, new: Key<'t>) -> Result<(), Lone> {
        if let Some(Open { kind: OpenKind::Map { key, .. }, .. }) = self.open.last_mut() {
            *key = Some(new);
        }
        Ok(())
    }

    fn remember(&mut self, anchor: usize, node: &Node<'t>) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
    }

    fn close(&mut self) -> Result<(), Lone> {
        let Some(Open { place, anchor, size, kind }) = self.open.pop() else { return Ok(()) };
        let value = match kind {
            OpenKind::List(items) => Value::List(items),
            OpenKind::Map { mut entries, merges, .. } => {
                // A mapping's own keys win over merged ones, an earlier merge over a later one.
                let mut own: HashSet<Cow<'t, str>> = entries.iter().map(|entry| entry.key.clone()).collect();
                entries.extend(merges.into_iter().filter(|entry| own.insert(entry.key.clone())));
                Value::Map(entries)
            }
        };
        let node = Node { place, value: Rc::new(value), size };
        self.remember(anchor, &node);
        self.add(node)
    }

    fn add(&mut self, node: Node<'t>) -> Result<(), Lone> {
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        parent.size = parent.size.saturating_add(node.size);
        match &mut parent.kind {
            OpenKind::List(items) => items.push(node),
            OpenKind::Map { entries, key, merges } => match mem::take(key) {
                Some(Key { merge: true, .. }) => merge_from(&node, merges)?,
                Some(Key { text, place, .. }) => entries.push(Entry { key: text, key_place: place, node }),
                None => {
                    let advice = "write the key as plain text, and quote a value that begins with `[` or `{`";
                    return Err(Lone::new(node.place, FaultCode::WrongType, "a key must be a text", advice));
                }
            },
        }
        Ok(())
    }
}

fn merge_from<'t>(node: &Node<'t>, into: &mut Vec<Entry<'t>>) -> Result<(), Lone> {
    let refused = || {
        let advice = "write `<<: *anchor`, or `<<: [*one, *two]`";
        Err(Lone::new(node.place, FaultCode::WrongType, "`<<` merges a mapping or a list of mappings", advice))
    };
    match &*node.value {
        Value::Map(entries) => into.extend(entries.iter().cloned()),
        Value::List(items) => {
            for item in items {
                match &*item.value {
                    Value::Map(entries) => into.extend(entries.iter().cloned()),
                    _ => return refused(),
                }
            }
        }
        _ => return refused(),
    }
    Ok(())
}

fn check_tag(tag: Option<&Tag>, place: Place) -> Result<(), Lone> {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema() => {
            let advice = "remove it; quote a value that begins with `!`";
            Err(Lone::new(place, FaultCode::YamlSyntax, "a YAML tag means nothing here", advice))
        }
        _ => Ok(()),
    }
}
