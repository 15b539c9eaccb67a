//! One machine that runs the nightly job: its inventory, its settings, its secrets, and what a run left behind.

use std::{
    env, fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::canaries::Canaries;

/// Every report but the table, which goes to stdout.
const REPORTS: [&str; 9] = ["json", "ndjson", "csv", "markdown", "html", "junit", "sarif", "prometheus", "ics"];

pub struct Night {
    folder: TempDir,
    environment: Vec<(String, String)>,
    pub canaries: Canaries,
}

/// How a run ended. That no secret is in it was checked before.
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Night {
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), environment: Vec::new(), canaries: Canaries::default() }
    }

    /// A secret the inventory or the settings name as `env:NAME`.
    pub fn secret(&mut self, name: &str, value: &str) {
        self.canaries.add(value);
        self.environment(name, value);
    }

    /// A variable of the binary's environment that is no secret.
    pub fn environment(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    pub fn inventory(&self, yaml: &str) {
        fs::write(self.folder.path().join("apps.yaml"), yaml).unwrap();
    }

    pub fn settings(&self, yaml: &str) {
        fs::write(self.folder.path().join("credwatch.yaml"), yaml).unwrap();
    }

    /// The job, with every report there is and everything said.
    pub fn audit(&self, more: &[&str]) -> (Outcome, Report) {
        let mut arguments = vec!["audit".to_owned(), "apps.yaml".to_owned(), "-vv".to_owned()];
        arguments.extend(["-o".to_owned(), "table".to_owned()]);
        for format in REPORTS {
            arguments.extend(["-o".to_owned(), format!("{format}=report.{format}")]);
        }
        arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        let outcome = self.run(&arguments, "");
        let text = fs::read_to_string(self.folder.path().join("report.json"))
            .unwrap_or_else(|_| panic!("no report; exit {}, stderr:\n{}", outcome.code, outcome.stderr));
        (outcome, Report(serde_json::from_str(&text).unwrap()))
    }

    /// The binary with nothing of this machine's environment but PATH.
    pub fn command<A: AsRef<str>>(&self, arguments: &[A]) -> Command {
        let folder = self.folder.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_credwatch"));
        command.args(arguments.iter().map(AsRef::as_ref)).current_dir(folder).env_clear();
        command.env("PATH", env::var_os("PATH").unwrap_or_default()).env("HOME", folder);
        for kind in ["CONFIG", "STATE", "DATA", "CACHE"] {
            command.env(format!("XDG_{kind}_HOME"), folder.join(kind.to_lowercase()));
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it to its end, and searches all it left for secrets.
    pub fn run<A: AsRef<str>>(&self, arguments: &[A], stdin: &str) -> Outcome {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A run that reads no stdin may have closed it.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();

        self.canaries.assert_absent("stdout", &output.stdout);
        self.canaries.assert_absent("stderr", &output.stderr);
        self.search();
        Outcome {
            code: output.status.code().expect("no signal ended it"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Reports, state, and whatever else lies in the folder.
    pub fn search(&self) {
        self.search_in(self.folder.path());
    }

    fn search_in(&self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.search_in(&path);
            } else {
                self.canaries.assert_absent(&path.display().to_string(), &fs::read(&path).unwrap());
            }
        }
    }
}

/// `report.json` of a run.
pub struct Report(pub Value);

impl Report {
    /// `app: verdict, accepted A, STATUS error` of every credential, in the report's order.
    pub fn verdicts(&self) -> String {
        let line = |credential: &Value| {
            let test = &credential["test"];
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            format!(
                "{}: {}, accepted {}, {} {}",
                text(&credential["app"]),
                text(&test["verdict"]),
                test["secret_accepted"],
                test["http_status"],
                text(&test["error"])
            )
        };
        self.0["credentials"].as_array().unwrap().iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// What the run says it could not do.
    pub fn incomplete(&self) -> String {
        self.0["run"]["incomplete"].to_string()
    }
}
