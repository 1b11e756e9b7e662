//! The token endpoint's requests (RFC 6749, sections 4.4 and 6, as Zoho has them), and what a token looks like.

use crate::model::{AccountsUrl, Grant, Profile};
use crate::secret::Secret;

/// Path of the token endpoint below the accounts server's URL.
pub const PATH: &str = "/oauth/v2/token";

/// The form of a token request. It owns its fields, as some are put together here.
#[derive(Debug)]
pub(crate) struct TokenForm(Vec<(&'static str, Secret)>);

impl TokenForm {
    /// The request that mints an access token for `profile` from its secrets. Zoho's SDKs send no `redirect_uri`
    /// on a refresh, and neither do we; scopes are separated by commas.
    pub(crate) fn mint(profile: &Profile, client_secret: &Secret, refresh_token: Option<&Secret>) -> Self {
        let mut fields =
            vec![("client_id", Secret::new(&*profile.client_id)), ("client_secret", client_secret.clone())];
        match &profile.grant {
            Grant::RefreshToken => {
                fields.push(("grant_type", Secret::new("refresh_token")));
                fields.extend(refresh_token.map(|token| ("refresh_token", token.clone())));
            }
            Grant::ClientCredentials { soid } => {
                fields.push(("grant_type", Secret::new("client_credentials")));
                fields.push(("scope", Secret::new(profile.scopes.join(","))));
                fields.extend(soid.as_ref().map(|soid| ("soid", Secret::new(&**soid))));
            }
        }
        TokenForm(fields)
    }

    /// The exchange of an authorization code (RFC 6749, section 4.1.3). A self client's code has no redirect URI.
    pub(crate) fn exchange(
        profile: &Profile,
        client_secret: &Secret,
        code: &Secret,
        redirect_uri: Option<&str>,
        verifier: Option<&Secret>,
    ) -> Self {
        let mut fields = vec![
            ("grant_type", Secret::new("authorization_code")),
            ("client_id", Secret::new(&*profile.client_id)),
            ("client_secret", client_secret.clone()),
            ("code", code.clone()),
        ];
        fields.extend(redirect_uri.map(|uri| ("redirect_uri", Secret::new(uri))));
        fields.extend(verifier.map(|verifier| ("code_verifier", verifier.clone())));
        TokenForm(fields)
    }

    /// A request made of these fields.
    pub(crate) fn of(fields: Vec<(&'static str, Secret)>) -> Self {
        TokenForm(fields)
    }

    /// The fields, to be sent.
    pub(crate) fn fields(&self) -> Vec<(&'static str, &Secret)> {
        self.0.iter().map(|(name, value)| (*name, value)).collect()
    }
}

/// The token endpoint's URL.
pub(crate) fn url(accounts: &AccountsUrl) -> String {
    accounts.join(PATH)
}
