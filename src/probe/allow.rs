//! The settings' list of hosts that may receive a secret.

use url::Url;

use crate::settings::HostPattern;

/// Whether the list holds the URL's host: without its port, in any case; `*.` stands for one or more labels.
#[must_use]
pub fn allows(list: &[HostPattern], url: &Url) -> bool {
    let host = bare(url.host_str().unwrap_or_default());
    list.iter().any(|HostPattern(pattern)| match pattern.strip_prefix("*.") {
        Some(domain) => {
            let labels = host.strip_suffix(&bare(domain)).and_then(|labels| labels.strip_suffix('.'));
            labels.is_some_and(|labels| !labels.is_empty())
        }
        None => host == bare(pattern),
    })
}

/// Lower case, without the root's dot and an IPv6 address's brackets.
fn bare(host: &str) -> String {
    host.trim_end_matches('.').trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_its_host_alone_and_a_star_what_lies_below() {
        for (pattern, url, is_allowed) in [
            ("id.example.org", "https://id.example.org/token", true),
            ("id.example.org", "https://ID.example.org.:8443/token", true),
            ("ID.Example.Org", "https://id.example.org/token", true),
            ("id.example.org", "https://evil-id.example.org/token", false),
            ("id.example.org", "https://id.example.org.evil.net/token", false),
            ("*.okta.com", "https://dev-1.okta.com/token", true),
            ("*.okta.com", "https://a.b.okta.com/token", true),
            ("*.okta.com", "https://okta.com/token", false),
            ("*.okta.com", "https://evilokta.com/token", false),
            ("127.0.0.1", "http://127.0.0.1:9400/token", true),
            ("::1", "http://[::1]:9400/token", true),
            ("[::1]", "http://[::1]:9400/token", true),
        ] {
            assert_eq!(
                allows(&[HostPattern(pattern.to_owned())], &url.parse().unwrap()),
                is_allowed,
                "{pattern} {url}"
            );
        }
        assert!(!allows(&[], &"https://id.example.org".parse().unwrap()));
    }
}
