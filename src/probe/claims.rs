//! What a token says of itself, for the person who asks with `--show-claims`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::secret::Secret;

/// The claims of a JWT (RFC 7519 section 3), unverified and without its signature; `None`: the token is opaque.
#[must_use]
pub fn claims(token: &Secret) -> Option<Map<String, Value>> {
    let mut parts = token.expose().split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jwt_shows_its_claims_and_any_other_token_nothing() {
        let read = |token: &str| claims(&Secret::new(token.to_owned()));
        let jwt = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(br#"{"aud":"x","roles":["a"]}"#));
        assert_eq!(serde_json::to_string(&read(&jwt)).unwrap(), r#"{"aud":"x","roles":["a"]}"#);
        for opaque in ["", "opaque-canary", "a.b.c", "a.b", "e30.e30.e30.e30.e30", "e30.WzFd.x"] {
            assert_eq!(read(opaque), None, "{opaque}");
        }
    }
}
