//! The identity provider as it truly is: its credentials, and what each of its replicas knows of them.

use std::{sync::Arc, time::Duration};

use super::{
    rng::Rng,
    world::{HOUR, MINUTE, Ms, utc},
};
use crate::{
    management::{Capabilities, Holder, Label, Listed, Listing, Overlap},
    rotate::TrialOutcome,
    secret::Fingerprint,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Old and new live; the label is kept (Entra, AVEVA).
    Labelled,
    /// Old and new live; the value is ours (Okta). `true`: the list tells values.
    ByValue(bool),
    /// The old one lives for the provider's own period (Keycloak).
    Grace,
    /// The new one only (Auth0).
    Gap,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Initial,
    Us,
    Stranger,
}

#[derive(Debug, Clone)]
pub struct Credential {
    pub id: String,
    pub value: Arc<str>,
    pub print: Fingerprint,
    pub label: Option<String>,
    pub by: By,
    pub made: Ms,
    pub end: Option<Ms>,
    pub gone: Option<Ms>,
    /// When lists begin to show it, and when it can be removed.
    listed_from: Ms,
    known_from: Ms,
    /// When each replica begins to accept it, and stops.
    known: Vec<Ms>,
    forgotten: Vec<Ms>,
}

/// The provider's `Date` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Date {
    /// Off by this much, milliseconds.
    Off(i64),
    Missing,
    Frozen(Ms),
}

#[derive(Debug, Clone)]
pub struct Lags {
    pub replicas: usize,
    /// Until a new value is known everywhere.
    pub create: Ms,
    /// Until a removed one is refused everywhere.
    pub remove: Ms,
    /// How old a listing may be.
    pub list: Ms,
}

pub struct Provider {
    pub kind: Kind,
    pub lags: Lags,
    pub limit: Option<u32>,
    pub period: Ms,
    pub date: Date,
    pub hints: bool,
    pub tells_usage: bool,
    pub down_until: Ms,
    /// How long a new credential is missing from every list, and how long the management API does not know it at all.
    pub late: (Ms, Ms),
    pub credentials: Vec<Credential>,
    /// Token requests: when, with which id, under which request id (`None`: a consumer's).
    pub uses: Vec<(Ms, String, Option<String>)>,
    made: u32,
}

impl Provider {
    #[must_use]
    pub const fn new(kind: Kind, lags: Lags, limit: Option<u32>, period: Ms) -> Self {
        Self {
            kind,
            lags,
            limit,
            period,
            date: Date::Off(0),
            hints: false,
            tells_usage: false,
            down_until: 0,
            late: (0, 0),
            credentials: Vec::new(),
            uses: Vec::new(),
            made: 0,
        }
    }

    #[must_use]
    pub const fn capabilities(&self) -> Capabilities {
        let (overlap, label) = match self.kind {
            Kind::Labelled => (Overlap::Full, Label::Kept),
            Kind::ByValue(_) => (Overlap::Full, Label::ByValue),
            Kind::Grace => (Overlap::RotatedGrace, Label::Readable),
            Kind::Gap => (Overlap::None, Label::Readable),
        };
        Capabilities {
            overlap,
            readable: matches!(label, Label::Readable),
            label,
            limit: self.limit,
            removal_delay: Duration::from_millis(self.lags.remove),
            live_deadline: None,
            tells_usage: self.tells_usage,
        }
    }

    pub const fn has_overlap(&self) -> bool {
        matches!(self.kind, Kind::Labelled | Kind::ByValue(_))
    }

    pub fn standing(&self, now: Ms) -> impl Iterator<Item = &Credential> {
        self.credentials.iter().filter(move |known| known.is_live(now))
    }

    #[must_use]
    pub fn is_live(&self, value: &str, now: Ms) -> bool {
        self.standing(now).any(|known| *known.value == *value)
    }

    /// Whether every replica accepts it.
    #[must_use]
    pub fn is_live_everywhere(&self, value: &str, now: Ms) -> bool {
        self.standing(now).any(|known| *known.value == *value && known.known.iter().all(|at| *at <= now))
    }

    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Credential> {
        let now_called = |known: &&Credential| match id {
            "current" => known.gone.is_none() && self.newest() == Some(known.made),
            "rotated" => known.gone.is_none() && self.newest() != Some(known.made),
            _ => known.id == id,
        };
        self.credentials.iter().rev().find(now_called)
    }

    fn newest(&self) -> Option<Ms> {
        self.credentials.iter().map(|known| known.made).max()
    }

