//! Alerts: who hears what, when.
//!
//! `policy` says what is due, `digest` and `webhook` word it, a `carrier` sends it, and the state
//! remembers it only after the server took it over. The order makes loss impossible and a duplicate rare: killed
//! between the server's acceptance and the note of it, the next run sends the same message with the same id.

mod again;
mod audience;
mod carrier;
mod dead_man;
mod deliver;
mod digest;
mod event;
pub mod mail;
mod policy;
mod smtp;
mod trial;
mod webhook;

pub use carrier::Sent;
pub use dead_man::DeadMan;
pub use deliver::{deliver, overdue, preview};
pub use policy::Tonight;
pub use trial::{Trial, test};

use std::path::Path;

use async_trait::async_trait;

use crate::{
    secret::{Resolver, Secret, SecretRef},
    settings::{Channel, ChannelKind, Notify},
};

/// Resolves the references of channels.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The value, or a sentence that names the reference and the reason.
    async fn resolve(&self, reference: &SecretRef) -> Result<Secret, String>;
}

#[async_trait]
impl Secrets for Resolver {
    async fn resolve(&self, reference: &SecretRef) -> Result<Secret, String> {
        Self::resolve(self, reference).await.map_err(|fault| fault.of(reference))
    }
}

/// What sending needs.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    pub notify: &'a Notify,
    /// Private CA (PEM) of the settings.
    pub ca: Option<&'a Path>,
    /// Follows no redirects.
    pub http: &'a reqwest::Client,
    pub secrets: &'a dyn Secrets,
}

impl<'a> Desk<'a> {
    fn carrier(&self, channel: &'a Channel) -> Box<dyn carrier::Carrier + 'a> {
        match &channel.kind {
            ChannelKind::Smtp { host, port, tls, username, password } => Box::new(smtp::Smtp {
                host,
                port: *port,
                tls: *tls,
                username: username.as_deref(),
                password: password.as_ref(),
                ca: self.ca,
                from: self.notify.from.as_deref(),
                secrets: self.secrets,
                line: smtp::Line::default(),
            }),
            ChannelKind::Webhook { url, signing_key } => Box::new(webhook::Webhook {
                url,
                signing_key: signing_key.as_ref(),
                http: self.http,
                secrets: self.secrets,
            }),
        }
    }
}
