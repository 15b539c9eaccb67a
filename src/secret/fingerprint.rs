//! Telling values apart without keeping them.

use std::{fmt, str::FromStr};

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Secret;

/// Truncated HMAC-SHA-256 of a value under the installation's random key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 16]);

/// Takes fingerprints under one installation's key.
#[derive(Clone, Copy)]
pub struct Fingerprints<'a> {
    key: &'a [u8; 32],
}

impl<'a> Fingerprints<'a> {
    #[must_use]
    pub const fn new(key: &'a [u8; 32]) -> Self {
        Self { key }
    }

    #[must_use]
    pub fn of(&self, value: &Secret) -> Fingerprint {
        // HMAC fills a short key up with zeros (RFC 2104 section 2); doing so here leaves nothing that could fail.
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(self.key);
        let mut mac = Hmac::<Sha256>::new((&*block).into());
        mac.update(value.expose().as_bytes());
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        let mut print = [0; 16];
        print.copy_from_slice(&full[..16]);
        Fingerprint(print)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 32 hexadecimal digits")]
pub struct NotAFingerprint;

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotAFingerprint);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| NotAFingerprint)?;
        Ok(Self(number.to_be_bytes()))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_back_as_it_was_written() {
        let print = Fingerprints::new(&[7; 32]).of(&Secret::new("canary".to_owned()));
        assert_eq!(print.to_string().parse(), Ok(print));
        assert_eq!("xyz".parse::<Fingerprint>(), Err(NotAFingerprint));
        assert_eq!("+0000000000000000000000000000000".parse::<Fingerprint>(), Err(NotAFingerprint));
    }

    #[test]
    fn another_key_or_value_gives_another_fingerprint() {
        let value = Secret::new("canary".to_owned());
        let ours = Fingerprints::new(&[7; 32]);
        assert_ne!(ours.of(&value), Fingerprints::new(&[8; 32]).of(&value));
        assert_ne!(ours.of(&value), ours.of(&Secret::new("canary2".to_owned())));
    }
}
