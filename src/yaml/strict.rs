//! Reading one part of a tree into its fields, with every fault of form noted instead of the first one.
//!
//! All fields of what is read are optional, so a faulty entry can be left out and the rest tried again: each
//! try finds one more fault, until the part reads without. A faulty list item is read as an empty one instead,
//! so that the items behind it keep their numbers.

use std::{collections::HashSet, slice};

use serde::{
    Deserialize,
    de::{self, DeserializeSeed, Deserializer, Unexpected, Visitor, value::BorrowedStrDeserializer},
    forward_to_deserialize_any,
};

use super::{
    At, Node, Notes,
    mistake::{Kind, Left, Mistake},
    notes::Step,
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

/// Reads a part of a tree that has no fault of form; of one that has, [`collect`] knows more.
pub fn sound<'t, T: Deserialize<'t>>(node: &'t Node<'t>) -> Option<T> {
    let part = Part { node: Some(node), left_out: &HashSet::new() };
    part.given().and_then(T::deserialize).ok()
}

/// A node being read, or what stands in for a list item that is left out.
struct Part<'t, 'l> {
    node: Option<&'t Node<'t>>,
    left_out: &'l HashSet<Left>,
}

impl<'t> Part<'t, '_> {
    /// A key that is written has a value: serde would take `secret:` for a key that is not there, and an app whose
    /// reference was lost in editing would end untested.
    fn given(self) -> Result<Self, Mistake> {
        match self.node.map(|node| &*node.value) {
            Some(Value::Null) => Err(Mistake::new(Kind::Empty)),
            _ => Ok(self),
        }
    }

    fn entries<'p>(
        &'p self,
        expected: &dyn de::Expected,
        seen: Option<HashSet<&'t str>>,
    ) -> Result<Entries<'t, 'p>, Mistake> {
        let entries = match self.node.map(|node| &*node.value) {
            None => [].iter(),
            Some(Value::Map(entries)) => entries.iter(),
            Some(_) => return Err(de::Error::invalid_type(self.found(), expected)),
        };
        Ok(Entries { entries, current: None, seen, left_out: self.left_out })
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
        let mut entries = self.entries(&visitor, Some(HashSet::new()))?;
        visitor.visit_map(&mut entries)
    }

    fn deserialize_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        let mut entries = self.entries(&visitor, None)?;
        // A struct minds by itself that a key came again; where that was is known here.
        visitor.visit_map(&mut entries).map_err(|mistake| match entries.current {
            Some(entry) if mistake.is_duplicate() => mistake.within(entry.step(), entry.key_place, entry.left()),
            _ => mistake,
        })
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
    /// Whose key has been read, and whose value has not.
    current: Option<&'t Entry<'t>>,
    /// Keys so far; `None` where the reader minds by itself.
    seen: Option<HashSet<&'t str>>,
    left_out: &'l HashSet<Left>,
}

impl<'t> de::MapAccess<'t> for Entries<'t, '_> {
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'t>>(&mut self, seed: K) -> Result<Option<K::Value>, Mistake> {
        let Some(entry) = self.entries.find(|entry| !self.left_out.contains(&entry.left())) else {
            return Ok(None);
        };
        let at_key = |mistake: Mistake| mistake.within(entry.step(), entry.key_place, entry.left());
        if self.seen.as_mut().is_some_and(|seen| !seen.insert(&entry.key)) {
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
