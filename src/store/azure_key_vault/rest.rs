//! The calls to a Key Vault, and what its refusals mean.

use std::{collections::BTreeSet, sync::Arc};

use reqwest::{Method, header::WWW_AUTHENTICATE};
use url::Url;

use super::bundle::{Bundle, Entry, Listed, New, Page, codes};
use crate::{
    api::{Answer, Api, Body, Call, CallFault},
    management::{Access, FaultKind},
    secret::Secret,
    store::{StoreFault, object::json},
};

const API_VERSION: &str = "7.4";

/// Pages of 25 versions: a secret that was rotated each day for years.
const PAGES: usize = 100;

pub(super) struct Rest {
    pub(super) api: Api,
    pub(super) access: Arc<dyn Access>,
    /// `https://VAULT/secrets/NAME`
    pub(super) secret: Url,
}

impl Rest {
    pub(super) fn host(&self) -> &str {
        self.secret.host_str().unwrap_or_default()
    }

    /// An answer of 200, or of 404 where the vault itself says that there is nothing.
    pub(super) async fn get(&self, url: Url) -> Result<Option<Answer>, StoreFault> {
        let token = self.token().await?;
        let call = Call { method: Method::GET, url, bearer: Some(&token), headers: Vec::new(), body: Body::Empty };
        let answer = self.api.call(call).await.map_err(|fault| StoreFault::Unavailable(fault.to_string()))?;
        match answer.status {
            200 => Ok(Some(answer)),
            404 if codes(&answer).contains("SecretNotFound") => Ok(None),
            _ => Err(self.refusal(&answer)),
        }
    }

    /// Of the current version, or of the one that is named.
    pub(super) async fn version(&self, version: Option<&str>) -> Result<Option<Answer>, StoreFault> {
        self.get(self.url(&self.secret, version)).await
    }

    pub(super) fn bundle<'a>(&self, answer: &'a Answer) -> Result<Bundle<'a>, StoreFault> {
        Bundle::of(answer)
            .ok_or_else(|| StoreFault::Unavailable(format!("this is no answer of a Key Vault ({})", self.host())))
    }

    pub(super) async fn versions(&self) -> Result<BTreeSet<Entry>, StoreFault> {
        let (mut all, mut next) = (BTreeSet::new(), Some(self.url(&self.secret, Some("versions"))));
        for _ in 0..PAGES {
            let Some(url) = next.take() else { return Ok(all) };
            // Our token goes nowhere else, wherever an answer points.
            if url.origin() != self.secret.origin() {
                break;
            }
            let Some(answer) = self.get(url).await? else { return Ok(all) };
            let Some(page) = answer.json::<Page>() else { break };
            all.extend(page.value.into_iter().map(Listed::entry));
            next = match page.next.as_deref().map(Url::parse).transpose() {
                Ok(next) => next,
                Err(_) => break,
            };
        }
        Err(StoreFault::Unavailable(format!("the list of versions cannot be read whole ({})", self.host())))
    }

    /// A deleted secret whose name is kept, and refused, until somebody recovers or purges it.
    pub(super) async fn is_soft_deleted(&self) -> Result<bool, StoreFault> {
        let mut url = self.secret.clone();
        url.set_path(&self.secret.path().replacen("/secrets/", "/deletedsecrets/", 1));
        Ok(self.get(self.url(&url, None)).await?.is_some())
    }

    pub(super) async fn put(&self, new: &New<'_>) -> Result<Answer, CallFault> {
        let token = self.token().await.map_err(|fault| CallFault::NotSent(fault.to_string()))?;
        let tags: usize = new.tags.iter().map(|(name, value)| name.len() + value.len() + 6).sum();
        let body = Body::Json(json(new, new.value.len() + tags));
        let url = self.url(&self.secret, None);
        self.api.call(Call { method: Method::PUT, url, bearer: Some(&token), headers: Vec::new(), body }).await
    }

    fn url(&self, base: &Url, part: Option<&str>) -> Url {
        let mut url = base.clone();
        if let (Some(part), Ok(mut parts)) = (part, url.path_segments_mut()) {
            parts.push(part);
        }
        url.query_pairs_mut().append_pair("api-version", API_VERSION);
        url
    }

    async fn token(&self) -> Result<Arc<Secret>, StoreFault> {
        self.access.token(false).await.map_err(|fault| {
            let why = format!("{} ({})", fault.message, self.host());
            match fault.kind {
                FaultKind::NotSent | FaultKind::NoAnswer | FaultKind::Throttled { .. } => StoreFault::Unavailable(why),
                _ => StoreFault::Refused(why),
            }
        })
    }

    /// Why it would not, in words of our own: the server's may repeat what was sent.
    pub(super) fn refusal(&self, answer: &Answer) -> StoreFault {
        let (host, codes) = (self.host(), codes(answer));
        let has = |code: &str| codes.contains(code);
        match answer.status {
            401 => {
                let challenge = answer.headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
                let tenant = challenge.and_then(tenant).map(|tenant| format!(", {tenant}"));
                StoreFault::Refused(format!(
                    "Key Vault does not accept our sign-in; sign in to the vault's own tenant{} ({host})",
                    tenant.unwrap_or_default()
                ))
            }
            403 if has("SecretDisabled") => {
                StoreFault::Refused(format!("the secret's current version is disabled; enable it ({host})"))
            }
            403 if has("ForbiddenByFirewall") || has("ForbiddenByConnection") => {
                StoreFault::Refused(format!("the vault's firewall keeps this machine out ({host})"))
            }
            403 => StoreFault::Refused(format!(
                "Key Vault refuses: the client lacks a right; `get`, `set` and `list` on secrets are needed, \
                 as in the role Key Vault Secrets Officer ({host})"
            )),
            409 if has("ObjectIsDeletedButRecoverable") || has("ObjectIsBeingDeleted") => {
                StoreFault::Refused(super::SOFT_DELETED.to_owned())
            }
            429 => StoreFault::Unavailable(format!("Key Vault asks to be asked less often ({host})")),
            status @ (408 | 500..) => StoreFault::Unavailable(format!("Key Vault fails with {status} ({host})")),
            status => StoreFault::Refused(format!("Key Vault refuses with {status} ({host})")),
        }
    }
}

/// Whose vault it is, of `Bearer authorization="https://login.microsoftonline.com/TENANT", resource="..."`.
pub(super) fn tenant(challenge: &str) -> Option<&str> {
    let (_, rest) =
        challenge.split_once("authorization=\"").or_else(|| challenge.split_once("authorization_uri=\""))?;
    let (authority, _) = rest.split_once('"')?;
    let tenant = authority.strip_prefix("https://")?.split_once('/')?.1.trim_end_matches('/');
    let is_tenant =
        !tenant.is_empty() && tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    is_tenant.then_some(tenant)
}
