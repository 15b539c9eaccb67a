//! Whether to begin, and from what (row 1). Reads only.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Case, Found, Look, Source, Step, Why, rest, rest_until};
use crate::{
    management::{Holder, Listed, Listing, Overlap},
    rotate::{
        Event, Planned, PlannedStore, Reading, Rotation, TrialOutcome,
        history::{End, Owner},
    },
    secret::Fingerprint,
    store::Writable,
};

/// What the new end must lie beyond, besides `before` and the grace.
const SPARE: TimeDelta = TimeDelta::days(14);

/// What a person who hands over has besides, once the time for it is up.
const REMINDER: Duration = Duration::from_secs(7 * 86_400);

/// As the inventory bounds it: no end is computed beyond it.
const LONGEST: TimeDelta = TimeDelta::days(36_500);

/// The value in force.
struct Present<'a> {
    reading: &'a Reading,
    value: Fingerprint,
    is_dead: bool,
}

impl<'a> Case<'a> {
    /// Nothing is under way: look after what is over, then begin what is due.
    pub(super) fn begin(&self) -> Found {
        if self.policy.frozen {
            return Ok(rest(Why::Frozen));
        }
        self.watch()?;
        self.tidy_after()?;
        self.work_off()?;
        self.kept_and_gone()?;
        self.plan(None)
    }

    pub(super) fn plan(&self, resumed: Option<&'a Rotation>) -> Found {
        let present = self.present()?;
        if resumed.is_none() {
            self.is_due(&present)?;
            if !self.allow.start {
                return Ok(rest(Why::Budget("this run has started as many rotations as it may")));
            }
        }
        if !self.policy.in_window {
            return Ok(rest(Why::OutsideWindow));
        }
        let listing = self.fresh_list()?;
        self.clock_is_sane()?;
        self.no_unknown_marker(listing)?;
        self.no_leftover(listing)?;
        if let Some(rotation) = resumed {
            self.no_late_stranger(rotation, listing)?;
        }
        self.overlap_is_planned()?;
        let (predecessor, repair) = self.predecessor(listing, &present)?;
        let stores = self.stores(&present)?;
        self.has_room(listing)?;
        let holder = predecessor.map_or(Holder::Application, |listed| listed.on);
        let end = self.new_end(holder)?;
        let planned = Planned {
            app: self.policy.app.clone(),
            label: self.policy.label.clone(),
            baseline: listing.credentials.iter().map(|listed| listed.id.clone()).collect(),
            candidates: Some(candidates(listing, &present).map(|listed| listed.id.clone()).collect()),
            holder,
            predecessor_end: predecessor.map_or(self.policy.declared_end, |listed| listed.end),
            predecessor: predecessor.map(|listed| listed.id.clone()),
            fingerprint: Some(present.value),
            stores,
            end,
            grace: self.policy.grace.as_secs(),
            repair,
        };
        let rotation = resumed.map_or(self.fresh, |rotation| rotation.id);
        Ok(Step::Record { rotation, event: Event::Planned(Box::new(planned)) })
    }

