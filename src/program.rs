//! A program run to its end: no shell, a fixed environment, capped output, an end in time, its process group taken along.

use std::{io, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};
use zeroize::Zeroizing;

/// Bounds of one run.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub patience: Duration,
    /// Bytes of stdout; more than that ends the program.
    pub stdout: usize,
    /// Last bytes of stderr that are kept; 0: it goes nowhere.
    pub stderr: usize,
}

/// A program that ended by itself.
pub struct Finished {
    /// `None`: ended by a signal.
    pub code: Option<i32>,
    /// May hold a value.
    pub stdout: Zeroizing<Vec<u8>>,
    /// May hold anything: tools print values into their complaints.
    pub stderr: Zeroizing<Vec<u8>>,
}

/// Why a program did not run to its end; a clause for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramFault {
    /// It was never started.
    NotStarted(String),
    /// It ran, and was ended.
    Ended(String),
}

impl ProgramFault {
    pub fn into_clause(self) -> String {
        match self {
            Self::NotStarted(clause) | Self::Ended(clause) => clause,
        }
    }
}

/// Runs a command whose environment and arguments are set, with `input` as its stdin.
///
/// # Errors
/// It cannot be started, did not end in time or printed too much; then its whole process group has been killed.
pub async fn run(mut command: Command, input: &[u8], limits: Limits) -> Result<Finished, ProgramFault> {
    let piped = |is_used| if is_used { Stdio::piped() } else { Stdio::null() };
    command.stdin(piped(!input.is_empty())).stdout(Stdio::piped()).stderr(piped(limits.stderr > 0)).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let child = command.spawn().map_err(|error| ProgramFault::NotStarted(start_fault(&error)))?;
    let mut running = Running::new(child);
    let ended = |clause| Err(ProgramFault::Ended(clause));
    match tokio::time::timeout(limits.patience, running.finish(input, limits)).await {
        Ok(Ok(finished)) => Ok(finished),
        Ok(Err(error)) if error.kind() == io::ErrorKind::FileTooLarge => {
            ended(format!("the program printed more than {} KiB", limits.stdout / 1024))
        }
        Ok(Err(error)) => ended(format!("the program's output cannot be read: {}", error.kind())),
        Err(_) => ended(format!("the program did not end within {} s", limits.patience.as_secs())),
    }
}

/// Why a program could not be started; a clause for a message.
pub fn start_fault(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such program".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission to run the program".to_owned(),
        kind => format!("the program cannot be started: {kind}"),
    }
}

/// A child whose process group ends with it, so that nothing it started is still at work afterwards.
struct Running {
    child: Child,
    #[cfg(unix)]
    group: Option<rustix::process::Pid>,
}

impl Running {
    fn new(child: Child) -> Self {
        Self {
            #[cfg(unix)]
            group: child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw),
            child,
        }
    }

    /// All three pipes at once: a child that waits for one of them never ends.
    async fn finish(&mut self, input: &[u8], limits: Limits) -> io::Result<Finished> {
        let (stdin, stdout, stderr) = (self.child.stdin.take(), self.child.stdout.take(), self.child.stderr.take());
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A program that does not want its input has closed it; what it answers says the rest.
                let _ = stdin.write_all(input).await;
            }
            Ok(())
        };
        let (stdout, stderr, ()) = tokio::try_join!(head(stdout, limits.stdout), tail(stderr, limits.stderr), feed)?;
        let status = self.child.wait().await?;
        Ok(Finished { code: status.code(), stdout, stderr })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.group {
            // Gone already is as good.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// All of a stream, which may be `limit` bytes long.
async fn head(stream: Option<impl AsyncRead + Unpin>, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    // The exact room at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    if let Some(stream) = stream {
        stream.take(limit as u64 + 1).read_to_end(&mut bytes).await?;
    }
    if bytes.len() > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

/// The last `limit` bytes of a stream that is read to its end, however long it is.
async fn tail(stream: Option<impl AsyncRead + Unpin>, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut kept = Zeroizing::new(Vec::with_capacity(limit * 2));
    let Some(mut stream) = stream else { return Ok(kept) };
    let mut piece = Zeroizing::new(vec![0; limit]);
    loop {
        let length = stream.read(&mut piece).await?;
        if length == 0 {
            return Ok(kept);
        }
        kept.extend_from_slice(piece.get(..length).unwrap_or_default());
        let surplus = kept.len().saturating_sub(limit);
        kept.drain(..surplus);
    }
}
