//! The operations on a record in object storage.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::CredentialId;
use crate::store::object::http::{Connector, ServerTime};
use crate::store::shared::SharedSettings;
use crate::store::shared::address::Address;
use crate::store::shared::record::{Lease, Record};
use crate::store::shared::remote::{
    Eviction, Health, LedgerChange, NewToken, Remote, Reply, Reserved, engine_error, key_id,
};
use crate::system::{Deadline, Env, is_loopback_url, random};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{
    ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, RetryConfig, UpdateVersion,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Tokens that were requested longer ago are deleted, in ms.
const OLDEST_TOKEN_MS: i64 = 2 * 3_600_000;
/// The pause after a lost race, and how much longer it may be.
const PAUSE_MS: (u64, u64) = (20, 180);
/// For `doctor`.
const INSPECT_TIMEOUT: Duration = Duration::from_secs(5);
/// No JSON of a ledger, so that it counts as all requests but two.
const UNREADABLE: &str = "unreadable";

/// The object of one ledger.
pub struct ObjectRemote {
    shared: SharedSettings,
    store: Box<dyn ObjectStore>,
    path: Path,
    /// Which token of the ledger's credentials is ours.
    cache: String,
    runtime: Runtime,
    time: ServerTime,
    connected: bool,
}

/// The content of an object. Credentials that share a ledger have a token each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    lease: Option<Lease>,
    rev: String,
    json: String,
    /// The token's part of a record, by the id of its cache.
    tokens: BTreeMap<String, Record>,
}

impl Stored {
    fn record(&self, cache: &str) -> Record {
        let token = self.tokens.get(cache).cloned().unwrap_or_default();
        Record { lease: self.lease.clone(), rev: self.rev.clone(), json: self.json.clone(), ..token }
    }

    fn with(mut self, cache: &str, record: Record, now: i64) -> Self {
        let token = Record { lease: None, rev: String::new(), json: String::new(), ..record.clone() };
        self.tokens
            .retain(|_, token| token.asked > now.saturating_sub(OLDEST_TOKEN_MS) || !token.tomb.is_empty());
        if token != Record::default() {
            self.tokens.insert(cache.to_owned(), token);
        }
        Stored { lease: record.lease, rev: record.rev, json: record.json, ..self }
    }
}

impl ObjectRemote {
    /// Connects at the first operation.
    pub fn open(shared: &SharedSettings, credential: &CredentialId) -> Result<Self, Error> {
        let url = shared.url()?;
        let address = Address::parse(url.expose())?;
        let time = ServerTime::default();
        let config =
            |error: String| Error::new(Code::Config, error, tr!("correct the settings of the shared store"));
        let connector = Connector::new(&shared.roots, &time).map_err(config)?;
        let store =
            open(&address, connector, shared.env()).map_err(|error| failed(&address.place(), &error))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::unavailable(&error.to_string()))?;
        let folder = match address.path.trim_matches('/') {
            "" => shared.prefix.clone(),
            folder => folder.to_owned(),
        };
        let path = Path::from(format!("{folder}/{}.v1.json", credential.ledger()));
        let cache = credential.cache().to_owned();
        Ok(ObjectRemote { shared: shared.clone(), store, path, cache, runtime, time, connected: false })
    }

    /// The object, its version, and the server's time.
    fn read(&mut self, within: Duration) -> Result<(Stored, PutMode, i64), Error> {
        let get = async {
            let found = self.store.get(&self.path).await?;
            let version =
                UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
            Ok((found.bytes().await?, version))
        };
        let found: Result<_, object_store::Error> = self.limited(get, within)?;
        let (stored, mode) = match found {
            Ok((bytes, version)) => {
                let unreadable = || Stored { json: UNREADABLE.into(), ..Stored::default() };
                (serde_json::from_slice(&bytes).unwrap_or_else(|_| unreadable()), PutMode::Update(version))
            }
            Err(object_store::Error::NotFound { .. }) => (Stored::default(), PutMode::Create),
            Err(error) => return Err(self.refuse(&error)),
        };
        match self.time.load(Ordering::SeqCst) {
            0 => Err(Error::unavailable(&tr!("the shared store does not say what time it is"))),
            now => {
                self.connected = true;
                Ok((stored, mode, now))
            }
        }
    }

    /// Changes the record, and reads it again when another machine was faster.
    fn update<T>(
        &mut self,
        within: Duration,
        mut change: impl FnMut(&mut Record, i64) -> T,
    ) -> Result<T, Error> {
        let clock = Rc::clone(&self.shared.clock);
        let deadline = Deadline::after(&*clock, within);
        self.connected = false;
        loop {
            let (stored, mode, now) = self.read(deadline.remaining(&*clock))?;
            let before = stored.record(&self.cache);
            let mut record = before.clone();
            let result = change(&mut record, now);
            if record == before {
                return Ok(result);
            }
            let text = serde_json::to_vec(&stored.with(&self.cache, record, now));
            let text = text.map_err(|error| Error::unavailable(&error.to_string()))?;
            let put = self.store.put_opts(&self.path, PutPayload::from(text), PutOptions::from(mode));
            match self.limited(put, deadline.remaining(&*clock))? {
                Ok(_) => return Ok(result),
                Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                }
                // It may have arrived all the same. Reading it again tells.
                Err(object_store::Error::Generic { .. }) if !deadline.remaining(&*clock).is_zero() => {}
                Err(error) => {
                    self.connected = false;
                    return Err(self.refuse(&error));
                }
            }
            let pause = Duration::from_millis(PAUSE_MS.0 + random::up_to(PAUSE_MS.1));
            clock.sleep(pause.min(deadline.remaining(&*clock)));
        }
    }

    fn limited<T>(&self, future: impl Future<Output = T>, within: Duration) -> Result<T, Error> {
        let limited = async { tokio::time::timeout(within, future).await };
        self.runtime
            .block_on(limited)
            .map_err(|_| engine_error(&self.shared.place(), &tr!("it took too long"), None))
    }

    fn refuse(&self, error: &object_store::Error) -> Error {
        failed(&self.shared.place(), error)
    }
}

