//! Stores as what `vault:`, `azure-key-vault:` and `aws-secrets-manager:` references are read from.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::OnceCell;
use url::Url;

use super::{Keyring, StoreFault};
use crate::{
    api::Api,
    secret::{Resolver, Secret, Shelf, Unreadable},
    settings::Settings,
};

/// A resolver that reads the settings' stores too. A run without such a reference opens nothing.
#[must_use]
pub fn resolver(settings: &Settings) -> Resolver {
    let settings = settings.clone();
    Resolver::new(settings.exec.clone()).with_shelf(|secrets| Stores {
        settings,
        secrets,
        keyring: OnceCell::new(),
        failed: Mutex::default(),
    })
}

/// A server that failed so often in a row is not asked again: each credential that waits for it holds up others.
const PATIENCE: u32 = 5;

struct Stores {
    settings: Settings,
    secrets: Arc<Resolver>,
    keyring: OnceCell<Keyring>,
    /// By server, in a row.
    failed: Mutex<BTreeMap<String, u32>>,
}

#[async_trait]
impl Shelf for Stores {
    async fn read(&self, scheme: &'static str, address: &str) -> Result<Secret, Unreadable> {
        let fault = |why: &str| Unreadable::Unresolved(format!("{why} ({scheme}:{address})"));
        let server = server(scheme, address);
        if self.failures(&server, |known| known) >= PATIENCE {
            return Err(fault(&format!("after {PATIENCE} failures in a row this store is asked no more in this run")));
        }
        let read = async {
            let keyring = self.keyring.get_or_try_init(async || self.open()).await?;
            keyring.remote(scheme, address).await?.read().await
        };
        // One deadline over all of its calls: a sign-in, the search for a mount, the value.
        let read = tokio::time::timeout(self.settings.http.timeout.as_std(), read).await;
        let late = "no answer came in time from the store; try it from this machine, or raise `http.timeout`";
        let read = read.unwrap_or_else(|_| Err(StoreFault::Unavailable(late.to_owned())));
        let is_away = matches!(read, Err(StoreFault::Unavailable(_)));
        self.failures(&server, |known| if is_away { known + 1 } else { 0 });
        match read {
            Ok(content) => content
                .value
                .ok_or_else(|| fault("the store holds nothing there; put the secret there, or correct the reference")),
            Err(StoreFault::Empty) => Err(Unreadable::Empty),
            Err(why) => Err(fault(&why.to_string())),
        }
    }
}

impl Stores {
    fn open(&self) -> Result<Keyring, StoreFault> {
        let api = Api::new(&self.settings.http, self.settings.ca.as_deref());
        let api = api.map_err(|fault| StoreFault::Refused(fault.to_string()))?;
        Ok(Keyring::new(&self.settings, &self.secrets, &api))
    }

    /// The server's failures in a row, as they are then.
    fn failures(&self, server: &str, then: impl FnOnce(u32) -> u32) -> u32 {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let known = failed.entry(server.to_owned()).or_default();
        *known = then(*known);
        *known
    }
}

/// The host that a reference names, else the store's kind: the settings know one server of it.
fn server(scheme: &str, address: &str) -> String {
    let host = Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| scheme.to_owned())
}

#[cfg(test)]
mod tests;
