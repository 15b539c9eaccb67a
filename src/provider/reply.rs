//! A token endpoint's answer, taken apart without a judgement.

mod members;
mod tokens;

use serde_json::{Map, Value};

use self::members::Members;
use super::{lenient, oauth_error};

use crate::secret::Secret;

pub use tokens::Tokens;

/// Status and members of an answer. Texts are the server's: show none of them without [`crate::text::printable`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    pub status: u16,
    /// RFC 6749 section 5.2, or what the server sends in its place as text.
    pub error: Option<String>,
    pub description: Option<String>,
    /// Entra's `error_codes`, then the numbers of `AADSTSnnn` in the texts that are not among them.
    pub error_codes: Vec<u64>,
    pub suberror: Option<String>,
    pub trace_id: Option<String>,
    pub correlation_id: Option<String>,
    /// A non-empty string `access_token` was there, in a success of strict JSON.
    pub has_token: bool,
    /// `expires_in`, seconds.
    pub token_lifetime: Option<u64>,
    /// The body was a JSON object.
    pub is_json: bool,
    /// The whole body as text, for providers whose answers are not JSON; empty when a token may be in it.
    pub text: String,
    /// Every text among the members, lower case: what providers' known sentences are looked up in.
    pub texts: Vec<String>,
}

impl Reply {
    /// Takes an answer apart; the tokens in it, if there are any, are handed out apart from it. Survives anything.
    #[must_use]
    pub fn parse(status: u16, body: &[u8]) -> (Self, Tokens<'_>) {
        let success = (200..300).contains(&status);
        let mut reply = Self { status, ..Self::default() };
        let strict = serde_json::from_slice::<Members<'_>>(body).ok();
        reply.is_json = strict.is_some();
        let mut members = strict.unwrap_or_else(|| Members::guessed(&String::from_utf8_lossy(body)));
        // A name said twice means one thing to one reader and another to the next: no proof of a token.
        let token = members.take_token();
        let proof = success && reply.is_json && !members.repeats && !members.has_error();
        if proof && token.is_some() {
            // Nothing else in it can say more; Apigee even has a `"status": "approved"` that would read as an error.
            reply.has_token = true;
            reply.token_lifetime = members.number("expires_in");
            return (reply, Tokens { granted: token, stray: Vec::new() });
        }
        let text = String::from_utf8_lossy(body);
        let mut stray: Vec<Secret> = token.iter().map(|token| Secret::copied(token)).collect();
        members.tokens(&mut stray);
        tokens::of_text(&text, &mut stray);
        reply.fill(&members);
        if !reply.is_json && reply.error.is_none() {
            reply.fill_from_text(&text);
        }
        if !(success && text.contains("_token")) {
            reply.text = text.into_owned();
        }
        (reply, Tokens { granted: None, stray })
    }

    /// Whether any text of the answer holds this one, given in lower case.
    #[must_use]
    pub(super) fn says(&self, sentence: &str) -> bool {
        self.texts.iter().any(|text| text.contains(sentence))
    }

    /// Whether the answer says anything at all in the way a token endpoint would.
    #[must_use]
    pub(super) fn speaks(&self) -> bool {
        self.is_json || self.error.is_some() || !self.error_codes.is_empty()
    }

    fn fill(&mut self, members: &Members<'_>) {
        self.error = members.error();
        self.description = members.description(self.error.as_deref());
        self.suberror = members.text("suberror");
        self.trace_id = members.text("trace_id");
        self.correlation_id = members.text("correlation_id");
        self.token_lifetime = members.number("expires_in");
        self.error_codes = members.error_codes();
        let texts = members.texts();
        texts.iter().for_each(|text| self.add_codes(text));
        self.texts = texts.into_iter().map(|text| text.to_lowercase()).collect();
    }

    /// Logs, exceptions and sign-in pages: the numbers anywhere, and a word of the protocol unless it is a web page.
    fn fill_from_text(&mut self, text: &str) {
        self.add_codes(text);
        if is_page(text) {
            return;
        }
        self.error = oauth_error::first_in(text).map(str::to_owned);
        if self.description.is_none() {
            let text = Some(text.trim()).filter(|text| !text.is_empty());
            self.description = text.map(|text| text.chars().take(1000).collect());
        }
        self.texts.push(text.to_lowercase());
    }

    /// `AADSTS7000215`, and `: 50033 - [2021-...` as msal.js writes it. Whole numbers: 90002 is no part of 900023.
    fn add_codes(&mut self, text: &str) {
        let number = |rest: &str| {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, after) = rest.split_at_checked(digits)?;
            Some((number.parse::<u64>().ok()?, after.to_owned()))
        };
        let upper = text.to_ascii_uppercase();
        let named = upper.split("AADSTS").skip(1).filter_map(|rest| number(rest.trim_start_matches([' ', ':'])));
        let listed = upper.split(": ").skip(1).filter_map(number).filter(|(_, after)| after.starts_with(" - ["));
        for (code, _) in named.chain(listed) {
            if !self.error_codes.contains(&code) {
                self.error_codes.push(code);
            }
        }
    }
}

/// A web page: what stands in it was written for people, and its scripts hold objects of their own.
fn is_page(text: &str) -> bool {
    let start: String = text.chars().take(2000).collect();
    ["<html", "<!doctype", "<head", "<body", "<script"].iter().any(|tag| start.to_ascii_lowercase().contains(tag))
}

impl Members<'_> {
    fn guessed(text: &str) -> Self {
        if is_page(text) {
            return Self::default();
        }
        let plain = text.trim_start_matches('\u{feff}');
        if let Ok(Value::String(inner)) = serde_json::from_str(plain) {
            return Self::from(lenient::members(&inner));
        }
        // GitHub answers so unless it is asked for JSON.
        if plain.contains('=') && !plain.contains(|c: char| c.is_whitespace() || matches!(c, '{' | '"')) {
            let pairs = url::form_urlencoded::parse(plain.as_bytes());
            return Self::from(
                pairs.map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect::<Map<_, _>>(),
            );
        }
        let found = lenient::members(plain);
        // An answer pasted as a string literal carries every quote escaped.
        let found = if found.is_empty() { lenient::members(&plain.replace("\\\"", "\"")) } else { found };
        Self::from(found)
    }
}

#[cfg(test)]
mod tests;