fn open(
    address: &Address<'_>,
    connector: Connector,
    env: &Env,
) -> object_store::Result<Box<dyn ObjectStore>> {
    // Attempts are repeated by us, after another look at the record.
    let retry = RetryConfig { max_retries: 0, ..RetryConfig::default() };
    let bucket = address.hosts;
    let local = |name: &str| env.get(name).is_some_and(is_loopback_url);
    Ok(match address.scheme {
        "s3" => Box::new(
            AmazonS3Builder::from_env()
                .with_allow_http(local("AWS_ENDPOINT_URL") || local("AWS_ENDPOINT_URL_S3"))
                .with_bucket_name(bucket)
                .with_retry(retry)
                .with_http_connector(connector)
                .build()?,
        ),
        "gs" => Box::new(
            GoogleCloudStorageBuilder::from_env()
                .with_bucket_name(bucket)
                .with_retry(retry)
                .with_http_connector(connector)
                .build()?,
        ),
        _ => Box::new(
            MicrosoftAzureBuilder::from_env()
                .with_allow_http(local("AZURE_STORAGE_ENDPOINT") || local("AZURITE_BLOB_STORAGE_URL"))
                .with_container_name(bucket)
                .with_retry(retry)
                .with_http_connector(connector)
                .build()?,
        ),
    })
}

/// Denied access and wrong settings are `Code::Config`. All else may be temporary.
fn failed(place: &str, error: &object_store::Error) -> Error {
    let is_refused = matches!(
        error,
        object_store::Error::PermissionDenied { .. }
            | object_store::Error::Unauthenticated { .. }
            | object_store::Error::NotFound { .. }
            | object_store::Error::NotImplemented { .. }
            | object_store::Error::UnknownConfigurationKey { .. }
    );
    let remedy =
        || tr!("check that the bucket exists, and that the cloud's credentials allow to read and write it");
    engine_error(place, &error.to_string(), is_refused.then(remedy))
}

impl Remote for ObjectRemote {
    fn look(
        &mut self,
        owner: Option<&str>,
        ids: &[Vec<u8>],
        within: Duration,
    ) -> Result<Option<Reply>, Error> {
        self.update(within, |record, now| record.look(now, owner, ids))
    }

    fn reserve(
        &mut self,
        owner: &str,
        change: LedgerChange<'_>,
        within: Duration,
    ) -> Result<Reserved, Error> {
        self.update(within, |record, now| record.reserve(now, owner, change))
    }

    fn record(&mut self, change: LedgerChange<'_>, within: Duration) -> Result<(String, String), Error> {
        self.update(within, |record, _| record.record(change))
    }

    fn commit(&mut self, token: NewToken<'_>, within: Duration) -> Result<bool, Error> {
        self.update(within, |record, _| record.commit(token))
    }

    fn drop_token(&mut self, macs: &[String], within: Duration) -> Result<(), Error> {
        self.update(within, |record, _| record.drop_token(macs))
    }

    fn set_aside(&mut self, sealed: &[u8], within: Duration) -> Result<(), Error> {
        self.update(within, |record, _| record.set_aside(sealed))
    }

    fn release(&mut self, owner: &str, within: Duration) -> Result<(), Error> {
        self.update(within, |record, now| record.release(now, owner))
    }

    fn inspect(&mut self) -> Result<Health, Error> {
        let clock = Rc::clone(&self.shared.clock);
        let before = clock.monotonic();
        let (stored, _, now) = self.read(INSPECT_TIMEOUT)?;
        let latency = clock.monotonic().saturating_sub(before);
        let record = stored.record(&self.cache);
        let until = record.lease.as_ref().map(|lease| lease.until_ms.saturating_sub(now));
        Ok(Health {
            latency,
            clock_offset_ms: now.saturating_sub(clock.now().wall_ms),
            clock_refusal: None,
            lease: until.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis),
            eviction: Eviction::Never,
            refusal: None,
            key_id: key_id(&record.sealed).map(<[u8]>::to_vec),
        })
    }

    fn is_connected(&self) -> bool {
        self.connected
    }

    /// Each look is a request that is paid for.
    fn longest_pause(&self) -> Duration {
        Duration::from_secs(1)
    }
}
