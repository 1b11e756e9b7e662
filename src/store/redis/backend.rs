//! The operations on the record of one credential in Redis.

use crate::error::{Code, Error};
use crate::model::CredentialId;
use crate::store::redis::errors::{is_passing, refused};
use crate::store::redis::health;
use crate::store::redis::link::Link;
use crate::store::redis::scripts;
use crate::store::shared::SharedSettings;
use crate::store::shared::remote::{
    Health, LEASE_MS, LedgerChange, NewToken, Remote, Reply, Reserved, key_id,
};
use crate::system::Deadline;
use redis::{Cmd, FromRedisValue, RedisError};
use std::rc::Rc;
use std::time::Duration;

/// For each command.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(3);
/// The shortest time that a command is given.
const LEAST_TIMEOUT: Duration = Duration::from_millis(50);
/// Expiry of all keys after their last write, in ms. Longer than tokens and ledger entries are relevant.
const EXPIRY_MS: i64 = 2 * 3_600_000;
/// The first and the longest pause before a new connection.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(400));
/// How long a reservation waits for a replica.
const REPLICA_TIMEOUT_MS: i64 = 500;

/// Connections for the keys of one credential.
pub struct RedisRemote {
    shared: SharedSettings,
    /// Lease, ledger and token.
    keys: [String; 3],
    link: Option<Link>,
}

/// A reply of the script that takes or looks. `None` if the token is sealed with a key that we do not have.
pub fn read_reply(answer: redis::Value) -> Result<Option<Reply>, redis::ParsingError> {
    type Answer = (i64, i64, u64, Vec<u8>, String, String, String);
    let (got, engine_ms, generation, sealed, revoked_mac, rev, json) = Answer::from_redis_value(answer)?;
    let reply = Reply { got: got == 1, engine_ms, generation, sealed, revoked_mac, rev, json };
    Ok((got >= 0).then_some(reply))
}

impl RedisRemote {
    /// Connects within `within`. `Code::Unavailable` if Redis does not respond, `Code::Config` if it denies access.
    pub fn connect(
        shared: &SharedSettings,
        credential: &CredentialId,
        within: Duration,
    ) -> Result<Self, Error> {
        // The braces put all keys of a credential into one slot of a cluster.
        let base = format!("{}:{{{}}}", shared.prefix, credential.ledger());
        let keys = [
            format!("{base}:lease"),
            format!("{base}:ledger"),
            format!("{base}:token:{}", credential.cache()),
        ];
        let link = Some(Link::open(shared, within)?);
        Ok(RedisRemote { shared: shared.clone(), keys, link })
    }

    /// Runs a script. A connection that fails is opened anew until `within` is over.
    fn call<T: FromRedisValue>(
        &mut self,
        script: &str,
        args: &[Vec<u8>],
        within: Duration,
    ) -> Result<T, Error> {
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(self.keys.len()).arg(&self.keys[..]);
        args.iter().for_each(|arg| {
            command.arg(&arg[..]);
        });
        let deadline = Deadline::after(&*self.shared.clock, within);
        let mut pause = RECONNECT.0;
        loop {
            let left = deadline.remaining(&*self.shared.clock).clamp(LEAST_TIMEOUT, COMMAND_TIMEOUT);
            let error = match self.on_link(left, |link| link.ask(&command)) {
                Err(error) => error,
                answer => return answer,
            };
            let is_refused = self.link.is_some() || error.code() != Code::Unavailable;
            if is_refused || deadline.remaining(&*self.shared.clock) <= pause + LEAST_TIMEOUT {
                return Err(error);
            }
            log::debug!("connecting again: {}", error.message());
            self.shared.clock.sleep(pause);
            pause = (pause * 2).min(RECONNECT.1);
        }
    }

    /// Runs a command without side effects on the node that has the keys.
    fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, Error> {
        let key = self.keys[0].clone();
        self.on_link(COMMAND_TIMEOUT, |link| link.ask_node_of(&key, command))
    }

    /// Connects if there is no connection. One that fails is closed: a late reply on it would be read as that to the next
    /// command.
    fn on_link<T>(
        &mut self,
        timeout: Duration,
        run: impl FnOnce(&mut Link) -> Result<T, RedisError>,
    ) -> Result<T, Error> {
        let link = match &mut self.link {
            Some(link) => link,
            link => link.insert(Link::open(&self.shared, timeout)?),
        };
        link.set_timeout(timeout).and_then(|()| run(link)).map_err(|error| {
            if is_passing(&error) {
                self.link = None;
            }
            refused(&self.shared.place(), &error)
        })
    }

    /// A section of `INFO`. Empty if Redis does not permit it. Managed services may hide `CONFIG` but not `INFO`.
    fn info(&mut self, section: &str) -> String {
        self.ask(redis::cmd("INFO").arg(section)).unwrap_or_default()
    }

