//! From an answer to an outcome: what of it is kept, and that nothing of the secret is.

use std::{borrow::Cow, cell::LazyCell};

use crate::{
    inventory::App,
    provider::{Meaning, Reply, Sent},
    secret::{Redactor, Secret},
    text,
};

use super::{Answer, BadAnswer, Outcome, transport::Response};

/// Longest `error` that can be a code.
const CODE_LIMIT: usize = 80;
const DESCRIPTION_LIMIT: usize = 300;
/// Of a description, before anything is searched in it, bytes.
const READ_LIMIT: usize = 4096;

pub(super) struct Reading<'r> {
    pub(super) outcome: Outcome,
    /// The server's own name for the request.
    pub(super) correlation_id: Option<String>,
    /// Where it stands in the answer.
    pub(super) token: Option<Cow<'r, str>>,
}

/// Reads an answer the way the app's provider means it. `redactor` knows what was sent.
pub(super) fn read<'r>(
    app: &App,
    response: &'r Response,
    retry_after: Option<u64>,
    redactor: impl FnOnce() -> Redactor,
) -> Reading<'r> {
    let (reply, tokens) = Reply::parse(response.status, &response.body);
    let meaning = app.registration.provider.read(&reply, Sent::by(app.auth_method));
    let is_disguised = meaning == Meaning::Token && !may_be_json(response.content_type.as_deref());
    if meaning == Meaning::NotATokenAnswer || is_disguised {
        let what =
            if is_disguised { "a token under a content type that is not JSON's" } else { described(&response.body) };
        let what = what.to_owned();
        let outcome = Outcome::BadAnswer(BadAnswer::NotJson { status: reply.status, what });
        return Reading { outcome, correlation_id: None, token: None };
    }
    let mut answer = Answer {
        meaning,
        status: reply.status,
        error: None,
        error_codes: reply.error_codes,
        description: None,
        trace_id: None,
        token_lifetime: reply.token_lifetime,
        retry_after,
    };
    // Knowing every form of a secret costs more than the request; most answers hold no text to search.
    let redactor = LazyCell::new(|| redactor().and(tokens.stray.iter().map(Secret::expose)));
    let clean = |text: &str| redactor.clean(head(text));
    if meaning != Meaning::Token {
        answer.error = reply.error.as_deref().map(|error| code(&clean(error)));
        answer.description = reply.description.as_deref().map(|text| text::shortened(&clean(text), DESCRIPTION_LIMIT));
    }
    let identifier = |text: Option<&String>| text.filter(|text| is_identifier(text) && clean(text) == **text).cloned();
    answer.trace_id = identifier(reply.trace_id.as_ref());
    let correlation_id = identifier(reply.correlation_id.as_ref());
    Reading { outcome: Outcome::Answered(answer), correlation_id, token: tokens.granted }
}

/// Whether an answer of this type may be what RFC 6749 section 5.1 wants as `application/json`. Portals and proxies answer
/// 200 with pages of their own. But servers in the field name no type, or `text/plain`: the token in it decides then.
fn may_be_json(content_type: Option<&str>) -> bool {
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.split_once('/') {
        _ if essence.contains("json") || essence.contains("javascript") => true,
        Some(("application", kind)) => !kind.contains("html") && !kind.contains("xml"),
        Some(("text", kind)) => kind == "plain",
        Some(_) => false,
        None => true,
    }
}

/// An error code as it is, anything else as a short line.
fn code(error: &str) -> String {
    let is_code = error.len() <= CODE_LIMIT
        && error.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-'));
    if is_code { error.to_owned() } else { text::shortened(error, CODE_LIMIT) }
}

/// A GUID or another number in hexadecimal: an id cannot smuggle a text into a report.
fn is_identifier(text: &str) -> bool {
    (8..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

fn head(text: &str) -> &str {
    let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= READ_LIMIT).last();
    if text.len() <= READ_LIMIT { text } else { text.get(..end.unwrap_or_default()).unwrap_or_default() }
}

/// What came in a token answer's place; never a word of it.
fn described(body: &[u8]) -> &'static str {
    let text = String::from_utf8_lossy(body);
    let is_marked = text.starts_with('\u{feff}');
    let text = text.trim_start_matches('\u{feff}').trim();
    match text.chars().next() {
        None => "an empty body",
        Some('<') => "a web page or XML",
        // RFC 8259 section 8.1: no JSON begins with one.
        Some('{') if is_marked => "JSON behind a byte order mark",
        Some('{') if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => "JSON without a token or an error",
        Some('{') => "broken or truncated JSON",
        Some(_) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => "JSON that is no object",
        Some(_) => "text that is no JSON",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_a_code_is_kept_as_one() {
        assert_eq!(code("invalid_client"), "invalid_client");
        assert_eq!(code("urn:x.y-z:9"), "urn:x.y-z:9");
        assert_eq!(code("bad\u{1b}[31m \u{202e}thing"), "bad\u{fffd}[31m \u{fffd}thing");
        assert_eq!(code(&"x".repeat(200)).chars().count(), 81);
    }

    #[test]
    fn n10_a_token_answer_may_lack_a_type_but_not_have_a_foreign_one() {
        for (content_type, may) in [
            (None, true),
            (Some(""), true),
            (Some("application/json; charset=utf-8"), true),
            (Some("Application/JSON"), true),
            (Some("application/vnd.example.token+json"), true),
            (Some("application/octet-stream"), true),
            (Some("text/plain;charset=UTF-8"), true),
            (Some("text/json"), true),
            (Some("text/javascript"), true),
            (Some("json"), true),
            (Some("text/html; charset=utf-8"), false),
            (Some(" TEXT/HTML"), false),
            (Some("text/xml"), false),
            (Some("text/css"), false),
            (Some("application/xhtml+xml"), false),
            (Some("application/xml"), false),
            (Some("image/png"), false),
            (Some("multipart/mixed; boundary=x"), false),
        ] {
            assert_eq!(may_be_json(content_type), may, "{content_type:?}");
        }
    }

    #[test]
    fn an_identifier_holds_no_text() {
        assert!(is_identifier("2b1a9a5e-6d1f-4f0e-9a5c-1f3d2c4b5a69"));
        for text in ["", "=cmd()", "canary-7Qm2", "0123", &"a".repeat(65)] {
            assert!(!is_identifier(text), "{text}");
        }
    }

    #[test]
    fn what_came_instead_of_an_answer_is_named_and_not_quoted() {
        for (body, what) in [
            ("", "an empty body"),
            (" \n", "an empty body"),
            ("\u{feff}<!doctype html><p>canary", "a web page or XML"),
            ("{\"a\": 1}", "JSON without a token or an error"),
            ("{\"access_token\": \"can", "broken or truncated JSON"),
            ("[1]", "JSON that is no object"),
            ("Too Many Requests", "text that is no JSON"),
        ] {
            assert_eq!(described(body.as_bytes()), what, "{body}");
        }
        assert_eq!(head(&"ä".repeat(READ_LIMIT)).len(), READ_LIMIT);
    }
}
