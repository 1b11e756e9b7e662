//! `zoho-sandbox run -- CMD`: runs a command with a new sandbox and a profile that is logged in to it.

use crate::sandbox::cli::print_error;
use crate::sandbox::server::{Options, Server};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Output, Stdio};
use tempfile::{NamedTempFile, TempDir};

/// Variables that would redirect `zoho-cred`.
const REMOVED: [&str; 23] = [
    "CREDENTIALS_DIRECTORY",
    "ZOHO_ACCESS_TOKEN",
    "ZOHO_ACCESS_TOKEN_EXPIRES_AT",
    "ZOHO_ACCOUNTS_URL",
    "ZOHO_CLIENT_ID",
    "ZOHO_CLIENT_ID_FILE",
    "ZOHO_CLIENT_SECRET",
    "ZOHO_CLIENT_SECRET_FILE",
    "ZOHO_CRED_PROFILE",
    "ZOHO_CRED_STORE",
    "ZOHO_CRED_STORE_FILE",
    "ZOHO_CRED_STORE_KEY",
    "ZOHO_CRED_STORE_KEY_FILE",
    "ZOHO_CRED_STORE_KEY_OLD",
    "ZOHO_CRED_STORE_KEY_OLD_FILE",
    "ZOHO_DATA_CENTER",
    "ZOHO_GRANT",
    "ZOHO_REFRESH_TOKEN",
    "ZOHO_REFRESH_TOKEN_FILE",
    "ZOHO_SCOPES",
    "ZOHO_SOID",
    "ZOHO_SOID_FILE",
    "ZOHO_SCOPES_FILE",
];

/// Runs a command in a new environment and returns its exit code: 128 + n for signal n, 127 if it does not exist,
/// 126 if it cannot be run.
///
/// Errors: the server did not start, or the login failed.
pub(super) fn run(options: Options, profile: &str, command: &[OsString]) -> io::Result<ExitCode> {
    // Before anything is created, so that a signal cannot skip the cleanup.
    #[cfg(unix)]
    let signals = forward::Signals::catch()?;
    let scopes = options.scopes.clone();
    let server = Server::start(options)?;
    let home = TempProfile::new(&server, profile, &scopes)?;
    home.log_in(&server, profile)?;
    let Some((program, arguments)) = command.split_first() else { return Ok(ExitCode::from(2)) };
    let mut command = home.command(program);
    command.args(arguments).env("ZOHO_CRED_PROFILE", profile);
    command.env("ZOHO_API_DOMAIN", server.api_domain()).env("ZOHO_SANDBOX_URL", server.url());
    if let Some(path) = search_path()? {
        command.env("PATH", path);
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            print_error(&format!("{}: {error}", program.display()));
            let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
            return Ok(ExitCode::from(code));
        }
    };
    #[cfg(unix)]
    let _forwarding = signals.forward_to(&child);
    Ok(ExitCode::from(exit_code(child.wait()?)))
}

fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// A temporary directory with configuration, state and secrets, deleted on drop.
struct TempProfile {
    folder: TempDir,
    ca_file: Option<PathBuf>,
}

