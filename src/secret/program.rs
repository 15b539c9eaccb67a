//! A program whose standard output is a secret.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
};
use zeroize::Zeroizing;

use super::resolve::LIMIT;

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

/// Runs `program` with these arguments and nothing of our environment but `variables`; returns what it printed.
/// Its stderr goes nowhere: tools print values into their complaints.
///
/// # Errors
/// A clause for a message, such as `the program ended with exit code 1`.
pub(super) async fn output<'a>(
    program: &Path,
    arguments: &[String],
    variables: impl Iterator<Item = (&'a str, &'a OsString)>,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(variables);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut running = Running::new(command.spawn().map_err(|error| start_fault(&error))?);
    let finished = tokio::time::timeout(PATIENCE, running.finish()).await;
    let (status, bytes) = match finished {
        Err(_) => return Err(format!("the program did not end within {} s", PATIENCE.as_secs())),
        Ok(Err(error)) => return Err(format!("the program's output cannot be read: {}", error.kind())),
        Ok(Ok(None)) => return Err(format!("the program printed more than {} KiB", LIMIT / 1024)),
        Ok(Ok(Some(finished))) => finished,
    };
    running.is_over = true;
    match status.code() {
        Some(0) => Ok(bytes),
        Some(code) => Err(format!("the program ended with exit code {code}")),
        None => Err("the program was ended by a signal".to_owned()),
    }
}

fn start_fault(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such program".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission to run the program".to_owned(),
        kind => format!("the program cannot be started: {kind}"),
    }
}

/// A child that takes its whole process group along when it is given up.
struct Running {
    child: Child,
    is_over: bool,
}

impl Running {
    fn new(child: Child) -> Self {
        Self { child, is_over: false }
    }

    /// Output first: a child that waits for its pipe to be emptied never ends. `None`: it printed too much.
    async fn finish(&mut self) -> io::Result<Option<(ExitStatus, Zeroizing<Vec<u8>>)>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT + 1));
        if let Some(stdout) = self.child.stdout.take() {
            stdout.take(LIMIT as u64 + 1).read_to_end(&mut bytes).await?;
        }
        if bytes.len() > LIMIT { Ok(None) } else { Ok(Some((self.child.wait().await?, bytes))) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        #[cfg(unix)]
        if !self.is_over {
            let group = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
            if let Some(group) = group {
                // Gone already is as good.
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
        }
    }
}
