//! Stores: the places a secret is delivered to and consumers read it from.
//!
//! A new store costs one file here and one line in the registry. A store knows nothing of rotations: it reads
//! with a version and writes only over what the caller saw.

#[cfg(feature = "aws")]
mod aws_secrets_manager;
mod azure_key_vault;
mod file;
mod hook;
mod object;
mod open;
mod shelf;
mod vault;

#[cfg(feature = "aws")]
pub use aws_secrets_manager::{AwsSecretsManager, Way};
pub use azure_key_vault::{AzureKeyVault, SignIns};
pub use file::FileStore;
pub use hook::HookStore;
pub use open::Keyring;
pub use shelf::resolver;
pub use vault::Vault;

use std::path::Path;

use async_trait::async_trait;
use thiserror::Error;

use crate::{
    secret::{Fingerprint, Fingerprints, LIMIT, Secret},
    settings,
};

/// The store's own name for one state of its content: an object version, an inode with its times. Says nothing about the
/// value and may be journalled.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Version(pub String);

/// One place of delivery.
#[async_trait]
pub trait Store: Send + Sync {
    fn abilities(&self) -> Abilities;

    /// What it holds now. An absent value is an answer, not a fault.
    ///
    /// # Errors
    /// It could not be read, or what it holds is no text.
    async fn read(&self) -> Result<Content, StoreFault>;

    /// Puts a value in, provided that the store still holds what `write.before` says. Sent once, never retried.
    ///
    /// # Errors
    /// [`WriteFault::Refused`] only if nothing was or will be written; anything in doubt is [`WriteFault::Unknown`].
    async fn write(&self, write: Write<'_>) -> Result<Version, WriteFault>;

    /// The value held before our last write, where the store keeps one: the way back.
    ///
    /// # Errors
    /// It could not be read.
    async fn previous(&self) -> Result<Content, StoreFault>;

    /// Ends the keeping of what was there before (a copy beside a file), once a rotation is over.
    ///
    /// # Errors
    /// It could not be removed.
    async fn forget_previous(&self) -> Result<(), StoreFault>;

    /// Whether a write would be allowed, as far as that can be told without writing.
    async fn writable(&self) -> Writable;
}

/// What a kind of store can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// A blind store can be written only; what it holds is proved by use or by a person.
    pub readable: bool,
    /// A write can be bound to the version that was read.
    pub compare_and_set: bool,
    pub fence: Fence,
}

/// How a write of ours that may still be under way is made harmless (rotation.md section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fence {
    /// Nobody can be writing any more once the run's lock is ours.
    Lock,
    /// The predecessor is written as a new version, which makes the late write miss.
    Rewrite,
    /// Nothing helps but time: two runs must have read the predecessor.
    Time,
}

/// What a store holds.
#[derive(Debug)]
pub struct Content {
    /// Also of an absent value where the store has one for it (a deleted version).
    pub version: Option<Version>,
    pub value: Option<Secret>,
}

impl Content {
    /// # Errors
    /// The value is none that a provider issues.
    fn held(version: Option<Version>, value: Option<Secret>) -> Result<Self, StoreFault> {
        match value.as_ref().map(|value| value.expose().len()) {
            Some(0) => Err(StoreFault::Empty),
            Some(length) if length > LIMIT => {
                Err(StoreFault::Unusable(format!("the store holds more than {} KiB", LIMIT / 1024)))
            }
            _ => Ok(Self { version, value }),
        }
    }
}

/// One write.
#[derive(Clone, Copy)]
pub struct Write<'a> {
    pub value: &'a Secret,
    pub before: Before<'a>,
    /// Names this write towards the store: the same for the same rotation, attempt, purpose and try, so that a repeat is known.
    pub idempotency: &'a str,
    /// The provider's id of the credential, for the store's tags.
    pub key_id: Option<&'a str>,
}

/// What the store must still hold when the write arrives.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    pub version: Option<&'a Version>,
    /// `None`: absent.
    pub fingerprint: Option<Fingerprint>,
    pub fingerprints: Fingerprints<'a>,
}

impl Before<'_> {
    /// Whether this is what was seen.
    #[must_use]
    pub fn holds(&self, now: Option<&Secret>) -> bool {
        now.map(|value| self.fingerprints.of(value)) == self.fingerprint
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Writable {
    Yes,
    /// With the reason.
    No(String),
    /// Only a write would tell.
    Unknown,
}

/// Why a store could not be read. Texts name places and reasons, never a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreFault {
    /// Nobody answered, or not in time; later it may.
    #[error("{0}")]
    Unavailable(String),
    /// It answered and will not: permissions, a sealed vault, a mount of the wrong kind.
    #[error("{0}")]
    Refused(String),
    /// What it holds is no secret's text: not UTF-8, too long.
    #[error("{0}")]
    Unusable(String),
    #[error("the store holds an empty text")]
    Empty,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WriteFault {
    /// Certainly not written, now or later.
    #[error("{0}")]
    Refused(String),
    /// It may have been written or may still be.
    #[error("{0}")]
    Unknown(String),
}

/// A fault of what comes before the write.
impl From<StoreFault> for WriteFault {
    fn from(fault: StoreFault) -> Self {
        Self::Refused(fault.to_string())
    }
}

/// `aws-secrets-manager:ARN_OR_NAME[#KEY]`.
///
/// # Errors
/// The feature `aws` is not built in.
#[cfg(feature = "aws")]
pub fn aws_secrets_manager(
    http: &settings::Http,
    ca: Option<&Path>,
    place: &str,
) -> Result<Box<dyn Store>, StoreFault> {
    let way = Way::new(http.clone(), ca.map(Path::to_owned));
    Ok(Box::new(AwsSecretsManager::new(way, place)))
}

/// `aws-secrets-manager:ARN_OR_NAME[#KEY]`.
///
/// # Errors
/// The feature `aws` is not built in.
#[cfg(not(feature = "aws"))]
pub fn aws_secrets_manager(_: &settings::Http, _: Option<&Path>, _: &str) -> Result<Box<dyn Store>, StoreFault> {
    let why = "this credwatch is built without the feature `aws`; build it with `cargo build --features aws`";
    Err(StoreFault::Refused(why.to_owned()))
}
