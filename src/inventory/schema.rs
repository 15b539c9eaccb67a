//! The JSON Schema of an inventory file, from the types that read it.

use serde_json::{Value, json};

use super::raw;
use crate::yaml::shape;

/// JSON Schema (draft 2020-12) of an inventory file.
#[must_use]
pub fn schema() -> Value {
    let mut schema = shape::root::<raw::File<Vec<raw::App>>>();
    // The defaults are an app without a name; reading knows them as one type.
    if let Some(mut defaults) = schema.pointer("/$defs/App").cloned() {
        if let Some(fields) = defaults.as_object_mut() {
            fields.remove("required");
            fields.insert("description".to_owned(), json!("What all apps of this file share."));
        }
        if let Some(properties) = defaults.pointer_mut("/properties").and_then(Value::as_object_mut) {
            properties.remove("name");
        }
        if let Some(defs) = schema.pointer_mut("/$defs").and_then(Value::as_object_mut) {
            defs.insert("Defaults".to_owned(), defaults);
        }
        if let Some(property) = schema.pointer_mut("/properties/defaults") {
            *property = json!({
                "description": "What all apps of this file share; an app's own value wins.",
                "$ref": "#/$defs/Defaults"
            });
        }
    }
    schema
}
