//! `credwatch init`: a first inventory and settings, commented.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use super::stdio::answer;
use crate::{exit::Exit, fsio, settings, text::printable};

/// Write a commented inventory and settings to begin with
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to write inventory/apps.yaml and credwatch.yaml
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
}

const APPS: &str = include_str!("init/apps.yaml");
const SETTINGS: &str = include_str!("init/credwatch.yaml");

/// # Errors
/// A file is there already, or cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let files = [(args.dir.join("inventory").join("apps.yaml"), APPS), (args.dir.join(settings::FILE_NAME), SETTINGS)];
    write(&files)?;
    Ok(answer(Exit::Clean, |out| {
        for (file, _) in &files {
            writeln!(out, "wrote {}", shown(file))?;
        }
        let inventory = shown(&args.dir.join("inventory"));
        writeln!(out, "next: put your first app into it, then `credwatch validate {inventory}`")
    }))
}

/// Writes all or, where one is there already, none.
fn write(files: &[(PathBuf, &str)]) -> anyhow::Result<()> {
    for (file, _) in files {
        if fs::symlink_metadata(file).is_ok() {
            bail!("{} is there already; nothing was written", shown(file));
        }
    }
    for (file, content) in files {
        let cannot = || format!("{} cannot be written", shown(file));
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).with_context(cannot)?;
        }
        fsio::create(file, content.as_bytes(), 0o644).with_context(cannot)?;
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory;

    #[test]
    fn what_init_writes_is_valid() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("new");
        assert_eq!(run(&Args { dir: dir.clone() }).unwrap(), Exit::Clean);
        let settings = settings::read(Some(&dir.join(settings::FILE_NAME))).unwrap();
        let inventory = inventory::read(&[dir.join("inventory")], &settings).unwrap();
        assert_eq!(inventory.apps.len(), 1);
    }

    #[test]
    fn an_existing_file_is_named_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().to_owned();
        fs::write(dir.join(settings::FILE_NAME), "mine").unwrap();
        let error = run(&Args { dir: dir.clone() }).unwrap_err();
        assert!(error.to_string().contains("credwatch.yaml is there already"), "{error}");
        assert!(!dir.join("inventory").exists());
        assert_eq!(fs::read_to_string(dir.join(settings::FILE_NAME)).unwrap(), "mine");
    }
}
