//! How the SDK gets onto the wire: with our proxy, our private CA and our deadline, and without its own retries.

use std::{path::PathBuf, time::Duration};

use aws_config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_secretsmanager::{Client, config::SharedHttpClient};
use aws_smithy_http_client::{
    Builder, ConnectorBuilder,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};

use crate::{settings, store::StoreFault};

/// What holds for every request.
#[derive(Debug, Clone)]
pub struct Way {
    http: settings::Http,
    ca: Option<PathBuf>,
}

/// Never by way of a proxy: this machine, and where a role's credentials come from.
const DIRECT: &str = "localhost,127.0.0.0/8,::1,169.254.0.0/16,fd00:ec2::254";

impl Way {
    #[must_use]
    pub const fn new(http: settings::Http, ca: Option<PathBuf>) -> Self {
        Self { http, ca }
    }

    /// For the region that an ARN names, else for the one that is configured for Amazon's tools.
    pub(super) async fn client(&self, id: &str) -> Result<Client, StoreFault> {
        let deadline: Duration = self.http.timeout.as_std();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(self.http_client()?)
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_timeout(deadline).build());
        if let Some(region) = region(id) {
            loader = loader.region(Region::new(region.to_owned()));
        }
        Ok(Client::new(&loader.load().await))
    }

    pub(super) fn http_client(&self) -> Result<SharedHttpClient, StoreFault> {
        let proxy = match &self.http.proxy {
            None => ProxyConfig::from_env(),
            Some(url) => ProxyConfig::all(url.as_str())
                .map_err(|_| StoreFault::Refused("http.proxy holds no proxy that can be used".to_owned()))?
                .no_proxy(DIRECT),
        };
        let mut roots = TrustStore::default();
        if let Some(path) = &self.ca {
            let pem = std::fs::read(path);
            roots.add_pem_certificate(pem.map_err(|error| {
                StoreFault::Refused(format!("the CA file {} cannot be read: {}", path.display(), error.kind()))
            })?);
        }
        let tls = TlsContext::builder().with_trust_store(roots).build();
        let tls = tls.map_err(|_| StoreFault::Refused("the CA file cannot be used".to_owned()))?;
        Ok(Builder::new().build_with_connector_fn(move |settings, components| {
            let mut connector = ConnectorBuilder::default()
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                .tls_context(tls.clone())
                .proxy_config(proxy.clone());
            connector.set_connector_settings(settings.cloned());
            connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
            connector.build()
        }))
    }
}

/// `arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:NAME`
fn region(id: &str) -> Option<&str> {
    let mut parts = id.split(':');
    (parts.next() == Some("arn")).then(|| parts.nth(2)).flatten().filter(|region| !region.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_its_region_and_a_name_none() {
        assert_eq!(region("arn:aws:secretsmanager:eu-north-1:1:secret:etl-AbCdEf"), Some("eu-north-1"));
        for id in ["etl", "arn", "arn:aws:secretsmanager::1:secret:etl", "app/etl"] {
            assert_eq!(region(id), None, "{id}");
        }
    }
}
