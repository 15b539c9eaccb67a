//! What a hook says when it fails, as far as it may be shown.

use super::envelope::Failed;
use crate::{
    program::Finished,
    secret::{Redactor, Secret},
    text,
};

/// Characters of a complaint that are shown.
const LENGTH: usize = 200;

/// A run of this many letters and digits is taken for a key, a token or a value.
const KEY: usize = 16;

/// The `error` of its answer, else the last line of its stderr, without `value` and whatever else looks like a secret.
///
/// A hook that makes or reads values may complain about one that nobody here knows yet, so its stderr is not shown.
pub(super) fn of(finished: &Finished, verb: &str, value: Option<&Secret>) -> Option<String> {
    let said = match serde_json::from_slice::<Failed>(&finished.stdout) {
        Ok(failed) => failed.error,
        Err(_) if matches!(verb, "create" | "read") => return None,
        Err(_) => {
            let stderr = String::from_utf8_lossy(&finished.stderr);
            stderr.lines().map(str::trim).rfind(|line| !line.is_empty())?.to_owned()
        }
    };
    let known = Redactor::new(value.map(Secret::expose)).clean(&said);
    Some(text::shortened(&masked(&known), LENGTH))
}

/// Keys of the hook's own are known to nobody but by their looks: long, of letters and digits.
fn masked(said: &str) -> String {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || "+/_~=-".contains(c);
    let mut shown = String::with_capacity(said.len());
    let mut rest = said;
    while !rest.is_empty() {
        let (run, behind) = rest.split_at(rest.find(|c| !is_inside(c)).unwrap_or(rest.len()));
        let looks_random = run.len() >= KEY && run.contains(|c: char| c.is_ascii_digit());
        shown.push_str(if looks_random { "[redacted]" } else { run });
        let (between, next) = behind.split_at(behind.find(is_inside).unwrap_or(behind.len()));
        shown.push_str(between);
        rest = next;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_key_is_masked_and_words_and_addresses_are_not() {
        for (said, shown) in [
            ("dial tcp 10.0.0.1:8443: connection refused", "dial tcp 10.0.0.1:8443: connection refused"),
            (
                "curl -H 'Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.x'",
                "curl -H 'Authorization: Bearer [redacted].e30.x'",
            ),
            ("permission denied: /etc/warehouse/secrets", "permission denied: /etc/warehouse/secrets"),
            ("token=0123456789abcdef", "[redacted]"),
            ("", ""),
        ] {
            assert_eq!(masked(said), shown);
        }
    }
}
