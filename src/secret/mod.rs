//! The one type that holds a secret value.
//!
//! It has no `Display`, `Clone`, `PartialEq` or `Serialize`; `Debug` prints its name alone; its memory is
//! wiped on drop. Reading the value is one greppable call, [`Secret::expose`].

mod fingerprint;
mod program;
mod redact;
mod reference;
mod resolve;
mod wiped;

pub use fingerprint::{Fingerprint, Fingerprints, NotAFingerprint};
pub use program::ExecRule;
pub use redact::Redactor;
pub use reference::{ReferenceFault, SecretRef, is_variable};
pub(crate) use resolve::LIMIT;
pub use resolve::{Resolver, Shelf, Unreadable};
pub use wiped::Wiped;

use std::{fmt, mem};

/// A secret value in memory.
pub struct Secret(Box<str>);

impl Secret {
    /// Takes the value over; the buffer it came in is wiped.
    #[must_use]
    pub fn new(value: String) -> Self {
        // `into_boxed_str` may reallocate and leave an unwiped copy behind: copy to the exact size, wipe the source.
        let exact = Self::copied(&value);
        drop(Wiped::from(value.into_bytes()));
        exact
    }

    /// A copy of the value, which stays where it is.
    #[must_use]
    pub fn copied(value: &str) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that sends, signs with or delivers it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        drop(Wiped::from(mem::take(&mut self.0).into_boxed_bytes().into_vec()));
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_the_type_name_alone() {
        let secret = Secret::new("canary-7Qm2".to_owned());
        assert_eq!(format!("{secret:?}"), "Secret");
        assert_eq!(secret.expose(), "canary-7Qm2");
    }
}
