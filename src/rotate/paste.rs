//! What somebody is about to put into a product, held against what it should be: the usual slips by name. Pure.

use std::fmt;

use crate::secret::{Fingerprint, Fingerprints, Secret};

/// What a value should be, and what else it may turn out to be.
pub struct Right<'a> {
    pub value: &'a Secret,
    pub fingerprints: Fingerprints<'a>,
    /// Ids of secrets, and of the app itself: what stands beside a value and is copied in its place.
    pub secret_ids: &'a [&'a str],
    pub client_id: &'a str,
    /// Whose value one is that is not the right one.
    pub whose: &'a dyn Fn(Fingerprint) -> Option<Whose>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// This credential's, of before.
    Earlier,
    /// Of this app.
    App(String),
}

/// Why it is not the right one. Says nothing of either value but what the slip is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slip {
    Empty,
    SecretId,
    ClientId,
    /// White space around the right value.
    LineBreak,
    Blank,
    /// The same within it.
    Space,
    Quotes,
    Cut,
    More,
    Case,
    Earlier,
    App(String),
    Another,
}

/// White space and what is as invisible: copies out of documents bring it.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200d}' | '\u{2060}')
}

/// `None`: it is the right one.
#[must_use]
pub fn slip(typed: &Secret, right: &Right<'_>) -> Option<Slip> {
    // The keyed fingerprints are compared, not the values: how long that takes tells nothing of either.
    let is_right = |text: &str| fingerprint(text, right) == right.fingerprints.of(right.value);
    let typed = typed.expose();
    if is_right(typed) {
        return None;
    }
    let bare = typed.trim_matches(is_blank);
    if bare.is_empty() {
        return Some(Slip::Empty);
    }
    if is_right(bare) {
        // The value itself has none: it would not be right without.
        return Some(if typed.contains(['\r', '\n']) { Slip::LineBreak } else { Slip::Blank });
    }
    Some(other(bare, right, is_right))
}

fn other(bare: &str, right: &Right<'_>, is_right: impl Fn(&str) -> bool) -> Slip {
    let value = right.value.expose();
    // A value may be a GUID itself, outside Entra.
    let is_guid = |text: &str| text.len() == 36 && uuid::Uuid::try_parse(text).is_ok();
    if bare.eq_ignore_ascii_case(right.client_id) {
        return Slip::ClientId;
    }
    if right.secret_ids.iter().any(|id| bare.eq_ignore_ascii_case(id)) || (is_guid(bare) && !is_guid(value)) {
        return Slip::SecretId;
    }
    match (right.whose)(fingerprint(bare, right)) {
        Some(Whose::Earlier) => return Slip::Earlier,
        Some(Whose::App(app)) => return Slip::App(app),
        None => {}
    }
    if is_right(bare.trim_matches(['"', '\'', '`'])) {
        return Slip::Quotes;
    }
    let joined = zeroize::Zeroizing::new(bare.chars().filter(|c| !is_blank(*c)).collect::<String>());
    if is_right(&joined) {
        return Slip::Space;
    }
    // Less than half of it is no cut, and would let the value be guessed piece by piece.
    if value.contains(bare) && bare.len() * 2 >= value.len() {
        return Slip::Cut;
    }
    if bare.contains(value) {
        return Slip::More;
    }
    if bare.eq_ignore_ascii_case(value) { Slip::Case } else { Slip::Another }
}

fn fingerprint(text: &str, right: &Right<'_>) -> Fingerprint {
    right.fingerprints.of(&Secret::new(text.to_owned()))
}

