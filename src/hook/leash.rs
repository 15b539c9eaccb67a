//! A hook must not outlive a run that is killed: a write that lands later would meet a state nobody expects.
//!
//! The kernel kills a child whose parent dies only if the child itself asks for it, after the fork. Without unsafe code nothing
//! runs between fork and exec, so our own binary is started in between: it asks, then becomes the hook. What a hook starts
//! in turn is not bound by this.

use std::{ffi::OsString, process::ExitCode};

use tokio::process::Command;

use crate::program::Finished;

/// The name our own binary has as the step in between.
const NAME: &str = "credwatch-leash";

/// What it prints instead of becoming the hook; no hook's JSON begins so.
const NOT_STARTED: &[u8] = b"\0not started: ";

/// To be called first in `main`, with the process's arguments: the step in between, where this process is one.
pub fn lead(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    if arguments.next().is_some_and(|name| name == NAME) {
        return Some(system::become_hook(arguments));
    }
    system::allow();
    None
}

/// A command that runs `program`, bound to this process where that is possible.
pub(super) fn command(program: &str) -> Command {
    system::bound(program).unwrap_or_else(|| Command::new(program))
}

/// The reason why the step in between did not become the hook.
pub(super) fn fault(finished: &Finished) -> Option<String> {
    let reason = finished.stdout.strip_prefix(NOT_STARTED)?;
    Some(String::from_utf8_lossy(reason).into_owned())
}

#[cfg(target_os = "linux")]
mod system {
    use std::{
        ffi::OsString,
        io::Write,
        os::unix::process::CommandExt,
        path::Path,
        process::{self, ExitCode},
        sync::atomic::{AtomicBool, Ordering},
    };

    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    use tokio::process::Command;

    use super::{NAME, NOT_STARTED};
    use crate::program;

    /// Our own binary, even after an update has replaced the file.
    const OURSELVES: &str = "/proc/self/exe";

    /// Whether our own binary is one that calls [`super::lead`]; that of a test or of another program using this library is not.
    static IS_ALLOWED: AtomicBool = AtomicBool::new(false);

    pub(super) fn allow() {
        IS_ALLOWED.store(Path::new(OURSELVES).exists(), Ordering::Relaxed);
    }

    pub(super) fn bound(program: &str) -> Option<Command> {
        if !IS_ALLOWED.load(Ordering::Relaxed) {
            return None;
        }
        let mut command = Command::new(OURSELVES);
        command.arg0(NAME).arg(process::id().to_string()).arg(program);
        Some(command)
    }

    pub(super) fn become_hook(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
        let parent = arguments.next().and_then(|pid| pid.to_str()?.parse::<i32>().ok());
        let asked = set_parent_process_death_signal(Some(Signal::KILL));
        // It may have died before that.
        let is_there = getppid().map(|pid| pid.as_raw_nonzero().get()) == parent && parent.is_some();
        let reason = match (asked, arguments.next()) {
            (Ok(()), Some(program)) if is_there => {
                program::start_fault(&process::Command::new(program).args(arguments).exec())
            }
            _ => "the run that wanted it has ended".to_owned(),
        };
        let _ = std::io::stdout().write_all(&[NOT_STARTED, reason.as_bytes()].concat());
        ExitCode::from(127)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::{ffi::OsString, process::ExitCode};

    use tokio::process::Command;

    pub(super) fn allow() {}

    pub(super) fn bound(_: &str) -> Option<Command> {
        None
    }

    pub(super) fn become_hook(_: impl Iterator<Item = OsString>) -> ExitCode {
        ExitCode::from(127)
    }
}
