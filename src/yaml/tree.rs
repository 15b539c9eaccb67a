//! A YAML text as a tree of nodes with their places.

use std::{borrow::Cow, ops::ControlFlow, rc::Rc, sync::mpsc, thread};

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
        let walked = each_event(text, |event| {
            if let Err(lone) = event.and_then(|(event, place)| builder.take(event, place)) {
                return ControlFlow::Break(Err(lone));
            }
            match builder.item_under(key) {
                Some((before, item)) if each(before, &item).is_none() => ControlFlow::Break(Ok(None)),
                _ => ControlFlow::Continue(()),
            }
        });
        match walked {
            ControlFlow::Break(ended) => ended,
            ControlFlow::Continue(()) => builder.finish().map(Some),
        }
    }
}

/// An event and where it begins, or why there are no more.
type Parsed<'t> = Result<(Event<'t>, Place), Lone>;

/// A shorter text is parsed before a thread is there, bytes.
const LONG: usize = 64 * 1024;

/// Events that are handed over at once, and how many times so many may lie ready.
const BATCH: usize = 512;
const AHEAD: usize = 4;

/// Hands over the events of a text; those of a long one are parsed by another thread, some way ahead.
fn each_event<'t, B>(text: &'t str, mut take: impl FnMut(Parsed<'t>) -> ControlFlow<B>) -> ControlFlow<B> {
    if text.len() < LONG {
        return events(text).try_for_each(take);
    }
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(AHEAD);
        let parse = move || {
            let mut events = events(text);
            loop {
                let batch: Vec<_> = events.by_ref().take(BATCH).collect();
                // Who takes them may have had enough.
                if batch.is_empty() || sender.send(batch).is_err() {
                    return;
                }
            }
        };
        if thread::Builder::new().spawn_scoped(scope, parse).is_err() {
            return events(text).try_for_each(take);
        }
        receiver.into_iter().try_for_each(|batch| batch.into_iter().try_for_each(&mut take))
    })
}

fn events(text: &str) -> impl Iterator<Item = Parsed<'_>> {
    let mut limits = granit_parser::Options::default();
    (limits.block_nesting_limit, limits.flow_nesting_limit) = (MAX_DEPTH, MAX_DEPTH);
    limits.set_emit_comments(false);
    Parser::new_from_str_with_options(text, limits).map(move |event| match event {
        Ok((event, span)) => Ok((event, span.into())),
        Err(error) => Err(Lone::syntax(&error, text)),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// More than one thread reads at once.
    fn long() -> String {
        let items: String = (0..LONG / 8).map(|number| format!("- n: {number}\n  t: [a, b]\n")).collect();
        format!("version: 1\napps:\n{items}")
    }

    #[test]
    fn the_items_of_a_long_text_come_one_by_one_in_their_order() {
        let text = long();
        let whole = Tree::parse(&text).ok().unwrap();
        let Value::List(items) = &*whole.root.get("apps").unwrap().node.value else { panic!("a list") };
        let places: Vec<Place> = items.iter().map(|item| item.place).collect();
        let mut met = Vec::new();
        let rest = Tree::parse_each(&text, "apps", |before, item| {
            assert_eq!(before.len(), 1);
            met.push(item.place);
            Some(())
        });
        assert!(rest.is_ok_and(|rest| rest.is_some()));
        assert_eq!(met, places);
    }

    #[test]
    fn a_long_text_is_left_where_there_was_enough_of_it() {
        let mut met = 0;
        let rest = Tree::parse_each(&long(), "apps", |_, _| {
            met += 1;
            (met < 3).then_some(())
        })
        .map(|rest| rest.is_some());
        assert!(matches!((rest, met), (Ok(false), 3)));
    }

    #[test]
    fn a_fault_at_the_end_of_a_long_text_is_found_there() {
        let text = long() + "- [\n";
        let place = |lone: Lone| {
            let fault = lone.fault(Path::new("apps.yaml"));
            (fault.line, fault.column, fault.code)
        };
        let mut met = 0;
        let each = Tree::parse_each(&text, "apps", |_, _| {
            met += 1;
            Some(())
        });
        assert_eq!(each.err().map(place), Tree::parse(&text).err().map(place));
        assert_eq!(met, LONG / 8);
    }
}
