//! The file system calls of a file store: no link is followed, nothing waits for a writer, and nothing is readable by others
//! that was not before.

use std::{
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{self, Read, Write as _},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use rustix::fs::{Access, AtFlags, CWD, OFlags, StatxAttributes, StatxFlags};
use zeroize::Zeroizing;

use super::{StoreFault, Version};
use crate::secret::LIMIT;

/// What makes a write outlast a power cut; a test looks at each call.
pub(super) trait Disk: Send + Sync {
    fn sync(&self, file: &File) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn sync_folder(&self, folder: &Folder) -> io::Result<()>;
}

pub(super) struct Machine;

impl Disk for Machine {
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_folder(&self, folder: &Folder) -> io::Result<()> {
        folder.0.sync_all()
    }
}

/// A file that was read.
pub(super) struct Found {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) version: Version,
    about: Metadata,
}

impl Found {
    /// Why it must not be replaced.
    pub(super) fn objection(&self) -> Option<&'static str> {
        (self.about.nlink() > 1).then_some("the file has a second name (hard link), which would keep the old value")
    }

    /// Gives a new file the owner and the rights of this one.
    fn dress(&self, new: &File) -> io::Result<()> {
        let own = new.metadata()?;
        if (own.uid(), own.gid()) != (self.about.uid(), self.about.gid()) {
            std::os::unix::fs::fchown(new, Some(self.about.uid()), Some(self.about.gid()))?;
        }
        new.set_permissions(fs::Permissions::from_mode(self.about.mode() & 0o7777))
    }
}

/// The file as it is; `None`: there is none.
pub(super) fn read(path: &Path) -> Result<Option<Found>, StoreFault> {
    let refused = |why: &str| StoreFault::Refused(why.to_owned());
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path) {
        Ok(file) => file,
        Err(error) => {
            if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
                return Err(refused("it is a symbolic link; name the file itself"));
            }
            return match error.kind() {
                io::ErrorKind::NotFound => Ok(None),
                io::ErrorKind::PermissionDenied => Err(refused("no permission to read the file")),
                kind => Err(StoreFault::Unavailable(format!("the file cannot be opened: {kind}"))),
            };
        }
    };
    let unavailable = |error: io::Error| StoreFault::Unavailable(format!("the file cannot be read: {}", error.kind()));
    let about = file.metadata().map_err(unavailable)?;
    if !about.is_file() {
        return Err(refused("it is no regular file"));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT + 1));
    file.take(LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(unavailable)?;
    if bytes.len() > LIMIT {
        return Err(StoreFault::Unusable(format!("the file is larger than {} KiB", LIMIT / 1024)));
    }
    Ok(Some(Found { bytes, version: version_of(&about), about }))
}

/// Of the file that is there now.
pub(super) fn version(path: &Path) -> Option<Version> {
    fs::symlink_metadata(path).ok().map(|about| version_of(&about))
}

/// Inode, time of change and length: says nothing about the value.
fn version_of(about: &Metadata) -> Version {
    let nanoseconds = i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec());
    Version(format!("{}-{nanoseconds}-{}", about.ino(), about.len()))
}

/// A new file; only we may read it, or who might read the one it is `like`. A leftover of its name goes first.
pub(super) fn create(path: &Path, bytes: &[u8], like: Option<&Found>) -> io::Result<File> {
    remove(path)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    // Before the content: nobody may read the new value who might not read the old one.
    match like {
        Some(found) => found.dress(&file)?,
        None => file.set_permissions(fs::Permissions::from_mode(0o600))?,
    }
    file.write_all(bytes)?;
    Ok(file)
}

/// What is not there needs no removal.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

pub(super) fn open_to_write(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    OpenOptions::new().write(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// Never empty in between: written over, then cut to length.
pub(super) fn overwrite(file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all_at(bytes, 0)?;
    file.set_len(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
}

/// Whether a file system, or one file of it, is mounted right here. Where an old kernel cannot tell, a write will.
pub(super) fn is_mount(path: &Path) -> bool {
    let about = rustix::fs::statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty());
    about.is_ok_and(|about| about.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// Whether the rights would let us; a file system that is mounted read-only does not.
pub(super) fn allows(path: &Path, access: Access) -> bool {
    rustix::fs::access(path, access).is_ok()
}

/// The right to write a file: freed on drop, and by the kernel.
pub(super) struct Lock {
    held: File,
}

pub(super) enum LockFault {
    Taken,
    Io(io::Error),
}

impl Lock {
    /// Never waits.
    pub(super) fn take(path: &Path) -> Result<Self, LockFault> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
        let file = options.open(path).map_err(LockFault::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockFault::Taken),
            Err(TryLockError::Error(error)) => return Err(LockFault::Io(error)),
        }
        // Whoever had it may have removed its file in between: a lock on that one would bind nobody.
        let ours = file.metadata().map_err(LockFault::Io)?.ino();
        match fs::symlink_metadata(path) {
            Ok(about) if about.ino() == ours => Ok(Self { held: file }),
            _ => Err(LockFault::Taken),
        }
    }
}

impl Drop for Lock {
    /// A program that is just being started holds a copy of the file until it runs: closing ours would not free the lock.
    fn drop(&mut self) {
        let _ = self.held.unlock();
    }
}

/// The folder a file lies in.
pub(super) struct Folder(pub(super) File);

impl Folder {
    /// Refuses one where others could put something in the file's place.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let open = File::open(path).map_err(|error| format!("its folder cannot be opened: {}", error.kind()))?;
        let about = open.metadata().map_err(|error| format!("its folder cannot be read: {}", error.kind()))?;
        let (writable_by_others, sticky) = (about.mode() & 0o002 != 0, about.mode() & 0o1000 != 0);
        if writable_by_others && !sticky {
            return Err("everybody may write to its folder: take that right away (chmod o-w)".to_owned());
        }
        Ok(Self(open))
    }
}
