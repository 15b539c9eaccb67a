//! `credwatch check-paste`: whether what somebody is about to put in is the new secret, and if not, which slip it is.

use std::io::{self, IsTerminal};

use anyhow::Context;

use super::{
    desk::{Desk, StepArgs, nothing},
    stdio::{answer, piped_secret, typed_secret},
};
use crate::{
    cli::Common,
    exit::Exit,
    inventory::Subject,
    logging,
    rotate::{History, Made, Right, Slip, Whose, identity, slip},
    secret::{Fingerprint, Secret},
};

/// Tell whether what you paste is the new secret, and if not, which slip it is; shows neither
///
/// On a terminal it asks, and what is pasted is not shown. Else it takes stdin to the last byte, so that a line break copied
/// along is found: `wl-paste --no-newline | credwatch check-paste APP`. Exit code 0: it is the new secret; 1: it is not.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    step: StepArgs,
}

/// # Errors
/// There is nothing to compare with.
pub async fn run(args: Args, common: &Common) -> anyhow::Result<Exit> {
    let desk = Desk::for_step(&args.step, common)?;
    let subject = desk.subject(&args.step)?;
    let identity = identity(subject);
    let history = desk.history(&identity)?;
    let rotation = history.newest().with_context(|| nothing(&args.step))?;
    let made = rotation.successor().filter(|_| rotation.attempt().is_some_and(|attempt| attempt.placed));
    let made =
        made.context("the rotation has put no new secret into its first store: there is nothing to compare with")?;
    let typed = typed()?;
    let value = match desk.new_value(subject, made).await {
        Ok(value) => value,
        Err(why) => {
            logging::print_error(&why);
            return Ok(Exit::Incomplete);
        }
    };
    let found = compare(&desk, subject, &identity, &history, made, (&typed, &value));
    let said = found.as_ref().map_or_else(|| "It is the new secret.".to_owned(), ToString::to_string);
    let exit = if found.is_none() { Exit::Clean } else { Exit::Findings };
    Ok(answer(exit, |out| writeln!(out, "{said}")))
}

fn compare(
    desk: &Desk,
    subject: Subject<'_>,
    identity: &str,
    history: &History,
    made: &Made,
    (typed, value): (&Secret, &Secret),
) -> Option<Slip> {
    let plans = history.rotations.iter().filter_map(|rotation| rotation.plan.as_ref());
    let listed = plans.flat_map(|plan| plan.baseline.iter().chain(&plan.predecessor));
    let ids = listed.chain(&made.key_id).chain(&subject.credential.secret_id).map(String::as_str);
    let ids: Vec<&str> = ids.collect();
    let whose = |print: Fingerprint| match history.owner(print) {
        Some(_) => Some(Whose::Earlier),
        None => desk.app_of(print, identity).map(Whose::App),
    };
    slip(
        typed,
        &Right {
            value,
            fingerprints: desk.fingerprints(),
            secret_ids: &ids,
            client_id: &subject.app.client_id,
            whose: &whose,
        },
    )
}

/// What a person pastes or pipes in.
fn typed() -> anyhow::Result<Secret> {
    let bytes =
        if io::stdin().is_terminal() { typed_secret("Paste the secret (not shown): ")? } else { piped_secret()? };
    let text = std::str::from_utf8(&bytes).ok().context("what was handed in is no text (UTF-8)")?;
    Ok(Secret::new(text.to_owned()))
}
