//! Reads the members of an object out of text that is nearly JSON: raw line breaks inside strings, `\'`, a missing
//! brace, single quotes, a cut end. Gateways, consoles and log files leave answers like that behind; what such a text
//! says is evidence for a refusal, never for a token.

use std::{iter::Peekable, str::Chars};

use serde_json::{Map, Value};

/// Deep nesting says nothing more about a refusal.
const DEPTH: usize = 16;

/// The members found from the first `{`, or from the first quoted `error...` key where the brace is missing.
pub(super) fn members(text: &str) -> Map<String, Value> {
    let from = |start: usize| text.get(start..).map(|rest| Reader { rest: rest.chars().peekable() }.object(DEPTH));
    let braces = text.match_indices('{').map(|(at, _)| at + 1).take(8);
    let keys = ["\"error", "'error"].iter().filter_map(|key| text.find(key));
    braces.chain(keys).filter_map(from).find(|map| map.keys().any(|key| says_error(key))).unwrap_or_default()
}

fn says_error(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.starts_with("error") || key == "fault" || key == "message"
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    /// Members up to the closing brace, or as many as there are.
    fn object(&mut self, depth: usize) -> Map<String, Value> {
        let mut map = Map::new();
        while let Some(key) = self.key() {
            let Some(value) = self.value(depth) else { break };
            map.entry(key).or_insert(value);
        }
        map
    }

    /// The next key with its colon; anything else in between is skipped.
    fn key(&mut self) -> Option<String> {
        loop {
            match self.rest.next()? {
                quote @ ('"' | '\'') => {
                    let (key, complete) = self.string(quote);
                    self.space();
                    if complete && self.rest.next_if(|c| matches!(c, ':' | '=')).is_some() {
                        return Some(key);
                    }
                }
                '}' => return None,
                _ => {}
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.space();
        match *self.rest.peek()? {
            quote @ ('"' | '\'') => {
                self.rest.next();
                let (text, complete) = self.string(quote);
                // A word cut short is another word; a sentence cut short still says what it says.
                (complete || text.contains(' ')).then_some(Value::String(text))
            }
            '{' if depth > 0 => {
                self.rest.next();
                Some(Value::Object(self.object(depth - 1)))
            }
            '[' if depth > 0 => {
                self.rest.next();
                Some(Value::Array(self.array(depth - 1)))
            }
            _ => self.word(),
        }
    }

    fn array(&mut self, depth: usize) -> Vec<Value> {
        let mut items = Vec::new();
        loop {
            self.space();
            match self.rest.peek() {
                Some(',') => {
                    self.rest.next();
                }
                Some(']') => {
                    self.rest.next();
                    return items;
                }
                None | Some('}') => return items,
                Some(_) => match self.value(depth) {
                    Some(value) => items.push(value),
                    None => return items,
                },
            }
        }
    }

    /// A number, `true`, `null` or a bare word; `None` where the text ends in it.
    fn word(&mut self) -> Option<Value> {
        let mut word = String::new();
        while let Some(c) = self.rest.next_if(|c| !matches!(c, ',' | '}' | ']' | '\n')) {
            word.push(c);
        }
        self.rest.peek()?;
        let word = word.trim();
        Some(match (word, word.parse::<u64>()) {
            (_, Ok(number)) => number.into(),
            ("null" | "None" | "", _) => Value::Null,
            _ => word.into(),
        })
    }

    /// Up to the closing quote, and whether there was one.
    fn string(&mut self, quote: char) -> (String, bool) {
        let mut text = String::new();
        while let Some(c) = self.rest.next() {
            match c {
                c if c == quote => return (text, true),
                '\\' => match self.rest.next() {
                    Some('n' | 'r' | 't') => text.push(' '),
                    Some('u') => {
                        let hex: String = self.rest.by_ref().take(4).collect();
                        text.extend(u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32));
                    }
                    Some(escaped) => text.push(escaped),
                    None => {}
                },
                c if c.is_control() => text.push(' '),
                c => text.push(c),
            }
        }
        (text, false)
    }

    fn space(&mut self) {
        while self.rest.next_if(|c| c.is_whitespace()).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str, key: &str) -> Option<String> {
        members(text).get(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    #[test]
    fn what_is_nearly_json_is_still_read() {
        for text in [
            "{\"error\":\"invalid_client\",\"error_description\":\"one\ntwo\"}",
            r#"{"error":"invalid_client","error_description":"one\ntwo"#,
            r#"{'error': 'invalid_client', 'error_description': 'one two'}"#,
            r#""error":"invalid_client","error_description":"one two"}"#,
            r#"HTTP 401 {"error":"invalid_client" , "error_description" :"one\rtwo","x":{"y":[1,{"z":"#,
        ] {
            assert_eq!(found(text, "error").as_deref(), Some("invalid_client"), "{text}");
            assert_eq!(found(text, "error_description").as_deref(), Some("one two"), "{text}");
        }
        assert_eq!(
            found(r#"{"error_description":"it\'s \u0027quoted\u0027"}"#, "error_description").unwrap(),
            "it's 'quoted'"
        );
        assert_eq!(found(r#"{"error_codes": [ 7000222, "70002" ]"#, "error_codes").unwrap(), r#"[7000222,"70002"]"#);
    }

    #[test]
    fn a_word_cut_short_is_no_word() {
        assert_eq!(found(r#"{"error":"invalid_cli"#, "error"), None);
        assert_eq!(found(r#"{"error":"x","error_codes":[70002"#, "error_codes").unwrap(), "[]");
    }

    proptest! {
        #[test]
        fn no_text_upsets_it(text in r#"[\[\]{}"'\\:,a-z0-9 \n]{0,80}"#) {
            members(&text);
        }

        #[test]
        fn whole_json_reads_the_same(error in "[a-z_]{1,12}", said in "[ -~]{0,40}") {
            let map = members(&serde_json::json!({"error": error, "error_description": said}).to_string());
            prop_assert_eq!(map.get("error").and_then(Value::as_str), Some(error.as_str()));
            prop_assert_eq!(map.get("error_description").and_then(Value::as_str), Some(said.as_str()));
        }
    }
}
