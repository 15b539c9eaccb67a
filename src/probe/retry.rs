//! Whether to ask again, and when. Pure: the clock and the dice are handed in.

use std::{ops::ControlFlow, time::Duration};

use chrono::{DateTime, NaiveDateTime, Utc};

use super::{BadAnswer, Outcome, Unreachable};
use crate::provider::Meaning;

/// Token requests for one credential, the first included.
pub(super) const ATTEMPTS: u32 = 3;

const FIRST_PAUSE: Duration = Duration::from_millis(400);

/// After the `attempt`th try: break when its outcome stands, else how long to wait.
///
/// `left` is what remains of the credential's time; `dice` is even over 0..1. Only what can change by itself is asked
/// again: throttling, the server's own faults, the network. A refusal never is.
pub(super) fn decide(
    outcome: &Outcome,
    retry_after: Option<u64>,
    attempt: u32,
    left: Duration,
    dice: impl FnOnce() -> f64,
) -> ControlFlow<(), Duration> {
    if attempt >= ATTEMPTS || !can_change(outcome) {
        return ControlFlow::Break(());
    }
    let told = Duration::from_secs(retry_after.unwrap_or_default());
    // Never earlier than told, and never at once: a server that says "0" to everybody still gets its pause.
    let pause = told.saturating_add(backoff(attempt, dice()));
    if pause < left { ControlFlow::Continue(pause) } else { ControlFlow::Break(()) }
}

/// Whether asking again may bring another answer.
pub(super) fn can_change(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Answered(answer) => matches!(answer.meaning, Meaning::Throttled | Meaning::ServerFault),
        Outcome::BadAnswer(BadAnswer::NotJson { status, .. }) => *status >= 500,
        Outcome::BadAnswer(BadAnswer::Truncated { .. }) => true,
        Outcome::Unreachable(reason) => matches!(
            reason,
            Unreachable::Dns(_) | Unreachable::Connect(_) | Unreachable::Timeout(_) | Unreachable::Broken(_)
        ),
        _ => false,
    }
}

/// Doubles with each attempt; half of it is by chance, so that those who failed together do not come back together.
fn backoff(attempt: u32, dice: f64) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << attempt.saturating_sub(1).min(10)).mul_f64(0.5 + dice.clamp(0.0, 1.0) / 2.0)
}

/// `Retry-After` in seconds from `now` (RFC 9110 section 10.2.3): a number, or a date in any of the three forms that
/// section 5.6.7 has every recipient read. A past date is 0; a negative or garbled value says nothing.
#[must_use]
pub fn retry_after(value: &str, now: DateTime<Utc>) -> Option<u64> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(value.parse().unwrap_or(u64::MAX));
    }
    let imf = DateTime::parse_from_rfc2822(value).map(|at| at.to_utc()).ok();
    let old = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let old = || old.iter().find_map(|form| NaiveDateTime::parse_from_str(value, form).ok()).map(|at| at.and_utc());
    let at = imf.or_else(old)?;
    Some(u64::try_from((at - now).num_seconds()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{super::Answer, *};
    use proptest::prelude::*;

    const LONG: Duration = Duration::from_secs(30);

    fn answered(meaning: Meaning) -> Outcome {
        Outcome::Answered(Answer {
            meaning,
            status: 400,
            error: None,
            error_codes: vec![],
            description: None,
            trace_id: None,
            token_lifetime: None,
            retry_after: None,
        })
    }

    #[test]
    fn only_what_can_change_by_itself_is_asked_again() {
        let network = |kind: fn(String) -> Unreachable| Outcome::Unreachable(kind(String::new()));
        let not_json = |status| Outcome::BadAnswer(BadAnswer::NotJson { status, what: String::new() });
        for (outcome, again) in [
            (answered(Meaning::Throttled), true),
            (answered(Meaning::ServerFault), true),
            (answered(Meaning::Token), false),
            (answered(Meaning::SecretRefused), false),
            (answered(Meaning::SecretExpired), false),
            (answered(Meaning::ClientUnknown), false),
            (answered(Meaning::RequestRefused), false),
            (answered(Meaning::Unknown), false),
            (network(Unreachable::Dns), true),
            (network(Unreachable::Connect), true),
            (network(Unreachable::Timeout), true),
            (network(Unreachable::Broken), true),
            (network(Unreachable::Tls), false),
            (network(Unreachable::ForbiddenAddress), false),
            (network(Unreachable::Discovery), false),
            (not_json(502), true),
            (not_json(200), false),
            (Outcome::BadAnswer(BadAnswer::Truncated { status: 200 }), true),
            (Outcome::BadAnswer(BadAnswer::Redirect { status: 307 }), false),
            (Outcome::BadAnswer(BadAnswer::TooLarge { status: 500 }), false),
            (Outcome::SecretId, false),
        ] {
            assert_eq!(decide(&outcome, None, 1, LONG, || 0.5).is_continue(), again, "{outcome:?}");
            assert!(decide(&outcome, None, ATTEMPTS, LONG, || 0.5).is_break(), "{outcome:?}");
        }
    }

    #[test]
    fn a_server_that_names_its_time_is_not_asked_earlier() {
        let throttled = answered(Meaning::Throttled);
        for (told, pause) in [(None, 300), (Some(0), 300), (Some(5), 5300), (Some(29), 29_300)] {
            let decided = decide(&throttled, told, 1, LONG, || 0.5);
            assert_eq!(decided, ControlFlow::Continue(Duration::from_millis(pause)), "{told:?}");
        }
        for told in [30, 60, 86_400, u64::MAX] {
            assert!(decide(&throttled, Some(told), 1, LONG, || 0.5).is_break(), "{told}");
        }
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let now = "2026-11-21T03:00:00Z".parse().unwrap();
        for (value, seconds) in [
            ("0", Some(0)),
            (" 60 ", Some(60)),
            ("86400", Some(86_400)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sat, 21 Nov 2026 03:00:07 GMT", Some(7)),
            ("Saturday, 21-Nov-26 03:01:00 GMT", Some(60)),
            ("Sat Nov 21 04:00:00 2026", Some(3600)),
            ("Fri, 20 Nov 2026 03:00:00 GMT", Some(0)),
            ("-5", None),
            ("1.5", None),
            ("+5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, now), seconds, "{value}");
        }
    }

    proptest! {
        #[test]
        fn nothing_a_server_writes_makes_it_panic(value in ".{0,40}", seconds in -9_000_000_000_000_i64..9_000_000_000_000) {
            let _ = retry_after(&value, DateTime::UNIX_EPOCH);
            let _ = retry_after(&format!("{seconds}"), DateTime::<Utc>::MAX_UTC);
        }

        #[test]
        fn a_pause_ends_within_the_time_that_is_left(told in any::<Option<u64>>(), attempt in 0_u32..5, left in 0_u64..60_000, dice in any::<f64>()) {
            if let ControlFlow::Continue(pause) = decide(&answered(Meaning::Throttled), told, attempt, Duration::from_millis(left), || dice) {
                prop_assert!(pause >= Duration::from_millis(200) && pause < Duration::from_millis(left));
            }
        }
    }
}
