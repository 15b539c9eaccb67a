//! What the server keeps under one path.

use serde::{Deserialize, de::IgnoredAny};

use crate::{
    api::Answer,
    secret::Secret,
    store::{StoreFault, Version, object::NotText, object::Object},
};

/// An answer about the secret, as it came: the values stay in its own buffer.
pub(super) struct Document(pub(super) Answer);

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    data: Option<State<'a>>,
    errors: Option<Vec<IgnoredAny>>,
}

#[derive(Default, Deserialize)]
pub(super) struct State<'a> {
    /// `None`: deleted, or there never was one.
    #[serde(borrow, rename = "data")]
    pub(super) object: Option<Object<'a>>,
    pub(super) metadata: Numbered,
}

#[derive(Default, Deserialize)]
pub(super) struct Numbered {
    /// From 1, also of what is deleted; 0: there never was one.
    pub(super) version: u64,
}

impl Document {
    /// `None`: the answer is none of this engine.
    pub(super) fn state(&self) -> Option<State<'_>> {
        match (self.0.status, serde_json::from_slice::<Reply<'_>>(&self.0.body).ok()?) {
            (_, Reply { data: Some(state), .. }) => Some(state),
            (404, Reply { errors: Some(errors), .. }) if errors.is_empty() => Some(State::default()),
            _ => None,
        }
    }
}

impl State<'_> {
    pub(super) fn version(&self) -> Option<Version> {
        (self.metadata.version > 0).then(|| Version(self.metadata.version.to_string()))
    }

    pub(super) fn value(&self, key: &str) -> Result<Option<Secret>, StoreFault> {
        let member = self.object.as_ref().map_or(Ok(None), |object| object.member(key));
        member.map_err(|NotText| StoreFault::Unusable(format!("the value is no text (key {key})")))
    }
}
