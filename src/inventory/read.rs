//! From files to the inventory: each file read on its own, then what must hold over all of them.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::de::IgnoredAny;

use super::{
    assemble,
    fields::Fields,
    model::{App, Credential, Inventory, Key, TokenEndpoint},
    raw::{self, Sink, Streamed},
};
use crate::{
    settings::{self, ExecRule},
    yaml::{self, At, Check, Fault, FaultCode, Faults, Notes, Text, Tree},
};

/// Reads files and folders; a folder means its `*.yaml`, sorted, without the settings. `programs` are those that
/// `exec:` references may run.
///
/// # Errors
/// Every fault of all the files.
pub fn read(paths: &[PathBuf], programs: &[ExecRule]) -> Result<Inventory, Faults> {
    let mut faults = Vec::new();
    let files = files(paths, &mut faults);
    let mut parts = Vec::with_capacity(files.len());
    for file in &files {
        match read_file(file, programs) {
            Ok(part) => parts.push(part),
            Err(fault) => faults.push(fault),
        }
    }
    check_names(&mut parts);
    check_rotated(&mut parts);
    if faults.is_empty() && parts.iter().all(|part| part.notes.is_empty() && part.apps.is_empty()) {
        let advice = "write an entry for each app registration; `credwatch init` shows how";
        if let Some(part) = parts.first_mut() {
            part.notes.add(
                &At::Root.key("apps"),
                FaultCode::EmptyInventory,
                "there is no app in this inventory",
                advice,
            );
        }
    }
    let mut apps = Vec::with_capacity(parts.iter().map(|part| part.apps.len()).sum());
    for part in parts {
        if part.notes.is_empty() {
            apps.extend(part.apps);
        } else {
            faults.extend(placed(part));
        }
    }
    if faults.is_empty() { Ok(Inventory { files, apps }) } else { Err(Faults(faults)) }
}

/// The files to read, each once.
fn files(paths: &[PathBuf], faults: &mut Vec<Fault>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut seen = HashSet::new();
    for path in paths {
        match expand(path) {
            Ok(found) if found.is_empty() => {
                let message = "there is no `*.yaml` in this folder";
                let advice = "`credwatch init` writes a first one; files must end in `.yaml`";
                faults.push(Fault::new(path, yaml::Place::default(), FaultCode::NoFiles, message, advice));
            }
            Ok(found) => files.extend(found.into_iter().filter(|file| seen.insert(identity(file)))),
            Err(error) => faults.push(Fault::unreadable(path, &error)),
        }
    }
    files
}

fn identity(file: &Path) -> PathBuf {
    fs::canonicalize(file).unwrap_or_else(|_| file.to_owned())
}

fn expand(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_ours = name.ends_with(".yaml") && !name.starts_with('.') && name != settings::FILE_NAME;
        if is_ours && fs::metadata(&file)?.is_file() {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}

/// What one file holds, and what is wrong with it.
struct Part {
    file: PathBuf,
    apps: Vec<App>,
    /// Of every app that has one, with its place in the list.
    names: Vec<(usize, Arc<str>)>,
    notes: Notes,
}

fn read_file(file: &Path, programs: &[ExecRule]) -> Result<Part, Fault> {
    let text = yaml::source(file)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut reader = Reader::new(folder, programs);
    let typed = yaml::typed(&text, Streamed(&mut reader));
    if typed.is_ok() {
        reader.finish();
        if reader.check.notes.is_empty() {
            return Ok(reader.part(file));
        }
    }
    let tree = Tree::parse(&text).map_err(|lone| lone.fault(file))?;
    let mut reader = Reader::new(folder, programs);
    reader.walk(&tree);
    if let (true, Err(error)) = (reader.check.notes.is_empty(), typed) {
        // Something only the one-pass reader minds; its text may quote the file, its place does not.
        let place = error.location().map_or_else(yaml::Place::default, |at| yaml::Place {
            line: usize::try_from(at.line()).unwrap_or_default(),
            column: usize::try_from(at.column()).unwrap_or_default(),
            offset: 0,
        });
        if !reader.late_defaults {
            let advice = "write it more simply: no tags, and fewer anchors and aliases";
            return Err(Fault::new(file, place, FaultCode::YamlSyntax, "this cannot be read", advice));
        }
    }
    Ok(reader.part(file))
}

/// The faults of a part, with their places. The text is read again, for it was let go once it had been read.
fn placed(part: Part) -> Vec<Fault> {
    let text = yaml::source(&part.file).unwrap_or_default();
    let tree = Tree::parse(&text).ok();
    part.notes.placed(&part.file, tree.as_ref().map(|tree| &tree.root))
}

/// Turns a file's entries into apps, whichever way they are read.
struct Reader<'a> {
    check: Check<'a>,
    version: Option<Text>,
    defaults: Fields,
    /// Entries so far.
    count: usize,
    has_apps: bool,
    late_defaults: bool,
    apps: Vec<App>,
    names: Vec<(usize, Arc<str>)>,
}

