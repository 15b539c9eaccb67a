//! From files to the inventory: each file read on its own, then what must hold over all of them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::{
    across,
    assemble::{self, Common},
    fields::Fields,
    files::files,
    model::{App, Inventory, Origin},
    raw,
};
use crate::{
    assess::Policy,
    secret::ExecRule,
    settings::Settings,
    yaml::{self, At, Check, Fault, FaultCode, Faults, Lone, Node, Notes, Tree},
};

/// Reads files and folders; a folder means its `*.yaml`, sorted, without the settings. These say which programs
/// `exec:` references may run, and what the hooks that rotations deliver to can do.
///
/// # Errors
/// Every fault of all the files.
pub fn read(paths: &[PathBuf], settings: &Settings) -> Result<Inventory, Faults> {
    let mut faults = Vec::new();
    let files = files(paths, &mut faults);
    let mut parts = Vec::with_capacity(files.len());
    for file in &files {
        match read_file(file, settings) {
            Ok(part) => parts.push(part),
            Err(fault) => faults.push(fault),
        }
    }
    across::check_names(&mut parts);
    across::check_rotated(&mut parts);
    across::check_hooks(&mut parts, &settings.hooks);
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
    let (mut apps, mut warnings) = (Vec::new(), Vec::new());
    for mut part in parts {
        warnings.extend(part.notes.take_warnings().into_iter().flat_map(|notes| placed(&part.file, notes)));
        if !part.notes.is_empty() {
            faults.extend(placed(&part.file, part.notes));
        } else if apps.is_empty() {
            // The usual single file: its list is the inventory's, not a copy of it.
            apps = part.apps;
        } else {
            apps.extend(part.apps);
        }
    }
    if faults.is_empty() {
        return Ok(Inventory { files, apps, warnings });
    }
    faults.sort_by_key(|fault| files.iter().position(|file| *file == fault.file));
    Err(Faults(faults))
}

/// One app that was described without a file: its fields by the names they have in one. Relative `file:` references
/// begin in the working folder.
///
/// # Errors
/// Every fault, with the field's name for its path and without a place.
pub fn app_from_fields(fields: Map<String, Value>, programs: &[ExecRule]) -> Result<App, Faults> {
    let mut check = Check::new(Path::new(""), programs);
    let refused = |_| {
        let place = yaml::Place::default();
        Fault::new(Path::new(""), place, FaultCode::TooLarge, "one of the values is too long", "shorten it")
    };
    let mut raw: raw::App = serde_json::from_value(Value::Object(fields)).map_err(refused)?;
    let name = raw.name.take().map(|name| check.line(&At::Root.key("name"), Some(name)).unwrap_or_default());
    let own = Fields::read(raw, &At::Root, &mut check);
    let name = Arc::from(name.unwrap_or_default());
    match assemble::app(name, own, &mut Common::new(&Policy::default()), &At::Root, &mut check) {
        Some(app) if check.notes.is_empty() => Ok(app),
        _ => Err(Faults(check.notes.placed(Path::new(""), None))),
    }
}

/// What one file holds, and what is wrong with it.
pub struct Part {
    pub file: PathBuf,
    pub apps: Vec<App>,
    /// Of every app that has one, with its place in the list.
    pub names: Vec<(usize, Arc<str>)>,
    pub notes: Notes,
}

fn read_file(file: &Path, settings: &Settings) -> Result<Part, Fault> {
    let text = yaml::source(file)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let shared: Arc<Path> = file.into();
    let new = || Reader::new(&shared, folder, settings);
    let mut reader = new();
    if !reader.read_each(&text).map_err(|lone| lone.fault(file))? {
        reader = new();
        reader.read_whole(&Tree::parse(&text).map_err(|lone| lone.fault(file))?);
    }
    Ok(reader.part(file))
}

/// Notes with their places. The text is read again, for it was let go once it had been read.
fn placed(file: &Path, notes: Notes) -> Vec<Fault> {
    let text = yaml::source(file).unwrap_or_default();
    let tree = Tree::parse(&text).ok();
    notes.placed(file, tree.as_ref().map(|tree| &tree.root))
}

/// Turns a file's entries into apps, app by app or all of them at once.
struct Reader<'a> {
    file: &'a Arc<Path>,
    check: Check<'a>,
    common: Common,
    /// Entries so far.
    count: usize,
    apps: Vec<App>,
    names: Vec<(usize, Arc<str>)>,
}

