//! The loopback listener for the redirect: a fixed port on IPv4 and IPv6, one path, and limits on time and size.

use crate::error::{Code, Error};
use crate::i18n::{causes, language, speak, tr};
use crate::model::is_loopback;
use crate::system::peer;
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use url::Url;

/// The largest request head that is read, in bytes.
const HEAD_LIMIT: usize = 8 * 1024;
/// Time limit for reading a request, and for writing the answer.
const IO_TIMEOUT: Duration = Duration::from_secs(5);
/// The most connections that are read at once.
const MAX_CONNECTIONS: usize = 32;

pub(crate) struct Listener {
    arrivals: Receiver<Arrival>,
}

pub(crate) struct Arrival {
    stream: Arc<TcpStream>,
    query: String,
    is_own: bool,
    page: ResponsePage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponsePage {
    Granted,
    Denied,
    /// The redirect has untrusted parameters.
    Refused,
    /// The request has nothing to do with this login.
    Foreign,
    /// The login has already received its redirect, and the browser sent another request.
    Over,
}

impl ResponsePage {
    /// Status line, heading, text.
    fn parts(self) -> (&'static str, String, String) {
        match self {
            ResponsePage::Granted => (
                "200 OK",
                tr!("Access granted"),
                tr!("You can close this window. See your terminal for the result."),
            ),
            ResponsePage::Denied => (
                "200 OK",
                tr!("Access denied"),
                tr!("Nothing was granted. To try again, run zoho-cred login again."),
            ),
            ResponsePage::Refused => (
                "400 Bad Request",
                tr!("Not accepted"),
                tr!("This redirect cannot be trusted. See your terminal for the reason."),
            ),
            ResponsePage::Foreign => {
                ("404 Not Found", tr!("Not found"), tr!("This page does not belong to the current login."))
            }
            ResponsePage::Over => (
                "200 OK",
                tr!("Nothing more to do"),
                tr!("The login continued without this page. See your terminal for the result."),
            ),
        }
    }
}

impl Arrival {
    /// Without the question mark.
    pub(crate) fn query(&self) -> &str {
        &self.query
    }

    /// Whether a process of this user sent the request.
    pub(crate) fn is_own(&self) -> bool {
        self.is_own
    }

    /// Answers with a page. Errors are ignored: the browser may be gone.
    pub(crate) fn answer(mut self, page: ResponsePage) {
        self.page = page;
    }
}

/// Unhandled requests are answered too, so that no browser shows a connection error.
impl Drop for Arrival {
    fn drop(&mut self) {
        respond(&self.stream, self.page);
    }
}

impl Listener {
    /// Listens at `redirect_uri`, which must be `http` on a loopback host. A port in use on either address family
    /// is `Code::Busy`.
    pub(crate) fn bind(redirect_uri: &str) -> Result<Self, Error> {
        let (sockets, path) = sockets(redirect_uri)?;
        let (sender, arrivals) = channel();
        let reading = OpenConnections::default();
        for socket in sockets {
            let address = socket.local_addr().map(|address| address.to_string()).unwrap_or_default();
            serve(socket, Arc::clone(&path), sender.clone(), reading.clone())
                .map_err(|error| unbound(&address, &error))?;
        }
        Ok(Listener { arrivals })
    }

    /// Fails as [`Listener::bind`] would now.
    pub(crate) fn check(redirect_uri: &str) -> Result<(), Error> {
        sockets(redirect_uri).map(drop)
    }

    /// The next request to the path; `None` on timeout.
    pub(crate) fn next(&self, timeout: Duration) -> Option<Arrival> {
        self.arrivals.recv_timeout(timeout).ok()
    }
}

/// A socket for each address family, and the path of the redirect.
fn sockets(redirect_uri: &str) -> Result<(Vec<TcpListener>, Arc<str>), Error> {
    let unusable = || {
        Error::new(
            Code::Config,
            tr!("the browser cannot be redirected to {redirect_uri}", redirect_uri),
            tr!("use --flow paste, or register and use --redirect-uri http://localhost:9437/callback"),
        )
    };
    let url = Url::parse(redirect_uri).map_err(|_| unusable())?;
    if url.scheme() != "http" || !is_loopback(&url) {
        return Err(unusable());
    }
    let port = url.port_or_known_default().unwrap_or(80);
    let mut sockets = Vec::new();
    for address in
        [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))]
    {
        match TcpListener::bind(address) {
            Ok(socket) => sockets.push(socket),
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(port_taken(port)),
            Err(error) if address.is_ipv6() => log::info!("nothing listens on {address}: {error}"),
            Err(error) => return Err(unbound(&address.to_string(), &error)),
        }
    }
    Ok((sockets, url.path().into()))
}

