//! Zoho as the model sees it: it counts what arrives, by its own clock, and nothing else is believed.

/// Zoho's window, in ms.
pub const WINDOW_MS: i64 = 600_000;
/// Requests that it takes in a window.
pub const LIMIT: usize = 10;
/// A request is on its way for at most this long, as a caller gives up then, in ms.
pub const LONGEST_MS: i64 = 10_000;

/// One request: who sent it, when, and until when it may be on its way.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    pub machine: usize,
    pub sent: i64,
    pub until: i64,
}

#[derive(Default)]
pub struct Zoho {
    pub requests: Vec<Request>,
    pub arrivals: Vec<i64>,
}

impl Zoho {
    /// Notes a request that is sent now. The error says what was broken by it.
    pub fn sent(&mut self, machine: usize, now: i64, until: i64) -> Result<(), String> {
        let other = self.requests.iter().rev().take(20).find(|request| request.until > now).copied();
        self.requests.push(Request { machine, sent: now, until });
        match other {
            Some(other) => Err(format!(
                "machine {machine} asks at {now} while machine {} has asked at {} and may wait until {}",
                other.machine, other.sent, other.until
            )),
            None => Ok(()),
        }
    }

    /// A request arrives.
    pub fn arrived(&mut self, now: i64) -> Result<(), String> {
        self.arrivals.push(now);
        let in_window = self.arrivals.iter().filter(|at| now - **at < WINDOW_MS).count();
        match in_window > LIMIT {
            true => Err(format!("{in_window} requests arrived in the window that ends at {now}")),
            false => Ok(()),
        }
    }
}
