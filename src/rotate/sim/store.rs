//! Stores: what they truly hold, and how they behave towards a writer.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    fault::Op,
    line::{Line, Reply},
    world::{Ms, World},
};
use crate::{
    secret::Secret,
    store::{Abilities, Content, Fence, Store, StoreFault, Version, Writable, Write, WriteFault},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// A file: nobody writes any more once the lock is ours.
    File,
    /// A compare-and-set store (Vault, AWS, Kubernetes).
    Cas,
    /// No compare-and-set (Key Vault).
    Plain,
    /// A hook that can only write.
    Blind,
    Person,
}

impl Sort {
    #[must_use]
    pub const fn abilities(self) -> Option<Abilities> {
        let (readable, compare_and_set, fence) = match self {
            Self::File => (true, true, Fence::Lock),
            Self::Cas => (true, true, Fence::Rewrite),
            Self::Plain => (true, false, Fence::Time),
            Self::Blind => (false, false, Fence::Time),
            Self::Person => return None,
        };
        Some(Abilities { readable, compare_and_set, fence })
    }
}

/// One store as it truly is.
#[derive(Debug, Clone)]
pub struct Shelf {
    pub address: String,
    pub sort: Sort,
    pub value: Option<Arc<str>>,
    pub version: u64,
    pub previous: Option<Arc<str>>,
    /// Does not spend a version on a write of what it holds already.
    pub lazy: bool,
    pub down_until: Ms,
    /// Since when it holds what it holds.
    pub changed: Ms,
    /// The last change was somebody else's.
    pub foreign: bool,
    tokens: Vec<(String, Arc<str>)>,
}

impl Shelf {
    #[must_use]
    pub const fn new(address: String, sort: Sort, value: Option<Arc<str>>, now: Ms) -> Self {
        Self {
            address,
            sort,
            value,
            version: 1,
            previous: None,
            lazy: false,
            down_until: 0,
            changed: now,
            foreign: false,
            tokens: Vec::new(),
        }
    }

    fn content(&self) -> Content {
        Content {
            version: Some(Version(format!("v{}", self.version))),
            value: self.value.as_ref().map(|value| Secret::new(value.to_string())),
        }
    }

    pub fn put(&mut self, value: Option<Arc<str>>, foreign: bool, now: Ms) {
        let is_same = self.value == value;
        if is_same && self.lazy {
            return;
        }
        self.version += 1;
        if !is_same {
            self.previous = self.value.take();
            self.value = value;
            self.changed = now;
            self.foreign = foreign;
        }
    }
}

pub struct SimStore {
    pub line: Line,
    pub app: usize,
    pub index: usize,
    pub abilities: Abilities,
}

impl SimStore {
    async fn look<T>(&self, op: Op, look: impl FnOnce(&mut World, usize, usize) -> Option<T>) -> Result<T, StoreFault> {
        let (app, index) = (self.app, self.index);
        let is_down = |world: &World| {
            let shelf = world.apps.get(app).and_then(|app| app.shelves.get(index));
            shelf.is_none_or(|shelf| shelf.down_until > world.now)
        };
        let reply = self.line.look(op, app, |world| if is_down(world) { None } else { look(world, app, index) }).await;
        match reply {
            Reply::Done(Some(seen)) => Ok(seen),
            _ => Err(StoreFault::Unavailable("the store does not answer".to_owned())),
        }
    }
}

#[async_trait]
impl Store for SimStore {
    fn abilities(&self) -> Abilities {
        self.abilities
    }

    async fn read(&self) -> Result<Content, StoreFault> {
        if !self.abilities.readable {
            return Err(StoreFault::Refused("it can be written only".to_owned()));
        }
        let process = self.line.process;
        self.look(Op::Read, |world, app, index| {
            let shelf = world.apps.get(app)?.shelves.get(index)?;
            let (content, value) = (shelf.content(), shelf.value.clone());
            world.saw_store(process, app, index, value);
            Some(content)
        })
        .await
    }

