//! What credwatch itself signs in with: a run that rotates looks at it, any other tells what the last such run saw.

use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};

use crate::{
    api::Api,
    assess::{self, Assessment, Ours, Policy, Recall},
    clock,
    inventory::{App, Subject},
    management,
    probe::{NotTested, Observation, Outcome, Prober},
    provider::Meaning,
    secret::{Fingerprint, Resolver},
    settings::Settings,
    state::Memory,
};

/// A judgement and the fingerprint of the value that was judged.
pub type Seen<'a> = (Assessment<'a>, Option<Fingerprint>);

/// What looking needs.
pub struct Look<'l> {
    pub settings: &'l Settings,
    pub secrets: &'l Arc<Resolver>,
    pub memory: &'l Memory,
    pub fingerprint_key: [u8; 32],
    pub prober: &'l Prober,
}

impl Look<'_> {
    /// Tests each of `apps` and asks its provider when it ends.
    ///
    /// # Errors
    /// No HTTP client can be set up.
    pub async fn examine<'a>(&self, apps: &'a [App]) -> anyhow::Result<Vec<Seen<'a>>> {
        if apps.is_empty() {
            return Ok(Vec::new());
        }
        let api = Api::new(&self.settings.http, self.settings.ca.as_deref());
        let api = api.context("the HTTP client could not be set up")?;
        let subjects: Vec<Subject<'a>> = subjects(apps).collect();
        let observations = self.prober.run(&subjects, |_| ()).await;
        let mut seen = Vec::new();
        for (subject, observation) in subjects.into_iter().zip(&observations) {
            if observation.outcome != Outcome::NotTested(NotTested::Interrupted) {
                let end = self.end(subject, observation, &api).await;
                let value_changed = self.memory.value_changed(subject, observation);
                seen.push(judge(subject, observation, (end, value_changed), &self.settings.policy, clock::now()));
            }
        }
        Ok(seen)
    }

    /// As the provider tells it, else as it told it of the same value before.
    async fn end(&self, subject: Subject<'_>, observation: &Observation, api: &Api) -> Option<DateTime<Utc>> {
        let accepted = matches!(&observation.outcome, Outcome::Answered(answer) if answer.meaning == Meaning::Token);
        let (settings, key) = (self.settings, &self.fingerprint_key);
        let told = match accepted {
            true => management::own_end(subject, settings, self.secrets, api, key, clock::now()).await,
            false => None,
        };
        let is_same = !self.memory.value_changed(subject, observation);
        told.or_else(|| remembered(self.memory, subject).filter(|_| is_same).flatten())
    }
}

/// What the last run that looked has left; nothing is sent.
pub fn recall<'a>(apps: &'a [App], memory: &Memory, policy: &Policy, now: DateTime<Utc>) -> Vec<Seen<'a>> {
    let known = subjects(apps).filter_map(|subject| Some((subject, remembered(memory, subject)?)));
    let untested = Observation::local(Outcome::NotTested(NotTested::Offline));
    known.map(|(subject, end)| judge(subject, &untested, (end, false), policy, now)).collect()
}

fn subjects(apps: &[App]) -> impl Iterator<Item = Subject<'_>> {
    apps.iter().flat_map(|app| app.credentials.iter().map(move |credential| Subject { app, credential }))
}

/// `None`: never looked at.
fn remembered(memory: &Memory, Subject { app, credential }: Subject<'_>) -> Option<Option<DateTime<Utc>>> {
    Some(memory.get(&app.name, credential.label.as_deref().unwrap_or_default())?.ends.at)
}

fn judge<'a>(
    subject: Subject<'a>,
    observation: &Observation,
    (end, value_changed): (Option<DateTime<Utc>>, bool),
    policy: &Policy,
    now: DateTime<Utc>,
) -> Seen<'a> {
    let recall = Recall { value_changed, ours: Some(Ours { end }), ..Recall::default() };
    (assess::assess(subject, observation, policy, now, &recall), observation.fingerprint)
}
