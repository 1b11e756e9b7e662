//! A proxy between a machine and a server that can add delay, stop forwarding, or cut a connection at any byte.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A delay of both directions that never ends.
pub const SILENT: u64 = u64::MAX;

/// A proxy to a port of this host. Its threads end with the test process.
pub struct Way {
    pub port: u16,
    /// Delays every answer, in ms.
    delay: Arc<AtomicU64>,
    /// To the server, and from it.
    streams: [Arc<Stream>; 2],
}

/// One direction of all connections.
#[derive(Default)]
struct Stream {
    /// The lengths of the messages so far.
    messages: Mutex<Vec<usize>>,
    /// After how many more bytes the connection is cut.
    cut: Mutex<Option<usize>>,
}

impl Way {
    pub fn to(server: u16) -> Self {
        Way::between(TcpListener::bind("127.0.0.1:0").unwrap(), server)
    }

    /// Accepts connections from `listener`, which may belong to another network namespace.
    pub fn between(listener: TcpListener, server: u16) -> Self {
        let (port, delay) = (listener.local_addr().unwrap().port(), Arc::new(AtomicU64::new(0)));
        let streams: [Arc<Stream>; 2] = Default::default();
        let way = Way { port, delay: Arc::clone(&delay), streams: streams.clone() };
        std::thread::spawn(move || {
            for caller in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                let [up, down] = streams.clone();
                let (from, to) = (caller.try_clone().unwrap(), server.try_clone().unwrap());
                let (silence, delay) = (Arc::clone(&delay), Arc::clone(&delay));
                std::thread::spawn(move || pass(from, to, &silence, |_| {}, &up));
                let sleep = |ms| std::thread::sleep(Duration::from_millis(ms));
                std::thread::spawn(move || pass(server, caller, &delay, sleep, &down));
            }
        });
        way
    }

    pub fn delay(&self, ms: u64) {
        self.delay.store(ms, Ordering::SeqCst);
    }

    /// Cuts the connection that carries the byte at `offset` from now, to the server (0) or from it (1), in its place.
    pub fn cut(&self, direction: usize, offset: usize) {
        *self.streams[direction].cut.lock().unwrap() = Some(offset);
    }

    /// Whether the last cut is still to come. It is called off.
    pub fn call_off(&self, direction: usize) -> bool {
        self.streams[direction].cut.lock().unwrap().take().is_some()
    }

    /// The lengths of the messages since the last call, to the server (0) or from it (1).
    pub fn messages(&self, direction: usize) -> Vec<usize> {
        std::mem::take(&mut self.streams[direction].messages.lock().unwrap())
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, delay: &AtomicU64, sleep: impl Fn(u64), stream: &Stream) {
    let mut buffer = [0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        match delay.load(Ordering::SeqCst) {
            SILENT => continue,
            ms => sleep(ms),
        }
        stream.messages.lock().unwrap().push(read);
        let (passed, is_cut) = {
            let mut cut = stream.cut.lock().unwrap();
            match *cut {
                Some(left) if left < read => (left, cut.take().is_some()),
                left => {
                    *cut = left.map(|left| left - read);
                    (read, false)
                }
            }
        };
        let is_sent = to.write_all(&buffer[..passed]).is_ok();
        if is_cut {
            [from, to].iter().for_each(|side| drop(side.shutdown(Shutdown::Both)));
            return;
        }
        if !is_sent {
            return;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
