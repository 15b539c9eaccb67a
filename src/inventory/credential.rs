//! The credentials of one app.

use std::collections::HashSet;

use super::{
    fields::{CredentialFields, Fields},
    model::{Credential, Expires, Key},
};
use crate::yaml::{At, Check, FaultCode};

/// The app's credentials with what they inherit: its list, or the one in its own entry.
pub fn inherited(own: &Fields, defaults: &Fields, at: &At<'_>, check: &mut Check<'_>) -> CredentialSet {
    let shared = &defaults.own;
    if let Some(list) = &own.credentials {
        for key in &own.own.written {
            let advice = "move it into the item of the list that it belongs to";
            let message = format!("`{key}` and `credentials` exclude each other");
            check.notes.add(&at.key(key), FaultCode::ConflictingFields, message, advice);
        }
        let dated = |item: &CredentialFields| CredentialFields {
            expires: item.expires.or(shared.expires),
            created: item.created.or(shared.created),
            ..item.clone()
        };
        return CredentialSet { list: list.iter().map(dated).collect(), in_list: true };
    }
    if let (false, Some(list)) = (own.own.has_key(), &defaults.credentials) {
        return CredentialSet { list: list.clone(), in_list: true };
    }
    let mut one = own.own.clone();
    if !one.has_key() {
        one.written.extend(shared.written.iter().filter(|key| matches!(**key, "secret" | "certificate")));
        one.secret.clone_from(&shared.secret);
        one.certificate.clone_from(&shared.certificate);
    }
    one.label = one.label.or_else(|| shared.label.clone());
    one.key_id = one.key_id.or_else(|| shared.key_id.clone());
    one.secret_id = one.secret_id.or_else(|| shared.secret_id.clone());
    one.expires = one.expires.or(shared.expires);
    one.created = one.created.or(shared.created);
    one.rotate = one.rotate.or_else(|| shared.rotate.clone());
    CredentialSet { list: vec![one], in_list: false }
}

/// What an app's credentials say, inherited values included.
pub struct CredentialSet {
    list: Vec<CredentialFields>,
    /// Written as items of `credentials`.
    pub in_list: bool,
}

impl CredentialSet {
    /// Whether one of them has the key, valid or not.
    pub fn any(&self, key: &str) -> bool {
        self.list.iter().any(|credential| credential.written.contains(&key))
    }
}

/// The credentials as the rest of credwatch sees them.
pub fn finished(credentials: CredentialSet, at: &At<'_>, check: &mut Check<'_>) -> Vec<Credential> {
    let at_list = at.key("credentials");
    let mut labels = HashSet::new();
    let is_alone = credentials.list.len() == 1;
    let mut all = Vec::with_capacity(credentials.list.len());
    for (index, fields) in credentials.list.into_iter().enumerate() {
        let at_item = at_list.index(index);
        let at = if credentials.in_list { &at_item } else { at };
        let advice = "give each credential of an app a label of its own; it tells them apart in reports and messages";
        if !is_alone && !labels.insert(fields.label.clone()) {
            if fields.label.is_some() {
                check.notes.add(&at.key("label"), FaultCode::DuplicateName, "this label is used above", advice);
            } else {
                check.missing::<()>(&at.key("label"), advice);
            }
        }
        all.push(credential(fields, at, check));
    }
    all
}

fn credential(fields: CredentialFields, at: &At<'_>, check: &mut Check<'_>) -> Credential {
    let mut conflict = |key: &str, message: &'static str, advice: &'static str| {
        check.notes.add(&at.key(key), FaultCode::ConflictingFields, message, advice);
    };
    let has = |key: &str| fields.written.contains(&key);
    if has("secret") && has("certificate") {
        conflict(
            "certificate",
            "`secret` and `certificate` exclude each other",
            "keep the one the client proves itself with",
        );
    } else if has("key_id") && has("secret") {
        conflict("key_id", "a secret has no `key_id`", "Entra's keyId of a secret is its `secret_id`");
    }
    if let (Some(created), Some(Expires::At(end))) = (fields.created, fields.expires)
        && created >= end
    {
        let advice = "one of the two dates is wrong";
        check.notes.add(&at.key("created"), FaultCode::InvalidValue, "this is not before `expires`", advice);
    }
    if let Some(rotation) = &fields.rotate {
        let reason = match &fields.secret {
            Some(secret) if rotation.delivers_to(secret) => None,
            Some(_) => Some("`secret` is not among these, so what is tested would not be what is rotated"),
            None if has("secret") => None,
            None => Some("there is no `secret` to rotate"),
        };
        if let Some(reason) = reason {
            let advice = "let `secret` name the first of the stores in `deliver_to`";
            check.notes.add(&at.key("rotate").key("deliver_to"), FaultCode::UnsafeRotation, reason, advice);
        }
    }
    let key = match (fields.secret, fields.certificate) {
        (Some(secret), _) => Key::Secret(secret),
        (None, Some(pem)) => Key::Certificate { pem, key_id: fields.key_id },
        (None, None) => Key::Undeclared,
    };
    Credential {
        label: fields.label,
        key,
        secret_id: fields.secret_id,
        expires: fields.expires,
        created: fields.created,
        rotate: fields.rotate,
    }
}
