//! Azure Key Vault: `azure-key-vault:https://VAULT/secrets/NAME`. Each write makes a version.
//!
//! It knows no compare-and-set. What is there is looked at just before a write, and the list of versions tells afterwards whether
//! somebody else's came in between; then theirs is put back on top.

mod bundle;
mod rest;
mod sign_in;
#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use url::Url;

pub use self::sign_in::SignIns;
use self::{
    bundle::{Bundle, Enabled, Entry, New},
    rest::Rest,
};
use super::{Abilities, Content, Fence, Store, StoreFault, Version, Writable, Write, WriteFault};
use crate::{
    api::{Answer, Api, CallFault},
    management::Access,
    secret::Secret,
};

/// Most versions that are looked through for the value before ours.
const BACK: usize = 10;

/// Most tags a secret may have.
const TAGS: usize = 15;

const SOFT_DELETED: &str =
    "a deleted secret holds the name; recover it, purge it, or name another secret (az keyvault secret recover)";

/// One secret.
pub struct AzureKeyVault(Rest);

impl AzureKeyVault {
    /// `secret` is `https://VAULT/secrets/NAME`; it gets the token that `access` has for it.
    #[must_use]
    pub fn new(api: Api, access: Arc<dyn Access>, secret: Url) -> Self {
        Self(Rest { api, access, secret })
    }

    /// Sends a version once and says which it became.
    async fn put(&self, new: &New<'_>) -> Result<Version, WriteFault> {
        let answer = self.0.put(new).await.map_err(|fault| match fault {
            CallFault::NotSent(why) => WriteFault::Refused(why),
            CallFault::NoAnswer(why) => WriteFault::Unknown(why),
        })?;
        match answer.status {
            200 => self.0.bundle(&answer).map(|bundle| bundle.version()).map_err(unknown),
            400..=407 | 409..=499 => Err(self.0.refusal(&answer).into()),
            _ => Err(unknown(self.0.refusal(&answer))),
        }
    }

    /// Whether the version that we wrote is whole and in force.
    async fn check(&self, ours: &Version, write: Write<'_>) -> Result<(), StoreFault> {
        let answer = self.0.version(Some(&ours.0)).await?;
        let Some(bundle) = answer.as_ref().map(|answer| self.0.bundle(answer)).transpose()? else {
            return Err(StoreFault::Unusable("the version just written is not there".to_owned()));
        };
        if bundle.text()?.expose() != write.value.expose() || !bundle.is_in_force() {
            return Err(StoreFault::Unusable("the version just written is disabled, over or another value".to_owned()));
        }
        Ok(())
    }

    /// What came between our look and our write, and is neither.
    async fn intruders(&self, before: &BTreeSet<Entry>, ours: &Version) -> Result<Option<Entry>, StoreFault> {
        let known: BTreeSet<&str> =
            before.iter().map(|entry| entry.version.as_str()).chain([ours.0.as_str()]).collect();
        Ok(self.0.versions().await?.into_iter().rfind(|entry| !known.contains(entry.version.as_str())))
    }

    /// Somebody else's value ends up on top: it is not ours to replace.
    async fn give_way(&self, theirs: &Entry, ours: &Version) -> Result<(), WriteFault> {
        let current = self.read().await.map_err(unknown)?;
        if current.version.as_ref() != Some(ours) {
            return Ok(());
        }
        let lost = || WriteFault::Unknown(format!("version {} is somebody else's and no longer there", theirs.version));
        let answer = self.0.version(Some(&theirs.version)).await.map_err(unknown)?.ok_or_else(lost)?;
        let bundle = self.0.bundle(&answer).map_err(unknown)?;
        let value = bundle.text().map_err(unknown)?;
        let (content_type, tags) = (bundle.content_type.clone(), bundle.tags.clone().unwrap_or_default());
        let again = New { value: value.expose(), content_type, attributes: Enabled { enabled: true }, tags };
        self.put(&again).await.map(drop).map_err(|fault| WriteFault::Unknown(fault.to_string()))
    }

