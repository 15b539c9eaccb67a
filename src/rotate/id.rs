//! The names a rotation goes by.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// One rotation of one credential. Later ones sort after earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RotationId(Ulid);

impl RotationId {
    /// `random` is used as far as 80 bits.
    #[must_use]
    pub const fn new(unix_ms: u64, random: u128) -> Self {
        Self(Ulid::from_parts(unix_ms, random))
    }
}

impl fmt::Display for RotationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is no rotation's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rotation's id is a ULID, 26 characters")]
pub struct NotARotation;

impl FromStr for RotationId {
    type Err = NotARotation;

    fn from_str(text: &str) -> Result<Self, NotARotation> {
        Ulid::from_string(text).map(Self).map_err(|_| NotARotation)
    }
}

impl TryFrom<String> for RotationId {
    type Error = NotARotation;

    fn try_from(text: String) -> Result<Self, NotARotation> {
        text.parse()
    }
}

impl From<RotationId> for String {
    fn from(id: RotationId) -> Self {
        id.to_string()
    }
}

/// What a credential of ours carries in the provider's label: enough to find it again, and no secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Marker {
    /// The first eight characters of the installation's id.
    pub installation: String,
    pub rotation: RotationId,
    /// Counts from 1.
    pub attempt: u32,
}

impl Marker {
    #[must_use]
    pub fn new(installation: &str, rotation: RotationId, attempt: u32) -> Self {
        Self { installation: installation.chars().take(8).collect(), rotation, attempt }
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "credwatch/{}/{}/{}", self.installation, self.rotation, self.attempt)
    }
}

/// A label that somebody else wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a marker is credwatch/INSTALLATION/ROTATION/ATTEMPT")]
pub struct NotAMarker;

impl FromStr for Marker {
    type Err = NotAMarker;

    fn from_str(text: &str) -> Result<Self, NotAMarker> {
        let parts: Vec<_> = text.split('/').collect();
        let ["credwatch", installation, rotation, attempt] = parts[..] else { return Err(NotAMarker) };
        let marker = Self {
            installation: installation.to_owned(),
            rotation: rotation.parse().map_err(|_| NotAMarker)?,
            attempt: attempt.parse().map_err(|_| NotAMarker)?,
        };
        // One marker, one spelling: `+1` and lower-case ids are somebody else's.
        if marker.to_string() == text { Ok(marker) } else { Err(NotAMarker) }
    }
}

impl TryFrom<String> for Marker {
    type Error = NotAMarker;

    fn try_from(text: String) -> Result<Self, NotAMarker> {
        text.parse()
    }
}

impl From<Marker> for String {
    fn from(marker: Marker) -> Self {
        marker.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_read_back_and_nothing_else_is() {
        let marker = Marker::new("0193a7c2-aaaa", RotationId::new(1_795_000_000_000, 7), 2);
        assert_eq!(marker.to_string(), "credwatch/0193a7c2/01M7Q5CQG00000000000000007/2");
        assert_eq!(marker.to_string().parse(), Ok(marker));
        for text in [
            "",
            "rotated by hand",
            "credwatch/0193a7c2/01M7Q5CQG00000000000000007",
            "credwatch/0193a7c2/01M7Q5CQG00000000000000007/+2",
            "credwatch/0193a7c2/01m7q5cqg00000000000000007/2",
            "credwatch/0193a7c2/nothing/2",
        ] {
            assert_eq!(text.parse::<Marker>(), Err(NotAMarker), "{text}");
        }
    }
}
