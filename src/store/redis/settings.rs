//! Where the shared store is, and how to get in: `[store]`, `ZOHO_CRED_STORE` and the fleet's key.

use crate::config::ConfigFile;
use crate::config::environment::secret;
use crate::error::Error;
use crate::i18n::tr;
use crate::secret::Secret;
use crate::store::redis::seal::Keys;
use crate::system::{Clock, Env, Roots};
use std::path::PathBuf;
use std::rc::Rc;

/// What every key in the store begins with unless `prefix` says otherwise.
const PREFIX: &str = "zoho-cred";

/// The settings of the shared store. What is wrong with them is told when the store is needed, so that a living
/// token is served whatever they say.
#[derive(Clone)]
pub struct Shared {
    /// The address; it may hold a password.
    pub url: Secret,
    /// What every key begins with.
    pub prefix: String,
    /// The fleet's keys.
    pub keys: Result<Keys, Error>,
    /// `--ca-file`.
    pub ca_file: Option<PathBuf>,
    /// This machine's time.
    pub clock: Rc<dyn Clock>,
}

impl Shared {
    /// The shared store of a call, if one is set: `ZOHO_CRED_STORE` goes before `[store]`.
    pub fn of(config: &ConfigFile, env: &Env, roots: &Roots, clock: &Rc<dyn Clock>) -> Option<Self> {
        let url = address(config, env)?;
        let prefix = config.store().and_then(|store| store.prefix.clone());
        Some(Shared {
            url: Secret::new(url),
            prefix: prefix.unwrap_or_else(|| PREFIX.to_owned()),
            keys: keys(env),
            ca_file: roots.ca_file.clone(),
            clock: Rc::clone(clock),
        })
    }

    /// Where the store is, without user and password, for `status`.
    pub fn place(config: &ConfigFile, env: &Env) -> Option<String> {
        address(config, env).map(place)
    }
}

fn address<'a>(config: &'a ConfigFile, env: &'a Env) -> Option<&'a str> {
    env.get("ZOHO_CRED_STORE").or(config.store().map(|store| store.url.as_str()))
}

/// An address without user, password and query.
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
    let current = secret(env, "ZOHO_CRED_STORE_KEY")?.ok_or_else(|| Error::Setting {
        problem: tr!("the shared store needs ZOHO_CRED_STORE_KEY or ZOHO_CRED_STORE_KEY_FILE"),
        hint: tr!("make a key with 'zoho-cred keygen' and give it to every machine"),
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
