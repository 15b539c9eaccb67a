//! SIGINT and SIGTERM end a run at the next boundary and a service at once; what was done is recorded.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// SIGTERM and SIGINT, caught from here on.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// # Errors
    /// When the process may not install signal handlers.
    pub fn catch() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next of them.
    pub async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.terminate.recv() => Exit::Terminated,
            _ = self.interrupt.recv() => Exit::Interrupted,
        }
    }
}

/// Which signal came, if one did.
#[derive(Debug, Clone, Default)]
pub struct Caught {
    first: Arc<AtomicU8>,
    again: CancellationToken,
}

impl Caught {
    /// The exit code of the signal that ended the run.
    #[must_use]
    pub fn exit(&self) -> Option<Exit> {
        [Exit::Interrupted, Exit::Terminated].into_iter().find(|exit| exit.code() == self.first.load(Ordering::SeqCst))
    }

    /// Does the work, which a second signal breaks off where it is.
    ///
    /// # Errors
    /// How it was broken off.
    pub async fn unless_repeated<T>(&self, work: impl Future<Output = T>) -> Result<T, Exit> {
        tokio::select! {
            biased;
            () = self.again.cancelled() => Err(self.exit().unwrap_or(Exit::Interrupted)),
            done = work => Ok(done),
        }
    }
}

/// Cancels on the first signal.
///
/// # Errors
/// As [`Signals::catch`].
pub fn cancel_on_signal(cancel: &CancellationToken) -> io::Result<Caught> {
    let caught = Caught::default();
    let mut signals = Signals::catch()?;
    let (cancel, Caught { first, again }) = (cancel.clone(), caught.clone());
    tokio::spawn(async move {
        first.store(signals.next().await.code(), Ordering::SeqCst);
        tracing::warn!("stopping: what was done so far is recorded; a second signal ends it at once");
        cancel.cancel();
        signals.next().await;
        again.cancel();
    });
    Ok(caught)
}
