//! Zoho in the model: counts arrivals by its own clock.

/// Zoho's window, in ms.
pub const WINDOW_MS: i64 = 600_000;
/// Requests per window.
pub const LIMIT: usize = 10;
/// The most time that a request is in transit, in ms. A caller gives up then.
pub const LONGEST_MS: i64 = 10_000;

/// One request: its sender, when it was sent, and until when it may be in transit.
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
    /// Records a request sent now. The error names the violated invariant.
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
        if in_window > LIMIT {
            return Err(format!("{in_window} requests arrived in the window that ends at {now}"));
        }
        Ok(())
    }
}
