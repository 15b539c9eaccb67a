//! Where an embedded state lies, who may read it, and the lock beside it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::StateFault;

/// Held by a run; freed on drop, and by the kernel when the process dies.
#[derive(Debug)]
pub struct RunLock {
    held: Option<File>,
}

impl RunLock {
    /// For a state nobody else can see.
    pub(super) const fn none() -> Self {
        Self { held: None }
    }
}

impl Drop for RunLock {
    /// A program that is just being started holds a copy of the file until it runs: closing ours would not free the lock.
    fn drop(&mut self) {
        let _ = self.held.as_ref().map(File::unlock);
    }
}

/// `$XDG_STATE_HOME/credwatch/state.db`, else `~/.local/state/credwatch/state.db`.
pub(super) fn default_path() -> Result<PathBuf, StateFault> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    folder("XDG_STATE_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".local/state")))
        .map(|state| state.join("credwatch/state.db"))
        .ok_or(StateFault::NoFolder)
}

/// Takes the lock beside `database`.
pub(super) fn lock(database: &Path) -> Result<RunLock, StateFault> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let file = private(OpenOptions::new().create(true).truncate(false).write(true))
        .open(&path)
        .map_err(|error| fault(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(RunLock { held: Some(file) }),
        Err(TryLockError::WouldBlock) => Err(StateFault::Locked(path)),
        Err(TryLockError::Error(error)) => Err(fault(&path, &error)),
    }
}

/// Makes the folder of `database` where it is missing (mode 0700) and refuses one on a network file system.
pub(super) fn prepare_folder(database: &Path) -> Result<PathBuf, StateFault> {
    let folder = match database.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder).map_err(|error| fault(&folder, &error))?;
    if is_network(&folder).map_err(|error| fault(&folder, &error))? {
        return Err(StateFault::NetworkFileSystem(database.to_path_buf()));
    }
    Ok(folder)
}

/// An existing database that others may read is closed to them; its installation key is nobody's business.
pub(super) fn tighten(database: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if fs::metadata(database)?.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(database, fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

pub(super) fn fault(path: &Path, error: &io::Error) -> StateFault {
    StateFault::Io { path: path.to_path_buf(), reason: error.to_string() }
}

/// NFS, SMB, CIFS, SMB2, Ceph, AFS, Lustre, Coda: `statfs(2)`. FUSE and 9p are not listed: most of them are a
/// container's or a virtual machine's own disk.
#[cfg(target_os = "linux")]
fn is_network(folder: &Path) -> io::Result<bool> {
    const NETWORK: [u32; 8] =
        [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x00c3_6400, 0x5346_414f, 0x0bd0_0bd0, 0x7375_7245];
    // The kernel's word is signed on some architectures; the number is 32 bits wide on all.
    let kind = rustix::fs::statfs(folder)?.f_type as u32;
    Ok(NETWORK.contains(&kind))
}

#[cfg(not(target_os = "linux"))]
fn is_network(_: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_file_that_is_still_open_keeps_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("state.db");
        let lock_again = || lock(&database).is_ok();
        let held = lock(&database).ok().unwrap();
        let copy = held.held.as_ref().unwrap().try_clone().unwrap();
        assert!(!lock_again());
        drop(held);
        assert!(lock_again());
        drop(copy);
    }
}
