//! Files that are no place for a secret, and who may read what is written.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use crate::home::Home;

#[test]
fn nothing_is_made_for_a_file_that_cannot_be_delivered_to() {
    type Spoil = fn(&Path);
    let spoils: [(&str, Spoil); 5] = [
        ("symbolic link", |file| {
            fs::rename(file, file.with_extension("real")).unwrap();
            symlink(file.with_extension("real"), file).unwrap();
        }),
        ("no regular file", |file| {
            fs::remove_file(file).unwrap();
            assert!(std::process::Command::new("mkfifo").arg(file).status().unwrap().success());
        }),
        ("no regular file", |file| {
            fs::remove_file(file).unwrap();
            fs::create_dir(file).unwrap();
        }),
        ("hard link", |file| fs::hard_link(file, file.with_extension("twin")).unwrap()),
        ("chmod o-w", |file| {
            fs::set_permissions(file.parent().unwrap(), fs::Permissions::from_mode(0o777)).unwrap();
        }),
    ];
    for (says, spoil) in spoils {
        let home = Home::new();
        spoil(&home.stores()[1]);
        let ended = home.run().unwrap();
        assert_eq!((ended.code, home.tenant.creates()), (Some(3), 0), "{says}: {ended:?}");
        assert!(ended.said.contains(says), "{says}: {}", ended.said);
    }
}

#[test]
fn nobody_else_can_read_what_he_could_not_read_before_whatever_the_umask() {
    let home = Home::new();
    let [first, second] = home.stores();
    fs::set_permissions(&first, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(&second, fs::Permissions::from_mode(0o600)).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for folder in ["stores", "state"] {
                    for entry in fs::read_dir(home.path(folder)).unwrap().flatten() {
                        let Ok(about) = entry.metadata() else { continue };
                        let name = entry.file_name().into_string().unwrap();
                        // What replaces a file is dressed as that one before it gets its content.
                        let is_public = name == "first" || name == ".first.credwatch-new";
                        let open = about.permissions().mode() & 0o077;
                        assert!(is_public || open == 0 || about.len() == 0, "{name} is readable by others: {open:o}");
                    }
                }
                thread::sleep(Duration::from_micros(200));
            }
        });
        let mut ended = None;
        for _ in 0..20 {
            let command = home.command(&["rotate"]);
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
            shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            ended = home.ended(&shell.output().unwrap()).ok();
            if ended.as_ref().is_none_or(|ended| ended.said.contains("verifying") || ended.code != Some(0)) {
                break;
            }
            thread::sleep(Duration::from_millis(150));
        }
        done.store(true, Ordering::Relaxed);
        watch.join().unwrap();
        assert_eq!(ended.as_ref().and_then(|ended| ended.code), Some(0), "{ended:?}");
    });
    home.finish().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&first), mode(&second)), (0o644, 0o600));
}
