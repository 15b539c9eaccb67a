//! A token endpoint's answer, taken apart without a judgement.

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
