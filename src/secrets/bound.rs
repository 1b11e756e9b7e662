//! Secrets go only to the accounts server, as the client and by the grant that they were made for.

use crate::error::ChangedSetting;
use crate::model::{AccountsUrl, Profile};

/// The setting of `profile` that is not what its secrets were made for, if one is not. One server may be written in
/// several ways; `scopes` and `soid` may be edited, as the secrets then go where they went before.
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
