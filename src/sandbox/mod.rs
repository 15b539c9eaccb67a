//! A small identity provider on the loopback interface, for the demo and for rehearsals.
//!
//! It answers as the real ones do: an Entra-shaped token endpoint (v1 and v2) and an AVEVA-shaped one, from
//! a directory of apps whose secrets it makes up at each start and hands out in process only; the Microsoft Graph of its
//! Entra tenants; and the management of secrets as AVEVA, an Okta organisation and an Auth0 tenant have it.

mod auth0;
mod aveva;
mod aveva_api;
mod directory;
mod entra;
mod entra_fault;
mod graph;
mod graph_api;
mod key_vault;
mod key_vault_api;
mod okta;
mod requests;
mod stage;
#[cfg(test)]
mod tests;
mod token;
mod token_request;
mod trouble;

pub use auth0::Auth0;
pub use aveva::Aveva;
pub use directory::{App, Credential, Directory, Platform};
pub use graph::{AppPolicy, Graph, Password};
pub use key_vault::{KeyVault, Mishap};
pub use okta::Okta;
pub use requests::{Requests, Seen, Stop};
pub use stage::{DEMO_INVENTORY, furnish, inventory_for};
pub use trouble::{Trouble, Troubles};

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{Router, middleware, routing::post};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A running sandbox; it ends when this is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    directory: Arc<Directory>,
    graph: Arc<Graph>,
    requests: Arc<Requests>,
    aveva: Arc<Aveva>,
    okta: Arc<Okta>,
    auth0: Arc<Auth0>,
    key_vault: Arc<KeyVault>,
    _stop: DropGuard,
}

impl Sandbox {
    /// Starts on a free port of 127.0.0.1, with an empty directory.
    ///
    /// # Errors
    /// No port can be listened on.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (directory, stop) = (Arc::new(Directory::default()), CancellationToken::new());
        let (okta, auth0) = (Arc::<Okta>::default(), Arc::<Auth0>::default());
        let aveva = Arc::new(Aveva::new(directory.clone()));
        let key_vault = Arc::new(KeyVault::default());
        let graph = Arc::new(Graph::of(directory.clone()));
        let requests = Arc::<Requests>::default();
        let router = router(directory.clone())
            .merge(graph_api::router(graph.clone()))
            .merge(aveva_api::router(aveva.clone()))
            .merge(okta::router(okta.clone()))
            .merge(auth0::router(auth0.clone()))
            .merge(key_vault_api::router(key_vault.clone()))
            .layer(middleware::from_fn_with_state(requests.clone(), requests::count));
        let server = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
        tokio::spawn(async { server.await });
        Ok(Self { address, directory, graph, requests, aveva, okta, auth0, key_vault, _stop: stop.drop_guard() })
    }

    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Its root is `http://ADDRESS`.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    #[must_use]
    pub fn requests(&self) -> &Requests {
        &self.requests
    }

    /// The management of the directory's AVEVA clients.
    #[must_use]
    pub fn aveva(&self) -> &Aveva {
        &self.aveva
    }

    #[must_use]
    pub fn okta(&self) -> &Okta {
        &self.okta
    }

    #[must_use]
    pub fn auth0(&self) -> &Auth0 {
        &self.auth0
    }

    /// Its secrets are at `http://ADDRESS/secrets/NAME`.
    #[must_use]
    pub fn key_vault(&self) -> &KeyVault {
        &self.key_vault
    }
}

fn router(directory: Arc<Directory>) -> Router {
    Router::new()
        .route("/{tenant}/oauth2/v2.0/token", post(entra::v2))
        .route("/{tenant}/oauth2/token", post(entra::v1))
        .with_state(directory)
}
