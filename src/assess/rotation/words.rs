//! Messages and remedies about rotations. Stores and servers may have written some of it: it is shown cleaned and cut.

use super::{Facts, FindingCode};
use crate::{
    assess::{
        judge::Case,
        message::{day, noun},
        product,
    },
    inventory::Subject,
    rotate::{BlockReason, End, Known, Rotation, Turn, Why, age},
    text::{argument, shortened},
};

/// Longest piece of another's text, characters.
const QUOTE: usize = 300;

pub(in crate::assess) fn message(case: &Case<'_>, code: FindingCode) -> String {
    let Some(facts) = case.rotation else { return String::new() };
    match code {
        FindingCode::RotationBlocked => blocked(case, facts),
        FindingCode::RotationHandover => hand_over(case, facts),
        FindingCode::RotationFailed => failed(case, facts),
        FindingCode::OrphanLeft => orphan(facts),
        FindingCode::PredecessorKept => kept(case, facts),
        FindingCode::PredecessorStillAccepted => {
            let last = facts.known.still_accepted(case.now);
            let id = last.and_then(Rotation::predecessor).map(|id| format!(" {}", shortened(id, 120)));
            format!("The old secret{} was removed at the provider and is still accepted.", id.unwrap_or_default())
        }
        _ => under_way(case, facts),
    }
}

/// What to do, after the general words.
pub(in crate::assess) fn todo(case: &Case<'_>, code: FindingCode) -> Option<String> {
    let facts = case.rotation?;
    let run = |verb: &str| command(case, verb);
    Some(match code {
        FindingCode::RotationBlocked => {
            let way = facts.block.map(|block| way_out(block.reason)).unwrap_or_default();
            // What a run meets and does not write down is over as soon as it is mended.
            match facts.block.and_then(|block| block.rotation?.blocked.as_ref()) {
                Some(_) => format!("{way} Then {} lets it go on.", run("resolve")),
                None => way.to_owned(),
            }
        }
        FindingCode::RotationHandover => hand_over_steps(case, facts),
        FindingCode::RotationFailed => format!("{} shows what a run would do, and does none of it.", run("plan")),
        FindingCode::PredecessorKept => let_go(case, facts),
        FindingCode::RotationUnderWay => {
            let (rotation, status) = facts.shown.as_ref()?;
            let command = status.command.as_ref()?;
            let what = match rotation.back {
                Some(_) => "once it is certain that nothing has the new secret any more",
                None => "once it is certain that nobody uses the old secret",
            };
            format!("{}: `credwatch {command}`, {what}.", turn(&status.turn))
        }
        _ => return None,
    })
}

/// Why a rotation could not begin or go on, where this run knows of it.
pub(super) fn failure(known: &Known, subject: Subject<'_>) -> Option<String> {
    if subject.credential.rotate.is_none() && known.history.open().is_some() {
        return Some("the inventory no longer has `rotate` for it, so that nothing finishes what was begun".to_owned());
    }
    if let Some(store) = known.given_up() {
        return Some(format!(
            "since the last rotation ended something else has put an older secret into {store} again and again; it is no longer mended"
        ));
    }
    Some(match &known.rest.as_ref()?.why {
        Why::PlanFailed(why) => why.clone(),
        Why::Provider(why) => format!("the provider's management API gave no answer to work with: {why}"),
        Why::Store { store, why } => format!("{store}: {why}"),
        Why::NoEvidence(why) => format!("the token endpoint did not say whether the value works: {why}"),
        Why::AttemptFailed(why) => format!("this run's attempt came to nothing: {why}"),
        Why::Internal(place) => format!("credwatch itself failed at {place}; report it to its maintainers"),
        Why::Attempts => "too many attempts have failed within a day".to_owned(),
        Why::ClockSkew(seconds) => format!(
            "this machine's clock and the provider's are {} s apart, and nothing is made or removed while they are",
            seconds.unsigned_abs()
        ),
        Why::Journal(why) => why.clone(),
        Why::NotDue
        | Why::Frozen
        | Why::OutsideWindow
        | Why::Budget(_)
        | Why::NextRun(_)
        | Why::OrphanLeft { .. }
        | Why::Grace
        | Why::Person { .. }
        | Why::GateHeld { .. }
        | Why::Blocked { .. }
        | Why::Finished
        | Why::Interrupted => return None,
    })
}

