//! What must hold over all files of an inventory.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    model::{App, Credential, Key, TokenEndpoint},
    read::Part,
};
use crate::{
    text::printable,
    yaml::{At, FaultCode},
};

/// Names are unique over all files.
pub fn check_names(parts: &mut [Part]) {
    let mut first: HashMap<Arc<str>, (usize, usize)> = HashMap::new();
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
    let faulty: Vec<(usize, usize, Option<usize>, &'static str)> = twice
        .map(|(part, one)| {
            (part, one.index, one.item, if one.credential.secret_id.is_some() { "secret_id" } else { "secret" })
        })
        .collect();
    for (part, index, item, key) in faulty {
        let Some(part) = parts.get_mut(part) else { continue };
        let at = At::Root.key("apps");
        let at = at.index(index);
        let (at_list, message) =
            (at.key("credentials"), "another entry names the same credential, and one of the two is rotated");
        let at_item = item.map(|item| at_list.index(item));
        let at = at_item.as_ref().unwrap_or(&at).key(key);
        part.notes.add(
            &at,
            FaultCode::DuplicateCredential,
            message,
            "keep one entry for each credential of the provider",
        );
    }
}

/// A credential and where it was written.
struct Written<'a> {
    app: &'a App,
    credential: &'a Credential,
    index: usize,
    /// In the app's list.
    item: Option<usize>,
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
                index,
                item: in_list.then_some(item),
            })
        })
    }
}

/// What the provider knows a credential by; without an id, the place it lies in.
#[derive(PartialEq, Eq, Hash)]
struct Identity<'a> {
    provider: &'static str,
    tenant: Option<&'a str>,
    endpoint: &'a str,
    client_id: &'a str,
    secret_id: Result<&'a str, &'a Key>,
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
            tenant: app.registration.tenant.as_deref(),
            endpoint,
            client_id: &app.client_id,
            secret_id: credential.secret_id.as_deref().ok_or(&credential.key),
        }
    }
}
