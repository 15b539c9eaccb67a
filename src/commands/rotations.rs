//! `credwatch rotations` and the steps a person takes. They only append to the journal and never wait for a run.

use std::sync::Arc;

use anyhow::ensure;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{
    Listing,
    desk::{Desk, StepArgs, newest, step},
    stdio::{answer, remark},
};
use crate::{
    assess::Assessment,
    cli::Common,
    clock,
    exit::Exit,
    rotate::{Dice, Event, Rotation, RotationId, Stage, Status, SystemDice, Turn, age, identity},
    text::{argument, printable},
};

/// Show every rotation that is not over, its next step, and the one command to run
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// How to show them
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    output: Listing,
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
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
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

/// # Errors
/// A state, settings or inventory that cannot be read.
pub async fn list(args: ListArgs, common: &Common) -> anyhow::Result<Exit> {
    let desk = Desk::open(common)?;
    let own_apps = desk.as_ref().map(Desk::own_apps).unwrap_or_default();
    let own = desk.as_ref().map_or(Ok(Vec::new()), |desk| desk.own(&own_apps))?;
    let open = desk.as_ref().map(noteworthy).transpose()?.unwrap_or_default();
    let now = clock::now();
    let is_blocked = |row: &Row| row.status(now).stage == Stage::Blocked;
    let exit = if open.iter().any(is_blocked) { Exit::Findings } else { super::own::exit(&own) };
    Ok(match args.output {
        Listing::Json => answer(exit, |out| writeln!(out, "{:#}", as_json(&own, &open, now))),
        Listing::Table => {
            if open.is_empty() {
                remark(common, "no rotation is under way");
            }
            answer(exit, |out| {
                out.write_all(super::own::lines(&own, common.quiet).as_bytes())?;
                out.write_all(as_text(&open, now).as_bytes())
            })
        }
    })
}

/// A rotation that somebody should know of, and whose it is.
struct Row {
    app: String,
    label: Option<Arc<str>>,
    rotation: Rotation,
}

impl Row {
    fn status(&self, now: DateTime<Utc>) -> Status {
        self.rotation.status(&argument(&self.app, self.label.as_deref()), now)
    }
}

fn noteworthy(desk: &Desk) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for subject in desk.inventory.subjects() {
        let history = desk.history(&identity(subject))?;
        rows.extend(history.noteworthy().map(|rotation| Row {
            app: subject.app.name.to_string(),
            label: subject.credential.label.clone(),
            rotation: rotation.clone(),
        }));
    }
    Ok(rows)
}

fn as_json(own: &[Assessment<'_>], rows: &[Row], now: DateTime<Utc>) -> Value {
    let row = |row: &Row| {
        let status = row.status(now);
        json!({
            "app": row.app,
            "label": row.label.as_deref(),
            "id": row.rotation.id.to_string(),
            "stage": status.stage.name(),
            "begun_at": clock::rfc3339(row.rotation.begun_at),
            "since": clock::rfc3339(status.since),
            "next": status.next,
            "turn": turn(&status.turn),
            "command": status.command.map(|command| format!("credwatch {command}")),
        })
    };
    let rows: Vec<_> = rows.iter().map(row).collect();
    json!({"schema": "credwatch.rotations/1", "management": own, "rotations": rows})
}

/// A line each, and below it the command where one is anybody's turn.
fn as_text(rows: &[Row], now: DateTime<Utc>) -> String {
    let row = |row: &Row| {
        let status = row.status(now);
        let label = row.label.as_deref().map(|label| format!(" ({label})")).unwrap_or_default();
        let age = age(row.rotation.begun_at, now);
        let line = format!("{}{label}  {}  {age}  {}", row.app, status.stage.name(), status.next);
        let command = status.command.map(|command| format!("    credwatch {}\n", printable(&command)));
        format!("{}\n{}", printable(&line), command.unwrap_or_default())
    };
    rows.iter().map(row).collect()
}

/// # Errors
/// There is nothing to call off, or it is too late.
pub async fn abort(args: AbortArgs, common: &Common) -> anyhow::Result<Exit> {
    step(&args.step, common, newest, |rotation, who| {
        ensure!(rotation.end.is_none(), "this rotation is over");
        ensure!(!rotation.is_revealed(), "a person has been shown the new value: it can only go forward");
        ensure!(rotation.retired.is_none() && rotation.retiring.is_none(), "the old secret is removed already");
        let said = "called off: the next run puts the old secret back; if that one ends too soon, it goes forward and removes nothing unasked";
        Ok((vec![Event::RollingBack { who }], said.to_owned()))
    })
}

/// # Errors
/// Nothing is blocked.
pub async fn resolve(args: ResolveArgs, common: &Common) -> anyhow::Result<Exit> {
    let note = args.note.clone();
    step(
        &args.step,
        common,
        |history| history.blocked().or_else(|| newest(history)),
        |rotation, who| {
            ensure!(rotation.blocked.is_some(), "this rotation is not blocked");
            Ok((vec![Event::Resolved { who, note }], "noted: the next run goes on from what it finds".to_owned()))
        },
    )
}

/// # Errors
/// There is no old secret to remove, or it is another one.
pub async fn retire(args: RetireArgs, common: &Common) -> anyhow::Result<Exit> {
    let named = args.predecessor.clone();
    step(&args.step, common, newest, |rotation, who| {
        ensure!(rotation.retired.is_none(), "the old secret is removed already");
        let mut events = Vec::new();
        match named {
            Some(key_id) => {
                rotation.may_be_predecessor(&key_id).map_err(anyhow::Error::msg)?;
                events.push(Event::PredecessorNamed { key_id, who: who.clone() });
            }
            None => ensure!(
                !rotation.needs_a_name(),
                "nobody knows which id the old secret has: name it with --predecessor; it may be {}",
                rotation.candidates.join(", ")
            ),
        }
        events.push(Event::RetireAsked { who });
        let which = if rotation.back.is_some() { "new" } else { "old" };
        Ok((events, format!("noted: the next run removes the {which} secret once nothing speaks against it")))
    })
}

/// # Errors
/// It cannot be noted.
pub async fn adopt(args: AdoptArgs, common: &Common) -> anyhow::Result<Exit> {
    let desk = Desk::for_step(&args.step, common)?;
    let identity = identity(desk.subject(&args.step)?);
    let history = desk.history(&identity)?;
    // A state that was lost, which is when this is needed, has no rotation to note it in.
    let now = u64::try_from(clock::now().timestamp_millis()).unwrap_or_default();
    let rotation = newest(&history).map_or_else(|| RotationId::new(now, SystemDice.roll()), |rotation| rotation.id);
    let event = Event::Adopted { key_ids: args.key_ids, who: args.step.who()? };
    desk.append(&identity, rotation, &event)?;
    remark(common, "noted: these are known, and never removed by credwatch");
    Ok(Exit::Clean)
}

fn turn(turn: &Turn) -> String {
    match turn {
        Turn::Run => "run".to_owned(),
        Turn::Person(who) => format!("person:{who}"),
        Turn::Admin => "admin".to_owned(),
        Turn::Nobody => "nobody".to_owned(),
    }
}
