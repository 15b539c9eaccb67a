//! The hand-over to a person (rotation.md section 6): who may take which step now, decided from the journal alone.

use super::{BlockReason, HandOver, Rotation};
use crate::{clock, text::printable};

/// Whether a person types the value in; else it is a store that cannot be read, and a program wrote it there.
#[must_use]
pub fn is_person(store: &str) -> bool {
    store.starts_with("person:")
}

/// What a hand-over waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    Claim,
    Reveal {
        claimed_by: &'a str,
    },
    Confirm,
    /// One person's word is no proof of what that same person typed: another one's is, or use in the provider's log.
    Witness {
        first: &'a str,
    },
    /// Enough was said; the next run takes note.
    Said,
}

impl HandOver {
    #[must_use]
    pub fn part(&self, store: &str) -> Part<'_> {
        let first = self.confirmed.first().map(|(who, _)| who.as_str());
        if !is_person(store) {
            return if first.is_some() { Part::Said } else { Part::Confirm };
        }
        let second = first.and_then(|first| self.confirmed.iter().find(|(who, _)| !is_same(who, first)));
        match (&self.claimed, &self.revealed, first) {
            (_, Some(_), Some(_)) if second.is_some() => Part::Said,
            (_, Some(_), Some(first)) => Part::Witness { first },
            (_, Some(_), None) => Part::Confirm,
            (Some((who, _)), None, _) => Part::Reveal { claimed_by: who },
            (None, None, _) => Part::Claim,
        }
    }

    fn has_confirmed(&self, who: &str) -> bool {
        self.confirmed.iter().any(|(known, _)| is_same(known, who))
    }
}

/// Names are typed by people: case and spaces around make no second person.
fn is_same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// A step that may be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permit<'r> {
    /// For this store.
    Take(&'r str),
    /// It was taken already, in these words.
    Taken(String),
}

impl Rotation {
    /// `take_over`: although somebody else has claimed it.
    ///
    /// # Errors
    /// Why not, in words for the person.
    pub fn may_claim(&self, named: Option<&str>, who: &str, take_over: bool) -> Result<Permit<'_>, String> {
        let (store, hand) = self.person_of(named)?;
        match &hand.claimed {
            Some((known, at)) if is_same(known, who) => {
                Ok(Permit::Taken(format!("you claimed it {}; next: reveal", clock::rfc3339(*at))))
            }
            Some((known, at)) if !take_over => Err(format!(
                "{} claimed it {}; if that came to nothing, claim it with --take-over",
                printable(known),
                clock::rfc3339(*at)
            )),
            _ => Ok(Permit::Take(store)),
        }
    }

    /// Asked before the value is read, and again when `Revealed` is in the journal and before it is shown.
    ///
    /// # Errors
    /// Why not, in words for the person.
    pub fn may_reveal(&self, named: Option<&str>, who: &str) -> Result<&str, String> {
        let (store, hand) = self.person_of(named)?;
        match &hand.claimed {
            None => Err("nobody has claimed it; claim it first, so that two people do not both put it in".to_owned()),
            Some((known, at)) if !is_same(known, who) => Err(format!(
                "{} claimed it {}; if that came to nothing, claim it with --take-over",
                printable(known),
                clock::rfc3339(*at)
            )),
            Some(_) => Ok(store),
        }
    }

    /// # Errors
    /// Why not, in words for the person.
    pub fn may_confirm(&self, named: Option<&str>, who: &str) -> Result<Permit<'_>, String> {
        let (store, hand) = self.waiting(named, |_| true)?;
        match hand.part(store) {
            Part::Said => Ok(Permit::Taken("it is confirmed; the next run takes note".to_owned())),
            Part::Witness { .. } if hand.has_confirmed(who) => Err(format!(
                "{} has confirmed it already; a second person has to, who has seen that it works",
                printable(who)
            )),
            Part::Claim | Part::Reveal { .. } => {
                Err("the new secret has been shown to nobody yet, so nobody can have put it in; reveal it first"
                    .to_owned())
            }
            Part::Confirm | Part::Witness { .. } => Ok(Permit::Take(store)),
        }
    }

    fn person_of(&self, named: Option<&str>) -> Result<(&str, &HandOver), String> {
        let is_blind = |store: &str| !is_person(store) && named.is_none_or(|named| named == store);
        let blind = self.hand_overs().find(|(store, _)| is_blind(store));
        let persons = self.hand_overs().any(|(store, _)| is_person(store));
        match blind.filter(|_| named.is_some() || !persons) {
            Some((store, _)) => Err(format!(
                "a program wrote the new secret to {}: nobody has to type it; see that it works there, then confirm it",
                printable(store)
            )),
            None => self.waiting(named, is_person),
        }
    }

    /// The one hand-over that is meant.
    fn waiting(&self, named: Option<&str>, fits: fn(&str) -> bool) -> Result<(&str, &HandOver), String> {
        if self.back.is_some() {
            return Err("the rotation is being called off: the new secret is not to be used".to_owned());
        }
        match &self.blocked {
            // What is late can still be done.
            None | Some((BlockReason::HandoverOverdue, ..)) => {}
            Some((reason, why, _)) => {
                return Err(format!("the rotation is blocked ({}): {}", reason.name(), printable(why)));
            }
        }
        let all: Vec<_> = self.hand_overs().filter(|(store, _)| fits(store)).collect();
        let meant: Vec<_> = all.iter().filter(|(store, _)| named.is_none_or(|named| named == *store)).collect();
        let places = || all.iter().map(|(store, _)| printable(store)).collect::<Vec<_>>().join(", ");
        match (meant.as_slice(), named) {
            ([one], _) => Ok(**one),
            (_, None) if !all.is_empty() => {
                Err(format!("several places wait for a person; name one with --store: {}", places()))
            }
            (_, Some(named)) if !all.is_empty() => {
                Err(format!("`{}` waits for nobody; these do: {}", printable(named), places()))
            }
            _ => Err("this rotation waits for nobody to put the new secret in".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
