//! The managed identity of the Azure resource that credwatch runs on: no secret of ours, and none to keep.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::{Method, header::HeaderValue};
use url::Url;

use super::{Grant, fault_of, not_asked};
use crate::{
    api::{Answer, Api, Body, Call},
    management::{FaultKind, ManagementFault},
    secret::{Resolver, Secret, SecretRef},
};

/// Where virtual machines and the nodes of Kubernetes ask, always.
pub const METADATA_SERVICE: &str = "http://169.254.169.254";

/// What App Service and Container Apps want to see.
const PLATFORM_HEADER: &str = "x-identity-header";

pub struct ManagedIdentity {
    pub api: Api,
    pub secrets: Arc<Resolver>,
    /// [`METADATA_SERVICE`]; asked where the environment names no other endpoint.
    pub metadata: Url,
    /// Of a user-assigned identity; `None`: the system's.
    pub client_id: Option<String>,
    /// Root of the API that the token is for.
    pub resource: String,
}

#[async_trait]
impl Grant for ManagedIdentity {
    async fn ask(&self) -> Result<Answer, ManagementFault> {
        let (mut url, version, header) = self.endpoint().await?;
        let named_by_platform = header.0 == PLATFORM_HEADER;
        url.query_pairs_mut().append_pair("api-version", version).append_pair("resource", &self.resource);
        if let Some(client_id) = &self.client_id {
            url.query_pairs_mut().append_pair("client_id", client_id);
        }
        let call = Call { method: Method::GET, url, bearer: None, headers: vec![header], body: Body::Empty };
        let answer = self.api.ask_for_identity(call, named_by_platform).await.map_err(not_asked)?;
        // 404 and 410: the metadata service is being updated, by its own documentation.
        if matches!(answer.status, 404 | 410) {
            let why = format!("the managed identity's endpoint answers HTTP {}", answer.status);
            return Err(fault_of(FaultKind::NotSent, &why));
        }
        Ok(answer)
    }
}

impl ManagedIdentity {
    /// Where to ask, by which version, and the header that no request from outside can be made to carry.
    async fn endpoint(&self) -> Result<(Url, &'static str, (&'static str, HeaderValue)), ManagementFault> {
        let Some(endpoint) = self.variable("IDENTITY_ENDPOINT").await else {
            let mut url = self.metadata.clone();
            url.set_path("/metadata/identity/oauth2/token");
            return Ok((url, "2018-02-01", ("metadata", HeaderValue::from_static("true"))));
        };
        let refused = |why: &str| fault_of(FaultKind::SignIn, why);
        let url = endpoint.expose().parse().map_err(|_| refused("IDENTITY_ENDPOINT is no URL"))?;
        // Azure Arc sets the one without the other: its proof is a file that root writes.
        let header = self.variable("IDENTITY_HEADER").await.ok_or_else(|| {
            refused(
                "IDENTITY_ENDPOINT is set and IDENTITY_HEADER is not, as on Azure Arc, which is not supported; \
                 sign in with `certificate` or `secret`",
            )
        })?;
        let mut value = HeaderValue::from_str(header.expose())
            .map_err(|_| refused("IDENTITY_HEADER cannot be sent as a header"))?;
        value.set_sensitive(true);
        Ok((url, "2019-08-01", (PLATFORM_HEADER, value)))
    }

    /// Of the environment as it was read once; an empty one is none.
    async fn variable(&self, name: &str) -> Option<Secret> {
        self.secrets.resolve(&SecretRef::Env(name.to_owned())).await.ok()
    }
}
