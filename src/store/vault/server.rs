//! The calls to a Vault or OpenBao server, and what its refusals mean.

use std::sync::Arc;

use reqwest::{Method, header::HeaderValue};
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;
use zeroize::Zeroizing;

use crate::{
    api::{Answer, Api, Body, Call, CallFault},
    secret::Secret,
    store::StoreFault,
};

/// A server and our token for it.
pub(super) struct Server {
    pub(super) api: Api,
    pub(super) address: Url,
    pub(super) token: Arc<Secret>,
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

/// `data` of an answer.
#[derive(Deserialize)]
pub(super) struct Wrapped<T> {
    pub(super) data: T,
}

impl Server {
    /// An answer of 200 or 404; all others are faults.
    pub(super) async fn get(&self, path: &[&str], version: Option<u64>) -> Result<Answer, StoreFault> {
        let answer = self.call(Method::GET, path, version, Body::Empty).await;
        let answer = answer.map_err(|fault| StoreFault::Unavailable(fault.to_string()))?;
        match answer.status {
            200 | 404 => Ok(answer),
            _ => Err(self.refusal(&answer, path)),
        }
    }

    /// `data` of an answer of 200; `None`: 404, or it has another shape.
    pub(super) async fn ask<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Option<T>, StoreFault> {
        let answer = self.get(path, None).await?;
        Ok(answer.is_success().then(|| answer.json()).flatten().map(|Wrapped { data }| data))
    }

    pub(super) async fn post(&self, path: &[&str], json: Zeroizing<Vec<u8>>) -> Result<Answer, CallFault> {
        self.call(Method::POST, path, None, Body::Json(json)).await
    }

    async fn call(&self, method: Method, path: &[&str], version: Option<u64>, body: Body) -> Result<Answer, CallFault> {
        let mut url = self.address.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().push("v1").extend(path.iter().flat_map(|part| part.split('/')));
        }
        if let Some(version) = version {
            url.query_pairs_mut().append_pair("version", &version.to_string());
        }
        let unsendable = |_| CallFault::NotSent("the vault's token holds characters that no header takes".to_owned());
        let mut token = HeaderValue::from_str(self.token.expose()).map_err(unsendable)?;
        token.set_sensitive(true);
        self.api.call(Call { method, url, bearer: None, headers: vec![("x-vault-token", token)], body }).await
    }

    pub(super) fn host(&self) -> &str {
        self.address.host_str().unwrap_or_default()
    }

    /// Why it would not, in words of our own: the server's may repeat what was sent.
    pub(super) fn refusal(&self, answer: &Answer, path: &[&str]) -> StoreFault {
        let place = format!("{}/v1/{}", self.host(), path.join("/"));
        match answer.status {
            403 => StoreFault::Refused(format!(
                "the vault refuses: its token has expired, or no policy of it allows this ({place}); \
                 renew the token or allow the path"
            )),
            429 => StoreFault::Unavailable(format!("the vault asks to be asked less often ({place})")),
            _ if is_sealed(answer) => StoreFault::Refused(format!("the vault is sealed ({place}); unseal it")),
            status @ 500.. => StoreFault::Unavailable(format!("the vault fails with {status} ({place})")),
            status => StoreFault::Refused(format!("the vault refuses with {status} ({place})")),
        }
    }
}

/// A proxy's 503 says nothing about what the server behind it did; this one comes from the server itself.
pub(super) fn is_sealed(answer: &Answer) -> bool {
    answer.status == 503 && says(answer, "sealed")
}

pub(super) fn is_cas_mismatch(answer: &Answer) -> bool {
    answer.status == 400 && says(answer, "check-and-set")
}

fn says(answer: &Answer, words: &str) -> bool {
    answer.json::<Errors>().is_some_and(|body| body.errors.iter().any(|error| error.contains(words)))
}
