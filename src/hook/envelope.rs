//! The JSON objects between credwatch and a hook; `credwatch schema hook` prints their schema.

use chrono::{DateTime, Utc};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use crate::secret::Secret;

/// Name and version of the format.
pub const SCHEMA: &str = "credwatch.hook/1";

/// Whose secret it is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Subject {
    /// Name of the app in the inventory.
    pub app: String,
    /// Label of its credential, where it has several.
    pub label: Option<String>,
    pub client_id: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Input<'a> {
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    #[serde(flatten)]
    subject: &'a Subject,
    #[serde(flatten)]
    request: Request<'a>,
}

impl<'a> Input<'a> {
    pub(super) const fn new(subject: &'a Subject, request: Request<'a>) -> Self {
        Self { schema: SCHEMA, subject, request }
    }
}

/// The verb, which is the last argument, too, and what it needs.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Request<'a> {
    /// Says what the store holds now.
    Read,
    /// Puts `value` into the store. A hook that cannot read its input to the end, or finds another length, writes nothing.
    Write {
        value: &'a str,
        /// Bytes of `value` in UTF-8.
        length: usize,
        #[serde(flatten)]
        write: Write<'a>,
    },
    /// Makes a credential at the provider and leaves the others alone.
    Create(Create<'a>),
    /// Says which credentials of the app the provider has.
    List,
    /// Removes the credential of this id, and no other.
    Remove { id: &'a str },
}

impl Request<'_> {
    pub(super) const fn verb(&self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write { .. } => "write",
            Self::Create(_) => "create",
            Self::List => "list",
            Self::Remove { .. } => "remove",
        }
    }
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Write<'a> {
    /// The `version` that the last `read` gave. A hook that can, refuses (exit code 77) where the store holds another by now.
    pub version: Option<&'a str>,
    /// The same for a repetition of the same write, which then changes nothing.
    pub idempotency: &'a str,
    /// The provider's id of the credential.
    pub key_id: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Create<'a> {
    /// Names this attempt: to be kept beside the credential, where the provider keeps a text, and given back by `list`.
    pub marker: &'a str,
    /// When the credential shall end.
    pub end: DateTime<Utc>,
}

/// What `read` answers.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Read {
    /// Absent or null: the store holds none.
    #[serde(default, deserialize_with = "optional_secret")]
    #[schemars(with = "Option<String>")]
    pub value: Option<Secret>,
    /// The store's own name of its present state; says nothing about the value.
    #[serde(default)]
    pub version: Option<String>,
}

/// What `write` answers.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Written {
    /// As `read` would give it now.
    #[serde(default)]
    pub version: Option<String>,
}

/// What `create` answers.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Created {
    pub id: String,
    #[serde(deserialize_with = "secret")]
    #[schemars(with = "String")]
    pub value: Secret,
    /// As the provider set it; absent or null: never, or not told.
    #[serde(default)]
    pub end: Option<DateTime<Utc>>,
}

/// What `list` answers: all of the app's credentials, whoever made them.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Listing {
    pub credentials: Vec<Listed>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct Listed {
    pub id: String,
    /// As `create` got it; of another's credential, any text the provider keeps with it.
    #[serde(default)]
    pub marker: Option<String>,
    #[serde(default)]
    pub start: Option<DateTime<Utc>>,
    /// Absent or null: never, or not told.
    #[serde(default)]
    pub end: Option<DateTime<Utc>>,
    /// False: still listed, no longer accepted.
    #[serde(default = "yes")]
    pub active: bool,
}

/// What `remove` answers.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Removed {
    /// False: there was none of that id.
    pub removed: bool,
}

/// What a hook may answer that ends with another exit code than 0 (75: nothing was done, later it may be; 77: nothing
/// was done; any other: nobody knows).
#[derive(Deserialize, JsonSchema)]
pub(super) struct Failed {
    /// Why, for people; without any secret in it.
    pub error: String,
}

const fn yes() -> bool {
    true
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

fn optional_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::deserialize(deserializer)?.map(Secret::new))
}

/// JSON Schema (draft 2020-12): any object between credwatch and a hook; `$defs` has what goes in and, by verb, what comes out.
#[must_use]
pub fn schema() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut input = settings.clone().for_serialize().into_generator();
    let mut output = settings.into_generator();
    let objects = [
        ("in", input.root_schema_for::<Input<'_>>()),
        ("out-read", output.root_schema_for::<Read>()),
        ("out-write", output.root_schema_for::<Written>()),
        ("out-create", output.root_schema_for::<Created>()),
        ("out-list", output.root_schema_for::<Listing>()),
        ("out-remove", output.root_schema_for::<Removed>()),
        ("out-failed", output.root_schema_for::<Failed>()),
    ];
    let any: Vec<Value> = objects.iter().map(|(name, _)| json!({ "$ref": format!("#/$defs/{name}") })).collect();
    let definitions: Map<String, Value> =
        objects.into_iter().map(|(name, schema)| (name.to_owned(), schema.to_value())).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:credwatch:{SCHEMA}"),
        "title": "credwatch hook",
        "description": "A hook gets one object `in` on stdin and prints one object `out-VERB` on stdout, or `out-failed` where it does not exit with 0.",
        "anyOf": any,
        "$defs": definitions,
    })
}
