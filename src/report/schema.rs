//! JSON Schema of the JSON report.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::{Report, SCHEMA};

/// JSON Schema (draft 2020-12) of what `-o json` writes.
#[must_use]
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<Report<'_>>();
    schema.insert("$id".to_owned(), json!(format!("urn:credwatch:{SCHEMA}")));
    schema.insert("title".to_owned(), json!("credwatch report"));
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{super::fixture, *};

    /// Fails where an object and its schema differ in any property, at any depth.
    fn assert_same_properties(root: &Value, schema: &Value, value: &Value, place: &str) {
        // Present or null.
        let present = schema["anyOf"].as_array().and_then(|any| any.iter().find(|one| one["$ref"].is_string()));
        let schema = present.filter(|_| !value.is_null()).unwrap_or(schema);
        let schema = match schema["$ref"].as_str() {
            Some(name) => &root["$defs"][name.trim_start_matches("#/$defs/")],
            None => schema,
        };
        match value {
            Value::Object(members) => {
                let have: BTreeSet<_> = members.keys().collect();
                let described: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().collect();
                assert_eq!(have, described, "{place}");
                let required = schema["required"].as_array().unwrap().len();
                assert_eq!(required, have.len(), "all of {place} is always there");
                for (name, member) in members {
                    assert_same_properties(root, &schema["properties"][name], member, &format!("{place}.{name}"));
                }
            }
            Value::Array(items) => {
                for item in items {
                    assert_same_properties(root, &schema["items"], item, place);
                }
            }
            Value::Null => {
                let null = json!("null");
                let types = schema["type"].as_array().is_some_and(|types| types.contains(&null));
                let any = schema["anyOf"].as_array().is_some_and(|any| any.iter().any(|one| one["type"] == null));
                assert!(types || any, "{place} may be null: {schema}");
            }
            _ => {}
        }
    }

    #[test]
    fn a_report_has_exactly_the_properties_of_its_schema() {
        let (root, report) = (schema(), fixture::with_report(|report| serde_json::to_value(report).unwrap()));
        assert_same_properties(&root, &root, &report, "report");
    }

    #[test]
    fn the_schema_names_itself_and_every_verdict_and_severity() {
        let schema = schema();
        assert_eq!(schema["$id"], "urn:credwatch:credwatch.report/1");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["properties"]["schema"]["const"], SCHEMA);
        let text = schema["$defs"].to_string();
        for verdict in crate::assess::Verdict::ALL {
            assert!(text.contains(&format!("\"{}\"", verdict.name())));
        }
        assert!(text.contains("\"expiry-undeclared\"") && text.contains("\"unknown\""));
    }
}
