//! The command line: clap definitions and nothing else. Help, completions, man pages and docs/cli.md come from here.

use crate::config::duration;
use crate::i18n::tr;
use crate::model::Scheme;
use crate::output::{Output, Shell};
use crate::zoho::DataCenter;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Prints a fresh Zoho access token, refreshing it once for all callers
#[derive(Debug, Parser)]
#[command(name = "zoho-cred", version, max_term_width = 100, args_override_self = true)]
#[command(after_help = "Begin with 'zoho-cred login crm'; 'zoho-cred doctor' finds what is wrong")]
pub struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    pub(crate) global: Global,
    /// The verb; without one, a person at a terminal is told how things stand.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What the help writes above the flags that every command takes.
const EVERYWHERE: &str = "Global options";

/// Flags that every command takes, before or after its name.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Global {
    /// Read the settings from FILE [env: ZOHO_CRED_CONFIG]
    #[arg(long, value_name = "FILE", global = true, help_heading = EVERYWHERE)]
    pub(crate) config: Option<String>,
    /// Trust the certificate authorities in FILE instead of the system's
    #[arg(long, value_name = "FILE", global = true, help_heading = EVERYWHERE)]
    pub(crate) ca_file: Option<PathBuf>,
    /// How much is said.
    #[command(flatten)]
    pub(crate) verbosity: Verbosity,
    /// How errors are written to stderr
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", global = true, help_heading = EVERYWHERE)]
    pub(crate) error_format: ErrorFormat,
    /// When to colour
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", global = true, help_heading = EVERYWHERE)]
    pub(crate) color: Color,
}

impl Global {
    /// The same flags, but `-q` as well if `silent`.
    pub(crate) fn silenced(&self, silent: bool) -> Self {
        let mut global = self.clone();
        global.verbosity.quiet |= silent;
        global
    }
}

/// How much is said on stderr.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Verbosity {
    /// Say on stderr what is done; twice for every detail. Never a secret
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = EVERYWHERE)]
    pub(crate) verbose: u8,
    /// Say nothing but errors
    #[arg(short, long, global = true, help_heading = EVERYWHERE)]
    pub(crate) quiet: bool,
}

/// How errors are written to stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ErrorFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One line of JSON.
    Json,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print a fresh access token
    Get(GetArgs),
    /// Read a token from stdin that an API refused, and drop it if it is the cached one
    Reject(RejectArgs),
    /// Grant access once and keep the credential
    Login(LoginArgs),
    /// Revoke a profile's credential at Zoho and forget it
    Logout(LogoutArgs),
    /// Take over refresh tokens that other tools were granted
    Import(ImportArgs),
    /// Show all profiles
    List(ListArgs),
    /// Show one profile: token life, budget, cool-down, last failure
    Status(StatusArgs),
    /// Check everything that can be checked without spending a refresh
    Doctor(StatusArgs),
    /// Run a command with a fresh token in its environment
    Exec(ExecArgs),
    /// Speak a caller's own protocol: git's or EngFlow's (Bazel)
    Helper(HelperArgs),
    /// Print the settings to paste into a tool
    Setup(SetupArgs),
    /// Print a new key for a store that machines share
    Keygen,
    /// Print what makes a shell complete commands, flags and profile names
    Completions(CompletionsArgs),
    /// Print the manual page
    Man(ManArgs),
    /// Open an address in the browser; 'login' calls this
    #[command(hide = true)]
    OpenUrl {
        /// The address
        url: String,
    },
}

/// Arguments of `get`.
#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// Those that callers write all day.
    #[command(flatten)]
    pub(crate) usual: UsualGetArgs,
    /// All others.
    #[command(flatten)]
    pub(crate) rare: RareGetArgs,
}

