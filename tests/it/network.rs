//! Failures before a byte of a request is sent: silent name servers, connections that never stand, and callers whose own
//! surroundings are broken. They end within `--timeout`, cost no budget, and disturb no other caller.

use crate::harness::{Outcome, PROGRAM, Running, Test, one_token, until};
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use zoho_cred::sandbox::{Certificate, Options};

/// A host name that the sandbox's certificate is for.
const HOST: &str = "accounts.zoho.com";
/// Bind-mounts pairs of files until `--`, then runs the rest.
const WITH_MOUNTS: &str =
    r#"while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 99; shift 2; done; shift; exec "$@""#;
/// What a call may take beyond its `--timeout`: 1 s, and what a loaded machine needs to start its processes.
const MARGIN: Duration = Duration::from_secs(3);

/// `command` with other files in the place of some in `/etc`, in a mount namespace of its own.
fn mounted(command: &Command, files: &[(&Path, &str)]) -> Command {
    let mut inside = Command::new("unshare");
    inside.args(["--mount", "sh", "-c", WITH_MOUNTS, "sh"]);
    for (file, place) in files {
        inside.arg(file).arg(place);
    }
    inside.arg("--").arg(command.get_program()).args(command.get_args()).stdin(Stdio::null()).env_clear();
    inside.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    inside
}

/// Whether a mount namespace can be made. Otherwise prints that the test is skipped, or fails if `CI=true`.
fn can_mount() -> bool {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hosts");
    std::fs::write(&file, "").unwrap();
    let mut probe = Command::new("true");
    probe.env("PATH", std::env::var("PATH").unwrap());
    let output = mounted(&probe, &[(&file, "/etc/hosts")]).output();
    let can = output.is_ok_and(|output| output.status.success());
    if !can {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no mount namespace can be made");
        eprintln!("SKIPPED: no mount namespace can be made (are the tests run as root?)");
    }
    can
}

/// A sandbox that is reached by name over TLS, and its certificate authority.
fn named() -> Test {
    let test = Test::with(Options { tls: Some(Certificate::Valid), ..Options::default() });
    test.file("ca.pem", test.sandbox.ca_pem().unwrap());
    test.file("hosts", &format!("127.0.0.1 localhost {HOST}\n"));
    test.file("nsswitch.conf", "hosts: files dns\n");
    let url = format!("https://{HOST}:{}", port_of(&test));
    test.var("ZOHO_ACCOUNTS_URL", &url)
}

fn port_of(test: &Test) -> u16 {
    url::Url::parse(test.sandbox.url()).unwrap().port().unwrap()
}

fn path(test: &Test, name: &str) -> String {
    test.dir.path().join(name).display().to_string()
}

/// Starts a call that resolves [`HOST`] from its own hosts file.
fn start_resolved(test: &Test, command: &Command) -> Running {
    let (hosts, switch) = (path(test, "hosts"), path(test, "nsswitch.conf"));
    let files = [(Path::new(&hosts), "/etc/hosts"), (Path::new(&switch), "/etc/nsswitch.conf")];
    test.start(mounted(command, &files))
}

fn get_by_name(test: &Test, args: &[&str]) -> Outcome {
    let ca = path(test, "ca.pem");
    start_resolved(test, &test.call(["get", "--ca-file", &ca]).args(args).command()).wait()
}

/// The number of requests in the ledger.
#[track_caller]
fn counted(test: &Test) -> usize {
    let mut count = 0;
    test.edit_state("ledgers", |json| count = json["requests"].as_array().unwrap().len());
    count
}

/// The failure in the ledger that every caller would be told.
fn shared_failure(test: &Test) -> serde_json::Value {
    let mut failure = serde_json::Value::Null;
    test.edit_state("ledgers", |json| failure = json["failure"].clone());
    failure
}

/// Two name servers that never answer.
struct SilentDns([UdpSocket; 2]);