    async fn write(&self, write: Write<'_>) -> Result<Version, WriteFault> {
        let (process, app, index) = (self.line.process, self.app, self.index);
        let sort = self.line.world.with(|world| world.sends_write(process, app, index, &write));
        let before = write.before.version.cloned();
        if sort == Some(Sort::Plain) {
            // Without compare-and-set there is a look just before, and a gap behind it.
            let held = self.look(Op::Read, |world, app, index| world.apps.get(app)?.shelves.get(index).cloned()).await;
            let held = held.map_err(|fault| WriteFault::Refused(fault.to_string()))?.content().value;
            if !write.before.holds(held.as_ref()) {
                return Err(WriteFault::Refused("it holds something else".to_owned()));
            }
        }
        let value: Arc<str> = write.value.expose().into();
        let token = write.idempotency.to_owned();
        let landed = move |world: &mut World| land(world, process, (app, index), before.as_ref(), &value, &token);
        // A file's writer dies with its process.
        match self.line.act(Op::Write, app, sort != Some(Sort::File), landed).await {
            Reply::Done(Some(version)) => Ok(version),
            Reply::Done(None) | Reply::Refused | Reply::Throttled(_) => {
                Err(WriteFault::Refused("it holds something else, or will not".to_owned()))
            }
            Reply::Unknown => Err(WriteFault::Unknown("no answer in time".to_owned())),
        }
    }

    async fn previous(&self) -> Result<Content, StoreFault> {
        self.look(Op::Previous, |world, app, index| {
            let shelf = world.apps.get(app)?.shelves.get(index)?;
            let value = shelf.previous.as_ref().map(|value| Secret::new(value.to_string()));
            Some(Content { version: None, value })
        })
        .await
    }

    async fn forget_previous(&self) -> Result<(), StoreFault> {
        let (app, index) = (self.app, self.index);
        let forget = move |world: &mut World| {
            if let Some(shelf) = world.apps.get_mut(app).and_then(|app| app.shelves.get_mut(index)) {
                shelf.previous = None;
            }
        };
        match self.line.act(Op::Tidy, app, false, forget).await {
            Reply::Done(()) => Ok(()),
            _ => Err(StoreFault::Unavailable("the store does not answer".to_owned())),
        }
    }

    async fn writable(&self) -> Writable {
        match self.look(Op::Writable, |_, _, _| Some(())).await {
            Ok(()) => Writable::Yes,
            Err(_) => Writable::Unknown,
        }
    }
}

/// A write arrives. `None`: the store will not have it.
fn land(
    world: &mut World,
    process: usize,
    (app, index): (usize, usize),
    before: Option<&Version>,
    value: &Arc<str>,
    token: &str,
) -> Option<Version> {
    let now = world.now;
    let value = world.value(value.to_string());
    let shelf = world.apps.get_mut(app)?.shelves.get_mut(index)?;
    if shelf.down_until > now {
        return None;
    }
    if let Some((_, earlier)) = shelf.tokens.iter().find(|(known, _)| known == token) {
        // As AWS does: the same token is the same write, or a fault.
        let is_same = *earlier == value;
        let version = Version(format!("v{}", shelf.version));
        if !is_same {
            world.violate("idempotency", format!("{token} stands for two values"));
        }
        return is_same.then_some(version);
    }
    // As with `If-Match: *`.
    let is_expected = before.is_some_and(|before| before.0 == "*" || before.0 == format!("v{}", shelf.version));
    if shelf.sort.abilities().is_some_and(|abilities| abilities.compare_and_set) && !is_expected {
        world.note(|| format!("app {app}: store {index} refuses a write: {before:?} is not what it has"));
        return None;
    }
    shelf.tokens.push((token.to_owned(), value.clone()));
    world.lands(process, app, index, &value);
    let shelf = world.apps.get_mut(app)?.shelves.get_mut(index)?;
    shelf.put(Some(value.clone()), false, now);
    let version = Version(format!("v{}", shelf.version));
    let holds: String = value.chars().take(3).collect();
    world.note(|| format!("app {app}: store {index} holds {holds}… as {version:?}"));
    world.store_changed(app, index, Some(process));
    Some(version)
}
