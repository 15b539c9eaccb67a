//! The file system calls of a file store: no link is followed, nothing waits for a writer, and nothing is readable by others
//! that was not before.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write as _},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{Access, OFlags};
use zeroize::Zeroizing;

use super::{Lock, StoreFault, Version};
use crate::secret::LIMIT;

/// A file that was read.
pub(super) struct Found {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Inode, time of change and length: says nothing about the value.
    pub(super) version: Version,
    about: fs::Metadata,
}

impl Found {
    /// Why it must not be replaced.
    pub(super) fn objection(&self) -> Option<&'static str> {
        (self.about.nlink() > 1).then_some("the file has a second name (hard link), which would keep the old value")
    }

    /// Gives a new file the owner and the rights of this one.
    pub(super) fn dress(&self, new: &File) -> io::Result<()> {
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
    let nanoseconds = i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec());
    let version = Version(format!("{}-{nanoseconds}-{}", about.ino(), about.len()));
    Ok(Some(Found { bytes, version, about }))
}

/// A new file that only we may read; a leftover of its name goes first.
pub(super) fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    // The umask takes bits away and never adds any.
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Writes a private file whole, by way of another name.
pub(super) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temp = path.as_os_str().to_owned();
    temp.push("~");
    let temp = PathBuf::from(temp);
    let mut file = create(&temp)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temp, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

pub(super) fn open_to_write(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path)
}

/// Waits for whoever writes this file; freed on drop, and by the kernel.
pub(super) fn lock(path: &Path) -> io::Result<Lock> {
    let file = lock_file(path)?;
    file.lock()?;
    Ok(file)
}

pub(super) fn try_lock(path: &Path) -> io::Result<Lock> {
    let file = lock_file(path)?;
    file.try_lock()?;
    Ok(file)
}

fn lock_file(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).custom_flags(flags).open(path)
}

/// The folder a file lies in.
pub(super) struct Folder {
    path: PathBuf,
    open: File,
}

impl Folder {
    /// Refuses one where others could put something in the file's place.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let open = File::open(path).map_err(|error| format!("its folder cannot be opened: {}", error.kind()))?;
        let about = open.metadata().map_err(|error| format!("its folder cannot be read: {}", error.kind()))?;
        let (writable_by_others, sticky) = (about.mode() & 0o002 != 0, about.mode() & 0o1000 != 0);
        if writable_by_others && !sticky {
            return Err("everybody may write to its folder: take that right away (chmod o-w)".to_owned());
        }
        Ok(Self { path: path.to_owned(), open })
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.open.sync_all()
    }

    pub(super) fn is_writable(&self) -> bool {
        rustix::fs::access(&self.path, Access::WRITE_OK | Access::EXEC_OK).is_ok()
    }
}
