//! Where a person takes a step of a rotation: the journal, the inventory, and which credential is meant.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, bail, ensure};

use super::stdio::remark;
use crate::{
    assess::Assessment,
    cli::Common,
    clock,
    exit::Exit,
    inventory::{App, Inventory, Subject},
    job::own,
    management,
    rotate::{Entry, Event, History, Journal, Made, Rotation, RotationId, identity, primary},
    secret::{Fingerprint, Fingerprints, Resolver, Secret},
    settings::Settings,
    state::{self, Memory, Sqlite, SqliteJournal, State},
    text::{argument, printable},
};

/// Which rotation, and who takes the step.
#[derive(Debug, clap::Args)]
pub(super) struct StepArgs {
    /// App whose rotation it is
    #[arg(value_name = "APP")]
    pub app: String,
    /// Label of the credential, where the app has several that rotate
    #[arg(long, value_name = "LABEL")]
    pub label: Option<String>,
    /// Who takes the step, for the audit trail [default: the user's login name]
    #[arg(long = "as", value_name = "WHO")]
    pub who: Option<String>,
}

impl StepArgs {
    pub fn who(&self) -> anyhow::Result<String> {
        let login = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        let who = self.who.clone().or(login).map(|who| who.trim().to_owned()).filter(|who| !who.is_empty());
        who.context("nobody knows who you are; say so with --as")
    }

    /// This app in a command line that goes on from here.
    pub fn command(&self, verb: &str) -> String {
        format!("`credwatch {verb} {}`", argument(&self.app, self.label.as_deref()))
    }
}

/// What a person's step works on.
pub(super) struct Desk {
    pub journal: SqliteJournal,
    pub inventory: Inventory,
    settings: Settings,
    state: PathBuf,
}

impl Desk {
    /// `None`: no run has left a state yet.
    pub fn open(common: &Common) -> anyhow::Result<Option<Self>> {
        let (settings, inventory) = super::settings_and_inventory(common)?;
        let state = state::location(common.state.as_deref().or(settings.state.as_deref()))?;
        // Looking must not create what it looks for.
        if !state.exists() {
            return Ok(None);
        }
        Ok(Some(Self { journal: SqliteJournal::open(&state)?, inventory, settings, state }))
    }

    pub fn for_step(args: &StepArgs, common: &Common) -> anyhow::Result<Self> {
        Self::open(common)?.with_context(|| nothing(args))
    }

    pub fn history(&self, identity: &str) -> anyhow::Result<History> {
        let records = self.journal.of(identity)?;
        History::replay(&records).with_context(|| format!("the journal of {identity} contradicts itself"))
    }

    pub fn own_apps(&self) -> Vec<App> {
        management::own_apps(&self.inventory, &self.settings)
    }

    pub fn memory(&self) -> anyhow::Result<Memory> {
        Ok(Sqlite::open(&self.state)?.memory()?)
    }

    /// What the last run that rotated saw of what credwatch itself signs in with.
    pub fn own<'a>(&self, apps: &'a [App]) -> anyhow::Result<Vec<Assessment<'a>>> {
        let memory = self.memory()?;
        let seen = own::recall(apps, &memory, &self.settings.policy, clock::now());
        Ok(seen.into_iter().map(|(assessment, _)| assessment).collect())
    }

    /// The one credential of the app that is meant.
    pub fn subject(&self, step: &StepArgs) -> anyhow::Result<Subject<'_>> {
        let of_app: Vec<Subject<'_>> =
            self.inventory.subjects().filter(|subject| *subject.app.name == *step.app).collect();
        ensure!(!of_app.is_empty(), "the inventory has no app named `{}`", printable(&step.app));
        let fits = |subject: &Subject<'_>| {
            step.label.is_none() || subject.credential.label.as_deref() == step.label.as_deref()
        };
        let rotating = of_app.into_iter().filter(|subject| subject.credential.rotate.is_some() && fits(subject));
        let rotating: Vec<Subject<'_>> = rotating.collect();
        match rotating.as_slice() {
            [one] => Ok(*one),
            [] => bail!("`{}` has no such credential with a `rotate:` block", printable(&step.app)),
            _ => bail!("`{}` has several credentials that rotate; name one with --label", printable(&step.app)),
        }
    }

    pub fn append(&self, identity: &str, rotation: RotationId, event: &Event) -> anyhow::Result<()> {
        let entry = Entry { identity, rotation, epoch: None, at: clock::now(), provider_date: None, event };
        self.journal.append(entry)?;
        Ok(())
    }

    pub fn fingerprints(&self) -> Fingerprints<'_> {
        Fingerprints::new(self.journal.key())
    }

    /// The new value, as the first store holds it now; never another one.
    ///
    /// # Errors
    /// The store cannot be read, or does not hold it.
    pub async fn new_value(&self, subject: Subject<'_>, made: &Made) -> anyhow::Result<Secret> {
        let secrets = Arc::new(Resolver::new(self.settings.exec.clone()));
        let (address, store) = primary(subject, &self.settings, &secrets).await?;
        let content = store.read().await.with_context(|| address.clone())?;
        let value = content.value.with_context(|| format!("{address} holds nothing"))?;
        ensure!(
            self.fingerprints().of(&value) == made.fingerprint,
            "{address} does not hold the new secret but another value; `credwatch rotations` says what is going on"
        );
        Ok(value)
    }

    /// Another app whose value this is or was, as far as this state knows.
    pub fn app_of(&self, value: Fingerprint, but: &str) -> Option<String> {
        let others = self.journal.identities().unwrap_or_default().into_iter().filter(|identity| identity != but);
        let histories = others.filter_map(|identity| self.history(&identity).ok());
        let rotated = histories.into_iter().find_map(|history| {
            history.owner(value)?;
            history.rotations.iter().rev().find_map(|rotation| Some(rotation.plan.as_ref()?.app.clone()))
        });
        rotated.or_else(|| {
            let memory = self.memory().ok()?;
            let found = self.inventory.subjects().find(|subject| memory.value(*subject) == Some(value))?;
            (identity(found) != but).then(|| found.app.name.to_string())
        })
    }
}

pub(super) fn nothing(args: &StepArgs) -> String {
    format!("`{}` has no rotation: there is nothing to do", printable(&args.app))
}

/// Appends what `decide` makes of the rotation that `choose` finds.
pub(super) fn step(
    args: &StepArgs,
    common: &Common,
    choose: impl FnOnce(&History) -> Option<&Rotation>,
    decide: impl FnOnce(&Rotation, String) -> anyhow::Result<(Vec<Event>, String)>,
) -> anyhow::Result<Exit> {
    let desk = Desk::for_step(args, common)?;
    let identity = identity(desk.subject(args)?);
    let history = desk.history(&identity)?;
    let rotation = choose(&history).with_context(|| nothing(args))?;
    let (events, said) = decide(rotation, args.who()?)?;
    for event in &events {
        desk.append(&identity, rotation.id, event)?;
    }
    remark(common, &said);
    Ok(Exit::Clean)
}
