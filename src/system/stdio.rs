//! Standard input that costs nothing until it is read, and standard output that knows whether it was closed.
//!
//! Rust's start-up code opens `/dev/null` in place of a closed descriptor, so that a token written to a closed
//! standard output would seem to have arrived. A look before `main` tells.

use crate::words::t;
use std::io::{self, Read, Write};

#[cfg(unix)]
mod at_start {
    use std::sync::atomic::{AtomicBool, Ordering};

    static STDOUT_CLOSED: AtomicBool = AtomicBool::new(false);

    #[ctor::ctor(unsafe)]
    fn look() {
        let closed = rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_err();
        STDOUT_CLOSED.fetch_or(closed, Ordering::Relaxed);
    }

    /// After half of an answer was written and the rest could not be: whatever is written from now on fails.
    pub fn give_up_stdout() {
        STDOUT_CLOSED.store(true, Ordering::Relaxed);
    }

    pub fn stdout_was_closed() -> bool {
        STDOUT_CLOSED.load(Ordering::Relaxed)
    }
}

#[cfg(unix)]
pub use at_start::give_up_stdout;

#[cfg(not(unix))]
mod at_start {
    pub fn stdout_was_closed() -> bool {
        false
    }
}

/// Standard input. Its buffer is made when it is first read.
pub struct Stdin;

impl Read for Stdin {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        io::stdin().read(bytes)
    }
}

/// Standard output; every write fails where it was closed when the program began. Nothing is held back: what is written
/// in one piece arrives in one piece.
pub struct Stdout(());

impl Stdout {
    /// The process's own.
    pub fn real() -> Self {
        Stdout(())
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match at_start::stdout_was_closed() {
            true => Err(io::Error::other(t!("standard output is closed"))),
            false => os::write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        os::flush()
    }
}

/// Past the standard library's handle, which takes a descriptor that cannot be written for a success.
#[cfg(unix)]
mod os {
    use std::io;

    pub fn write(bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(rustix::stdio::stdout(), bytes)?)
    }

    pub fn flush() -> io::Result<()> {
        Ok(())
    }
}

#[cfg(not(unix))]
mod os {
    use std::io::{self, Write};

    pub fn write(bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write(bytes)
    }

    pub fn flush() -> io::Result<()> {
        io::stdout().flush()
    }
}
