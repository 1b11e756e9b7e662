use crate::config::environment::{client_secret, missing, refresh_token};
use crate::error::Error;
use crate::model::{Grant, Profile, Secrets};
use crate::system::Env;

/// Reads the variables, or the files they name, on every call: a mounted secret may have been replaced.
pub fn secrets(env: &Env, profile: &Profile) -> Result<Secrets, Error> {
    Ok(Secrets {
        client_secret: client_secret(env)?.ok_or_else(|| missing(&["ZOHO_CLIENT_SECRET"]))?,
        refresh_token: match profile.grant {
            Grant::RefreshToken => Some(refresh_token(env)?.ok_or_else(|| missing(&["ZOHO_REFRESH_TOKEN"]))?),
            Grant::ClientCredentials { .. } => None,
        },
    })
}
