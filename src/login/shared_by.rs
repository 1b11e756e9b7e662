//! Finds other profiles with the same credential, because revoking it affects all of them.

use crate::config::ConfigFile;
use crate::error::Error;
use crate::model::{Origin, Profile, ProfileName, SecretBackend};
use crate::secrets::{LoginRecord, ProfileState};
use crate::store::StateDir;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sharer {
    pub(crate) profile: String,
    pub(crate) scopes: Vec<String>,
}

/// The other profiles that are known to use `credential`: those with a stored login, in any config file, and those
/// in `config` whose secrets a command printed.
pub(crate) fn shared_by(
    state: &StateDir,
    config: &ConfigFile,
    profile: &Profile,
    credential: &str,
) -> Result<Vec<Sharer>, Error> {
    let by_name = matches!(profile.origin, Origin::Default(_));
    let is_named = |login: &LoginRecord| {
        let is_here = if login.by_name { by_name } else { login.config == config.path() };
        login.profile == profile.name.as_str() && is_here
    };
    let logins: Vec<_> = LoginRecord::all(state)?.into_iter().map(|(_, login)| login).collect();
    // A rename that could not change the config leaves a second record of the same items.
    let own = logins.iter().find(|login| is_named(login)).map(|login| login.client_secret.clone());
    let is_own = |login: &LoginRecord| is_named(login) || own.as_ref() == Some(&login.client_secret);
    let stored = logins.into_iter().filter(|login| login.credential == credential && !is_own(login));
    let stored = stored.map(|login| Sharer { profile: login.profile, scopes: login.scopes });
    let others = config.names().into_iter().filter(|name| name != profile.name.as_str());
    let others = others.filter_map(|name| config.profile(&ProfileName::new(&name).ok()?)?.ok());
    let by_command = others.filter(|other| {
        matches!(other.secrets, SecretBackend::Command(_))
            && ProfileState::load(state, other).is_some_and(|used| used.credential().ledger() == credential)
    });
    let by_command = by_command.map(|other| Sharer { profile: other.name.to_string(), scopes: other.scopes });
    Ok(stored.chain(by_command).collect())
}
