//! A file: replaced in one step, so that a reader sees the whole old value or the whole new one.
//!
//! What was there before is kept beside it (mode 0600) until the rotation is over.

mod disk;
#[cfg(test)]
mod power_cut;
#[cfg(test)]
mod tests;

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use rustix::fs::Access;
use zeroize::Zeroizing;

use self::disk::{Disk, Folder, Found, Lock, LockFault, Machine};
use super::{Abilities, Content, Fence, Store, StoreFault, Version, Writable, Write, WriteFault};
use crate::secret::Secret;

/// One file, and whether it has to be written into (a bind mount cannot be replaced).
pub struct FileStore {
    path: PathBuf,
    in_place: bool,
    disk: Box<dyn Disk>,
}

/// What stands beside the file, by the end of its name.
#[derive(Clone, Copy)]
enum Beside {
    Lock,
    /// On its way to another name.
    New,
    Old,
    Next,
}

impl FileStore {
    #[must_use]
    pub fn new(path: PathBuf, in_place: bool) -> Self {
        Self { path, in_place, disk: Box::new(Machine) }
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    fn beside(&self, which: Beside) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(self.path.file_name().unwrap_or_default());
        name.push(match which {
            Beside::Lock => ".credwatch-lock",
            Beside::New => ".credwatch-new",
            Beside::Old => ".credwatch-old",
            Beside::Next => ".credwatch-next",
        });
        self.folder().join(name)
    }

    fn lock(&self) -> Result<Lock, StoreFault> {
        Lock::take(&self.beside(Beside::Lock)).map_err(|fault| match fault {
            LockFault::Taken => StoreFault::Unavailable("another process is writing the file".to_owned()),
            LockFault::Io(error) => unavailable(&error),
        })
    }

    fn read_now(&self) -> Result<Content, StoreFault> {
        // A write in place that was cut off is finished from its copy; only the holder of the lock may be in one.
        if self.in_place
            && self.torn()?.is_some()
            && let Ok(_held) = self.lock()
        {
            self.mend()?;
        }
        let found = disk::read(&self.path)?;
        if found.is_none() && !self.folder().is_dir() {
            // A volume that is not mounted, say: nothing is known of the file.
            return Err(StoreFault::Unavailable("its folder is not there".to_owned()));
        }
        content(found)
    }

    /// What a write in place that was cut off meant to write. What somebody else put there since is no mixture of the two values and
    /// none of ours to change.
    fn torn(&self) -> Result<Option<Found>, StoreFault> {
        let Some(next) = disk::read(&self.beside(Beside::Next))? else { return Ok(None) };
        let (Some(old), Some(now)) = (disk::read(&self.beside(Beside::Old))?, disk::read(&self.path)?) else {
            return Ok(None);
        };
        Ok(is_mixture(&now.bytes, &old.bytes, &next.bytes).then_some(next))
    }

    fn mend(&self) -> Result<(), StoreFault> {
        if let Some(next) = self.torn()? {
            let file = disk::open_to_write(&self.path).map_err(|error| unavailable(&error))?;
            disk::overwrite(&file, &next.bytes).and_then(|()| self.disk.sync(&file)).map_err(|e| unavailable(&e))?;
        }
        disk::remove(&self.beside(Beside::Next)).map_err(|error| unavailable(&error))
    }

