//! CI runners without Redis: the shared store is an object in S3, here moto's server.

use super::world::{is_harmless, machine};
use crate::harness::{Outcome, Running, Test, free_port, have, one_token, until};
use crate::world::{packages, python};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// One request at a time, so that its conditional writes are atomic. A file says what goes wrong, and how often: a status
/// instead of a write, a write whose answer is `lost` or `slow`, or a `clock` that is an hour ahead.
const SERVER: &str = r#"import sys, time
from email.utils import formatdate
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, run_simple
moto = DomainDispatcherApplication(create_backend_app)
def fault():
    try: return open(sys.argv[2]).read().split()
    except OSError: return '', 0
class Handler(WSGIRequestHandler):
    def date_time_string(self, timestamp=None):
        return formatdate(time.time() + (3600 if fault()[0] == 'clock' else 0), usegmt=True)
def app(environ, start):
    kind, left = fault()
    if kind == 'clock': return moto(environ, start)
    if int(left) < 1 or environ['REQUEST_METHOD'] != 'PUT': return moto(environ, start)
    with open(sys.argv[2], 'w') as file: file.write(f'{kind} {int(left) - 1}')
    if kind == 'slow': time.sleep(2)
    if kind == 'slow': return moto(environ, start)
    if kind == 'lost': list(moto(environ, lambda *_: None))
    start(f'{503 if kind == "lost" else kind} Fault', [('Content-Type', 'text/xml')])
    return [b'<Error><Code>x\n::error::owned\x1b[2J</Code></Error>']
run_simple('127.0.0.1', int(sys.argv[1]), app, threaded=False, request_handler=Handler)"#;
/// `boto3` puts an object, or reads one, or makes the bucket.
const CLIENT: &str = "import boto3, sys
s3 = boto3.client('s3', endpoint_url=sys.argv[1])
name = dict(Bucket='fleet-bucket')
if sys.argv[2] == 'bucket': s3.create_bucket(**name)
keys = [o['Key'] for o in s3.list_objects_v2(**name).get('Contents', [])]
if sys.argv[2] == 'show': print(''.join(s3.get_object(Key=k, **name)['Body'].read().decode() for k in keys))
if sys.argv[2] == 'put': [s3.put_object(Key=k, Body=sys.argv[3].encode(), **name) for k in keys]";

/// Makes the container with Python alone, and an account of our own whose key is `key`.
const AZURE_CLIENT: &str = r#"import base64, hashlib, hmac, sys, urllib.request
from email.utils import formatdate
date, place = formatdate(usegmt=True), '/runner/fleet-bucket'
head = f'x-ms-date:{date}\nx-ms-version:2021-08-06\n'
text = 'PUT' + '\n' * 12 + head + '/runner' + place + '\nrestype:container'
mac = hmac.new(b'key', text.encode(), hashlib.sha256).digest()
headers = dict(line.split(':', 1) for line in head.splitlines())
headers['Authorization'] = 'SharedKey runner:' + base64.b64encode(mac).decode()
urllib.request.urlopen(urllib.request.Request(sys.argv[1] + place + '?restype=container', method='PUT', headers=headers))"#;
const AZURE_KEY: &str = "a2V5";

