//! SIGTERM and SIGINT end a run at the next boundary and a service at once; what was done is recorded.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// What has not ended by itself so long after a signal is ended: a reader that takes nothing holds up a report for ever.
/// What is recorded by then is recorded whole, as after a power cut.
const GRACE: Duration = Duration::from_secs(9);

/// Which signal came, if one did.
#[derive(Debug, Clone, Default)]
pub struct Caught(Arc<AtomicU8>);

impl Caught {
    /// The exit code of the signal that ended the run.
    #[must_use]
    pub fn exit(&self) -> Option<Exit> {
        [Exit::Interrupted, Exit::Terminated].into_iter().find(|exit| exit.code() == self.0.load(Ordering::SeqCst))
    }
}

/// Cancels on the first signal. The process ends at a second one, and in any case nine seconds later.
///
/// # Errors
/// When the process may not install signal handlers.
pub fn cancel_on_signal(cancel: &CancellationToken) -> io::Result<Caught> {
    let caught = Caught::default();
    let (stop, seen) = (cancel.clone(), caught.clone());
    Signals::on_thread("signals", move |runtime, mut signals| {
        let exit = runtime.block_on(signals.next());
        seen.0.store(exit.code(), Ordering::SeqCst);
        stop.cancel();
        thread::spawn(|| tracing::warn!("stopping: what was done so far is recorded; a second signal ends it at once"));
        let _ = runtime.block_on(async { timeout(GRACE, signals.next()).await });
        end(exit)
    })?;
    Ok(caught)
}

/// What somebody types on the terminal of stdin, unseen. A signal gives the terminal its echo back before it ends the process:
/// not every shell does.
///
/// # Errors
/// The terminal cannot be read, or signals cannot be caught.
pub fn hidden(prompt: &str) -> io::Result<String> {
    let before = tcgetattr(io::stdin())?;
    Signals::on_thread("prompt", move |runtime, mut signals| {
        let exit = runtime.block_on(signals.next());
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
        end(exit)
    })?;
    rpassword::prompt_password(prompt)
}

// What hangs would hang its destructors too, and all that must last is written by then or not begun.
#[allow(clippy::disallowed_methods)]
fn end(exit: Exit) -> ! {
    std::process::exit(exit.code().into())
}

/// SIGTERM and SIGINT, caught from here on.
#[derive(Debug)]
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Does `work` on a thread of its own, for the run's may be writing to somebody who does not read. Once this returns,
    /// signals are caught.
    fn on_thread(name: &str, work: impl FnOnce(&Runtime, Self) + Send + 'static) -> io::Result<()> {
        let (ready, is_ready) = mpsc::channel();
        thread::Builder::new().name(name.to_owned()).spawn(move || match Self::catch() {
            Ok((runtime, signals)) => {
                let _ = ready.send(Ok(()));
                work(&runtime, signals);
            }
            Err(fault) => drop(ready.send(Err(fault))),
        })?;
        is_ready.recv().unwrap_or_else(|_| Err(io::Error::other("the thread for signals ended")))
    }

    fn catch() -> io::Result<(Runtime, Self)> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let entered = runtime.enter();
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        drop(entered);
        Ok((runtime, Self { terminate, interrupt }))
    }

    async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.terminate.recv() => Exit::Terminated,
            _ = self.interrupt.recv() => Exit::Interrupted,
        }
    }
}
