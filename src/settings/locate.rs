//! Where the settings file is.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Its name wherever it is looked for.
pub const FILE_NAME: &str = "credwatch.yaml";

/// Where the inventory lies when no path is given.
const DEFAULT_INVENTORY: &str = "inventory";

/// The settings file of a run: `config` itself; else the one in the folder of the first inventory path (for a
/// folder: in it or in its parent); else the one in the XDG config folder. `None`: there is none.
#[must_use]
pub fn locate(config: Option<&Path>, first: Option<&Path>) -> Option<PathBuf> {
    if let Some(config) = config {
        return Some(config.to_owned());
    }
    let first = first.unwrap_or(Path::new(DEFAULT_INVENTORY));
    let inside = first.is_dir().then(|| first.join(FILE_NAME));
    let candidates = [inside, beside(first), in_config_folder()];
    candidates.into_iter().flatten().find(|file| file.is_file())
}

fn beside(path: &Path) -> Option<PathBuf> {
    // A path as it was typed reads best in a fault; only `.` and the like need to be made absolute to have a parent.
    match path.parent() {
        Some(parent) if path.file_name().is_some() => Some(parent.join(FILE_NAME)),
        _ => Some(std::path::absolute(path).ok()?.canonicalize().ok()?.parent()?.join(FILE_NAME)),
    }
}

/// XDG Base Directory Specification: a relative `XDG_CONFIG_HOME` is ignored.
fn in_config_folder() -> Option<PathBuf> {
    let folder = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(config.join("credwatch").join(FILE_NAME))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn settings_lie_in_the_inventory_folder_or_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let inventory = folder.path().join("inventory");
        let apps = inventory.join("apps.yaml");
        fs::create_dir(&inventory).unwrap();
        fs::write(&apps, "").unwrap();
        let outer = folder.path().join(FILE_NAME);
        fs::write(&outer, "").unwrap();
        assert_eq!(locate(None, Some(&inventory)), Some(outer.clone()));
        let inner = inventory.join(FILE_NAME);
        fs::write(&inner, "").unwrap();
        assert_eq!(locate(None, Some(&inventory)), Some(inner.clone()));
        assert_eq!(locate(None, Some(&apps)), Some(inner));
        assert_eq!(locate(Some(Path::new("other.yaml")), Some(&apps)), Some(PathBuf::from("other.yaml")));
        fs::remove_file(inventory.join(FILE_NAME)).unwrap();
        assert_ne!(locate(None, Some(&apps)), Some(outer), "for a file only its own folder counts");
    }
}
