//! The JSON Schema of the settings file, from the types that read it.

use serde_json::Value;

use super::raw;
use crate::yaml::shape;

/// JSON Schema (draft 2020-12) of the settings file.
#[must_use]
pub fn schema() -> Value {
    shape::root::<raw::File>()
}
