//! This process and others.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Turns core dumps off, so that no secret in memory reaches a disk, and no other process of the user reads it
/// through `/proc`. Best effort: a kernel without it is no reason to fail.
pub fn harden() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// What `command` prints on stdout within `timeout`; the error is in words. Its stdin is empty, its stderr ours, and
/// none of our own secrets is in its environment.
#[expect(clippy::disallowed_methods, reason = "this is the one adapter")]
pub fn output(command: &[String], timeout: Duration) -> Result<Vec<u8>, String> {
    let (program, args) = command.split_first().ok_or("it is empty")?;
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut stdout = child.stdout.take().ok_or("it has no stdout")?;
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = (&mut stdout).take(64 * 1024).read_to_end(&mut bytes).map(|_| bytes);
        let _ = sender.send(read);
    });
    let Ok(read) = receiver.recv_timeout(timeout) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("it took longer than {} s", timeout.as_secs()));
    };
    let status = child.wait().map_err(|error| error.to_string())?;
    match (status.success(), read) {
        (true, Ok(bytes)) => Ok(bytes),
        (true, Err(error)) => Err(error.to_string()),
        (false, _) => Err(format!("it ended with {status}")),
    }
}
