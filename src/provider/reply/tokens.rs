//! The tokens of an answer that is no success: nobody needs them, and what is shown of the answer may repeat them.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::secret::Secret;

/// What an answer handed out.
#[derive(Default)]
pub struct Tokens<'b> {
    /// The access token of a success, where it stands in the body.
    pub granted: Option<Cow<'b, str>>,
    /// Those of any other answer: nothing that is shown may hold one.
    pub stray: Vec<Secret>,
}

/// A shorter word behind `access_token=` in prose is a word.
const SHORTEST: usize = 8;

/// The values of all members with a token's name, inner ones too.
pub(super) fn of_members(map: &Map<String, Value>, found: &mut Vec<Secret>) {
    for (name, value) in map {
        match value {
            Value::String(token) if is_token(name) => found.push(Secret::new(token.clone())),
            Value::String(text) => of_text(text, found),
            value => of_value(value, found),
        }
    }
}

fn of_value(value: &Value, found: &mut Vec<Secret>) {
    match value {
        Value::Object(map) => of_members(map, found),
        Value::Array(items) => items.iter().for_each(|item| of_value(item, found)),
        Value::String(text) => of_text(text, found),
        _ => {}
    }
}

/// `access_token`, `refresh_token`, `id_token`, `accessToken`; not `token_type`.
fn is_token(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("token")
}

/// What stands behind `..._token=` or `"..._token":` in a text of any format.
pub(super) fn of_text(text: &str, found: &mut Vec<Secret>) {
    for rest in text.split("_token").skip(1) {
        let value = rest.trim_start_matches(['"', '\'', '\\', ' ', ':', '=', '>']);
        let between = rest.strip_suffix(value).unwrap_or_default();
        let end = value.find(|c: char| !(c.is_ascii_alphanumeric() || "-._~+/=%".contains(c))).unwrap_or(value.len());
        let token = value.get(..end).filter(|token| token.len() >= SHORTEST && between.contains([':', '=', '>']));
        found.extend(token.map(|token| Secret::new(token.to_owned())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        of_text(text, &mut found);
        found.iter().map(|token| token.expose().to_owned()).collect()
    }

    #[test]
    fn a_token_is_found_in_text_of_any_format() {
        for text in [
            "access_token=canary-7Qm2.x&error=invalid_client",
            r#"{"access_token": "canary-7Qm2.x", oops"#,
            r#"{\"id_token\":\"canary-7Qm2.x\"}"#,
            "<refresh_token>canary-7Qm2.x</refresh_token>",
            "refresh_token : 'canary-7Qm2.x'",
        ] {
            assert_eq!(found(text), ["canary-7Qm2.x"], "{text}");
        }
        for text in ["the access_token expired yesterday", "token_type: bearerbearer", "refresh_token: none", "_token"]
        {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }
}
