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
    stream::{Sink, Streamed},
};
use crate::{
    assess::Policy,
    secret::ExecRule,
    settings::Settings,
    yaml::{self, At, Check, Fault, FaultCode, Faults, Notes, Text, Tree},
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
    let mut reader = Reader::new(&shared, folder, settings);
    let typed = yaml::typed(&text, Streamed(&mut reader));
    if typed.is_ok() {
        reader.finish();
        if reader.check.notes.is_empty() {
            return Ok(reader.part(file));
        }
    }
    let tree = Tree::parse(&text).map_err(|lone| lone.fault(file))?;
    let mut reader = Reader::new(&shared, folder, settings);
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

/// Notes with their places. The text is read again, for it was let go once it had been read.
fn placed(file: &Path, notes: Notes) -> Vec<Fault> {
    let text = yaml::source(file).unwrap_or_default();
    let tree = Tree::parse(&text).ok();
    notes.placed(file, tree.as_ref().map(|tree| &tree.root))
}

/// Turns a file's entries into apps, whichever way they are read.
struct Reader<'a> {
    file: &'a Arc<Path>,
    check: Check<'a>,
    version: Option<Text>,
    common: Common,
    /// Entries so far.
    count: usize,
    has_apps: bool,
    late_defaults: bool,
    apps: Vec<App>,
    names: Vec<(usize, Arc<str>)>,
}

impl<'a> Reader<'a> {
    fn new(file: &'a Arc<Path>, folder: &'a Path, settings: &'a Settings) -> Self {
        Self {
            file,
            check: Check::new(folder, &settings.exec),
            version: None,
            common: Common::new(&settings.policy),
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
                        Some(app) => self.app(app, u32::try_from(item.place.line).unwrap_or_default()),
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
        self.check.version(self.version.as_ref());
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
        self.common.defaults = Fields::read(defaults, &at, &mut self.check);
    }

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

    fn no_more_apps(&mut self) {
        self.has_apps = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The apps of a file, read in one pass (`None` where that leaves it to the other way) and as a tree.
    fn both(text: &str) -> (Option<String>, String) {
        let (file, folder, settings) = (Arc::from(Path::new("apps.yaml")), Path::new(""), Settings::default());
        let reader = || Reader::new(&file, folder, &settings);
        let (mut quick, mut whole) = (reader(), reader());
        let is_read = yaml::typed(text, Streamed(&mut quick)).is_ok() && quick.check.notes.is_empty();
        whole.walk(&Tree::parse(text).ok().unwrap());
        (is_read.then(|| format!("{:?}", quick.apps)), format!("{:?}", whole.apps))
    }

    #[test]
    fn in_one_pass_a_file_says_what_it_says_as_a_tree() {
        let head = "version: 1\ndefaults: &d {provider: entra, tenant: contoso.onmicrosoft.com, tags: [a]}\n";
        for apps in [
            "apps: []",
            "apps:\n- {name: one, client_id: x, secret: env:X}\n- {<<: *d, name: two, client_id: 012, secret: env:X, tags: [b]}",
            "apps:\n- &one {name: one, client_id: x, secret: env:X}\n- {<<: *one, name: two}\n- name: three\n  client_id: y\n  credentials: [{label: a, secret: env:A}, {label: b, secret: env:B}]",
            "apps:\n- {name: 'null', client_id: '~', secret: env:X, notes: '', owners: [], params: {}}",
        ] {
            let (quick, whole) = both(&format!("{head}{apps}\n"));
            assert_eq!(quick, Some(whole), "{apps}");
        }
    }

    #[test]
    fn in_one_pass_too_no_key_stands_without_a_value() {
        for field in [
            "secret:",
            "secret: ~",
            "secret: !!str",
            "secret: !!null x",
            "owners:",
            "tags: null",
            "tags: [a, ~]",
            "tags: [a, [~]]",
            "params: ~",
            "params: {a: }",
            "credentials: ~",
            "credentials: [~]",
            "credentials: [{secret: }]",
            "rotate:",
            "rotate: {deliver_to: }",
            "rotate: {deliver_to: [~]}",
            "rotate: {deliver_to: [{store: ~}]}",
        ] {
            let app = format!("- name: one\n  provider: entra\n  tenant: t.example\n  client_id: x\n  {field}\n");
            assert_eq!(both(&format!("version: 1\napps:\n{app}")).0, None, "{field}");
        }
        for text in [
            "version: 1\napps:\n",
            "version: 1\napps: [~]\n",
            "version:\napps: []\n",
            "version: 1\ndefaults:\napps: []\n",
        ] {
            assert_eq!(both(text).0, None, "{text}");
        }
    }
}