impl SilentDns {
    fn new() -> Self {
        SilentDns([1, 2].map(|last| {
            loop {
                let mut random = [0; 2];
                getrandom::fill(&mut random).unwrap();
                // Port 53 is the only one that resolv.conf can name, so each test has its own loopback addresses.
                let address = Ipv4Addr::new(127, 53 + random[0] % 100, random[1], last);
                match UdpSocket::bind((address, 53)) {
                    Ok(socket) => break socket,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::AddrInUse, "{error}"),
                }
            }
        }))
    }

    /// Starts `command` with these name servers and glibc's defaults: 5 s a query, each server twice.
    fn start(&self, test: &Test, command: &Command) -> Running {
        let servers = self.0.each_ref().map(|socket| socket.local_addr().unwrap().ip());
        let resolv = test.file("resolv.conf", &servers.map(|ip| format!("nameserver {ip}\n")).concat());
        let hosts = test.file("no-hosts", "127.0.0.1 localhost\n");
        let switch = test.file("nsswitch.conf", "hosts: files dns\n");
        let files =
            [(&*resolv, "/etc/resolv.conf"), (&*hosts, "/etc/hosts"), (&*switch, "/etc/nsswitch.conf")];
        test.start(mounted(command, &files))
    }

    /// The number of queries for `name` so far.
    fn queries(&self, name: &str) -> usize {
        let label = name.split('.').next().unwrap();
        let mut count = 0;
        for socket in &self.0 {
            socket.set_nonblocking(true).unwrap();
            let mut query = [0; 512];
            while let Ok((length, _)) = socket.recv_from(&mut query) {
                count += usize::from(query[..length].windows(label.len()).any(|at| at == label.as_bytes()));
            }
        }
        count
    }
}

/// `2s`, `3s` and `10s` all took 20 s.
#[test]
fn silent_name_servers_keep_no_call_beyond_its_timeout() {
    if !can_mount() {
        return;
    }
    let calls = [2, 3, 10].map(|seconds| {
        let (test, dns) = (named(), SilentDns::new());
        let timeout = format!("{seconds}s");
        let ca = path(&test, "ca.pem");
        let call = dns.start(&test, &test.command(["get", "--timeout", &timeout, "--ca-file", &ca]));
        (seconds, test, dns, call)
    });
    for (seconds, test, dns, call) in calls {
        // The process has ended, so no resolver thread kept it alive either.
        let outcome = call.wait();
        outcome.failed(69, "unavailable");
        assert!(outcome.took < Duration::from_secs(seconds) + MARGIN, "{seconds} s: {outcome:?}");
        assert!(dns.queries(HOST) > 0, "{seconds} s: no name server was asked");
        for lock in std::fs::read_dir(test.state().join("locks")).unwrap() {
            let lock = File::open(lock.unwrap().path()).unwrap();
            flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
        }
        assert_eq!(counted(&test), 0, "{seconds} s");
        assert!(test.sandbox.log().is_empty());
        get_by_name(&test, &["--refresh"]).ok();
        assert_eq!((test.sandbox.token_requests(), counted(&test)), (1, 1));
    }
}

/// The name of a shared store was looked up without a limit: every call took 20 s.
#[test]
fn silent_name_servers_of_a_shared_store_keep_no_call_beyond_its_timeout() {
    if !can_mount() {
        return;
    }
    let key = Test::new().run("keygen").ok().to_owned();
    let calls = ["redis", "rediss"].into_iter().flat_map(|scheme| [1, 3].map(|seconds| (scheme, seconds)));
    let calls: Vec<_> = calls
        .map(|(scheme, seconds)| {
            let (test, dns) = (Test::new(), SilentDns::new());
            let test = test
                .var("ZOHO_CRED_STORE", &format!("{scheme}://store.zoho-cred.test:6379/0"))
                .var("ZOHO_CRED_STORE_KEY", &key);
            let timeout = format!("{seconds}s");
            let call = dns.start(&test, &test.command(["get", "--timeout", &timeout]));
            (seconds, test, dns, call)
        })
        .collect();
    for (seconds, test, dns, call) in calls {
        let outcome = call.wait();
        outcome.failed(69, "unavailable");
        assert!(outcome.took < Duration::from_secs(seconds) + MARGIN, "{seconds} s: {outcome:?}");
        assert!(dns.queries("store.zoho-cred.test") > 0, "{seconds} s: no name server was asked");
        assert!(test.sandbox.log().is_empty(), "an unguarded request");
    }
}

/// How a [`Gate`] is silent.
#[derive(Clone, Copy)]
enum Silence {
    /// TCP connections are not accepted: the backlog is full.
    Tcp,
    /// TCP connections stand, but nobody answers the TLS handshake.
    Tls,
}

/// A port in front of the sandbox that can fall silent.
struct Gate {
    listener: Arc<TcpListener>,
    open: Arc<AtomicBool>,
    backlog: Vec<TcpStream>,
}