impl fmt::Display for Slip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Nothing was pasted.",
            Self::SecretId => {
                "This is a secret's ID, not its value: the ID is the GUID beside it, and no product logs in with it."
            }
            Self::ClientId => "This is the app's client ID, not its secret.",
            Self::LineBreak => "This is the new secret with a line break at an end: copy it without.",
            Self::Blank => {
                "This is the new secret with a space, or something as invisible, at an end: copy it without."
            }
            Self::Space => "This is the new secret with a space or a line break within: copy it in one piece.",
            Self::Quotes => "This is the new secret in quotation marks: copy it without.",
            Self::Cut => "This is a piece of the new secret: its beginning or its end is missing.",
            Self::More => "The new secret is in this, and something else is too: copy the secret alone, and once.",
            Self::Case => "This is the new secret with letters of another case: copy it, do not type it.",
            Self::Earlier => "This is an earlier secret of this app, not the new one.",
            Self::App(app) => {
                return write!(f, "This is a secret of another app, {}.", crate::text::shortened(app, 120));
            }
            Self::Another => "This is another value altogether.",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 32] = [7; 32];
    const VALUE: &str = "CANARY~8Q.zq3-Xy7_Kw1Lm5Np9";

    fn of(typed: &str, value: &str) -> Option<Slip> {
        let fingerprints = Fingerprints::new(&KEY);
        let print = |text: &str| fingerprints.of(&Secret::new(text.to_owned()));
        let whose = |seen: Fingerprint| match seen {
            seen if seen == print("old-CANARY-value") => Some(Whose::Earlier),
            seen if seen == print("other-CANARY-value") => Some(Whose::App("payroll".to_owned())),
            _ => None,
        };
        let right = Right {
            value: &Secret::new(value.to_owned()),
            fingerprints,
            secret_ids: &["6befd701-d38a-45b1-bbad-79ddca296f85", "41"],
            client_id: "etl",
            whose: &whose,
        };
        slip(&Secret::new(typed.to_owned()), &right)
    }

    #[test]
    fn each_usual_slip_has_its_name() {
        let (first, rest) = VALUE.split_at(9);
        for (typed, slip) in [
            (VALUE.to_owned(), None),
            (String::new(), Some(Slip::Empty)),
            (" \n".to_owned(), Some(Slip::Empty)),
            ("6BEFD701-d38a-45b1-bbad-79ddca296f85".to_owned(), Some(Slip::SecretId)),
            ("0f2a53a2-4b27-4a4b-9f3e-d2b1e0a4f001".to_owned(), Some(Slip::SecretId)),
            ("41".to_owned(), Some(Slip::SecretId)),
            ("ETL".to_owned(), Some(Slip::ClientId)),
            (format!("{VALUE}\n"), Some(Slip::LineBreak)),
            (format!("\r\n{VALUE}"), Some(Slip::LineBreak)),
            (format!("{VALUE} "), Some(Slip::Blank)),
            (format!("\u{feff}{VALUE}"), Some(Slip::Blank)),
            (format!(" {VALUE}\t"), Some(Slip::Blank)),
            (format!("{first} {rest}"), Some(Slip::Space)),
            (format!("{first}\n{rest}"), Some(Slip::Space)),
            (format!("\"{VALUE}\""), Some(Slip::Quotes)),
            (rest.to_owned(), Some(Slip::Cut)),
            (VALUE[..VALUE.len() - 1].to_owned(), Some(Slip::Cut)),
            (first.to_owned(), Some(Slip::Another)),
            (format!("{VALUE}{VALUE}"), Some(Slip::More)),
            (format!("Value: {VALUE}"), Some(Slip::More)),
            (VALUE.to_lowercase(), Some(Slip::Case)),
            ("old-CANARY-value".to_owned(), Some(Slip::Earlier)),
            ("old-CANARY-value ".to_owned(), Some(Slip::Earlier)),
            ("other-CANARY-value".to_owned(), Some(Slip::App("payroll".to_owned()))),
            ("something else".to_owned(), Some(Slip::Another)),
        ] {
            assert_eq!(of(&typed, VALUE), slip, "{typed:?}");
        }
    }

    #[test]
    fn a_guid_is_a_value_like_any_other_where_values_are_guids() {
        let value = "0f2a53a2-4b27-4a4b-9f3e-d2b1e0a4f001";
        assert_eq!(of(value, value), None);
        assert_eq!(of("1f2a53a2-4b27-4a4b-9f3e-d2b1e0a4f001", value), Some(Slip::Another));
    }

    proptest! {
        #[test]
        fn nothing_but_the_value_is_right_and_no_slip_repeats_what_was_pasted(typed in ".{1,40}") {
            let slip = of(&typed, VALUE);
            prop_assert_eq!(slip.is_none(), typed == VALUE);
            if let Some(slip) = slip.filter(|_| typed.trim().len() > 12) {
                prop_assert!(!slip.to_string().contains(typed.trim()));
            }
        }
    }
}
