//! A YAML text as a tree of nodes with their places.

use std::{borrow::Cow, rc::Rc};

use serde_saphyr::granit_parser::{self, Event, Parser, Span};

use super::{Lone, MAX_DEPTH, builder::Builder, notes::Step};

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
    pub(super) size: usize,
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
    /// In what aliases add, a long text counts as many nodes.
    pub(super) fn text(text: Cow<'t, str>, place: Place) -> Self {
        let size = 1 + text.len() / 64;
        Self { place, value: Rc::new(Value::Text(text)), size }
    }

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
        let mut builder = Builder::default();
        for event in events(text) {
            let (event, place) = event?;
            builder.take(event, place)?;
        }
        builder.finish()
    }

    /// The same, but the items of the list under `key` of the root are handed over one by one, each with the root's
    /// entries before it, and are not kept; except of a list with an anchor, which may be needed again. `None` once
    /// `each` has had enough.
    ///
    /// # Errors
    /// As for [`Tree::parse`], as far as it was read.
    pub fn parse_each(
        text: &'t str,
        key: &str,
        mut each: impl FnMut(&[Entry<'t>], &Node<'t>) -> Option<()>,
    ) -> Result<Option<Self>, Lone> {
        let mut builder = Builder::default();
        for event in events(text) {
            let (event, place) = event?;
            builder.take(event, place)?;
            if let Some((before, item)) = builder.item_under(key)
                && each(before, &item).is_none()
            {
                return Ok(None);
            }
        }
        builder.finish().map(Some)
    }
}

fn events(text: &str) -> impl Iterator<Item = Result<(Event<'_>, Place), Lone>> {
    let mut limits = granit_parser::Options::default();
    (limits.block_nesting_limit, limits.flow_nesting_limit) = (MAX_DEPTH, MAX_DEPTH);
    limits.set_emit_comments(false);
    Parser::new_from_str_with_options(text, limits).map(move |event| match event {
        Ok((event, span)) => Ok((event, span.into())),
        Err(error) => Err(Lone::syntax(&error, text)),
    })
}
