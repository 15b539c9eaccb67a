//! Runs the binary in a home of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with `inventory/apps.yaml` in it, and the binary to run there.
pub struct Program {
    pub home: TempDir,
    env: Vec<(String, String)>,
}

/// How a run ended, as text.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("inventory")).unwrap();
        Self { home, env: Vec::new() }
    }

    pub fn with_inventory(text: &str) -> Self {
        Self::new().file("inventory/apps.yaml", text)
    }

    pub fn file(self, path: &str, text: &str) -> Self {
        let path = self.home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_credwatch"));
        command
            .args(args)
            .current_dir(self.home.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(std::process::Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ended {
        self.command(args).output().unwrap().into()
    }

    /// Runs `audit -o json` with further arguments and reads the report.
    pub fn audit(&self, args: &[&str]) -> (Ended, Value) {
        let ended = self.run(&[&["audit", "-o", "json"], args].concat());
        let report = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("no report: {ended:?}"));
        (ended, report)
    }

    /// Every file below the home, with its bytes.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        collect(self.home.path(), &mut files);
        files
    }
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The report's entry of one app.
pub fn credential<'a>(report: &'a Value, app: &str) -> &'a Value {
    report["credentials"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["app"] == app)
        .unwrap_or_else(|| panic!("no {app}: {report}"))
}

pub fn verdict<'a>(report: &'a Value, app: &str) -> &'a str {
    credential(report, app)["test"]["verdict"].as_str().unwrap()
}

/// One `oauth2` entry with a client secret from the environment.
pub fn app(name: &str, endpoint: &str, secret: &str) -> String {
    format!(
        "  - name: {name}\n    provider: oauth2\n    token_endpoint: {endpoint}\n    auth_method: client_secret_post\n    client_id: {name}\n    secret: env:{secret}\n    expires: 2099-01-01\n    created: 2098-06-01\n"
    )
}
