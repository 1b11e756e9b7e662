//! `login --client-secret-only`: replaces a client secret that was rotated in the API console. The refresh token stays, so
//! no new consent is needed.

use crate::cli::{Global, LoginArgs};
use crate::commands::login::context::{ATTEMPTS, verify};
use crate::commands::session::Session;
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::login::client_secret::{another_client_secret, new_client_secret};
use crate::login::wrong;
use crate::model::{CredentialId, SecretBackend, Secrets};
use crate::secrets::{CredentialSource, LoginLock, replace_client_secret};
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
    let mut secrets = Secrets { client_secret: new_client_secret(system, args)?, ..old.clone() };
    let (mut attempts, mut done) = (0, args.no_verify);
    while !done {
        attempts += 1;
        match verify(system, &session, &secrets) {
            Ok((_, verified)) => (secrets, done) = (verified, true),
            Err(error) if error.code() == Code::ClientRejected && attempts < ATTEMPTS => {
                secrets.client_secret = another_client_secret(system, error)?;
            }
            Err(error) => return Err(error),
        }
    }
    let source = session.source(system);
    let lock = LoginLock::take(&*system.clock, state, &session.config)?;
    let (before, after) = (&old.client_secret, &secrets.client_secret);
    let names = replace_client_secret(state, &|word| source.store(word), profile, before, after)?;
    drop(lock);
    if names.is_empty() {
        return Err(source.modified());
    }
    if let Some(token) = secrets.refresh_token.filter(|token| Some(token) != old.refresh_token.as_ref()) {
        source.replace(&old, &token, &|_: &CredentialId| Ok(()))?;
    }
    let names = names.join(&tr!(", "));
    system.inform(&tr!("zoho-cred: the new client secret is stored for {names}", names));
    Ok(0)
}
