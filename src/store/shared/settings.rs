//! Settings of the shared store: `[store]`, `ZOHO_CRED_STORE` and the keys.

use crate::config::ConfigFile;
use crate::config::environment::secret;
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::nearest::did_you_mean;
use crate::sanitize::sanitize;
use crate::secret::Secret;
use crate::store::shared::address::Address;
use crate::store::shared::seal::Keys;
use crate::system::{Clock, Env, Roots, files, random};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Default prefix of all keys.
const PREFIX: &str = "zoho-cred";
/// Value of `ZOHO_CRED_STORE` for refreshes that no other machine knows of.
const NO_STORE: &str = "none";
/// A name within as many typing errors of one of ours is not another program's.
const TYPING_ERRORS: usize = 2;
/// The variables of the shared store. All but the first two only make sense with one.
const VARIABLES: [&str; 6] = [
    "ZOHO_CRED_STORE",
    "ZOHO_CRED_STORE_FILE",
    "ZOHO_CRED_STORE_KEY",
    "ZOHO_CRED_STORE_KEY_FILE",
    "ZOHO_CRED_STORE_KEY_OLD",
    "ZOHO_CRED_STORE_KEY_OLD_FILE",
];

/// The settings of the shared store. URL, password and keys are read at each connection, so that they rotate without a
/// restart, and so that a valid cached token is served regardless.
#[derive(Clone)]
pub struct SharedSettings {
    url: UrlSource,
    env: Env,
    password_file: Option<PathBuf>,
    pub(crate) prefix: String,
    /// Client certificate and key, as files.
    pub(crate) client_cert: Option<(PathBuf, PathBuf)>,
    pub(crate) roots: Roots,
    pub(crate) clock: Rc<dyn Clock>,
    /// Names this process as the owner of leases.
    process: String,
    /// How many leases this process has tried to take.
    attempts: Rc<Cell<u32>>,
}

#[derive(Clone)]
enum UrlSource {
    Value(Secret),
    File(PathBuf),
}

impl SharedSettings {
    /// The shared store of a call. `ZOHO_CRED_STORE` takes precedence over `[store]`. `Code::Config` if the settings could
    /// mean a store and do not name one: a missing CI secret must not mean unguarded refreshes.
    pub fn of(
        config: &ConfigFile,
        env: &Env,
        roots: &Roots,
        clock: &Rc<dyn Clock>,
    ) -> Result<Option<Self>, Error> {
        check_names(env)?;
        let table = config.store();
        let url = match source(env)? {
            Some(UrlSource::Value(url)) if url.expose() == NO_STORE => return Ok(None),
            Some(url) => url,
            None => match table.map(|table| table.url.as_deref()) {
                Some(Some(url)) => UrlSource::Value(Secret::new(url)),
                Some(None) => return Err(without_url()),
                None => return no_store(env),
            },
        };
        let client_cert = match table.map(|table| (&table.client_cert, &table.client_key)) {
            None | Some((None, None)) => None,
            Some((Some(cert), Some(key))) => Some((cert.clone(), key.clone())),
            Some(_) => return Err(half_a_certificate()),
        };
        let prefix = table.and_then(|table| table.prefix.clone()).unwrap_or_else(|| PREFIX.to_owned());
        if prefix.is_empty() || prefix.contains(['{', '}']) {
            return Err(Error::new(
                Code::Config,
                tr!("the prefix of [store] is empty or holds a brace"),
                tr!("use letters and digits, or leave it out"),
            ));
        }
        Ok(Some(SharedSettings {
            url,
            env: env.clone(),
            password_file: table.and_then(|table| table.password_file.clone()),
            prefix,
            client_cert,
            roots: roots.clone(),
            clock: Rc::clone(clock),
            process: random::word()?,
            attempts: Rc::default(),
        }))
    }

    /// A new owner of a lease. It may take over a lease of this process's earlier owners.
    pub(crate) fn next_owner(&self) -> String {
        self.attempts.set(self.attempts.get().saturating_add(1));
        format!("{}:{:010}", self.process, self.attempts.get())
    }

    /// Scheme, host, port and database of the store, for messages.
    pub(crate) fn place(&self) -> String {
        let place = self.url().and_then(|url| Ok(Address::parse(url.expose())?.place()));
        place.unwrap_or_else(|_| tr!("an address that is not a URL"))
    }

