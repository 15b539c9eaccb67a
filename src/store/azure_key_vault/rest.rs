//! The calls to a Key Vault, and what its refusals mean.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use reqwest::{Method, header::WWW_AUTHENTICATE};
use tokio::sync::OnceCell;
use url::Url;

use super::bundle::{Bundle, Entry, Listed, New, Page, codes};
use crate::{
    api::{Answer, Api, Body, Call, CallFault},
    secret::Secret,
    store::{StoreFault, object::json},
    yaml::is_loopback,
};

const API_VERSION: &str = "7.4";

/// Pages of 25 versions: a secret that was rotated each day for years.
const PAGES: usize = 100;

/// Whoever signs us in.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// An access token of this tenant (its id, as the vault names it) for this scope.
    ///
    /// # Errors
    /// The settings know no way into this tenant, we are not let in, or nobody answers.
    async fn token(&self, tenant: &str, scope: &str) -> Result<Arc<Secret>, StoreFault>;
}

pub(super) struct Rest {
    pub(super) api: Api,
    pub(super) tokens: Arc<dyn Tokens>,
    /// `https://VAULT/secrets/NAME`
    pub(super) secret: Url,
    pub(super) tenant: OnceCell<String>,
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
        let scope = scope(&self.secret).ok_or_else(|| {
            StoreFault::Refused(format!("a Key Vault is called NAME.vault.azure.net, or the like ({})", self.host()))
        })?;
        let tenant = self.tenant.get_or_try_init(|| self.challenge()).await?;
        self.tokens.token(tenant, &scope).await
    }

    /// A vault tells whoever comes without a token whose tenant it belongs to.
    async fn challenge(&self) -> Result<String, StoreFault> {
        let url = self.url(&self.secret, None);
        let call = Call { method: Method::GET, url, bearer: None, headers: Vec::new(), body: Body::Empty };
        let answer = self.api.call(call).await.map_err(|fault| StoreFault::Unavailable(fault.to_string()))?;
        let challenge = answer.headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        match (answer.status, challenge.and_then(tenant)) {
            (401, Some(tenant)) => Ok(tenant.to_owned()),
            (429 | 500.., _) => Err(self.refusal(&answer)),
            _ => {
                Err(StoreFault::Refused(format!("this is no Key Vault: it does not say its tenant ({})", self.host())))
            }
        }
    }

    /// Why it would not, in words of our own: the server's may repeat what was sent.
    pub(super) fn refusal(&self, answer: &Answer) -> StoreFault {
        let (host, codes) = (self.host(), codes(answer));
        let has = |code: &str| codes.contains(code);
        match answer.status {
            401 => StoreFault::Refused(format!(
                "Key Vault does not accept our sign-in: is it of the vault's tenant? ({host})"
            )),
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

/// The clouds' vaults are told apart by their domain: NAME.vault.azure.net. A token is good for one domain and goes to no other.
pub(super) fn scope(secret: &Url) -> Option<String> {
    if is_loopback(secret) {
        return Some("https://vault.azure.net/.default".to_owned());
    }
    let (_, domain) = secret.host_str()?.split_once('.')?;
    domain.starts_with("vault.").then(|| format!("https://{domain}/.default"))
}

/// Of `Bearer authorization="https://login.microsoftonline.com/TENANT", resource="..."`.
pub(super) fn tenant(challenge: &str) -> Option<&str> {
    let (_, rest) =
        challenge.split_once("authorization=\"").or_else(|| challenge.split_once("authorization_uri=\""))?;
    let (authority, _) = rest.split_once('"')?;
    let tenant = authority.strip_prefix("https://")?.split_once('/')?.1.trim_end_matches('/');
    let is_tenant =
        !tenant.is_empty() && tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    is_tenant.then_some(tenant)
}
