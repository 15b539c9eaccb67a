//! The only ways credwatch writes files: whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use tempfile::{NamedTempFile, PersistError};

/// Replaces `path` with `bytes` in one step: readers see the old file or the new one, never a part.
///
/// `mode` is the permission bits on Unix, set before the content is written.
///
/// # Errors
/// Any I/O error; then the old file stands untouched.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    replace_with(path, Some(mode), |file| file.write_all(bytes))
}

/// Writes a new file in one step; one that is there already is an error (`AlreadyExists`) and stands untouched.
///
/// # Errors
/// Any I/O error.
pub fn create(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    put(path, Some(mode), |file| file.write_all(bytes), |temp| temp.persist_noclobber(path))
}

/// [`replace`] for content that is written piece by piece; `mode: None` gives what the umask allows.
///
/// # Errors
/// Those of `fill` and any I/O error; then the old file stands untouched.
pub fn replace_with(
    path: &Path,
    mode: Option<u32>,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    put(path, mode, fill, |temp| temp.persist(path))
}

fn put(
    path: &Path,
    mode: Option<u32>,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    persist: impl FnOnce(NamedTempFile) -> Result<File, PersistError>,
) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".credwatch-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(mode.unwrap_or(0o666)));
    }
    let mut temp = builder.tempfile_in(folder)?;
    #[cfg(unix)]
    if let Some(mode) = mode {
        // The builder's permissions pass through the umask; a report for another user must not.
        use std::os::unix::fs::PermissionsExt;
        temp.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
    }
    let mut buffer = BufWriter::new(&mut temp);
    fill(&mut buffer)?;
    buffer.flush()?;
    drop(buffer);
    temp.as_file().sync_all()?;
    persist(temp).map_err(|error| error.error)?;
    // The rename itself is durable only once the folder is.
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_with_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.prom");
        replace(&path, b"one", 0o644).unwrap();
        replace(&path, b"two", 0o644).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(create(&path, b"three", 0o644).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        }
    }

    #[test]
    fn a_failed_fill_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        replace(&path, b"old", 0o600).unwrap();
        let fault = replace_with(&path, None, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("no"))
        });
        assert!(fault.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
