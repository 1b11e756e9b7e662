//! Standard input, whether it has something to read, and standard output without a buffer.

use std::io::{self, Read, Write};
use std::time::Duration;
#[cfg(not(unix))]
use std::{
    io::BufRead,
    sync::atomic::{AtomicBool, Ordering},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    sync::{Mutex, PoisonError},
    thread,
};

/// Standard input. Its buffer is allocated by the first read.
pub(crate) struct Stdin;

impl Read for Stdin {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        #[cfg(not(unix))]
        if ENDED.swap(false, Ordering::SeqCst) {
            return Ok(0);
        }
        io::stdin().read(bytes)
    }
}

/// Waits until standard input has something to read, at most `limit`. A terminal has once a line is complete.
#[cfg(unix)]
pub(crate) fn has_input(limit: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = rustix::stdio::stdin();
    let limit = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: limit.subsec_nanos().into() };
    poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&limit)).is_ok_and(|ready| ready > 0)
}

/// Whether [`has_input`] found the end of the input. A console would ask for more.
#[cfg(not(unix))]
static ENDED: AtomicBool = AtomicBool::new(false);

/// Waits until standard input has something to read, at most `limit`. On Windows, only a thread can wait for a console. It
/// leaves the line in the standard library's buffer. After a time-out it still waits, so nothing else may read the console.
#[cfg(not(unix))]
pub(crate) fn has_input(limit: Duration) -> bool {
    static FILLED: Mutex<Option<Receiver<()>>> = Mutex::new(None);
    let mut filled = FILLED.lock().unwrap_or_else(PoisonError::into_inner);
    let waiting = filled.get_or_insert_with(|| {
        let (done, is_done) = channel();
        let fill = move || {
            ENDED.store(io::stdin().lock().fill_buf().is_ok_and(<[u8]>::is_empty), Ordering::SeqCst);
            drop(done);
        };
        // Without a thread, the caller waits in its read.
        let _ = thread::Builder::new().name("stdin".into()).spawn(fill);
        is_done
    });
    let is_ready = waiting.recv_timeout(limit) != Err(RecvTimeoutError::Timeout);
    if is_ready {
        *filled = None;
    }
    is_ready
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
