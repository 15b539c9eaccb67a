//! The registry: from an address in the inventory to a store. A new one is a line here.

use std::sync::Arc;

use tokio::sync::OnceCell;
use url::Url;

use super::{AzureKeyVault, HookStore, SignIns, Store, StoreFault, Vault, aws_secrets_manager, file::FileStore};
use crate::{
    api::Api,
    hook,
    inventory::{App, Destination},
    probe,
    secret::{Resolver, Secret, SecretRef},
    settings::Settings,
};

/// What the stores of one run are opened with.
pub struct Keyring {
    settings: Settings,
    secrets: Arc<Resolver>,
    api: Api,
    /// A program may make it; a thousand references run it once.
    vault_token: OnceCell<Arc<Secret>>,
    key_vault: SignIns,
}

impl Keyring {
    #[must_use]
    pub fn new(settings: &Settings, secrets: &Arc<Resolver>, api: &Api) -> Self {
        Self {
            settings: settings.clone(),
            secrets: Arc::clone(secrets),
            api: api.clone(),
            vault_token: OnceCell::new(),
            key_vault: SignIns::default(),
        }
    }

    /// The store of that address.
    ///
    /// # Errors
    /// It cannot be opened: a settings block or a secret is missing, or this build has no such store.
    pub async fn open(
        &self,
        to: &Destination,
        in_place: bool,
        app: &App,
        label: Option<&str>,
    ) -> Result<Box<dyn Store>, StoreFault> {
        match to {
            Destination::Person(_) => Err(refused("a person is no store")),
            Destination::Hook(name) => {
                let known =
                    self.settings.hooks.get(name).ok_or_else(|| refused("the settings define no hook of that name"))?;
                let subject = hook::Subject {
                    app: app.name.to_string(),
                    label: label.map(str::to_owned),
                    client_id: app.client_id.clone(),
                };
                Ok(Box::new(HookStore::new(name, known, subject)))
            }
            Destination::Store(SecretRef::File(path)) => Ok(Box::new(FileStore::new(path.clone(), in_place))),
            Destination::Store(SecretRef::Store { scheme, address }) => self.remote(scheme, address).await,
            Destination::Store(SecretRef::Env(_) | SecretRef::Exec(_)) => {
                Err(refused("nothing can be delivered to this"))
            }
        }
    }

    /// The store behind a reference.
    pub(super) async fn remote(&self, scheme: &str, address: &str) -> Result<Box<dyn Store>, StoreFault> {
        match scheme {
            "vault" => self.vault(address).await,
            "azure-key-vault" => self.azure_key_vault(address),
            "aws-secrets-manager" => aws_secrets_manager(&self.settings.http, self.settings.ca.as_deref(), address),
            other => Err(StoreFault::Refused(format!(
                "this version of credwatch knows no store `{other}:`; name another place"
            ))),
        }
    }

    async fn vault(&self, place: &str) -> Result<Box<dyn Store>, StoreFault> {
        let vault = self.settings.vault.as_ref().ok_or_else(|| {
            refused(
                "the settings have no `vault` block; \
                 add `vault: {address: \"https://vault.example.org:8200\", token: env:VAULT_TOKEN}`",
            )
        })?;
        let resolve = async || self.secrets.resolve(&vault.token).await.map(Arc::new);
        let token = self.vault_token.get_or_try_init(resolve).await.map_err(|fault| {
            StoreFault::Refused(format!("the vault's token cannot be read: {}", fault.of(&vault.token)))
        })?;
        let opened = Vault::new(self.api.clone(), vault.address.clone(), Arc::clone(token), place);
        Ok(Box::new(opened.ok_or_else(|| refused("this is no MOUNT/PATH#KEY"))?))
    }

    /// The address comes from the inventory: only Key Vaults, and of them those that `allow` lets have a secret.
    fn azure_key_vault(&self, address: &str) -> Result<Box<dyn Store>, StoreFault> {
        let secret = Url::parse(address).map_err(|_| refused("this is no URL of a Key Vault's secret"))?;
        if self.settings.allow.as_deref().is_some_and(|list| !probe::allows(list, &secret)) {
            let host = secret.host_str().unwrap_or_default();
            return Err(StoreFault::Refused(format!("the settings' `allow` list does not name {host}; add it there")));
        }
        let access = self.key_vault.to(&secret, &self.settings, &self.secrets, &self.api)?;
        Ok(Box::new(AzureKeyVault::new(self.api.clone(), access, secret)))
    }
}

fn refused(why: &str) -> StoreFault {
    StoreFault::Refused(why.to_owned())
}

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests;
