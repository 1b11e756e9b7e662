//! Standard output that knows whether it was closed.
//!
//! Rust's start-up code opens `/dev/null` in place of a closed descriptor, so that a token written to a closed
//! standard output would seem to have arrived. A look before `main` tells.

use crate::words::t;
use std::io::{self, Write};

#[cfg(unix)]
mod at_start {
    use std::sync::atomic::{AtomicBool, Ordering};

    static STDOUT_CLOSED: AtomicBool = AtomicBool::new(false);

    #[ctor::ctor(unsafe)]
    fn look() {
        let closed = rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_err();
        STDOUT_CLOSED.store(closed, Ordering::Relaxed);
    }

    pub fn stdout_was_closed() -> bool {
        STDOUT_CLOSED.load(Ordering::Relaxed)
    }
}

#[cfg(not(unix))]
mod at_start {
    pub fn stdout_was_closed() -> bool {
        false
    }
}

/// Standard output; every write fails where it was closed when the program began.
pub struct Stdout(Option<io::Stdout>);

impl Stdout {
    /// The process's own.
    pub fn real() -> Self {
        Stdout((!at_start::stdout_was_closed()).then(io::stdout))
    }

    fn open(&mut self) -> io::Result<&mut io::Stdout> {
        self.0.as_mut().ok_or_else(|| io::Error::other(t!("standard output is closed")))
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open()?.flush()
    }
}
