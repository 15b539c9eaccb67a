//! `credwatch claim` and `credwatch confirm`: what a person says of a hand-over. They only append to the journal.

use super::desk::{StepArgs, step};
use crate::{
    cli::Common,
    exit::Exit,
    rotate::{Event, History, Part, Permit, is_person},
};

/// Say that it is you who puts the new secret in where a person has to
#[derive(Debug, clap::Args)]
pub struct ClaimArgs {
    #[command(flatten)]
    step: StepArgs,
    /// Place it is for, where several wait for a person
    #[arg(long, value_name = "person:ADDRESS")]
    store: Option<String>,
    /// Although somebody else has claimed it
    #[arg(long)]
    take_over: bool,
}

/// Say that the new secret is in its place and works; two people have to
#[derive(Debug, clap::Args)]
pub struct ConfirmArgs {
    #[command(flatten)]
    step: StepArgs,
    /// Place it is for, where several wait for a person
    #[arg(long, value_name = "PLACE")]
    store: Option<String>,
}

/// # Errors
/// Nothing waits for a person, or somebody else has claimed it.
pub async fn claim(args: ClaimArgs, common: &Common) -> anyhow::Result<Exit> {
    step(&args.step, common, History::newest, |rotation, who| {
        let permit = rotation.may_claim(args.store.as_deref(), &who, args.take_over).map_err(anyhow::Error::msg)?;
        Ok(match permit {
            Permit::Taken(said) => (vec![], said),
            Permit::Take(store) => {
                let said = format!("claimed; next: {}", args.step.command("reveal"));
                (vec![Event::Claimed { store: store.to_owned(), who }], said)
            }
        })
    })
}

/// # Errors
/// Nothing waits for a confirmation, or not for this person's.
pub async fn confirm(args: ConfirmArgs, common: &Common) -> anyhow::Result<Exit> {
    step(&args.step, common, History::newest, |rotation, who| {
        let permit = rotation.may_confirm(args.store.as_deref(), &who).map_err(anyhow::Error::msg)?;
        let store = match permit {
            Permit::Taken(said) => return Ok((vec![], said)),
            Permit::Take(store) => store,
        };
        let is_second = rotation
            .store(store)
            .and_then(|state| state.hand_over.as_ref())
            .is_some_and(|hand| matches!(hand.part(store), Part::Witness { .. }));
        let said = if is_second || !is_person(store) {
            "confirmed; the next run takes note, and the grace begins".to_owned()
        } else {
            format!(
                "confirmed; it counts once a second person says so too ({}), or the provider's log shows it in use",
                args.step.command("confirm")
            )
        };
        Ok((vec![Event::Confirmed { store: store.to_owned(), who }], said))
    })
}