impl<'a> Reader<'a> {
    fn new(folder: &'a Path, programs: &'a [ExecRule]) -> Self {
        Self {
            check: Check::new(folder, programs),
            version: None,
            defaults: Fields::default(),
            count: 0,
            has_apps: false,
            late_defaults: false,
            apps: Vec::new(),
            names: Vec::new(),
        }
    }

    /// The way that finds every fault of form.
    fn walk(&mut self, tree: &Tree<'_>) {
        let root = &tree.root;
        let Some(head) = yaml::collect::<raw::File<IgnoredAny>>(root, &At::Root, &mut self.check.notes) else { return };
        let order = |key| root.get(key).map(|entry| entry.key_place.offset);
        self.late_defaults = order("defaults") > order("apps");
        self.version(head.version);
        self.defaults(head.defaults);
        let at = At::Root.key("apps");
        match (head.apps, root.get("apps").map(|entry| &*entry.node.value)) {
            (Some(_), Some(yaml::Value::List(items))) => {
                for (index, item) in items.iter().enumerate() {
                    match yaml::collect(item, &at.index(index), &mut self.check.notes) {
                        Some(app) => self.app(app),
                        None => self.count += 1,
                    }
                }
                self.no_more_apps();
            }
            (Some(_), Some(_)) => {
                self.check.notes.add(&at, FaultCode::WrongType, "this is no list", "begin each app with `- name:`");
                self.no_more_apps();
            }
            (None, Some(_)) => self.no_more_apps(),
            (_, None) => {}
        }
        self.finish();
    }

    fn finish(&mut self) {
        self.check.version(self.version.take());
        if !self.has_apps {
            self.check.missing::<()>(&At::Root.key("apps"), "list the app registrations under `apps:`");
        }
    }

    fn part(self, file: &Path) -> Part {
        Part { file: file.to_owned(), apps: self.apps, names: self.names, notes: self.check.notes }
    }
}

impl Sink for Reader<'_> {
    fn version(&mut self, version: Option<Text>) {
        self.version = version;
    }

    fn defaults(&mut self, defaults: Option<raw::App>) {
        let Some(defaults) = defaults else { return };
        let at = At::Root.key("defaults");
        if defaults.name.is_some() {
            let advice = "remove it: a name belongs to one app";
            self.check.notes.add(&at.key("name"), FaultCode::ConflictingFields, "apps cannot share a name", advice);
        }
        self.defaults = Fields::read(defaults, &at, &mut self.check);
    }

    fn app(&mut self, mut app: raw::App) {
        let (at, index) = (At::Root.key("apps"), self.count);
        let at = at.index(index);
        self.count += 1;
        let at_name = at.key("name");
        let name = match app.name.take() {
            None => self.check.missing(&at_name, "what people call this app; unique over all files"),
            name => self.check.line(&at_name, name),
        };
        let name: Option<Arc<str>> = name.map(Arc::from);
        self.names.extend(name.clone().map(|name| (index, name)));
        let own = Fields::read(app, &at, &mut self.check);
        // A name is only for showing from here on: an app without one is checked like the others.
        let nameless = name.is_none();
        let built = assemble::app(name.unwrap_or_default(), own, &self.defaults, &at, &mut self.check);
        self.apps.extend(built.filter(|_| !nameless));
    }

    fn no_more_apps(&mut self) {
        self.has_apps = true;
    }
}

/// Names are unique over all files.
fn check_names(parts: &mut [Part]) {
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
        let file = parts.get(first_part).map(|part| crate::text::printable(&part.file.to_string_lossy()));
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
fn check_rotated(parts: &mut [Part]) {
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
