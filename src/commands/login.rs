//! `login`: grant access once, prove it, keep it.

use super::session::{read_config, roots};
use crate::cli::{FlowName, Global, LoginArgs};
use crate::config::{Grant, Profile, SecretsIn, state_dir};
use crate::credential::{CredentialSource, Secrets, Source};
use crate::error::Error;
use crate::login::{keep, refresh_token, settings};
use crate::store::{self, StateDir};
use crate::system::System;
use crate::token::{Ask, MinTtl, Ports, obtain};
use std::time::Duration;

/// For the request that proves a credential.
const VERIFY_TIMEOUT: Duration = Duration::from_secs(30);

/// Logs a profile in; nothing is stored unless the credential works, or `--no-verify` says not to ask.
pub fn login(system: &mut System, global: &Global, args: &LoginArgs) -> Result<u8, Error> {
    let config = read_config(system, global, false)?;
    let state = StateDir::new(state_dir(&system.env)?);
    let mut profile = settings::profile(system, args, &config)?;
    if let SecretsIn::Command(_) | SecretsIn::Environment = profile.secrets {
        return Err(Error::Usage(
            "this profile's secrets come from a command; give --secrets to change that".into(),
        ));
    }
    let stored =
        Source::new(&profile, &system.env, &state).secrets().ok().map(|secrets| secrets.client_secret);
    let client_secret = settings::client_secret(system, args, stored)?;
    let secrets = match args.flow.unwrap_or(FlowName::RefreshToken) {
        FlowName::RefreshToken => {
            profile.grant = Grant::RefreshToken;
            let refresh_token = Some(refresh_token::refresh_token(system, args)?);
            Secrets { client_secret, refresh_token }
        }
    };
    if !args.no_verify {
        verify(system, global, &state, &profile, &secrets)?;
    }
    keep(system, &state, &config, &profile, &secrets, false)?;
    if !global.quiet {
        system.say(&format!("zoho-cred: logged in; 'zoho-cred get {}' prints a token", profile.name));
    }
    Ok(0)
}

/// Spends one request on proving that `secrets` mint a token, which goes into the cache.
fn verify(
    system: &System,
    global: &Global,
    state: &StateDir,
    profile: &Profile,
    secrets: &Secrets,
) -> Result<(), Error> {
    let source = Source::given(profile, &system.env, state, secrets);
    let http = (system.http)(&roots(system, global))?;
    system.signals.install();
    let ports = Ports {
        clock: &*system.clock,
        http: &*http,
        signals: &system.signals,
        profile,
        credential: &source,
        open: &|credential| store::open(state, credential),
        waiting: &|_| {},
    };
    let ask = Ask {
        min_ttl: MinTtl::Default,
        timeout: VERIFY_TIMEOUT,
        wait: Duration::ZERO,
        refresh: false,
        offline: false,
    };
    obtain(&ports, &ask).map(|_| ())
}
