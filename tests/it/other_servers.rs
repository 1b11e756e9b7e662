//! Raw answers that the sandbox cannot give, and the results that callers see.

use crate::harness::Test;
use crate::harness::web::{read_request, serve};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An accounts server.
struct Other {
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Other {
    fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Other::new(move |_| (bytes.clone(), false))
    }

    /// Answers the nth request with these bytes, then closes the connection, or keeps it open.
    fn new(answer: impl Fn(usize) -> (Vec<u8>, bool) + Send + Sync + 'static) -> Self {
        let asked = Arc::<AtomicUsize>::default();
        let counter = Arc::clone(&asked);
        let address = serve(move |mut connection| {
            if read_request(&connection).is_none() {
                return;
            }
            let (bytes, stays_open) = answer(counter.fetch_add(1, Ordering::SeqCst));
            // In some tests, the caller closes the connection early.
            let _ = connection.write_all(&bytes);
            if !stays_open {
                let _ = connection.shutdown(Shutdown::Write);
            }
            let _ = connection.read_to_end(&mut Vec::new());
        });
        Other { url: format!("http://{address}"), asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn test(&self) -> Test {
        Test::new().var("ZOHO_ACCOUNTS_URL", &self.url)
    }
}

fn http(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes()
}

fn retry_after(test: &Test) -> u64 {
    let outcome = test.run("get --error-format json");
    let error = outcome.error();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (75, ""), "{outcome:?}");
    error["retry_after_s"].as_u64().unwrap()
}

#[test]
fn a_429_is_a_throttle_although_its_body_is_cut_or_endless() {
    let head = "HTTP/1.1 429 X\r\nretry-after: 120\r\n";
    for bytes in [
        format!("{head}content-length: 4000\r\n\r\n{{"),
        format!("{head}transfer-encoding: chunked\r\n\r\n5\r\n{{\"a\""),
        format!("{head}content-length: 200000\r\n\r\n{}", " ".repeat(200_000)),
    ] {
        let server = Other::answering(bytes);
        let test = server.test();
        assert!((31..=120).contains(&retry_after(&test)));
        test.get().failed(75, "rate_limited");
        assert_eq!(server.asked(), 1);
    }
}

#[test]
fn a_retry_after_may_be_a_date_of_the_servers_clock() {
    let dates = "date: Tue, 14 Nov 2023 22:13:20 GMT\r\nretry-after: Tue, 14 Nov 2023 22:15:00 GMT\r\n";
    let server = Other::answering(http(429, dates, ""));
    assert!((31..=100).contains(&retry_after(&server.test())));
}

#[test]
fn a_hang_behind_the_headers_is_only_the_callers_own_time_out() {
    let server = Other::new(|nth| match nth {
        0 => (b"HTTP/1.1 200 X\r\ncontent-length: 4000\r\n\r\n{".to_vec(), true),
        _ => (http(200, "", r#"{"access_token":"1000.aa.bb","expires_in":3600}"#), false),
    });
    let test = server.test();
    test.run("get --timeout 2s").failed_with(69, "unavailable", "did not answer in time");
    assert_eq!(test.get().ok(), "1000.aa.bb");
    assert_eq!(server.asked(), 2);
}

#[test]
fn a_secret_that_is_sent_back_as_an_error_is_not_shown() {
    let mut test = Test::new();
    let secret = test.sandbox.client_secret().to_owned();
    let server = Other::answering(http(400, "", &format!("{{\"error\":\"{secret}\"}}")));
    test.set("ZOHO_ACCOUNTS_URL", &server.url);
    for args in ["get", "get -vv", "get --error-format json", "status"] {
        let outcome = test.run(args);
        assert!(outcome.code != 0 || args == "status", "{outcome:?}");
        outcome.hides(&[&secret]);
    }
    for path in test.state_files() {
        assert!(!std::fs::read_to_string(&path).unwrap().contains(&secret), "{path:?}");
    }
}
