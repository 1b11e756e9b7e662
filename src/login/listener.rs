//! The loopback listener: a fixed port on both address families, one path, small bounds on everything.

use crate::error::Error;
use crate::i18n::{language, speak, tr};
use crate::model::is_loopback;
use crate::system::peer;
use crate::system::peer::Peer;
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use url::Url;

/// The most of a request that is read, in bytes.
const HEAD_LIMIT: usize = 8 * 1024;
/// For a client to send its whole request, and to take the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections whose request is read side by side.
const AT_ONCE: usize = 32;

/// A listener at the redirect URI.
pub(crate) struct Listener {
    arrivals: Receiver<Arrival>,
}

/// A request to the right path.
pub(crate) struct Arrival {
    stream: Arc<TcpStream>,
    query: String,
    peer: Peer,
    page: Page,
}

/// A page to answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// The consent was given.
    Granted,
    /// The consent was refused.
    Denied,
    /// The redirect says something that cannot be trusted.
    Refused,
    /// The redirect belongs to no login.
    Foreign,
    /// The login has what it waited for: the browser sent the redirect twice, or somebody loads the page again.
    Over,
}

impl Page {
    /// Status line, heading, words.
    fn parts(self) -> (&'static str, String, String) {
        match self {
            Page::Granted => (
                "200 OK",
                tr!("Access granted"),
                tr!("You can close this window. Your terminal says how it went on."),
            ),
            Page::Denied => (
                "200 OK",
                tr!("Access denied"),
                tr!("Nothing was granted. To try again, run zoho-cred login once more."),
            ),
            Page::Refused => (
                "400 Bad Request",
                tr!("Not accepted"),
                tr!("This redirect cannot be trusted. Your terminal says why."),
            ),
            Page::Foreign => (
                "404 Not Found",
                tr!("Nothing here"),
                tr!("This page does not belong to the login that is under way."),
            ),
            Page::Over => (
                "200 OK",
                tr!("Nothing more to do here"),
                tr!("The login went on without this page. Your terminal says how."),
            ),
        }
    }
}

impl Arrival {
    /// The query of the request, without the question mark.
    pub(crate) fn query(&self) -> &str {
        &self.query
    }

    /// Whose process sent the request.
    pub(crate) fn peer(&self) -> Peer {
        self.peer
    }

    /// Answers with a page. It does not matter if the browser is gone.
    pub(crate) fn answer(mut self, page: Page) {
        self.page = page;
    }
}

/// Answers what nobody looked at too, so that no browser is left with an error.
impl Drop for Arrival {
    fn drop(&mut self) {
        respond(&self.stream, self.page);
    }
}

impl Listener {
    /// Listens at `redirect_uri`, which must be `http` on a loopback host. If its port is taken on either address
    /// family, [`Error::PortTaken`], before anything is opened.
    pub(crate) fn bind(redirect_uri: &str) -> Result<Self, Error> {
        let not_ours = || Error::Setting {
            problem: tr!("the browser cannot come back to {redirect_uri}", redirect_uri),
            hint: tr!("use --flow paste, or register and give --redirect-uri http://localhost:9437/callback"),
        };
        let url = Url::parse(redirect_uri).map_err(|_| not_ours())?;
        if url.scheme() != "http" || !is_loopback(&url) {
            return Err(not_ours());
        }
        let port = url.port_or_known_default().unwrap_or(80);
        let path: Arc<str> = url.path().into();
        let (sender, arrivals) = channel();
        let reading = Reading::default();
        for address in
            [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))]
        {
            let failed = |error: &std::io::Error| Error::Store {
                action: "listen on",
                what: address.to_string(),
                problem: error.to_string(),
            };
            match TcpListener::bind(address) {
                Ok(listener) => serve(listener, Arc::clone(&path), sender.clone(), reading.clone())
                    .map_err(|error| failed(&error))?,
                Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(Error::PortTaken { port }),
                Err(error) if address.is_ipv6() => log::info!("nothing listens on {address}: {error}"),
                Err(error) => return Err(failed(&error)),
            }
        }
        Ok(Listener { arrivals })
    }

    /// The next request to the right path; `None` once `timeout` has passed.
    pub(crate) fn next(&self, timeout: Duration) -> Option<Arrival> {
        self.arrivals.recv_timeout(timeout).ok()
    }
}

