//! The connection beneath HTTP, for the faults that HTTP has no word for: a reset, and an answer cut short.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How a connection ends instead of carrying the answer that HTTP writes next.
pub(super) enum Ending {
    /// RST: what is still in flight is lost.
    Reset,
    /// These bytes, then the end.
    Bytes(Vec<u8>),
}

/// The ending of one connection, if it is to have one.
#[derive(Clone, Default)]
pub(super) struct ConnectionFault(Arc<Mutex<Option<Ending>>>);

impl ConnectionFault {
    /// The next answer on the connection is replaced by `ending`.
    pub(super) fn end(&self, ending: Ending) {
        *self.get() = Some(ending);
    }

    fn get(&self) -> MutexGuard<'_, Option<Ending>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that knows its fate.
pub(super) struct Wire<S> {
    stream: S,
    socket: fn(&S) -> &TcpStream,
    fate: ConnectionFault,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// A stream with its fate; `socket` finds the socket beneath, which TLS hides.
    pub(super) fn new(stream: S, socket: fn(&S) -> &TcpStream, fate: ConnectionFault) -> Self {
        Wire { stream, socket, fate }
    }

    /// Carries out the ending. Never `Ready(Ok)`: HTTP is told that the connection is gone.
    fn finish(&mut self, ending: &mut Ending, context: &mut Context<'_>) -> Poll<io::Error> {
        match ending {
            Ending::Reset => {
                let set = (self.socket)(&self.stream).set_zero_linger();
                Poll::Ready(set.err().unwrap_or_else(|| io::ErrorKind::ConnectionReset.into()))
            }
            Ending::Bytes(bytes) => {
                while !bytes.is_empty() {
                    match ready!(Pin::new(&mut self.stream).poll_write(context, bytes)) {
                        Ok(written) => drop(bytes.drain(..written.max(1).min(bytes.len()))),
                        Err(error) => return Poll::Ready(error),
                    }
                }
                // Also flushes; whether it worked makes no difference any more.
                let _ = ready!(Pin::new(&mut self.stream).poll_shutdown(context));
                Poll::Ready(io::ErrorKind::BrokenPipe.into())
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let fate = self.fate.clone();
        let mut ending = fate.get();
        match ending.as_mut() {
            None => Pin::new(&mut self.stream).poll_write(context, bytes),
            Some(ending) => self.finish(ending, context).map(Err),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}