/// One of our own commands, for this app.
pub(in crate::assess) fn command(case: &Case<'_>, verb: &str) -> String {
    format!("`credwatch {verb} {}`", credential(case.subject))
}

/// As a command line takes it.
pub(super) fn credential(subject: Subject<'_>) -> String {
    argument(&subject.app.name, subject.credential.label.as_deref())
}

fn under_way(case: &Case<'_>, facts: &Facts<'_>) -> String {
    let Some((rotation, status)) = &facts.shown else { return String::new() };
    let pause = match facts.known.rest.as_ref().map(|rest| &rest.why) {
        Some(Why::Frozen) => "; it is frozen".to_owned(),
        Some(Why::NextRun(why)) => format!("; {}", sentence(why)),
        _ => String::new(),
    };
    format!(
        "The {} has been in rotation for {} ({}): {}{pause}.",
        noun(case),
        age(rotation.begun_at, case.now),
        status.stage.name(),
        sentence(&status.next),
    )
}

fn failed(case: &Case<'_>, facts: &Facts<'_>) -> String {
    let which = if facts.known.history.open().is_some() { "go on" } else { "begin" };
    let failed = facts
        .failure(case)
        .map(|why| format!("The rotation of the {} could not {which} in this run: {}.", noun(case), sentence(&why)));
    let copies = facts.known.history.copies_left().map(|(_, store, why)| {
        format!("A copy of the old secret is left beside {}: {}.", shortened(store, 120), sentence(why))
    });
    failed.into_iter().chain(copies).collect::<Vec<_>>().join(" ")
}

fn blocked(case: &Case<'_>, facts: &Facts<'_>) -> String {
    let Some(block) = facts.block else { return String::new() };
    let begun = block.rotation.map(|rotation| format!(" after {}", age(rotation.begun_at, case.now)));
    let made = block.rotation.and_then(Rotation::successor);
    let end = match made {
        Some(made) => made.end.map(|end| format!(" The new {} dies on {}.", noun(case), day(end))),
        None => case.expiry.at.map(|end| format!(" The {} in use dies on {}.", noun(case), day(end))),
    };
    format!(
        "The rotation is blocked{}, because {}: {}.{}",
        begun.unwrap_or_default(),
        in_words(block.reason),
        sentence(block.why),
        end.unwrap_or_default(),
    )
}

const fn in_words(reason: BlockReason) -> &'static str {
    match reason {
        BlockReason::StateCorrupt => "its journal in the state is damaged",
        BlockReason::StateBehind => "the state is older than what is found at the provider or in a store",
        BlockReason::StoreConflict => "a store holds a value that is neither the old nor the new secret",
        BlockReason::StoreFight => "something else keeps writing to a store",
        BlockReason::PrimaryLost => "no store holds the new secret any more",
        BlockReason::SuccessorGone => "the new secret has vanished at the provider",
        BlockReason::NeverLive => "new secrets never began to work",
        BlockReason::HandoverOverdue => "nobody has confirmed in time that the new secret is in its place",
        BlockReason::OrphanUnidentified => "a secret of ours is left at the provider and cannot be told from others",
        BlockReason::AppGone => "the provider no longer knows the app",
    }
}

const fn way_out(reason: BlockReason) -> &'static str {
    match reason {
        BlockReason::StateCorrupt | BlockReason::StateBehind => {
            "Restore the newest state, or compare the provider's list of secrets with what the stores hold."
        }
        BlockReason::StoreConflict | BlockReason::StoreFight => {
            "Find out who else writes there, and leave one of the two secrets in the store."
        }
        BlockReason::PrimaryLost => "Put the old secret, or one that works, into the first store.",
        BlockReason::SuccessorGone => "See that every store holds a secret that works.",
        BlockReason::NeverLive => "Ask the provider why a new secret of this app is refused.",
        BlockReason::HandoverOverdue => "Have the new secret put in and confirmed, or call the rotation off.",
        BlockReason::OrphanUnidentified => "Remove the secret that nobody uses at the provider.",
        BlockReason::AppGone => "Register the app again, or take it out of the inventory.",
    }
}

