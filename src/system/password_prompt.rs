//! A prompt without echo. A signal during the prompt restores the terminal before it ends the process.

use crate::system::Signals;
#[cfg(unix)]
use std::fs::File;
use std::io;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Interval between checks for a signal. Too short to notice after Ctrl-C.
const LOOK: Duration = Duration::from_millis(20);

/// How long a prompt that Ctrl-C ended has to return.
#[cfg(unix)]
const RETURN: Duration = Duration::from_secs(1);

/// Runs `ask`, which reads without echo. It returns after Ctrl-C: rpassword itself ends the line and raises SIGINT while
/// the terminal is raw. Another signal ends the process after the terminal is restored.
#[cfg(unix)]
#[expect(clippy::exit, reason = "a signal ends the call at once, and reading cannot be broken off otherwise")]
pub(crate) fn prompt(signals: &Signals, ask: impl FnOnce() -> io::Result<String>) -> io::Result<String> {
    let Ok(terminal) = File::open("/dev/tty") else { return ask() };
    let Ok(before) = rustix::termios::tcgetattr(&terminal) else { return ask() };
    let (done, is_done) = channel::<()>();
    signals.hold();
    let watched = signals.clone();
    let watcher = std::thread::Builder::new().name("signals".into()).spawn(move || {
        while is_done.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            if let Err(error) = watched.check() {
                if is_done.recv_timeout(RETURN) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
                let _ = rustix::termios::tcsetattr(&terminal, rustix::termios::OptionalActions::Now, &before);
                std::process::exit(i32::from(error.code().exit_code()));
            }
        }
    });
    if watcher.is_err() {
        // A terminal left raw after Ctrl-C is better than one where Ctrl-C does nothing.
        let _ = signals.release();
    }
    let answer = ask();
    drop(done);
    let _ = signals.release();
    answer
}

/// Runs `ask`, which reads without echo, in a thread: a Windows console does not end such a read after Ctrl-C. The shell sets
/// the console's mode for its own prompt.
#[cfg(not(unix))]
pub(crate) fn prompt(
    signals: &Signals,
    ask: impl FnOnce() -> io::Result<String> + Send + 'static,
) -> io::Result<String> {
    let (done, is_done) = channel();
    std::thread::Builder::new().name("prompt".into()).spawn(move || done.send(ask()))?;
    let answered = signals.while_checked(|| {
        loop {
            match is_done.recv_timeout(LOOK) {
                Err(RecvTimeoutError::Timeout) if signals.check().is_ok() => {}
                answered => return answered,
            }
        }
    });
    answered.ok().and_then(Result::ok).unwrap_or_else(|| Err(io::ErrorKind::Interrupted.into()))
}
