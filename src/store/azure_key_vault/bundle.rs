//! What a Key Vault says of a secret, in the shapes of its API.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    api::Answer,
    clock,
    secret::Secret,
    store::{StoreFault, Version},
};

/// One version with its value, as the answer brought it.
#[derive(Deserialize)]
pub(super) struct Bundle<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    id: String,
    #[serde(default)]
    attributes: Attributes,
    #[serde(default, rename = "contentType")]
    pub(super) content_type: Option<String>,
    #[serde(default)]
    pub(super) tags: Option<BTreeMap<String, String>>,
    /// It is the private part of a certificate, which Key Vault itself writes.
    #[serde(default)]
    pub(super) managed: bool,
}

#[derive(Default, Deserialize)]
struct Attributes {
    enabled: Option<bool>,
    /// Seconds since 1970, as the others.
    exp: Option<i64>,
    created: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    pub(super) value: Vec<Listed>,
    #[serde(default, rename = "nextLink")]
    pub(super) next: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Listed {
    id: String,
    #[serde(default)]
    attributes: Attributes,
}

/// A version without its value; the latest sorts last, as far as whole seconds tell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) created: i64,
    pub(super) version: String,
    pub(super) enabled: bool,
}

#[derive(Serialize)]
pub(super) struct New<'a> {
    pub(super) value: &'a str,
    #[serde(rename = "contentType", skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
    pub(super) attributes: Enabled,
    pub(super) tags: BTreeMap<String, String>,
}

#[derive(Serialize)]
pub(super) struct Enabled {
    pub(super) enabled: bool,
}

#[derive(Deserialize)]
struct Error {
    error: Reason,
}

#[derive(Deserialize)]
struct Reason {
    code: Option<String>,
    innererror: Option<Box<Self>>,
}

impl<'a> Bundle<'a> {
    /// `None`: the answer is something else.
    pub(super) fn of(answer: &'a Answer) -> Option<Self> {
        let bundle: Self = serde_json::from_slice(&answer.body).ok()?;
        Some(bundle).filter(|bundle| !last_part(&bundle.id).is_empty())
    }

    pub(super) fn version(&self) -> Version {
        Version(last_part(&self.id).to_owned())
    }

    pub(super) fn text(&self) -> Result<Secret, StoreFault> {
        let text = self.value.and_then(|raw| serde_json::from_str(raw.get()).ok());
        text.map(Secret::new).ok_or_else(|| StoreFault::Unusable("the secret holds no text".to_owned()))
    }

    /// Enabled and not over.
    pub(super) fn is_in_force(&self) -> bool {
        let end = self.attributes.exp.and_then(|end| DateTime::from_timestamp(end, 0));
        self.attributes.enabled != Some(false) && end.is_none_or(|end| end > clock::now())
    }
}

impl Listed {
    pub(super) fn entry(self) -> Entry {
        Entry {
            created: self.attributes.created.unwrap_or_default(),
            version: last_part(&self.id).to_owned(),
            enabled: self.attributes.enabled != Some(false),
        }
    }
}

fn last_part(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}

/// The codes of an error, the inner ones too.
pub(super) fn codes(answer: &Answer) -> BTreeSet<String> {
    let mut reason = answer.json::<Error>().map(|body| body.error);
    let mut codes = BTreeSet::new();
    while let Some(Reason { code, innererror }) = reason {
        codes.extend(code);
        reason = innererror.map(|inner| *inner);
    }
    codes
}