/// Connections whose request is being read, the oldest first. Where there are too many the oldest is cut off: a
/// browser sends its request at once, so whoever has said nothing for so long is not the one we wait for.
#[derive(Clone, Default)]
struct Reading(Arc<Mutex<VecDeque<Arc<TcpStream>>>>);

impl Reading {
    fn begin(&self, stream: &Arc<TcpStream>) {
        let mut all = self.all();
        all.push_back(Arc::clone(stream));
        while all.len() > AT_ONCE {
            if let Some(oldest) = all.pop_front() {
                let _ = oldest.shutdown(Shutdown::Both);
            }
        }
    }

    fn end(&self, stream: &Arc<TcpStream>) {
        self.all().retain(|other| !Arc::ptr_eq(other, stream));
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Arc<TcpStream>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(
    listener: TcpListener,
    path: Arc<str>,
    sender: Sender<Arrival>,
    reading: Reading,
) -> std::io::Result<()> {
    let language = language();
    let accept = move || {
        for stream in listener.incoming().flatten() {
            let (path, sender, reading) = (Arc::clone(&path), sender.clone(), reading.clone());
            let stream = Arc::new(stream);
            reading.begin(&stream);
            let begun = std::thread::Builder::new().spawn({
                let (stream, reading) = (Arc::clone(&stream), reading.clone());
                move || {
                    let _speaking = speak(language);
                    look_at(stream, &path, &sender, &reading);
                }
            });
            if begun.is_err() {
                reading.end(&stream);
            }
        }
    };
    std::thread::Builder::new().name("listener".into()).spawn(accept).map(|_| ())
}

/// Passes on a request to the right path; everything else is answered 404 and forgotten.
fn look_at(stream: Arc<TcpStream>, path: &str, sender: &Sender<Arrival>, reading: &Reading) {
    // Before the request is read: whoever still waits for the answer has not closed the connection.
    let peer = peer::of(&stream);
    let request = request(&stream);
    reading.end(&stream);
    match request {
        Some(Request::Get(target)) => {
            let (found, query) = target.split_once('?').unwrap_or((&target, ""));
            if found == path {
                drop(sender.send(Arrival { query: query.to_owned(), stream, peer, page: Page::Over }))
            } else {
                respond(&stream, Page::Foreign)
            }
        }
        Some(Request::Other) => {
            respond(&stream, Page::Foreign);
            drain(&stream);
        }
        None => {}
    }
}

/// A request as far as it matters.
enum Request {
    /// Its target.
    Get(String),
    /// Any other method.
    Other,
}

/// The head of a request, read in bounded time and space.
#[expect(clippy::disallowed_methods, reason = "a socket's time-out passes in real time")]
fn request(mut stream: &TcpStream) -> Option<Request> {
    let deadline = Instant::now() + PATIENCE;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        stream.set_read_timeout(Some(left)).ok()?;
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        head.extend_from_slice(&chunk[..read]);
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&head) {
            Ok(httparse::Status::Complete(_)) if request.method == Some("GET") => {
                return request.path.map(|path| Request::Get(path.to_owned()));
            }
            Ok(httparse::Status::Complete(_)) => return Some(Request::Other),
            Ok(httparse::Status::Partial) if head.len() < HEAD_LIMIT => {}
            _ => return None,
        }
    }
}

/// Takes a little of what is still to come, as closing on it would take our answer back.
fn drain(mut stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write).and_then(|()| stream.set_read_timeout(Some(PATIENCE / 10)));
    let _ = stream.read(&mut [0; HEAD_LIMIT]);
}

fn respond(mut stream: &TcpStream, page: Page) {
    let (status, heading, words) = page.parts();
    let language = language().tag();
    let body = format!(
        "<!doctype html><html lang=\"{language}\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>zoho-cred</title><style>body{{font:1.1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:20vh auto;\
         padding:0 1.5rem}}</style><h1>{heading}</h1><p>{words}</p></html>\n"
    );
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all((head + &body).as_bytes()).and_then(|()| stream.flush());
}
