//! Who may hear of what: owners of their own credentials, admins of all.

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
                    let own = &mut audience.person(owner).own;
                    if own.last() != Some(&place) {
                        own.push(place);
                    }
                }
            }
        }
        audience
    }

    fn person(&mut self, written: &str) -> &mut Person {
        let mailbox = clean(written);
        let person = Person { mailbox, admin: false, own: Vec::new() };
        self.people.entry(identity(written)).or_insert(person)
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
