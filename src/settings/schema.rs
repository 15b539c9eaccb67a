//! The JSON Schema of the settings file, from the types that read it.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::raw;

/// JSON Schema (draft 2020-12) of the settings file.
#[must_use]
pub fn schema() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<raw::File>().to_value()
}
