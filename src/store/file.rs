//! A file: replaced in one step, so that a reader sees the whole old value or the whole new one.
//!
//! What was there before is kept beside it (mode 0600) until the rotation is over.

mod disk;
#[cfg(test)]
mod tests;

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use zeroize::Zeroizing;

use self::disk::{Folder, Found};
use super::{Abilities, Content, Fence, Store, StoreFault, Version, Writable, Write, WriteFault};
use crate::secret::Secret;

/// One file, and whether it has to be written into (a bind mount cannot be replaced).
pub struct FileStore {
    path: PathBuf,
    in_place: bool,
}

/// What stands beside the file, by the end of its name.
enum Beside {
    Lock,
    New,
    Old,
    Next,
}

impl FileStore {
    #[must_use]
    pub const fn new(path: PathBuf, in_place: bool) -> Self {
        Self { path, in_place }
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    fn beside(&self, which: &Beside) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let end = match which {
            Beside::Lock => "lock",
            Beside::New => "new",
            Beside::Old => "old",
            Beside::Next => "next",
        };
        self.folder().join(format!(".{name}.credwatch-{end}"))
    }

    fn read_now(&self) -> Result<Content, StoreFault> {
        let found = disk::read(&self.path)?;
        let next = self.beside(&Beside::Next);
        // A write in place that was cut off is finished from its copy; only the holder of the lock may be in one.
        if self.in_place
            && next.exists()
            && let Ok(_held) = disk::try_lock(&self.beside(&Beside::Lock))
        {
            return self.finish(&next);
        }
        content(found)
    }

    fn finish(&self, next: &Path) -> Result<Content, StoreFault> {
        let whole = disk::read(next)?;
        if let Some(bytes) = whole.as_ref().map(|found| &found.bytes).filter(|bytes| value(bytes).is_ok()) {
            overwrite(&self.path, bytes).map_err(|error| unavailable(&error))?;
        }
        fs::remove_file(next).map_err(|error| unavailable(&error))?;
        content(disk::read(&self.path)?)
    }

    fn write_now(&self, write: &Write<'_>) -> Result<Version, WriteFault> {
        let folder = Folder::open(self.folder()).map_err(WriteFault::Refused)?;
        let _held = disk::lock(&self.beside(&Beside::Lock)).map_err(|error| refused(&error))?;
        let found = disk::read(&self.path).map_err(|fault| WriteFault::Refused(fault.to_string()))?;
        let now = match &found {
            Some(found) => Some(value(&found.bytes).map_err(|fault| WriteFault::Refused(fault.to_string()))?),
            None => None,
        };
        let is_same =
            write.before.version.is_none_or(|seen| found.as_ref().is_some_and(|found| found.version == *seen));
        if !is_same || !write.before.holds(now.as_ref()) {
            return Err(WriteFault::Refused("the file has changed since it was read".to_owned()));
        }
        if let Some(why) = found.as_ref().and_then(Found::objection) {
            return Err(WriteFault::Refused(why.to_owned()));
        }
        let bytes = with_end(write.value, found.as_ref());
        if let Some(old) = found.as_ref().filter(|old| *old.bytes != *bytes) {
            self.keep(&old.bytes).map_err(|error| refused(&error))?;
        }
        fault_point!("file.kept");
        if self.in_place && found.is_some() {
            self.write_into(&bytes)?;
        } else {
            self.replace(&bytes, found.as_ref(), &folder)?;
        }
        match disk::read(&self.path) {
            Ok(Some(found)) => Ok(found.version),
            _ => Err(WriteFault::Unknown("the file cannot be read after it was written".to_owned())),
        }
    }

    fn replace(&self, bytes: &[u8], found: Option<&Found>, folder: &Folder) -> Result<(), WriteFault> {
        let new = self.beside(&Beside::New);
        let write = || -> io::Result<()> {
            let mut file = disk::create(&new)?;
            if let Some(found) = found {
                // Before the content: nobody may read the new value who might not read the old one.
                found.dress(&file)?;
            }
            file.write_all(bytes)?;
            file.sync_all()?;
            fault_point!("file.filled");
            fs::rename(&new, &self.path)
        };
        if let Err(error) = write() {
            let _ = fs::remove_file(&new);
            return Err(refused(&error));
        }
        fault_point!("file.renamed");
        // The rename is durable only once the folder is; a failed sync is never tried again as if it could succeed.
        folder.sync().map_err(|error| WriteFault::Unknown(format!("the folder could not be synced: {}", error.kind())))
    }

    fn write_into(&self, bytes: &[u8]) -> Result<(), WriteFault> {
        let next = self.beside(&Beside::Next);
        disk::put(&next, bytes).map_err(|error| refused(&error))?;
        fault_point!("file.copied");
        overwrite(&self.path, bytes)
            .map_err(|error| WriteFault::Unknown(format!("the file was written in part: {}", error.kind())))?;
        fault_point!("file.overwritten");
        fs::remove_file(&next).map_err(|error| WriteFault::Unknown(error.kind().to_string()))
    }

    fn keep(&self, old: &[u8]) -> io::Result<()> {
        disk::put(&self.beside(&Beside::Old), old)
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
        content(disk::read(&self.beside(&Beside::Old))?)
    }

    async fn forget_previous(&self) -> Result<(), StoreFault> {
        for which in [Beside::Old, Beside::New, Beside::Next, Beside::Lock] {
            match fs::remove_file(self.beside(&which)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unavailable(&error)),
                _ => {}
            }
        }
        Ok(())
    }

    async fn writable(&self) -> Writable {
        let folder = match Folder::open(self.folder()) {
            Ok(folder) => folder,
            Err(why) => return Writable::No(why),
        };
        match disk::read(&self.path) {
            Err(fault) => return Writable::No(fault.to_string()),
            Ok(Some(found)) => {
                if let Some(why) = found.objection() {
                    return Writable::No(why.to_owned());
                }
            }
            Ok(None) => {}
        }
        if folder.is_writable() { Writable::Yes } else { Writable::No("its folder cannot be written to".to_owned()) }
    }
}

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

/// Never empty in between: written over, then cut to length.
fn overwrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = disk::open_to_write(path)?;
    file.write_all(bytes)?;
    file.set_len(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
    file.sync_all()
}

fn refused(error: &io::Error) -> WriteFault {
    WriteFault::Refused(match error.kind() {
        io::ErrorKind::CrossesDevices | io::ErrorKind::ResourceBusy => {
            "the file is a mount of its own and cannot be replaced; say `in_place: true`".to_owned()
        }
        kind => format!("the file cannot be written: {kind}"),
    })
}

fn unavailable(error: &io::Error) -> StoreFault {
    StoreFault::Unavailable(format!("the file cannot be used: {}", error.kind()))
}

/// Held as long as it is open.
type Lock = File;
