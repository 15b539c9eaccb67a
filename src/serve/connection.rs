//! Limits for clients that are many or slow.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep},
};

const CONNECTIONS: usize = 64;
/// From the last byte of one answer to the first of the next: idle, trickling and stuck clients alike.
const PATIENCE: Duration = Duration::from_secs(60);

/// Accepts a limited number of connections at once; the others wait in the kernel's queue.
pub(super) struct Gate {
    listener: TcpListener,
    free: Arc<Semaphore>,
}

impl Gate {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, free: Arc::new(Semaphore::new(CONNECTIONS)) }
    }
}

impl Listener for Gate {
    type Io = Connection<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        // The semaphore is never closed; without a permit the connection would merely go uncounted.
        let permit = self.free.clone().acquire_owned().await.ok();
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        (Connection::new(stream, permit), peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that breaks off when no byte of an answer could be written for a while.
///
/// Bytes that come in do not extend the time, so a request sent letter by letter ends as well.
pub(super) struct Connection<S> {
    stream: S,
    deadline: Pin<Box<Sleep>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl<S> Connection<S> {
    fn new(stream: S, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { stream, deadline: Box::pin(sleep(PATIENCE)), _permit: permit }
    }

    fn unless_late<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_pending() && self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        outcome
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.unless_late(cx, outcome)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if matches!(outcome, Poll::Ready(Ok(_))) {
            self.deadline.as_mut().reset(Instant::now() + PATIENCE);
        }
        self.unless_late(cx, outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        self.unless_late(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.unless_late(cx, outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test(start_paused = true)]
    async fn a_request_sent_letter_by_letter_is_broken_off() {
        let (mut client, server) = duplex(64);
        let mut connection = Connection::new(server, None);
        let begun = Instant::now();
        let trickle = async {
            while client.write_all(b"G").await.is_ok() {
                sleep(Duration::from_secs(7)).await;
            }
        };
        let read = async {
            loop {
                if let Err(error) = connection.read(&mut [0; 8]).await {
                    return error.kind();
                }
            }
        };
        let kind = tokio::select! {
            kind = read => kind,
            () = trickle => unreachable!("the client goes on"),
        };
        assert_eq!(kind, io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_buys_time_for_the_next_request() {
        let (_client, server) = duplex(64);
        let mut connection = Connection::new(server, None);
        let begun = Instant::now();
        sleep(Duration::from_secs(50)).await;
        connection.write_all(b"answer").await.unwrap();
        connection.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(begun.elapsed().as_secs(), 110);
    }
}