    async fn may_write(&self) -> Result<Writable, StoreFault> {
        match self.0.version(None).await? {
            Some(answer) if self.0.bundle(&answer)?.managed => {
                return Ok(Writable::No(
                    "the secret belongs to a certificate, and Key Vault itself writes it".to_owned(),
                ));
            }
            Some(_) => {}
            None => match self.0.is_soft_deleted().await {
                Ok(true) => return Ok(Writable::No(SOFT_DELETED.to_owned())),
                // Who may use secrets need not be allowed to see deleted ones.
                Ok(false) | Err(StoreFault::Refused(_)) => {}
                Err(fault) => return Err(fault),
            },
        }
        self.0.versions().await?;
        Ok(Writable::Unknown)
    }
}

/// The new version's description: what the last one had, and whose it is.
fn new<'a>(write: Write<'a>, current: Option<&Bundle<'_>>) -> New<'a> {
    let mut tags: BTreeMap<_, _> = current.and_then(|bundle| bundle.tags.clone()).unwrap_or_default();
    for (name, value) in [("rotation", Some(write.idempotency)), ("key_id", write.key_id)] {
        tags.remove(name);
        if let Some(value) = value.filter(|_| tags.len() < TAGS) {
            tags.insert(name.to_owned(), value.to_owned());
        }
    }
    let content_type = current.and_then(|bundle| bundle.content_type.clone());
    New { value: write.value.expose(), content_type, attributes: Enabled { enabled: true }, tags }
}

/// A fault after the write was sent.
fn unknown(fault: StoreFault) -> WriteFault {
    WriteFault::Unknown(match fault {
        StoreFault::Unavailable(why) | StoreFault::Refused(why) | StoreFault::Unusable(why) => why,
        empty @ StoreFault::Empty => empty.to_string(),
    })
}

#[async_trait]
impl Store for AzureKeyVault {
    fn abilities(&self) -> Abilities {
        Abilities { readable: true, compare_and_set: false, fence: Fence::Time }
    }

    async fn read(&self) -> Result<Content, StoreFault> {
        let Some(answer) = self.0.version(None).await? else { return Ok(Content { version: None, value: None }) };
        let bundle = self.0.bundle(&answer)?;
        Content::held(Some(bundle.version()), Some(bundle.text()?))
    }

    async fn write(&self, write: Write<'_>) -> Result<Version, WriteFault> {
        let before = self.0.versions().await?;
        let answer: Option<Answer> = self.0.version(None).await?;
        let current = answer.as_ref().map(|answer| self.0.bundle(answer)).transpose()?;
        let version = current.as_ref().map(Bundle::version);
        let value: Option<Secret> = current.as_ref().map(Bundle::text).transpose()?;
        if version.as_ref() != write.before.version || !write.before.holds(value.as_ref()) {
            return Err(WriteFault::Refused("Key Vault holds something else than was seen before".to_owned()));
        }
        let ours = self.put(&new(write, current.as_ref())).await?;
        self.check(&ours, write).await.map_err(unknown)?;
        let Some(theirs) = self.intruders(&before, &ours).await.map_err(unknown)? else { return Ok(ours) };
        self.give_way(&theirs, &ours).await?;
        Err(WriteFault::Refused(format!(
            "somebody else wrote to Key Vault at the same moment (version {}); their value stands",
            theirs.version
        )))
    }

    async fn previous(&self) -> Result<Content, StoreFault> {
        let now = self.read().await?;
        let versions = self.0.versions().await?;
        let current = now.version.as_ref().map(|version| version.0.as_str());
        let older = versions.iter().rev().filter(|entry| entry.enabled && Some(entry.version.as_str()) != current);
        for entry in older.take(BACK) {
            let Some(answer) = self.0.version(Some(&entry.version)).await? else { continue };
            let value = self.0.bundle(&answer)?.text()?;
            if now.value.as_ref().is_none_or(|now| now.expose() != value.expose()) {
                return Content::held(Some(Version(entry.version.clone())), Some(value));
            }
        }
        Ok(Content { version: None, value: None })
    }

    async fn forget_previous(&self) -> Result<(), StoreFault> {
        Ok(())
    }

    async fn writable(&self) -> Writable {
        match self.may_write().await {
            Ok(writable) => writable,
            Err(StoreFault::Unavailable(_)) => Writable::Unknown,
            Err(fault) => Writable::No(fault.to_string()),
        }
    }
}