impl<'a> Reader<'a> {
    fn new(file: &'a Arc<Path>, folder: &'a Path, settings: &'a Settings) -> Self {
        Self {
            file,
            check: Check::new(folder, &settings.exec),
            common: Common::new(&settings.policy),
            count: 0,
            apps: Vec::new(),
            names: Vec::new(),
        }
    }

    /// App by app, so that a big inventory is never held as it was written. `false` where the file has to be read as a
    /// whole: to find every fault, or because `defaults` or the list lie where an app cannot see them.
    fn read_each(&mut self, text: &str) -> Result<bool, Lone> {
        // Whether there are any, as the first app has it.
        let mut has_defaults = None;
        let rest = Tree::parse_each(text, "apps", |before, item| {
            if has_defaults.is_none() {
                let defaults = before.iter().find(|entry| entry.key == "defaults");
                has_defaults = Some(defaults.is_some());
                if let Some(entry) = defaults {
                    self.defaults(yaml::sound(&entry.node)?);
                }
            }
            self.app(yaml::sound(item)?, line(item));
            self.check.notes.is_empty().then_some(())
        })?;
        let Some(Tree { root }) = rest else { return Ok(false) };
        let Some(head) = yaml::sound::<raw::File<IgnoredAny>>(&root) else { return Ok(false) };
        // A list that is left was not handed over.
        let is_read = |list: &Node<'_>| matches!(&*list.value, yaml::Value::List(left) if left.is_empty());
        if !root.get("apps").is_some_and(|entry| is_read(&entry.node))
            || has_defaults.is_some_and(|has| has != head.defaults.is_some())
        {
            return Ok(false);
        }
        if has_defaults.is_none() {
            self.defaults(head.defaults);
        }
        self.check.version(head.version.as_ref());
        Ok(self.check.notes.is_empty())
    }

    /// The way that finds every fault of form.
    fn read_whole(&mut self, tree: &Tree<'_>) {
        let root = &tree.root;
        let Some(head) = yaml::collect::<raw::File<IgnoredAny>>(root, &At::Root, &mut self.check.notes) else { return };
        self.defaults(head.defaults);
        let at = At::Root.key("apps");
        match root.get("apps").map(|entry| &*entry.node.value) {
            Some(yaml::Value::List(items)) if head.apps.is_some() => {
                for (index, item) in items.iter().enumerate() {
                    match yaml::collect(item, &at.index(index), &mut self.check.notes) {
                        Some(app) => self.app(app, line(item)),
                        None => self.count += 1,
                    }
                }
            }
            Some(_) if head.apps.is_some() => {
                self.check.notes.add(&at, FaultCode::WrongType, "this is no list", "begin each app with `- name:`");
            }
            Some(_) => {}
            None => drop(self.check.missing::<()>(&at, "list the app registrations under `apps:`")),
        }
        self.check.version(head.version.as_ref());
    }

    fn part(self, file: &Path) -> Part {
        Part { file: file.to_owned(), apps: self.apps, names: self.names, notes: self.check.notes }
    }

    fn defaults(&mut self, defaults: Option<raw::App>) {
        let Some(defaults) = defaults else { return };
        let at = At::Root.key("defaults");
        if defaults.name.is_some() {
            let advice = "remove it: a name belongs to one app";
            self.check.notes.add(&at.key("name"), FaultCode::ConflictingFields, "apps cannot share a name", advice);
        }
        self.common.defaults = Fields::read(defaults, &at, &mut self.check);
    }

    /// An app whose entry begins in this line.
    fn app(&mut self, mut app: raw::App, line: u32) {
        let (at, index) = (At::Root.key("apps"), self.count);
        let at = at.index(index);
        self.count += 1;
        let at_name = at.key("name");
        let name = match app.name.take() {
            None => self.check.missing(&at_name, "what people call this app; unique over all files"),
            name => self.check.words(&at_name, name),
        };
        let name: Option<Arc<str>> = name.map(Arc::from);
        self.names.extend(name.clone().map(|name| (index, name)));
        let own = Fields::read(app, &at, &mut self.check);
        // A name is only for showing from here on: an app without one is checked like the others.
        let nameless = name.is_none();
        let built = assemble::app(name.unwrap_or_default(), own, &mut self.common, &at, &mut self.check);
        let origin = Some(Origin { file: Arc::clone(self.file), line });
        self.apps.extend(built.filter(|_| !nameless).map(|app| App { origin, ..app }));
    }
}

/// Where an entry begins, or where an alias stands for it.
fn line(item: &Node<'_>) -> u32 {
    u32::try_from(item.place.line).unwrap_or_default()
}

#[cfg(test)]
mod tests;
