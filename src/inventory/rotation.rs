//! The `rotate` block of a credential: how its secret is replaced before it ends.

use std::{collections::HashSet, time::Duration};

use super::{files, raw};
use crate::{
    period::Period,
    secret::{ReferenceFault, SecretRef},
    yaml::{At, Check, FaultCode, Text},
};

/// A rotation somebody opted in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// Start this long before the end.
    pub before: Period,
    /// Of the new credential.
    pub lifetime: Period,
    /// At least one; the first is the primary and no person.
    pub deliver_to: Vec<Delivery>,
    /// Longest time any consumer needs to pick the new secret up, the stores' own times included.
    pub grace: Period,
    /// Remove the predecessor once the gate passes.
    pub retire: bool,
    /// Remove it although the provider cannot tell its last use.
    pub retire_without_usage: bool,
    /// Give up a hand-over that nobody confirms.
    pub abandon_after: Period,
    /// Accept an outage inside `window` where the provider has no overlap.
    pub allow_gap: bool,
    /// Crontab line in the schedule's zone; effects only within the hour after it.
    pub window: Option<String>,
    /// Observe only.
    pub frozen: bool,
}

/// A place the new secret is delivered to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub to: Destination,
    /// How long this one's consumers need; `None`: the rotation's grace.
    pub pick_up: Option<Period>,
    /// Write into the file itself, which a bind mount needs.
    pub in_place: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A file or a store that can be read back.
    Store(SecretRef),
    /// A program of the settings' `hooks`, by name.
    Hook(String),
    /// A person who types it into the product, by mail address.
    Person(String),
}

impl Destination {
    /// The same for every way to write the same place.
    fn place(&self) -> String {
        match self {
            Self::Store(SecretRef::File(path)) => format!("file:{}", files::place(path).display()),
            Self::Store(SecretRef::Store { scheme: "azure-key-vault", address }) => {
                let url = url::Url::parse(address).map_or_else(|_| address.clone(), String::from);
                format!("azure-key-vault:{}", url.to_lowercase())
            }
            Self::Store(store) => store.to_string(),
            Self::Hook(name) => format!("hook:{name}"),
            Self::Person(who) => format!("person:{}", who.to_lowercase()),
        }
    }
}

const DEFAULT_BEFORE: Period = Period::from_days(30);
const DEFAULT_LIFETIME: Period = Period::from_days(180);
const DEFAULT_GRACE: Period = Period::from_days(7);
const DEFAULT_ABANDON: Period = Period::from_days(14);

/// Consumers that read their secret once a day are common.
const SHORT_GRACE: Period = Period::from_hours(24);
/// Two failed weeks: what a rotation may lose before the new end comes too near.
const SPARE: Period = Period::from_days(14);
const REMINDER: Period = Period::from_days(7);
/// No secret lives longer, and no date is computed beyond it.
const LONGEST: Period = Period::from_days(36_500);

impl Rotation {
    /// Reads a block and checks it by itself.
    pub(super) fn read(raw: raw::Rotate, at: &At<'_>, check: &mut Check<'_>) -> Option<Self> {
        let before = span(&at.key("before"), raw.before, check).unwrap_or(DEFAULT_BEFORE);
        let lifetime = span(&at.key("lifetime"), raw.lifetime, check).unwrap_or(DEFAULT_LIFETIME);
        let grace = span(&at.key("grace"), raw.grace, check).unwrap_or(DEFAULT_GRACE);
        let abandon_after = span(&at.key("abandon_after"), raw.abandon_after, check).unwrap_or(DEFAULT_ABANDON);
        let retire = check.flag(&at.key("retire"), raw.retire).unwrap_or(false);
        let unseen = check.flag(&at.key("retire_without_usage"), raw.retire_without_usage).unwrap_or(false);
        let allow_gap = check.flag(&at.key("allow_gap"), raw.allow_gap).unwrap_or(false);
        let frozen = check.flag(&at.key("frozen"), raw.frozen).unwrap_or(false);
        let window = check.cron(&at.key("window"), raw.window);
        let deliver_to = deliveries(raw.deliver_to, &at.key("deliver_to"), check)?;
        let longest = deliver_to.iter().filter_map(|delivery| delivery.pick_up).max();
        let rotation = Self {
            before,
            lifetime,
            grace: longest.map_or(grace, |longest| grace.max(longest)),
            deliver_to,
            retire,
            retire_without_usage: unseen,
            abandon_after,
            allow_gap,
            window,
            frozen,
        };
        rotation.check(at, check);
        if rotation.grace < SHORT_GRACE {
            let advice = "give consumers a day or more, unless all of them read the secret at each use";
            let message = "consumers have less than a day to pick the new secret up";
            check.notes.warn(&at.key("grace"), FaultCode::ShortTime, message, advice);
        }
        Some(rotation)
    }

    /// Whether what is tested is among what is rotated.
    pub(super) fn delivers_to(&self, secret: &SecretRef) -> bool {
        self.deliver_to.iter().any(|delivery| matches!(&delivery.to, Destination::Store(store) if store == secret))
    }