    fn write_now(&self, write: &Write<'_>) -> Result<Version, WriteFault> {
        let folder = Folder::open(self.folder()).map_err(WriteFault::Refused)?;
        let _held = self.lock()?;
        if self.in_place {
            self.mend()?;
        }
        let found = disk::read(&self.path)?;
        let now = found.as_ref().map(|found| value(&found.bytes)).transpose()?;
        let is_same =
            write.before.version.is_none_or(|seen| found.as_ref().is_some_and(|found| found.version == *seen));
        if !is_same || !write.before.holds(now.as_ref()) {
            return Err(changed());
        }
        if let Some(why) = found.as_ref().and_then(Found::objection) {
            return Err(WriteFault::Refused(why.to_owned()));
        }
        let bytes = with_end(write.value, found.as_ref());
        if value(&bytes)?.expose() != write.value.expose() {
            return Err(WriteFault::Refused("the value would be read back as another one".to_owned()));
        }
        match &found {
            Some(old) if *old.bytes != *bytes => {
                self.put(Beside::Old, &old.bytes, &folder).map_err(|error| refused(&error))?;
            }
            Some(_) => {}
            // Of an earlier time: not what was there before this write.
            None => disk::remove(&self.beside(Beside::Old)).map_err(|error| refused(&error))?,
        }
        fault_point!("file.kept");
        match found {
            Some(found) if self.in_place => self.write_into(&bytes, &found, &folder)?,
            found => self.replace(&bytes, found.as_ref(), &folder)?,
        }
        match disk::read(&self.path) {
            Ok(Some(found)) => Ok(found.version),
            _ => Err(WriteFault::Unknown("the file cannot be read after it was written".to_owned())),
        }
    }

    fn replace(&self, bytes: &[u8], found: Option<&Found>, folder: &Folder) -> Result<(), WriteFault> {
        let new = self.fill(bytes, found).map_err(|error| refused(&error))?;
        fault_point!("file.filled");
        // The lock binds only those who know of it: one more look, as late as can be.
        if disk::version(&self.path) != found.map(|found| found.version.clone()) {
            let _ = disk::remove(&new);
            return Err(changed());
        }
        if let Err(error) = self.disk.rename(&new, &self.path) {
            let _ = disk::remove(&new);
            return Err(refused(&error));
        }
        fault_point!("file.renamed");
        // The rename is durable only once the folder is; a failed sync is never tried again as if it could succeed.
        let synced = self.disk.sync_folder(folder);
        synced.map_err(|error| WriteFault::Unknown(format!("the folder could not be synced: {}", error.kind())))
    }

    fn write_into(&self, bytes: &[u8], found: &Found, folder: &Folder) -> Result<(), WriteFault> {
        let unknown = |error: &io::Error| WriteFault::Unknown(format!("the file may be written: {}", error.kind()));
        let file = disk::open_to_write(&self.path).map_err(|error| refused(&error))?;
        self.put(Beside::Next, bytes, folder).map_err(|error| refused(&error))?;
        fault_point!("file.copied");
        let next = self.beside(Beside::Next);
        if disk::version(&self.path).as_ref() != Some(&found.version) {
            let _ = disk::remove(&next);
            return Err(changed());
        }
        if let Err(error) = disk::overwrite(&file, bytes) {
            // No room for the longer one: the old one still has its own.
            let is_back = disk::overwrite(&file, &found.bytes).and_then(|()| self.disk.sync(&file)).is_ok();
            return Err(if is_back && disk::remove(&next).is_ok() { refused(&error) } else { unknown(&error) });
        }
        fault_point!("file.overwritten");
        self.disk.sync(&file).and_then(|()| disk::remove(&next)).map_err(|error| unknown(&error))
    }

    /// A private neighbour, whole and durable.
    fn put(&self, which: Beside, bytes: &[u8], folder: &Folder) -> io::Result<()> {
        let new = self.fill(bytes, None)?;
        let renamed = self.disk.rename(&new, &self.beside(which)).inspect_err(|_| drop(disk::remove(&new)));
        renamed.and_then(|()| self.disk.sync_folder(folder))
    }

    /// The new file with its content; nothing stays of one that cannot be filled.
    fn fill(&self, bytes: &[u8], like: Option<&Found>) -> io::Result<PathBuf> {
        let new = self.beside(Beside::New);
        let filled = disk::create(&new, bytes, like).and_then(|file| self.disk.sync(&file));
        filled.map(|()| new.clone()).inspect_err(|_| drop(disk::remove(&new)))
    }

    fn forget(&self) -> Result<(), StoreFault> {
        let all = [Beside::Old, Beside::New, Beside::Next, Beside::Lock].map(|which| self.beside(which));
        if !all.iter().any(|path| path.symlink_metadata().is_ok()) {
            return Ok(());
        }
        let _held = self.lock()?;
        if self.in_place {
            // The copies are what a torn file is mended from.
            self.mend()?;
        }
        // The lock goes last, and nobody else takes it for theirs: see `Lock::take`.
        all.iter().try_for_each(|path| disk::remove(path)).map_err(|error| unavailable(&error))
    }
}

