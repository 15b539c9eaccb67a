//! What may be written in a field, as JSON Schema says it: exactly what [`super::Check`] takes, as far as a schema can.
//!
//! Every scalar is read as the text it was written as, so a number will do wherever a free text does.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema, transform};
use serde_json::{Value, json};

/// JSON Schema (draft 2020-12) of a file. No key may stand without a value, so `null` fits nowhere.
#[must_use]
pub fn root<F: JsonSchema>() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<F>();
    transform::Transform::transform(&mut transform::RecursiveTransform(without_null), &mut schema);
    schema.to_value()
}

/// Optional fields come with `null` from serde's point of view.
fn without_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(forms)) = schema.get_mut("anyOf") {
        forms.retain(|form| *form != json!({"type": "null"}));
        if let [Value::Object(only)] = forms.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            only.into_iter().for_each(|(key, value)| drop(schema.insert(key, value)));
        }
    }
}

/// Types that stand for a shape in `#[schemars(with = ...)]`.
macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident: $schema:tt;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

shapes! {
    /// A name, an id, a scope: `41` is one, and `true` is a slip.
    Words: {"type": ["string", "number"], "minLength": 1, "not": {"enum": ["true", "false"]}};
    /// Any one value.
    Filled: {"type": ["string", "number", "boolean"], "minLength": 1};
    /// The same, or nothing at all in quotes.
    Notes: {"type": ["string", "number", "boolean"]};
    /// `1`, also in quotes.
    Version: {"enum": [1, "1"]};
    Flag: {"enum": [true, false, "true", "false"]};
    /// Where a secret lies.
    Reference: {"type": "string", "pattern": REFERENCE, "examples": ["env:PUZZEL_SECRET", "file:/run/secrets/etl"]};
    /// Where a rotation delivers to.
    Store: {"type": "string", "pattern": STORE, "examples": ["file:/etc/etl/secret", "person:ops@example.org"]};
    /// A web page.
    Page: {"type": "string", "format": "uri"};
    /// Where requests are sent.
    Endpoint: {"type": "string", "format": "uri", "pattern": "^[^#]*$"};
    /// Where a server begins.
    Root: {"type": "string", "format": "uri", "pattern": "^[^#?]*$"};
    Address: {"type": "string", "format": "email"};
    Variable: {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"};
    Program: {"type": "string", "pattern": "^/"};
    Host: {"type": ["string", "number"], "pattern": "^(\\*\\.)?[^*/]+$"};
    /// Further form parameters.
    Parameters: {
        "type": "object",
        "propertyNames": {
            "not": {"enum": ["client_id", "client_secret", "client_assertion", "client_assertion_type", "grant_type"]}
        },
        "additionalProperties": (Filled::json_schema(&mut SchemaGenerator::default()))
    };
    Moment: {"type": "string", "pattern": (format!("^{MOMENT}$")), "examples": ["2027-03-01"]};
    /// A moment or `never`.
    End: {
        "type": "string",
        "pattern": (format!("^(never|{MOMENT})$")),
        "examples": ["2027-03-01", "2027-01-31T12:00:00Z", "never"]
    };
}

/// A whole number within limits.
pub struct Count<const MIN: u32, const MAX: u32>;

impl<const MIN: u32, const MAX: u32> JsonSchema for Count<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Count{MIN}To{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["integer", "string"], "pattern": "^[0-9]+$", "minimum": MIN, "maximum": MAX})
    }
}

const REFERENCE: &str = "^(env:[A-Za-z_][A-Za-z0-9_]*|file:.*[^/]|exec:\\[.+\\]|vault:.+/.+#.+|azure-key-vault:https?://.+|aws-secrets-manager:.+|kubernetes:.+/.+#.+)$";
const STORE: &str = "^(file:.*[^/]|vault:.+/.+#.+|azure-key-vault:https?://.+|aws-secrets-manager:.+|kubernetes:.+/.+#.+|hook:.+|person:.+@.+)$";
const MOMENT: &str =
    "[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2}))?";

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(schemars::JsonSchema)]
    #[schemars(title = "file")]
    #[expect(dead_code, reason = "only its schema is made")]
    struct File {
        #[schemars(with = "Option<Flag>")]
        one: Option<bool>,
        list: Option<Vec<u8>>,
        inner: Option<Inner>,
    }

    #[derive(schemars::JsonSchema)]
    #[expect(dead_code, reason = "only its schema is made")]
    struct Inner {
        name: Option<String>,
    }

    #[test]
    fn null_fits_nowhere_and_keeps_no_trace() {
        let schema = root::<File>();
        assert!(!schema.to_string().contains("null"), "{schema:#}");
        assert_eq!(schema["properties"]["list"]["type"], "array");
        assert_eq!(schema["properties"]["inner"]["$ref"], "#/$defs/Inner");
        assert_eq!(schema.get("required"), None);
    }
}
