//! A token request as it arrives: form fields and client authentication (RFC 6749 sections 2.3.1 and 4.4.2).

use std::collections::HashMap;

use axum::http::{
    HeaderMap,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use url::form_urlencoded;

#[derive(Default)]
pub(super) struct TokenRequest {
    fields: HashMap<String, String>,
    /// Client id and secret of the Authorization header.
    basic: Option<(String, String)>,
}

impl TokenRequest {
    /// A body that is no form has no fields: that is what servers make of posted JSON.
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let is_form = text(CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let fields = if is_form { form_urlencoded::parse(body).into_owned().collect() } else { HashMap::new() };
        Self { fields, basic: text(AUTHORIZATION).and_then(basic) }
    }

    /// A field that is there and not empty.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn client_id(&self) -> Option<&str> {
        self.basic.as_ref().map(|(id, _)| id.as_str()).or_else(|| self.field("client_id"))
    }

    pub(super) fn client_secret(&self) -> Option<&str> {
        self.basic.as_ref().map(|(_, secret)| secret.as_str()).or_else(|| self.field("client_secret"))
    }
}

fn basic(header: &str) -> Option<(String, String)> {
    let decoded = BASE64_STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((form_decoded(id), form_decoded(secret)))
}

/// Both halves are form-encoded before they are joined.
fn form_decoded(text: &str) -> String {
    form_urlencoded::parse(text.replace('&', "%26").replace('=', "%3D").as_bytes())
        .map(|(value, _)| value.into_owned())
        .collect()
}
