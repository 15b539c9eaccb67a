//! A token endpoint's answer, taken apart without a judgement.

use serde_json::Value;

use super::Meaning;
use crate::secret::Secret;

/// Status and members of an answer. Texts are the server's: show none of them without [`crate::text::printable`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    pub status: u16,
    /// RFC 6749 section 5.2, or what the server sends in its place as text.
    pub error: Option<String>,
    pub description: Option<String>,
    /// Entra's `error_codes`, or the numbers of `AADSTSnnn` in the description, in the order they stand.
    pub error_codes: Vec<u64>,
    pub suberror: Option<String>,
    pub trace_id: Option<String>,
    pub correlation_id: Option<String>,
    /// A non-empty string `access_token` was there.
    pub has_token: bool,
    /// `expires_in`, seconds.
    pub token_lifetime: Option<u64>,
    /// The body was a JSON object.
    pub is_json: bool,
    /// The whole body as text, for providers whose answers are not JSON; empty when a token was in it.
    pub text: String,
}

impl Reply {
    /// Takes an answer apart; the token, if there is one, is handed out apart from it.
    #[must_use]
    pub fn parse(status: u16, body: &[u8]) -> (Self, Option<Secret>) {
        let members: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let token = text("access_token").filter(|_| status == 200).map(|token| Secret::new(token.to_owned()));
        let reply = Self {
            status,
            error: text("error").map(str::to_owned),
            description: text("error_description").map(str::to_owned),
            error_codes: members
                .get("error_codes")
                .and_then(Value::as_array)
                .map(|codes| codes.iter().filter_map(Value::as_u64).collect())
                .unwrap_or_default(),
            suberror: text("suberror").map(str::to_owned),
            trace_id: text("trace_id").map(str::to_owned),
            correlation_id: text("correlation_id").map(str::to_owned),
            has_token: token.is_some(),
            token_lifetime: members.get("expires_in").and_then(Value::as_u64),
            is_json: members.is_object(),
            text: if token.is_some() { String::new() } else { String::from_utf8_lossy(body).into_owned() },
        };
        (reply, token)
    }

    /// What status and RFC 6749 section 5.2 say, for a provider without sentences of its own.
    pub(super) fn plain_meaning(&self) -> Meaning {
        match (self.status, self.error.as_deref()) {
            _ if self.has_token => Meaning::Token,
            (429, _) => Meaning::Throttled,
            (500.., _) => Meaning::ServerFault,
            (_, Some("invalid_client")) => Meaning::SecretRefused,
            (_, Some(_)) => Meaning::RequestRefused,
            (_, None) => Meaning::NotATokenAnswer,
        }
    }
}
