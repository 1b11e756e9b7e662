//! The arguments of `login`, `logout` and `import`.

use crate::cli::examples;
use crate::config::duration;
use crate::zoho::DataCenter;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// Profile to create or update
    pub(crate) profile: Option<String>,
    /// How to log in
    #[arg(long, value_enum)]
    pub(crate) flow: Option<FlowName>,
    /// Data center: us, eu, in, au, jp, ca, sa, uk, cn, ae, sg or inhq
    #[arg(long, value_name = "DC", value_parser = DataCenter::named, conflicts_with = "accounts_url")]
    pub(crate) data_center: Option<&'static DataCenter>,
    /// Accounts server, if it is not one of Zoho's
    #[arg(long, value_name = "URL")]
    pub(crate) accounts_url: Option<String>,
    /// Client ID
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// Scopes or presets such as crm, separated by commas or repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// Read the client secret from FILE (- for stdin)
    #[arg(long, value_name = "FILE")]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// Replace the stored client secret with the one that the API console shows after a rotation
    #[arg(long, conflicts_with_all = [
        "flow", "data_center", "accounts_url", "client_id", "scopes", "refresh_token_file", "code_file", "redirect_uri",
        "soid", "no_browser", "no_pkce", "revoke_old", "secrets",
    ])]
    pub(crate) client_secret_only: bool,
    /// Read the refresh token from FILE (- for stdin)
    #[arg(long, value_name = "FILE")]
    pub(crate) refresh_token_file: Option<PathBuf>,
    /// Read the authorization code or the redirected URL from FILE (- for stdin)
    #[arg(long, value_name = "FILE")]
    pub(crate) code_file: Option<PathBuf>,
    /// Redirect URI, exactly as registered
    #[arg(long, value_name = "URI")]
    pub(crate) redirect_uri: Option<String>,
    /// Organization for client credentials, such as ZohoCRM.600000434
    #[arg(long, value_name = "SOID")]
    pub(crate) soid: Option<String>,
    /// Print the URL of the consent page instead of opening it
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Do not use PKCE
    #[arg(long)]
    pub(crate) no_pkce: bool,
    /// How long to wait for the redirect from the browser
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "5m")]
    pub(crate) timeout: Duration,
    /// Revoke the profile's previous refresh token without asking
    #[arg(long)]
    pub(crate) revoke_old: bool,
    /// Where to store secrets
    #[arg(long, value_enum, value_name = "BACKEND")]
    pub(crate) secrets: Option<SecretsFlag>,
    /// Do not test the credential with a token request
    #[arg(long)]
    pub(crate) no_verify: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FlowName {
    /// Open the consent page and receive the redirect on this machine
    Browser,
    /// Print the URL of the consent page and read the redirected URL
    Paste,
    /// Enter a code on another device
    Device,
    /// Use the code that the API console generated for a Self Client
    SelfClient,
    /// Get tokens for an organization with the client alone
    ClientCredentials,
    /// Use an existing refresh token
    RefreshToken,
}

/// A value of `--secrets`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SecretsFlag {
    /// The system keyring
    Keyring,
    /// Files with mode 0600 in the state folder
    File,
}

#[derive(Debug, Args)]
pub(crate) struct LogoutArgs {
    /// Profile to log out
    pub(crate) profile: Option<String>,
    /// Revoke the credential even if other profiles use it
    #[arg(long, conflicts_with = "local")]
    pub(crate) force: bool,
    /// Delete the credential on this machine but do not revoke it at Zoho
    #[arg(long)]
    pub(crate) local: bool,
    /// Set by `profile remove`: delete the profile's settings, too.
    #[arg(skip)]
    pub(crate) forget: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProfileAction {
    /// Set the profile that commands without a name use
    #[command(after_help = examples::PROFILE_USE)]
    Use {
        /// Profile to make the default
        name: Option<String>,
    },
    /// Rename a profile's settings and credential
    #[command(after_help = examples::PROFILE_RENAME)]
    Rename {
        /// Profile to rename
        old: String,
        /// Its new name
        new: String,
    },
    /// Revoke a profile's credential and delete it with the settings
    #[command(after_help = examples::PROFILE_REMOVE)]
    Remove {
        /// Profile to remove
        name: Option<String>,
        /// Revoke the credential even if other profiles use it
        #[arg(long, conflicts_with = "local")]
        force: bool,
        /// Delete the credential on this machine but do not revoke it at Zoho
        #[arg(long)]
        local: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Profile to export
    pub(crate) profile: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: ExportFormat,
    /// Do not ask before showing the secrets on a terminal
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// NAME=value lines with the variables of the profile 'env'
    #[default]
    Dotenv,
    /// A JSON object
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(subcommand)]
    pub(crate) from: ImportFrom,
    /// Create the profiles; without this flag they are only listed
    #[arg(long, global = true)]
    pub(crate) write: bool,
    /// Where to store secrets; the default is the keyring
    #[arg(long, value_enum, value_name = "BACKEND", global = true)]
    pub(crate) secrets: Option<SecretsFlag>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportFrom {
    /// Import from ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN and ZOHO_DATA_CENTER
    #[command(after_help = examples::IMPORT_ENV)]
    Env {
        /// Profile to create; the default is zoho
        profile: Option<String>,
    },
    /// Import the output of 'zoho-cred export' from stdin
    #[command(name = "-", visible_alias = "stdin", display_name = "zoho-cred-import-stdin")]
    #[command(after_help = examples::IMPORT_STDIN)]
    Stdin {
        /// Profile to create; the default is zoho
        profile: Option<String>,
    },
    /// Import from the FileStore CSV of a Zoho SDK; each user becomes a profile
    #[command(after_help = examples::IMPORT_SDK)]
    Sdk(SdkArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SdkArgs {
    /// CSV file
    pub(crate) file: PathBuf,
    /// Data center, overriding the one of the file's api_domain
    #[arg(long, value_name = "DC", value_parser = DataCenter::named, conflicts_with = "accounts_url")]
    pub(crate) data_center: Option<&'static DataCenter>,
    /// Accounts server, if it is not one of Zoho's
    #[arg(long, value_name = "URL")]
    pub(crate) accounts_url: Option<String>,
}