/// The arguments of `get` that callers write all day.
#[derive(Debug, Args)]
pub(crate) struct UsualGetArgs {
    /// The profile
    pub(crate) profile: Option<String>,
    /// What to print
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
    /// Refresh the token unless it stays valid for this long, such as 10m; at most 45m
    #[arg(long, value_name = "DUR", value_parser = min_ttl)]
    pub(crate) min_ttl: Option<Duration>,
}

/// The other arguments of `get`, which a call is understood without.
#[derive(Debug, Args)]
pub(crate) struct RareGetArgs {
    /// For the whole call
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "30s")]
    pub(crate) timeout: Duration,
    /// How long to wait for budget
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "0s")]
    pub(crate) wait: Duration,
    /// Scheme of the Authorization header
    #[arg(long, value_enum)]
    pub(crate) scheme: Option<Scheme>,
    /// Use the cache only
    #[arg(long, conflicts_with = "refresh")]
    pub(crate) offline: bool,
    /// Get a new token even if the cached one is fresh; spends budget
    #[arg(long)]
    pub(crate) refresh: bool,
    /// Whose syntax '-o env' is in
    #[arg(long, value_enum, default_value_t)]
    pub(crate) shell: Shell,
    /// Write the output to FILE, atomically, instead of printing it
    #[arg(long, alias = "out", value_name = "FILE")]
    pub(crate) output_file: Option<PathBuf>,
    /// Mode of that file, in octal
    #[arg(long, value_name = "MODE", value_parser = mode, default_value = "0600", requires = "output_file")]
    pub(crate) mode: u32,
    /// Keep running, and keep the file fresh until a signal
    #[arg(long, requires = "output_file", conflicts_with_all = ["offline", "refresh"])]
    pub(crate) watch: bool,
}

/// What clap makes of a call that has none of them.
impl Default for RareGetArgs {
    fn default() -> Self {
        RareGetArgs {
            timeout: Duration::from_secs(30),
            wait: Duration::ZERO,
            scheme: None,
            offline: false,
            refresh: false,
            shell: Shell::default(),
            output_file: None,
            mode: 0o600,
            watch: false,
        }
    }
}

/// The longest `--min-ttl`: three quarters of the hour for which Zoho's tokens are valid. With a longer one every call
/// would refresh.
const LONGEST_MIN_TTL: Duration = Duration::from_secs(45 * 60);

/// A `--min-ttl`.
fn min_ttl(text: &str) -> Result<Duration, String> {
    match duration::parse(text)? {
        ttl if ttl > LONGEST_MIN_TTL => {
            Err(tr!("Zoho's tokens are valid for one hour, so the longest --min-ttl is 45m"))
        }
        ttl => Ok(ttl),
    }
}

/// A file mode as people write it.
fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text.trim_start_matches("0o"), 8).ok().filter(|mode| *mode <= 0o777);
    match mode {
        Some(mode) if mode & 0o600 == 0o600 => Ok(mode),
        Some(_) => Err(tr!("the owner must be able to read and write the file")),
        None => Err(tr!("'{text}' is not a mode; write 0600 or 0640", text)),
    }
}

/// Arguments of `exec`.
#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// The profile
    pub(crate) profile: Option<String>,
    /// Put a value into another variable than usual: token, header, api_domain or expires_at
    #[arg(long, value_name = "NAME=VALUE", value_parser = Rename::parse)]
    pub(crate) env: Vec<Rename>,
    /// Refresh the token unless it stays valid for this long, such as 10m; at most 45m
    #[arg(long, value_name = "DUR", value_parser = min_ttl)]
    pub(crate) min_ttl: Option<Duration>,
    /// For getting the token
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "30s")]
    pub(crate) timeout: Duration,
    /// How long to wait for budget
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "0s")]
    pub(crate) wait: Duration,
    /// Scheme of the Authorization header
    #[arg(long, value_enum)]
    pub(crate) scheme: Option<Scheme>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// What a variable of `exec` may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum EnvValue {
    /// The token.
    Token,
    /// The header line with it.
    Header,
    /// Where the APIs are.
    ApiDomain,
    /// When the token expires.
    ExpiresAt,
}

