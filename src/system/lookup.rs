//! DNS lookups, each in its own thread. reqwest's resolver panics if no thread can be started.

use crate::problem::LookupFailed;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::future::{poll_fn, ready};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::thread;

/// The system's resolver.
pub(crate) struct Lookup;

#[derive(Default)]
struct Answer {
    found: Option<io::Result<Vec<SocketAddr>>>,
    waker: Option<Waker>,
}

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let answer = Arc::new(Mutex::new(Answer::default()));
        let result = Arc::clone(&answer);
        let thread = thread::Builder::new().name("lookup".into()).spawn(move || {
            let found = (name.as_str(), 0).to_socket_addrs().map(Iterator::collect);
            let mut answer = result.lock().unwrap_or_else(PoisonError::into_inner);
            answer.found = Some(found);
            if let Some(waker) = answer.waker.take() {
                waker.wake();
            }
        });
        if let Err(error) = thread {
            return Box::pin(ready(Err(error.into())));
        }
        Box::pin(poll_fn(move |context| {
            let mut answer = answer.lock().unwrap_or_else(PoisonError::into_inner);
            match answer.found.take() {
                Some(Ok(addresses)) => Poll::Ready(Ok(Box::new(addresses.into_iter()) as Addrs)),
                Some(Err(error)) => Poll::Ready(Err(LookupFailed::from(error).into())),
                None => {
                    answer.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        }))
    }
}
