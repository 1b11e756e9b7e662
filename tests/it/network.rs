//! Failures before a byte of a request is sent: silent name servers, connections that never stand, and callers whose own
//! surroundings are broken. They end within `--timeout`, cost no budget, and disturb no other caller.

use crate::harness::web::tunnel;
use crate::harness::{Outcome, Running, Test, one_token, or_skipped, random, read_json, until};
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
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
fn mounted(command: &Command, files: &[(PathBuf, String)]) -> Command {
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
    let mut probe = Command::new("true");
    probe.env("PATH", std::env::var("PATH").unwrap());
    let output = mounted(&probe, &[("/etc/hosts".into(), "/etc/hosts".into())]).output();
    or_skipped(output.is_ok_and(|output| output.status.success()), "no mount namespace can be made")
}

/// A sandbox that is reached by name over TLS.
fn named() -> Test {
    let test = trusting(Some(Certificate::Valid));
    test.file("hosts", &format!("127.0.0.1 localhost {HOST}\n"));
    test.file("nsswitch.conf", "hosts: files dns\n");
    let url = format!("https://{HOST}:{}", port_of(&test));
    test.var("ZOHO_ACCOUNTS_URL", &url)
}

/// A sandbox whose certificate authority is trusted.
fn trusting(tls: Option<Certificate>) -> Test {
    let test = Test::with(Options { tls, ..Options::default() });
    let ca = test.file("ca.pem", test.sandbox.ca_pem().unwrap_or_default());
    if tls.is_some() { test.var("SSL_CERT_FILE", ca.to_str().unwrap()) } else { test }
}

fn port_of(test: &Test) -> u16 {
    url::Url::parse(test.sandbox.url()).unwrap().port().unwrap()
}

/// Starts a call that resolves [`HOST`] from its own hosts file.
fn start_resolved(test: &Test, command: &Command) -> Running {
    let files = ["hosts", "nsswitch.conf"].map(|name| (test.dir.path().join(name), format!("/etc/{name}")));
    test.start(mounted(command, &files))
}

fn get_by_name(test: &Test, args: &str) -> Outcome {
    start_resolved(test, &test.command(["get", args].join(" ").as_str())).wait()
}

/// The failure in the ledger that every caller would be told.
fn shared_failure(test: &Test) -> serde_json::Value {
    read_json(&test.state_file("ledgers"))["failure"].take()
}

/// Two name servers that never answer.
struct SilentDns([UdpSocket; 2]);