impl TempProfile {
    fn new(server: &Server, profile: &str, scopes: &[String]) -> io::Result<TempProfile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("zoho-sandbox-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let folder = builder.tempdir()?;
        let ca_file = server.ca_pem().map(|pem| write(folder.path(), "ca.pem", pem)).transpose()?;
        write(folder.path(), "config.toml", &config(server, profile, scopes)?)?;
        write(folder.path(), "client-secret", server.client_secret())?;
        write(folder.path(), "refresh-token", server.refresh_token())?;
        Ok(TempProfile { folder, ca_file })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command that uses this directory only.
    #[expect(clippy::disallowed_methods, reason = "the sandbox is a separate program without a System")]
    fn command(&self, program: &OsStr) -> Command {
        let mut command = Command::new(program);
        for name in REMOVED {
            command.env_remove(name);
        }
        command
            .env("ZOHO_CRED_CONFIG", self.path("config.toml"))
            .env("ZOHO_CRED_STATE_DIR", self.path("state"));
        if let Some(ca_file) = &self.ca_file {
            command.env("SSL_CERT_FILE", ca_file);
        }
        for name in ["NO_PROXY", "no_proxy"] {
            let before = std::env::var(name).map(|hosts| hosts + ",").unwrap_or_default();
            command.env(name, before + "127.0.0.1,localhost,::1");
        }
        command
    }

    fn log_in(&self, server: &Server, profile: &str) -> io::Result<()> {
        let mut login = self.command(&zoho_cred()?);
        login.args(["login", profile, "--flow", "refresh-token", "--secrets", "file", "--no-verify"]);
        login.args(["--accounts-url", server.url(), "--client-id", server.client_id()]);
        login.arg("--client-secret-file").arg(self.path("client-secret"));
        login.arg("--refresh-token-file").arg(self.path("refresh-token"));
        let Output { status, stderr, .. } = login
            .stdin(Stdio::null())
            .output()
            .map_err(|error| io::Error::new(error.kind(), format!("zoho-cred could not be run: {error}")))?;
        if !status.success() {
            let words = String::from_utf8_lossy(&stderr);
            return Err(io::Error::other(format!("zoho-cred login failed ({status})\n{}", words.trim_end())));
        }
        Ok(())
    }
}

/// The `zoho-cred` next to this program, or else the one on the PATH.
fn zoho_cred() -> io::Result<OsString> {
    let name = format!("zoho-cred{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe()?.with_file_name(&name);
    Ok(if beside.is_file() { beside.into() } else { name.into() })
}

/// The PATH with this program's directory appended, so that the command finds `zoho-cred` even if it is not
/// installed.
#[expect(clippy::disallowed_methods, reason = "the sandbox is a separate program without a System")]
fn search_path() -> io::Result<Option<OsString>> {
    let (Some(path), own) = (std::env::var_os("PATH"), std::env::current_exe()?) else { return Ok(None) };
    let folders = std::env::split_paths(&path).chain(own.parent().map(Path::to_owned));
    // Fails if a directory name contains a colon.
    Ok(std::env::join_paths(folders).ok())
}

fn config(server: &Server, profile: &str, scopes: &[String]) -> io::Result<String> {
    let host = server.api_domain().split("://").nth(1).unwrap_or_default();
    let mut settings = toml::Table::new();
    settings.insert("accounts_url".into(), server.url().into());
    settings.insert("client_id".into(), server.client_id().into());
    settings.insert("scopes".into(), scopes.to_vec().into());
    settings.insert("secrets".into(), "file".into());
    settings.insert("hosts".into(), vec![host.to_owned()].into());
    let mut profiles = toml::Table::new();
    profiles.insert(profile.into(), settings.into());
    let mut config = toml::Table::new();
    config.insert("default_profile".into(), profile.into());
    config.insert("profile".into(), profiles.into());
    toml::to_string(&config).map_err(io::Error::other)
}

/// Writes a private file.
fn write(folder: &Path, name: &str, content: &str) -> io::Result<PathBuf> {
    let path = folder.join(name);
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&path)?.write_all(content.as_bytes())?;
    Ok(path)
}

/// A private file in the system's temporary directory, deleted on drop.
pub(super) fn private_file(content: &str) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::with_prefix("zoho-sandbox-ca-")?;
    file.write_all(content.as_bytes())?;
    Ok(file)
}

/// Forwards signals to the command.
#[cfg(unix)]
mod forward {
    use rustix::process::{Pid, Signal, kill_process};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::{Handle, Signals as Caught};
    use std::fs::File;
    use std::io;
    use std::process::Child;

    pub(super) struct Signals(Caught);

    /// Forwards signals until dropped.
    pub(super) struct Forwarding(Handle);

    impl Signals {
        /// From now on signals no longer end this program, so that it can clean up.
        pub(super) fn catch() -> io::Result<Signals> {
            Caught::new([SIGHUP, SIGINT, SIGTERM]).map(Signals)
        }

        /// Forwards signals, except a SIGINT from the terminal, which the command receives directly.
        pub(super) fn forward_to(mut self, child: &Child) -> Forwarding {
            let handle = self.0.handle();
            let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            std::thread::spawn(move || {
                for caught in self.0.forever() {
                    let signal = match caught {
                        SIGTERM => Signal::TERM,
                        SIGHUP => Signal::HUP,
                        SIGINT if !is_in_the_foreground() => Signal::INT,
                        _ => continue,
                    };
                    // The command may have ended.
                    let _ = pid.map(|pid| kill_process(pid, signal));
                }
            });
            Forwarding(handle)
        }
    }

    /// Whether this program is in the terminal's foreground process group.
    fn is_in_the_foreground() -> bool {
        let Ok(terminal) = File::open("/dev/tty") else { return false };
        rustix::termios::tcgetpgrp(&terminal).is_ok_and(|group| group == rustix::process::getpgrp())
    }

    impl Drop for Forwarding {
        fn drop(&mut self) {
            self.0.close();
        }
    }
}
