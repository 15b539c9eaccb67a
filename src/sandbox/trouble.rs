//! What can be made to go wrong with requests to the management doubles.

use std::{
    collections::VecDeque,
    fmt, io, mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::Body,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures::stream;

/// One fault, for one request that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Done, and the answer is lost on the way.
    LostReply,
    /// Done, and a gateway says 503 all the same.
    GatewayFault,
    /// Not done, and 500.
    ServerFault,
    /// Not done, and 401, as for a token that was revoked.
    SignedOut,
    /// Not done, and 429 with a pause of so many seconds.
    Throttled(u32),
    /// Not answered now, and done with [`Troubles::catch_up`].
    LateApply,
}

type Change = Box<dyn FnOnce() -> Response + Send>;

/// The troubles to come, in order, one for each request that changes something.
#[derive(Default)]
pub struct Troubles {
    ahead: Mutex<VecDeque<Trouble>>,
    late: Mutex<Vec<Change>>,
}

impl Troubles {
    pub fn add(&self, trouble: Trouble) {
        held(&self.ahead).push_back(trouble);
    }

    /// Does what was not answered.
    pub fn catch_up(&self) {
        for change in mem::take(&mut *held(&self.late)) {
            drop(change());
        }
    }

    /// A change with the trouble that is its turn; `throttled` is the original's own 429.
    pub(super) fn around(
        &self,
        change: impl FnOnce() -> Response + Send + 'static,
        throttled: impl FnOnce(u32) -> Response,
    ) -> Response {
        let next = held(&self.ahead).pop_front();
        match next {
            None => change(),
            Some(Trouble::LostReply) => {
                drop(change());
                severed()
            }
            Some(Trouble::GatewayFault) => {
                drop(change());
                (StatusCode::SERVICE_UNAVAILABLE, "<html>upstream</html>").into_response()
            }
            Some(Trouble::SignedOut) => StatusCode::UNAUTHORIZED.into_response(),
            Some(Trouble::ServerFault) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Some(Trouble::Throttled(seconds)) => throttled(seconds),
            Some(Trouble::LateApply) => {
                held(&self.late).push(Box::new(change));
                severed()
            }
        }
    }
}

impl fmt::Debug for Troubles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Troubles").field("ahead", &self.ahead).finish_non_exhaustive()
    }
}

/// A panic elsewhere leaves whole entries behind: they are pushed and taken in one step.
pub(super) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An answer that breaks off: the connection ends before its body does.
fn severed() -> Response {
    let broken = stream::once(async { Err::<&[u8], _>(io::Error::from(io::ErrorKind::ConnectionReset)) });
    Body::from_stream(broken).into_response()
}
