//! The clap definitions. Help, completions, man pages and docs/cli.md are generated from them.

use crate::cli::{
    ApiArgs, ExecArgs, ExportArgs, GetArgs, ImportArgs, LoginArgs, LogoutArgs, ProfileAction, examples,
};
use crate::config::duration;
use crate::error::Error;
use crate::i18n::tr;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Print a valid Zoho access token, refreshing it once for all callers
#[derive(Debug, Parser)]
#[command(name = "zoho-cred", version, max_term_width = 100, args_override_self = true)]
#[command(after_help = examples::TOP)]
pub struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    /// `None` prints the help.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The heading of the flags that every command accepts.
pub(crate) const GLOBAL: &str = "Global options";

/// Flags that every command accepts, before or after its name.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Global {
    /// Profile to use [env: ZOHO_CRED_PROFILE]
    #[arg(short, long = "profile", id = "profile_flag", value_name = "NAME", global = true, help_heading = GLOBAL)]
    pub(crate) profile: Option<String>,
    /// Read the settings from FILE [env: ZOHO_CRED_CONFIG]
    #[arg(long, value_name = "FILE", global = true, help_heading = GLOBAL)]
    pub(crate) config: Option<String>,
    /// Trust the certificate authorities in FILE instead of the system's
    #[arg(long, value_name = "FILE", global = true, help_heading = GLOBAL)]
    pub(crate) ca_file: Option<PathBuf>,
    /// Log progress to stderr (-vv for debug output). Secrets are never logged
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = GLOBAL)]
    pub(crate) verbose: u8,
    /// Print only errors to stderr
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(crate) quiet: bool,
    /// Format of errors on stderr
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", global = true, help_heading = GLOBAL)]
    pub(crate) error_format: ErrorFormat,
    /// When to use color
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", global = true, help_heading = GLOBAL)]
    pub(crate) color: Color,
}

impl Global {
    /// The profile that the command line names: the value of `--profile`, or the command's PROFILE argument.
    /// `Code::Usage` if they differ.
    pub(crate) fn profile_or<'a>(&'a self, argument: Option<&'a str>) -> Result<Option<&'a str>, Error> {
        match (self.profile.as_deref(), argument) {
            (Some(flag), Some(argument)) if flag != argument => Err(Error::usage(
                tr!("two profiles are given: '{flag}' and '{argument}'", flag, argument),
                "zoho-cred",
            )),
            (flag, argument) => Ok(flag.or(argument)),
        }
    }

