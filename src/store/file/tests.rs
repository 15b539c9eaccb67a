use std::{
    fs::{self, File},
    os::unix::{
        ffi::OsStringExt,
        fs::{PermissionsExt, symlink},
    },
    sync::atomic::{AtomicBool, Ordering},
};

use super::*;
use crate::{secret::Fingerprints, store::Before};

const KEY: [u8; 32] = [7; 32];

struct Place {
    folder: tempfile::TempDir,
    store: FileStore,
}

fn place(content: Option<&str>, in_place: bool) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    if let Some(content) = content {
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    }
    Place { store: FileStore::new(path, in_place), folder }
}

impl Place {
    fn path(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Writes over what it holds now.
    async fn put(&self, value: &str) -> Result<Version, WriteFault> {
        let now = self.store.read().await.unwrap();
        self.put_over(&now, value).await
    }

    async fn put_over(&self, seen: &Content, value: &str) -> Result<Version, WriteFault> {
        let fingerprints = Fingerprints::new(&KEY);
        let fingerprint = seen.value.as_ref().map(|value| fingerprints.of(value));
        let before = Before { version: seen.version.as_ref(), fingerprint, fingerprints };
        let value = Secret::new(value.to_owned());
        self.store.write(Write { value: &value, before, idempotency: "r/1", key_id: None }).await
    }
}

#[tokio::test]
async fn a_file_whose_folder_is_missing_is_out_of_reach_and_not_absent() {
    let place = place(Some("canary-old"), false);
    let folder = place.folder.path();
    let away = folder.with_extension("away");
    fs::rename(folder, &away).unwrap();
    let read = place.store.read().await;
    fs::rename(&away, folder).unwrap();
    assert!(matches!(read, Err(StoreFault::Unavailable(_))));
    fs::remove_file(place.path()).unwrap();
    assert!(place.store.read().await.unwrap().value.is_none());
}

#[tokio::test]
async fn a_value_is_replaced_with_its_rights_its_line_end_and_a_way_back() {
    let place = place(Some("canary-old\n"), false);
    place.put("canary-new").await.unwrap();
    assert_eq!(place.text(), "canary-new\n");
    assert_eq!(fs::metadata(place.path()).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(place.store.previous().await.unwrap().value.unwrap().expose(), "canary-old");
    let old = place.folder.path().join(".secret.credwatch-old");
    assert_eq!(fs::metadata(old).unwrap().permissions().mode() & 0o777, 0o600);
    place.store.forget_previous().await.unwrap();
    assert_eq!(place.names(), ["secret"]);
    assert!(place.store.previous().await.unwrap().value.is_none());
}

#[tokio::test]
async fn an_absent_file_is_an_answer_and_is_made_private() {
    let place = place(None, false);
    assert!(place.store.read().await.unwrap().value.is_none());
    place.put("canary-new").await.unwrap();
    assert_eq!(place.text(), "canary-new");
    assert_eq!(fs::metadata(place.path()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn what_changed_since_it_was_read_is_not_overwritten() {
    let place = place(Some("canary-old"), false);
    let seen = place.store.read().await.unwrap();
    fs::write(place.path(), "canary-third").unwrap();
    assert!(matches!(place.put_over(&seen, "canary-new").await, Err(WriteFault::Refused(_))));
    assert_eq!(place.text(), "canary-third");
}

#[tokio::test]
async fn links_folders_and_pipes_are_refused() {
    let place = place(Some("canary-old"), false);
    let at = |name: &str| place.folder.path().join(name);
    symlink(place.path(), at("link")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    for name in ["link", "folder", "pipe"] {
        let store = FileStore::new(at(name), false);
        assert!(matches!(store.read().await, Err(StoreFault::Refused(_))), "{name}");
        assert!(matches!(store.writable().await, Writable::No(_)), "{name}");
    }
    fs::hard_link(place.path(), at("second")).unwrap();
    assert!(matches!(place.store.writable().await, Writable::No(_)));
    assert!(matches!(place.put("canary-new").await, Err(WriteFault::Refused(_))));
    fs::remove_file(at("second")).unwrap();
    fs::set_permissions(place.folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(place.put("canary-new").await, Err(WriteFault::Refused(_))));
    assert_eq!(place.text(), "canary-old");
}

#[tokio::test]
async fn a_text_that_is_no_secret_is_told_apart_from_an_absent_one() {
    for text in ["", "\n", " canary", "canary \n"] {
        let place = place(Some(text), false);
        assert!(matches!(place.store.read().await, Err(StoreFault::Unusable(_))), "{text:?}");
    }
}

#[tokio::test]
async fn a_file_written_in_place_keeps_its_inode_and_a_torn_one_is_finished() {
    use std::os::unix::fs::MetadataExt;
    let place = place(Some("canary-old-and-long\n"), true);
    let inode = fs::metadata(place.path()).unwrap().ino();
    place.put("canary-new").await.unwrap();
    assert_eq!((place.text().as_str(), fs::metadata(place.path()).unwrap().ino()), ("canary-new\n", inode));
    let next = place.folder.path().join(".secret.credwatch-next");
    assert!(!next.exists());
    for torn in ["canary-ned-and-long\n", "canary-new\nand-long\n", "canary\0\0\0\0", ""] {
        fs::write(&next, "canary-new\n").unwrap();
        fs::write(place.path(), torn).unwrap();
        assert_eq!(place.store.read().await.unwrap().value.unwrap().expose(), "canary-new", "{torn:?}");
        assert_eq!((place.text().as_str(), next.exists()), ("canary-new\n", false));
    }
}

#[tokio::test]
async fn what_somebody_else_put_there_after_a_write_was_cut_off_is_left_alone() {
    let place = place(Some("canary-old\n"), true);
    place.put("canary-new").await.unwrap();
    fs::write(place.folder.path().join(".secret.credwatch-next"), "canary-new\n").unwrap();
    fs::write(place.path(), "by hand").unwrap();
    assert_eq!(place.store.read().await.unwrap().value.unwrap().expose(), "by hand");
    place.store.forget_previous().await.unwrap();
    assert_eq!((place.text().as_str(), place.names()), ("by hand", vec!["secret".to_owned()]));
}

/// Writes the file while somebody else does.
struct Meddler(PathBuf);

impl Disk for Meddler {
    fn sync(&self, _: &File) -> io::Result<()> {
        fs::write(&self.0, "canary-third")
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Machine.rename(from, to)
    }

    fn sync_folder(&self, folder: &Folder) -> io::Result<()> {
        Machine.sync_folder(folder)
    }
}

#[tokio::test]
async fn what_changes_during_a_write_is_not_overwritten() {
    for in_place in [false, true] {
        let mut place = place(Some("canary-old"), in_place);
        place.store.disk = Box::new(Meddler(place.path()));
        assert!(matches!(place.put("canary-new").await, Err(WriteFault::Refused(why)) if why.contains("changed")));
        assert_eq!(place.text(), "canary-third");
        assert_eq!(place.names(), [".secret.credwatch-lock", ".secret.credwatch-old", "secret"]);
    }
}

#[tokio::test]
async fn nobody_waits_for_another_writer() {
    let place = place(Some("canary-old"), false);
    let held = place.store.lock().unwrap();
    assert!(matches!(place.put("canary-new").await, Err(WriteFault::Refused(why)) if why.contains("another process")));
    assert!(place.store.forget_previous().await.is_err());
    drop(held);
    place.put("canary-new").await.unwrap();
}

#[tokio::test]
async fn a_value_that_would_be_read_back_as_another_one_is_refused() {
    let place = place(Some("canary-old"), false);
    for value in ["", "canary\n", " canary"] {
        assert!(matches!(place.put(value).await, Err(WriteFault::Refused(_))), "{value:?}");
    }
    assert_eq!(place.text(), "canary-old");
}

#[tokio::test]
async fn two_files_whose_names_are_no_text_do_not_share_what_stands_beside_them() {
    let place = place(None, false);
    for name in [b"s\xff".to_vec(), b"s\xfe".to_vec()] {
        let path = place.folder.path().join(OsString::from_vec(name));
        fs::write(&path, "canary-old").unwrap();
        let other = Place { store: FileStore::new(path, false), folder: tempfile::tempdir().unwrap() };
        other.put("canary-new").await.unwrap();
    }
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 6);
}

#[test]
fn a_reader_never_sees_less_than_a_whole_value() {
    let place = place(Some("canary-0000"), false);
    let (path, stop) = (place.path(), AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let seen = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = 0;
            while !stop.load(Ordering::Relaxed) {
                let text = fs::read_to_string(&path).unwrap();
                assert!(text.len() == 11 && text.starts_with("canary-"), "{text:?}");
                seen += 1;
            }
            seen
        });
        for number in 1..=300 {
            runtime.block_on(place.put(&format!("canary-{number:04}"))).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert!(seen > 0);
    assert_eq!(place.text(), "canary-0300");
}
