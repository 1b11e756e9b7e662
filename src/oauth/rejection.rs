//! What Zoho's error words for a rejected client most likely mean, and what to do about each.

use crate::error::{Code, Error, WrongAnswer};
use crate::i18n::tr;
use crate::model::{Profile, SecretBackend};

/// Zoho's IP restriction, which names it in `cause` beside the code `T102`.
pub(crate) const IP_NOT_ALLOWED: &str = "ip_not_allowed";

/// The likely cause of a rejection. Only a change of the settings, the client or the organization's policy helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LikelyCause {
    DataCenter,
    ClientSecret,
    RedirectUri,
    InactiveClient,
    RestrictedClient,
    Administrator,
    Device,
    ClientType,
    GrantType,
    Address,
    Scope,
    Organization,
}

const CAUSES: [(&str, LikelyCause); 10] = [
    ("invalid_client", LikelyCause::DataCenter),
    ("invalid_client_secret", LikelyCause::ClientSecret),
    ("invalid_redirect_uri", LikelyCause::RedirectUri),
    ("inactive_client", LikelyCause::InactiveClient),
    ("restricted_client", LikelyCause::RestrictedClient),
    ("access_denied_admin", LikelyCause::Administrator),
    ("unauthorized_device", LikelyCause::Device),
    ("unauthorized_client", LikelyCause::ClientType),
    ("unsupported_grant_type", LikelyCause::GrantType),
    (IP_NOT_ALLOWED, LikelyCause::Address),
];

impl LikelyCause {
    /// The likely cause of `word`, `None` if `word` does not say that the client is rejected.
    pub(crate) fn of(word: &str) -> Option<Self> {
        match CAUSES.iter().find(|(known, _)| *known == word) {
            Some((_, cause)) => Some(*cause),
            None if word.contains("scope") => Some(LikelyCause::Scope),
            None if ["_org", "org_", "soid"].iter().any(|part| word.contains(part)) => {
                Some(LikelyCause::Organization)
            }
            None => None,
        }
    }

    fn wrong_answer(self) -> Option<WrongAnswer> {
        match self {
            LikelyCause::DataCenter | LikelyCause::ClientSecret => Some(WrongAnswer::Client),
            LikelyCause::Scope => Some(WrongAnswer::Scopes),
            LikelyCause::Organization => Some(WrongAnswer::Organization),
            _ => None,
        }
    }

    fn text(self, accounts_url: &str) -> String {
        match self {
            LikelyCause::DataCenter => tr!(
                "most likely the wrong data center ({accounts_url} was asked), else a wrong client ID or secret",
                accounts_url
            ),
            LikelyCause::ClientSecret => {
                tr!(
                    "the client secret is wrong, or is that of another data center than {accounts_url}",
                    accounts_url
                )
            }
            LikelyCause::RedirectUri => {
                tr!("the redirect URI is not exactly one of those registered for the client")
            }
            LikelyCause::InactiveClient => tr!("the client was deactivated or deleted in the API console"),
            LikelyCause::RestrictedClient => tr!("Zoho has restricted this client"),
            LikelyCause::Administrator => {
                tr!("an administrator of the organization does not allow this client")
            }
            LikelyCause::Device => tr!("the organization's policy does not allow this device"),
            LikelyCause::ClientType => tr!("the type of the client does not allow this way to log in"),
            LikelyCause::GrantType => {
                tr!(
                    "{accounts_url} does not support this grant, or not for this type of client",
                    accounts_url
                )
            }
            LikelyCause::Address => {
                tr!("the organization's IP restrictions do not allow the address of this machine")
            }
            LikelyCause::Scope => tr!("a scope is misspelled, or its product is not part of the account"),
            LikelyCause::Organization => {
                tr!("soid is missing or wrong; its format is like ZohoCRM.600000434")
            }
        }
    }

    fn hint(self, profile: &Profile) -> String {
        let in_environment = profile.secrets == SecretBackend::Environment;
        let by_command = matches!(profile.secrets, SecretBackend::Command(_));
        let profile = &profile.name;
        match self {
            LikelyCause::InactiveClient => {
                tr!("activate the client in the API console, or register another and log in with that")
            }
            LikelyCause::RestrictedClient => tr!("ask Zoho's support why, naming the client ID"),
            LikelyCause::Administrator => tr!("ask the administrator to allow the client for your account"),
            LikelyCause::Device => tr!("ask the administrator to allow this device, or use another"),
            LikelyCause::Address => {
                tr!(
                    "ask the administrator to add the address to the allowed IP addresses, or use another network"
                )
            }
            LikelyCause::Scope if in_environment => {
                tr!("correct ZOHO_SCOPES, or ask for other scopes when you log in")
            }
            LikelyCause::Organization if in_environment => tr!("correct ZOHO_SOID"),
            LikelyCause::ClientSecret if in_environment => {
                tr!("correct ZOHO_CLIENT_SECRET, or ZOHO_DATA_CENTER")
            }
            _ if in_environment => {
                tr!("compare ZOHO_DATA_CENTER, ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET with the API console")
            }
            LikelyCause::DataCenter => tr!(
                "compare data_center, client ID and secret with the API console, then run 'zoho-cred login {profile}'",
                profile
            ),
            LikelyCause::ClientSecret if by_command => {
                tr!("put the secret for that data center where secret_command reads it")
            }
            LikelyCause::ClientSecret => tr!(
                "copy the secret for that data center from the API console, then run 'zoho-cred login {profile}'; after a rotation, 'zoho-cred login {profile} --client-secret-only'",
                profile
            ),
            LikelyCause::RedirectUri => tr!(
                "run 'zoho-cred login {profile}' with --redirect-uri and what is registered in the API console",
                profile
            ),
            LikelyCause::ClientType | LikelyCause::GrantType => tr!(
                "run 'zoho-cred login {profile}' with the --flow that fits its type in the API console",
                profile
            ),
            LikelyCause::Scope => {
                tr!("correct scopes in the config, or run 'zoho-cred login {profile}' with --scope", profile)
            }
            LikelyCause::Organization => {
                tr!("correct soid in the config, or run 'zoho-cred login {profile}' with --soid", profile)
            }
        }
    }
}

/// The error for the word `error`, with which the accounts server rejected the client of `profile`.
pub(crate) fn client_rejected(profile: &Profile, error: &str) -> Error {
    let cause = LikelyCause::of(error).unwrap_or(LikelyCause::DataCenter);
    let message = tr!("Zoho rejected the client with '{error}'", error);
    Error::new(Code::ClientRejected, message, cause.hint(profile))
        .with_cause(cause.text(profile.accounts_url.as_str()))
        .with_wrong_answer(cause.wrong_answer())
}
