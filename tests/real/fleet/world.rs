//! A redis-server per test, and machines that share it. A machine is a state directory with its own processes.

use crate::harness::{Outcome, PROGRAM, Running, Test, have, until};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A redis-server on a free loopback port; killed on drop.
pub struct Redis {
    child: Child,
    pub dir: TempDir,
    pub port: u16,
    args: Vec<String>,
}

impl Redis {
    pub fn start(args: &[&str]) -> Self {
        let (dir, port) = (tempfile::tempdir().unwrap(), crate::harness::free_port());
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        let child = spawn(&dir, port, &args);
        Redis { child, dir, port, args }
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Ends it as an administrator does.
    pub fn stop(&mut self) {
        Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same port, with the data that is in its directory: none, unless an argument says so.
    pub fn start_again(&mut self) {
        self.child = spawn(&self.dir, self.port, &self.args);
    }

    pub fn connection(&self) -> redis::Connection {
        redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap().get_connection().unwrap()
    }

    /// Runs one command with these raw arguments.
    pub fn ask<T: redis::FromRedisValue>(&self, args: &[&[u8]]) -> T {
        let mut command = redis::Cmd::new();
        args.iter().for_each(|arg| {
            command.arg(*arg);
        });
        command.query(&mut self.connection()).unwrap()
    }

    /// Creates the user of docs/fleet.md, `fleet` with the password PASSWORD.
    pub fn admit(&self) {
        let docs = include_str!("../../../docs/fleet.md");
        let line = docs.lines().find(|line| line.starts_with("ACL SETUSER fleet")).unwrap();
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let _: String = self.ask(&words);
    }

    pub fn key(&self, part: &str) -> String {
        let mut keys: Vec<String> = self.ask(&[b"KEYS", format!("*:{part}*").as_bytes()]);
        assert_eq!(keys.len(), 1, "{keys:?}");
        keys.remove(0)
    }

    pub fn keys(&self) -> Vec<String> {
        self.ask(&[b"KEYS", b"*"])
    }

    /// The number of connections since the start.
    pub fn connections(&self) -> u64 {
        self.stat("total_connections_received")
    }

    /// The number of calls of a command.
    pub fn calls(&self, command: &str) -> u64 {
        let text: String = self.ask(&[b"INFO", b"commandstats"]);
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
    }

    pub fn stat(&self, name: &str) -> u64 {
        let text: String = self.ask(&[b"INFO", b"stats"]);
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}:"))).unwrap();
        line.trim().parse().unwrap()
    }
}

fn spawn(dir: &TempDir, port: u16, args: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.arg("--dir").arg(dir.path()).args(args).stdout(Stdio::null());
    let child = command.spawn().unwrap();
    until("redis-server to answer", || {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let mut answer = [0; 1];
        stream.write_all(b"PING\r\n").is_ok() && stream.read_exact(&mut answer).is_ok()
    });
    child
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A command on a machine without a shared store.
pub fn machine(test: &Test, number: usize, args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(args).env_clear().envs(test.vars()).stdin(Stdio::null());
    command.env("ZOHO_CRED_STATE_DIR", test.dir.path().join(format!("machine{number}")));
    command
}

/// Asserts that nothing in an output drives a terminal or the log of a CI job.
pub fn is_harmless(outcome: &Outcome) {
    let said = outcome.stdout.clone() + &outcome.stderr;
    let harmless = |c: char| !c.is_control() || c == '\n';
    assert!(said.chars().all(harmless) && !said.contains(['\u{202e}', '\u{2028}']), "{outcome:?}");
    assert!(!said.contains("##"), "{outcome:?}");
    assert!(!said.lines().any(|line| line.trim_start().starts_with("::")), "{outcome:?}");
    assert!(outcome.code != 70 && outcome.code < 128, "{outcome:?}");
}

/// A sandbox and a Redis, and any number of machines.
pub struct RedisStore {
    pub test: Test,
    pub redis: Redis,
    pub key: String,
    pub url: String,
}

impl RedisStore {
    /// Prints a message and returns `None` if redis-server is not installed.
    pub fn new() -> Option<Self> {
        RedisStore::with(&[])
    }

    pub fn with(extra: &[&str]) -> Option<Self> {
        if !have("redis-server") {
            return None;
        }
        let redis = Redis::start(extra);
        let test = Test::new();
        let key = test.run("keygen").ok().to_owned();
        let url = format!("redis://127.0.0.1:{}/0", redis.port);
        Some(RedisStore { test, redis, key, url })
    }

    pub fn command(&self, machine: usize, args: &[&str]) -> Command {
        let mut command = self::machine(&self.test, machine, args);
        command.env("ZOHO_CRED_STORE", &self.url).env("ZOHO_CRED_STORE_KEY", &self.key);
        command
    }

    pub fn start(&self, machine: usize, args: &[&str]) -> Running {
        self.test.start(self.command(machine, args))
    }

    pub fn run(&self, machine: usize, args: &[&str]) -> Outcome {
        self.start(machine, args).wait()
    }

    pub fn get(&self, machine: usize) -> Outcome {
        self.run(machine, &["get"])
    }

    /// Rejects `token` on `machine`.
    pub fn reject(&self, machine: usize, token: &str) -> Outcome {
        let mut command = self.command(machine, &["reject"]);
        command.stdin(std::fs::File::open(self.test.file("rejected", token)).unwrap());
        self.test.start(command).wait()
    }

    /// Makes a machine's cached token `seconds` older.
    pub fn age(&self, machine: usize, seconds: i64) {
        let state = self.test.dir.path().join(format!("machine{machine}"));
        for room in ["credentials", "profiles"] {
            for path in crate::harness::files_below(&state.join(room)) {
                let Ok(mut json) =
                    serde_json::from_slice::<serde_json::Value>(&std::fs::read(&path).unwrap())
                else {
                    continue;
                };
                if json["token"].is_object() {
                    for key in ["obtained_at_ms", "expires_at_ms"] {
                        json["token"][key] = (json["token"][key].as_i64().unwrap() - seconds * 1000).into();
                    }
                    std::fs::write(&path, json.to_string()).unwrap();
                }
            }
        }
    }

    /// Deletes the state of a machine, as if it were a new pod.
    pub fn wipe(&self, machine: usize) {
        let _ = std::fs::remove_dir_all(self.test.dir.path().join(format!("machine{machine}")));
    }

    pub fn requests(&self) -> usize {
        self.test.sandbox.token_requests()
    }
}