/// `NAME=token` and the like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rename {
    /// The variable.
    pub(crate) name: String,
    /// What it is to hold.
    pub(crate) held: EnvValue,
}

impl Rename {
    /// Reads `NAME=token|header|api_domain|expires_at`; the error is a sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, held) = text.split_once('=').ok_or_else(|| tr!("write it as NAME=token"))?;
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if name.is_empty() || !name.bytes().all(legal) || name.as_bytes()[0].is_ascii_digit() {
            return Err(tr!("'{name}' is not the name of a variable", name));
        }
        let held = EnvValue::from_str(held, false)
            .map_err(|_| tr!("'{held}' is none of token, header, api_domain and expires_at", held))?;
        Ok(Rename { name: name.to_owned(), held })
    }
}

/// Arguments of `helper`.
#[derive(Debug, Args)]
pub(crate) struct HelperArgs {
    /// Whose protocol.
    #[command(subcommand)]
    pub(crate) protocol: Protocol,
}

/// The protocols of `helper`.
#[derive(Debug, Subcommand)]
pub(crate) enum Protocol {
    /// The git-credential protocol, as git-credential-zoho
    Git(GitArgs),
    /// The EngFlow (Bazel) credential-helper protocol, as credential-helper-zoho
    Uri(UriArgs),
}

/// Arguments of `helper git`.
#[derive(Debug, Args)]
pub(crate) struct GitArgs {
    /// get, store, erase or capability; others are passed over, as git wants it
    pub(crate) operation: String,
    /// The profile
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Give the token as a password to a git that is too old for anything else
    #[arg(long)]
    pub(crate) allow_basic: bool,
    /// For the whole call
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "30s")]
    pub(crate) timeout: Duration,
}

/// Arguments of `helper uri`.
#[derive(Debug, Args)]
pub(crate) struct UriArgs {
    /// What to do
    #[arg(value_enum)]
    pub(crate) operation: UriOperation,
    /// The profile
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// For the whole call; Bazel itself waits for 10 seconds
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "8s")]
    pub(crate) timeout: Duration,
}

/// What `helper uri` can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UriOperation {
    /// Headers for a URI.
    Get,
}

/// Arguments of `setup`.
#[derive(Debug, Args)]
pub(crate) struct SetupArgs {
    /// The tool
    #[arg(value_enum)]
    pub(crate) target: Target,
    /// The profile
    pub(crate) profile: Option<String>,
}

/// The tools of `setup`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// git, for servers behind Zoho's tokens
    Git,
    /// kubectl and everything else on client-go
    Kubectl,
    /// Bazel
    Bazel,
    /// curl
    Curl,
    /// A GitHub Actions job
    GithubActions,
    /// A GitLab job
    GitlabCi,
    /// An Azure Pipelines job
    AzurePipelines,
    /// Prometheus
    Prometheus,
    /// A systemd service that keeps a token file fresh
    Systemd,
    /// Python, with requests
    Python,
    /// Node.js, with fetch
    Node,
}

/// Arguments of `reject`.
#[derive(Debug, Args)]
pub(crate) struct RejectArgs {
    /// The profile
    pub(crate) profile: Option<String>,
    /// How long to wait for the lock
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "30s")]
    pub(crate) timeout: Duration,
}

