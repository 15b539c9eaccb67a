//! The registry: from an address in the inventory to a store. A new one is a line here.

use std::sync::Arc;

use super::{HookStore, Store, StoreFault, Vault, aws_secrets_manager, file::FileStore};
use crate::{
    api::Api,
    hook,
    inventory::{App, Destination},
    secret::{Resolver, SecretRef},
    settings::Settings,
};

/// What stores are opened with.
pub struct Keyring<'a> {
    pub settings: &'a Settings,
    pub secrets: &'a Arc<Resolver>,
    pub api: &'a Api,
}

impl Keyring<'_> {
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
        let refused = |why: &str| StoreFault::Refused(why.to_owned());
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

    async fn remote(&self, scheme: &str, address: &str) -> Result<Box<dyn Store>, StoreFault> {
        let refused = |why: String| StoreFault::Refused(why);
        match scheme {
            "vault" => {
                let vault = self.settings.vault.as_ref();
                let vault = vault.ok_or_else(|| refused("the settings have no `vault` block".to_owned()))?;
                let token = self.secrets.resolve(&vault.token).await;
                let token =
                    token.map_err(|_| refused(format!("the vault's token ({}) cannot be read", vault.token)))?;
                let opened = Vault::new(self.api.clone(), vault.address.clone(), Arc::new(token), address);
                Ok(Box::new(opened.ok_or_else(|| refused("this is no MOUNT/PATH#KEY".to_owned()))?))
            }
            "aws-secrets-manager" => aws_secrets_manager(&self.settings.http, self.settings.ca.as_deref(), address),
            other => Err(refused(format!("`{other}:` cannot be delivered to in this version"))),
        }
    }
}
