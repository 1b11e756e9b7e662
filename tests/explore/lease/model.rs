//! The scripts of `store::redis::scripts` in Rust. `scripts.rs` checks that both behave the same.

/// In ms.
pub const LEASE_MS: i64 = 15_000;

/// One credential's keys. An empty string or vector is a missing field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redis {
    pub lease: Option<(String, i64)>,
    pub rev: String,
    pub json: String,
    pub generation: u64,
    pub sealed: Vec<u8>,
    pub mark: String,
    pub asked: i64,
    pub tomb: String,
}

/// What `take` returns besides the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub got: i64,
    pub generation: u64,
    pub sealed: Vec<u8>,
    pub tomb: String,
    pub rev: String,
    pub json: String,
}

impl Redis {
    /// The lease's owner at `now`.
    pub fn owner(&self, now: i64) -> Option<&str> {
        self.lease.as_ref().filter(|(_, until)| *until > now).map(|(owner, _)| owner.as_str())
    }

    pub fn take(&mut self, now: i64, owner: &str, ids: &[Vec<u8>]) -> Taken {
        let is_sealed = self.sealed.len() > 5 && self.sealed[0] == 1;
        let foreign = is_sealed && !ids.iter().any(|id| id[..] == self.sealed[1..5]);
        let got = match (foreign, self.owner(now)) {
            (true, _) => -1,
            (false, Some(_)) => 0,
            (false, None) => {
                self.lease = Some((owner.to_owned(), now + LEASE_MS));
                1
            }
        };
        Taken {
            got,
            generation: self.generation,
            sealed: self.sealed.clone(),
            tomb: self.tomb.clone(),
            rev: self.rev.clone(),
            json: self.json.clone(),
        }
    }

    pub fn reserve(&mut self, now: i64, owner: &str, rev: &str, next: &str, json: &str) -> i64 {
        if self.owner(now) != Some(owner) {
            return -1;
        }
        if self.rev != rev {
            return -2;
        }
        (self.rev, self.json) = (next.to_owned(), json.to_owned());
        self.lease = Some((owner.to_owned(), now + LEASE_MS));
        1
    }

    pub fn record(&mut self, rev: &str, next: &str, json: &str) -> (String, String) {
        if self.rev == rev {
            (self.rev, self.json) = (next.to_owned(), json.to_owned());
        }
        (self.rev.clone(), self.json.clone())
    }

    pub fn commit(&mut self, generation: u64, sealed: &[u8], asked: i64, marks: &[String]) -> i64 {
        let newer = !self.sealed.is_empty() && self.asked >= asked;
        if self.generation > generation && newer {
            return 0;
        }
        if !self.tomb.is_empty() && marks.contains(&self.tomb) {
            return 0;
        }
        self.generation = self.generation.max(generation) + 1;
        (self.sealed, self.asked) = (sealed.to_vec(), asked);
        self.mark.clone_from(&marks[0]);
        1
    }

    pub fn drop_token(&mut self, marks: &[String]) -> i64 {
        if !self.mark.is_empty() && marks.contains(&self.mark) {
            self.clear();
            self.generation += 1;
        }
        self.tomb.clone_from(&marks[0]);
        1
    }

    /// 0 if the value is another one, otherwise 1. The script returns the number of deleted fields.
    pub fn set_aside(&mut self, sealed: &[u8]) -> i64 {
        if self.sealed != sealed || sealed.is_empty() {
            return 0;
        }
        self.clear();
        1
    }

    pub fn release(&mut self, now: i64, owner: &str) -> i64 {
        if self.owner(now) != Some(owner) {
            return 0;
        }
        self.lease = None;
        1
    }

    fn clear(&mut self) {
        (self.sealed, self.mark, self.asked) = (Vec::new(), String::new(), 0);
    }
}
