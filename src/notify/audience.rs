//! Who may hear of what: owners of their own credentials, admins of all, and whoever is to put a new secret in, of that.

use std::collections::BTreeMap;

use lettre::message::Mailbox;

use crate::{
    assess::{Assessment, Severity},
    text,
};

/// Everybody who may get a mail, by lower-case address, so that nobody gets two.
#[derive(Debug, Default)]
pub struct Audience {
    pub people: BTreeMap<String, Person>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// As written, without control characters.
    pub mailbox: String,
    /// Admins see all credentials, owned by somebody or not.
    pub admin: bool,
    /// Places of their own credentials among the assessments.
    pub own: Vec<usize>,
    /// Of those they are to put a new secret in for.
    pub assigned: Vec<usize>,
}

/// How much of a credential somebody hears of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    All,
    /// What waits for them, and nothing else.
    HandOver,
}

impl Audience {
    #[must_use]
    pub fn of(admins: &[String], assessments: &[Assessment<'_>]) -> Self {
        let mut audience = Self::default();
        for admin in admins {
            audience.person(admin).admin = true;
        }
        for (place, assessment) in assessments.iter().enumerate() {
            // Nobody is told of a healthy credential; what was told of it before is found through the state.
            if assessment.severity >= Severity::Warning {
                for owner in assessment.subject.app.owners.iter() {
                    note(&mut audience.person(owner).own, place);
                }
                for assignee in assessment.hand_over().iter().flat_map(|hand| &hand.assignees) {
                    note(&mut audience.person(assignee).assigned, place);
                }
            }
        }
        audience
    }

    fn person(&mut self, written: &str) -> &mut Person {
        let mailbox = clean(written);
        let person = Person { mailbox, admin: false, own: Vec::new(), assigned: Vec::new() };
        self.people.entry(identity(written)).or_insert(person)
    }
}

impl Person {
    /// What they may hear of, of `all` credentials.
    pub fn sees(&self, all: usize) -> Box<dyn Iterator<Item = (usize, View)> + '_> {
        if self.admin {
            return Box::new((0..all).map(|place| (place, View::All)));
        }
        let assigned = self.assigned.iter().filter(|place| !self.own.contains(place));
        let own = self.own.iter().map(|place| (*place, View::All));
        Box::new(own.chain(assigned.map(|place| (*place, View::HandOver))))
    }
}

fn note(places: &mut Vec<usize>, place: usize) {
    if places.last() != Some(&place) {
        places.push(place);
    }
}

/// The same for one person however the address is written.
#[must_use]
pub fn identity(written: &str) -> String {
    let clean = clean(written);
    let address = clean.parse::<Mailbox>().map(|mailbox| mailbox.email.to_string());
    address.unwrap_or(clean).to_lowercase()
}

/// lettre panics on CR or LF in a display name.
fn clean(written: &str) -> String {
    text::printable(written.trim()).replace('\u{fffd}', "")
}
