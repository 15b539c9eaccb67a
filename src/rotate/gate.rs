//! The retire gate (rotation.md section 7): all of it, on fresh observations of this run. In any doubt both stay.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Forward, Gate, Place, Rotation, TrialOutcome,
    next::{Case, Look, Step},
};
use crate::{
    management::{Listing, Usage},
    secret::Fingerprint,
};

/// Which credential is to go, and which one everybody must be living on.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub goes: &'a str,
    pub stays: Fingerprint,
    /// `None`: its id is not known (a predecessor that is put back).
    pub stays_id: Option<&'a str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Passed { evidence: String },
    Held { by: Vec<Gate>, why: String },
}

struct Doubts(Vec<(Gate, String)>);

impl Doubts {
    fn add(&mut self, gate: Gate, why: impl Into<String>) {
        self.0.push((gate, why.into()));
    }
}

/// Whether `goes` may be removed now.
///
/// # Errors
/// A step that has to come first: something is not seen yet.
pub(super) fn examine(case: &Case<'_>, rotation: &Rotation, question: Question<'_>) -> Result<Verdict, Step> {
    let mut doubts = Doubts(Vec::new());
    let listing = case.fresh_list()?;
    case.clock_is_sane()?;
    listed(case, listing, question, &mut doubts);
    stores(case, rotation, question, &mut doubts)?;
    let is_long_dead = rotation.back.is_none() && case.predecessor_is_long_dead(rotation);
    if !is_long_dead {
        grace(case, rotation, &mut doubts);
        // What is held anyway need not be asked of the sign-in log.
        if doubts.0.is_empty() {
            usage(case, rotation, question, &mut doubts)?;
        }
    }
    if !case.allow.retire {
        doubts.add(Gate::G7, "this run's removals are used up");
    }
    if doubts.0.is_empty() {
        let evidence = format!(
            "listed without it: {}; stores read back and accepted: {}; runs that saw all good: {}",
            listing.credentials.len().saturating_sub(1),
            case.policy.places.iter().filter(|place| place.is_readable()).count(),
            rotation.good.len(),
        );
        return Ok(Verdict::Passed { evidence });
    }
    let why = doubts.0.iter().map(|(_, why)| why.as_str()).collect::<Vec<_>>().join("; ");
    let mut by: Vec<Gate> = doubts.0.into_iter().map(|(gate, _)| gate).collect();
    by.dedup();
    Ok(Verdict::Held { by, why })
}

/// G1 and G5: what the provider lists.
fn listed(case: &Case<'_>, listing: &Listing, question: Question<'_>, doubts: &mut Doubts) {
    let is_listed =
        |id: &str| listing.credentials.iter().any(|listed| listed.id == id && listed.active && listed.is_secret);
    match question.stays_id {
        Some(stays) if !is_listed(stays) => doubts.add(Gate::G1, format!("the provider does not list {stays}")),
        Some(stays) if stays == question.goes => doubts.add(Gate::G5, "old and new are the same credential"),
        _ => {}
    }
    if listing.credentials.iter().any(|listed| listed.id == question.goes && !listed.is_secret) {
        doubts.add(Gate::G5, "what is named as the old secret is no client secret");
    }
    let others =
        listing.credentials.iter().filter(|listed| listed.id != question.goes && listed.active && listed.is_secret);
    if others.count() == 0 {
        doubts.add(Gate::G5, "it is the only one that is listed");
    }
    if case.unknown_markers(listing).next().is_some() {
        doubts.add(Gate::G5, "the provider lists a marker of credwatch that this state does not know");
    }
}

/// G1 and G2: every store was acknowledged, and holds the one that stays, which is accepted.
fn stores(case: &Case<'_>, rotation: &Rotation, question: Question<'_>, doubts: &mut Doubts) -> Result<(), Step> {
    let since = case.sight().last_write().unwrap_or_default().max(case.fresh_from());
    for place in &case.policy.places {
        let store = &place.address;
        if case.is_passed_over(rotation, place) {
            not_there(case, rotation, place, since, doubts)?;
            continue;
        }
        if rotation.store(store).is_none_or(|state| state.acked.is_none()) {
            doubts.add(Gate::G2, format!("{store} is not acknowledged"));
            continue;
        }
        if !place.is_readable() {
            continue;
        }
        match case.reading(store, since)? {
            Err(fault) => doubts.add(Gate::G2, format!("{store}: {fault}")),
            Ok(reading) if reading.fingerprint != Some(question.stays) => {
                doubts.add(Gate::G2, format!("{store} holds something else"));
            }
            Ok(_) => match case.trial(Case::try_store(place), question.stays, since)? {
                TrialOutcome::Accepted => {}
                _ => doubts.add(Gate::G1, format!("the value in {store} was not accepted just now")),
            },
        }
    }
    Ok(())
}

