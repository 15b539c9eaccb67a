//! What the tests of stores share: a write as a rotation makes it, and faults that were searched for secrets.

use credwatch::{
    secret::{Fingerprints, Secret},
    store::{Before, Content, Store, StoreFault, Version, Write, WriteFault},
};

use crate::canaries::Canaries;

const KEY: [u8; 32] = [7; 32];

/// Writes provided that the store still holds `before`.
pub async fn write(store: &dyn Store, before: &Content, value: &str, idempotency: &str) -> Result<Version, WriteFault> {
    let fingerprints = Fingerprints::new(&KEY);
    let fingerprint = before.value.as_ref().map(|value| fingerprints.of(value));
    let before = Before { version: before.version.as_ref(), fingerprint, fingerprints };
    store.write(Write { value: &Secret::new(value.to_owned()), before, idempotency, key_id: Some("key-2") }).await
}

/// Its version, and its value or `-`.
pub fn shown(content: &Content) -> (Option<String>, String) {
    let value = content.value.as_ref().map_or("-", |value| value.expose());
    (content.version.clone().map(|version| version.0), value.to_owned())
}

/// A refusal's words, in which there is no secret.
pub fn refusal(fault: &WriteFault, canaries: &Canaries) -> String {
    let WriteFault::Refused(why) = fault else { panic!("in doubt: {fault}") };
    canaries.assert_absent("a fault", why.as_bytes());
    why.clone()
}

/// The same of a read.
pub fn unread(fault: &StoreFault, canaries: &Canaries) -> String {
    let StoreFault::Refused(why) = fault else { panic!("no refusal: {fault}") };
    canaries.assert_absent("a fault", why.as_bytes());
    why.clone()
}