    /// What the primary holds, and whether the token endpoint accepts it.
    fn present(&self) -> Result<Present<'a>, Step> {
        let failed = |why: &str| rest(Why::PlanFailed(why.to_owned()));
        let Some(primary) = self.policy.places.first() else { return Err(failed("there is no store to deliver to")) };
        let reading = match self.reading(&primary.address, self.sight().last_write().unwrap_or_default())? {
            Ok(reading) => reading,
            Err(fault) => return Err(rest(Why::Store { store: primary.address.clone(), why: fault.to_string() })),
        };
        let Some(value) = reading.fingerprint else {
            return Err(failed("the first store is empty: put the present secret there, which is what gets replaced"));
        };
        let source = Source::Store(primary.address.clone());
        let is_dead = match self.trial(source.clone(), value, Duration::ZERO)? {
            TrialOutcome::Accepted => false,
            TrialOutcome::Expired => true,
            TrialOutcome::Unknown => self.is_refused_steadily(source, value)?,
            TrialOutcome::Throttled { .. } => {
                return Err(rest(Why::NoEvidence("the token endpoint is busy".to_owned())));
            }
            TrialOutcome::NoEvidence(why) | TrialOutcome::Wrong(why) => return Err(rest(Why::NoEvidence(why.clone()))),
        };
        Ok(Present { reading, value, is_dead })
    }

    /// A value that somebody put in a moment ago may not be known everywhere yet: refused over `live_for`, it is dead.
    fn is_refused_steadily(&self, source: Source, value: Fingerprint) -> Result<bool, Step> {
        let trials = self.sight().trials.iter().filter(|(of, _)| *of == value).map(|(_, seen)| seen);
        let refused = trials.filter(|seen| seen.what == TrialOutcome::Unknown).map(|seen| seen.at);
        let (first, last) = (refused.clone().min().unwrap_or_default(), refused.max().unwrap_or_default());
        if last > first && last - first >= self.limits.live_for {
            return Ok(true);
        }
        let pause = (self.limits.live_for / 4).max(Duration::from_millis(1));
        Err(self.after(last, pause, self.try_now(source)))
    }

    fn is_due(&self, present: &Present<'_>) -> Result<(), Step> {
        if present.is_dead || self.allow.start_early {
            return Ok(());
        }
        let before = if self.is_called_off(present) { self.latest() } else { self.policy.before };
        let due = |end: DateTime<Utc>| {
            let from = end - TimeDelta::from_std(before).unwrap_or(TimeDelta::MAX);
            if self.now.wall >= from { Ok(()) } else { Err(rest_until(Why::NotDue, from)) }
        };
        if let Some(end) = self.known_end(present.value) {
            return due(end);
        }
        let listing = self.fresh_list()?;
        let end = match self.identify(listing, present) {
            Some(listed) => listed.end,
            // Nobody knows which one it is: as soon as one of those that it may be is due. Too early is no outage.
            None => {
                let ends = candidates(listing, present).filter_map(|listed| listed.end);
                ends.filter(|end| *end > self.now.wall).min()
            }
        };
        end.map_or_else(|| Err(rest(Why::NotDue)), due)
    }

    /// How long before the end a rotation must begin at the latest, if nobody asks for it: there would be no way back any more,
    /// or a person who is late would let the old one expire.
    fn latest(&self) -> Duration {
        let by_hand = self.policy.places.iter().any(|place| !place.is_readable());
        let person = if by_hand { self.policy.abandon_after.saturating_add(REMINDER) } else { Duration::ZERO };
        let spare = SPARE.to_std().unwrap_or_default().max(person);
        self.policy.before.min(self.policy.grace.saturating_add(spare))
    }

    /// A person called the last one off, and what it was about is back: another one waits until somebody asks for it, or for
    /// the latest time.
    fn is_called_off(&self, present: &Present<'_>) -> bool {
        self.history.rotations.last().is_some_and(|last| {
            let is_back = last.plan.as_ref().is_some_and(|plan| plan.fingerprint == Some(present.value));
            is_back && matches!(last.end, Some(End::RolledBack { kept: None }))
        })
    }

    /// The end of our own successor, or what the inventory declares of a value that is not ours.
    fn known_end(&self, value: Fingerprint) -> Option<DateTime<Utc>> {
        let made = self.history.rotations.iter().flat_map(|rotation| &rotation.attempts);
        let own = made.filter_map(|attempt| attempt.created.as_ref()).find(|made| made.fingerprint == value);
        own.map_or(self.policy.declared_end, |made| made.end)
    }

    /// The listed predecessor, where it can be named, and whether this is a repair.
    fn predecessor(&self, listing: &'a Listing, present: &Present<'_>) -> Result<(Option<&'a Listed>, bool), Step> {
        if self.policy.capabilities.overlap != Overlap::Full {
            return Ok((None, present.is_dead));
        }
        if let Some(Owner::Key(known)) = self.history.owner(present.value) {
            let listed = |listing: &Listing| listing.credentials.iter().any(|listed| listed.id == known);
            if let Some(found) = listing.credentials.iter().find(|listed| listed.id == known) {
                return Ok((Some(found), present.is_dead));
            }
            // Either the list is stale, or somebody removed it.
            return match present.is_dead || self.is_gone(Duration::ZERO, listed)? {
                true => Ok((None, true)),
                false => Err(Step::Look(Look::List)),
            };
        }
        Ok((self.identify(listing, present), present.is_dead))
    }

    /// On first contact: the hint is equal and every other one differs, or there is one only; what the inventory declares
    /// must agree. Dates never suffice.
    fn identify(&self, listing: &'a Listing, present: &Present<'_>) -> Option<&'a Listed> {
        let secrets: Vec<&Listed> = listing.credentials.iter().filter(|listed| listed.is_secret).collect();
        let fits = |listed: &Listed| fits(listed, present);
        let declared = self.policy.declared_id.as_deref();
        if let Some(declared) = declared.filter(|_| self.history.rotations.is_empty()) {
            let named = secrets.iter().find(|listed| listed.id.eq_ignore_ascii_case(declared))?;
            return (fits(named) != Some(false)).then_some(*named);
        }
        if let [only] = secrets.as_slice() {
            return (fits(only) != Some(false)).then_some(*only);
        }
        let mut fitting = secrets.iter().filter(|listed| fits(listed) == Some(true));
        let found = fitting.next()?;
        let others_differ = secrets.iter().all(|listed| listed.id == found.id || fits(listed) == Some(false));
        others_differ.then_some(*found)
    }

    /// Every other store: readable ones hold what may be replaced, and all can be written as far as that can be told.
    fn stores(&self, present: &Present<'_>) -> Result<Vec<PlannedStore>, Step> {
        let mut planned = Vec::new();
        for place in &self.policy.places {
            let store = &place.address;
            if place.abilities.is_none() {
                planned.push(PlannedStore { store: store.clone(), version: None, fingerprint: None });
                continue;
            }
            let mut seen = PlannedStore { store: store.clone(), version: None, fingerprint: None };
            if place.is_readable() {
                let reading = match self.reading(store, self.sight().last_write().unwrap_or_default())? {
                    Ok(reading) => reading,
                    Err(fault) => return Err(rest(Why::Store { store: store.clone(), why: fault.to_string() })),
                };
                let may = reading
                    .fingerprint
                    .is_none_or(|holds| holds == present.value || self.history.owner(holds).is_some());
                if !may {
                    let why = format!("{store} holds another value than the first store: whose is it?");
                    return Err(rest(Why::PlanFailed(why)));
                }
                (seen.version, seen.fingerprint) = (reading.version.clone(), reading.fingerprint);
            }
            match self.sight().writable.iter().find(|(known, _)| known == store) {
                None => return Err(Step::Look(Look::Writable(store.clone()))),
                Some((_, Writable::No(why))) => return Err(rest(Why::PlanFailed(format!("{store}: {why}")))),
                Some((_, Writable::Yes | Writable::Unknown)) => {}
            }
            planned.push(seen);
        }
        Ok(planned)
    }

    /// The end of the new credential, as far as the provider's policies allow it.
    fn new_end(&self, holder: Holder) -> Result<DateTime<Utc>, Step> {
        let constraints = self.constraints()?.on(holder);
        let failed = |why: String| rest(Why::PlanFailed(why));
        if let Some(why) = &constraints.forbidden {
            return Err(failed(format!("the provider does not allow new secrets: {why}")));
        }
        let lifetime = constraints.fixed_lifetime.unwrap_or(self.policy.lifetime);
        if let Some(max) = constraints.max_lifetime.filter(|max| *max < lifetime) {
            let days = max.as_secs() / 86_400;
            return Err(failed(format!("the provider's policy allows {days} days at the most: shorten `lifetime`")));
        }
        let needed = [self.policy.before, self.policy.grace]
            .into_iter()
            .fold(SPARE, |sum, part| sum + TimeDelta::from_std(part).unwrap_or(TimeDelta::zero()));
        // A policy at the provider may say anything.
        let lifetime = TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::MAX).min(LONGEST);
        if lifetime <= needed {
            let days = |time: TimeDelta| time.num_days();
            return Err(failed(match constraints.fixed_lifetime {
                None => "the new secret would be due again before its rotation is over".to_owned(),
                Some(_) => format!(
                    "the provider gives a new secret {} d, so it would be due again before its rotation is over: \
                     `expiration-period` must be longer than {} d (`before`, the grace and 14 d)",
                    days(lifetime),
                    days(needed),
                ),
            }));
        }
        Ok(self.now.wall + lifetime)
    }
}

/// Listed ones that the present secret may be.
fn candidates<'l>(listing: &'l Listing, present: &Present<'_>) -> impl Iterator<Item = &'l Listed> {
    let may_be = |listed: &&Listed| listed.is_secret && listed.active && fits(listed, present) != Some(false);
    listing.credentials.iter().filter(may_be)
}

/// Whether a listed credential may be the one in the primary, by its first characters.
fn fits(listed: &Listed, present: &Present<'_>) -> Option<bool> {
    Some(present.reading.hint.as_ref()?.is(listed.hint.as_ref()?))
}
