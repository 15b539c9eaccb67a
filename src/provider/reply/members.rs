//! The members of an answer under the many names servers give them.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value};

use super::tokens;
use crate::{provider::oauth_error, secret::Secret};

/// Members of the answer's object.
#[derive(Default)]
pub(super) struct Members<'b> {
    /// Without the access token.
    map: Map<String, Value>,
    /// Where it stands in the body: it is most of it, and each copy would have to be wiped. `None`: there is none, or it
    /// is no text.
    token: Option<Cow<'b, str>>,
    /// A name stood there twice; the first one is kept.
    pub(super) repeats: bool,
}

const TOKEN: &str = "access_token";

/// Where servers put what RFC 6749 calls `error`: besides OAuth itself Okta, Apigee, HubSpot, Twitter, Fitbit.
const ERROR: [&str; 9] =
    ["error", "errorCode", "ErrorCode", "error_code", "errorcode", "errorType", "code", "label", "status"];
/// Where they put the sentence.
const DESCRIPTION: [&str; 16] = [
    "error_description",
    "errorDescription",
    "errorSummary",
    "errorMessage",
    "error_message",
    "message",
    "Message",
    "msg",
    "reason",
    "Reason",
    "detail",
    "details",
    "description",
    "faultstring",
    "title",
    "Error",
];

impl<'b> Members<'b> {
    /// The access token, if it is a string that is not blank; it does not stay behind.
    pub(super) fn take_token(&mut self) -> Option<Cow<'b, str>> {
        self.token.take().filter(|token| !token.trim().is_empty())
    }

    /// The tokens that are left, and those that stand in a text.
    pub(super) fn tokens(&self, found: &mut Vec<Secret>) {
        tokens::of_members(&self.map, found);
    }

    /// A word of the protocol wherever one stands, else the first thing said in its place.
    pub(super) fn error(&self) -> Option<String> {
        let said = || self.levels().flat_map(|level| ERROR.iter().filter_map(|name| word(name, level.get(*name)?)));
        // UiPath's `{"error": {"message": "invalid_client"}}`: the word stands where a sentence would.
        let misplaced = || self.sentences().find(|text| oauth_error::is_protocol(text));
        said().find(|word| oauth_error::is_known(word)).or_else(misplaced).or_else(|| said().next())
    }

    /// The first sentence that is not the error itself.
    pub(super) fn description(&self, error: Option<&str>) -> Option<String> {
        self.sentences().find(|text| Some(text.as_str()) != error)
    }

    fn sentences(&self) -> impl Iterator<Item = String> {
        self.levels().flat_map(|level| DESCRIPTION.iter().filter_map(|name| text(level.get(*name)?)))
    }

    /// Entra's own list; numbers or, from v1, strings.
    pub(super) fn error_codes(&self) -> Vec<u64> {
        match self.map.get("error_codes") {
            Some(Value::Array(codes)) => codes.iter().filter_map(number).collect(),
            Some(code) => number(code).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Whether `error` says that there is one, in whatever form; some servers send an empty one with every answer.
    pub(super) fn has_error(&self) -> bool {
        match self.map.get("error") {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::String(text)) => !text.trim().is_empty(),
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            Some(Value::Array(list)) => !list.is_empty(),
            Some(Value::Object(inner)) => !inner.is_empty(),
            Some(Value::Bool(true)) => true,
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        text(self.map.get(name)?)
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        number(self.map.get(name)?)
    }

    /// Every text among the members, inner ones too.
    pub(super) fn texts(&self) -> Vec<String> {
        let mut texts = Vec::new();
        self.map.values().for_each(|value| collect(value, &mut texts));
        texts
    }

    /// The object itself, then the objects inside it that errors are kept in.
    fn levels(&self) -> impl Iterator<Item = &Map<String, Value>> {
        let inner = ["error", "fault", "errors", "detail"].into_iter().filter_map(|name| object(self.map.get(name)?));
        let innermost = inner.clone().filter_map(|level| object(level.get("detail")?));
        std::iter::once(&self.map).chain(inner).chain(innermost)
    }
}

fn object(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object().or_else(|| value.as_array()?.first()?.as_object())
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// `error` may be a number (MongoDB Atlas, Reddit); a number elsewhere only repeats the status.
fn word(name: &str, value: &Value) -> Option<String> {
    text(value).or_else(|| value.as_number().filter(|_| name == "error").map(ToString::to_string))
}

/// A whole number, also as a string or with a decimal point.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_u64().or_else(|| value.as_f64().filter(|number| *number >= 0.0).map(|number| number as u64)),
    }
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(map) => map.values().for_each(|item| collect(item, texts)),
        _ => {}
    }
}

impl From<Map<String, Value>> for Members<'_> {
    fn from(mut map: Map<String, Value>) -> Self {
        let token = match map.remove(TOKEN) {
            Some(Value::String(token)) => Some(Cow::Owned(token)),
            _ => None,
        };
        Self { map, token, repeats: false }
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Token<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Other(IgnoredAny),
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        let mut has_token = false;
        while let Some(name) = access.next_key::<String>()? {
            if name == TOKEN {
                let token = access.next_value::<Token<'_>>()?;
                match token {
                    _ if std::mem::replace(&mut has_token, true) => members.repeats = true,
                    Token::Text(token) => members.token = Some(token),
                    Token::Other(IgnoredAny) => {}
                }
                continue;
            }
            let value = access.next_value()?;
            match members.map.entry(name) {
                serde_json::map::Entry::Vacant(place) => {
                    place.insert(value);
                }
                serde_json::map::Entry::Occupied(_) => members.repeats = true,
            }
        }
        Ok(members)
    }
}
