//! A connection to Redis, with a method for each script.

use crate::error::{Code, Error};
use crate::i18n::{causes, tr};
use crate::model::CredentialId;
use crate::store::redis::scripts;
use crate::store::redis::settings::{RedisSettings, place};
use crate::system::files;
use redis::{
    Client, Connection, ErrorKind, FromRedisValue, IntoConnectionInfo, RedisError, ServerErrorKind,
    TlsCertificates,
};
use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// For connecting, including TLS handshake and login.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// For each command.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(3);
/// In ms.
pub(crate) const LEASE_MS: u64 = 15_000;
/// Expiry of all keys after their last write, in ms. Longer than tokens and ledger entries are relevant.
const EXPIRY_MS: u64 = 2 * 3_600_000;

/// Redis's reply to [`Remote::take`]. `rev` and `json` are the ledger's, `generation` is the token's.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Whether we have the lease.
    pub got: bool,
    /// Redis's time, in ms since 1970.
    pub redis_ms: i64,
    /// Counts writes of the token.
    pub generation: u64,
    /// The sealed token. Empty if there is none.
    pub sealed: Vec<u8>,
    /// HMAC of the token that was last rejected.
    pub revoked_mac: String,
    /// The ledger's version.
    pub rev: String,
    /// The ledger.
    pub json: String,
}

impl Reply {
    /// `None` if the token is sealed with a key that we do not have.
    pub fn read(answer: redis::Value) -> Result<Option<Self>, redis::ParsingError> {
        type Answer = (i64, i64, u64, Vec<u8>, String, String, String);
        let (got, redis_ms, generation, sealed, revoked_mac, rev, json) = Answer::from_redis_value(answer)?;
        Ok((got >= 0).then_some(Reply {
            got: got == 1,
            redis_ms,
            generation,
            sealed,
            revoked_mac,
            rev,
            json,
        }))
    }
}

/// The outcome of [`Remote::reserve`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// The request may be sent.
    Yes,
    /// The lease expired, or another machine wrote the ledger.
    Lost,
}

/// A connection for the keys of one credential.
pub struct Remote {
    connection: Connection,
    keys: [String; 3],
    place: String,
    owner: String,
    /// Whether an error made the connection unusable.
    broken: bool,
}

impl Remote {
    /// Connects within `within`. `Code::Unavailable` if Redis does not respond, `Code::Config` if it denies
    /// access.
    pub fn connect(
        shared: &RedisSettings,
        credential: &CredentialId,
        within: Duration,
    ) -> Result<Self, Error> {
        let place = place(shared.url.expose());
        if shared.prefix.is_empty() || shared.prefix.contains(['{', '}']) {
            return Err(Error::new(
                Code::Config,
                tr!("the prefix of [store] is empty or holds a brace"),
                tr!("use letters and digits, or leave it out"),
            ));
        }
        let refuse = |error: RedisError| refused(&place, &error);
        let connection = connect_within(client(shared)?, CONNECT_TIMEOUT.min(within)).map_err(refuse)?;
        connection.set_write_timeout(Some(COMMAND_TIMEOUT)).map_err(refuse)?;
        let base = format!("{}:{{{}}}", shared.prefix, credential.ledger());
        let keys = [
            format!("{base}:lease"),
            format!("{base}:ledger"),
            format!("{base}:token:{}", credential.cache()),
        ];
        Ok(Remote { connection, keys, place, owner: random_id()?, broken: false })
    }

    /// Tries to take the lease within `within`. `None` if the token is sealed with a key that is not in `ids`.
    pub fn take(&mut self, ids: &[Vec<u8>], within: Duration) -> Result<Option<Reply>, Error> {
        self.answer_within(COMMAND_TIMEOUT.min(within))?;
        let mut args = vec![self.owner.clone().into_bytes(), number(LEASE_MS)];
        args.extend_from_slice(ids);
        let answer = self.call::<redis::Value>(scripts::TAKE, &args)?;
        self.answer_within(COMMAND_TIMEOUT)?;
        Reply::read(answer).map_err(|error| refused(&self.place, &error.into()))
    }

    /// Writes the ledger ahead of a request and renews the lease. Updates `rev`.
    pub fn reserve(&mut self, rev: &mut String, json: &str) -> Result<Reserved, Error> {
        let next = random_id()?;
        let owner = self.owner.clone();
        let args = [
            owner.into_bytes(),
            number(LEASE_MS),
            rev.clone().into_bytes(),
            next.clone().into_bytes(),
            json.into(),
            number(EXPIRY_MS),
        ];
        match self.call::<i64>(scripts::RESERVE, &args)? {
            1 => {
                *rev = next;
                Ok(Reserved::Yes)
            }
            _ => Ok(Reserved::Lost),
        }
    }

    /// Writes the ledger if its version is still `rev`, and sets `rev` to the current version. Returns the ledger if
    /// another machine wrote it.
    pub fn record(&mut self, rev: &mut String, json: &str) -> Result<Option<String>, Error> {
        let next = random_id()?;
        let args = [rev.clone().into_bytes(), next.clone().into_bytes(), json.into(), number(EXPIRY_MS)];
        let (current, json) = self.call::<(String, String)>(scripts::RECORD, &args)?;
        let ours = current == next;
        *rev = current;
        Ok((!ours).then_some(json))
    }

