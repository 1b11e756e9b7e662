//! The token endpoint's requests (RFC 6749, sections 4.1.3, 4.4 and 6, as Zoho has them).

use crate::model::{Grant, Profile};
use crate::secret::Secret;

/// Path of the token endpoint below the accounts server's URL.
pub const PATH: &str = "/oauth/v2/token";

pub(crate) type Form = Vec<(&'static str, Secret)>;

/// The request for an access token of `profile`. Zoho's SDKs send no `redirect_uri` on a refresh, and neither do we; scopes
/// are separated by commas.
pub(crate) fn mint(profile: &Profile, client_secret: &Secret, refresh_token: Option<&Secret>) -> Form {
    let mut form = client(profile, client_secret);
    match &profile.grant {
        Grant::RefreshToken => {
            form.push(("grant_type", Secret::new("refresh_token")));
            form.extend(refresh_token.map(|token| ("refresh_token", token.clone())));
        }
        Grant::ClientCredentials { soid } => {
            form.push(("grant_type", Secret::new("client_credentials")));
            form.push(("scope", Secret::new(profile.scopes.join(","))));
            form.extend(soid.as_ref().map(|soid| ("soid", Secret::new(&**soid))));
        }
    }
    form
}

/// The exchange of an authorization code. A self client's code has no redirect URI.
pub(crate) fn exchange(
    profile: &Profile,
    client_secret: &Secret,
    code: &Secret,
    redirect_uri: Option<&str>,
    verifier: Option<&Secret>,
) -> Form {
    let mut form = client(profile, client_secret);
    form.push(("grant_type", Secret::new("authorization_code")));
    form.push(("code", code.clone()));
    form.extend(redirect_uri.map(|uri| ("redirect_uri", Secret::new(uri))));
    form.extend(verifier.map(|verifier| ("code_verifier", verifier.clone())));
    form
}

pub(super) fn client(profile: &Profile, client_secret: &Secret) -> Form {
    vec![("client_id", Secret::new(&*profile.client_id)), ("client_secret", client_secret.clone())]
}
