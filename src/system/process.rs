//! This process and its children.

use crate::i18n::causes::cause;
use crate::i18n::tr;
#[cfg(windows)]
use crate::system::Env;
#[cfg(target_os = "linux")]
use crate::system::files::{self, Accept};
use crate::system::secret_variables;
use crate::system::{Clock, Deadline, RealClock, Signals};
#[cfg(unix)]
use rustix::{fs::Mode, process::umask};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
#[cfg(unix)]
use std::sync::OnceLock;
use std::time::Duration;

/// Interval between checks for a signal and for the end of a child that has closed its stdout.
const POLL: Duration = Duration::from_millis(5);

/// Exit code of a bug.
const INTERNAL: i32 = 70;

/// Disables core dumps, so that secrets in memory do not reach a disk and cannot be read through `/proc`. Errors are
/// ignored. Panics report only their location, because the message may contain a secret.
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
    // A write beyond `ulimit -f` then fails with EFBIG instead of killing the process. Children do not inherit a
    // handler, but would inherit an ignored signal.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    #[cfg(unix)]
    keep_own_files_usable();
}

/// The umask of the caller, if it masks bits of the owner.
#[cfg(unix)]
static STRICT_UMASK: OnceLock<Mode> = OnceLock::new();

/// Takes the owner's bits out of the umask, because we could not enter new folders otherwise.
#[cfg(unix)]
fn keep_own_files_usable() {
    let callers = umask(Mode::empty());
    if callers.intersects(Mode::RWXU) {
        let _ = STRICT_UMASK.set(callers);
    }
    umask(callers - Mode::RWXU);
}

/// All children are created here, without our secrets in their environment.
#[expect(clippy::disallowed_methods, reason = "this is the one adapter")]
fn child(program: &OsStr) -> Command {
    let mut command = Command::new(program);
    secret_variables().for_each(|name| _ = command.env_remove(name));
    command
}

/// Runs this program with `args` on our terminal. True if it succeeded. The error is a message.
pub(crate) fn myself(args: &[&str]) -> Result<bool, String> {
    let path = std::env::current_exe().map_err(|error| error.to_string())?;
    let status = child(path.as_os_str()).args(args).status().map_err(|error| error.to_string())?;
    Ok(status.success())
}

/// Shows a manual page with the system's `man` on our terminal, and returns its exit code.
pub(crate) fn read_manual(name: &str, page: &[u8]) -> std::io::Result<u8> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join(name);
    std::fs::File::create(&path)?.write_all(page)?;
    // A path with a slash is a file, not the name of an installed page.
    let status = child(OsStr::new("man")).arg(&path).status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Returns what `command` prints on stdout within `timeout`. The error is a message. Its stdin is empty. If
/// `watched`, it shares our stderr and may ask the user, otherwise its stderr is discarded. After `timeout` or a
/// signal, the command and its children are killed.
pub fn output(
    command: &[String],
    timeout: Duration,
    watched: bool,
    signals: &Signals,
) -> Result<Vec<u8>, String> {
    let (program, args) = command.split_first().ok_or_else(|| tr!("it is empty"))?;
    let mut command = child(OsStr::new(program));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(if watched { Stdio::inherit() } else { Stdio::null() });
    let mut family = Family::spawn(command, watched).map_err(|error| cause(&error))?;
    let clock = RealClock::default();
    let deadline = Deadline::after(&clock, timeout);
    let mut stdout = family.child.stdout.take().ok_or_else(|| tr!("it has no stdout"))?;
    let (sender, receiver) = std::sync::mpsc::channel();
    let reader = std::thread::Builder::new().spawn(move || {
        let mut bytes = Vec::new();
        let read = (&mut stdout).take(64 * 1024).read_to_end(&mut bytes).map(|_| bytes);
        let _ = sender.send(read);
    });
    if let Err(error) = reader {
        family.kill();
        return Err(cause(&error));
    }
    let is_over = || signals.check().is_err() || deadline.remaining(&clock).is_zero();
    let mut read = None;
    // A child that closes its stdout may still be running.
    let ended = loop {
        if is_over() {
            break None;
        }
        match read.take() {
            None => read = receiver.recv_timeout(POLL.min(deadline.remaining(&clock))).ok(),
            Some(bytes) => match family.child.try_wait() {
                Ok(Some(status)) => break Some(Ok((status, bytes))),
                Ok(None) => {
                    read = Some(bytes);
                    clock.sleep(POLL);
                }
                Err(error) => break Some(Err(error)),
            },
        }
    };
    match ended {
        Some(Ok((status, Ok(bytes)))) if status.success() => Ok(bytes),
        Some(Ok((status, Err(error)))) if status.success() => Err(cause(&error)),
        Some(Ok((status, _))) => Err(tr!("it ended with {status}", status)),
        Some(Err(error)) => Err(cause(&error)),
        None => {
            family.kill();
            Err(tr!("it took longer than {limit} s", limit = timeout.as_secs_f64().ceil()))
        }
    }
}

/// A child that is killed together with its children.
struct Family {
    child: Child,
    /// Whether it has its own process group.
    #[cfg_attr(windows, expect(dead_code, reason = "Windows has no such groups"))]
    in_own_group: bool,
}

impl Family {
    /// Starts `command` in its own process group, except at a terminal, where only the foreground group can read.
    fn spawn(mut command: Command, watched: bool) -> std::io::Result<Self> {
        #[cfg(unix)]
        if !watched {
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
        }
        Ok(Family { child: command.spawn()?, in_own_group: !watched })
    }

