//! Test harness, included by each test binary: a sandbox, temporary directories, and `zoho-cred` as a child process.

pub mod call;
pub mod consent;
pub mod person;
pub mod web;

use call::{Args, Call};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use zoho_cred::sandbox::{ClientKind, Endpoint, Fault, FaultKind, Options, Server};

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
    /// Whether it closed its stdin before everything was written.
    unread: bool,
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
        let vars = [
            ("HOME", test.dir.path().display().to_string()),
            ("ZOHO_CRED_STATE_DIR", test.state().display().to_string()),
            ("ZOHO_CLIENT_ID", test.sandbox.client_id().to_owned()),
            ("ZOHO_CLIENT_SECRET", test.sandbox.client_secret().to_owned()),
            ("ZOHO_REFRESH_TOKEN", test.sandbox.refresh_token().to_owned()),
            ("ZOHO_ACCOUNTS_URL", test.sandbox.url().to_owned()),
            ("PATH", std::env::var("PATH").unwrap_or_default()),
        ];
        vars.into_iter().fold(test, |test, (name, value)| test.var(name, &value))
    }

    /// Replaces the environment credentials by a profile `crm` in a config file, with secrets in files.
    pub fn with_profile(self) -> Self {
        let test = self.without_environment();
        test.log_in("crm", test.sandbox.refresh_token()).wait().ok();
        test
    }

    /// Starts a login with a refresh token from a file, which sends no request.
    pub fn log_in(&self, profile: &str, refresh_token: &str) -> Running {
        let login = self.login(profile, ClientKind::Any).args("--flow refresh-token --no-verify");
        login.file("--refresh-token-file", refresh_token).start()
    }

    /// A login as this client, with secrets in files. It lacks the flow.
    pub fn login(&self, profile: &str, client: ClientKind) -> Call<'_> {
        let client = self.sandbox.client(client);
        let login =
            self.call("login --secrets file").arg(profile).arg("--accounts-url").arg(self.sandbox.url());
        let login = login.arg("--client-id").arg(&client.client_id);
        login.file("--client-secret-file", &client.client_secrets["us"])
    }

    /// A login as the Self Client, with a new code, which makes a refresh token.
    pub fn self_client_login(&self, profile: &str) -> Call<'_> {
        let code = self.sandbox.self_client_code(&["ZohoCRM.modules.ALL"], Duration::from_secs(180));
        self.login(profile, ClientKind::SelfClient).args("--flow self-client --code-file -").stdin(code)
    }

    /// The client secret and the refresh token.
    pub fn canaries(&self) -> [&str; 2] {
        [self.sandbox.client_secret(), self.sandbox.refresh_token()]
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

    /// Environment credentials of the Self Client for client credentials with these scopes.
    pub fn with_client_credentials(self, scopes: &str) -> Self {
        let client = self.sandbox.client(ClientKind::SelfClient).clone();
        let soid = self.sandbox.soid().to_owned();
        self.unset("ZOHO_REFRESH_TOKEN")
            .var("ZOHO_CLIENT_ID", &client.client_id)
            .var("ZOHO_CLIENT_SECRET", &client.client_secrets["us"])
            .var("ZOHO_GRANT", "client_credentials")
            .var("ZOHO_SOID", &soid)
            .var("ZOHO_SCOPES", scopes)
    }

    /// Adds lines at the end of the config.
    pub fn configure(&self, lines: &str) {
        self.write_config(&format!("{}{lines}\n", self.read_config()));
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

    pub fn executable(&self, name: &str, script: &str) -> PathBuf {
        let path = self.file(name, script);
        set_mode(&path, 0o755);
        path
    }

    /// Creates a self-signed certificate for `host` and returns the paths of certificate and key.
    pub fn self_signed(&self, host: &str) -> (String, String) {
        let made = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
        let certificate = self.file(&format!("{host}.pem"), &made.cert.pem());
        let key = self.file(&format!("{host}.key"), &made.signing_key.serialize_pem());
        (certificate.display().to_string(), key.display().to_string())
    }

    /// A call of `zoho-cred` with these arguments.
    pub fn call(&self, args: impl Args) -> Call<'_> {
        Call::new(self, &self.program).args(args)
    }

    pub fn command(&self, args: impl Args) -> Command {
        self.call(args).command()
    }

    /// A bash script with these arguments. Its `$0` is the program.
    pub fn shell(&self, script: &str, args: &[&str]) -> Call<'_> {
        Call::new(self, ["bash", "-c", script, PROGRAM]).args(args)
    }

    pub fn run(&self, args: impl Args) -> Outcome {
        self.call(args).run()
    }

    pub fn run_with_stdin(&self, args: impl Args, stdin: impl AsRef<[u8]>) -> Outcome {
        self.call(args).stdin(stdin).run()
    }

    /// Starts a call and waits until its token request has arrived.
    pub fn start_request(&self, args: impl Args) -> Running {
        let before = self.sandbox.token_requests();
        let running = self.call(args).start();
        until("the request", || self.sandbox.token_requests() > before);
        running
    }

    pub fn start(&self, mut command: Command) -> Running {
        let outputs = self.dir.path().join("outputs");
        std::fs::create_dir_all(&outputs).unwrap();
        let name = format!("{:x}", random(u64::MAX));
        let (out, err) = (outputs.join(format!("{name}.out")), outputs.join(format!("{name}.err")));
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        let begun = Instant::now();
        Running { child: command.spawn().unwrap(), unread: false, out, err, begun }
    }

    /// Runs `count` callers at once.
    pub fn run_many(&self, count: usize, args: impl Args) -> Vec<Outcome> {
        let running: Vec<_> = (0..count).map(|_| self.call(&args).start()).collect();
        running.into_iter().map(Running::wait).collect()
    }

    pub fn get(&self) -> Outcome {
        self.run("get")
    }

    /// The token that `get` prints.
    #[track_caller]
    pub fn token(&self) -> String {
        self.get().ok().to_owned()
    }

    /// The token of a forced refresh.
    #[track_caller]
    pub fn refresh(&self) -> String {
        self.run("get --refresh").ok().to_owned()
    }

    /// Makes this many token requests.
    pub fn spend(&self, requests: usize) {
        for _ in 0..requests {
            self.refresh();
        }
    }

    /// What a report prints with `-o json`.
    #[track_caller]
    pub fn json(&self, args: &str) -> serde_json::Value {
        self.call(args).args("-o json").run().json()
    }

    #[track_caller]
    pub fn reject(&self, token: &str) -> Outcome {
        self.run_with_stdin("reject", token)
    }

    pub fn fault(&self, kind: FaultKind) {
        self.sandbox.set_fault(Fault::new(Endpoint::Token, kind));
    }

    /// All files in the state directory, recursively.
    pub fn state_files(&self) -> Vec<PathBuf> {
        files_below(&self.state())
    }

    /// The files with secrets, and the records of logins.
    pub fn secrets(&self) -> Vec<PathBuf> {
        files_below(&self.state().join("secrets"))
    }

    /// The file of a login whose name starts with this: `profile-`, `refresh-token-` or `client-secret-`.
    #[track_caller]
    pub fn secret(&self, begin: &str) -> PathBuf {
        let is_it = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(begin);
        self.secrets().into_iter().find(is_it).unwrap()
    }

    /// The number of requests in the ledger.
    #[track_caller]
    pub fn counted(&self) -> usize {
        let ledger: serde_json::Value = read_json(&self.state_file("ledgers"));
        ledger["requests"].as_array().unwrap().len()
    }

    /// The number of refresh tokens that Zoho still accepts.
    pub fn valid_grants(&self) -> usize {
        self.sandbox.counts().grants.iter().filter(|grant| grant.alive).count()
    }

    /// The only file in a subdirectory of the state directory.
    pub fn state_file(&self, room: &str) -> PathBuf {
        let mut files = files_below(&self.state().join(room));
        files.retain(|file| file.extension().is_some_and(|end| end == "json"));
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0)
    }

    /// Modifies the JSON of a state file.
    pub fn edit_state(&self, room: &str, edit: impl FnOnce(&mut serde_json::Value)) {
        let path = self.state_file(room);
        let mut json = read_json(&path);
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

    /// Its stderr so far.
    pub fn stderr(&self) -> String {
        std::fs::read_to_string(&self.err).unwrap()
    }

    /// The first complete line on its stderr that starts with this text, ignoring leading spaces.
    #[track_caller]
    pub fn said(&self, begin: &str) -> String {
        let look = || {
            let said = self.stderr();
            let mut whole = said.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(str::trim);
            whole.find(|line| line.starts_with(begin)).map(str::to_owned)
        };
        wait_for(PATIENCE, look, || format!("{begin}\nuntil now it said: {}", self.stderr()))
    }

    /// Presses a button on the consent page whose URL it says, and returns the redirect URL.
    #[track_caller]
    pub fn consent(&self, button: &str) -> String {
        consent::press(button, &self.said("http"))
    }

    pub fn stdin(&mut self) -> std::process::ChildStdin {
        self.child.stdin.take().unwrap()
    }

    pub fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Writes all of its stdin.
    pub fn type_in(&mut self, text: &str) {
        self.stdin().write_all(text.as_bytes()).unwrap();
    }

    /// Kills it and waits for its end.
    pub fn kill(self) {
        self.signal("KILL");
        self.wait();
    }

    /// Ends it with SIGTERM.
    #[track_caller]
    pub fn terminate(self) -> Outcome {
        self.signal("TERM");
        let outcome = self.wait();
        outcome.exits(143);
        outcome
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub fn wait(mut self) -> Outcome {
        use std::os::unix::process::ExitStatusExt;
        let status = self.child.wait().unwrap();
        assert!(!self.unread || !status.success(), "it succeeded without its whole stdin");
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

    /// The object in its error message as JSON.
    #[track_caller]
    pub fn error(&self) -> serde_json::Value {
        let error: serde_json::Value =
            serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        error["error"].clone()
    }

    /// Asserts the status of a check of `doctor -o json`, and that its message or fix contains these words.
    #[track_caller]
    pub fn found(&self, name: &str, expected: &str, words: &str) {
        let (status, said) = self.finding(name);
        assert!(status == expected && said.contains(words), "{name}: {status}: {said}");
    }

    #[track_caller]
    pub fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Asserts success and returns stdout without its last line break.
    #[track_caller]
    pub fn ok(&self) -> &str {
        self.exits(0).stdout.trim_end()
    }

    /// Asserts that its stderr contains these words.
    #[track_caller]
    pub fn says(&self, words: &str) -> &Self {
        assert!(self.stderr.contains(words), "no '{words}' on stderr: {self:?}");
        self
    }

    /// Asserts that its stderr is empty.
    #[track_caller]
    pub fn says_nothing(&self) -> &Self {
        assert_eq!(self.stderr, "", "{self:?}");
        self
    }

    /// Asserts that its stdout contains these words.
    #[track_caller]
    pub fn prints(&self, words: &str) -> &Self {
        assert!(self.stdout.contains(words), "no '{words}' on stdout: {self:?}");
        self
    }

    /// Asserts that neither stream contains one of these texts.
    #[track_caller]
    pub fn hides(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(!self.stdout.contains(text) && !self.stderr.contains(text), "{text} in {self:?}");
        }
        self
    }

    /// Everything that it wrote.
    pub fn both(&self) -> String {
        self.stdout.clone() + &self.stderr
    }

    /// Asserts success with a warning that contains these words.
    #[track_caller]
    pub fn warned(&self, words: &str) -> &str {
        self.says("warning").says(words).ok()
    }

    /// Asserts failure with this exit code and error code, and an empty stdout.
    #[track_caller]
    pub fn failed(&self, code: i32, word: &str) -> &Self {
        self.exits(code).says(&format!("error[{word}]"));
        assert_eq!(self.stdout, "", "{self:?}");
        self
    }

    /// Like [`Outcome::failed`], and asserts that its stderr contains these words.
    #[track_caller]
    pub fn failed_with(&self, code: i32, word: &str, words: &str) -> &Self {
        self.failed(code, word).says(words)
    }

    /// Asserts that it took less than this.
    #[track_caller]
    pub fn within(&self, time: Duration) -> &Self {
        assert!(self.took < time, "{self:?}");
        self
    }
}

/// A token endpoint that answers with this status, and without a body.
pub fn http_status(status: u16) -> FaultKind {
    FaultKind::Status { status, body: None, retry_after_s: None }
}

/// A token endpoint that answers with this status and body.
pub fn http_answer(status: u16, body: impl ToString) -> FaultKind {
    FaultKind::Status { status, body: Some(body.to_string()), retry_after_s: None }
}

/// A token endpoint that answers 200 and this error.
pub fn oauth_error(word: &str) -> FaultKind {
    FaultKind::Error { error: word.to_owned(), status: 200 }
}

pub fn read_json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
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

/// How long a test waits for a condition.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until a condition holds.
#[track_caller]
pub fn until(what: &str, condition: impl FnMut() -> bool) {
    until_within(PATIENCE, what, condition);
}

#[track_caller]
pub fn until_within(patience: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(patience, || condition().then_some(()), || what.to_owned());
}

/// Waits for a value. `what` describes it, and is called when the time is over.
#[track_caller]
fn wait_for<T>(patience: Duration, mut look: impl FnMut() -> Option<T>, what: impl Fn() -> String) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "still waiting for: {}", what());
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

pub fn set_mode(path: impl AsRef<Path>, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Creates a folder with this mode, whatever the umask.
pub fn folder(path: PathBuf, mode: u32) -> PathBuf {
    std::fs::create_dir_all(&path).unwrap();
    set_mode(&path, mode);
    path
}

pub fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Whether a program is installed. Otherwise the test prints that it is skipped, or fails if `CI=true`.
pub fn have(program: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()));
    or_skipped(found, &format!("{program} is missing"))
}

/// If it is not so, prints that the test is skipped for this reason, or fails if `CI=true`.
pub fn or_skipped(is_so: bool, reason: &str) -> bool {
    assert!(is_so || std::env::var("CI").as_deref() != Ok("true"), "{reason}");
    if !is_so {
        eprintln!("SKIPPED: {reason}");
    }
    is_so
}

/// Whether the test runs as root. Otherwise it prints that it is skipped, or fails if `CI=true`.
pub fn root() -> bool {
    or_skipped(rustix::process::geteuid().is_root(), "not root")
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
