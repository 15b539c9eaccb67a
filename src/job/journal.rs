//! What the journal of rotations knows of a run's credentials, and of credentials the inventory no longer has.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::{
    inventory::Subject,
    rotate::{BlockReason, Contradiction, History, Journal, JournalFault, Known, Rest, Rotation, Why, age, identity},
    run::Incomplete,
    state::Memory,
    text::{argument, shortened},
};

/// For each credential what is known of its rotations; empty where the journal knows none of them.
///
/// # Errors
/// The journal cannot be read.
pub fn known(journal: &dyn Journal, subjects: &[Subject<'_>]) -> Result<Vec<Known>, Incomplete> {
    let recorded: HashSet<String> = journal.identities().map_err(|fault| unreadable(&fault))?.into_iter().collect();
    if recorded.is_empty() {
        return Ok(Vec::new());
    }
    let of_one = |subject: &Subject<'_>| match identity(*subject) {
        identity if recorded.contains(&identity) => {
            let mut known = of(journal, &identity)?;
            // Without an opt-in no run looks whether that still holds.
            known.history.behind = known.history.behind.filter(|_| subject.credential.rotate.is_some());
            Ok(known)
        }
        _ => Ok(Known::default()),
    };
    subjects.iter().map(of_one).collect()
}

/// Damage to one credential's records blocks that one, never the run.
fn of(journal: &dyn Journal, identity: &str) -> Result<Known, Incomplete> {
    let damaged = |why: String| {
        let why = Why::Blocked { reason: BlockReason::StateCorrupt, why };
        Ok(Known { history: History::default(), rest: Some(Rest { why, until: None }) })
    };
    match journal.of(identity) {
        Ok(records) => match History::replay(&records) {
            Ok(history) => Ok(Known { history, rest: None }),
            Err(Contradiction(why)) => damaged(why),
        },
        Err(JournalFault::Corrupt { reason, .. }) => damaged(reason),
        Err(fault) => Err(unreadable(&fault)),
    }
}

/// A rotation that is under way, and whose credential no inventory has any more.
pub struct Lost {
    pub identity: String,
    pub rotation: Rotation,
}

