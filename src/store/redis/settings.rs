//! Settings of the shared store: `[store]`, `ZOHO_CRED_STORE` and the keys.

use crate::config::ConfigFile;
use crate::config::environment::secret;
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::secret::Secret;
use crate::store::redis::seal::Keys;
use crate::system::{Clock, Env, Roots};
use std::path::PathBuf;
use std::rc::Rc;

/// Default prefix of all keys.
const PREFIX: &str = "zoho-cred";

/// The settings of the shared store. They are validated on first use, so that a valid cached token is served
/// regardless.
#[derive(Clone)]
pub struct RedisSettings {
    /// The URL. It may contain a password.
    pub url: Secret,
    /// Prefix of all keys.
    pub prefix: String,
    /// The keys that tokens are sealed with.
    pub keys: Result<Keys, Error>,
    /// `--ca-file`.
    pub ca_file: Option<PathBuf>,
    /// This machine's clock.
    pub clock: Rc<dyn Clock>,
}

impl RedisSettings {
    /// The shared store of a call. `ZOHO_CRED_STORE` takes precedence over `[store]`.
    pub fn of(config: &ConfigFile, env: &Env, roots: &Roots, clock: &Rc<dyn Clock>) -> Option<Self> {
        let url = address(config, env)?;
        let prefix = config.store().and_then(|store| store.prefix.clone());
        Some(RedisSettings {
            url: Secret::new(url),
            prefix: prefix.unwrap_or_else(|| PREFIX.to_owned()),
            keys: keys(env),
            ca_file: roots.ca_file.clone(),
            clock: Rc::clone(clock),
        })
    }

    /// The store's URL without user and password, for `status`.
    pub fn place(config: &ConfigFile, env: &Env) -> Option<String> {
        address(config, env).map(place)
    }
}

fn address<'a>(config: &'a ConfigFile, env: &'a Env) -> Option<&'a str> {
    env.get("ZOHO_CRED_STORE").or(config.store().map(|store| store.url.as_str()))
}

/// Removes user, password and query from a URL.
pub(crate) fn place(address: &str) -> String {
    match url::Url::parse(address) {
        Ok(url) => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
        }
        Err(_) => tr!("an address that is not a URL"),
    }
}

fn keys(env: &Env) -> Result<Keys, Error> {
    let current = secret(env, "ZOHO_CRED_STORE_KEY")?.ok_or_else(|| {
        Error::new(
            Code::Config,
            tr!("the shared store needs ZOHO_CRED_STORE_KEY or ZOHO_CRED_STORE_KEY_FILE"),
            tr!("make a key with 'zoho-cred keygen' and give it to every machine"),
        )
    })?;
    Keys::read(&current, secret(env, "ZOHO_CRED_STORE_KEY_OLD")?.as_ref())
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_place_holds_no_password() {
        assert_eq!(place("rediss://fleet:hunter2@redis.example:6379/1"), "rediss://redis.example:6379/1");
        assert_eq!(place("redis+unix:///run/redis.sock?pass=hunter2"), "redis+unix:///run/redis.sock");
        assert!(!place("hunter2").contains("hunter2"));
    }
}
