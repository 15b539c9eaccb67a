//! Outcomes and plans in words, and what they mean for the exit code.

use chrono::{DateTime, Utc};

use super::{Foresight, Outcome, Planned, Policy, Rest, Unfit, Why};
use crate::{
    clock,
    exit::Exit,
    text::{argument, printable},
};

/// One line (a plan: several) and how it ends a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    pub exit: Exit,
}

/// What cannot be rotated as things are.
#[must_use]
pub fn unfit(unfit: &[Unfit<'_>]) -> Exit {
    for unfit in unfit {
        tracing::error!("{}: {}", printable(&unfit.subject.app.name), unfit.why);
    }
    if unfit.is_empty() { Exit::Clean } else { Exit::Incomplete }
}

#[must_use]
pub fn outcome(policy: &Policy, outcome: &Outcome, now: DateTime<Utc>) -> Line {
    let name = name(policy);
    let (said, mut exit) = rest(&outcome.rest);
    // Whatever else became of this run (I11).
    if outcome.history.blocked().is_some() {
        exit = exit.worse(Exit::Findings);
    }
    if outcome.history.left_over().is_some() {
        exit = exit.worse(Exit::Incomplete);
    }
    let text = match outcome.history.noteworthy() {
        Some(rotation) => {
            let status = rotation.status(&argument(&policy.app, policy.label.as_deref()), now);
            let command = status.command.map(|command| format!(" (credwatch {command})")).unwrap_or_default();
            format!("{name}: {} - {}{command}; {said}", status.stage.name(), status.next)
        }
        None => format!("{name}: {said}"),
    };
    Line { text: printable(&text), exit }
}

/// What a run leaves it at.
fn rest(rest: &Rest) -> (String, Exit) {
    let until = rest.until.map(|at| format!(" until {}", clock::rfc3339(at))).unwrap_or_default();
    match &rest.why {
        Why::NotDue => (format!("not due{until}"), Exit::Clean),
        Why::Frozen => ("frozen: observed only".to_owned(), Exit::Clean),
        Why::OutsideWindow => ("outside its window".to_owned(), Exit::Clean),
        Why::Budget(why) => ((*why).to_owned(), Exit::Clean),
        Why::Grace => (format!("both secrets live{until}"), Exit::Clean),
        Why::Finished => ("nothing to do".to_owned(), Exit::Clean),
        Why::NextRun(why) => (format!("{why}; the next run goes on{until}"), Exit::Clean),
        Why::Person { store } => (format!("waits for {store}"), Exit::Clean),
        Why::GateHeld { why, .. } => (format!("the old secret stays: {why}"), Exit::Clean),
        Why::PlanFailed(why) => (format!("cannot be rotated: {why}"), Exit::Incomplete),
        Why::ClockSkew(seconds) => (
            format!("this machine's clock and the provider's differ by {seconds} s: nothing is made or removed"),
            Exit::Incomplete,
        ),
        Why::Provider(why) => (format!("the provider could not be asked: {why}"), Exit::Incomplete),
        Why::Store { store, why } => (format!("{store}: {why}"), Exit::Incomplete),
        Why::NoEvidence(why) => (format!("nothing is known of the secret: {why}"), Exit::Incomplete),
        Why::AttemptFailed(why) => (format!("this run's attempt came to nothing: {why}{until}"), Exit::Incomplete),
        Why::Attempts => ("three attempts within 24 h: tried again later".to_owned(), Exit::Incomplete),
        Why::OrphanLeft { key_id, why } => (format!("{key_id} is left over: {why}"), Exit::Incomplete),
        Why::Interrupted => ("interrupted; what was done is recorded".to_owned(), Exit::Incomplete),
        Why::Journal(why) => (why.clone(), Exit::Incomplete),
        Why::Internal(place) => {
            (format!("a defect of credwatch at {place}: nothing more was done for it"), Exit::Incomplete)
        }
        Why::Blocked { reason, why } => (format!("blocked ({}): {why}", reason.name()), Exit::Findings),
    }
}

#[must_use]
pub fn foresight(policy: &Policy, seen: &Foresight, now: DateTime<Utc>) -> Line {
    let name = name(policy);
    let (text, exit) = match seen {
        Foresight::Begins(plan) => (effects(policy, plan), Exit::Clean),
        Foresight::GoesOn { rotation, .. } => {
            let status = rotation.status(&argument(&policy.app, policy.label.as_deref()), now);
            (format!("{} - {}", status.stage.name(), status.next), Exit::Clean)
        }
        Foresight::Rests(seen) => rest(seen),
    };
    let lines: Vec<String> = format!("{name}: {text}").lines().map(printable).collect();
    Line { text: lines.join("\n"), exit }
}

/// Every effect a rotation would have, in their order.
fn effects(policy: &Policy, plan: &Planned) -> String {
    let mut lines = vec!["would rotate:".to_owned()];
    lines.push(format!("  create a secret that ends {}", clock::rfc3339(plan.end)));
    lines.push("  wait until the token endpoint accepts it steadily".to_owned());
    for place in &policy.places {
        lines.push(match place.abilities {
            None => format!("  hand it over to {}", place.address),
            Some(abilities) if abilities.readable => format!("  write {} and read it back", place.address),
            Some(_) => format!("  write {}, which cannot be read back", place.address),
        });
    }
    lines.push(format!("  leave both live for at least {} h", policy.grace.as_secs() / 3600));
    lines.push(match (&plan.predecessor, policy.retire) {
        (Some(old), true) => format!("  remove {old} once nothing speaks against it"),
        (None, true) => "  remove nothing: nobody knows which id the old secret has".to_owned(),
        (_, false) => "  remove nothing: `retire` is not set".to_owned(),
    });
    lines.join("\n")
}

fn name(policy: &Policy) -> String {
    match &policy.label {
        Some(label) => format!("{} ({label})", policy.app),
        None => policy.app.clone(),
    }
}
