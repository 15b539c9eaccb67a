//! Our own sign-in to Key Vaults: the settings' block `azure_key_vault`, else the one way into Entra they have.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use url::Url;

use crate::{
    api::Api,
    inventory::TokenEndpoint,
    management::{self, Access},
    secret::Resolver,
    settings::{self, ManagementKey, Settings},
    store::StoreFault,
    yaml::is_loopback,
};

/// Where the clouds have their vaults: NAME before one of these. It is what a token is asked for, too.
const DOMAINS: [&str; 5] =
    [GLOBAL, "vault.azure.cn", "vault.usgovcloudapi.net", "vault.sovcloud-api.fr", "vault.sovcloud-api.de"];

const GLOBAL: &str = "vault.azure.net";

/// The sign-ins of one run, by domain: each keeps its token until shortly before the end.
#[derive(Default)]
pub struct SignIns(Mutex<BTreeMap<&'static str, Arc<dyn Access>>>);

impl SignIns {
    /// The way in to the vault that holds this secret.
    ///
    /// # Errors
    /// This is no Key Vault, or the settings do not say how to sign in.
    pub fn to(
        &self,
        secret: &Url,
        settings: &Settings,
        secrets: &Arc<Resolver>,
        api: &Api,
    ) -> Result<Arc<dyn Access>, StoreFault> {
        let entry = entry(settings)?;
        let domain = domain(secret, entry)?;
        // Whoever panicked in here left whole entries behind.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(access) = known.get(domain) {
            return Ok(Arc::clone(access));
        }
        let access = management::sign_in(entry, &format!("https://{domain}/.default"), settings, secrets, api)
            .map_err(|fault| StoreFault::Refused(fault.to_string()))?;
        Ok(Arc::clone(known.entry(domain).or_insert(access)))
    }
}

fn entry(settings: &Settings) -> Result<&settings::Management, StoreFault> {
    if let Some(entry) = &settings.azure_key_vault {
        return Ok(entry);
    }
    let is_ours =
        |entry: &&settings::Management| entry.provider.name() == "entra" && entry.key != ManagementKey::SelfManaged;
    let mut entries = settings.management.iter().filter(is_ours);
    match (entries.next(), entries.next()) {
        (Some(entry), None) => Ok(entry),
        (first, _) => {
            let why = match first {
                None => "the settings do not say how to sign in to Key Vault",
                Some(_) => "`management` has several ways into Entra, and none is meant for Key Vault",
            };
            let block = "azure_key_vault: {tenant: ..., client_id: ..., secret: env:...}";
            Err(StoreFault::Refused(format!("{why}; add `{block}` to them")))
        }
    }
}

/// A token is good for one domain and goes to no other host; and to this machine only if it was made here as well, for
/// a rehearsal: anybody may listen on a port.
fn domain(secret: &Url, entry: &settings::Management) -> Result<&'static str, StoreFault> {
    let host = secret.host_str().unwrap_or_default();
    if is_loopback(secret) {
        let endpoints = entry.provider.endpoints(&entry.fields).ok();
        return match endpoints.map(|endpoints| endpoints.token) {
            Some(TokenEndpoint::Known(url)) if is_loopback(&url) => Ok(GLOBAL),
            _ => Err(StoreFault::Refused(format!(
                "a vault on this machine gets no token from elsewhere; set `authority` to this machine as well ({host})"
            ))),
        };
    }
    let found = host
        .split_once('.')
        .and_then(|(name, domain)| DOMAINS.into_iter().find(|known| !name.is_empty() && *known == domain));
    found.ok_or_else(|| {
        StoreFault::Refused(format!(
            "this is no Key Vault; its name is NAME.vault.azure.net, or the like in another cloud ({host})"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    fn entry_of(authority: Option<&str>) -> settings::Management {
        let fields = provider::Fields {
            tenant: Some("7a1c9a52-60f3-4e0b-9a55-2f5d7b0c9e11".to_owned()),
            authority: authority.map(|url| url.parse().unwrap()),
            ..provider::Fields::default()
        };
        let provider = provider::named("entra").unwrap();
        settings::Management { provider, fields, client_id: None, key: ManagementKey::ManagedIdentity }
    }

    #[test]
    fn a_token_is_asked_for_the_clouds_own_vaults_and_no_other_host() {
        for (url, expected) in [
            ("https://corp.vault.azure.net", Some("vault.azure.net")),
            ("https://CORP.vault.azure.net", Some("vault.azure.net")),
            ("https://corp.vault.usgovcloudapi.net", Some("vault.usgovcloudapi.net")),
            ("https://corp.vault.azure.cn", Some("vault.azure.cn")),
            ("https://vault.azure.net", None),
            ("https://a.b.vault.azure.net", None),
            ("https://corp.vault.example.org", None),
            ("https://corp.vault.azure.net.example.org", None),
            ("https://corp-vault.azure.net", None),
            ("https://vault", None),
            ("http://127.0.0.1:9470", None),
        ] {
            let secret = format!("{url}/secrets/etl").parse().unwrap();
            assert_eq!(domain(&secret, &entry_of(None)).ok(), expected, "{url}");
        }
    }

    #[test]
    fn a_vault_on_this_machine_gets_a_token_of_this_machine_only() {
        for (authority, expected) in
            [("http://127.0.0.1:9400", true), ("http://[::1]:9400", true), ("https://login.microsoftonline.us", false)]
        {
            let secret = "http://127.0.0.1:9470/secrets/etl".parse().unwrap();
            assert_eq!(domain(&secret, &entry_of(Some(authority))).is_ok(), expected, "{authority}");
        }
    }

    #[test]
    fn without_a_block_the_only_way_into_entra_is_taken() {
        let mut settings = Settings::default();
        let mut said = String::new();
        for _ in 0..3 {
            said.push_str(&entry(&settings).map_or_else(|fault| format!("{fault}\n"), |_| "found\n".to_owned()));
            settings.management.push(entry_of(None));
        }
        settings.azure_key_vault = Some(entry_of(Some("https://login.microsoftonline.us")));
        assert!(entry(&settings).unwrap().fields.authority.is_some());
        insta::assert_snapshot!(said, @r"
        the settings do not say how to sign in to Key Vault; add `azure_key_vault: {tenant: ..., client_id: ..., secret: env:...}` to them
        found
        `management` has several ways into Entra, and none is meant for Key Vault; add `azure_key_vault: {tenant: ..., client_id: ..., secret: env:...}` to them
        ");
    }
}
