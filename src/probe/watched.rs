//! A stream that remembers whether anything came back, and when: it tells "no filter chain"
//! (nothing ever came) from a handshake that broke off, and gives the time to the first byte.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What was seen; shared, so that it outlives the stream.
#[derive(Clone)]
pub(super) struct Seen {
    began: Instant,
    /// Microseconds to the first byte, and 1 more; 0 for none.
    first: Arc<AtomicU64>,
}

impl Seen {
    /// The time to the first byte; none where none came.
    pub(super) fn first_byte(&self) -> Option<Duration> {
        self.first
            .load(Ordering::Relaxed)
            .checked_sub(1)
            .map(Duration::from_micros)
    }
}

pub(super) struct Watched<S> {
    stream: S,
    seen: Seen,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S) -> (Self, Seen) {
        let seen = Seen {
            began: Instant::now(),
            first: Arc::default(),
        };
        (
            Watched {
                stream,
                seen: seen.clone(),
            },
            seen,
        )
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            let after =
                u64::try_from(this.seen.began.elapsed().as_micros()).unwrap_or(u64::MAX - 1);
            let _ = this.seen.first.compare_exchange(
                0,
                after + 1,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
