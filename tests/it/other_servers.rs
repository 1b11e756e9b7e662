//! Raw answers that the sandbox cannot give, and the results that callers see.

use crate::harness::Test;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// An accounts server that sends the same bytes to every client.
struct Other {
    url: String,
    asked: Arc<AtomicUsize>,
    answer: Arc<Mutex<Answer>>,
}

#[derive(Clone)]
enum Answer {
    /// Sends these bytes, then closes the connection.
    Bytes(Vec<u8>),
    /// Sends these bytes, then keeps the connection open.
    ThenSilence(Vec<u8>),
}

impl Other {
    fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<AtomicUsize>::default();
        let answer = Arc::new(Mutex::new(Answer::Bytes(bytes.into())));
        let (counter, answers) = (Arc::clone(&asked), Arc::clone(&answer));
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (counter, answers) = (Arc::clone(&counter), Arc::clone(&answers));
                std::thread::spawn(move || talk(connection.unwrap(), &counter, &answers));
            }
        });
        Other { url, asked, answer }
    }

    fn answer(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn test(&self) -> Test {
        Test::new().var("ZOHO_ACCOUNTS_URL", &self.url)
    }
}

fn talk(mut connection: TcpStream, asked: &AtomicUsize, answer: &Mutex<Answer>) {
    if !read_request(&mut connection) {
        return;
    }
    asked.fetch_add(1, Ordering::SeqCst);
    // In some tests, the caller closes the connection early.
    match answer.lock().unwrap().clone() {
        Answer::Bytes(bytes) => {
            let _ = connection.write_all(&bytes).and_then(|()| connection.shutdown(Shutdown::Write));
            let _ = connection.read_to_end(&mut Vec::new());
        }
        Answer::ThenSilence(bytes) => {
            let _ = connection.write_all(&bytes);
            let _ = connection.read_to_end(&mut Vec::new());
        }
    }
}

/// Reads headers and body; false if the caller closed the connection first.
fn read_request(connection: &mut TcpStream) -> bool {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match connection.read(&mut buffer) {
            Ok(read @ 1..) => request.extend_from_slice(&buffer[..read]),
            _ => return false,
        }
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        if body.len() >= length.map_or(0, |length| length.trim().parse().unwrap()) {
            return true;
        }
    }
}

fn http(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes()
}

fn granted() -> Vec<u8> {
    http(200, "", r#"{"access_token":"1000.aa.bb","expires_in":3600}"#)
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
    let server = Other::answering(granted());
    server.answer(Answer::ThenSilence(b"HTTP/1.1 200 X\r\ncontent-length: 4000\r\n\r\n{".to_vec()));
    let test = server.test();
    test.run("get --timeout 2s").failed_with(69, "unavailable", "did not answer in time");
    server.answer(Answer::Bytes(granted()));
    assert_eq!(test.get().ok(), "1000.aa.bb");
    assert_eq!(server.asked(), 2);
}

#[test]
fn an_answer_may_begin_with_a_byte_order_mark() {
    let server = Other::answering(http(200, "", "\u{feff}{\"access_token\":\"1000.aa.bb\"}"));
    assert_eq!(server.test().get().ok(), "1000.aa.bb");
    assert_eq!(server.asked(), 1);
}

#[test]
fn a_throttle_in_another_encoding_is_one() {
    let body = b"{\"error\":\"\x8b\x91\x94\xdb\",\"status\":\"failure\"}";
    let head = format!("HTTP/1.1 400 X\r\ncontent-length: {}\r\n\r\n", body.len());
    let server = Other::answering([head.as_bytes(), body].concat());
    assert!(retry_after(&server.test()) > 120);
    assert_eq!(server.asked(), 1);
}

#[test]
fn a_secret_that_is_sent_back_as_an_error_is_not_shown() {
    let server = Other::answering(granted());
    let test = server.test();
    let secret = test.sandbox.client_secret().to_owned();
    server.answer(Answer::Bytes(http(400, "", &format!("{{\"error\":\"{secret}\"}}"))));
    for args in ["get", "get -vv", "get --error-format json", "status"] {
        let outcome = test.run(args);
        assert!(outcome.code != 0 || args == "status", "{outcome:?}");
        outcome.hides(&[&secret]);
    }
    for path in test.state_files() {
        assert!(!std::fs::read_to_string(&path).unwrap().contains(&secret), "{path:?}");
    }
}