    /// What would lose a secret or could never finish.
    fn check(&self, at: &At<'_>, check: &mut Check<'_>) {
        let mut unsafe_rotation = |key: &str, message: &'static str, advice: &'static str| {
            check.notes.add(&at.key(key), FaultCode::UnsafeRotation, message, advice);
        };
        let is_person = |delivery: &Delivery| matches!(delivery.to, Destination::Person(_));
        let person = self.deliver_to.iter().any(is_person);
        if self.deliver_to.first().is_some_and(is_person) {
            unsafe_rotation(
                "deliver_to",
                "the first store is a person, whom the new secret cannot be read back from",
                "put a store that can be read first; the person gets it from there",
            );
        }
        if self.lifetime.as_std() <= sum([self.before, self.grace, SPARE]) {
            unsafe_rotation(
                "lifetime",
                "the new secret would be due again before its rotation is over",
                "make `lifetime` longer than `before` + `grace` + 14d",
            );
        }
        if person && sum([self.abandon_after, self.grace, REMINDER]) > self.before.as_std() {
            unsafe_rotation(
                "before",
                "a person who is late would let the old secret expire",
                "make `before` at least `abandon_after` + `grace` + 7d",
            );
        }
        if self.allow_gap && person {
            unsafe_rotation(
                "allow_gap",
                "a gap would last until a person has typed the new secret in",
                "deliver to stores only",
            );
        }
        if self.allow_gap && self.window.is_none() && !check.notes.has(&at.key("window")) {
            check.missing::<()>(
                &at.key("window"),
                "a gap needs a window to fall into, as in `window: \"0 22 * * SAT\"`",
            );
        }
    }
}

fn span(at: &At<'_>, text: Option<Text>, check: &mut Check<'_>) -> Option<Period> {
    let period = check.period(at, text)?;
    if period > LONGEST {
        let advice = "at most 36500d; providers keep a secret for some months up to a few years";
        check.notes.add(at, FaultCode::InvalidValue, "this is more than a hundred years", advice);
        return None;
    }
    Some(period)
}

fn sum(periods: [Period; 3]) -> Duration {
    periods.iter().fold(Duration::ZERO, |sum, period| sum.saturating_add(period.as_std()))
}

fn deliveries(raw: Option<Vec<raw::Destination>>, at: &At<'_>, check: &mut Check<'_>) -> Option<Vec<Delivery>> {
    let advice = "list the stores that hold the secret, the one that `secret` names first";
    let Some(raw) = raw.filter(|list| !list.is_empty()) else { return check.missing(at, advice) };
    let each = raw.into_iter().enumerate();
    // Through a list of its own, so that the faults of all items are noted.
    let all: Vec<_> = each.map(|(index, destination)| delivery(destination, &at.index(index), check)).collect();
    let mut places = HashSet::new();
    for (index, delivery) in all.iter().enumerate().filter_map(|(index, one)| Some((index, one.as_ref()?))) {
        if !places.insert(delivery.to.place()) {
            let advice = "name each store once; `pick_up` and `in_place` belong to that one entry";
            let message = "this is a store that stands in the list already";
            check.notes.add(&at.index(index), FaultCode::UnsafeRotation, message, advice);
        }
    }
    all.into_iter().collect()
}

fn delivery(raw: raw::Destination, at: &At<'_>, check: &mut Check<'_>) -> Option<Delivery> {
    match raw {
        raw::Destination::Address(text) => {
            Some(Delivery { to: destination(&text, at, check)?, pick_up: None, in_place: false })
        }
        raw::Destination::Store(raw) => {
            let pick_up = span(&at.key("pick_up"), raw.pick_up, check);
            let in_place = check.flag(&at.key("in_place"), raw.in_place).unwrap_or(false);
            let at_store = at.key("store");
            let Some(text) = raw.store else {
                return check.missing(&at_store, "name the store, as in `file:/etc/etl/secret`");
            };
            let to = destination(&text, &at_store, check)?;
            if in_place && !matches!(to, Destination::Store(SecretRef::File(_))) {
                let at_flag = at.key("in_place");
                check.notes.add(
                    &at_flag,
                    FaultCode::ConflictingFields,
                    "only a file is written in place",
                    "remove `in_place`",
                );
            }
            Some(Delivery { to, pick_up, in_place })
        }
    }
}

fn destination(text: &Text, at: &At<'_>, check: &mut Check<'_>) -> Option<Destination> {
    if let Some(person) = text.strip_prefix("person:") {
        return check.address(at, Some(person.into())).map(Destination::Person);
    }
    if let Some(hook) = text.strip_prefix("hook:") {
        if hook.is_empty() {
            check.notes.add(
                at,
                FaultCode::MalformedReference,
                "`hook:` needs a name",
                "name one of the settings' `hooks`",
            );
            return None;
        }
        return Some(Destination::Hook(hook.to_owned()));
    }
    match SecretRef::parse(text, check.folder) {
        Ok(SecretRef::Env(_) | SecretRef::Exec(_)) => {
            let advice = "a file, vault:, azure-key-vault:, aws-secrets-manager:, hook: or person:";
            check.notes.add(at, FaultCode::UnsafeRotation, "nothing can be delivered to this", advice);
            None
        }
        Ok(store) => Some(Destination::Store(store)),
        Err(ReferenceFault::LooksInline) => {
            let advice = "name a store: a file, vault:, azure-key-vault:, aws-secrets-manager:, hook: or person:";
            check.notes.add(at, FaultCode::SecretLooksInline, "this is no store but looks like a secret", advice);
            None
        }
        Err(fault) => {
            check.notes.add(at, FaultCode::MalformedReference, fault.to_string(), "write the address of the store");
            None
        }
    }
}