impl Gate {
    fn to(port: u16) -> Self {
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        listener.set_nonblocking(true).unwrap();
        let open = Arc::new(AtomicBool::new(true));
        let (doorway, is_open) = (Arc::clone(&listener), Arc::clone(&open));
        thread::spawn(move || {
            // The listener ends with the test's process.
            loop {
                match is_open.load(Ordering::SeqCst).then(|| doorway.accept()) {
                    Some(Ok((caller, _))) => forward(caller, port),
                    _ => thread::sleep(Duration::from_millis(2)),
                }
            }
        });
        Gate { listener, open, backlog: Vec::new() }
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    fn fall_silent(&mut self, silence: Silence) {
        self.open.store(false, Ordering::SeqCst);
        if matches!(silence, Silence::Tcp) {
            rustix::net::listen(&*self.listener, 0).unwrap();
            let address = self.listener.local_addr().unwrap();
            while let Ok(filler) = TcpStream::connect_timeout(&address, Duration::from_millis(500)) {
                self.backlog.push(filler);
            }
        }
    }

    fn reopen(&mut self) {
        self.backlog.clear();
        rustix::net::listen(&*self.listener, 128).unwrap();
        self.open.store(true, Ordering::SeqCst);
        let address = self.listener.local_addr().unwrap();
        until("the gate to be open", || TcpStream::connect_timeout(&address, MARGIN).is_ok());
    }
}

fn forward(caller: TcpStream, port: u16) {
    caller.set_nonblocking(false).unwrap();
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { return };
    let ends = [(caller.try_clone(), server.try_clone()), (Ok(server), Ok(caller))];
    for (from, to) in ends {
        let (mut from, mut to) = (from.unwrap(), to.unwrap());
        thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(std::net::Shutdown::Write);
        });
    }
}

/// A sandbox behind a gate.
fn gated(silence: Silence) -> (Test, Gate) {
    let (tls, scheme) = match silence {
        Silence::Tcp => (None, "http"),
        Silence::Tls => (Some(Certificate::Valid), "https"),
    };
    let test = Test::with(Options { tls, ..Options::default() });
    let ca = test.sandbox.ca_pem().map(|pem| test.file("ca.pem", pem).display().to_string());
    let gate = Gate::to(port_of(&test));
    let mut test = test.var("ZOHO_ACCOUNTS_URL", &format!("{scheme}://127.0.0.1:{}", gate.port()));
    if let Some(ca) = ca {
        test.set("SSL_CERT_FILE", &ca);
    }
    (test, gate)
}

/// After nine calls with a short `--timeout` the budget was used up, although the server had received nothing.
#[track_caller]
fn nine_requests_that_are_never_sent(silence: Silence) {
    let (test, mut gate) = gated(silence);
    gate.fall_silent(silence);
    for timeout in ["4s", "2s", "2s", "2s", "2s", "2s", "2s", "2s", "4s"] {
        let outcome = test.run(["get", "--timeout", timeout]);
        outcome.failed_with(69, "unavailable", "could not connect");
        assert_eq!(counted(&test), 0, "{outcome:?}");
    }
    assert!(test.sandbox.log().is_empty());
    gate.reopen();
    test.get().ok();
    assert_eq!((test.sandbox.token_requests(), counted(&test)), (1, 1));
}

#[test]
fn nine_requests_that_tcp_never_carries_use_no_budget() {
    nine_requests_that_are_never_sent(Silence::Tcp);
}

#[test]
fn nine_requests_that_tls_never_carries_use_no_budget() {
    nine_requests_that_are_never_sent(Silence::Tls);
}

/// An attempt ahead of expiry has 5 s in total; each one was counted.
#[track_caller]
fn early_requests_that_are_never_sent(silence: Silence) {
    let (test, mut gate) = gated(silence);
    let old = test.token();
    test.age_token(3400);
    let the_pause_is_over = || test.edit_state("ledgers", |json| json["early_failed"] = None::<()>.into());
    gate.fall_silent(silence);
    for _ in 0..2 {
        assert_eq!(test.get().ok(), old);
        let mut failed = false;
        test.edit_state("ledgers", |json| failed = !json["early_failed"].is_null());
        assert!(failed, "nothing was tried");
        assert_eq!(counted(&test), 1);
        the_pause_is_over();
    }
    gate.reopen();
    assert_ne!(test.get().ok(), old);
    assert_eq!((test.sandbox.token_requests(), counted(&test)), (2, 2));
}

#[test]
fn early_requests_that_tcp_never_carries_use_no_budget() {
    early_requests_that_are_never_sent(Silence::Tcp);
}

#[test]
fn early_requests_that_tls_never_carries_use_no_budget() {
    early_requests_that_are_never_sent(Silence::Tls);
}

