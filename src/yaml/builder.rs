//! From the parser's events to a tree: anchors, merge keys, tags, and limits on all of them.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    mem,
    rc::Rc,
};

use serde_saphyr::granit_parser::{Event, ScalarStyle, Tag};

use super::{FaultCode, Lone, MAX_REPLAYED, MAX_VALUE, Node, Place, Tree, Value, tree::Entry};

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

/// What a scalar stands for (YAML 1.2.2 section 10.3.2; `<<` is of YAML 1.1).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meant {
    Null,
    Merge,
    Text,
}

#[derive(Default)]
pub(super) struct Builder<'t> {
    root: Option<Node<'t>>,
    open: Vec<Open<'t>>,
    anchors: HashMap<usize, Node<'t>>,
    replayed: usize,
}

impl<'t> Builder<'t> {
    pub(super) fn finish(self) -> Result<Tree<'t>, Lone> {
        match self.root {
            Some(root) if !matches!(*root.value, Value::Null) => Ok(Tree { root }),
            _ => Err(Lone::new(
                Place::default(),
                FaultCode::EmptyFile,
                "there is nothing in this file",
                "`credwatch init` writes a first one; `credwatch schema` says what may stand in it",
            )),
        }
    }

    /// Takes the last item out of the list under `key` of the root, and shows the root's entries before that key. A list
    /// with an anchor keeps its items.
    pub(super) fn item_under(&mut self, key: &str) -> Option<(&[Entry<'t>], Node<'t>)> {
        let [root, list] = self.open.as_mut_slice() else { return None };
        match (&root.kind, &mut list.kind) {
            (OpenKind::Map { entries, key: Some(under), .. }, OpenKind::List(items))
                if list.anchor == 0 && under.text == key =>
            {
                items.pop().map(|item| (entries.as_slice(), item))
            }
            _ => None,
        }
    }

    pub(super) fn take(&mut self, event: Event<'t>, place: Place) -> Result<(), Lone> {
        match event {
            Event::DocumentStart(..) if self.root.is_some() => Err(Lone::new(
                place,
                FaultCode::YamlSyntax,
                "a second YAML document begins here",
                "one file is one document: remove the `---`, or make two files",
            )),
            Event::Scalar(text, style, anchor, tag) => {
                check_tag(tag.as_deref(), place)?;
                let plain = style == ScalarStyle::Plain;
                let meant = match tag.as_deref().map(Tag::core_suffix) {
                    None if plain && text == "<<" => Meant::Merge,
                    None if plain && (text.is_empty() || text == "~" || text.eq_ignore_ascii_case("null")) => {
                        Meant::Null
                    }
                    Some(Some("null")) => Meant::Null,
                    _ => Meant::Text,
                };
                self.scalar(text, meant, anchor, place)
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
                match &*node.value {
                    Value::Text(text) if self.awaits_key() => {
                        self.key(Key { text: text.clone(), place, merge: false });
                        Ok(())
                    }
                    _ => self.add(Node { place, ..node }),
                }
            }
            _ => Ok(()),
        }
    }

    fn scalar(&mut self, text: Cow<'t, str>, meant: Meant, anchor: usize, place: Place) -> Result<(), Lone> {
        if text.len() > MAX_VALUE {
            let message = "this value is longer than 64 KiB";
            return Err(Lone::new(place, FaultCode::TooLarge, message, "nothing in this file needs to be that long"));
        }
        if self.awaits_key() {
            if anchor != 0 {
                self.remember(anchor, &Node::text(text.clone(), place));
            }
            self.key(Key { text, place, merge: meant == Meant::Merge });
            return Ok(());
        }
        let node = match meant {
            Meant::Null => Node { place, value: Rc::new(Value::Null), size: 1 },
            Meant::Merge | Meant::Text => Node::text(text, place),
        };
        self.remember(anchor, &node);
        self.add(node)
    }

    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { kind: OpenKind::Map { key: None, .. }, .. }))
    }

    fn key(&mut self, new: Key<'t>) {
        if let Some(Open { kind: OpenKind::Map { key, .. }, .. }) = self.open.last_mut() {
            *key = Some(new);
        }
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
                if !merges.is_empty() {
                    // A mapping's own keys win over merged ones, an earlier merge over a later one.
                    let mut own: HashSet<Cow<'t, str>> = entries.iter().map(|entry| entry.key.clone()).collect();
                    entries.extend(merges.into_iter().filter(|entry| own.insert(entry.key.clone())));
                }
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