    /// Waits until a replica has the reservation, so that a failover does not lose it. One that lags does not stop the
    /// refresh: this machine's own ledger has the entry as well.
    fn wait_for_replica(&mut self) {
        let mut wait = redis::cmd("WAIT");
        wait.arg(1).arg(REPLICA_TIMEOUT_MS);
        match self.ask::<i64>(&wait) {
            Ok(1..) => {}
            Ok(_) => log::info!("no replica confirmed the reservation"),
            Err(error) => log::info!("no replica was waited for: {}", error.message()),
        }
    }
}

impl Remote for RedisRemote {
    fn look(
        &mut self,
        owner: Option<&str>,
        ids: &[Vec<u8>],
        within: Duration,
    ) -> Result<Option<Reply>, Error> {
        let mut args = vec![owner.unwrap_or_default().into(), number(LEASE_MS)];
        args.extend_from_slice(ids);
        let answer = self.call::<redis::Value>(scripts::TAKE, &args, within)?;
        read_reply(answer).map_err(|error| refused(&self.shared.place(), &error.into()))
    }

    fn reserve(
        &mut self,
        owner: &str,
        change: LedgerChange<'_>,
        within: Duration,
    ) -> Result<Reserved, Error> {
        let args = [
            owner.into(),
            number(LEASE_MS),
            change.rev.into(),
            change.next.into(),
            change.json.into(),
            number(EXPIRY_MS),
        ];
        let (reserved, replicas) = self.call::<(i64, i64)>(scripts::RESERVE, &args, within)?;
        if reserved != 1 {
            return Ok(Reserved::Lost);
        }
        if replicas > 0 {
            self.wait_for_replica();
        }
        Ok(Reserved::Yes)
    }

    fn record(&mut self, change: LedgerChange<'_>, within: Duration) -> Result<(String, String), Error> {
        let args = [change.rev.into(), change.next.into(), change.json.into(), number(EXPIRY_MS)];
        self.call(scripts::RECORD, &args, within)
    }

    fn commit(&mut self, token: NewToken<'_>, within: Duration) -> Result<bool, Error> {
        let mac = token.macs.first().cloned().unwrap_or_default();
        let generation = token.generation.to_string().into_bytes();
        let mut args =
            vec![generation, token.sealed.to_vec(), mac.into(), number(token.asked_ms), number(EXPIRY_MS)];
        args.extend(token.macs.iter().map(|mac| mac.clone().into_bytes()));
        Ok(self.call::<i64>(scripts::COMMIT, &args, within)? == 1)
    }

    fn drop_token(&mut self, macs: &[String], within: Duration) -> Result<(), Error> {
        let mut args = vec![number(EXPIRY_MS)];
        args.extend(macs.iter().map(|mac| mac.clone().into_bytes()));
        self.call::<i64>(scripts::DROP, &args, within).map(|_| ())
    }

    fn set_aside(&mut self, sealed: &[u8], within: Duration) -> Result<(), Error> {
        self.call::<i64>(scripts::SET_ASIDE, &[sealed.to_vec()], within).map(|_| ())
    }

    fn release(&mut self, owner: &str, within: Duration) -> Result<(), Error> {
        self.call::<i64>(scripts::RELEASE, &[owner.into()], within).map(|_| ())
    }

    fn inspect(&mut self) -> Result<Health, Error> {
        let clock = Rc::clone(&self.shared.clock);
        let [lease_key, _, token_key] = self.keys.clone();
        let before = clock.monotonic();
        let (seconds, micros): (i64, i64) = self.ask(&redis::cmd("TIME"))?;
        let took = clock.monotonic().saturating_sub(before);
        let here_ms = clock.now().wall_ms - (took.as_millis() / 2) as i64;
        let left_ms: i64 = self.ask(redis::cmd("PTTL").arg(lease_key))?;
        let sealed: Vec<u8> = self.ask(redis::cmd("HGET").arg(token_key).arg("sealed")).unwrap_or_default();
        let memory = self.info("memory");
        Ok(Health {
            latency: took,
            clock_offset_ms: seconds.saturating_mul(1000).saturating_add(micros / 1000) - here_ms,
            clock_refusal: None,
            lease: u64::try_from(left_ms).ok().map(Duration::from_millis),
            refusal: health::refusal(&memory, &self.info("replication")),
            eviction: health::eviction(&memory),
            key_id: key_id(&sealed).map(<[u8]>::to_vec),
        })
    }

    fn is_connected(&self) -> bool {
        self.link.is_some()
    }

    fn longest_pause(&self) -> Duration {
        Duration::from_millis(400)
    }
}

fn number(number: i64) -> Vec<u8> {
    number.to_string().into_bytes()
}
