//! How credwatch itself signs in to a management API: the client credentials grant, with a token kept until shortly before
//! its end.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use tokio::{sync::Mutex, time::Instant};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::{Access, FaultKind, ManagementFault};
use crate::{
    api::{Api, Body, Call, CallFault},
    secret::{Resolver, Secret, SecretRef},
    text::shortened,
};

/// What proves who we are.
#[derive(Debug, Clone)]
pub enum Proof {
    Secret(SecretRef),
    /// A token of another issuer (workload identity), sent as the client assertion (RFC 7523).
    Federated(SecretRef),
}

pub struct SignIn {
    pub api: Api,
    pub secrets: Arc<Resolver>,
    pub token_endpoint: Url,
    pub client_id: String,
    pub proof: Proof,
    pub scope: Option<String>,
    /// Auth0 names the API so.
    pub audience: Option<String>,
    pub kept: Mutex<Option<Kept>>,
}

pub struct Kept {
    token: Arc<Secret>,
    until: Instant,
}

/// A token that ends sooner than this is not used any more.
const MARGIN: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct Granted {
    #[serde(deserialize_with = "secret")]
    access_token: Secret,
    #[serde(default)]
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct Refused {
    error: Option<String>,
    #[serde(default)]
    error_codes: Vec<u64>,
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

#[async_trait]
impl Access for SignIn {
    async fn token(&self, refused: bool) -> Result<Arc<Secret>, ManagementFault> {
        let mut kept = self.kept.lock().await;
        if refused {
            *kept = None;
        }
        if let Some(known) = kept.as_ref().filter(|known| known.until > Instant::now()) {
            return Ok(Arc::clone(&known.token));
        }
        let granted = self.ask().await?;
        let token = Arc::new(granted.access_token);
        let lasts = Duration::from_secs(granted.expires_in.unwrap_or_default()).saturating_sub(MARGIN);
        *kept =
            Some(Kept { token: Arc::clone(&token), until: Instant::now() + lasts.min(Duration::from_secs(86_400)) });
        Ok(token)
    }
}

impl SignIn {
    async fn ask(&self) -> Result<Granted, ManagementFault> {
        let form = self.form().await?;
        let call = Call {
            method: Method::POST,
            url: self.token_endpoint.clone(),
            bearer: None,
            headers: Vec::new(),
            body: Body::Form(form),
        };
        let answer = self.api.call(call).await.map_err(|fault| match fault {
            // Nothing was asked of the management API yet, whatever became of this request.
            CallFault::NotSent(why) | CallFault::NoAnswer(why) => fault_of(FaultKind::NotSent, &why),
        })?;
        if answer.is_success() {
            let unreadable = || fault_of(FaultKind::NotSent, "the token endpoint's answer is none");
            return answer.json().ok_or_else(unreadable);
        }
        if answer.status == 429 || answer.status >= 500 {
            let why = format!("the token endpoint answers HTTP {}", answer.status);
            return Err(fault_of(FaultKind::NotSent, &why));
        }
        let refused = answer.json::<Refused>().unwrap_or(Refused { error: None, error_codes: Vec::new() });
        let codes: Vec<String> = refused.error_codes.iter().map(|code| format!("AADSTS{code}")).collect();
        let error = shortened(refused.error.as_deref().unwrap_or("no reason"), 60);
        let why = format!("our own sign-in is refused: {error} {}", codes.join(" "));
        Err(fault_of(FaultKind::SignIn, why.trim_end()))
    }

    async fn form(&self) -> Result<Zeroizing<String>, ManagementFault> {
        let (Proof::Secret(reference) | Proof::Federated(reference)) = &self.proof;
        let value = self.secrets.resolve(reference).await;
        let unreadable =
            |_| fault_of(FaultKind::SignIn, &format!("the key of `management` cannot be read ({reference})"));
        let value = value.map_err(unreadable)?;
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(4096));
        form.append_pair("grant_type", "client_credentials").append_pair("client_id", &self.client_id);
        match &self.proof {
            Proof::Secret(_) => form.append_pair("client_secret", value.expose()),
            Proof::Federated(_) => form
                .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                .append_pair("client_assertion", value.expose()),
        };
        for (name, text) in [("scope", &self.scope), ("audience", &self.audience)] {
            if let Some(text) = text {
                form.append_pair(name, text);
            }
        }
        Ok(Zeroizing::new(form.finish()))
    }
}

fn fault_of(kind: FaultKind, why: &str) -> ManagementFault {
    ManagementFault { kind, message: format!("signing in to the management API: {why}") }
}
