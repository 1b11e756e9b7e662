//! The command that goes on with the answers of a login that was not done, so that none has to be typed again.

use crate::cli::Global;
use crate::login::settings::Start;
use crate::model::{Grant, SecretBackend};
use crate::system::System;
use clap::ValueEnum;
use std::path::PathBuf;

/// The command line. It has no secret.
pub(crate) fn command(system: &System, global: &Global, start: &Start<'_>) -> String {
    let (args, profile) = (start.args, start.base(system));
    let mut words = vec!["zoho-cred".to_owned(), "login".to_owned(), quoted(profile.name.as_str())];
    let mut add = |flag: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            words.extend([flag.to_owned(), quoted(value)]);
        }
    };
    add("--config", global.config.as_deref());
    let file = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    add("--ca-file", file(&global.ca_file).as_deref());
    add("--flow", start.flow.to_possible_value().as_ref().map(|flow| flow.get_name()));
    if let Ok(Some(accounts)) = start.accounts(system) {
        match accounts.data_center() {
            Some(dc) if args.accounts_url.is_none() => add("--data-center", Some(dc.code)),
            _ => add("--accounts-url", Some(accounts.as_str())),
        }
    }
    add("--client-id", start.client_id(system).as_deref());
    add("--scope", Some(&profile.scopes.join(",")));
    if let Grant::ClientCredentials { soid } = &profile.grant {
        add("--soid", soid.as_deref());
    }
    add("--redirect-uri", args.redirect_uri.as_deref());
    for (flag, path) in [
        ("--client-secret-file", &args.client_secret_file),
        ("--refresh-token-file", &args.refresh_token_file),
        ("--code-file", &args.code_file),
    ] {
        add(flag, file(path).as_deref());
    }
    if profile.secrets == SecretBackend::File {
        add("--secrets", Some("file"));
    }
    for (given, flag) in [
        (args.no_browser, "--no-browser"),
        (args.no_pkce, "--no-pkce"),
        (args.revoke_old, "--revoke-old"),
        (args.no_verify, "--no-verify"),
    ] {
        words.extend(given.then(|| flag.to_owned()));
    }
    words.join(" ")
}

/// `value` as one word of a shell.
fn quoted(value: &str) -> String {
    let is_plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:/,@+%~".contains(&b));
    if is_plain { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}
