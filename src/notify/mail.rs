//! A letter with its addresses: what SMTP sends and the demo writes to a file.

use chrono::{DateTime, Utc};
use lettre::{
    Message,
    address::Envelope,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use thiserror::Error;

use super::digest::Letter;

/// A mail ready to be sent.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The recipient's address alone.
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    message: Message,
}

impl Mail {
    /// The message as it goes over the wire, also what an `.eml` file holds.
    #[must_use]
    pub fn formatted(&self) -> Vec<u8> {
        self.message.formatted()
    }

    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        self.message.envelope()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadMail {
    #[error("`notify.from` is no mail address")]
    From,
    #[error("that is no mail address")]
    To,
    #[error("the message could not be built: {0}")]
    Build(String),
}

/// `id`: left part of the Message-ID; the same message sent again has the same.
///
/// # Errors
/// An address that is none.
pub fn message_for(from: &str, to: &str, id: &str, at: DateTime<Utc>, letter: Letter) -> Result<Mail, BadMail> {
    let from = mailbox(from).ok_or(BadMail::From)?;
    let to = mailbox(to).ok_or(BadMail::To)?;
    let message = Message::builder()
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .date(at.into())
        .from(from)
        .to(to.clone())
        .subject(letter.subject.clone())
        // RFC 3834: no vacation notice answers this; Exchange asks for its own header.
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("X-Auto-Response-Suppress"), "All".to_owned()))
        .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))
        .map_err(|error| BadMail::Build(error.to_string()))?;
    let Letter { subject, text, html } = letter;
    Ok(Mail { to: to.email.to_string(), subject, text, html, message })
}

/// lettre panics on CR or LF in a display name.
fn mailbox(written: &str) -> Option<Mailbox> {
    written.chars().filter(|c| !c.is_control()).collect::<String>().parse().ok()
}
