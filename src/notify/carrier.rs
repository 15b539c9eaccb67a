//! How a message leaves the machine: one implementation per kind of channel.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::digest::Digest;

/// An open channel. What it did with one message decides what the next run does, so it must not guess.
#[async_trait]
pub trait Carrier: Send {
    /// A webhook gets one message per run, a mail channel one per person.
    fn is_webhook(&self) -> bool;

    async fn send(&mut self, parcel: &Parcel<'_>) -> Tried;

    /// After the last message.
    async fn close(&mut self);
}

/// One message to one recipient.
#[derive(Debug)]
pub struct Parcel<'a> {
    /// The same when it is sent again: Message-ID, `webhook-id`.
    pub id: String,
    /// Mailbox; empty for a webhook.
    pub to: &'a str,
    pub channel: &'a str,
    pub now: DateTime<Utc>,
    pub content: Content<'a>,
}

#[derive(Debug)]
pub enum Content<'a> {
    News(Digest<'a>),
    Test,
}

/// What became of a message. Reasons are sentences without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The server has taken it over.
    Accepted,
    /// The server will never take it for this address.
    Refused(String),
    /// Not now.
    Kept(String),
    /// Nothing can be sent on this channel in this run.
    Down(String),
}

/// What one try came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    pub sent: Sent,
    /// It may be otherwise in a moment, but not sooner than this.
    pub again: Option<Duration>,
}

impl From<Sent> for Tried {
    fn from(sent: Sent) -> Self {
        Self { sent, again: None }
    }
}