    #[cfg(feature = "object-storage")]
    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    pub(crate) fn warning(&self) -> Option<String> {
        let url = self.url().ok()?;
        let address = Address::parse(url.expose()).ok()?;
        address.is_exposed().then(|| {
            tr!(
                "the connection to {place} is not encrypted; use the scheme with TLS, such as rediss://",
                place = address.place()
            )
        })
    }

    /// The URL, read now. It may contain a password.
    pub(crate) fn url(&self) -> Result<Secret, Error> {
        let url = match &self.url {
            UrlSource::Value(url) => Secret::from_text(url.expose()),
            UrlSource::File(path) => files::read_secret(path)?,
        };
        if url.is_empty() { Err(empty("ZOHO_CRED_STORE_FILE")) } else { Ok(url) }
    }

    /// The password of `store.password_file`, read now.
    pub(crate) fn password(&self) -> Result<Option<Secret>, Error> {
        self.password_file.as_deref().map(|path: &Path| files::read_secret(path)).transpose()
    }

    /// The keys that tokens are sealed with, read now.
    pub(crate) fn keys(&self) -> Result<Keys, Error> {
        let current = secret(&self.env, "ZOHO_CRED_STORE_KEY")?.ok_or_else(|| {
            Error::new(
                Code::Config,
                tr!("the shared store needs ZOHO_CRED_STORE_KEY or ZOHO_CRED_STORE_KEY_FILE"),
                tr!("make a key with 'zoho-cred keygen' and give it to every machine"),
            )
        })?;
        // A previous key exists only during a rotation, but its file is mounted always.
        let old_file = self.env.get("ZOHO_CRED_STORE_KEY_OLD_FILE").map(Path::new);
        let old = match old_file {
            Some(path) if !path.exists() => None,
            _ => secret(&self.env, "ZOHO_CRED_STORE_KEY_OLD")?,
        };
        Keys::read(&current, old.as_ref())
    }
}

fn source(env: &Env) -> Result<Option<UrlSource>, Error> {
    let (url, file) = ("ZOHO_CRED_STORE", "ZOHO_CRED_STORE_FILE");
    for name in [url, file] {
        if env.is_set(name) && env.get(name).is_none_or(|value| value.trim().is_empty()) {
            return Err(empty(name));
        }
    }
    match (env.get(url), env.get(file)) {
        (Some(_), Some(_)) => Err(Error::new(
            Code::Config,
            tr!("{name} and {file} are both set", name = url, file),
            tr!("unset one of {name} and {file}", name = url, file),
        )),
        (Some(url), None) => Ok(Some(UrlSource::Value(Secret::from_text(url)))),
        (None, Some(path)) => Ok(Some(UrlSource::File(path.into()))),
        (None, None) => Ok(None),
    }
}

/// A misspelled variable would mean that there is no store.
fn check_names(env: &Env) -> Result<(), Error> {
    let misspelled = |name: &str| {
        let distance = |known: &&str| strsim::damerau_levenshtein(name, known);
        VARIABLES.into_iter().min_by_key(distance).filter(|known| distance(known) <= TYPING_ERRORS)
    };
    for name in env.names().filter(|name| name.starts_with("ZOHO") && !VARIABLES.contains(name)) {
        let near = misspelled(name).or(name.starts_with(VARIABLES[0]).then_some(VARIABLES[0]));
        if let Some(near) = near {
            let problem = tr!("there is no variable {name}", name = sanitize(name));
            return Err(Error::new(Code::Config, problem, did_you_mean(near)));
        }
    }
    Ok(())
}

fn no_store(env: &Env) -> Result<Option<SharedSettings>, Error> {
    match VARIABLES.into_iter().skip(2).find(|name| env.get(name).is_some()) {
        None => Ok(None),
        Some(name) => Err(Error::new(
            Code::Config,
            tr!("{name} is set, but no shared store is", name),
            tr!("set ZOHO_CRED_STORE to its URL, or to 'none' to refresh without one"),
        )),
    }
}

fn empty(name: &str) -> Error {
    Error::new(
        Code::Config,
        tr!("{name} is set but empty", name),
        tr!("set it to the URL of the shared store, or set ZOHO_CRED_STORE=none to refresh without one"),
    )
}

fn without_url() -> Error {
    Error::new(
        Code::Config,
        tr!("[store] has no url"),
        tr!("add 'url = \"rediss://…\"' to [store], or set ZOHO_CRED_STORE"),
    )
}

fn half_a_certificate() -> Error {
    Error::new(
        Code::Config,
        tr!("[store] has only one of client_cert and client_key"),
        tr!("set both, or neither"),
    )
}
