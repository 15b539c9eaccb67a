//! Stores on file systems of their own, which nobody else on this machine sees.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::home::Home;

/// A user's and mount namespace; it ends with this.
pub struct Mounts(Child);

/// The stores, elsewhere, for a script to put them where it mounts something.
const SAVE: &str = "cp -a \"$1\" \"$1.saved\";";

impl Mounts {
    /// Runs the script there, with the stores' folder as `$1`. `None`, with a line saying so, where the kernel forbids it.
    fn make(home: &Home, script: &str) -> Option<Self> {
        let script = format!("{script} echo ready; exec sleep 600");
        let mut command = Command::new("unshare");
        command.args(["-Urm", "sh", "-ec", &script, "sh"]).arg(home.path("stores"));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let mounts = Self(child);
        if said == "ready\n" {
            return Some(mounts);
        }
        println!("skipped: this kernel lets nobody mount in a namespace of his own");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "CI=true accepts no skip");
        None
    }

    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--user", "--mount", "--preserve-credentials", "--target", &self.0.id().to_string(), program]);
        command
    }

    pub fn seen(&self, path: &Path) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.0.id())).join(path.strip_prefix("/").unwrap())
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn mounted(script: &str) -> Option<Home> {
    let mut home = Home::new();
    home.mounts = Some(Mounts::make(&home, script)?);
    Some(home)
}

/// Files in the stores' folder, besides the stores themselves.
fn beside(home: &Home) -> Vec<String> {
    let names =
        fs::read_dir(home.seen("stores")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "first" && name != "second").collect()
}

/// A file system of eight pages, two of which are the stores', and the others taken.
const FULL: &str = "mount -t tmpfs -o size=32k,mode=755 none \"$1\"; cp -a \"$1.saved\"/* \"$1\"; head -c 99999 /dev/zero >\"$1/filler\" 2>/dev/null || :;";

#[test]
fn a_state_that_finds_no_room_leaves_nothing_behind() {
    let Some(home) = mounted(&format!("{SAVE} {FULL}")) else { return };
    let state = format!("sqlite:{}", home.path("stores/state.db").display());
    let filler = fs::File::options().write(true).open(home.seen("stores/filler")).unwrap();
    for _ in 0..5 {
        let output = home.command(&["audit", "--offline", "--state", &state]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("state.db"), "{said}");
        let left: Vec<_> =
            beside(&home).into_iter().filter(|name| name != "filler" && name != "state.db.lock").collect();
        assert_eq!(left, [""; 0]);
        // A page more for the next one.
        filler.set_len(filler.metadata().unwrap().len() - 4096).unwrap();
    }
}

#[test]
fn on_a_full_file_system_nothing_is_written_and_the_attempt_is_removed() {
    let Some(home) = mounted(&format!("{SAVE} {FULL}")) else { return };
    home.watched(|| {
        let ended = home.run()?;
        assert_eq!((ended.code, home.tenant.creates()), (Some(3), 1), "{ended:?}");
        assert!(ended.said.contains("no storage space"), "{}", ended.said);
        assert_eq!(home.tenant.credentials().len(), 1 + home.tenant.strangers.len());
        let halves: Vec<_> = beside(&home).into_iter().filter(|name| name.contains("credwatch-")).collect();
        assert!(halves.iter().all(|name| name.ends_with("-lock")), "{halves:?}");
        fs::remove_file(home.seen("stores/filler")).unwrap();
        home.finish()
    })
    .unwrap();
}

#[test]
fn on_a_read_only_file_system_nothing_is_begun() {
    let script = "mount --bind \"$1\" \"$1\"; mount -o remount,bind,ro \"$1\";";
    let Some(home) = mounted(script) else { return };
    home.watched(|| {
        let ended = home.run()?;
        assert_eq!((ended.code, home.tenant.creates()), (Some(3), 0), "{ended:?}");
        assert!(ended.said.contains("cannot be written to"), "{}", ended.said);
        let mut command = home.mounts.as_ref().unwrap().command("mount");
        assert!(command.args(["-o", "remount,bind,rw"]).arg(home.path("stores")).status().unwrap().success());
        home.finish()
    })
    .unwrap();
}

#[test]
fn a_file_that_is_a_mount_of_its_own_is_written_in_place_or_not_at_all() {
    let script = format!("{SAVE} for name in first second; do mount --bind \"$1.saved/$name\" \"$1/$name\"; done;");
    let Some(home) = mounted(&script) else { return };
    home.watched(|| {
        let ended = home.run()?;
        assert!(ended.code == Some(3) && ended.said.contains("in_place"), "{ended:?}");
        assert_eq!(home.tenant.creates(), 0);
        let inventory = fs::read_to_string(home.path("apps.yaml")).unwrap();
        let first = format!("'file:{}'", home.path("stores/first").display());
        let in_place = format!("{{store: {first}, in_place: true}}");
        fs::write(home.path("apps.yaml"), inventory.replace(&format!("[{first}"), &format!("[{in_place}"))).unwrap();
        home.finish()
    })
    .unwrap();
    for name in ["first", "second"] {
        let saved = home.seen("stores.saved").join(name);
        assert_eq!(fs::read(saved).unwrap(), fs::read(home.seen("stores").join(name)).unwrap());
    }
}