/// What never got the value that goes must not have it by another way.
fn not_there(
    case: &Case<'_>,
    rotation: &Rotation,
    place: &Place,
    since: Duration,
    doubts: &mut Doubts,
) -> Result<(), Step> {
    if !place.is_readable() {
        return Ok(());
    }
    match case.reading(&place.address, since)? {
        Err(fault) => doubts.add(Gate::G2, format!("{}: {fault}", place.address)),
        Ok(reading) => {
            if rotation.successor().is_none_or(|made| reading.fingerprint == Some(made.fingerprint)) {
                doubts.add(Gate::G2, format!("{} holds the one that is to go", place.address));
            }
        }
    }
    Ok(())
}

/// G3: the grace passed by both clocks, and runs far apart saw all stores good.
fn grace(case: &Case<'_>, rotation: &Rotation, doubts: &mut Doubts) {
    let Some(acked) = case.last_ack(rotation) else {
        doubts.add(Gate::G3, "not every store is acknowledged");
        return;
    };
    let grace = case.grace_of(rotation);
    if case.now.wall < acked.at + grace {
        doubts.add(Gate::G3, "the grace is not over");
    }
    let needed = match (acked.provider, case.sight().provider_date()) {
        (Some(since), Some(now)) => {
            if now < since + grace {
                doubts.add(Gate::G3, "by the provider's clock the grace is not over");
            }
            2
        }
        // One clock alone may jump: the runs themselves have to count the days.
        _ => 2.max(1 + usize::try_from(grace.num_hours() / 24).unwrap_or(usize::MAX)),
    };
    let seen = far_apart(rotation.good.iter().map(|stamp| stamp.at), case.limits.run_gap);
    if seen < needed {
        doubts.add(Gate::G3, format!("{seen} of {needed} runs have seen all stores good"));
    }
}

fn far_apart(times: impl Iterator<Item = DateTime<Utc>>, gap: Duration) -> usize {
    let gap = TimeDelta::from_std(gap).unwrap_or(TimeDelta::MAX);
    let mut last: Option<DateTime<Utc>> = None;
    let mut count = 0;
    for at in times {
        if last.is_none_or(|last| at - last >= gap) {
            last = Some(at);
            count += 1;
        }
    }
    count
}

/// A sign-in log lags by hours; one that shows nothing of ours for so long shows nothing of others either.
const CONTROL: TimeDelta = TimeDelta::days(3);

impl Case<'_> {
    /// Asks the provider's sign-in log whether anybody but us used `key_id`.
    pub(super) fn ask_usage(&self, key_id: String, control: String, since: DateTime<Utc>) -> Step {
        let ours = self.history.requests.iter().chain(&self.sight().requests).cloned().collect();
        let control_since = since.max(self.now.wall - CONTROL);
        Step::Look(Look::Usage { key_id, since, control, control_since, ours })
    }
}

/// G4: nobody uses it any more, as far as the provider can tell; else a person or the third opt-in has to say so.
fn usage(case: &Case<'_>, rotation: &Rotation, question: Question<'_>, doubts: &mut Doubts) -> Result<(), Step> {
    if let Some(forward) = rotation.forward.as_ref().filter(|_| !rotation.retire_asked) {
        let Forward { who, why } = forward;
        let why = format!(
            "{who} called it off, and it went forward because {why}; a person has to say that the old one may go"
        );
        doubts.add(Gate::G4, why);
        return Ok(());
    }
    let nobody_had_it = rotation.back.is_some() && !case.is_anywhere_unseen(rotation);
    let vouched = case.policy.retire_without_usage || rotation.retire_asked || nobody_had_it;
    let cannot_tell = |why: &str, doubts: &mut Doubts| {
        if !vouched {
            doubts.add(
                Gate::G4,
                format!("{why}; a person has to say that nobody uses it, or `retire_without_usage: true`"),
            );
        }
    };
    let Some(control) = question.stays_id.filter(|_| case.policy.capabilities.tells_usage) else {
        cannot_tell("the provider cannot tell when it was last used", doubts);
        return Ok(());
    };
    let since = case.last_ack(rotation).map_or(rotation.begun_at, |acked| acked.at);
    match case.sight().usage(question.goes) {
        None => return Err(case.ask_usage(question.goes.to_owned(), control.to_owned(), since)),
        Some(Ok(Usage::Unused)) => {}
        Some(Ok(Usage::UsedAt(at))) => {
            doubts.add(Gate::G4, format!("it was used at {}", crate::clock::rfc3339(*at)));
        }
        Some(Ok(Usage::CannotTell(why))) => cannot_tell(why, doubts),
        Some(Err(fault)) => cannot_tell(&fault.message, doubts),
    }
    Ok(())
}
