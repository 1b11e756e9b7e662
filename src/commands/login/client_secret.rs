//! `login --client-secret-only`: replaces a client secret that was rotated in the API console. The refresh token stays, so
//! no new consent is needed.

use crate::cli::{Global, LoginArgs};
use crate::commands::login::context::{ATTEMPTS, TEST_REQUEST};
use crate::commands::session::Session;
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::login::client_secret::{another_client_secret, new_client_secret};
use crate::login::wrong;
use crate::model::{CredentialId, Profile, SecretBackend, Secrets};
use crate::refresh::get_token;
use crate::secret::Secret;
use crate::secrets::{CredentialSource, LoginLock, Source, replace_client_secret};
use crate::system::System;

/// Tests the new secret with one token request, then stores it for every profile that has the old one.
pub(super) fn client_secret_only(
    system: &mut System,
    global: &Global,
    args: &LoginArgs,
) -> Result<u8, Error> {
    let session = Session::open(system, global, args.profile.as_deref())?;
    let (profile, state) = (&session.profile, &session.state);
    if matches!(profile.secrets, SecretBackend::Command(_) | SecretBackend::Environment) {
        return Err(wrong(tr!(
            "this profile's secrets are not stored by zoho-cred; change them where they are"
        )));
    }
    let old = session.source(system).secrets()?;
    let mut secret = new_client_secret(system, args)?;
    let mut replaced = None;
    for attempt in 1..=ATTEMPTS {
        let secrets = Secrets { client_secret: secret.clone(), refresh_token: old.refresh_token.clone() };
        match if args.no_verify { Ok(None) } else { verify(system, &session, &secrets) } {
            Ok(token) => {
                replaced = token;
                break;
            }
            Err(error) if error.code() == Code::ClientRejected && attempt < ATTEMPTS => {
                secret = another_client_secret(system, error)?;
            }
            Err(error) => return Err(error),
        }
    }
    let source = session.source(system);
    let lock = LoginLock::take(&*system.clock, state, &session.config)?;
    let names =
        replace_client_secret(state, &|word| source.store(word), profile, &old.client_secret, &secret)?;
    drop(lock);
    if names.is_empty() {
        return Err(source.modified());
    }
    if let Some(token) = replaced {
        source.replace(&old, &token, &|_: &CredentialId| Ok(()))?;
    }
    if !global.verbosity.quiet {
        let names = names.join(&tr!(", "));
        system.say(&tr!("zoho-cred: the new client secret is stored for {names}", names));
    }
    Ok(0)
}

/// Tests `secrets`. Returns the refresh token that replaces theirs, if Zoho issued one.
fn verify(system: &System, session: &Session, secrets: &Secrets) -> Result<Option<Secret>, Error> {
    let profile: &Profile = &session.profile;
    let source = Source::given(profile, system, &session.state, secrets);
    let response = session.with_ports(system, &source, |ports| Ok(get_token(ports, &TEST_REQUEST)?))?;
    if let Some(warning) = &response.warning {
        system.warn(warning);
    }
    Ok(source.replacement())
}