#[async_trait]
impl Store for FileStore {
    fn abilities(&self) -> Abilities {
        Abilities { readable: true, compare_and_set: true, fence: Fence::Lock }
    }

    async fn read(&self) -> Result<Content, StoreFault> {
        self.read_now()
    }

    async fn write(&self, write: Write<'_>) -> Result<Version, WriteFault> {
        self.write_now(&write)
    }

    async fn previous(&self) -> Result<Content, StoreFault> {
        content(disk::read(&self.beside(Beside::Old))?)
    }

    async fn forget_previous(&self) -> Result<(), StoreFault> {
        self.forget()
    }

    async fn writable(&self) -> Writable {
        if let Err(why) = Folder::open(self.folder()) {
            return Writable::No(why);
        }
        let found = match disk::read(&self.path) {
            Err(fault) => return Writable::No(fault.to_string()),
            Ok(found) => found,
        };
        if let Some(why) = found.as_ref().and_then(Found::objection) {
            return Writable::No(why.to_owned());
        }
        if !disk::allows(self.folder(), Access::WRITE_OK | Access::EXEC_OK) {
            return Writable::No("its folder cannot be written to".to_owned());
        }
        if self.in_place && found.is_some() && !disk::allows(&self.path, Access::WRITE_OK) {
            return Writable::No("it cannot be written to".to_owned());
        }
        if !self.in_place && disk::is_mount(&self.path) {
            return Writable::No(MOUNT.to_owned());
        }
        Writable::Yes
    }
}

const MOUNT: &str = "the file is a mount of its own and cannot be replaced; say `in_place: true`";

fn content(found: Option<Found>) -> Result<Content, StoreFault> {
    match found {
        None => Ok(Content { version: None, value: None }),
        Some(found) => Ok(Content { value: Some(value(&found.bytes)?), version: Some(found.version) }),
    }
}

/// Without the one line end that editors add.
fn value(bytes: &[u8]) -> Result<Secret, StoreFault> {
    let unusable = |why: &str| StoreFault::Unusable(why.to_owned());
    let text = std::str::from_utf8(bytes).map_err(|_| unusable("it is not UTF-8 text"))?;
    let text = text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n')).unwrap_or(text);
    if text.is_empty() {
        return Err(unusable("it is empty"));
    }
    if text.trim() != text {
        return Err(unusable("white space stands before or after the value"));
    }
    Ok(Secret::new(text.to_owned()))
}

/// The value as the file is used to end.
fn with_end(value: &Secret, found: Option<&Found>) -> Zeroizing<Vec<u8>> {
    let end: &[u8] = match found {
        Some(found) if found.bytes.ends_with(b"\r\n") => b"\r\n",
        Some(found) if found.bytes.ends_with(b"\n") => b"\n",
        _ => b"",
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(value.expose().len() + end.len()));
    bytes.extend_from_slice(value.expose().as_bytes());
    bytes.extend_from_slice(end);
    bytes
}

/// Each byte is of the one or the other, or was never filled; neither is there whole.
fn is_mixture(now: &[u8], old: &[u8], new: &[u8]) -> bool {
    let is_of_either = |(at, byte): (usize, &u8)| *byte == 0 || old.get(at) == Some(byte) || new.get(at) == Some(byte);
    now != old && now != new && now.len() <= old.len().max(new.len()) && now.iter().enumerate().all(is_of_either)
}

fn changed() -> WriteFault {
    WriteFault::Refused("the file has changed since it was read".to_owned())
}

fn refused(error: &io::Error) -> WriteFault {
    WriteFault::Refused(match error.kind() {
        io::ErrorKind::CrossesDevices | io::ErrorKind::ResourceBusy => MOUNT.to_owned(),
        kind => format!("the file cannot be written: {kind}"),
    })
}

fn unavailable(error: &io::Error) -> StoreFault {
    StoreFault::Unavailable(format!("the file cannot be used: {}", error.kind()))
}
