use crate::secret::Secret;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    pub client_secret: Secret,
    /// `None` for client credentials.
    pub refresh_token: Option<Secret>,
}

/// In bytes. Shorter values occur in any text by chance.
const LEAST_LENGTH: usize = 4;

impl Secrets {
    /// Whether one of the secrets occurs in `text`, such as a server's response.
    pub(crate) fn appears_in(&self, text: &str) -> bool {
        let secrets = [Some(&self.client_secret), self.refresh_token.as_ref()];
        let mut long = secrets.into_iter().flatten().filter(|secret| secret.expose().len() >= LEAST_LENGTH);
        long.any(|secret| text.contains(secret.expose()))
    }
}