impl SilentDns {
    fn new() -> Self {
        SilentDns([1, 2].map(|last| {
            loop {
                // Port 53 is the only one that resolv.conf can name, so each test has its own loopback addresses.
                let address = Ipv4Addr::new(127, 53 + random(100) as u8, random(256) as u8, last);
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
        let files = [
            ("resolv.conf", servers.map(|ip| format!("nameserver {ip}\n")).concat()),
            ("hosts", "127.0.0.1 localhost\n".to_owned()),
            ("nsswitch.conf", "hosts: files dns\n".to_owned()),
        ];
        let files =
            files.map(|(name, text)| (test.file(&format!("silent-{name}"), &text), format!("/etc/{name}")));
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

/// Asserts that `get` with silent name servers ends within its `--timeout` of so many seconds, without a request.
#[track_caller]
fn end_in_time(name: &str, calls: impl IntoIterator<Item = (u64, Test)>) -> Vec<Test> {
    let calls = calls.into_iter().map(|(seconds, test)| {
        let dns = SilentDns::new();
        let call = dns.start(&test, &test.command(&*format!("get --timeout {seconds}s")));
        (seconds, test, dns, call)
    });
    let ended = calls.collect::<Vec<_>>().into_iter().map(|(seconds, test, dns, call)| {
        // The process has ended, so no resolver thread kept it alive either.
        call.wait().failed(69, "unavailable").within(Duration::from_secs(seconds) + MARGIN);
        assert!(dns.queries(name) > 0, "{seconds} s: no name server was asked");
        assert!(test.sandbox.log().is_empty());
        test
    });
    ended.collect()
}

/// Both took 20 s.
#[test]
fn silent_name_servers_keep_no_call_beyond_its_timeout() {
    if !can_mount() {
        return;
    }
    for test in end_in_time(HOST, [2, 6].map(|seconds| (seconds, named()))) {
        for lock in std::fs::read_dir(test.state().join("locks")).unwrap() {
            let lock = File::open(lock.unwrap().path()).unwrap();
            flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
        }
        assert_eq!(test.counted(), 0);
        get_by_name(&test, "--refresh").ok();
        assert_eq!((test.sandbox.token_requests(), test.counted()), (1, 1));
    }
}

/// The name of a shared store was looked up without a limit: every call took 20 s.
#[test]
fn silent_name_servers_of_a_shared_store_keep_no_call_beyond_its_timeout() {
    if !can_mount() {
        return;
    }
    let key = Test::new().run("keygen").ok().to_owned();
    end_in_time(
        "store.zoho-cred.test",
        [("redis", 1), ("redis", 3), ("rediss", 1), ("rediss", 3)].map(|(scheme, seconds)| {
            let store = format!("{scheme}://store.zoho-cred.test:6379/0");
            (seconds, Test::new().var("ZOHO_CRED_STORE", &store).var("ZOHO_CRED_STORE_KEY", &key))
        }),
    );
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
    thread::spawn(move || tunnel(&caller, &server));
}

/// A sandbox behind a gate.
fn gated(silence: Silence) -> (Test, Gate) {
    let (tls, scheme) = match silence {
        Silence::Tcp => (None, "http"),
        Silence::Tls => (Some(Certificate::Valid), "https"),
    };
    let test = trusting(tls);
    let gate = Gate::to(port_of(&test));
    let url = format!("{scheme}://127.0.0.1:{}", gate.port());
    (test.var("ZOHO_ACCOUNTS_URL", &url), gate)
}

/// After nine calls with a short `--timeout` the budget was used up, although the server had received nothing. An attempt
/// ahead of expiry has 5 s in total; each one was counted.
#[track_caller]
fn use_no_budget(silence: Silence) {
    let (test, mut gate) = gated(silence);
    gate.fall_silent(silence);
    for timeout in ["4s", "2s"] {
        test.run(["get", "--timeout", timeout]).failed_with(69, "unavailable", "could not connect");
        assert_eq!(test.counted(), 0);
    }
    assert!(test.sandbox.log().is_empty());
    gate.reopen();
    let old = test.token();
    assert_eq!((test.sandbox.token_requests(), test.counted()), (1, 1));

    test.age_token(3400);
    gate.fall_silent(silence);
    assert_eq!(test.get().ok(), old);
    let mut pause = serde_json::Value::Null;
    test.edit_state("ledgers", |json| pause = json["early_failed"].take());
    assert!(!pause.is_null(), "nothing was tried");
    assert_eq!(test.counted(), 1);
    gate.reopen();
    assert_ne!(test.get().ok(), old);
    assert_eq!((test.sandbox.token_requests(), test.counted()), (2, 2));
}

#[test]
fn requests_that_tcp_never_carries_use_no_budget() {
    use_no_budget(Silence::Tcp);
}

#[test]
fn requests_that_tls_never_carries_use_no_budget() {
    use_no_budget(Silence::Tls);
}

/// A caller that trusts another authority, one whose proxy is dead, and one that would go without its proxy.
fn broken_callers(test: &Test) -> [(Command, i32, &'static str); 3] {
    let (other, _) = test.self_signed("other.example");
    let with = |name: &str, value: &str| test.call("get").env(name, value).command();
    [
        (with("SSL_CERT_FILE", &other), 69, "an authority that is not trusted"),
        (with("HTTPS_PROXY", "http://127.0.0.1:1"), 69, "the proxy did not connect"),
        // Regression: it was 69, although waiting does not help.
        (with("HTTPS_PROXY", "ftp://proxy.example"), 78, "HTTPS_PROXY is not the address of a proxy"),
    ]
}

#[track_caller]
fn fails_alone(test: &Test, command: &Command, code: i32, problem: &str) -> Outcome {
    let outcome = start_resolved(test, command).wait();
    outcome.failed_with(code, if code == 78 { "config" } else { "unavailable" }, problem);
    assert_eq!((shared_failure(test), test.counted()), (serde_json::Value::Null, 0));
    outcome
}

/// A broken caller's failure was remembered for everybody: 35 healthy calls got no token in 126 s.
#[test]
fn a_caller_with_a_broken_authority_or_proxy_fails_alone() {
    if !can_mount() {
        return;
    }
    let test = named();
    let broken = broken_callers(&test);
    for (command, code, problem) in broken.iter().chain(&broken) {
        fails_alone(&test, command, *code, problem);
    }
    let broken = (0..5).flat_map(|_| &broken);
    let broken: Vec<_> =
        broken.map(|(command, _, problem)| (start_resolved(&test, command), problem)).collect();
    let healthy: Vec<_> = (0..10).map(|_| start_resolved(&test, &test.command("get"))).collect();
    one_token(&healthy.into_iter().map(Running::wait).collect::<Vec<_>>());
    for (call, problem) in broken {
        // A broken caller that came later found the token in the cache.
        let outcome = call.wait();
        assert!(outcome.code == 0 || outcome.stderr.contains(problem), "{outcome:?}");
    }
    assert_eq!((test.sandbox.token_requests(), test.counted()), (1, 1));
}

#[test]
fn a_caller_with_a_silent_proxy_fails_alone() {
    if !can_mount() {
        return;
    }
    let test = named();
    // It accepts connections in its backlog, and answers none.
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy_url = format!("http://{}", proxy.local_addr().unwrap());
    let command = test.call("get --timeout 3s").env("HTTPS_PROXY", proxy_url).command();
    fails_alone(&test, &command, 69, "the proxy did not connect").within(Duration::from_secs(3) + MARGIN);
    get_by_name(&test, "").ok();
    assert_eq!((test.sandbox.token_requests(), test.counted()), (1, 1));
}

/// For every number of descriptors between too few to start and enough.
#[test]
fn a_caller_without_descriptors_fails_alone() {
    let test = trusting(Some(Certificate::Valid));
    test.sandbox.set_limits(|limits| limits.budget = 100).unwrap();
    let (mut failed_to_connect, mut succeeded) = (0, 0);
    for descriptors in 4..20 {
        let before = test.sandbox.token_requests();
        let outcome = test.shell("ulimit -n $1; exec $0 get", &[&descriptors.to_string()]).run();
        let sent = test.sandbox.token_requests() - before;
        match outcome.code {
            0 => succeeded += 1,
            code => {
                assert!([1, 69, 74, 75].contains(&code), "{descriptors}: {outcome:?}");
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
