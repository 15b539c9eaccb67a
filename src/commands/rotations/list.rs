//! What is not over, blocked or left behind, its next step, and whose turn it is.

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    assess::Assessment,
    cli::Common,
    clock,
    commands::{
        Listing,
        desk::Desk,
        own,
        stdio::{answer, remark},
    },
    exit::Exit,
    inventory::Subject,
    job::journal::{self, Lost},
    rotate::{Block, BlockReason, Known, Rotation, Stage, Status, Turn, age},
    run::Incomplete,
    text::{argument, printable, shortened},
};

/// Show every rotation that is not over, its next step, and the one command to run
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// How to show them
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    output: Listing,
}

/// # Errors
/// A state, settings or inventory that cannot be read.
pub async fn list(args: ListArgs, common: &Common) -> anyhow::Result<Exit> {
    let desk = Desk::open(common)?;
    let own_apps = desk.as_ref().map(Desk::own_apps).unwrap_or_default();
    let own = desk.as_ref().map_or(Ok(Vec::new()), |desk| desk.own(&own_apps))?;
    let now = clock::now();
    let rows = desk.as_ref().map(|desk| rows(desk, now)).transpose()?.unwrap_or_default();
    let exit = rows.iter().fold(own::exit(&own), |exit, row| exit.worse(row.exit));
    Ok(match args.output {
        Listing::Json => answer(exit, |out| writeln!(out, "{:#}", as_json(&own, &rows))),
        Listing::Table => {
            if rows.is_empty() {
                remark(common, "no rotation is under way");
            }
            answer(exit, |out| {
                out.write_all(own::lines(&own, common.quiet).as_bytes())?;
                out.write_all(as_text(&rows, now).as_bytes())
            })
        }
    })
}

/// What somebody should know of, and whose it is.
struct Row {
    app: String,
    label: Option<String>,
    /// Name and beginning of the rotation; `None`: none has begun, or its journal cannot be read.
    rotation: Option<(String, DateTime<Utc>)>,
    stage: Stage,
    since: Option<DateTime<Utc>>,
    next: String,
    turn: Turn,
    command: Option<String>,
    exit: Exit,
}

fn rows(desk: &Desk, now: DateTime<Utc>) -> anyhow::Result<Vec<Row>> {
    let unreadable = |fault: Incomplete| anyhow!(fault.message);
    let subjects: Vec<_> = desk.inventory.subjects().collect();
    let known = journal::known(&desk.journal, &subjects).map_err(unreadable)?;
    let lost = journal::lost(&desk.journal, &subjects, &desk.memory()?).map_err(unreadable)?;
    let here = subjects.iter().zip(&known).filter_map(|(subject, known)| Row::of(*subject, known, now));
    Ok(here.chain(lost.iter().map(|lost| Row::without_app(lost, now))).collect())
}

impl Row {
    fn of(subject: Subject<'_>, known: &Known, now: DateTime<Utc>) -> Option<Self> {
        let label = subject.credential.label.as_deref();
        let name = argument(&subject.app.name, label);
        let rotation = known.history.noteworthy();
        let mut row = match (known.block(), rotation) {
            // A block that a record of the rotation tells of is part of its status.
            (Some(block), shown) if shown.is_none_or(|shown| shown.blocked.is_none()) => {
                Self::blocked(&block, shown, known.history.behind.as_ref().map(|(_, since)| *since), &name)
            }
            (_, shown) => Self::under_way(shown?, shown?.status(&name, now)),
        };
        if subject.credential.rotate.is_none() {
            row.next = format!("its `rotate` block has left the inventory: put it back; then: {}", row.next);
            (row.turn, row.command) = (Turn::Admin, None);
        }
        (row.app, row.label) = (subject.app.name.to_string(), label.map(str::to_owned));
        Some(row)
    }

    fn under_way(rotation: &Rotation, status: Status) -> Self {
        let Status { stage, since, next, turn, command } = status;
        Self {
            app: String::new(),
            label: None,
            rotation: Some((rotation.id.to_string(), rotation.begun_at)),
            stage,
            since: Some(since),
            next,
            turn,
            command,
            exit: if stage == Stage::Blocked { Exit::Findings } else { Exit::Clean },
        }
    }

    /// What no rotation's own records tell: a journal that is damaged, or behind what was found in the world.
    fn blocked(block: &Block<'_>, shown: Option<&Rotation>, since: Option<DateTime<Utc>>, name: &str) -> Self {
        let is_damaged = block.reason == BlockReason::StateCorrupt;
        let advice = if is_damaged { "; restore the newest state" } else { "" };
        Self {
            app: String::new(),
            label: None,
            rotation: shown.map(|rotation| (rotation.id.to_string(), rotation.begun_at)),
            stage: Stage::Blocked,
            since,
            next: format!("blocked ({}): {}{advice}", block.reason.name(), shortened(block.why, 500)),
            turn: Turn::Admin,
            command: (!is_damaged).then(|| format!("plan {name}")),
            exit: if is_damaged { Exit::Incomplete } else { Exit::Findings },
        }
    }

    fn without_app(Lost { identity, rotation }: &Lost, now: DateTime<Utc>) -> Self {
        let plan = rotation.plan.as_ref();
        let status = rotation.status(&argument(plan.map_or(identity, |plan| &plan.app), None), now);
        let next = format!(
            "the inventory no longer has it ({}): put it back until its rotation is over; then: {}",
            shortened(identity, 300),
            status.next
        );
        Self {
            app: plan.map_or(identity, |plan| &plan.app).clone(),
            label: plan.and_then(|plan| plan.label.clone()),
            next,
            turn: Turn::Admin,
            command: None,
            exit: Exit::Incomplete,
            ..Self::under_way(rotation, status)
        }
    }
}

fn as_json(own: &[Assessment<'_>], rows: &[Row]) -> Value {
    let row = |row: &Row| {
        json!({
            "app": row.app,
            "label": row.label,
            "id": row.rotation.as_ref().map(|(id, _)| id),
            "stage": row.stage.name(),
            "begun_at": row.rotation.as_ref().map(|(_, at)| clock::rfc3339(*at)),
            "since": row.since.map(clock::rfc3339),
            "next": row.next,
            "turn": turn(&row.turn),
            "command": row.command.as_ref().map(|command| format!("credwatch {command}")),
        })
    };
    let rows: Vec<_> = rows.iter().map(row).collect();
    json!({"schema": "credwatch.rotations/1", "management": own, "rotations": rows})
}

/// A line each, and below it the command where one is anybody's turn.
fn as_text(rows: &[Row], now: DateTime<Utc>) -> String {
    let row = |row: &Row| {
        let label = row.label.as_deref().map(|label| format!(" ({label})")).unwrap_or_default();
        let begun = row.rotation.as_ref().map(|(_, at)| *at).or(row.since);
        let age = begun.map(|at| format!("  {}", age(at, now))).unwrap_or_default();
        let line = format!("{}{label}  {}{age}  {}", row.app, row.stage.name(), row.next);
        let command = row.command.as_ref().map(|command| format!("    credwatch {}\n", printable(command)));
        format!("{}\n{}", printable(&line), command.unwrap_or_default())
    };
    rows.iter().map(row).collect()
}

fn turn(turn: &Turn) -> String {
    match turn {
        Turn::Run => "run".to_owned(),
        Turn::Person(who) => format!("person:{who}"),
        Turn::Admin => "admin".to_owned(),
        Turn::Nobody => "nobody".to_owned(),
    }
}
