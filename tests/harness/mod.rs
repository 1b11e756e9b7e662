//! Test harness, included by each test binary: a sandbox, temporary directories, and `zoho-cred` as a child process.

pub mod consent;
pub mod person;
pub mod web;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use zoho_cred::sandbox::{Endpoint, Fault, FaultKind, Options, Server};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_zoho-cred");

/// The environment of one test. It starts with environment credentials for a new sandbox.
pub struct Test {
    pub dir: TempDir,
    pub sandbox: Server,
    vars: Vec<(String, String)>,
    /// The program, after the one that runs it, if any.
    pub program: Vec<PathBuf>,
}

/// The result of a call.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

/// A running call.
pub struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
    begun: Instant,
}

impl Test {
    pub fn new() -> Self {
        Test::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sandbox = Server::start(options).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let test = Test { dir, sandbox, vars: Vec::new(), program: vec![PROGRAM.into()] };
        let (id, secret) = (test.sandbox.client_id().to_owned(), test.sandbox.client_secret().to_owned());
        let (token, url) = (test.sandbox.refresh_token().to_owned(), test.sandbox.url().to_owned());
        let state = test.state().display().to_string();
        let home = test.dir.path().display().to_string();
        test.var("HOME", &home)
            .var("ZOHO_CRED_STATE_DIR", &state)
            .var("ZOHO_CLIENT_ID", &id)
            .var("ZOHO_CLIENT_SECRET", &secret)
            .var("ZOHO_REFRESH_TOKEN", &token)
            .var("ZOHO_ACCOUNTS_URL", &url)
            .var("PATH", &std::env::var("PATH").unwrap_or_default())
    }

    /// Replaces the environment credentials by a profile `crm` in a config file, with secrets in files.
    pub fn with_profile(self) -> Self {
        let test = self.without_environment();
        test.log_in("crm", test.sandbox.refresh_token()).wait().ok();
        test
    }

    /// Starts a login with a refresh token from a file, which sends no request.
    pub fn log_in(&self, profile: &str, refresh_token: &str) -> Running {
        let (id, url) = (self.sandbox.client_id(), self.sandbox.url());
        // Separate files: this login may still be reading them when the next one starts.
        let login = random(u64::MAX);
        let secret = self.file(&format!("secret-{login}"), self.sandbox.client_secret());
        let token = self.file(&format!("token-{login}"), refresh_token);
        let mut command = self.command("login --flow refresh-token --secrets file --no-verify".split(' '));
        command.args([profile, "--accounts-url", url, "--client-id", id, "--client-secret-file"]);
        command.arg(secret).arg("--refresh-token-file").arg(token);
        self.start(command)
    }

    /// The client secret and the refresh token, as a `secret_command` prints them.
    pub fn secrets_json(&self) -> String {
        let (secret, token) = (self.sandbox.client_secret(), self.sandbox.refresh_token());
        serde_json::json!({"client_secret": secret, "refresh_token": token}).to_string()
    }

    /// The config of a profile whose `secret_command` runs this shell script.
    pub fn command_profile(&self, name: &str, script: &str) -> String {
        let (id, url) = (self.sandbox.client_id(), self.sandbox.url());
        let script = self.file(&format!("{name}.sh"), script);
        let command = format!("secret_command = ['sh', '{}']", script.display());
        format!("[profile.{name}]\naccounts_url = '{url}'\nclient_id = '{id}'\n{command}\n")
    }

    pub fn without_environment(mut self) -> Self {
        self.vars.retain(|(name, _)| !name.starts_with("ZOHO_C") || name.starts_with("ZOHO_CRED"));
        self.vars.retain(|(name, _)| name != "ZOHO_REFRESH_TOKEN" && name != "ZOHO_ACCOUNTS_URL");
        self
    }

    pub fn var(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.vars.retain(|(old, _)| old != name);
        self.vars.push((name.to_owned(), value.to_owned()));
    }

    pub fn unset(mut self, name: &str) -> Self {
        self.vars.retain(|(old, _)| old != name);
        self
    }

