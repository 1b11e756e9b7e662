//! The connection beneath HTTP, for the faults that HTTP has no word for: a reset, and an answer cut short.

use axum_server::accept::Accept;
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
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

/// One connection's ending, if it is to have one.
#[derive(Default)]
struct Fate(Mutex<Option<Ending>>);

/// The open connections of one port by the address of the client.
#[derive(Clone, Default)]
pub(super) struct Wires(Arc<Mutex<HashMap<SocketAddr, Arc<Fate>>>>);

impl Wires {
    /// The next answer on the connection of `peer` is replaced by `ending`.
    pub(super) fn end(&self, peer: SocketAddr, ending: Ending) {
        let wires = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fate) = wires.get(&peer) {
            *fate.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(ending);
        }
    }
}

/// A connection that knows its fate.
pub(super) struct Wire<S> {
    stream: S,
    /// The socket beneath, which TLS hides.
    socket: fn(&S) -> &TcpStream,
    peer: SocketAddr,
    fate: Arc<Fate>,
    wires: Wires,
}

impl<S> Drop for Wire<S> {
    fn drop(&mut self) {
        let mut wires = self.wires.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The client may have come back with the same port number.
        if wires.get(&self.peer).is_some_and(|fate| Arc::ptr_eq(fate, &self.fate)) {
            wires.remove(&self.peer);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
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
        let fate = Arc::clone(&self.fate);
        let mut ending = fate.0.lock().unwrap_or_else(PoisonError::into_inner);
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

/// Accepts with another acceptor (plain or TLS), and puts a [`Wire`] around what comes out.
pub(super) struct Acceptor<A, T> {
    pub inner: A,
    pub socket: fn(&T) -> &TcpStream,
    pub wires: Wires,
}

impl<A: Clone, T> Clone for Acceptor<A, T> {
    fn clone(&self) -> Self {
        Acceptor { inner: self.inner.clone(), socket: self.socket, wires: self.wires.clone() }
    }
}

impl<A, S, T> Accept<TcpStream, S> for Acceptor<A, T>
where
    A: Accept<TcpStream, S, Stream = T>,
    A::Future: Send + 'static,
    T: 'static,
{
    type Stream = Wire<T>;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, tcp: TcpStream, service: S) -> Self::Future {
        let (wires, socket) = (self.wires.clone(), self.socket);
        let peer = tcp.set_nodelay(true).and_then(|()| tcp.peer_addr());
        let accepting = self.inner.accept(tcp, service);
        Box::pin(async move {
            let peer = peer?;
            let (stream, service) = accepting.await?;
            let fate = Arc::new(Fate::default());
            wires.0.lock().unwrap_or_else(PoisonError::into_inner).insert(peer, Arc::clone(&fate));
            Ok((Wire { stream, socket, peer, fate, wires }, service))
        })
    }
}