/// Arguments of `login`.
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// The profile to create or update
    pub(crate) profile: Option<String>,
    /// How to log in
    #[arg(long, value_enum)]
    pub(crate) flow: Option<FlowName>,
    /// The data centre: us, eu, in, au, jp, ca, sa, uk, cn, ae or sg
    #[arg(long, value_name = "DC", conflicts_with = "accounts_url")]
    pub(crate) data_center: Option<String>,
    /// The accounts server, where it is none of Zoho's own
    #[arg(long, value_name = "URL")]
    pub(crate) accounts_url: Option<String>,
    /// The client's id
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// Scopes, repeatable or separated by commas
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// Read the client secret from FILE; - is stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// Read the refresh token from FILE; - is stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) refresh_token_file: Option<PathBuf>,
    /// Read the authorization code, or the redirected address, from FILE; - is stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) code_file: Option<PathBuf>,
    /// The redirect URI, to the letter as it is registered
    #[arg(long, value_name = "URI")]
    pub(crate) redirect_uri: Option<String>,
    /// Organisation of client credentials, such as ZohoCRM.600000434
    #[arg(long, value_name = "SOID")]
    pub(crate) soid: Option<String>,
    /// Print the consent page's address instead of opening it
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Send no PKCE challenge
    #[arg(long)]
    pub(crate) no_pkce: bool,
    /// How long to wait for the browser to come back
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "5m")]
    pub(crate) timeout: Duration,
    /// Revoke the refresh token that the profile had before, without asking
    #[arg(long)]
    pub(crate) revoke_old: bool,
    /// Where the secrets are to rest
    #[arg(long, value_enum, value_name = "PLACE")]
    pub(crate) secrets: Option<Place>,
    /// Do not spend a request on proving that the refresh token works
    #[arg(long)]
    pub(crate) no_verify: bool,
}

/// How to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FlowName {
    /// Open the consent page and wait for the redirect to this machine.
    Browser,
    /// Print the consent page's address and take the redirected one.
    Paste,
    /// Enter a code on another device.
    Device,
    /// Take the code that the API console made for a Self Client.
    SelfClient,
    /// Mint tokens by the client alone, for an organisation.
    ClientCredentials,
    /// Take over a refresh token from another tool.
    RefreshToken,
}

/// Where secrets can rest by `login`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Place {
    /// The system's keyring.
    Keyring,
    /// Files of mode 0600 in the state folder.
    File,
}

/// Arguments of `logout`.
#[derive(Debug, Args)]
pub(crate) struct LogoutArgs {
    /// The profile
    pub(crate) profile: String,
    /// Revoke it even if other profiles use the same refresh token
    #[arg(long, conflicts_with = "local")]
    pub(crate) force: bool,
    /// Forget it on this machine only; at Zoho it lives on
    #[arg(long)]
    pub(crate) local: bool,
    /// Forget the profile's settings too
    #[arg(long)]
    pub(crate) forget: bool,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// From where.
    #[command(subcommand)]
    pub(crate) from: ImportFrom,
    /// Make the profiles; without it they are only shown
    #[arg(long, global = true)]
    pub(crate) write: bool,
    /// Where the secrets are to rest; the keyring, unless this says otherwise
    #[arg(long, value_enum, value_name = "PLACE", global = true)]
    pub(crate) secrets: Option<Place>,
}

/// Where `import` can take refresh tokens from.
#[derive(Debug, Subcommand)]
pub(crate) enum ImportFrom {
    /// From ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN and ZOHO_DATA_CENTER
    Env {
        /// The profile to create
        #[arg(default_value = "zoho")]
        profile: String,
    },
    /// From the CSV file that the FileStore of a Zoho SDK keeps; every user becomes a profile
    Sdk(SdkArgs),
}

/// Arguments of `import sdk`.
#[derive(Debug, Args)]
pub(crate) struct SdkArgs {
    /// The CSV file
    pub(crate) file: PathBuf,
    /// The data centre, instead of the one that the file's api_domain belongs to
    #[arg(long, value_name = "DC", value_parser = DataCenter::named, conflicts_with = "accounts_url")]
    pub(crate) data_center: Option<&'static DataCenter>,
    /// The accounts server, where it is none of Zoho's own
    #[arg(long, value_name = "URL")]
    pub(crate) accounts_url: Option<String>,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write the pages of all commands into DIR
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// What to print
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Report,
}

/// Arguments of `status` and `doctor`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The profile
    pub(crate) profile: Option<String>,
    /// What to print
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Report,
}

/// The forms of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Report {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
}