fn unbound(what: &str, error: &std::io::Error) -> Error {
    Error::new(
        Code::Failure,
        tr!("could not listen on {what}", what),
        tr!("use --flow paste, which needs no port"),
    )
    .with_cause(causes::cause(error))
}

/// Connections that are being read, oldest first. If there are too many, the oldest is closed: a browser sends its
/// request at once, so an idle connection is not the awaited one.
#[derive(Clone, Default)]
struct OpenConnections(Arc<Mutex<VecDeque<Arc<TcpStream>>>>);

impl OpenConnections {
    fn begin(&self, stream: &Arc<TcpStream>) {
        let mut all = self.all();
        all.push_back(Arc::clone(stream));
        while all.len() > MAX_CONNECTIONS {
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
    reading: OpenConnections,
) -> std::io::Result<()> {
    let language = language();
    let accept = move || {
        for stream in listener.incoming().flatten() {
            let (path, sender, reading) = (Arc::clone(&path), sender.clone(), reading.clone());
            let stream = Arc::new(stream);
            reading.begin(&stream);
            let spawned = std::thread::Builder::new().spawn({
                let (stream, reading) = (Arc::clone(&stream), reading.clone());
                move || {
                    let _speaking = speak(language);
                    handle(stream, &path, &sender, &reading);
                }
            });
            if spawned.is_err() {
                reading.end(&stream);
            }
        }
    };
    std::thread::Builder::new().name("listener".into()).spawn(accept).map(|_| ())
}

/// Queues a request to the right path; answers anything else with 404.
fn handle(stream: Arc<TcpStream>, path: &str, sender: &Sender<Arrival>, reading: &OpenConnections) {
    // Before reading: a client that waits for the answer has not closed the connection.
    let is_own = peer::is_own(&stream);
    let request = request(&stream);
    reading.end(&stream);
    match request {
        Some(Request::Get(target)) => {
            let (found, query) = target.split_once('?').unwrap_or((&target, ""));
            if found == path {
                drop(sender.send(Arrival {
                    query: query.to_owned(),
                    stream,
                    is_own,
                    page: ResponsePage::Over,
                }))
            } else {
                respond(&stream, ResponsePage::Foreign)
            }
        }
        Some(Request::Other) => {
            respond(&stream, ResponsePage::Foreign);
            drain(&stream);
        }
        None => {}
    }
}

enum Request {
    /// With its target.
    Get(String),
    Other,
}

/// Reads the head of a request within the limits.
#[expect(clippy::disallowed_methods, reason = "a socket's time-out passes in real time")]
fn request(mut stream: &TcpStream) -> Option<Request> {
    let deadline = Instant::now() + IO_TIMEOUT;
    stream.set_write_timeout(Some(IO_TIMEOUT)).ok()?;
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

/// Reads some of the unread input: closing a socket with unread input resets it and discards the answer.
fn drain(mut stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write).and_then(|()| stream.set_read_timeout(Some(IO_TIMEOUT / 10)));
    let _ = stream.read(&mut [0; HEAD_LIMIT]);
}

fn respond(mut stream: &TcpStream, page: ResponsePage) {
    let (status, heading, text) = page.parts();
    let language = language().tag();
    let body = format!(
        "<!doctype html><html lang=\"{language}\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>zoho-cred</title><style>body{{font:1.1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:20vh auto;\
         padding:0 1.5rem}}</style><h1>{heading}</h1><p>{text}</p></html>\n"
    );
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all((head + &body).as_bytes()).and_then(|()| stream.flush());
}

fn port_taken(port: u16) -> Error {
    Error::new(
        Code::Busy,
        tr!("port {port} is in use", port),
        tr!("use --flow paste, which needs no port; or stop that program, or register another port and use it with --redirect-uri"),
    )
    .with_cause(tr!("another login or another program may be listening there"))
}
