//! What must hold over all files of an inventory.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use super::{
    Destination, Rotation,
    model::{App, Credential, Key, TokenEndpoint},
    read::Part,
};
use crate::{
    settings::{Hook, Verb},
    text::printable,
    yaml::{At, FaultCode, Notes},
};

/// Names are unique over all files.
pub fn check_names(parts: &mut [Part]) {
    let mut first: HashMap<Arc<str>, (usize, usize)> =
        HashMap::with_capacity(parts.iter().map(|part| part.names.len()).sum());
    let mut again = Vec::new();
    for (part, names) in parts.iter().map(|part| &part.names).enumerate() {
        for (index, name) in names {
            match first.get(name) {
                Some(before) => again.push((part, *index, *before)),
                None => drop(first.insert(Arc::clone(name), (part, *index))),
            }
        }
    }
    for (part, index, (first_part, first_index)) in again {
        let file = parts.get(first_part).map(|part| printable(&part.file.to_string_lossy()));
        let message = match file {
            Some(file) if first_part != part => format!("apps[{first_index}] of {file} has this name already"),
            _ => format!("apps[{first_index}] has this name already"),
        };
        if let Some(part) = parts.get_mut(part) {
            let at = At::Root.key("apps");
            part.notes.add(
                &at.index(index).key("name"),
                FaultCode::DuplicateName,
                message,
                "names are unique over all files",
            );
        }
    }
}

/// Two entries for one credential, one of them rotated, would undo each other.
pub fn check_rotated(parts: &mut [Part]) {
    let subjects =
        || parts.iter().enumerate().flat_map(|(part, read)| read.subjects().map(move |subject| (part, subject)));
    let rotated: HashSet<Identity<'_>> =
        subjects().filter(|(_, one)| one.credential.rotate.is_some()).map(|(_, one)| Identity::of(&one)).collect();
    let mut seen = HashSet::new();
    let twice = subjects().filter(|(_, one)| {
        let identity = Identity::of(one);
        rotated.contains(&identity) && !seen.insert(identity)
    });
    let faulty: Vec<(usize, Spot, &'static str)> = twice
        .map(|(part, one)| (part, one.spot, if one.credential.secret_id.is_some() { "secret_id" } else { "secret" }))
        .collect();
    for (part, spot, key) in faulty {
        let Some(part) = parts.get_mut(part) else { continue };
        let message = "another entry names the same credential, and one of the two is rotated";
        let advice = "keep one entry for each credential of the provider";
        spot.at(|at| part.notes.add(&at.key(key), FaultCode::DuplicateCredential, message, advice));
    }
}

/// A rotation relies on what the settings say of its hooks.
pub fn check_hooks(parts: &mut [Part], hooks: &BTreeMap<String, Hook>) {
    for part in parts {
        let rotated: Vec<(Spot, Arc<Rotation>)> =
            part.subjects().filter_map(|one| Some((one.spot, Arc::clone(one.credential.rotate.as_ref()?)))).collect();
        for (spot, rotation) in rotated {
            spot.at(|at| check_hooks_of(&rotation, hooks, &at.key("rotate"), &mut part.notes));
        }
    }
}

fn check_hooks_of(rotation: &Rotation, hooks: &BTreeMap<String, Hook>, at: &At<'_>, notes: &mut Notes) {
    let at_list = at.key("deliver_to");
    for (index, delivery) in rotation.deliver_to.iter().enumerate() {
        let Destination::Hook(name) = &delivery.to else { continue };
        let at_item = at_list.index(index);
        match hooks.get(name) {
            None => {
                let advice = "define it under `hooks` in credwatch.yaml, or check its name";
                notes.add(&at_item, FaultCode::UnknownHook, "the settings define no hook of this name", advice);
            }
            Some(hook) if hook.verbs.contains(&Verb::Read) => {}
            Some(_) if index == 0 => {
                let message =
                    "the first store is a hook without the verb `read`, so the new secret cannot be read back";
                let advice =
                    "let the hook read, too, and add the verb in the settings; or put a store first that can be read";
                notes.add(&at_item, FaultCode::UnsafeRotation, message, advice);
            }
            Some(_) if rotation.allow_gap => {
                let message = "a gap could not be seen to end: one of the stores is a hook without the verb `read`";
                let advice =
                    "let the hook read, too, and add the verb in the settings; or deliver to stores that can be read";
                notes.add(&at.key("allow_gap"), FaultCode::UnsafeRotation, message, advice);
            }
            Some(_) => {}
        }
    }
}

/// A credential and where it was written.
struct Written<'a> {
    app: &'a App,
    credential: &'a Credential,
    spot: Spot,
}

#[derive(Clone, Copy)]
struct Spot {
    /// Of the app in its file.
    index: usize,
    /// In the app's list.
    item: Option<usize>,
}

impl Spot {
    fn at(self, note: impl FnOnce(&At<'_>)) {
        let apps = At::Root.key("apps");
        let app = apps.index(self.index);
        let list = app.key("credentials");
        match self.item {
            Some(item) => note(&list.index(item)),
            None => note(&app),
        }
    }
}

impl Part {
    fn subjects(&self) -> impl Iterator<Item = Written<'_>> {
        // An app that could not be built is in `names` alone.
        let mut names = self.names.iter();
        self.apps.iter().flat_map(move |app| {
            let index = names.find(|(_, name)| *name == app.name).map_or(0, |(index, _)| *index);
            let in_list = app.credentials.len() > 1;
            app.credentials.iter().enumerate().map(move |(item, credential)| Written {
                app,
                credential,
                spot: Spot { index, item: in_list.then_some(item) },
            })
        })
    }
}

/// What the provider knows a credential by; without an id, the place it lies in.
#[derive(PartialEq, Eq, Hash)]
struct Identity<'a> {
    provider: &'static str,
    tenant: Option<Cow<'a, str>>,
    endpoint: &'a str,
    client_id: Cow<'a, str>,
    secret_id: Result<Cow<'a, str>, &'a Key>,
}

impl<'a> Identity<'a> {
    fn of(written: &Written<'a>) -> Self {
        let (app, credential) = (written.app, written.credential);
        let endpoint = match &app.registration.token_endpoint {
            TokenEndpoint::Known(url) => url.as_str(),
            TokenEndpoint::Discover { issuer } => issuer.as_str(),
        };
        Self {
            provider: app.registration.provider.name(),
            tenant: app.registration.tenant.as_deref().map(canonical),
            endpoint,
            client_id: canonical(&app.client_id),
            secret_id: credential.secret_id.as_deref().map(canonical).ok_or(&credential.key),
        }
    }
}

/// A GUID is the same one in either case.
fn canonical(id: &str) -> Cow<'_, str> {
    match uuid::Uuid::try_parse(id) {
        Ok(_) => id.to_ascii_lowercase().into(),
        Err(_) => id.into(),
    }
}
