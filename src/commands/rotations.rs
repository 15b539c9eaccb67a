//! `credwatch rotations` and the steps a person takes. They only append to the journal and never wait for a run.

use std::{io::Write, path::PathBuf};

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use serde_json::json;

use crate::{
    cli::Common,
    clock,
    exit::Exit,
    inventory::{self, Inventory, Subject},
    rotate::{Entry, Event, History, Journal, Rotation, Stage, Turn, age, identity},
    settings,
    state::{self, SqliteJournal},
    text::printable,
};

/// Show every rotation that is not over, its next step, and the one command to run
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// How to show them
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    output: Look,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Look {
    #[default]
    Table,
    Json,
}

/// Which rotation, and who takes the step.
#[derive(Debug, clap::Args)]
pub struct StepArgs {
    /// App whose rotation it is
    #[arg(value_name = "APP")]
    app: String,
    /// Label of the credential, where the app has several that rotate
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,
    /// Who takes the step, for the audit trail [default: the user's login name]
    #[arg(long = "as", value_name = "WHO")]
    who: Option<String>,
}

/// Call a rotation off: the stores get the old secret back, then the new one goes
#[derive(Debug, clap::Args)]
pub struct AbortArgs {
    #[command(flatten)]
    step: StepArgs,
}

/// Say that a blocked rotation was looked at and may go on
#[derive(Debug, clap::Args)]
pub struct ResolveArgs {
    #[command(flatten)]
    step: StepArgs,
    /// What was found and done
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
}

/// Let the next run remove the old secret; says that nobody uses it any more
#[derive(Debug, clap::Args)]
pub struct RetireArgs {
    #[command(flatten)]
    step: StepArgs,
    /// The old secret's id, where credwatch does not know it
    #[arg(long, value_name = "ID")]
    predecessor: Option<String>,
}

/// Say that credentials with a marker this state does not know are known and stay
#[derive(Debug, clap::Args)]
pub struct AdoptArgs {
    #[command(flatten)]
    step: StepArgs,
    /// Ids of the credentials, as the report names them
    #[arg(value_name = "ID", required = true)]
    key_ids: Vec<String>,
}

/// What a person's step works on.
struct Desk {
    journal: SqliteJournal,
    inventory: Inventory,
}

impl Desk {
    fn open(common: &Common) -> anyhow::Result<Option<Self>> {
        let paths = super::inventory_paths(Vec::new(), common);
        let file = settings::locate(common.config.as_deref(), paths.first().map(PathBuf::as_path));
        let settings = settings::read(file.as_deref())?;
        let inventory = inventory::read(&paths, &settings)?;
        let place = state::location(common.state.as_deref().or(settings.state.as_deref()))?;
        // Looking must not create what it looks for.
        if !place.exists() {
            return Ok(None);
        }
        Ok(Some(Self { journal: SqliteJournal::open(&place)?, inventory }))
    }

    fn history(&self, identity: &str) -> anyhow::Result<History> {
        let records = self.journal.of(identity)?;
        History::replay(&records).with_context(|| format!("the journal of {identity} contradicts itself"))
    }

    /// The one credential of the app that is meant.
    fn subject(&self, step: &StepArgs) -> anyhow::Result<Subject<'_>> {
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

    fn append(&self, identity: &str, rotation: &Rotation, event: &Event) -> anyhow::Result<()> {
        let entry =
            Entry { identity, rotation: rotation.id, epoch: None, at: clock::now(), provider_date: None, event };
        self.journal.append(entry)?;
        Ok(())
    }
}

