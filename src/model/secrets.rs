//! The secrets of a credential.

use crate::secret::Secret;

/// What mints tokens, beside the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    /// The client's secret.
    pub client_secret: Secret,
    /// The refresh token; `None` for client credentials.
    pub refresh_token: Option<Secret>,
}

/// What is shorter stands in any text by chance, in bytes.
const LEAST_LENGTH: usize = 4;

impl Secrets {
    /// Whether one of them can be read in `text`: a server may send anything back.
    pub(crate) fn appears_in(&self, text: &str) -> bool {
        let secrets = [Some(&self.client_secret), self.refresh_token.as_ref()];
        let mut long = secrets.into_iter().flatten().filter(|secret| secret.expose().len() >= LEAST_LENGTH);
        long.any(|secret| text.contains(secret.expose()))
    }
}
