//! Bad files and what the user is told: every text here holds a canary where a value may stand, and none of them
//! may be repeated.

use std::{fs, path::Path};

use super::*;
use crate::settings::{Hook, Settings, Verb};

mod content;
mod form;
mod valid;

fn read_text(text: &str) -> Result<Inventory, Faults> {
    read_texts(&[("apps.yaml", text)])
}

fn read_texts(files: &[(&str, &str)]) -> Result<Inventory, Faults> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    read(&[folder.path().to_owned()], &settings()).map_err(|faults| shortened(faults, folder.path()))
}

/// With two hooks: `etl` can be read back, `blind` cannot.
fn settings() -> Settings {
    let hook = |name: &str, verbs: &[Verb]| {
        (name.to_owned(), Hook { program: vec!["/usr/local/bin/deliver".to_owned()], verbs: verbs.to_vec() })
    };
    let hooks = [hook("etl", &[Verb::Read, Verb::Write]), hook("blind", &[Verb::Write])];
    Settings { hooks: hooks.into(), ..Settings::default() }
}

/// Faults with the file's name only, as if read from the current folder.
fn shortened(Faults(mut faults): Faults, folder: &Path) -> Faults {
    for fault in &mut faults {
        fault.file = fault.file.strip_prefix(folder).unwrap_or(&fault.file).to_owned();
        let long = format!("{}/", folder.display());
        fault.message = fault.message.replace(&long, "").into();
    }
    Faults(faults)
}

/// What the user sees; a canary in it fails the test.
fn told(text: &str) -> String {
    let faults = read_text(text).err().map(|faults| faults.to_string()).unwrap_or_default();
    assert!(!faults.contains("7Qm2"), "a value was repeated:\n{faults}");
    faults
}

fn file(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// An inventory of one entra app with further lines.
fn with(lines: &str) -> String {
    let head = "version: 1\ndefaults: {provider: entra, tenant: example.org}\napps:\n  - name: one\n    client_id: x\n";
    let lines: String = lines.trim().lines().map(|line| format!("    {}\n", line.trim_end())).collect();
    format!("{head}{lines}")
}
