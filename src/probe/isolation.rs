//! A fault of ours in one credential's test stays there.
//!
//! The panic's place is kept and nothing else: its message may hold what was being worked on.

use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe, Location},
    path::Path,
    pin::Pin,
    sync::Once,
    task::{Context, Poll},
};

thread_local! {
    static IS_ISOLATED: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs a future; a panic in it becomes an error with its `file:line`, and prints nothing.
pub(crate) struct Isolated<F>(Pin<Box<F>>);

impl<F: Future> Isolated<F> {
    pub(crate) fn new(future: F) -> Self {
        silence();
        Self(Box::pin(future))
    }
}

impl<F: Future> Future for Isolated<F> {
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let was_isolated = IS_ISOLATED.replace(true);
        // Nothing of a future that panicked is looked at again: it is dropped.
        let polled = panic::catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context)));
        IS_ISOLATED.set(was_isolated);
        match polled {
            Ok(poll) => poll.map(Ok),
            Err(_) => Poll::Ready(Err(PLACE.take().unwrap_or_else(|| "unknown".to_owned()))),
        }
    }
}

/// Takes the panics of isolated futures out of the process's hook; all others reach it as before.
fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if IS_ISOLATED.get() {
                PLACE.set(panic.location().map(place));
            } else {
                before(panic);
            }
        }));
    });
}

/// `src/probe/mod.rs:12`; of a dependency the last three parts, for the rest tells of the machine it was built on.
fn place(location: &Location<'_>) -> String {
    let path = Path::new(location.file());
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    let from = if path.is_absolute() { parts.len().saturating_sub(3) } else { 0 };
    format!("{}:{}", parts.get(from..).unwrap_or_default().join("/"), location.line())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn p19_a_panic_leaves_its_place_alone() {
        let before = line!();
        let fault = Isolated::new(async { panic!("canary-{}", 1) }).await;
        assert_eq!(fault.unwrap_err(), format!("src/probe/isolation.rs:{}", before + 1));
        assert_eq!(Isolated::new(async { 7 }).await, Ok(7));
    }

    #[tokio::test]
    async fn p19_the_place_in_a_dependency_names_no_machine() {
        let fault = Isolated::new(async { Vec::<u8>::new().remove(usize::from(line!() == 0)) }).await.unwrap_err();
        assert!(!fault.starts_with('/'), "{fault}");
    }
}
