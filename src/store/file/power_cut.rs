//! The power fails at any moment of a write: what the disk would hold then. Content lasts once its file was synced, and a name once
//! its folder was; a new name may last sooner, which is why what it stands for must be on the disk before.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use super::{
    Content, FileStore, Write,
    disk::{Disk, Folder, Machine},
};
use crate::{
    secret::{Fingerprints, Secret},
    store::{Before, Store},
};

const OLD: &[u8] = b"canary-the-old-value\n";
const NEW: &[u8] = b"canary-new\n";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Planted {
    Nothing,
    NoSync,
    NoFolderSync,
}

/// What has reached the disk.
struct Platter {
    folder: PathBuf,
    planted: Planted,
    contents: Mutex<HashMap<u64, Vec<u8>>>,
    names: Mutex<HashMap<OsString, u64>>,
    lost: Mutex<Vec<String>>,
}

impl Platter {
    fn of(folder: &Path, planted: Planted) -> Self {
        let platter = Self {
            folder: folder.to_owned(),
            planted,
            contents: Mutex::default(),
            names: Mutex::default(),
            lost: Mutex::default(),
        };
        let all = platter.entries();
        *platter.contents.lock().unwrap() =
            all.iter().map(|(name, inode)| (*inode, fs::read(folder.join(name)).unwrap())).collect();
        *platter.names.lock().unwrap() = all;
        platter
    }

    fn entries(&self) -> HashMap<OsString, u64> {
        let entries = fs::read_dir(&self.folder).unwrap().map(Result::unwrap);
        entries.map(|entry| (entry.file_name(), entry.metadata().unwrap().ino())).collect()
    }

    /// What would be read under that name after the cut.
    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let names = self.names.lock().unwrap();
        let inode = names.get(OsString::from(name).as_os_str())?;
        Some(self.contents.lock().unwrap().get(inode).cloned().unwrap_or_default())
    }

    fn demand(&self, holds: bool, otherwise: &str) {
        if !holds {
            self.lost.lock().unwrap().push(otherwise.to_owned());
        }
    }
}

impl Disk for Arc<Platter> {
    fn sync(&self, file: &File) -> io::Result<()> {
        let inode = file.metadata()?.ino();
        let name = self.entries().into_iter().find(|(_, known)| *known == inode).unwrap().0;
        let bytes = fs::read(self.folder.join(&name))?;
        if name == "secret" {
            self.demand(self.read(".secret.credwatch-next").as_ref() == Some(&bytes), "written over before its copy");
        }
        if self.planted != Planted::NoSync {
            self.contents.lock().unwrap().insert(inode, bytes);
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (inode, bytes) = (fs::metadata(from)?.ino(), fs::read(from)?);
        self.demand(self.contents.lock().unwrap().get(&inode) == Some(&bytes), "a name without its content");
        if to.ends_with("secret") {
            self.demand(self.read(".secret.credwatch-old").as_deref() == Some(OLD), "replaced before the old is kept");
        }
        Machine.rename(from, to)
    }

    fn sync_folder(&self, _: &Folder) -> io::Result<()> {
        if self.planted != Planted::NoFolderSync {
            *self.names.lock().unwrap() = self.entries();
        }
        Ok(())
    }
}

/// What a power cut at some moment of a write would have cost.
async fn lost(in_place: bool, planted: Planted) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret"), OLD).unwrap();
    let platter = Arc::new(Platter::of(folder.path(), planted));
    let store = FileStore { path: folder.path().join("secret"), in_place, disk: Box::new(Arc::clone(&platter)) };
    let Content { version, value } = store.read().await.unwrap();
    let fingerprints = Fingerprints::new(&[7; 32]);
    let before =
        Before { version: version.as_ref(), fingerprint: value.as_ref().map(|v| fingerprints.of(v)), fingerprints };
    let value = Secret::new("canary-new".to_owned());
    store.write(Write { value: &value, before, idempotency: "r/1", key_id: None }).await.unwrap();
    platter.demand(platter.read("secret").as_deref() == Some(NEW), "the new value");
    platter.demand(platter.read(".secret.credwatch-old").as_deref() == Some(OLD), "the old value");
    let mut lost = platter.lost.lock().unwrap().clone();
    lost.sort();
    lost.dedup();
    lost
}

#[tokio::test]
async fn nothing_is_lost_when_the_power_fails_in_a_write() {
    for in_place in [false, true] {
        assert_eq!(lost(in_place, Planted::Nothing).await, [""; 0]);
    }
}

#[tokio::test]
async fn planted_no_fsync() {
    for in_place in [false, true] {
        let lost = lost(in_place, Planted::NoSync).await;
        assert!(lost.iter().any(|what| what == "a name without its content"), "{lost:?}");
        assert!(lost.iter().any(|what| what == "the new value"), "{lost:?}");
    }
}

#[tokio::test]
async fn planted_no_dir_fsync() {
    let replaced = lost(false, Planted::NoFolderSync).await;
    assert_eq!(replaced, ["replaced before the old is kept", "the new value", "the old value"]);
    let in_place = lost(true, Planted::NoFolderSync).await;
    assert_eq!(in_place, ["the old value", "written over before its copy"]);
}
