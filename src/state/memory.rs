//! What is remembered of each credential, and what a run changes in it. Pure.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use chrono::{DateTime, Utc};

use super::{Vanished, vanished};
use crate::{
    assess::{Assessment, Expiry, Severity, Verdict},
    inventory::Subject,
    probe::{Fingerprint, Observation},
};

/// Every credential of earlier runs, by app; names are unique in an inventory.
#[derive(Debug, Default)]
pub struct Memory {
    apps: HashMap<Arc<str>, Vec<Remembered>>,
}

/// The last judgement of one credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Empty where the app has one credential.
    pub label: Arc<str>,
    /// The inventory whose full run saw it last; empty when only partial runs did.
    pub scope: Arc<str>,
    pub verdict: Verdict,
    pub severity: Severity,
    pub ends: Ends,
    pub fingerprint: Option<Fingerprint>,
    /// Code and first sight of each finding that stands, by code.
    pub findings: Vec<(Box<str>, DateTime<Utc>)>,
    pub(super) seen: bool,
}

/// When a credential ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ends {
    pub at: Option<DateTime<Utc>>,
    pub never: bool,
}

/// The run that looks.
#[derive(Debug, Clone, Copy)]
pub struct Night<'a> {
    pub now: DateTime<Utc>,
    /// Names the whole inventory, the same every night ([`Night::scope_of`]); `None` for a partial run
    /// (`--only`, `--tag`, `--shard`), which can say nothing about what it did not see.
    pub scope: Option<&'a str>,
    /// `--offline`: the verdicts of earlier runs stand.
    pub offline: bool,
}

/// What a run learned, for [`super::State::record`].
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub changed: Vec<Changed>,
    /// App and label of what the inventory no longer holds.
    pub removed: Vec<(Arc<str>, Arc<str>)>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Changed {
    pub app: Arc<str>,
    pub remembered: Remembered,
    /// Verdict, severity or end differ from before: worth a line of history.
    pub judgement: bool,
    /// The findings differ from before.
    pub findings: bool,
}

impl Night<'_> {
    /// The same text for the same inventory, whatever folder the command is run from.
    #[must_use]
    pub fn scope_of(paths: &[std::path::PathBuf]) -> String {
        let absolute = |path: &std::path::PathBuf| std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        let mut paths: Vec<_> = paths.iter().map(|path| absolute(path).display().to_string()).collect();
        paths.sort();
        paths.join("\n")
    }
}

impl Memory {
    pub(super) fn insert(&mut self, app: Arc<str>, remembered: Remembered) {
        self.apps.entry(app).or_default().push(remembered);
    }

    #[must_use]
    pub fn get(&self, app: &str, label: &str) -> Option<&Remembered> {
        self.apps.get(app)?.iter().find(|remembered| &*remembered.label == label)
    }

    /// The value an earlier run tested.
    #[must_use]
    pub fn value(&self, subject: Subject<'_>) -> Option<Fingerprint> {
        let label = subject.credential.label.as_deref().unwrap_or_default();
        self.get(&subject.app.name, label)?.fingerprint
    }

    /// Whether the value differs from the one an earlier run tested; `false` where one of both is unknown.
    #[must_use]
    pub fn value_changed(&self, subject: Subject<'_>, observation: &Observation) -> bool {
        match (self.value(subject), observation.fingerprint) {
            (Some(before), Some(now)) => before != now,
            _ => false,
        }
    }

    /// Takes a run's judgements over: fills each finding's `since`, and returns what has to be written.
    pub fn learn<'a, 'b: 'a>(
        &mut self,
        night: &Night<'_>,
        judged: impl IntoIterator<Item = (&'a mut Assessment<'b>, Option<Fingerprint>)>,
    ) -> Changes {
        let scope: Option<Arc<str>> = night.scope.map(Arc::from);
        let none: Arc<str> = Arc::from("");
        let mut changes = Changes::default();
        for (assessment, fingerprint) in judged {
            let subject = assessment.subject;
            let label = subject.credential.label.clone().unwrap_or_else(|| Arc::clone(&none));
            let of_app = match self.apps.entry(Arc::clone(&subject.app.name)) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => entry.insert(Vec::with_capacity(1)),
            };
            let place = of_app.iter().position(|known| known.label == label);
            if let Some(known) = place.and_then(|place| of_app.get_mut(place)) {
                known.seen = true;
            }
            let before = place.and_then(|place| of_app.get(place));
            let scope = scope.as_ref().or(before.map(|known| &known.scope)).unwrap_or(&none);
            let after = after(assessment, before, label, Arc::clone(scope), fingerprint, night);
            let judgement = before.is_none_or(|known| {
                (known.verdict, known.severity, known.ends) != (after.verdict, after.severity, after.ends)
            });
            if before != Some(&after) {
                let app = Arc::clone(&subject.app.name);
                let findings = before.map_or(&[][..], |known| &known.findings) != after.findings;
                changes.changed.push(Changed { app, remembered: after.clone(), judgement, findings });
            }
            match place.and_then(|place| of_app.get_mut(place)) {
                Some(known) => *known = after,
                None => of_app.push(after),
            }
        }
        if let Some(scope) = scope {
            self.forget_unseen(&scope, &mut changes);
        }
        changes
    }

    /// A full run saw all that its inventory holds; what it did not see is gone from it.
    fn forget_unseen(&mut self, scope: &str, changes: &mut Changes) {
        self.apps.retain(|app, of_app| {
            of_app.retain(|known| {
                let stays = known.seen || &*known.scope != scope;
                if !stays {
                    changes.removed.push((Arc::clone(app), Arc::clone(&known.label)));
                }
                stays
            });
            !of_app.is_empty()
        });
        changes.removed.sort();
    }
}

fn after(
    assessment: &mut Assessment<'_>,
    before: Option<&Remembered>,
    label: Arc<str>,
    scope: Arc<str>,
    fingerprint: Option<Fingerprint>,
    night: &Night<'_>,
) -> Remembered {
    let known = before.map(|known| known.findings.as_slice()).unwrap_or_default();
    for finding in &mut assessment.findings {
        let since =
            known.iter().find(|(code, _)| **code == *finding.code.name()).map_or(night.now, |(_, since)| *since);
        finding.since = Some(since);
    }
    let mut findings: Vec<_> = assessment
        .findings
        .iter()
        .map(|finding| (Box::from(finding.code.name()), finding.since.unwrap_or(night.now)))
        .collect();
    for (code, since) in known {
        let reported = findings.iter().any(|(now, _)| now == code);
        if !reported && vanished(code, assessment) == Vanished::Stands {
            findings.push((code.clone(), *since));
        }
    }
    findings.sort();
    // What credwatch itself signs in with is tested only by a run that rotates.
    let untested =
        night.offline || (assessment.test.verdict == Verdict::Untested && assessment.subject.app.origin.is_none());
    let (verdict, severity) = match before {
        Some(known) if untested => (known.verdict, known.severity),
        _ => (assessment.test.verdict, assessment.severity),
    };
    Remembered {
        label,
        scope,
        verdict,
        severity,
        ends: Ends::from(assessment.expiry),
        fingerprint: fingerprint.or(before.and_then(|known| known.fingerprint)),
        findings,
        seen: true,
    }
}

impl From<Expiry> for Ends {
    fn from(expiry: Expiry) -> Self {
        Self { at: expiry.at, never: expiry.never }
    }
}