/// # Errors
/// A state, settings or inventory that cannot be read.
pub async fn list(args: ListArgs, common: &Common) -> anyhow::Result<Exit> {
    let mut lines = Vec::new();
    if let Some(desk) = Desk::open(common)? {
        for subject in desk.inventory.subjects() {
            let history = desk.history(&identity(subject))?;
            if let Some(rotation) = history.noteworthy() {
                lines.push((subject.app.name.to_string(), subject.credential.label.clone(), rotation.clone()));
            }
        }
    }
    let now = clock::now();
    let mut stdout = anstream::stdout().lock();
    match args.output {
        Look::Json => {
            let row = |(app, label, rotation): &(String, Option<std::sync::Arc<str>>, Rotation)| {
                let status = rotation.status(app, now);
                json!({
                    "app": app,
                    "label": label.as_deref(),
                    "id": rotation.id.to_string(),
                    "stage": status.stage.name(),
                    "begun_at": clock::rfc3339(rotation.begun_at),
                    "since": clock::rfc3339(status.since),
                    "next": status.next,
                    "turn": turn(&status.turn),
                    "command": status.command.map(|command| format!("credwatch {command}")),
                })
            };
            let rows: Vec<_> = lines.iter().map(row).collect();
            writeln!(stdout, "{:#}", json!({"schema": "credwatch.rotations/1", "rotations": rows}))?;
        }
        Look::Table if lines.is_empty() => writeln!(anstream::stderr(), "no rotation is under way")?,
        Look::Table => {
            for (app, label, rotation) in &lines {
                let status = rotation.status(app, now);
                let label = label.as_deref().map(|label| format!(" ({label})")).unwrap_or_default();
                let text =
                    format!("{app}{label}  {}  {}  {}", status.stage.name(), age(rotation.begun_at, now), status.next);
                writeln!(stdout, "{}", printable(&text))?;
                if let Some(command) = status.command {
                    writeln!(stdout, "    credwatch {}", printable(&command))?;
                }
            }
        }
    }
    stdout.flush()?;
    let blocked = lines.iter().any(|(app, _, rotation)| rotation.status(app, now).stage == Stage::Blocked);
    Ok(if blocked { Exit::Findings } else { Exit::Clean })
}

/// # Errors
/// There is nothing to call off, or it is too late.
pub async fn abort(args: AbortArgs, common: &Common) -> anyhow::Result<Exit> {
    step(&args.step, common, |rotation, who| {
        ensure!(rotation.end.is_none(), "this rotation is over");
        ensure!(!rotation.is_revealed(), "a person has been shown the new value: it can only go forward");
        ensure!(rotation.retired.is_none() && rotation.retiring.is_none(), "the old secret is removed already");
        Ok((vec![Event::RollingBack { who }], "called off: the next run puts the old secret back"))
    })
}

/// # Errors
/// Nothing is blocked.
pub async fn resolve(args: ResolveArgs, common: &Common) -> anyhow::Result<Exit> {
    let note = args.note.clone();
    step(&args.step, common, |rotation, who| {
        ensure!(rotation.blocked.is_some(), "this rotation is not blocked");
        Ok((vec![Event::Resolved { who, note }], "noted: the next run goes on from what it finds"))
    })
}

/// # Errors
/// There is no old secret to remove.
pub async fn retire(args: RetireArgs, common: &Common) -> anyhow::Result<Exit> {
    let named = args.predecessor.clone();
    step(&args.step, common, |rotation, who| {
        ensure!(rotation.retired.is_none(), "the old secret is removed already");
        let mut events = Vec::new();
        if let Some(key_id) = named {
            events.push(Event::PredecessorNamed { key_id, who: who.clone() });
        }
        events.push(Event::RetireAsked { who });
        Ok((events, "noted: the next run removes the old secret once nothing speaks against it"))
    })
}

/// # Errors
/// No rotation to note it in.
pub async fn adopt(args: AdoptArgs, common: &Common) -> anyhow::Result<Exit> {
    let key_ids = args.key_ids.clone();
    step(&args.step, common, |_, who| {
        Ok((vec![Event::Adopted { key_ids, who }], "noted: these are known, and never removed by credwatch"))
    })
}

fn step(
    args: &StepArgs,
    common: &Common,
    decide: impl FnOnce(&Rotation, String) -> anyhow::Result<(Vec<Event>, &'static str)>,
) -> anyhow::Result<Exit> {
    let nothing = || format!("`{}` has no rotation: there is nothing to do", printable(&args.app));
    let desk = Desk::open(common)?.with_context(nothing)?;
    let identity = identity(desk.subject(args)?);
    let history = desk.history(&identity)?;
    let rotation = history.open().or_else(|| history.rotations.last()).with_context(nothing)?;
    let (events, said) = decide(rotation, who(args)?)?;
    for event in &events {
        desk.append(&identity, rotation, event)?;
    }
    if !common.quiet {
        writeln!(anstream::stderr(), "{said}")?;
    }
    Ok(Exit::Clean)
}

fn who(args: &StepArgs) -> anyhow::Result<String> {
    let login = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let who = args.who.clone().or(login).filter(|who| !who.trim().is_empty());
    who.context("nobody knows who you are; say so with --as")
}

fn turn(turn: &Turn) -> String {
    match turn {
        Turn::Run => "run".to_owned(),
        Turn::Person(who) => format!("person:{who}"),
        Turn::Admin => "admin".to_owned(),
        Turn::Nobody => "nobody".to_owned(),
    }
}
