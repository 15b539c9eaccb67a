//! A host that fails one credential after the other is asked about each of them once and no more: what three tries at it
//! would tell, the first ones have told, and a server that is down needs no storm.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::{Outcome, retry};
use crate::provider::Meaning;

/// Failures in a row.
const LIMIT: u32 = 5;

/// Knows the hosts that get no second request in this run.
#[derive(Default)]
pub(super) struct Breaker(Mutex<HashMap<String, u32>>);

impl Breaker {
    /// Counts what became of a token request. What says nothing about the server, or that it is well and busy, counts
    /// neither way; a breaker that is open stays so.
    pub(super) fn saw(&self, host: &str, outcome: &Outcome) {
        let is_throttled = matches!(outcome, Outcome::Answered(answer) if answer.meaning == Meaning::Throttled);
        let has_failed = retry::can_change(outcome);
        if is_throttled || !(has_failed || matches!(outcome, Outcome::Answered(_) | Outcome::BadAnswer(_))) {
            return;
        }
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = hosts.entry(host.to_owned()).or_default();
        if has_failed {
            *failures = failures.saturating_add(1);
        } else if *failures < LIMIT {
            *failures = 0;
        }
    }

    pub(super) fn is_open(&self, host: &str) -> bool {
        let hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.get(host).is_some_and(|failures| *failures >= LIMIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Answer, BadAnswer, NotTested, Unreachable};

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

    fn opened(outcomes: &[Outcome]) -> bool {
        let breaker = Breaker::default();
        outcomes.iter().for_each(|outcome| breaker.saw("a", outcome));
        assert!(!breaker.is_open("b"));
        breaker.is_open("a")
    }

    #[test]
    fn n6_five_failures_in_a_row_open_it_and_nothing_closes_it() {
        let down = || answered(Meaning::ServerFault);
        let html = || Outcome::BadAnswer(BadAnswer::NotJson { status: 503, what: String::new() });
        let late = || Outcome::Unreachable(Unreachable::Timeout(String::new()));
        assert!(!opened(&[down(), down(), html(), late()]));
        assert!(opened(&[down(), down(), html(), late(), late()]));
        assert!(opened(&[down(), down(), down(), down(), down(), answered(Meaning::Token)]));
    }

    #[test]
    fn an_answer_in_between_starts_again_and_what_says_nothing_does_not() {
        let down = || answered(Meaning::ServerFault);
        for (between, opens) in [
            (answered(Meaning::Token), false),
            (answered(Meaning::SecretRefused), false),
            (Outcome::BadAnswer(BadAnswer::Redirect { status: 307 }), false),
            (answered(Meaning::Throttled), true),
            (Outcome::NotTested(NotTested::Interrupted), true),
            (Outcome::SecretId, true),
        ] {
            assert_eq!(opened(&[down(), down(), down(), between.clone(), down(), down()]), opens, "{between:?}");
        }
    }
}