/// Runners that share a bucket.
struct Bucket {
    test: Test,
    server: Child,
    python: PathBuf,
    url: String,
    key: String,
    is_azure: bool,
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Bucket {
    fn new() -> Option<Self> {
        let (python, port, test) = (python("moto")?, free_port(), Test::new());
        let mut server = Command::new(&python);
        server.args(["-c", SERVER, &port.to_string()]).arg(test.dir.path().join("fault"));
        server.stdout(Stdio::null()).stderr(Stdio::null());
        let server = server.spawn().unwrap();
        until("moto to answer", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        let key = test.run("keygen").ok().to_owned();
        let url = format!("http://127.0.0.1:{port}");
        let bucket = Bucket { test, server, python, url, key, is_azure: false };
        bucket.client(&["bucket"]);
        Some(bucket)
    }

    /// In Azurite.
    fn azure() -> Option<Self> {
        let (main, port, test) = (azurite()?, free_port(), Test::new());
        let mut server = Command::new("node");
        server.arg(main).args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string(), "--silent"]);
        server.args(["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]);
        server.env("AZURITE_ACCOUNTS", format!("runner:{AZURE_KEY}")).stdout(Stdio::null());
        let server = server.stderr(Stdio::null()).spawn().unwrap();
        let (key, url) = (test.run("keygen").ok().to_owned(), format!("http://127.0.0.1:{port}"));
        let bucket = Bucket { test, server, python: "python3".into(), url, key, is_azure: true };
        until("Azurite to answer", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        let made = Command::new("python3").args(["-c", AZURE_CLIENT, &bucket.url]).status().unwrap();
        assert!(made.success());
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
        self.test.start(self.command(machine, args))
    }

    fn command(&self, number: usize, args: &[&str]) -> Command {
        let mut command = machine(&self.test, number, args);
        let (scheme, cloud) = if self.is_azure {
            let endpoint = format!("{}/runner", self.url);
            let (name, key) = ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY");
            let key = [(name, "runner".into()), (key, AZURE_KEY.into())];
            ("az", [&key[..], &[("AZURE_STORAGE_ENDPOINT", endpoint)]].concat())
        } else {
            let key = [("AWS_ACCESS_KEY_ID", "id".into()), ("AWS_SECRET_ACCESS_KEY", "secret".into())];
            let place = [("AWS_ENDPOINT_URL", self.url.clone()), ("AWS_REGION", "us-east-1".into())];
            ("s3", [key, place].concat())
        };
        command.env("ZOHO_CRED_STORE", format!("{scheme}://fleet-bucket/ci")).envs(cloud);
        command.env("ZOHO_CRED_STORE_KEY", &self.key);
        command
    }

    fn get(&self, machine: usize) -> Outcome {
        self.start(machine, &["get", "--timeout", "120s"]).wait()
    }

    /// From now on this goes wrong so many times.
    fn fault(&self, kind: &str, times: u32) {
        std::fs::write(self.test.dir.path().join("fault"), format!("{kind} {times}")).unwrap();
    }

    fn requests(&self) -> usize {
        self.test.sandbox.token_requests()
    }
}

/// The server of the npm package.
fn azurite() -> Option<PathBuf> {
    let installed = have("npm") && have("python3");
    Some(installed.then(|| packages("azurite"))??.join("node_modules/azurite/dist/src/blob/main.js"))
}

#[test]
fn fourteen_runners_cost_one_request() {
    let Some(bucket) = Bucket::new() else { return };
    let token = fourteen_runners(&bucket);
    let stored = bucket.client(&["show"]);
    assert!(stored.contains("sealed"), "{stored}");
    for secret in
        [&token, &bucket.key, bucket.test.sandbox.refresh_token(), bucket.test.sandbox.client_secret()]
    {
        assert!(!stored.contains(secret), "{stored}");
    }
}

#[test]
fn fourteen_runners_cost_one_request_in_azure() {
    let Some(bucket) = Bucket::azure() else { return };
    fourteen_runners(&bucket);
}

fn fourteen_runners(bucket: &Bucket) -> String {
    bucket.test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(2)).unwrap();
    let running: Vec<_> =
        (0..14).map(|machine| bucket.start(machine, &["get", "--timeout", "120s"])).collect();
    let outcomes: Vec<_> = running.into_iter().map(Running::wait).collect();
    one_token(&outcomes);
    assert_eq!(bucket.requests(), 1);
    outcomes[0].ok().to_owned()
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
    bucket.key = bucket.test.run("keygen").ok().to_owned();
    bucket.get(2).failed(78, "config");
    bucket.server.kill().unwrap();
    bucket.server.wait().unwrap();
    bucket.start(3, &["get", "--timeout", "2s"]).wait().failed(69, "unavailable");
    assert_eq!(bucket.requests(), 2);
}

#[test]
fn a_bucket_that_fails_for_a_while_costs_no_second_request() {
    let Some(bucket) = Bucket::new() else { return };
    for (nth, (kind, times)) in
        [("503", 3), ("409", 2), ("412", 2), ("lost", 1), ("slow", 1), ("500", 1)].into_iter().enumerate()
    {
        bucket.fault(kind, times);
        bucket.start(nth, &["get", "--refresh", "--timeout", "60s"]).wait().ok();
        assert_eq!(bucket.requests(), nth + 1, "{kind}");
    }
    for (kind, words) in [("503", "did not serve"), ("clock", "clock")] {
        bucket.fault(kind, 1000);
        let outcome = bucket.start(9, &["-vv", "get", "--refresh", "--timeout", "3s"]).wait();
        outcome.failed(69, "unavailable");
        outcome.says(words);
        is_harmless(&outcome);
        assert_eq!(bucket.requests(), 6, "{kind}");
    }
}

#[test]
fn an_object_that_was_changed_gives_no_token() {
    let Some(bucket) = Bucket::new() else { return };
    let first = bucket.get(0).ok().to_owned();
    let old = bucket.client(&["show"]);
    let mut reject = bucket.command(0, &["reject"]);
    reject.stdin(std::fs::File::open(bucket.test.file("rejected", &first)).unwrap());
    bucket.test.start(reject).wait().ok();
    // Replayed: who dropped the token does not take it up again.
    bucket.client(&["put", &old]);
    let second = bucket.get(0).ok().to_owned();
    assert!(second != first && bucket.requests() == 2);
    let object: serde_json::Value = serde_json::from_str(&bucket.client(&["show"])).unwrap();
    let id = object["tokens"].as_object().unwrap().keys().next().unwrap().clone();
    let evil = "x\n::error::owned\u{1b}[2J\u{9b}31m";
    for (field, value) in [
        ("/tokens/ID/sealed", "AAAA".to_owned()),
        ("/tokens/ID/sealed", object["tokens"][&id]["sealed"].as_str().unwrap().replacen("A", "B", 3)),
        ("/rev", evil.to_owned()),
        ("/json", format!("{{\"version\":1,\"failure\":\"{evil}\"}}")),
        ("/tokens/ID/tomb", evil.to_owned()),
        ("/tokens/ID/mark", evil.to_owned()),
    ] {
        let mut changed = object.clone();
        *changed.pointer_mut(&field.replace("ID", &id)).unwrap() = value.into();
        bucket.client(&["put", &changed.to_string()]);
        for args in [&["-vv", "get", "--timeout", "20s"][..], &["-vv", "doctor"], &["status"]] {
            let outcome = bucket.start(1, args).wait();
            is_harmless(&outcome);
            assert!(!outcome.stdout.contains(&first), "{field}: {outcome:?}");
        }
    }
}