    /// The child must not have been waited for, because another process could have its id by then.
    fn kill(&mut self) {
        #[cfg(unix)]
        {
            use rustix::process::{Pid, Signal, kill_process, kill_process_group};
            let leader = Pid::from_child(&self.child);
            if self.in_own_group {
                let _ = kill_process_group(leader, Signal::KILL);
            } else {
                for pid in family_of(leader.as_raw_pid()).into_iter().filter_map(Pid::from_raw) {
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
        }
        #[cfg(windows)]
        {
            let mut taskkill = child(OsStr::new("taskkill"));
            taskkill.args(["/T", "/F", "/PID", &self.child.id().to_string()]);
            let _ = taskkill.stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process `leader` and all its descendants, parents first.
#[cfg(target_os = "linux")]
fn family_of(leader: i32) -> Vec<i32> {
    let parent = |stat: &str| stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<i32>().ok();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().filter_map(|entry| {
        let entry = entry.ok()?;
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let (stat, _) = files::read(&entry.path().join("stat"), Accept::File, files::SMALL).ok()?;
        Some((pid, parent(&String::from_utf8_lossy(&stat))?))
    });
    let processes: Vec<_> = processes.collect();
    let mut family = vec![leader];
    let mut at = 0;
    while let Some(&pid) = family.get(at) {
        family.extend(processes.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| *child));
        at += 1;
    }
    family
}

/// Listing a process's children needs another program on this system.
#[cfg(all(unix, not(target_os = "linux")))]
fn family_of(leader: i32) -> Vec<i32> {
    vec![leader]
}

/// Replaces this process by `program`, with `set` added to its environment. Signals and exit codes then need no
/// forwarding. Returns only on failure.
///
/// Windows has no `exec`. There, this process stays until `program` ends, and ends with its exit code.
pub(crate) fn become_program(
    program: &OsStr,
    args: &[OsString],
    set: &[(&str, String)],
) -> std::io::Result<u8> {
    let mut command = child(&found(program));
    // It is not always known, and an outer `exec` may have set that of another profile.
    command.args(args).env_remove("ZOHO_API_DOMAIN").envs(set.iter().map(|(name, value)| (name, value)));
    exec(command)
}

#[cfg(unix)]
fn exec(mut command: Command) -> std::io::Result<u8> {
    if let Some(callers) = STRICT_UMASK.get() {
        umask(*callers);
    }
    Err(std::os::unix::process::CommandExt::exec(&mut command))
}

/// Windows cannot replace a process, so this one ends with the command's code, which may be larger than 255.
#[cfg(windows)]
#[expect(clippy::exit, reason = "a normal end has no codes above 255")]
fn exec(mut command: Command) -> std::io::Result<u8> {
    // Ctrl-C reaches all processes of the console. The command decides what it does.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::default());
    let status = command.status()?;
    std::process::exit(status.code().unwrap_or(1))
}

/// The file that a shell would run. `CreateProcess` finds only `.exe` files, so not `npm.cmd`.
#[cfg(windows)]
fn found(program: &OsStr) -> OsString {
    let env = Env::real();
    let endings = env.get("PATHEXT").unwrap_or(".COM;.EXE;.BAT;.CMD");
    let is_path = Path::new(program).components().count() > 1;
    let folders: Vec<_> = match env.get("PATH") {
        _ if is_path => vec![PathBuf::new()],
        path => std::env::split_paths(path.unwrap_or_default()).collect(),
    };
    for folder in folders {
        for ending in std::iter::once("").chain(endings.split(';')) {
            let mut file = folder.join(program).into_os_string();
            file.push(ending);
            if Path::new(&file).extension().is_some() && Path::new(&file).is_file() {
                return file;
            }
        }
    }
    program.to_owned()
}

#[cfg(unix)]
fn found(program: &OsStr) -> OsString {
    program.to_owned()
}

/// The programs in the folders of `path` whose names begin with `prefix`, sorted.
pub(crate) fn programs(path: &str, prefix: &str) -> Vec<String> {
    let folders = std::env::split_paths(path).filter_map(|folder| std::fs::read_dir(folder).ok());
    let found = folders.flatten().flatten().filter(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with(prefix) && is_program(&entry.path())
    });
    let names: BTreeSet<_> = found.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.into_iter().collect()
}

fn is_program(path: &Path) -> bool {
    #[cfg(unix)]
    let runs =
        |found: std::fs::Metadata| std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let runs = |_: std::fs::Metadata| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("exe"));
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && runs(found))
}

/// Path of this program, for settings that need an absolute path.
pub(crate) fn own_path() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/usr/local/bin/zoho-cred"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_only_closes_its_stdout_is_not_waited_for() {
        let command = ["sh", "-c", "echo said; exec sleep 600 >&-"].map(str::to_owned);
        assert!(output(&command, Duration::from_millis(200), false, &Signals::default()).is_err());
    }

    #[test]
    #[cfg(target_os = "linux")]
    #[expect(clippy::disallowed_methods, reason = "the test waits for a process")]
    fn a_command_past_its_time_ends_with_its_children() {
        for watched in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let pids = folder.path().join("pids");
            let script =
                format!("sh -c 'sleep 600 & echo $! >>{0}; wait' & echo $! >>{0}; wait", pids.display());
            let command = ["sh", "-c", &script].map(str::to_owned);
            assert!(output(&command, Duration::from_secs(1), watched, &Signals::default()).is_err());
            let pids = std::fs::read_to_string(&pids).unwrap();
            assert_eq!(pids.lines().count(), 2, "{pids}");
            let is_alive = |pid: &str| {
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
                stat.is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with('Z'))
            };
            let tries = (0..1000).take_while(|_| pids.lines().any(is_alive));
            tries.for_each(|_| std::thread::sleep(Duration::from_millis(10)));
            assert!(!pids.lines().any(is_alive), "{pids}, watched: {watched}");
        }
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
