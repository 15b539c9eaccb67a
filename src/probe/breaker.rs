//! A host where asking again has helped nobody is asked again no more: a server that is down needs no storm. Only what was
//! tried to its end counts: dozens are under way at once, and one short gap fails them all.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::{Outcome, retry};
use crate::provider::Meaning;

/// Credentials in a row that were given up.
const LIMIT: u32 = 5;

/// Knows the hosts that get no second request for now.
#[derive(Default)]
pub(super) struct Breaker(Mutex<HashMap<String, u32>>);

impl Breaker {
    /// Notes what a token request came to, and whether it `was_last` for its credential. Any real answer closes the
    /// breaker again; a server that is only busy (429) is neither well nor down.
    pub(super) fn saw(&self, host: &str, outcome: &Outcome, was_last: bool) {
        let has_failed = retry::can_change(outcome);
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Outcome::Answered(answer) if answer.meaning == Meaning::Throttled => {}
            _ if has_failed && was_last => *hosts.entry(host.to_owned()).or_default() += 1,
            Outcome::Answered(_) | Outcome::BadAnswer(_) if !has_failed => _ = hosts.remove(host),
            _ => {}
        }
    }

    pub(super) fn is_open(&self, host: &str) -> bool {
        let hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.get(host).is_some_and(|given_up| *given_up >= LIMIT)
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

    fn opened(outcomes: &[Outcome], was_last: bool) -> bool {
        let breaker = Breaker::default();
        outcomes.iter().for_each(|outcome| breaker.saw("a", outcome, was_last));
        assert!(!breaker.is_open("b"));
        breaker.is_open("a")
    }

    #[test]
    fn n6_five_in_a_row_that_were_given_up_open_it() {
        let down = || answered(Meaning::ServerFault);
        let html = || Outcome::BadAnswer(BadAnswer::NotJson { status: 503, what: String::new() });
        let late = || Outcome::Unreachable(Unreachable::Timeout(String::new()));
        assert!(!opened(&[down(), down(), html(), late()], true));
        assert!(opened(&[down(), down(), html(), late(), late()], true));
        assert!(!opened(&[down(), down(), html(), late(), late()], false), "they are asked again");
    }

    #[test]
    fn an_answer_closes_it_and_what_says_nothing_does_not() {
        let down = || answered(Meaning::ServerFault);
        for (between, opens) in [
            (answered(Meaning::Token), false),
            (answered(Meaning::SecretRefused), false),
            (Outcome::BadAnswer(BadAnswer::Redirect { status: 307 }), false),
            (answered(Meaning::Throttled), true),
            (Outcome::NotTested(NotTested::Interrupted), true),
            (Outcome::SecretId, true),
        ] {
            let outcomes = [down(), down(), down(), between.clone(), down(), down()];
            assert_eq!(opened(&outcomes, true), opens, "{between:?}");
        }
    }
}
