//! This process and others.

use super::{Clock, Deadline, RealClock};
use crate::config::environment::secret_variables;
use crate::words::t;
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
#[cfg(unix)]
use std::sync::Arc;
use std::time::Duration;

/// Between two looks whether a child has ended that has closed its stdout.
const END_POLL: Duration = Duration::from_millis(5);

/// Exit code of a bug.
const INTERNAL: i32 = 70;

/// Turns core dumps off, so that no secret in memory reaches a disk, and no other process of the user reads it
/// through `/proc`. Best effort: a kernel without it is no reason to fail. And lets a panic tell where it was and
/// nothing else, as its message may hold a value.
#[expect(clippy::exit, reason = "a panic ends the process with the exit code of a bug")]
pub fn harden() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        let words = format!(
            "zoho-cred: error[internal]: this is a bug, at {place}\nzoho-cred: hint: report it with what you ran; \
             nothing of the values is shown\n"
        );
        let _ = std::io::stderr().write_all(words.as_bytes());
        std::process::exit(INTERNAL);
    }));
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    // A write beyond `ulimit -f` then fails with EFBIG instead of ending the process. A handler is not inherited by the
    // programs that we start, as ignoring the signal would be.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
}

/// A child that has none of our own secrets in its environment; every one is made here.
#[expect(clippy::disallowed_methods, reason = "this is the one adapter")]
fn child(program: &OsStr) -> Command {
    let mut command = Command::new(program);
    secret_variables().for_each(|name| _ = command.env_remove(name));
    command
}

/// Runs this very program with `args`, on our terminal, and tells whether it ended well; the error is in words.
pub fn myself(args: &[&str]) -> Result<bool, String> {
    let path = std::env::current_exe().map_err(|error| error.to_string())?;
    let status = child(path.as_os_str()).args(args).status().map_err(|error| error.to_string())?;
    Ok(status.success())
}

/// What `command` prints on stdout within `timeout`; the error is in words. Its stdin is empty, its stderr ours where
/// somebody looks on, else nobody's.
pub fn output(command: &[String], timeout: Duration, watched: bool) -> Result<Vec<u8>, String> {
    let (program, args) = command.split_first().ok_or_else(|| t!("it is empty"))?;
    let mut child = child(OsStr::new(program))
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(if watched { Stdio::inherit() } else { Stdio::null() })
        .spawn()
        .map_err(|error| error.to_string())?;
    let clock = RealClock::default();
    let deadline = Deadline::after(&clock, timeout);
    let mut stdout = child.stdout.take().ok_or_else(|| t!("it has no stdout"))?;
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = (&mut stdout).take(64 * 1024).read_to_end(&mut bytes).map(|_| bytes);
        let _ = sender.send(read);
    });
    let ended = receiver.recv_timeout(timeout).ok().and_then(|read| {
        // Closing its stdout is not ending.
        loop {
            match child.try_wait() {
                Ok(None) if deadline.remaining(&clock).is_zero() => return None,
                Ok(None) => clock.sleep(END_POLL),
                Ok(Some(status)) => return Some(Ok((status, read))),
                Err(error) => return Some(Err(error)),
            }
        }
    });
    match ended {
        Some(Ok((status, Ok(bytes)))) if status.success() => Ok(bytes),
        Some(Ok((status, Err(error)))) if status.success() => Err(error.to_string()),
        Some(Ok((status, _))) => Err(t!("it ended with {status}", status)),
        Some(Err(error)) => Err(error.to_string()),
        None => {
            let _ = child.kill();
            let _ = child.wait();
            Err(t!("it took longer than {limit} s", limit = timeout.as_secs_f64().ceil()))
        }
    }
}

/// Runs `program` in place of this process, with `set` added to its environment and `removed` taken out of it.
/// Whoever stops, signals or waits for this process then deals with the program itself: nothing stands between them
/// that would have to pass signals or exit codes on. Returns only where that fails.
#[cfg(unix)]
pub fn become_program(
    program: &OsStr,
    args: &[OsString],
    set: &[(String, String)],
    removed: &[&str],
) -> std::io::Result<u8> {
    use std::os::unix::process::CommandExt;
    let mut command = child(program);
    command.args(args);
    removed.iter().for_each(|name| _ = command.env_remove(name));
    command.envs(set.iter().map(|(name, value)| (name, value)));
    Err(command.exec())
}

/// Runs `program` with `set` added to its environment and `removed` taken out of it, and returns its exit code. This
/// system has nothing like `exec`; the console sends Ctrl-C to both.
#[cfg(not(unix))]
pub fn become_program(
    program: &OsStr,
    args: &[OsString],
    set: &[(String, String)],
    removed: &[&str],
) -> std::io::Result<u8> {
    let mut command = child(program);
    command.args(args);
    removed.iter().for_each(|name| _ = command.env_remove(name));
    command.envs(set.iter().map(|(name, value)| (name, value)));
    let status = command.status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Path of this program, for settings that want an absolute one.
pub fn own_path() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/usr/local/bin/zoho-cred"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_only_closes_its_stdout_is_not_waited_for() {
        let command = ["sh", "-c", "echo said; exec sleep 600 >&-"].map(str::to_owned);
        assert!(output(&command, Duration::from_millis(200), false).is_err());
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test is its own child")]
    fn a_panic_shows_no_value() {
        const CHILD: &str = "ZOHO_CRED_TEST_PANIC";
        if std::env::var_os(CHILD).is_some() {
            harden();
            let secret = String::from("1000.secret");
            panic!("{secret}");
        }
        let name = "system::process::tests::a_panic_shows_no_value";
        let mut child = Command::new(std::env::current_exe().unwrap());
        let output = child.args(["--exact", name, "--nocapture"]).env(CHILD, "1").output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(INTERNAL));
        assert!(stderr.contains("error[internal]") && stderr.contains("process.rs:"), "{stderr}");
        assert!(!stderr.contains("1000.secret"), "{stderr}");
    }
}
