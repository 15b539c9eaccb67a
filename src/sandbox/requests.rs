//! What is asked of the sandbox, counted as it comes in; and a stop, at which a test can end the process that asks.

use std::{
    future,
    sync::{Arc, Mutex},
};

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use tokio::sync::watch;

use super::trouble::held;

/// All requests since the start, and those among them that change something: any that write, but for a token.
#[derive(Debug, Default)]
pub struct Requests {
    seen: watch::Sender<Seen>,
    stop: Mutex<Option<Stop>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    pub all: usize,
    pub changes: usize,
    /// One stands at the stop.
    pub stopped: bool,
}

/// The request that never gets an answer: the `nth` since the start, counted from 1.
#[derive(Debug, Clone, Copy)]
pub struct Stop {
    /// Counts those alone that change something.
    pub of_changes: bool,
    pub nth: usize,
    /// It is done first; else it never is.
    pub done: bool,
}

impl Requests {
    #[must_use]
    pub fn seen(&self) -> Seen {
        *self.seen.borrow()
    }

    /// Waits until the counters are so.
    pub async fn until(&self, reached: impl Fn(Seen) -> bool) -> Seen {
        // Fails only without a sender, and that is ours.
        self.seen.subscribe().wait_for(|seen| reached(*seen)).await.map_or_else(|_| self.seen(), |seen| *seen)
    }

    /// [`Seen::stopped`] tells when it stands there. A later call sets another stop.
    pub fn stop_at(&self, stop: Stop) {
        *held(&self.stop) = Some(stop);
        self.seen.send_modify(|seen| seen.stopped = false);
    }

    /// Counts a request; the stop, where it is this one's.
    fn enter(&self, changes: bool) -> Option<Stop> {
        let stop = held(&self.stop);
        let mut mine = None;
        self.seen.send_modify(|seen| {
            seen.all += 1;
            seen.changes += usize::from(changes);
            mine =
                stop.filter(
                    |stop| if stop.of_changes { changes && stop.nth == seen.changes } else { stop.nth == seen.all },
                );
        });
        mine
    }

    async fn stand(&self) {
        self.seen.send_modify(|seen| seen.stopped = true);
        future::pending::<()>().await;
    }
}

pub(super) async fn count(State(requests): State<Arc<Requests>>, request: Request, next: Next) -> Response {
    let changes = ![Method::GET, Method::HEAD].contains(request.method()) && !request.uri().path().ends_with("/token");
    let stop = requests.enter(changes);
    if stop.is_some_and(|stop| !stop.done) {
        requests.stand().await;
    }
    let response = next.run(request).await;
    if stop.is_some() {
        requests.stand().await;
    }
    response
}