    pub fn vars(&self) -> impl Iterator<Item = (&str, &str)> {
        self.vars.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub fn config(&self) -> PathBuf {
        self.dir.path().join(".config/zoho-cred/config.toml")
    }

    pub fn read_config(&self) -> String {
        std::fs::read_to_string(self.config()).unwrap()
    }

    pub fn write_config(&self, text: &str) {
        std::fs::create_dir_all(self.config().parent().unwrap()).unwrap();
        std::fs::write(self.config(), text).unwrap();
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Creates a self-signed certificate for `host` and returns the paths of certificate and key.
    pub fn self_signed(&self, host: &str) -> (String, String) {
        let made = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
        let certificate = self.file(&format!("{host}.pem"), &made.cert.pem());
        let key = self.file(&format!("{host}.key"), &made.signing_key.serialize_pem());
        (certificate.display().to_string(), key.display().to_string())
    }

    pub fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(&self.program[0]);
        command.args(&self.program[1..]);
        command.args(args).env_clear().envs(self.vars()).stdin(Stdio::null());
        command
    }

    /// A bash script with these arguments. Its `$0` is the program.
    pub fn shell(&self, script: &str, args: &[&str]) -> Command {
        let mut command = Command::new("bash");
        command.args(["-c", script, PROGRAM]).args(args).env_clear().envs(self.vars()).stdin(Stdio::null());
        command
    }

    pub fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Outcome {
        self.start(self.command(args)).wait()
    }

    pub fn run_with_stdin<'a>(&self, args: impl IntoIterator<Item = &'a str>, stdin: &[u8]) -> Outcome {
        let mut command = self.command(args);
        command.stdin(Stdio::piped());
        let mut running = self.start(command);
        let written = running.child.stdin.take().unwrap().write_all(stdin);
        // A program that rejects its input early closes the pipe before everything is written.
        assert!(written.is_ok() || running.child.wait().is_ok_and(|status| !status.success()));
        running.wait()
    }

    pub fn start(&self, mut command: Command) -> Running {
        let outputs = self.dir.path().join("outputs");
        std::fs::create_dir_all(&outputs).unwrap();
        let name = format!("{:x}", random(u64::MAX));
        let (out, err) = (outputs.join(format!("{name}.out")), outputs.join(format!("{name}.err")));
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        let begun = Instant::now();
        Running { child: command.spawn().unwrap(), out, err, begun }
    }

    /// Starts `count` concurrent callers.
    pub fn run_many(&self, count: usize, args: &[&str]) -> Vec<Outcome> {
        let running: Vec<_> = (0..count).map(|_| self.start(self.command(args.iter().copied()))).collect();
        running.into_iter().map(Running::wait).collect()
    }

    pub fn get(&self) -> Outcome {
        self.run(["get"])
    }

    pub fn fault(&self, kind: FaultKind) {
        self.sandbox.set_fault(Fault::new(Endpoint::Token, kind));
    }

    /// All files in the state directory, recursively.
    pub fn state_files(&self) -> Vec<PathBuf> {
        files_below(&self.state())
    }

    /// The only file in a subdirectory of the state directory.
    pub fn state_file(&self, room: &str) -> PathBuf {
        let files = files_below(&self.state().join(room));
        let mut files: Vec<_> =
            files.into_iter().filter(|f| f.extension().is_some_and(|e| e == "json")).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0)
    }

    /// Modifies the JSON of a state file.
    pub fn edit_state(&self, room: &str, edit: impl FnOnce(&mut serde_json::Value)) {
        let path = self.state_file(room);
        let mut json = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        edit(&mut json);
        std::fs::write(&path, json.to_string()).unwrap();
    }

    /// Makes the cached token `seconds` older.
    pub fn age_token(&self, seconds: i64) {
        self.edit_state("credentials", |json| {
            for key in ["obtained_at_ms", "expires_at_ms"] {
                let old = json["token"][key].as_i64().unwrap();
                json["token"][key] = (old - seconds * 1000).into();
            }
        });
    }
}

impl Running {
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    pub fn stderr_file(&self) -> PathBuf {
        self.err.clone()
    }

    pub fn stdin(&mut self) -> &mut std::process::ChildStdin {
        self.child.stdin.as_mut().unwrap()
    }

    /// Takes its stdin, so that it stays open while waiting.
    pub fn keep_stdin(&mut self) -> std::process::ChildStdin {
        self.child.stdin.take().unwrap()
    }

    pub fn close_stdin(&mut self) {
        drop(self.child.stdin.take());
    }

    pub fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Its exit code, or `None` if a signal killed it.
    pub fn exit_code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    pub fn wait(mut self) -> Outcome {
        use std::os::unix::process::ExitStatusExt;
        let status = self.child.wait().unwrap();
        let read = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        Outcome {
            code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap()),
            stdout: read(&self.out),
            stderr: read(&self.err),
            took: self.begun.elapsed(),
        }
    }
}

impl Outcome {
    /// Its stdout as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// See [`finding`].
    #[track_caller]
    pub fn finding(&self, name: &str) -> (String, String) {
        finding(&self.stdout, name)
    }

    /// Asserts success with an empty stderr and returns the printed token.
    #[track_caller]
    pub fn ok(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout.trim_end()
    }

    /// Asserts success with a warning that contains these words.
    #[track_caller]
    pub fn warned(&self, words: &str) -> &str {
        assert!(self.stderr.contains("warning") && self.stderr.contains(words), "{self:?}");
        self.ok()
    }

