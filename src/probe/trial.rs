//! One token request with a value in the declared one's place: what a rotation asks of the token endpoint.

use tokio::time::Instant;
use uuid::Uuid;

use super::{
    NotTested, Observation, Outcome, Prober,
    attempt::{Begun, Round, Tried},
    breaker::Breaker,
    discovery::Issuers,
    request::Material,
};
use crate::{inventory::Subject, secret::Secret};

impl Prober {
    /// Sent once, never again: a refusal now and an acceptance in a minute are both told as they are.
    pub async fn try_value(&self, subject: Subject<'_>, value: &Secret) -> Observation {
        if subject.app.registration.provider.is_secret_id(value.expose()) {
            return Observation::local(Outcome::SecretId);
        }
        let round =
            Round { prober: self, subjects: &[subject], issuers: Issuers::default(), breaker: Breaker::default() };
        let mut begun = Begun {
            material: Material::Secret(Secret::new(value.expose().to_owned())),
            endpoint: None,
            since: Instant::now(),
            tries: 0,
            seen: Observation::local(Outcome::NotTested(NotTested::Interrupted)),
            request_id: Uuid::new_v4().to_string(),
        };
        // Discovery may lead to another host once; there is no queue to go back to here.
        for _ in 0..2 {
            if let Tried::Outcome { outcome, .. } = round.attempt(subject, &mut begun).await {
                return Observation { outcome, ..begun.seen };
            }
        }
        Observation::local(Outcome::NotTested(NotTested::Interrupted))
    }
}
