//! A store that a program of the settings' `hooks` reads and writes.

use async_trait::async_trait;

use super::{Abilities, Content, Fence, Store, StoreFault, Version, Writable, Write, WriteFault};
use crate::{
    hook::{self, Hook, HookFault},
    settings::{self, Verb},
};

/// A hook without the verb `read` is blind.
pub struct HookStore {
    hook: Hook,
    readable: bool,
    writable: bool,
}

impl HookStore {
    #[must_use]
    pub fn new(name: &str, hook: &settings::Hook, subject: hook::Subject) -> Self {
        let can = |verb| hook.verbs.contains(&verb);
        Self { readable: can(Verb::Read), writable: can(Verb::Write), hook: Hook::new(name, hook, subject) }
    }
}

#[async_trait]
impl Store for HookStore {
    fn abilities(&self) -> Abilities {
        // What a program promises about versions cannot be relied on.
        Abilities { readable: self.readable, compare_and_set: false, fence: Fence::Time }
    }

    async fn read(&self) -> Result<Content, StoreFault> {
        if !self.readable {
            return Err(StoreFault::Refused("the hook has no verb `read`".to_owned()));
        }
        let read = self.hook.read().await.map_err(|fault| match fault {
            HookFault::Refused(why) => StoreFault::Refused(why),
            HookFault::NotStarted(why) | HookFault::Later(why) | HookFault::Unknown(why) => {
                StoreFault::Unavailable(why)
            }
        })?;
        Ok(Content { version: read.version.map(Version), value: read.value })
    }

    async fn write(&self, write: Write<'_>) -> Result<Version, WriteFault> {
        if self.readable {
            let now = self.read().await?;
            if !write.before.holds(now.value.as_ref()) {
                return Err(WriteFault::Refused("the store holds another value by now".to_owned()));
            }
        }
        let about = hook::Write {
            version: write.before.version.map(|version| version.0.as_str()),
            idempotency: write.idempotency,
            key_id: write.key_id,
        };
        let written = self.hook.write(write.value, about).await.map_err(|fault| match fault {
            HookFault::NotStarted(why) | HookFault::Later(why) | HookFault::Refused(why) => WriteFault::Refused(why),
            HookFault::Unknown(why) => WriteFault::Unknown(why),
        })?;
        Ok(Version(written.version.unwrap_or_default()))
    }

    async fn previous(&self) -> Result<Content, StoreFault> {
        Ok(Content { version: None, value: None })
    }

    async fn forget_previous(&self) -> Result<(), StoreFault> {
        Ok(())
    }

    async fn writable(&self) -> Writable {
        if self.writable { Writable::Unknown } else { Writable::No("the hook has no verb `write`".to_owned()) }
    }
}