    /// Asserts failure with this exit code and error code, and an empty stdout.
    #[track_caller]
    pub fn failed(&self, code: i32, word: &str) {
        self.failed_with(code, word, "");
    }

    /// Like [`Outcome::failed`], and asserts that its stderr contains these words.
    #[track_caller]
    pub fn failed_with(&self, code: i32, word: &str, words: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        assert!(self.stderr.contains(&format!("error[{word}]")), "{self:?}");
        assert!(self.stderr.contains(words), "no '{words}': {self:?}");
    }
}

/// Asserts that these are keys of a JSON text in this order, as the contract has them.
#[track_caller]
pub fn in_order(json: &str, keys: &[&str]) {
    let found: Vec<_> = keys.iter().map(|key| json.find(&format!("\"{key}\":"))).collect();
    assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{json}");
}

/// The status of a check in the output of `doctor -o json`, and its message and fix in one string.
#[track_caller]
pub fn finding(report: &str, name: &str) -> (String, String) {
    let report: serde_json::Value = serde_json::from_str(report).unwrap();
    let mut checks = report["checks"].as_array().unwrap().iter();
    let check = checks.find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}: {report}"));
    let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("message") + " | " + &text("fix"))
}

/// Asserts that all tokens are equal and returns the token.
#[track_caller]
pub fn one_token(outcomes: &[Outcome]) -> String {
    let first = outcomes[0].ok().to_owned();
    for outcome in outcomes {
        assert_eq!(outcome.ok(), first);
    }
    first
}

/// Waits until a condition holds.
#[track_caller]
pub fn until(what: &str, condition: impl FnMut() -> bool) {
    until_within(Duration::from_secs(30), what, condition);
}

#[track_caller]
pub fn until_within(patience: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !condition() {
        assert!(Instant::now() < deadline, "still waiting for: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The first complete line on a call's stderr that starts with this text, ignoring leading spaces.
#[track_caller]
pub fn said(running: &Running, begin: &str) -> String {
    let mut found = None;
    until(begin, || {
        let said = std::fs::read_to_string(running.stderr_file()).unwrap();
        let mut whole = said.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(str::trim);
        found = whole.find(|line| line.starts_with(begin)).map(str::to_owned);
        found.is_some()
    });
    found.unwrap()
}

pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() && !path.is_symlink() {
            true => found.extend(files_below(&path)),
            false => found.push(path),
        }
    }
    found
}

/// Whether a program is installed. Otherwise the test prints that it is skipped, or fails if `CI=true`.
pub fn have(program: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()));
    if !found {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{program} is missing");
        eprintln!("SKIPPED: {program} is missing");
    }
    found
}

/// Whether the test runs as root. Otherwise it prints that it is skipped, or fails if `CI=true`.
pub fn root() -> bool {
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if !root {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "this test needs root under CI");
        eprintln!("SKIPPED: not root");
    }
    root
}

/// A tmpfs, unmounted on drop.
pub struct Tmpfs(PathBuf);

impl Tmpfs {
    /// `None` if the test may not mount.
    pub fn mount(at: &Path, options: &str) -> Option<Self> {
        if !root() || !have("mount") {
            return None;
        }
        std::fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        assert!(mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).status().unwrap().success());
        Some(Tmpfs(at.to_owned()))
    }

    pub fn remount(&self, options: &str) {
        let mut mount = Command::new("mount");
        assert!(mount.args(["-o", &format!("remount,{options}")]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Shifts the clock of `command` by `offset` (`+1h`, `-1d`). Without libfaketime, prints that and returns false.
/// Loads the library directly: the `faketime` program fails if a killed process had the same PID.
pub fn move_clock(command: &mut Command, offset: &str) -> bool {
    if !have("faketime") {
        return false;
    }
    let folders = std::fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let mut candidates = folders.map(|folder| folder.join("faketime/libfaketime.so.1"));
    let library = candidates.find(|path| path.is_file()).expect("libfaketime.so.1 is below /usr/lib");
    command.env("LD_PRELOAD", library).env("FAKETIME", offset);
    true
}

/// A free port to be bound later. It is below the system's ephemeral port range, so no other test's connection can take
/// it in the meantime.
pub fn free_port() -> u16 {
    loop {
        let port = 12_000 + random(20_000) as u16;
        let taken = |host| {
            let bound = std::net::TcpListener::bind((host, port));
            bound.is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
        };
        if !taken("127.0.0.1") && !taken("::1") {
            return port;
        }
    }
}

/// A random number below `end`.
pub fn random(end: u64) -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    u64::from_ne_bytes(bytes) % end
}
