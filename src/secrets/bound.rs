//! Secrets are sent only to the accounts server, as the client and for the grant, that they were created for.

use crate::model::{AccountsUrl, Profile};

/// A setting that secrets are bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedSetting {
    /// `accounts_url` or `data_center`.
    AccountsServer,
    /// `client_id`.
    ClientId,
    /// `grant`.
    Grant,
}

/// Returns the first setting of `profile` that differs from the one its secrets were created for. Accounts URLs are
/// compared after normalization. `scopes` and `soid` may change, because they do not affect where the secrets are
/// sent.
pub(crate) fn changed_setting(
    profile: &Profile,
    accounts_url: &str,
    client_id: &str,
    grant: &str,
) -> Option<ChangedSetting> {
    if !AccountsUrl::new(accounts_url).is_ok_and(|url| url == profile.accounts_url) {
        Some(ChangedSetting::AccountsServer)
    } else if client_id != profile.client_id {
        Some(ChangedSetting::ClientId)
    } else if grant != profile.grant.word() {
        Some(ChangedSetting::Grant)
    } else {
        None
    }
}
