//! The consent page's address (RFC 6749, section 4.1.1, as Zoho has it).

use crate::model::Profile;
use crate::secret::Secret;
use url::form_urlencoded::Serializer;

/// Path of the authorize endpoint below the accounts server's URL.
pub const PATH: &str = "/oauth/v2/auth";

/// The URL that the user has to visit. It always asks for `offline` access with a new `consent`, because Zoho issues no
/// refresh token otherwise. Scopes are separated by commas.
pub(crate) fn url(profile: &Profile, state: &Secret, challenge: Option<&str>) -> String {
    let mut query = Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &profile.client_id)
        .append_pair("redirect_uri", &profile.redirect_uri)
        .append_pair("scope", &profile.scopes.join(","))
        .append_pair("access_type", "offline")
        .append_pair("prompt", "consent")
        .append_pair("state", state.expose());
    if let Some(challenge) = challenge {
        query.append_pair("code_challenge", challenge).append_pair("code_challenge_method", "S256");
    }
    format!("{}?{}", profile.accounts_url.join(PATH), query.finish())
}
