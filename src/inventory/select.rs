//! Which apps of an inventory a run looks at.

use std::{fmt, str::FromStr};

use globset::{GlobBuilder, GlobMatcher};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{App, Inventory};

/// `--only`, `--tag` and `--shard`.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Patterns for names with `*`, `?` and `[...]`; any of them. One that is no pattern is taken as it stands.
    pub only: Vec<String>,
    /// Any of them.
    pub tags: Vec<String>,
    pub shard: Option<Shard>,
}

/// Part `index` of `of`, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    of: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a shard is I/N with I from 0 to N-1, as in `0/4`")]
pub struct NotAShard;

impl Selection {
    /// Whether apps may be left out: then nothing is known about their findings.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.only.is_empty() || !self.tags.is_empty() || self.shard.is_some_and(|shard| shard.of > 1)
    }

    /// The apps that every part of the selection takes, in their order.
    #[must_use]
    pub fn apply(&self, mut inventory: Inventory) -> Inventory {
        let patterns: Vec<Pattern> = self.only.iter().map(|text| Pattern::new(text)).collect();
        inventory.apps.retain(|app| {
            (patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(&app.name)))
                && (self.tags.is_empty() || self.tags.iter().any(|tag| app.tags.contains(tag)))
                && self.shard.is_none_or(|shard| shard.takes(app))
        });
        inventory
    }
}

enum Pattern {
    Glob(GlobMatcher),
    Name(String),
}

impl Pattern {
    fn new(text: &str) -> Self {
        match GlobBuilder::new(text).build() {
            Ok(glob) => Self::Glob(glob.compile_matcher()),
            Err(_) => Self::Name(text.to_owned()),
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Glob(glob) => glob.is_match(name),
            Self::Name(exact) => exact == name,
        }
    }
}

impl Shard {
    /// Decided by the name alone, so that an app stays in its shard whatever is added around it.
    fn takes(self, app: &App) -> bool {
        let digest = Sha256::digest(app.name.as_bytes());
        let hash = digest.iter().take(8).fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
        hash % u64::from(self.of) == u64::from(self.index)
    }
}

impl FromStr for Shard {
    type Err = NotAShard;

    fn from_str(text: &str) -> Result<Self, NotAShard> {
        let number = |text: &str| text.parse::<u32>().map_err(|_| NotAShard);
        let (index, of) = text.split_once('/').ok_or(NotAShard)?;
        let (index, of) = (number(index)?, number(of)?);
        if index < of { Ok(Self { index, of }) } else { Err(NotAShard) }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}
