//! The id a message is recognised by.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::notify::event::Event;

/// The same for the same news to the same recipient, different for everything else: a message sent twice is
/// recognised, and news merged with an unsent message are not taken for a repetition.
pub(super) fn message_id(key: &[u8], channel: &str, person: &str, events: &[Event<'_>]) -> String {
    let mut lines: Vec<_> = events.iter().map(identity_of).collect();
    lines.sort_unstable();
    let text = serde_json::json!([channel, person, lines]).to_string();
    // HMAC takes keys of any length: there is no failure to handle.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(text.as_bytes());
    let digest: [u8; 32] = mac.finalize().into_bytes().into();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// What makes an event this one and no later one of its kind: since when it stands, when it was last told.
fn identity_of(event: &Event<'_>) -> String {
    let since = event.finding.and_then(|finding| finding.since).map(|since| since.timestamp());
    let told = event.told.map(|told| told.timestamp());
    let severity = event.severity.name();
    serde_json::json!([event.app, event.label, event.code, event.kind.name(), severity, event.days, since, told])
        .to_string()
}
