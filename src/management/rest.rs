//! What the management APIs over JSON have in common: our token, one call, and what its status means.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::{Method, header::HeaderMap};
use serde::de::DeserializeOwned;
use url::Url;
use zeroize::Zeroizing;

use super::{CreateFault, FaultKind, ManagementFault};
use crate::{
    api::{Answer, Api, Body, Call, CallFault},
    clock,
    secret::Secret,
};

/// Our own right to use a management API.
#[async_trait]
pub trait Access: Send + Sync {
    /// A token that is good for the next call; `refused`: the API did not take the last one.
    ///
    /// # Errors
    /// We could not sign in.
    async fn token(&self, refused: bool) -> Result<Arc<Secret>, ManagementFault>;
}

/// The management API of one provider.
pub(super) struct Rest {
    /// As messages name it.
    pub name: &'static str,
    pub api: Api,
    pub access: Arc<dyn Access>,
    pub base: Url,
}

impl Rest {
    /// `base` with these segments below its own path.
    pub(super) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Reads JSON. A token that is refused is replaced once.
    pub(super) async fn get<T: DeserializeOwned>(&self, url: Url, doing: &str) -> Result<(T, Answer), ManagementFault> {
        let mut answer = self.send(Method::GET, url.clone(), None, false).await?;
        if answer.status == 401 {
            answer = self.send(Method::GET, url, None, true).await?;
        }
        let body = self.accept(&answer, doing)?.json().ok_or_else(|| self.unreadable(doing))?;
        Ok((body, answer))
    }

    /// Sends one request once. Any status is an answer.
    pub(super) async fn send(
        &self,
        method: Method,
        url: Url,
        json: Option<Zeroizing<Vec<u8>>>,
        refused: bool,
    ) -> Result<Answer, ManagementFault> {
        let token = self.access.token(refused).await?;
        let body = json.map_or(Body::Empty, Body::Json);
        let call = Call { method, url, bearer: Some(&token), headers: Vec::new(), body };
        self.api.call(call).await.map_err(|fault| match fault {
            CallFault::NotSent(why) => self.fault(FaultKind::NotSent, &why),
            CallFault::NoAnswer(why) => self.fault(FaultKind::NoAnswer, &why),
        })
    }

    /// Sends the one request that makes a secret.
    pub(super) async fn make<T: DeserializeOwned>(
        &self,
        url: Url,
        json: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<(T, Answer), CreateFault> {
        let doing = "making a secret";
        let made = match self.send(Method::POST, url, json, false).await {
            Ok(answer) => self.accept(&answer, doing).map(drop).map(|()| answer),
            Err(fault) => Err(fault),
        };
        let answer = made.map_err(|fault| match fault.kind {
            FaultKind::NoAnswer => CreateFault::Unknown(fault.message),
            _ => CreateFault::Refused(fault),
        })?;
        match answer.json() {
            Some(body) => Ok((body, answer)),
            None => Err(CreateFault::Unknown(self.unreadable(doing).message)),
        }
    }

    pub(super) fn accept<'a>(&self, answer: &'a Answer, doing: &str) -> Result<&'a Answer, ManagementFault> {
        if answer.is_success() {
            return Ok(answer);
        }
        let kind = match answer.status {
            401 => FaultKind::SignIn,
            403 => FaultKind::Forbidden,
            404 => FaultKind::NotFound,
            409 | 412 => FaultKind::Conflict,
            429 => FaultKind::Throttled { retry_after: pause(answer) },
            // 408: a gateway gave up waiting for our request, or for its server.
            408 | 500.. => FaultKind::NoAnswer,
            _ => FaultKind::Refused,
        };
        Err(self.fault(kind, &format!("{doing} is answered with HTTP {}", answer.status)))
    }

    pub(super) fn unreadable(&self, doing: &str) -> ManagementFault {
        self.fault(FaultKind::NoAnswer, &format!("the answer to {doing} is not what its documentation describes"))
    }

    pub(super) fn fault(&self, kind: FaultKind, said: &str) -> ManagementFault {
        ManagementFault { kind, message: format!("{}: {said}", self.name) }
    }
}

/// The pause asked for: `Retry-After`, or the second at which Okta's and Auth0's limits start anew.
fn pause(answer: &Answer) -> Option<Duration> {
    answer.retry_after().or_else(|| {
        let reset =
            ["x-rate-limit-reset", "x-ratelimit-reset"].iter().find_map(|name| seconds(&answer.headers, name))?;
        let now = answer.date().unwrap_or_else(clock::now).timestamp();
        Some(Duration::from_secs(u64::try_from(reset.saturating_sub(now)).unwrap_or_default()))
    })
}

fn seconds(headers: &HeaderMap, name: &str) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}