    /// Like [`Global::profile_or`], for a command that needs a profile. `Code::Usage` without one.
    pub(crate) fn required_profile<'a>(
        &'a self,
        argument: Option<&'a str>,
        command: &str,
    ) -> Result<&'a str, Error> {
        let arguments = "PROFILE";
        let problem = || tr!("the following required arguments were not provided: {arguments}", arguments);
        self.profile_or(argument)?.ok_or_else(|| Error::usage(problem(), command))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ErrorFormat {
    /// Readable lines
    #[default]
    Text,
    /// One line of JSON
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print a valid access token
    #[command(after_help = examples::GET)]
    Get(GetArgs),
    /// Report a token that an API refused, read from stdin
    ///
    /// The cached token is dropped only if it is the same one. The next 'get' then refreshes.
    #[command(after_help = examples::REJECT)]
    Reject(RejectArgs),
    /// Log in to Zoho and store the credential
    #[command(after_help = examples::LOGIN)]
    Login(LoginArgs),
    /// Revoke a profile's credential at Zoho and delete it
    #[command(after_help = examples::LOGOUT)]
    Logout(LogoutArgs),
    /// Choose the default profile, rename a profile, or remove one
    #[command(after_help = examples::PROFILE)]
    #[command(subcommand)]
    Profile(ProfileAction),
    /// Print a credential for another machine or a CI secret store
    #[command(after_help = examples::EXPORT)]
    Export(ExportArgs),
    /// Import refresh tokens that were issued to other tools
    #[command(after_help = examples::IMPORT)]
    Import(ImportArgs),
    /// List all profiles
    #[command(after_help = examples::LIST)]
    List {
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: ReportFormat,
    },
    /// Show one profile: token lifetime, budget, cooldown, last failure
    #[command(after_help = examples::STATUS)]
    Status(StatusArgs),
    /// Check the setup without spending a token request
    #[command(after_help = examples::DOCTOR)]
    Doctor(DoctorArgs),
    /// Run a command with an access token in its environment
    #[command(after_help = examples::EXEC)]
    Exec(ExecArgs),
    /// Call a Zoho API and print the answer
    #[command(after_help = examples::API)]
    Api(ApiArgs),
    /// Act as a credential helper for git or Bazel
    #[command(after_help = examples::HELPER)]
    #[command(subcommand)]
    Helper(Protocol),
    /// Print settings to paste into another tool
    #[command(after_help = examples::SETUP)]
    Setup(SetupArgs),
    /// Print a new key for a shared store
    #[command(after_help = examples::KEYGEN)]
    Keygen,
    /// Print a completion script for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// Shell to complete for
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Open the manual page, or print it in roff if the output is not a terminal
    #[command(after_help = examples::MAN)]
    Man(ManArgs),
    /// Open a URL in the browser; 'login' calls this
    #[command(hide = true)]
    OpenUrl {
        /// The URL
        url: String,
    },
    /// Fail if FILE, written by 'get --watch --health-file', is older than a minute; for the probes of a pod
    #[command(hide = true)]
    Health {
        /// The file
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Protocol {
    /// Speak the git-credential protocol (also installed as git-credential-zoho)
    #[command(after_help = examples::HELPER_GIT)]
    Git(GitArgs),
    /// Speak the EngFlow credential-helper protocol (also installed as credential-helper-zoho)
    #[command(after_help = examples::HELPER_URI)]
    Uri(UriArgs),
}

#[derive(Debug, Args)]
pub(crate) struct GitArgs {
    /// get, store, erase or capability; any other operation is ignored
    pub(crate) operation: String,
    /// Send the token as a Basic password to git versions before 2.46
    #[arg(long)]
    pub(crate) allow_basic: bool,
    /// Time limit for the whole call
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "30s")]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct UriArgs {
    /// Operation
    #[arg(value_enum)]
    pub(crate) operation: UriOperation,
    /// Time limit for the whole call; Bazel stops waiting after 10 seconds
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "8s")]
    pub(crate) timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UriOperation {
    /// Print the headers for a URI
    Get,
}

#[derive(Debug, Args)]
pub(crate) struct SetupArgs {
    /// Tool to configure
    #[arg(value_enum)]
    pub(crate) target: Target,
    /// Profile to use
    pub(crate) profile: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// git, for servers that accept Zoho tokens
    Git,
    /// kubectl and other client-go programs
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
    /// A systemd service that keeps a token file up to date
    Systemd,
    /// Python, with requests
    Python,
    /// Node.js, with fetch
    Node,
    /// A Kubernetes Deployment with a sidecar that keeps a token file up to date
    Kubernetes,
    /// PowerShell, with Invoke-RestMethod
    Powershell,
}

#[derive(Debug, Args)]
pub(crate) struct RejectArgs {
    /// Profile to use
    pub(crate) profile: Option<String>,
    /// How long to wait for the lock
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "30s")]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Command to describe; without it, the whole program
    pub(crate) command: Vec<String>,
    /// Write the pages of all commands to DIR
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Profile to use
    pub(crate) profile: Option<String>,
    /// Remove credentials and state that no profile uses any more
    #[arg(long)]
    pub(crate) fix: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: ReportFormat,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Profile to use
    pub(crate) profile: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: ReportFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// Readable text
    #[default]
    Text,
    /// JSON, for scripts
    Json,
}
