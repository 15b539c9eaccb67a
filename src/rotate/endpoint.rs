//! The token endpoint of a real app, asked through the probe.

use std::sync::Arc;

use async_trait::async_trait;

use super::{TokenEndpoint, Trial, TrialOutcome};
use crate::{
    inventory::Subject,
    probe::{self, Answer, BadAnswer, NotTested, Observation, Outcome, Prober},
    provider::Meaning,
    secret::{Resolver, Secret},
};

/// Asks for tokens as the audit does.
pub struct ProbedEndpoint<'a> {
    pub subject: Subject<'a>,
    pub options: probe::Options,
    pub secrets: Arc<Resolver>,
}

#[async_trait]
impl TokenEndpoint for ProbedEndpoint<'_> {
    async fn try_value(&self, value: &Secret) -> Trial {
        // A prober of its own for each request: a connection that is kept would ask the same replica again.
        let prober = match Prober::new(self.options.clone(), Arc::clone(&self.secrets)) {
            Ok(prober) => prober,
            Err(fault) => {
                return Trial { outcome: TrialOutcome::NoEvidence(fault.to_string()), request_ids: Vec::new() };
            }
        };
        let seen = prober.try_value(self.subject, value).await;
        let ids = [seen.correlation_id.clone(), trace(&seen)];
        Trial { outcome: outcome(&seen), request_ids: ids.into_iter().flatten().collect() }
    }
}

fn trace(seen: &Observation) -> Option<String> {
    match &seen.outcome {
        Outcome::Answered(answer) => answer.trace_id.clone(),
        _ => None,
    }
}

fn outcome(seen: &Observation) -> TrialOutcome {
    match &seen.outcome {
        Outcome::Answered(answer) => of_answer(answer),
        Outcome::SecretId => TrialOutcome::Wrong("the value has the shape of a secret id, and was not sent".to_owned()),
        Outcome::Unreachable(why) => TrialOutcome::NoEvidence(why.sentence().to_owned()),
        Outcome::BadAnswer(BadAnswer::Redirect { .. }) => {
            TrialOutcome::NoEvidence("the token endpoint answers with a redirect".to_owned())
        }
        Outcome::BadAnswer(_) => TrialOutcome::NoEvidence("the answer is none of a token endpoint".to_owned()),
        Outcome::Unreadable(_) => TrialOutcome::Wrong("the value cannot be used with this method".to_owned()),
        Outcome::NotTested(NotTested::HostNotAllowed { host }) => {
            TrialOutcome::Wrong(format!("{host} is not on the `allow` list"))
        }
        Outcome::NotTested(_) => TrialOutcome::NoEvidence("it was not tested".to_owned()),
        Outcome::Internal { location } => TrialOutcome::NoEvidence(format!("a fault of credwatch at {location}")),
    }
}

fn of_answer(answer: &Answer) -> TrialOutcome {
    match answer.meaning {
        // A policy that comes after the secret was checked proves the secret.
        Meaning::Token | Meaning::PolicyBlocked { authenticated: true } => TrialOutcome::Accepted,
        Meaning::SecretRefused => TrialOutcome::Unknown,
        Meaning::SecretExpired => TrialOutcome::Expired,
        Meaning::Throttled => {
            TrialOutcome::Throttled { retry_after: answer.retry_after.map(std::time::Duration::from_secs) }
        }
        Meaning::ServerFault | Meaning::NotATokenAnswer => {
            TrialOutcome::NoEvidence(format!("the token endpoint answers {}", answer.status))
        }
        _ => TrialOutcome::Wrong(match &answer.error {
            Some(error) => format!("the token endpoint refuses the request: {error} {:?}", answer.error_codes),
            None => format!("the token endpoint refuses the request with {}", answer.status),
        }),
    }
}
