//! Endpoint addresses put together from what the inventory says.

use url::Url;

use super::{FieldFault, FieldFaultKind};
use crate::inventory::TokenEndpoint;

/// `base` with path segments below its own path, whether that ends in a slash or not; query and fragment go.
///
/// # Errors
/// `base` has no path to go below (`mailto:` and the like).
pub(super) fn under(field: &'static str, base: &Url, segments: &[&str]) -> Result<Url, FieldFault> {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    match url.path_segments_mut() {
        Ok(mut path) => path.pop_if_empty().extend(segments),
        Err(()) => return Err(invalid(field, "write an absolute address such as https://id.example.org")),
    };
    Ok(url)
}

/// `https://HOST[:PORT]`, refusing anything that is more than a host.
///
/// # Errors
/// The field, when it is not a host alone.
pub(super) fn https(field: &'static str, host: &str, example: &str) -> Result<Url, FieldFault> {
    let bare =
        |url: &Url| url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    Url::parse(&format!("https://{host}"))
        .ok()
        .filter(|url| bare(url) && url.has_host() && !host.contains(['/', '\\', '@']) && !host.trim().is_empty())
        .ok_or_else(|| invalid(field, format!("write the host alone, without https:// and path, such as {example}")))
}

/// The override, else the derived address.
pub(super) fn token(
    over: Option<&Url>,
    derive: impl FnOnce() -> Result<Url, FieldFault>,
) -> Result<TokenEndpoint, FieldFault> {
    over.cloned().map_or_else(derive, Ok).map(TokenEndpoint::Known)
}

pub(super) fn missing(field: &'static str, advice: impl Into<String>) -> FieldFault {
    FieldFault { field, kind: FieldFaultKind::Missing, advice: advice.into() }
}

pub(super) fn invalid(field: &'static str, advice: impl Into<String>) -> FieldFault {
    FieldFault { field, kind: FieldFaultKind::Invalid, advice: advice.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_kept_and_a_trailing_slash_makes_no_difference() {
        for base in
            ["https://sso.example.org/auth", "https://sso.example.org/auth/", "https://sso.example.org/auth?x#y"]
        {
            let url = under("base_url", &base.parse().unwrap(), &["realms", "a b"]).unwrap();
            assert_eq!(url.as_str(), "https://sso.example.org/auth/realms/a%20b");
        }
    }

    #[test]
    fn a_host_is_a_host_and_nothing_more() {
        assert_eq!(https("domain", "a.example.org:8443", "x").unwrap().as_str(), "https://a.example.org:8443/");
        for wrong in
            ["", " ", "https://a.example.org", "a.example.org/", "a.example.org/x", "u@a.example.org", "a?b", "a b"]
        {
            assert_eq!(https("domain", wrong, "x").unwrap_err().kind, FieldFaultKind::Invalid, "{wrong}");
        }
    }
}
