//! One installation: a tenant, an inventory with one app whose secret is delivered to two files, and the binary to run there.

use std::{
    collections::HashSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread::{self, ScopedJoinHandle},
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    mounts::Mounts,
    tenant::{self, CLIENT, MANAGER, Tenant},
};

pub struct Home {
    folder: TempDir,
    pub tenant: Tenant,
    pub mounts: Option<Mounts>,
}

/// Whatever was called off begins again at once.
pub const ROTATE: [&str; 3] = ["rotate", "--now", "etl"];

/// Between two looks at the stores from outside.
const GLANCE: Duration = Duration::from_millis(3);

impl Home {
    pub fn new() -> Self {
        Self::with_grace("300ms")
    }

    pub fn with_grace(grace: &str) -> Self {
        let (folder, tenant) = (tempfile::tempdir().unwrap(), Tenant::start());
        let home = Self { folder, tenant, mounts: None };
        for name in ["state", "stores"] {
            fs::create_dir(home.path(name)).unwrap();
        }
        let value = home.tenant.credentials()[0].value.clone();
        for store in home.stores() {
            fs::write(store, format!("{value}\n")).unwrap();
        }
        let [first, second] = home.stores().map(|store| store.display().to_string());
        let (url, tenant) = (home.tenant.url(), tenant::ID);
        let inventory = format!(
            "version: 1\napps:\n  - name: etl\n    provider: entra\n    tenant: {tenant}\n    authority: {url}\n    graph: {url}\n    client_id: {CLIENT}\n    \
             secret: file:{first}\n    rotate:\n      deliver_to: ['file:{first}', {{store: 'file:{second}', in_place: true}}]\n      \
             grace: {grace}\n      retire: true\n      retire_without_usage: true\n"
        );
        fs::write(home.path("apps.yaml"), inventory).unwrap();
        let settings = format!(
            "version: 1\nstate: sqlite:{}\nrotation: {{live_deadline: 20s, live_spacing: 60ms, live_for: 150ms, settle: 250ms, run_gap: 50ms}}\n\
             management:\n  - {{provider: entra, tenant: {tenant}, client_id: {MANAGER}, secret: env:MANAGER, authority: '{url}', graph: '{url}'}}\n",
            home.path("state/state.db").display()
        );
        fs::write(home.path("credwatch.yaml"), settings).unwrap();
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The primary store, which is replaced, and one that is written in place.
    pub fn stores(&self) -> [PathBuf; 2] {
        ["first", "second"].map(|name| self.seen("stores").join(name))
    }

    /// A path as it is where the stores are mounted.
    pub fn seen(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        self.mounts.as_ref().map_or(path.clone(), |mounts| mounts.seen(&path))
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_credwatch");
        let mut command = match &self.mounts {
            Some(mounts) => mounts.command(program),
            None => Command::new(program),
        };
        command
            .args(args)
            .arg("--inventory")
            .arg(self.path("apps.yaml"))
            .arg("--config")
            .arg(self.path("credwatch.yaml"))
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("MANAGER", self.tenant.managers_secret())
            .env("RUST_BACKTRACE", "full")
            .env("RUST_LOG", "trace")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn start(&self, fault: Option<&str>) -> Child {
        self.command(&ROTATE).envs(fault.map(|fault| ("CREDWATCH_FAULT", fault))).spawn().unwrap()
    }

    /// A run that nothing befalls.
    pub fn run(&self) -> Result<Ended, String> {
        self.ended(&self.start(None).wait_with_output().unwrap())
    }

    /// What it said holds no secret.
    pub fn ended(&self, output: &Output) -> Result<Ended, String> {
        let windows = self.windows();
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            if holds_any(bytes, &windows) {
                return Err(format!("{name} holds a secret"));
            }
        }
        Ok(Ended {
            code: output.status.code(),
            said: String::from_utf8_lossy(&output.stdout).into_owned(),
            log: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Plain runs until the rotation is over but for its verification, which comes an hour later.
    pub fn finish(&self) -> Result<(), String> {
        let mut last = None;
        for _ in 0..40 {
            let ended = self.run()?;
            if ended.said.contains("verifying") {
                return self.check_end();
            }
            last = Some(ended);
            thread::sleep(Duration::from_millis(150));
        }
        Err(format!("it never ends: {last:?}"))
    }

    /// One credential of ours, which every store holds, and all strangers.
    fn check_end(&self) -> Result<(), String> {
        let left = self.tenant.credentials();
        let ours: Vec<_> = left.iter().filter(|known| !self.tenant.strangers.contains(&known.id)).collect();
        let [successor] = ours.as_slice() else {
            return Err(format!("the provider holds {:?}", ours.iter().map(|known| &known.label).collect::<Vec<_>>()));
        };
        if !successor.label.starts_with("credwatch/") || left.len() != 1 + self.tenant.strangers.len() {
            return Err("a stranger's is gone, or ours".to_owned());
        }
        for store in self.stores() {
            let held = fs::read_to_string(&store).map_err(|error| error.to_string())?;
            if held != format!("{}\n", successor.value) {
                return Err(format!("{} holds another value than the successor's", store.display()));
            }
        }
        self.check_leaks()
    }

    /// No value anywhere but in the stores and beside them.
    pub fn check_leaks(&self) -> Result<(), String> {
        let windows = self.windows();
        let mut files = Vec::new();
        for folder in [self.folder.path().to_owned(), self.path("state")] {
            files
                .extend(fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()));
        }
        for file in files {
            if holds_any(&fs::read(&file).unwrap(), &windows) {
                return Err(format!("{} holds a secret", file.display()));
            }
        }
        Ok(())
    }

    fn windows(&self) -> HashSet<Vec<u8>> {
        self.tenant
            .canaries()
            .iter()
            .flat_map(|value| value.as_bytes().windows(WINDOW).map(<[u8]>::to_vec).collect::<Vec<_>>())
            .collect()
    }

    /// Works under the eyes of somebody who tries what each store holds every few milliseconds.
    pub fn watched(&self, work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let watch: ScopedJoinHandle<'_, Result<(), String>> = scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    for store in self.stores() {
                        self.glance(&store)?;
                    }
                    thread::sleep(GLANCE);
                }
                Ok(())
            });
            let worked = catch_unwind(AssertUnwindSafe(work));
            done.store(true, Ordering::Relaxed);
            watch.join().unwrap().and(worked.unwrap_or_else(|panic| resume_unwind(panic)))
        })
    }

    fn glance(&self, store: &Path) -> Result<(), String> {
        let mut before = None;
        loop {
            let held = fs::read_to_string(store).map_err(|error| format!("{}: {error}", store.display()))?;
            if self.tenant.accepts(held.trim_end()) {
                return Ok(());
            }
            // It may have been replaced, and what it held removed, between the two looks.
            if before.as_ref() == Some(&held) {
                return Err(format!("{} held a dead value of {} bytes", store.display(), held.len()));
            }
            before = Some(held);
        }
    }
}

/// How a run ended; no code: killed.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub said: String,
    pub log: String,
}

/// No stretch of a value this long may be found anywhere.
const WINDOW: usize = 12;

fn holds_any(bytes: &[u8], windows: &HashSet<Vec<u8>>) -> bool {
    bytes.windows(WINDOW).any(|window| windows.contains(window))
}
