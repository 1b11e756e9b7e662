use crate::config::environment::{client_secret, refresh_token};
use crate::error::Error;
use crate::model::{Grant, Profile, Secrets};
use crate::system::Env;

/// Reads the variables, or the files they name, on every call: a mounted secret may have been replaced.
pub fn secrets(env: &Env, profile: &Profile) -> Result<Secrets, Error> {
    let missing = |missing| Error::EnvironmentIncomplete { missing };
    Ok(Secrets {
        client_secret: client_secret(env)?.ok_or(missing("ZOHO_CLIENT_SECRET"))?,
        refresh_token: match profile.grant {
            Grant::RefreshToken => Some(refresh_token(env)?.ok_or(missing("ZOHO_REFRESH_TOKEN"))?),
            Grant::ClientCredentials { .. } => None,
        },
    })
}
