//! A JSON object of secrets of which one member is ours. It is read in place: its other members are copied nowhere but
//! into the text that is written back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::secret::Secret;

#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Object<'a>(#[serde(borrow)] BTreeMap<String, &'a RawValue>);

/// The member is there and is no text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotText;

/// The object with our member set, for writing.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Changed<'a>(BTreeMap<&'a str, Member<'a>>);

#[derive(Serialize)]
#[serde(untagged)]
enum Member<'a> {
    Ours(&'a str),
    Theirs(&'a RawValue),
}

impl<'a> Object<'a> {
    pub(super) fn member(&self, key: &str) -> Result<Option<Secret>, NotText> {
        let text = self.0.get(key).map(|raw| serde_json::from_str(raw.get()).map(Secret::new));
        text.transpose().map_err(|_| NotText)
    }

    pub(super) fn with(&'a self, key: &'a str, value: &'a Secret) -> Changed<'a> {
        let theirs = self.0.iter().map(|(name, raw)| (name.as_str(), Member::Theirs(raw)));
        Changed(theirs.chain([(key, Member::Ours(value.expose()))]).collect())
    }
}

/// JSON in a buffer that is wiped; `room` is the length of the texts in it, bytes.
pub(super) fn json(content: &impl Serialize, room: usize) -> Zeroizing<Vec<u8>> {
    // Room for the worst escaping, so that the buffer never moves and leaves a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(6 * room + 512));
    // Maps of strings into memory: there is nothing that could fail.
    let written = serde_json::to_writer(&mut *bytes, content);
    debug_assert!(written.is_ok());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_member_is_set_and_the_others_stay_as_they_were_written() {
        let text = r#"{"z":1.10,"k":"old","a":{"deep":[null,"\u00e9"]}}"#;
        let object: Object<'_> = serde_json::from_str(text).unwrap();
        assert_eq!(object.member("k").unwrap().unwrap().expose(), "old");
        assert!(object.member("none").unwrap().is_none());
        assert_eq!(object.member("z").unwrap_err(), NotText);
        let changed = json(&object.with("k", &Secret::new("n\"ew".to_owned())), text.len());
        assert_eq!(std::str::from_utf8(&changed).unwrap(), r#"{"a":{"deep":[null,"\u00e9"]},"k":"n\"ew","z":1.10}"#);
    }

    #[test]
    fn an_object_that_is_none_is_a_fault() {
        for text in ["null", "[]", "\"k\"", "{\"k\"}"] {
            assert!(serde_json::from_str::<Object<'_>>(text).is_err(), "{text}");
        }
    }
}