/// They are never forgotten. `memory` is what a full run of this inventory leaves behind.
///
/// # Errors
/// The journal cannot be read.
pub fn lost(journal: &dyn Journal, subjects: &[Subject<'_>], memory: &Memory) -> Result<Vec<Lost>, Incomplete> {
    let mut recorded = journal.identities().map_err(|fault| unreadable(&fault))?;
    if recorded.is_empty() {
        return Ok(Vec::new());
    }
    let present: HashSet<String> = subjects.iter().map(|subject| identity(*subject)).collect();
    recorded.retain(|identity| !present.contains(identity));
    let mut lost = Vec::new();
    for identity in recorded {
        let known = of(journal, &identity)?;
        let Some(rotation) = known.history.open().filter(|open| !is_elsewhere(open, subjects, memory)) else {
            continue;
        };
        lost.push(Lost { rotation: rotation.clone(), identity });
    }
    Ok(lost)
}

/// The same as debts of a run.
///
/// # Errors
/// The journal cannot be read.
pub fn without_app(
    journal: &dyn Journal,
    subjects: &[Subject<'_>],
    memory: &Memory,
    now: DateTime<Utc>,
) -> Result<Vec<Incomplete>, Incomplete> {
    let debt = |lost: &Lost| Incomplete::new("rotation-app-gone", sentence(&lost.identity, &lost.rotation, now));
    Ok(lost(journal, subjects, memory)?.iter().map(debt).collect())
}

/// One state may serve several inventories: what another one holds is that one's business.
fn is_elsewhere(rotation: &Rotation, subjects: &[Subject<'_>], memory: &Memory) -> bool {
    let Some(plan) = &rotation.plan else { return false };
    let is_here = subjects.iter().any(|subject| *subject.app.name == *plan.app);
    !is_here && memory.get(&plan.app, plan.label.as_deref().unwrap_or_default()).is_some()
}

fn sentence(identity: &str, rotation: &Rotation, now: DateTime<Utc>) -> String {
    let app = rotation.plan.as_ref().map_or(identity, |plan| &plan.app);
    let status = rotation.status(&argument(app, None), now);
    format!(
        "rotation {} of {} has been under way for {} ({}), and the inventory no longer has this credential \
         ({}); next: {}; put it back until its rotation is over",
        rotation.id,
        shortened(app, 120),
        age(rotation.begun_at, now),
        status.stage.name(),
        shortened(identity, 300),
        shortened(&status.next, 300),
    )
}

fn unreadable(fault: &JournalFault) -> Incomplete {
    Incomplete::new("state-unavailable", format!("the journal of rotations could not be read: {fault}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::App,
        rotate::{Entry, Event, fixture},
        state::{
            Night, SqliteJournal,
            fixture::{app, judged},
        },
    };

    fn journal(identity: &str, events: Vec<(&str, Event)>) -> SqliteJournal {
        let journal = SqliteJournal::in_memory().unwrap();
        for (day, event) in events {
            let (rotation, at) = (fixture::id(), fixture::on(day));
            journal.append(Entry { identity, rotation, epoch: None, at, provider_date: None, event: &event }).unwrap();
        }
        journal
    }

    fn subject(app: &App) -> Subject<'_> {
        Subject { app, credential: &app.credentials[0] }
    }

    /// What a run over `apps` of the inventory `scope` remembers.
    fn remember(memory: &mut Memory, scope: &str, apps: &[App]) {
        let now = fixture::on("2026-11-21");
        let mut judged: Vec<_> = apps.iter().map(|app| judged(app, now, crate::assess::Verdict::Valid, None)).collect();
        let night = Night { now, scope: Some(scope), offline: false };
        memory.learn(&night, judged.iter_mut().map(|one| (one, None)));
    }

    #[test]
    fn each_credential_finds_its_own_history() {
        let apps = [app("one", &[]), app("two", &[])];
        let journal = journal(&identity(subject(&apps[1])), fixture::placed("two", "2026-11-20"));
        let subjects: Vec<_> = apps.iter().map(subject).collect();
        let known = known(&journal, &subjects).unwrap();
        assert_eq!(known.iter().map(|known| known.history.rotations.len()).collect::<Vec<_>>(), [0, 1]);
        let none = super::known(&SqliteJournal::in_memory().unwrap(), &subjects).unwrap();
        assert!(none.is_empty());
    }

    #[test]
    fn a_history_that_contradicts_itself_blocks_and_is_never_empty() {
        let apps = [app("one", &[])];
        let twice = [fixture::made("one", "2026-11-20"), fixture::made("one", "2026-11-20")].concat();
        let journal = journal(&identity(subject(&apps[0])), twice);
        let known = known(&journal, &[subject(&apps[0])]).unwrap();
        assert_eq!(known[0].block().map(|block| block.reason), Some(BlockReason::StateCorrupt));
    }

    #[test]
    fn a_rotation_whose_app_is_gone_is_told_and_one_of_another_inventory_is_not() {
        let (here, gone, elsewhere) = ([app("here", &[])], [app("gone", &[])], [app("elsewhere", &[])]);
        let told = |of: &[App; 1]| {
            let journal = journal(&identity(subject(&of[0])), fixture::placed(&of[0].name, "2026-11-18"));
            let mut memory = Memory::default();
            remember(&mut memory, "theirs", &elsewhere);
            remember(&mut memory, "ours", &here);
            without_app(&journal, &[subject(&here[0])], &memory, fixture::on("2026-11-21")).unwrap()
        };
        assert!(told(&here).is_empty() && told(&elsewhere).is_empty());
        let [one] = told(&gone).try_into().unwrap();
        assert_eq!(one.code, "rotation-app-gone");
        insta::assert_snapshot!(one.message, @"rotation 01M7Q5CQG00000000000000007 of gone has been under way for 3 d (delivering), and the inventory no longer has this credential (entra/login.example.org/contoso.example//client-of-gone/); next: the next run delivers to the stores that do not have it yet; put it back until its rotation is over");
    }

    #[test]
    fn an_app_that_moved_to_another_tenant_leaves_its_rotation_behind() {
        let mut moved = [app("here", &[])];
        let journal = journal(&identity(subject(&moved[0])), fixture::placed("here", "2026-11-18"));
        moved[0].client_id = "another".to_owned();
        let mut memory = Memory::default();
        remember(&mut memory, "ours", &moved);
        let told = without_app(&journal, &[subject(&moved[0])], &memory, fixture::on("2026-11-21")).unwrap();
        assert_eq!(told.len(), 1);
    }
}
