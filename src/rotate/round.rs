//! One run over everything that opted in, as `rotate`, `plan`, `serve` and the nightly audit make it.

use futures::future::join_all;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::{Clock, Engine, Foresight, Journal, Opening, Outcome, Policy, SystemClock, SystemDice, Unfit};
use crate::{
    inventory::{Inventory, Subject},
    secret::Fingerprints,
};

/// A run, by the real clock.
pub struct Round<'a> {
    pub opening: Opening<'a>,
    pub journal: &'a dyn Journal,
    /// The run's id.
    pub run: &'a str,
    /// Of the lock this run holds.
    pub epoch: u64,
    pub cancel: CancellationToken,
}

/// How far one credential came, or would come.
pub struct Come<'i, T> {
    pub subject: Subject<'i>,
    pub policy: Policy,
    pub how: T,
}

impl Round<'_> {
    /// Advances every credential that opted in as far as this run can.
    ///
    /// # Errors
    /// No HTTP client can be set up; nothing was done.
    pub async fn advance<'i>(
        &self,
        inventory: &'i Inventory,
    ) -> anyhow::Result<(Vec<Come<'i, Outcome>>, Vec<Unfit<'i>>)> {
        let (members, unfit) = self.opening.muster(inventory).await?;
        let targets: Vec<_> = members.iter().map(super::Member::target).collect();
        let outcomes = self.engine(&SystemClock, targets.len()).advance_all(&targets).await;
        let come = targets.into_iter().zip(&members).zip(outcomes);
        let come = come.map(|((target, member), how)| Come { subject: member.subject, policy: target.policy, how });
        Ok((come.collect(), unfit))
    }

    /// What [`Self::advance`] would do first, of each. Looks only.
    ///
    /// # Errors
    /// No HTTP client can be set up.
    pub async fn foresee<'i>(
        &self,
        inventory: &'i Inventory,
    ) -> anyhow::Result<(Vec<Come<'i, Foresight>>, Vec<Unfit<'i>>)> {
        let (members, unfit) = self.opening.muster(inventory).await?;
        let engine = self.engine(&SystemClock, members.len());
        // Side by side, because each may have to wait.
        let come = members.iter().map(async |member| {
            let target = member.target();
            let how = Box::pin(engine.foresee(&target)).await;
            Come { subject: member.subject, policy: target.policy, how }
        });
        Ok((join_all(come).await, unfit))
    }

    fn engine<'e>(&'e self, clock: &'e dyn Clock, opted_in: usize) -> Engine<'e> {
        let limits = &self.opening.settings.rotation;
        Engine {
            journal: self.journal,
            clock,
            dice: &SystemDice,
            fingerprints: Fingerprints::new(&self.opening.fingerprint_key),
            limits: limits.into(),
            budget: limits.budget(opted_in),
            run: self.run,
            epoch: self.epoch,
            deadline: limits.run_deadline.as_std(),
            cancel: self.cancel.clone(),
            retiring: Mutex::new(()),
        }
    }
}
