//! A program whose standard output is a secret.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::process::Command;
use zeroize::Zeroizing;

use super::resolve::LIMIT;
use crate::program::{self, Limits, ProgramFault};

/// A program that `exec:` references may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecRule {
    /// Absolute.
    pub program: PathBuf,
    /// Variables it sees besides PATH, HOME and LANG.
    pub env: Vec<String>,
}

/// A tool that waits for a sign-in on a screen nobody sees ends here.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the program at `path` with these arguments and nothing of our environment but `variables`; returns what it printed.
/// Its stderr goes nowhere: tools print values into their complaints.
///
/// # Errors
/// A clause for a message, such as `the program ended with exit code 1`.
pub(super) async fn output<'a>(
    path: &Path,
    arguments: &[String],
    variables: impl Iterator<Item = (&'a str, &'a OsString)>,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut command = Command::new(path);
    command.args(arguments).env_clear().envs(variables);
    let limits = Limits { patience: PATIENCE, stdout: LIMIT, stderr: 0 };
    let finished = program::run(command, &[], limits).await.map_err(ProgramFault::into_clause)?;
    match finished.code {
        Some(0) => Ok(finished.stdout),
        Some(code) => Err(format!("the program ended with exit code {code}")),
        None => Err("the program was ended by a signal".to_owned()),
    }
}
