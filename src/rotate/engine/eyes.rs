//! Looking: everything here reads and nothing changes anything. A dry run has only these.

use std::time::Duration;

use super::{Target, hands::Values};
use crate::{
    management::UsageQuestion,
    rotate::{Clock, Hint, Look, Moment, Reading, Seen, Sight, Source, TrialOutcome},
    secret::{Fingerprints, Secret},
    store::{Content, StoreFault, Writable},
};

/// No call takes so long.
const ASLEEP: Duration = Duration::from_secs(120);

pub(super) struct Eyes<'a> {
    pub(super) clock: &'a dyn Clock,
    pub(super) fingerprints: Fingerprints<'a>,
    pub(super) target: &'a Target<'a>,
}

impl Eyes<'_> {
    /// `now` is when the look began: what was asked before an effect was not seen after it.
    pub(super) async fn look(&self, look: Look, sight: &mut Sight, values: &mut Values, now: Moment) {
        let target = self.target;
        match look {
            Look::List => {
                let what = target.management.list().await;
                sight.lists.push(self.seen(now, what));
            }
            Look::Constraints => sight.constraints = Some(target.management.constraints().await),
            Look::Read(store) => {
                let what = match self.store(&store) {
                    Some(known) => known.read().await.map(|content| self.reading(&store, content, values)),
                    None => Err(StoreFault::Refused("the inventory does not name it any more".to_owned())),
                };
                sight.readings.push((store, self.seen(now, what)));
            }
            Look::Previous(store) => {
                let kept = match self.store(&store) {
                    Some(known) => known.previous().await.ok().and_then(|content| content.value),
                    None => None,
                };
                let what = kept.as_ref().map(|value| self.fingerprints.of(value));
                values.keep_previous(&store, kept);
                sight.previous.push((store, self.seen(now, what)));
            }
            Look::Writable(store) => {
                let what = match self.store(&store) {
                    Some(known) => known.writable().await,
                    None => Writable::No("the inventory does not name it any more".to_owned()),
                };
                sight.writable.push((store, what));
            }
            Look::Current => {
                let what = match target.management.current().await {
                    Ok(value) => {
                        let print = self.fingerprints.of(&value);
                        values.current = Some(value);
                        Ok(print)
                    }
                    Err(fault) => Err(fault),
                };
                sight.current.push(self.seen(now, what));
            }
            Look::Try(source) => self.attempt(&source, sight, values, now).await,
            Look::Usage { key_id, since, control, control_since, ours } => {
                let question = UsageQuestion { key_id: &key_id, since, ours: &ours, control: &control, control_since };
                let what = target.management.usage(&question).await;
                sight.usage.push((key_id, self.seen(now, what)));
            }
        }
    }

    async fn attempt(&self, source: &Source, sight: &mut Sight, values: &Values, now: Moment) {
        let Some(value) = values.get(source) else { return };
        let sent = self.clock.elapsed();
        let trial = self.target.endpoint.try_value(value).await;
        let took = self.clock.elapsed().saturating_sub(sent);
        sight.requests.extend(trial.request_ids.iter().cloned());
        // Nobody can say when an answer was given that was read after the machine slept.
        let outcome = if took > ASLEEP {
            TrialOutcome::NoEvidence("this machine stood still meanwhile".to_owned())
        } else {
            trial.outcome
        };
        sight.trials.push((self.fingerprints.of(value), self.seen(now, outcome)));
    }

    fn reading(&self, store: &str, content: Content, values: &mut Values) -> Reading {
        let Content { version, value } = content;
        let reading = Reading {
            version,
            fingerprint: value.as_ref().map(|value| self.fingerprints.of(value)),
            hint: value.as_ref().map(Hint::of),
        };
        values.keep_read(store, value);
        reading
    }

    pub(super) fn store(&self, address: &str) -> Option<&dyn crate::store::Store> {
        self.target.stores.iter().find(|(known, _)| known == address).map(|(_, store)| store.as_ref())
    }

    fn seen<T>(&self, now: Moment, what: T) -> Seen<T> {
        Seen { at: now.elapsed, wall: self.clock.wall(), what }
    }

    pub(super) fn fingerprint(&self, value: &Secret) -> crate::secret::Fingerprint {
        self.fingerprints.of(value)
    }
}