    /// Adds a credential; kinds without overlap replace the one there is.
    pub fn make(&mut self, new: New, rng: &mut Rng, now: Ms) -> String {
        // Two within one moment would not be told apart.
        let now = self.newest().map_or(now, |newest| now.max(newest + 1));
        match self.kind {
            Kind::Gap => self.drop_all(rng, now),
            Kind::Grace => {
                let newest = self.newest();
                let lag = self.lags.clone();
                for known in self.credentials.iter_mut().filter(|known| known.gone.is_none()) {
                    if Some(known.made) == newest && self.period > 0 {
                        known.end = Some(now + self.period);
                    } else {
                        known.forget(&lag, rng, now);
                    }
                }
            }
            Kind::Labelled | Kind::ByValue(_) => {}
        }
        self.made += 1;
        let id = format!("key-{}", self.made);
        let known = (0..self.lags.replicas.max(1)).map(|_| now + rng.below(self.lags.create + 1)).collect();
        self.credentials.push(Credential {
            id: id.clone(),
            value: new.value,
            print: new.print,
            label: new.label,
            by: new.by,
            made: now,
            end: new.end,
            gone: None,
            listed_from: now + self.late.0.max(self.late.1),
            known_from: now + self.late.1,
            known,
            forgotten: Vec::new(),
        });
        id
    }

    fn drop_all(&mut self, rng: &mut Rng, now: Ms) {
        let lag = self.lags.clone();
        for known in self.credentials.iter_mut().filter(|known| known.gone.is_none()) {
            known.forget(&lag, rng, now);
        }
    }

    /// `false`: there is nothing of that id.
    pub fn remove(&mut self, id: &str, rng: &mut Rng, now: Ms) -> bool {
        let stands = |known: &&Credential| known.gone.is_none() && known.known_from <= now;
        let Some(id) = self.find(id).filter(stands).map(|known| known.id.clone()) else {
            return false;
        };
        let lag = self.lags.clone();
        if let Some(known) = self.credentials.iter_mut().find(|known| known.id == id) {
            known.forget(&lag, rng, now);
        }
        true
    }

    /// What one list replica shows.
    #[must_use]
    pub fn listing(&self, rng: &mut Rng, now: Ms) -> Listing {
        let seen = now - rng.below(self.lags.list + 1);
        let stands = |known: &&Credential| {
            known.made <= seen && known.listed_from <= now && known.gone.is_none_or(|gone| gone > seen)
        };
        let newest = self.credentials.iter().filter(stands).map(|known| known.made).max();
        let mut credentials: Vec<Listed> = self
            .credentials
            .iter()
            .filter(stands)
            .filter(|known| self.has_overlap() || known.end.is_none_or(|end| end > seen) || Some(known.made) == newest)
            .map(|known| Listed {
                id: if self.has_overlap() {
                    known.id.clone()
                } else if Some(known.made) == newest {
                    "current".to_owned()
                } else {
                    "rotated".to_owned()
                },
                label: known.label.clone().filter(|_| self.kind == Kind::Labelled),
                start: Some(utc(known.made)),
                end: known.end.map(utc),
                hint: self.hints.then(|| known.value.chars().take(3).collect()),
                fingerprint: (self.kind == Kind::ByValue(true)).then_some(known.print),
                on: Holder::Application,
                is_secret: true,
                active: true,
            })
            .collect();
        if rng.percent(50) {
            credentials.reverse();
        }
        let date = match self.date {
            Date::Off(by) => Some(utc(now.saturating_add_signed(by))),
            Date::Missing => None,
            Date::Frozen(at) => Some(utc(at)),
        };
        Listing { credentials, date }
    }

    /// What one replica of the token endpoint says.
    pub fn trial(&mut self, value: &str, request: &str, rng: &mut Rng, now: Ms) -> TrialOutcome {
        let replica = usize::try_from(rng.below(u64::try_from(self.lags.replicas.max(1)).unwrap_or(1))).unwrap_or(0);
        let Some(known) = self.credentials.iter().rev().find(|known| *known.value == *value) else {
            return TrialOutcome::Unknown;
        };
        let knows = known.known.get(replica).is_some_and(|at| *at <= now);
        let forgot = known.forgotten.get(replica).is_some_and(|at| *at <= now);
        if !knows || forgot {
            return TrialOutcome::Unknown;
        }
        if known.end.is_some_and(|end| end <= now) {
            return if self.has_overlap() { TrialOutcome::Expired } else { TrialOutcome::Unknown };
        }
        self.uses.push((now, known.id.clone(), Some(request.to_owned())));
        TrialOutcome::Accepted
    }

    #[must_use]
    pub const fn is_full(&self, standing: u32) -> bool {
        match self.limit {
            Some(limit) => self.has_overlap() && standing >= limit,
            None => false,
        }
    }
}

pub struct New {
    pub value: Arc<str>,
    pub print: Fingerprint,
    pub label: Option<String>,
    pub by: By,
    pub end: Option<Ms>,
}

impl Credential {
    #[must_use]
    pub fn is_live(&self, now: Ms) -> bool {
        self.gone.is_none() && self.end.is_none_or(|end| end > now)
    }

    fn forget(&mut self, lags: &Lags, rng: &mut Rng, now: Ms) {
        self.gone = Some(now);
        self.forgotten = (0..lags.replicas.max(1)).map(|_| now + rng.below(lags.remove + 1)).collect();
    }
}

impl Default for Lags {
    fn default() -> Self {
        Self { replicas: 3, create: MINUTE, remove: HOUR, list: MINUTE }
    }
}
