//! A double of Azure Key Vault: versions, soft delete, attributes and rights as documented (providers.md section 9),
//! and mishaps on demand.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Deserialize;
use uuid::Uuid;

use crate::{clock, secret::Secret};

#[derive(Debug, Default)]
pub struct KeyVault(Mutex<State>);

#[derive(Debug, Default)]
pub(super) struct State {
    secrets: BTreeMap<String, Vec<Held>>,
    deleted: BTreeSet<String>,
    mishaps: VecDeque<Mishap>,
    late: Vec<(String, Held)>,
}

/// One version.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) id: String,
    pub(super) value: Secret,
    pub(super) content_type: Option<String>,
    pub(super) attributes: Attributes,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) created: i64,
}

/// Seconds since 1970.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attributes {
    pub(super) enabled: Option<bool>,
    pub(super) exp: Option<i64>,
    pub(super) nbf: Option<i64>,
}

/// What befalls one write.
#[derive(Debug)]
pub enum Mishap {
    /// 429, and nothing is done.
    Throttled,
    /// It is done, and the connection breaks.
    LostReply,
    /// The connection breaks, and it is done at [`KeyVault::land`].
    LateApply,
    /// Somebody else's value comes in just before it.
    Overtaken(Secret),
    /// Somebody else's value comes in just after it.
    Followed(Secret),
}

impl KeyVault {
    /// Puts a version in as an administrator would, and returns its id.
    pub fn put(&self, name: &str, value: Secret) -> String {
        self.state().add(name, Held::new(value))
    }

    /// The next write meets this; several are met in turn.
    pub fn expect(&self, mishap: Mishap) {
        self.state().mishaps.push_back(mishap);
    }

    /// What was late is done now.
    pub fn land(&self) {
        let mut state = self.state();
        for (name, held) in std::mem::take(&mut state.late) {
            state.secrets.entry(name).or_default().push(held);
        }
    }

    /// Deletes a secret; its name stays taken.
    pub fn delete(&self, name: &str) {
        self.state().deleted.insert(name.to_owned());
    }

    /// Disables the current version.
    pub fn disable(&self, name: &str) {
        if let Some(held) = self.state().secrets.get_mut(name).and_then(|all| all.last_mut()) {
            held.attributes.enabled = Some(false);
        }
    }

    /// Every value that was written, the oldest first; none of a deleted secret.
    #[must_use]
    pub fn history(&self, name: &str) -> Vec<String> {
        let state = self.state();
        state.versions(name).iter().map(|held| held.value.expose().to_owned()).collect()
    }

    /// A tag of the current version.
    #[must_use]
    pub fn tag(&self, name: &str, tag: &str) -> Option<String> {
        self.state().versions(name).last()?.tags.get(tag).cloned()
    }

    /// Exclusive access: one request sees one state.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A panic in another request leaves whole entries behind: they are pushed in one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Oldest first; none of a deleted secret.
    pub(super) fn versions(&self, name: &str) -> &[Held] {
        let all = self.secrets.get(name).filter(|_| !self.deleted.contains(name));
        all.map_or(&[], Vec::as_slice)
    }

    pub(super) fn is_deleted(&self, name: &str) -> bool {
        self.deleted.contains(name)
    }

    pub(super) fn mishap(&mut self) -> Option<Mishap> {
        self.mishaps.pop_front()
    }

    pub(super) fn add(&mut self, name: &str, held: Held) -> String {
        let id = held.id.clone();
        self.secrets.entry(name.to_owned()).or_default().push(held);
        id
    }

    pub(super) fn add_late(&mut self, name: &str, held: Held) {
        self.late.push((name.to_owned(), held));
    }
}

impl Held {
    pub(super) fn new(value: Secret) -> Self {
        Self {
            id: Uuid::new_v4().simple().to_string(),
            value,
            content_type: None,
            attributes: Attributes { enabled: Some(true), ..Attributes::default() },
            tags: BTreeMap::new(),
            created: clock::now().timestamp(),
        }
    }
}