    /// Stores a sealed token with its HMACs `macs`. False if there is a newer token, or if this one was rejected.
    pub fn commit(
        &mut self,
        generation: u64,
        sealed: Vec<u8>,
        macs: &[String],
        asked_ms: i64,
    ) -> Result<bool, Error> {
        let mac = macs.first().cloned().unwrap_or_default();
        let asked = asked_ms.to_string().into_bytes();
        let mut args = vec![number(generation), sealed, mac.into_bytes(), asked, number(EXPIRY_MS)];
        args.extend(macs.iter().map(|mac| mac.clone().into_bytes()));
        Ok(self.call::<i64>(scripts::COMMIT, &args)? == 1)
    }

    /// Deletes and revokes the token with one of the HMACs `macs`.
    pub fn drop_token(&mut self, macs: &[String]) -> Result<(), Error> {
        let mut args = vec![number(EXPIRY_MS)];
        args.extend(macs.iter().map(|mac| mac.clone().into_bytes()));
        self.call::<i64>(scripts::DROP, &args).map(|_| ())
    }

    /// Deletes a sealed value that cannot be opened.
    pub fn set_aside(&mut self, sealed: &[u8]) -> Result<(), Error> {
        self.call::<i64>(scripts::SET_ASIDE, &[sealed.to_vec()]).map(|_| ())
    }

    /// Releases the lease. If that fails, it expires.
    pub fn release(&mut self) {
        if self.broken {
            return;
        }
        let owner = self.owner.clone().into_bytes();
        if let Err(error) = self.call::<i64>(scripts::RELEASE, &[owner]) {
            log::info!("the lease was not given back and will run out: {}", error.message());
        }
    }

    pub(crate) fn lease_key(&self) -> String {
        self.keys[0].clone()
    }

    pub(crate) fn token_key(&self) -> String {
        self.keys[2].clone()
    }

    /// Runs a read-only command.
    pub fn ask<T: FromRedisValue>(&mut self, command: &redis::Cmd) -> Result<T, Error> {
        self.answer_within(COMMAND_TIMEOUT)?;
        command.query(&mut self.connection).map_err(|error| refused(&self.place, &error))
    }

    fn answer_within(&self, timeout: Duration) -> Result<(), Error> {
        self.connection.set_read_timeout(Some(timeout)).map_err(|error| refused(&self.place, &error))
    }

    fn call<T: FromRedisValue>(&mut self, script: &str, args: &[Vec<u8>]) -> Result<T, Error> {
        if self.broken {
            // Waiting for another timeout is useless, and a late reply would be read as that to the next command.
            let problem = tr!("the line to the shared store at {place} is broken", place = self.place);
            return Err(Error::unavailable(&problem));
        }
        let script = redis::Script::new(script);
        let mut call = script.prepare_invoke();
        self.keys.iter().for_each(|key| {
            call.key(key);
        });
        args.iter().for_each(|arg| {
            call.arg(arg);
        });
        call.invoke(&mut self.connection).map_err(|error| {
            self.broken = error.is_io_error();
            refused(&self.place, &error)
        })
    }
}

/// Connects in a thread, because the redis crate applies its timeout to each address, and none to the DNS lookup. A thread
/// that is still in a lookup ends with the process.
fn connect_within(client: Client, limit: Duration) -> Result<Connection, RedisError> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().name("redis".into()).spawn(move || {
        // Fails after the limit. The connection is then closed.
        let _ = sender.send(client.get_connection_with_timeout(limit));
    })?;
    let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, tr!("it took too long")).into());
    receiver.recv_timeout(limit).unwrap_or_else(late)
}

fn client(shared: &RedisSettings) -> Result<Client, Error> {
    // The redis crate uses the process's default provider. Fails if one is installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let invalid = |_: RedisError| {
        Error::new(
            Code::Config,
            tr!("the address of the shared store is not one"),
            tr!("write it as redis://, rediss:// or redis+unix:// followed by host or path"),
        )
    };
    let url = shared.url.expose();
    let info = url.into_connection_info().map_err(invalid)?;
    // Skips `CLIENT SETINFO`: a late reply to it would be read as that to the next command.
    let redis = info.redis_settings().clone().set_skip_set_lib_name();
    let info = info.set_redis_settings(redis);
    match &shared.ca_file {
        Some(path) if url.starts_with("rediss://") => {
            let root_cert = Some(files::read_certificates(path)?);
            Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert }).map_err(invalid)
        }
        _ => Client::open(info).map_err(invalid),
    }
}

/// Errors that need a change of settings are `Code::Config`. All others may be temporary.
fn refused(place: &str, error: &RedisError) -> Error {
    let denied =
        matches!(error.kind(), ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm))
            || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"));
    if denied {
        return Error::new(
            Code::Config,
            tr!("the shared store at {place} refuses our user or password", place),
            tr!("correct the address in [store] or ZOHO_CRED_STORE"),
        );
    }
    let what = match error.kind() {
        ErrorKind::Io => causes::told(&error.to_string()),
        _ => error.code().map_or_else(|| error.category().to_owned(), str::to_owned),
    };
    Error::unavailable(&tr!("the shared store at {place} did not serve: {what}", place, what))
}

fn number(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}

/// 128 random bits in hex.
fn random_id() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::unavailable(&error.to_string()))?;
    Ok(hex::encode(bytes))
}
