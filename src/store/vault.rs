//! HashiCorp Vault and OpenBao, secrets engine KV version 2: `vault:MOUNT/PATH#KEY`.

mod document;
mod server;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use url::Url;

use self::{
    document::{Document, Numbered},
    server::{Server, Wrapped, is_cas_mismatch, is_sealed},
};
use super::{
    Abilities, Content, Fence, Store, StoreFault, Version, Writable, Write, WriteFault,
    object::{Changed, json},
};
use crate::{
    api::{Answer, Api, CallFault},
    secret::Secret,
};

/// Most versions that are looked through for the value before ours: what a mount keeps unless told otherwise.
const KEPT: u64 = 10;

/// One key of one secret.
pub struct Vault {
    server: Server,
    /// `MOUNT/PATH`; only the server knows where the mount ends.
    path: String,
    key: String,
    mount: OnceCell<String>,
}

#[derive(Deserialize)]
struct Mount {
    path: String,
    #[serde(rename = "type")]
    engine: String,
    options: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Kept {
    max_versions: u64,
}

#[derive(Serialize)]
struct Update<'a> {
    options: Cas,
    data: Changed<'a>,
}

#[derive(Serialize)]
struct Cas {
    cas: u64,
}

impl Vault {
    /// `place` is `MOUNT/PATH#KEY`; `None`: it is not.
    #[must_use]
    pub fn new(api: Api, address: Url, token: Arc<Secret>, place: &str) -> Option<Self> {
        let (path, key) = place.rsplit_once('#')?;
        let server = Server { api, address, token };
        Some(Self { server, path: path.to_owned(), key: key.to_owned(), mount: OnceCell::new() })
    }

    /// The mount and the path within it. A mount of version 1 would take a write of ours and store its wrapper.
    async fn place(&self) -> Result<(&str, &str), StoreFault> {
        let find = async || {
            let mount: Option<Mount> = self.server.ask(&["sys", "internal", "ui", "mounts", &self.path]).await?;
            let mount = mount.filter(|mount| mount.is_version_2()).map(|mount| mount.path);
            let mount = mount.map(|path| path.trim_end_matches('/').to_owned());
            let mount = mount.filter(|mount| self.within(mount).is_some());
            mount.ok_or_else(|| self.refused("there is no secrets engine KV version 2"))
        };
        let mount = self.mount.get_or_try_init(find).await?;
        Ok((mount, self.within(mount).unwrap_or_default()))
    }

    /// Where a gateway lets nobody ask for mounts, a value is read with the first part as the mount; nothing is
    /// written on such a ground.
    async fn guess(&self) -> Option<Document> {
        let (mount, path) = self.path.split_once('/')?;
        let document = Document(self.server.get(&[mount, "data", path], None).await.ok()?);
        document.state().is_some_and(|state| state.object.is_some()).then_some(document)
    }

    fn within(&self, mount: &str) -> Option<&str> {
        self.path.strip_prefix(mount)?.strip_prefix('/').filter(|path| !path.is_empty())
    }

    async fn fetch(&self, version: Option<u64>) -> Result<Document, StoreFault> {
        let (mount, path) = self.place().await?;
        Ok(Document(self.server.get(&[mount, "data", path], version).await?))
    }

    /// Of a secret's own number and its mount's the larger holds; a mount that may not be asked is taken to have none.
    async fn keeps_two_versions(&self) -> Result<(), StoreFault> {
        let (mount, path) = self.place().await?;
        let own = self.server.ask::<Kept>(&[mount, "metadata", path]).await?.map_or(0, |kept| kept.max_versions);
        let of_mount = match self.server.ask::<Kept>(&[mount, "config"]).await {
            Err(StoreFault::Refused(_)) => 0,
            kept => kept?.map_or(0, |kept| kept.max_versions),
        };
        if own.max(of_mount) == 1 {
            return Err(
                self.refused("the vault keeps one version only and so no way back; set max_versions to 2 or more")
            );
        }
        Ok(())
    }

    async fn may_write(&self) -> Result<Writable, StoreFault> {
        self.read().await?;
        self.keeps_two_versions().await?;
        let (mount, path) = self.place().await?;
        let data = format!("{mount}/data/{path}");
        let question = json(&serde_json::json!({ "paths": [data] }), data.len());
        let answer = self.server.post(&["sys", "capabilities-self"], question).await.ok();
        let rights = answer.and_then(|answer| answer.json::<BTreeMap<String, serde_json::Value>>());
        let Some(rights) = rights.as_ref().and_then(|rights| rights.get(&data)?.as_array()) else {
            return Ok(Writable::Unknown);
        };
        // Which of the two a deleted secret needs is the server's affair.
        if rights.iter().any(|right| right == "root" || right == "update" || right == "create") {
            return Ok(Writable::Yes);
        }
        Ok(Writable::No(format!("no policy of the vault's token allows to write {data}; allow `create` and `update`")))
    }

