//! CI runners without Redis: the shared store is an object in S3, here moto's server.

use crate::harness::{Outcome, PROGRAM, Running, Test, free_port, one_token, until};
use crate::world::venv;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// One request at a time, so that its conditional writes are atomic.
const SERVER: &str = "import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple('127.0.0.1', int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False)";
/// `boto3` puts an object, or reads one, or makes the bucket.
const CLIENT: &str = "import boto3, sys
s3 = boto3.client('s3', endpoint_url=sys.argv[1])
name = dict(Bucket='fleet-bucket')
if sys.argv[2] == 'bucket': s3.create_bucket(**name)
keys = [o['Key'] for o in s3.list_objects_v2(**name).get('Contents', [])]
if sys.argv[2] == 'show': print(''.join(s3.get_object(Key=k, **name)['Body'].read().decode() for k in keys))
if sys.argv[2] == 'put': [s3.put_object(Key=k, Body=sys.argv[3].encode(), **name) for k in keys]";

/// Runners that share a bucket.
struct Bucket {
    test: Test,
    server: Child,
    python: PathBuf,
    url: String,
    key: String,
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Bucket {
    fn new() -> Option<Self> {
        let (python, port, test) = (venv("moto", &["moto[s3,server]==5.*"])?, free_port(), Test::new());
        let mut server = Command::new(&python);
        server.args(["-c", SERVER, &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let server = server.spawn().unwrap();
        until("moto to answer", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        let key = test.run(["keygen"]).ok().to_owned();
        let bucket = Bucket { test, server, python, url: format!("http://127.0.0.1:{port}"), key };
        bucket.client(&["bucket"]);
        Some(bucket)
    }

    fn client(&self, args: &[&str]) -> String {
        let mut command = Command::new(&self.python);
        command.args(["-c", CLIENT, &self.url]).args(args).env("AWS_DEFAULT_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "id").env("AWS_SECRET_ACCESS_KEY", "secret");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn start(&self, machine: usize, args: &[&str]) -> Running {
        let mut command = Command::new(PROGRAM);
        let state = self.test.dir.path().join(format!("machine{machine}"));
        command.args(args).env_clear().envs(self.test.vars()).stdin(Stdio::null());
        command.env("ZOHO_CRED_STATE_DIR", state);
        command.env("ZOHO_CRED_STORE", "s3://fleet-bucket/ci").env("ZOHO_CRED_STORE_KEY", &self.key);
        command.env("AWS_ENDPOINT_URL", &self.url).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "id").env("AWS_SECRET_ACCESS_KEY", "secret");
        self.test.start(command)
    }

    fn get(&self, machine: usize) -> Outcome {
        self.start(machine, &["get", "--timeout", "120s"]).wait()
    }

    fn requests(&self) -> usize {
        self.test.sandbox.token_requests()
    }
}

#[test]
fn fourteen_runners_cost_one_request() {
    let Some(bucket) = Bucket::new() else { return };
    bucket.test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(2)).unwrap();
    let running: Vec<_> =
        (0..14).map(|machine| bucket.start(machine, &["get", "--timeout", "120s"])).collect();
    let outcomes: Vec<_> = running.into_iter().map(Running::wait).collect();
    one_token(&outcomes);
    assert_eq!(bucket.requests(), 1);
    let (stored, token) = (bucket.client(&["show"]), outcomes[0].ok());
    assert!(stored.contains("sealed"), "{stored}");
    for secret in
        [token, &bucket.key, bucket.test.sandbox.refresh_token(), bucket.test.sandbox.client_secret()]
    {
        assert!(!stored.contains(secret), "{stored}");
    }
}

#[test]
fn a_killed_holder_costs_the_lease_and_one_request() {
    let Some(bucket) = Bucket::new() else { return };
    bucket.test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(8)).unwrap();
    let holder = bucket.start(0, &["get"]);
    until("the request to arrive", || bucket.requests() == 1);
    holder.signal("KILL");
    bucket.test.sandbox.set_limits(|limits| limits.latency = Duration::ZERO).unwrap();
    let token = bucket.get(1).ok().to_owned();
    assert_eq!(bucket.get(2).ok(), token);
    assert_eq!(bucket.requests(), 2);
    holder.wait();
}

#[test]
fn a_store_that_is_gone_or_another_is_an_error_without_a_request() {
    let Some(mut bucket) = Bucket::new() else { return };
    bucket.get(0).ok();
    bucket.client(&["put", "not a record"]);
    // Unreadable state counts as all requests but two, so one refresh heals it.
    bucket.get(1).ok();
    assert_eq!(bucket.requests(), 2);
    bucket.key = bucket.test.run(["keygen"]).ok().to_owned();
    bucket.get(2).failed(78, "config");
    bucket.server.kill().unwrap();
    bucket.server.wait().unwrap();
    bucket.start(3, &["get", "--timeout", "2s"]).wait().failed(69, "unavailable");
    assert_eq!(bucket.requests(), 2);
}
