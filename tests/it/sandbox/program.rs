//! The program `zoho-sandbox`, as a process.

use super::caller::http;
use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A running `zoho-sandbox serve`, killed on drop.
struct Serving {
    child: Child,
    line: Value,
}

impl Serving {
    fn new(flags: &[&str]) -> Serving {
        let mut child = Command::new(cargo_bin("zoho-sandbox"))
            .arg("serve")
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Serving { child, line: serde_json::from_str(&line).unwrap() }
    }

    fn text(&self, name: &str) -> &str {
        self.line[name].as_str().unwrap()
    }

    fn signal(&mut self, signal: rustix::process::Signal) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn serve_prints_one_line_and_ends_on_a_signal() {
    let mut serving = Serving::new(&["--data-center", "jp", "--token-life", "25s"]);
    assert_eq!(serving.text("url"), serving.text("api_domain"));
    assert_eq!(serving.text("redirect_uri"), "http://localhost:9437/callback");
    assert_eq!(serving.text("data_center"), "jp");
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", serving.text("client_id")),
        ("client_secret", serving.text("client_secret")),
        ("refresh_token", serving.text("refresh_token")),
    ];
    let url = format!("{}/oauth/v2/token", serving.text("url"));
    let body: Value = http().build().unwrap().post(url).form(&form).send().unwrap().json().unwrap();
    assert_eq!(body["expires_in"], 25);
    assert_eq!(serving.signal(rustix::process::Signal::TERM), Some(0));
}

#[test]
fn serve_on_a_terminal_prints_a_summary() {
    let mut serve = Command::new(cargo_bin("zoho-sandbox"));
    serve.args(["serve", "--other-dc", "eu", "--fault", "crm:html"]);
    let mut pty = rexpect::session::spawn_command(serve, Some(30_000)).unwrap();
    let shown = pty.exp_string("Stop:  Ctrl-C").unwrap();
    let row = |name: &str| {
        let line = shown.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    assert!(row("client_id").starts_with("1000.") && !shown.contains('{'), "{shown}");
    assert!(row("data center eu").starts_with("http://127.0.0.1:"));
    let url = row("Fault:").replace("/sandbox/faults", "");
    let leads = http().build().unwrap().get(format!("{url}/crm/v8/Leads")).send().unwrap();
    assert!(leads.text().unwrap().contains("We will be back soon"));
    pty.send_control('c').unwrap();
    pty.exp_eof().unwrap();
}

#[test]
fn serve_with_tls_leaves_no_file_behind() {
    let mut serving = Serving::new(&["--tls"]);
    let ca_file = PathBuf::from(serving.text("ca_file"));
    let ca = reqwest::Certificate::from_pem(&fs::read(&ca_file).unwrap()).unwrap();
    let client = http().tls_certs_only([ca]).build().unwrap();
    assert_eq!(client.get(format!("{}/oauth/serverinfo", serving.text("url"))).send().unwrap().status(), 200);
    assert_eq!(serving.signal(rustix::process::Signal::INT), Some(0));
    assert!(!ca_file.exists());
}

/// A directory with the program and a fake `zoho-cred` that records its arguments.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new(zoho_cred: &str) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        fs::copy(cargo_bin("zoho-sandbox"), folder.path().join("zoho-sandbox")).unwrap();
        let script = folder.path().join("zoho-cred");
        fs::write(&script, format!("#!/bin/sh\n{zoho_cred}\n")).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        Bench(folder)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut run = Command::new(self.0.path().join("zoho-sandbox"));
        run.arg("run").args(arguments).env("ZOHO_CLIENT_ID", "mine").env("BENCH", self.0.path());
        run.output().unwrap()
    }
}

const NOTES: &str = r#"{ echo "$@"; cat "$ZOHO_CRED_CONFIG"; } > "$BENCH/notes"; echo noise; echo noise >&2"#;

