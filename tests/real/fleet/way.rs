//! A proxy between a machine and a server that can add delay, or stop forwarding without closing the connection.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A delay that never ends.
pub const SILENT: u64 = u64::MAX;

/// A proxy to a port of this host that delays every answer by `delay` ms. Its threads end with the test process.
pub struct Way {
    pub port: u16,
    delay: Arc<AtomicU64>,
}

impl Way {
    pub fn to(server: u16) -> Self {
        Way::between(TcpListener::bind("127.0.0.1:0").unwrap(), server)
    }

    /// Accepts connections from `listener`, which may belong to another network namespace.
    pub fn between(listener: TcpListener, server: u16) -> Self {
        let (port, delay) = (listener.local_addr().unwrap().port(), Arc::new(AtomicU64::new(0)));
        let shared = Arc::clone(&delay);
        std::thread::spawn(move || {
            for caller in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                let (from, to) = (caller.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || pass(from, to, &AtomicU64::new(0)));
                let delay = Arc::clone(&shared);
                std::thread::spawn(move || pass(server, caller, &delay));
            }
        });
        Way { port, delay }
    }

    pub fn delay(&self, ms: u64) {
        self.delay.store(ms, Ordering::SeqCst);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, delay: &AtomicU64) {
    let mut buffer = [0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        match delay.load(Ordering::SeqCst) {
            SILENT => continue,
            ms => std::thread::sleep(Duration::from_millis(ms)),
        }
        if to.write_all(&buffer[..read]).is_err() {
            return;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}
