//! Which files an inventory is made of.

use std::{
    collections::HashSet,
    fs, io,
    path::{Component, Path, PathBuf},
};

use crate::{
    settings,
    yaml::{Fault, FaultCode, Place},
};

/// The files to read, each once.
pub fn files(paths: &[PathBuf], faults: &mut Vec<Fault>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut seen = HashSet::new();
    for path in paths {
        match expand(path) {
            Ok(found) if found.is_empty() => {
                let message = "there is no `*.yaml` in this folder";
                let advice = "`credwatch init` writes a first one; files must end in `.yaml`";
                faults.push(Fault::new(path, Place::default(), FaultCode::NoFiles, message, advice));
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

/// Where a file that need not exist yet is or will be: its folder without links, where there is one.
pub(super) fn place(file: &Path) -> PathBuf {
    let there = || Some(fs::canonicalize(file.parent()?).ok()?.join(file.file_name()?));
    there().unwrap_or_else(|| {
        file.components().fold(PathBuf::new(), |mut folded, part| {
            match part {
                Component::ParentDir => drop(folded.pop()),
                part => folded.push(part),
            }
            folded
        })
    })
}