#[test]
fn run_logs_in_and_gives_the_command_its_world() {
    let bench = Bench::new(NOTES);
    let shown = r#"echo "$ZOHO_CRED_PROFILE|${ZOHO_CLIENT_ID-none}|$ZOHO_CRED_CONFIG|$ZOHO_API_DOMAIN|$ZOHO_SANDBOX_URL"
        stat -c %a "$(dirname "$ZOHO_CRED_CONFIG")" "$ZOHO_CRED_CONFIG"; exit 7"#;
    let output = bench.run(&["--profile", "books", "--", "sh", "-c", shown]);
    assert_eq!(output.status.code(), Some(7));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = stdout.lines().collect();
    let [profile, client, config, api, url] = lines[0].split('|').collect::<Vec<_>>().try_into().unwrap();
    assert_eq!((profile, client, &lines[1..]), ("books", "none", &["700", "600"][..]));
    assert!(api.starts_with("http://127.0.0.1:") && api == url);
    assert!(!Path::new(config).exists(), "the folder is gone");
    let notes = fs::read_to_string(bench.0.path().join("notes")).unwrap();
    assert!(notes.starts_with("login books --flow refresh-token --secrets file --no-verify"), "{notes}");
    assert!(notes.contains(&format!("--accounts-url {url} --client-id 1000.")));
    assert!(notes.contains("[profile.books]") && notes.contains(&format!("accounts_url = \"{url}\"")));
}

#[test]
fn run_with_tls_tells_whom_to_trust() {
    let bench = Bench::new("true");
    let output = bench.run(&["--tls", "--", "sh", "-c", r#"echo "$ZOHO_API_DOMAIN"; cat "$SSL_CERT_FILE""#]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.starts_with("https://127.0.0.1:") && stdout.contains("BEGIN CERTIFICATE"), "{stdout}");
}

#[test]
fn run_passes_on_exit_codes_as_a_shell_does() {
    let bench = Bench::new("true");
    let code = |arguments: &[&str]| bench.run(arguments).status.code();
    assert_eq!(code(&["--", "true"]), Some(0));
    assert_eq!(code(&["--", "sh", "-c", "kill -9 $$"]), Some(137));
    assert_eq!(code(&["--", "no-such-command-anywhere"]), Some(127));
    assert_eq!(code(&["--", "/etc/passwd"]), Some(126));
    assert_eq!(code(&[]), Some(2));
}

/// Sends a signal to the program, but not to its command, and returns the exit code.
fn signalled(signal: rustix::process::Signal) -> Option<i32> {
    let bench = Bench::new("true");
    // Without a terminal, as under a supervisor.
    let mut run = Command::new("setsid");
    run.arg("--wait").arg(bench.0.path().join("zoho-sandbox"));
    let script =
        "trap 'exit 9' TERM; trap 'exit 8' INT; echo $PPID $ZOHO_CRED_CONFIG; while :; do sleep 0.05; done";
    let mut child = run.args(["run", "--", "sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let (program, config) = line.trim().split_once(' ').unwrap();
    assert!(Path::new(config).exists());
    let program = rustix::process::Pid::from_raw(program.parse().unwrap()).unwrap();
    rustix::process::kill_process(program, signal).unwrap();
    let code = child.wait().unwrap().code();
    assert!(!Path::new(config).exists());
    code
}

#[test]
fn run_passes_on_signals_and_cleans_up() {
    assert_eq!(signalled(rustix::process::Signal::TERM), Some(9));
    assert_eq!(signalled(rustix::process::Signal::INT), Some(8));
}

#[test]
fn run_finds_the_program_beside_it() {
    let bench = Bench::new("echo beside");
    let output = bench.run(&["--", "zoho-cred", "get"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "beside\n");
    let mine = bench.run(&["--", "sh", "-c", "echo $PATH"]);
    let path = String::from_utf8_lossy(&mine.stdout).trim().to_owned();
    assert!(path.ends_with(&format!(":{}", bench.0.path().display())), "others go before it: {path}");
}

#[test]
fn run_says_why_the_login_failed() {
    let bench = Bench::new("echo 'zoho-cred: error[usage]: no such flow' >&2; exit 2");
    let output = bench.run(&["--", "echo", "reached"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no such flow"));
}
