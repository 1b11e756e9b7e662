//! The command that repeats a login with the answers that were typed, so that none has to be typed again.

use crate::cli::{FlowName, LoginArgs};
use crate::model::{Grant, Profile, SecretBackend};
use clap::ValueEnum;

/// The command line. It has no secret.
pub(crate) fn command(args: &LoginArgs, flow: FlowName, profile: &Profile) -> String {
    let mut words = vec!["zoho-cred".to_owned(), "login".to_owned(), profile.name.to_string()];
    let mut add = |flag: &str, value: &str| {
        words.push(flag.to_owned());
        words.extend((!value.is_empty()).then(|| quoted(value)));
    };
    if let Some(flow) = flow.to_possible_value() {
        add("--flow", flow.get_name());
    }
    match profile.data_center {
        Some(dc) if args.accounts_url.is_none() => add("--data-center", dc.code),
        _ => add("--accounts-url", profile.accounts_url.as_str()),
    }
    add("--client-id", &profile.client_id);
    if !profile.scopes.is_empty() {
        add("--scope", &profile.scopes.join(","));
    }
    if let Grant::ClientCredentials { soid: Some(soid) } = &profile.grant {
        add("--soid", soid);
    }
    if let Some(uri) = &args.redirect_uri {
        add("--redirect-uri", uri);
    }
    if profile.secrets == SecretBackend::File {
        add("--secrets", "file");
    }
    for (given, flag) in [(args.no_browser, "--no-browser"), (args.no_pkce, "--no-pkce")] {
        if given {
            add(flag, "");
        }
    }
    words.join(" ")
}

/// `value` as one word of a shell.
fn quoted(value: &str) -> String {
    let is_plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:/,@+%".contains(&b));
    if is_plain { value.to_owned() } else { format!("'{value}'") }
}
