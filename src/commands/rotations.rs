//! `credwatch rotations` and the steps a person takes. They only append to the journal and never wait for a run.

mod list;

pub use list::{ListArgs, list};

use anyhow::ensure;

use super::{
    desk::{Desk, StepArgs, step},
    stdio::remark,
};
use crate::{
    cli::Common,
    clock,
    exit::Exit,
    rotate::{Dice, Event, History, RotationId, SystemDice, identity},
    text::word,
};

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
/// There is nothing to call off, or it is too late.
pub async fn abort(args: AbortArgs, common: &Common) -> anyhow::Result<Exit> {
    let again = format!("`credwatch rotate --now {}`", word(&args.step.app));
    step(&args.step, common, History::newest, |rotation, who| {
        ensure!(rotation.end.is_none(), "this rotation is over");
        ensure!(!rotation.is_revealed(), "a person has been shown the new value: it can only go forward");
        ensure!(rotation.retired.is_none() && rotation.retiring.is_none(), "the old secret is removed already");
        let said = format!(
            "called off: the next run puts the old secret back; if that one ends too soon, it goes forward and removes nothing \
             unasked; {again} begins another one, which else waits as long as it safely can"
        );
        Ok((vec![Event::RollingBack { who }], said))
    })
}

/// # Errors
/// Nothing is blocked.
pub async fn resolve(args: ResolveArgs, common: &Common) -> anyhow::Result<Exit> {
    let note = args.note.clone();
    step(
        &args.step,
        common,
        |history| history.blocked().or_else(|| history.newest()),
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
    step(&args.step, common, History::newest, |rotation, who| {
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
    let rotation = history.newest().map_or_else(|| RotationId::new(now, SystemDice.roll()), |rotation| rotation.id);
    let event = Event::Adopted { key_ids: args.key_ids, who: args.step.who()? };
    desk.append(&identity, rotation, &event)?;
    remark(common, "noted: these are known, and never removed by credwatch");
    Ok(Exit::Clean)
}