    async fn written(&self, write: Write<'_>, cas: u64, answer: Answer) -> Result<Version, WriteFault> {
        let version = Version((cas + 1).to_string());
        let path = [self.path.as_str()];
        match answer.status {
            200 => match answer.json::<Wrapped<Numbered>>() {
                Some(reply) if reply.data.version == cas + 1 => Ok(version),
                _ => Err(WriteFault::Unknown("the vault's answer to the write cannot be read".to_owned())),
            },
            204 => Err(self.refused("this is no KV version 2, and the vault has stored a wrapper; remove it").into()),
            _ if is_sealed(&answer) => Err(self.server.refusal(&answer, &path).into()),
            // A proxy that repeats a request makes our own first write the mismatch of the second.
            _ if is_cas_mismatch(&answer) => match self.read().await {
                Ok(now) if now.version.as_ref() == Some(&version) && holds(&now, write.value) => Ok(version),
                Ok(_) => Err(WriteFault::Refused("somebody else wrote to the vault in between".to_owned())),
                Err(fault) => Err(WriteFault::Unknown(fault.to_string())),
            },
            408 | 500.. => Err(WriteFault::Unknown(self.server.refusal(&answer, &path).to_string())),
            _ => Err(self.server.refusal(&answer, &path).into()),
        }
    }

    fn refused(&self, reason: &str) -> StoreFault {
        StoreFault::Refused(format!("{reason} ({} at {})", self.path, self.server.host()))
    }
}

impl Mount {
    fn is_version_2(&self) -> bool {
        let version = self.options.as_ref().and_then(|options| options.get("version"));
        self.engine == "kv" && version.is_some_and(|version| version == "2")
    }
}

fn holds(content: &Content, value: &Secret) -> bool {
    content.value.as_ref().is_some_and(|held| held.expose() == value.expose())
}

#[async_trait]
impl Store for Vault {
    fn abilities(&self) -> Abilities {
        Abilities { readable: true, compare_and_set: true, fence: Fence::Rewrite }
    }

    async fn read(&self) -> Result<Content, StoreFault> {
        let document = match self.place().await {
            Err(StoreFault::Refused(why)) => self.guess().await.ok_or(StoreFault::Refused(why))?,
            place => {
                place?;
                self.fetch(None).await?
            }
        };
        let state = document.state().ok_or_else(|| self.refused("this is no answer of a vault"))?;
        Content::held(state.version(), state.value(&self.key)?)
    }

    async fn write(&self, write: Write<'_>) -> Result<Version, WriteFault> {
        let document = self.fetch(None).await?;
        let state = document.state().ok_or_else(|| self.refused("this is no answer of a vault"))?;
        let value = state.value(&self.key)?;
        // The version to the letter: a write bound to a later one could still land behind a fence.
        if state.version().as_ref() != write.before.version || !write.before.holds(value.as_ref()) {
            return Err(WriteFault::Refused("the vault holds something else than was seen before".to_owned()));
        }
        self.keeps_two_versions().await?;
        let (mount, path) = self.place().await?;
        let (cas, object) = (state.metadata.version, state.object.unwrap_or_default());
        let update = Update { options: Cas { cas }, data: object.with(&self.key, write.value) };
        let update = json(&update, document.0.body.len() + write.value.expose().len());
        match self.server.post(&[mount, "data", path], update).await {
            Ok(answer) => self.written(write, cas, answer).await,
            Err(CallFault::NotSent(why)) => Err(WriteFault::Refused(why)),
            Err(CallFault::NoAnswer(why)) => Err(WriteFault::Unknown(why)),
        }
    }

    async fn previous(&self) -> Result<Content, StoreFault> {
        let now = self.read().await?;
        let last = now.version.and_then(|version| version.0.parse::<u64>().ok()).unwrap_or_default();
        // A neighbour's write makes a version too, in which our value is the same.
        for version in (last.saturating_sub(KEPT).max(1)..last).rev() {
            let document = self.fetch(Some(version)).await?;
            let state = document.state().ok_or_else(|| self.refused("this is no answer of a vault"))?;
            let value = state.value(&self.key)?;
            if value.is_some() && value.as_ref().map(Secret::expose) != now.value.as_ref().map(Secret::expose) {
                return Content::held(state.version(), value);
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