fn hand_over(case: &Case<'_>, facts: &Facts<'_>) -> String {
    let (Some(hand), Some(rotation)) = (&facts.hand_over, facts.known.history.open()) else { return String::new() };
    let stores: Vec<_> = rotation.hand_overs().map(|(store, _)| shortened(store, 120)).collect();
    let product = case.subject.app.used_by.as_deref().map(|product| format!(" ({})", shortened(product, 60)));
    let due = match case.now > hand.due {
        true => format!("has been overdue since {}", day(hand.due)),
        false => format!("is due on {}", day(hand.due)),
    };
    let primary = rotation.plan.as_ref().and_then(|plan| plan.stores.first());
    let primary = primary.map(|primary| format!(" The new value is kept in {}.", shortened(&primary.store, QUOTE)));
    format!(
        "The new secret of {}{} waits for {} since {}; its confirmation {due}.{}",
        shortened(&case.subject.app.name, 120),
        product.unwrap_or_default(),
        stores.join(", "),
        day(hand.opened_at),
        primary.unwrap_or_default(),
    )
}

fn hand_over_steps(case: &Case<'_>, facts: &Facts<'_>) -> String {
    let command = facts.shown.as_ref().and_then(|(_, status)| status.command.clone());
    let command =
        command.filter(|_| facts.block.is_none()).unwrap_or_else(|| format!("claim {}", credential(case.subject)));
    format!(
        "Run `credwatch {command}`; each step names the next one. {}",
        product::steps(case.subject.app.used_by.as_deref())
    )
}

fn orphan(facts: &Facts<'_>) -> String {
    let Some((key_id, why)) = facts.known.orphan() else { return String::new() };
    let id = shortened(key_id, 120);
    format!("The secret {id}, which nobody holds, is left at the provider and could not be removed: {}.", sentence(why))
}

fn kept(case: &Case<'_>, facts: &Facts<'_>) -> String {
    if let Some(rotation) = facts.known.unnamed(case.now) {
        let ids = rotation.unnamed().iter().map(|id| shortened(id, 120)).collect::<Vec<_>>().join(", ");
        return format!(
            "The app still has its old secret at the provider, and only a person can say which one that is. It is one of these: {ids}."
        );
    }
    let all = facts.known.kept(case.now);
    let ids: Vec<_> = all.iter().flat_map(|(_, ids)| ids.iter()).map(|id| shortened(id, 120)).collect();
    let (why, unacked) = match all.last().and_then(|(rotation, _)| rotation.end.as_ref()) {
        Some(End::Closed { why, unacked, .. }) => (why.sentence(), unacked.as_slice()),
        _ => ("the rotation was called off", [].as_slice()),
    };
    let unacked = match unacked {
        [] => String::new(),
        unacked => format!(" Not known to have the new secret: {}.", shortened(&unacked.join(", "), QUOTE)),
    };
    let which = if ids.len() == 1 { "a secret it no longer uses" } else { "secrets it no longer uses" };
    format!("The app still has {which} at the provider ({}): {why}.{unacked}", ids.join(", "))
}

/// How what was kept is removed after all.
fn let_go(case: &Case<'_>, facts: &Facts<'_>) -> String {
    let unnamed = facts.known.unnamed(case.now);
    let Some(rotation) = unnamed.or_else(|| facts.known.kept(case.now).last().map(|(rotation, _)| *rotation)) else {
        return String::new();
    };
    if rotation.overtaken {
        return "A later rotation has begun: remove it at the provider, or say with `credwatch adopt` that it stays."
            .to_owned();
    }
    let command = rotation.retire(&credential(case.subject));
    let names = if unnamed.is_some() { "names it, and it is removed" } else { "removes it" };
    format!("`credwatch {command}` {names} once nothing speaks against it.")
}

fn turn(turn: &Turn) -> String {
    match turn {
        Turn::Person(address) => shortened(address, 120),
        Turn::Admin => "An admin".to_owned(),
        Turn::Run | Turn::Nobody => "Sooner".to_owned(),
    }
}

/// Without its last full stop, on one harmless line.
fn sentence(text: &str) -> String {
    shortened(text.trim().trim_end_matches('.'), QUOTE)
}