/// A caller that trusts another authority, one whose proxy is dead, and one that would go without its proxy.
fn broken_callers(test: &Test) -> Vec<(Command, (i32, &'static str), &'static str)> {
    let (other, _) = test.self_signed("other.example");
    let ca = path(test, "ca.pem");
    let mut proxied = test.command(["get", "--ca-file", &ca]);
    proxied.env("HTTPS_PROXY", "http://127.0.0.1:1");
    let distrustful = test.command(["get", "--ca-file", &other]);
    let mut misconfigured = test.command(["get", "--ca-file", &ca]);
    misconfigured.env("HTTPS_PROXY", "ftp://proxy.example");
    vec![
        (distrustful, (69, "unavailable"), "an authority that is not trusted"),
        (proxied, (69, "unavailable"), "the proxy did not connect"),
        // Regression: it was 69, although waiting does not help.
        (misconfigured, (78, "config"), "HTTPS_PROXY is not the address of a proxy"),
    ]
}

/// A broken caller's failure was remembered for everybody: 35 healthy calls got no token in 126 s.
#[test]
fn a_caller_with_a_broken_authority_or_proxy_fails_alone() {
    if !can_mount() {
        return;
    }
    let test = named();
    for (command, (code, word), problem) in broken_callers(&test) {
        for _ in 0..3 {
            start_resolved(&test, &command).wait().failed_with(code, word, problem);
            assert!(shared_failure(&test).is_null(), "{:?}", shared_failure(&test));
            assert_eq!(counted(&test), 0);
        }
    }
    let ca = path(&test, "ca.pem");
    let broken = broken_callers(&test);
    let broken: Vec<_> = (0..5)
        .flat_map(|_| &broken)
        .map(|(command, _, problem)| (start_resolved(&test, command), problem))
        .collect();
    let healthy: Vec<_> =
        (0..10).map(|_| start_resolved(&test, &test.command(["get", "--ca-file", &ca]))).collect();
    one_token(&healthy.into_iter().map(Running::wait).collect::<Vec<_>>());
    for (call, problem) in broken {
        // A broken caller that came later found the token in the cache.
        let outcome = call.wait();
        assert!(outcome.code == 0 || outcome.stderr.contains(problem), "{outcome:?}");
    }
    assert_eq!((test.sandbox.token_requests(), counted(&test)), (1, 1));
}

#[test]
fn a_caller_with_a_silent_proxy_fails_alone() {
    if !can_mount() {
        return;
    }
    let test = named();
    let ca = path(&test, "ca.pem");
    // It accepts connections in its backlog, and answers none.
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = test.command(["get", "--timeout", "3s", "--ca-file", &ca]);
    command.env("HTTPS_PROXY", format!("http://{}", proxy.local_addr().unwrap()));
    let outcome = start_resolved(&test, &command).wait();
    outcome.failed(69, "unavailable").within(Duration::from_secs(3) + MARGIN);
    outcome.says("the proxy did not connect");
    assert!(shared_failure(&test).is_null(), "{:?}", shared_failure(&test));
    assert_eq!(counted(&test), 0);
    get_by_name(&test, &[]).ok();
    assert_eq!((test.sandbox.token_requests(), counted(&test)), (1, 1));
}

/// For every number of descriptors between too few to start and enough.
#[test]
fn a_caller_without_descriptors_fails_alone() {
    let test = Test::with(Options { tls: Some(Certificate::Valid), ..Options::default() });
    let ca = test.file("ca.pem", test.sandbox.ca_pem().unwrap()).display().to_string();
    let test = test.var("SSL_CERT_FILE", &ca).var("CALL", PROGRAM);
    test.sandbox.set_limits(|limits| limits.budget = 100).unwrap();
    let (mut failed_to_connect, mut succeeded) = (0, 0);
    for descriptors in 4..20 {
        let command = limited(&test.command(""), descriptors);
        let before = test.sandbox.token_requests();
        let outcome = test.start(command).wait();
        let sent = test.sandbox.token_requests() - before;
        match outcome.code {
            0 => succeeded += 1,
            _ => {
                assert!(outcome.stderr.contains("error["), "{descriptors}: {outcome:?}");
                assert_eq!(sent, 0, "{descriptors}: {outcome:?}");
                failed_to_connect += usize::from(outcome.stderr.contains("could not connect"));
            }
        }
        test.get().ok();
        assert_eq!(test.sandbox.token_requests(), before + 1, "{descriptors}: {outcome:?}");
        std::fs::remove_dir_all(test.state()).unwrap();
    }
    assert!(failed_to_connect > 0 && succeeded > 0, "{failed_to_connect} and {succeeded}");
}

/// `get` with at most this many descriptors.
fn limited(command: &Command, descriptors: u32) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -n {descriptors}; exec \"$CALL\" get")]).stdin(Stdio::null());
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}
