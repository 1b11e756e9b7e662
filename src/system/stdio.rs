//! Whether standard input has something to read, and standard output without a buffer.

use std::io::{self, Write};
use std::time::Duration;

/// Waits until standard input has something to read, at most `limit`. A terminal has once a line is complete.
#[cfg(unix)]
pub(crate) fn has_input(limit: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = rustix::stdio::stdin();
    let limit = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: limit.subsec_nanos().into() };
    poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&limit)).is_ok_and(|ready| ready > 0)
}

/// Not known on this system.
#[cfg(not(unix))]
pub(crate) fn has_input(_limit: Duration) -> bool {
    false
}

/// Standard output. Unlike the standard library's handle, it reports `EBADF` as an error.
pub struct Stdout;

#[cfg(unix)]
impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(rustix::stdio::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(not(unix))]
impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}
