//! A connection that can be reset or cut short, which HTTP cannot express.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How a connection ends instead of carrying the next response.
pub(super) enum Ending {
    /// RST; data in flight is lost.
    Reset,
    /// Sends these bytes, then closes.
    Bytes(Vec<u8>),
}

/// The ending of a connection, if any.
#[derive(Clone, Default)]
pub(super) struct ConnectionFault(Arc<Mutex<Option<Ending>>>);

impl ConnectionFault {
    /// Replaces the next response by `ending`.
    pub(super) fn end(&self, ending: Ending) {
        *self.get() = Some(ending);
    }

    fn get(&self) -> MutexGuard<'_, Option<Ending>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection with a possible fault.
pub(super) struct Wire<S> {
    stream: S,
    socket: fn(&S) -> &TcpStream,
    fault: ConnectionFault,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// `socket` returns the socket below, which TLS hides.
    pub(super) fn new(stream: S, socket: fn(&S) -> &TcpStream, fault: ConnectionFault) -> Self {
        Wire { stream, socket, fault }
    }

    /// Ends the connection. Returns an error, so that hyper stops using the connection.
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
                // Also flushes. Errors no longer matter.
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
        let fault = self.fault.clone();
        let mut ending = fault.get();
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
