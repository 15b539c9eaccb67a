//! Reading a file one app at a time, so that a big inventory is never held as it was written.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};

use super::raw::App;
use crate::yaml::{Located, Text};

/// The keys of [`super::raw::File`].
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum FileKey {
    Version,
    Defaults,
    Apps,
}

/// Takes a file in its parts.
pub trait Sink {
    fn version(&mut self, version: Option<Text>);
    fn defaults(&mut self, defaults: Option<App>);
    /// An app whose entry begins in this line.
    fn app(&mut self, app: App, line: u32);
    fn no_more_apps(&mut self);
}

/// Reads a file into a [`Sink`] in one pass. Fails where `defaults` come after the apps they hold for.
pub struct Streamed<'s, S>(pub &'s mut S);

impl<'de, S: Sink> DeserializeSeed<'de> for Streamed<'_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, S: Sink> Visitor<'de> for Streamed<'_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an inventory")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut apps_seen = false;
        while let Some(key) = map.next_key()? {
            match key {
                FileKey::Version => self.0.version(map.next_value()?),
                FileKey::Defaults if apps_seen => return Err(de::Error::custom("`defaults` after `apps`")),
                FileKey::Defaults => self.0.defaults(map.next_value()?),
                FileKey::Apps => {
                    apps_seen = true;
                    map.next_value_seed(StreamedApps(self.0))?;
                }
            }
        }
        Ok(())
    }
}

struct StreamedApps<'s, S>(&'s mut S);

impl<'de, S: Sink> DeserializeSeed<'de> for StreamedApps<'_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, S: Sink> Visitor<'de> for StreamedApps<'_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of apps")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut apps: A) -> Result<(), A::Error> {
        while let Some(Located { line, value }) = apps.next_element()? {
            self.0.app(value, line);
        }
        self.0.no_more_apps();
        Ok(())
    }
}
