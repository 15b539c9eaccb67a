//! The client credentials grant (RFC 6749 section 4.4), by a secret or an assertion.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::{Grant, fault_of, not_asked};
use crate::{
    api::{Answer, Api, Body, Call},
    clock,
    management::{FaultKind, ManagementFault},
    probe,
    provider::AssertionProfile,
    secret::{Resolver, Secret, SecretRef, Unreadable},
};

/// What proves who we are. It is read anew at each sign-in: a rotation may have changed it.
#[derive(Debug, Clone)]
pub enum Proof {
    Secret(SecretRef),
    /// PEM with a private key that signs an assertion (RFC 7523), and the certificate where the provider wants it.
    Certificate {
        pem: SecretRef,
        profile: AssertionProfile,
    },
    /// A token of another issuer (workload identity), sent as the client assertion (RFC 7523).
    Federated(SecretRef),
}

pub struct ClientSignIn {
    pub api: Api,
    pub secrets: Arc<Resolver>,
    pub token_endpoint: Url,
    pub client_id: String,
    pub proof: Proof,
    pub scope: Option<String>,
    /// Auth0 names the API so.
    pub audience: Option<String>,
}

#[async_trait]
impl Grant for ClientSignIn {
    async fn ask(&self) -> Result<Answer, ManagementFault> {
        let body = Body::Form(self.form().await?);
        let url = self.token_endpoint.clone();
        let call = Call { method: Method::POST, url, bearer: None, headers: Vec::new(), body };
        self.api.call(call).await.map_err(not_asked)
    }
}

impl ClientSignIn {
    async fn form(&self) -> Result<Zeroizing<String>, ManagementFault> {
        let proof = self.proof().await?;
        // Room for all of it at once: a buffer that grows leaves copies behind.
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(proof.expose().len() * 3 + 1024));
        form.append_pair("grant_type", "client_credentials").append_pair("client_id", &self.client_id);
        match &self.proof {
            Proof::Secret(_) => form.append_pair("client_secret", proof.expose()),
            Proof::Certificate { .. } | Proof::Federated(_) => form
                .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                .append_pair("client_assertion", proof.expose()),
        };
        for (name, text) in [("scope", &self.scope), ("audience", &self.audience)] {
            if let Some(text) = text {
                form.append_pair(name, text);
            }
        }
        Ok(Zeroizing::new(form.finish()))
    }

    /// The secret, or a whole assertion.
    async fn proof(&self) -> Result<Secret, ManagementFault> {
        match &self.proof {
            Proof::Secret(reference) | Proof::Federated(reference) => {
                readable(self.secrets.resolve(reference).await, reference)
            }
            Proof::Certificate { pem, profile } => {
                let value = readable(self.secrets.resolve_pem(pem).await, pem)?;
                let audience = self.token_endpoint.as_str();
                let signed = probe::client_assertion(&value, &self.client_id, audience, *profile, clock::now());
                signed.map_err(|why| fault_of(FaultKind::SignIn, &format!("{why} ({pem})")))
            }
        }
    }
}

fn readable(read: Result<Secret, Unreadable>, reference: &SecretRef) -> Result<Secret, ManagementFault> {
    read.map_err(|unreadable| {
        let why = match unreadable {
            Unreadable::Unresolved(why) => why,
            Unreadable::Whitespace => format!("there is white space around it ({reference})"),
            Unreadable::Empty => format!("it is empty ({reference})"),
            Unreadable::BadKey(why) => format!("{why} ({reference})"),
        };
        fault_of(FaultKind::SignIn, &format!("what proves who we are cannot be read: {why}"))
    })
}
