//! A web server on loopback that records requests.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A received request.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET /path HTTP/1.1`.
    pub line: String,
    /// By lower-case name.
    pub headers: HashMap<String, String>,
    pub body: String,
}

/// An answer: status line, header lines, body.
pub struct Answer(pub &'static str, pub String, pub String);

/// A web server on loopback that records requests.
pub struct Web {
    pub host: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Web {
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Web {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let host = serve(move |mut stream| {
            let Some(request) = read_request(&stream) else { return };
            noted.lock().unwrap().push(request.clone());
            let Answer(status, headers, body) = answer(&request);
            let length = body.len();
            let head = format!("{headers}Content-Length: {length}\r\nConnection: close\r\n");
            let _ = write!(stream, "HTTP/1.1 {status}\r\n{head}\r\n{body}");
        });
        Web { host, seen }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.host)
    }

    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

/// Handles each connection to a port of its own in a thread, and returns the address.
pub fn serve(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let handle = Arc::new(handle);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = Arc::clone(&handle);
            std::thread::spawn(move || handle(stream));
        }
    });
    address
}

/// Passes bytes between two connections until both end.
pub fn tunnel(one: &TcpStream, other: &TcpStream) {
    let pass = |mut from: &TcpStream, mut to: &TcpStream| {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| pass(one, other));
        pass(other, one);
    });
}

/// A request with its body, unless the caller closes the connection first.
pub fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    lines.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        lines.read_line(&mut header).ok()?;
        match header.trim_end().split_once(':') {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.trim().to_owned()),
            None => break,
        };
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Some(Request { line: line.trim_end().to_owned(), headers, body })
}
