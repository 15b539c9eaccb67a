//! SIGINT and SIGTERM end a run at the next boundary; what was done is recorded.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

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

/// Cancels on the first SIGINT or SIGTERM.
///
/// # Errors
/// When the process may not install signal handlers.
pub fn cancel_on_signal(cancel: &CancellationToken) -> std::io::Result<Caught> {
    let caught = Caught::default();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let (cancel, code) = (cancel.clone(), Arc::clone(&caught.0));
    tokio::spawn(async move {
        let exit = tokio::select! {
            _ = interrupt.recv() => Exit::Interrupted,
            _ = terminate.recv() => Exit::Terminated,
        };
        code.store(exit.code(), Ordering::SeqCst);
        tracing::warn!("stopping: what was done so far is recorded");
        cancel.cancel();
    });
    Ok(caught)
}
