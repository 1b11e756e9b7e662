//! `export`: prints a credential for another machine or for the secret store of a CI system.

use crate::cli::{ExportArgs, ExportFormat, Global};
use crate::commands::Session;
use crate::config::hosts::own_data_center;
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::login::confirm;
use crate::model::{Grant, Profile, Secrets};
use crate::sanitize::json;
use crate::secret::Secret;
use crate::secrets::CredentialSource;
use crate::system::System;
use serde::Serialize;

pub(crate) fn run(system: &mut System, global: &Global, args: &ExportArgs) -> Result<u8, Error> {
    let session = Session::open(system, global, args.profile.as_deref())?;
    let profile = &session.profile;
    if system.terminal.stdout && !args.yes && !shows_secrets(system, profile)? {
        return Ok(0);
    }
    let secrets = session.source(system).secrets()?;
    let exported = Exported::of(profile, &secrets);
    let text = match args.output {
        ExportFormat::Dotenv => dotenv(&exported)?,
        ExportFormat::Json => json(&exported) + "\n",
    };
    system.print(text.as_bytes())?;
    if profile.grant == Grant::RefreshToken {
        system.inform(&tr!(
            "zoho-cred: both machines now share one budget of token requests, and one of the 20 refresh tokens that Zoho keeps; \
             'zoho-cred logout' on one of them logs out both"
        ));
    }
    Ok(0)
}

/// Asks before secrets appear on a screen.
fn shows_secrets(system: &mut System, profile: &Profile) -> Result<bool, Error> {
    if !system.terminal.stdin {
        let problem = tr!("the output would show the secrets on this terminal; use --yes, or pipe it");
        return Err(Error::usage(problem, "zoho-cred export"));
    }
    let name = &profile.name;
    confirm(system, &tr!("Show the client secret and the refresh token of '{name}' on this terminal?", name))
}

/// `NAME=value` lines without quotes, because `docker --env-file` takes quotes literally. `Code::Config` for a value that
/// another program would read differently.
fn dotenv(exported: &Exported<'_>) -> Result<String, Error> {
    let scopes = exported.scopes.join(",");
    let variables = [
        ("ZOHO_CLIENT_ID", Some(exported.client_id)),
        ("ZOHO_CLIENT_SECRET", Some(exported.client_secret)),
        ("ZOHO_REFRESH_TOKEN", exported.refresh_token),
        ("ZOHO_GRANT", exported.grant),
        ("ZOHO_SOID", exported.soid),
        ("ZOHO_DATA_CENTER", exported.data_center),
        ("ZOHO_ACCOUNTS_URL", Some(exported.accounts_url).filter(|_| exported.data_center.is_none())),
        ("ZOHO_SCOPES", Some(&*scopes).filter(|scopes| !scopes.is_empty())),
    ];
    let mut text = String::new();
    for (name, value) in variables.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        let is_plain = |b: u8| b.is_ascii_graphic() && !b"'\"`\\#$".contains(&b);
        if !value.bytes().all(is_plain) {
            return Err(Error::new(
                Code::Config,
                tr!("{name} has a character that dotenv files cannot hold without quotes", name),
                tr!("run 'zoho-cred export -o json'"),
            ));
        }
        text += &format!("{name}={value}\n");
    }
    Ok(text)
}

/// What is exported. The keys are in the order of the contract.
#[derive(Serialize)]
struct Exported<'a> {
    version: u32,
    client_id: &'a str,
    client_secret: &'a str,
    refresh_token: Option<&'a str>,
    /// `None` unless `accounts_url` is that of the data center.
    data_center: Option<&'a str>,
    accounts_url: &'a str,
    scopes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    soid: Option<&'a str>,
}

impl<'a> Exported<'a> {
    fn of(profile: &'a Profile, secrets: &'a Secrets) -> Self {
        let (grant, soid) = match &profile.grant {
            Grant::ClientCredentials { soid } => (Some(profile.grant.word()), soid.as_deref()),
            Grant::RefreshToken => (None, None),
        };
        Exported {
            version: 1,
            client_id: &profile.client_id,
            client_secret: secrets.client_secret.expose(),
            refresh_token: secrets.refresh_token.as_ref().map(Secret::expose),
            data_center: own_data_center(profile).map(|data_center| data_center.code),
            accounts_url: profile.accounts_url.as_str(),
            scopes: &profile.scopes,
            grant,
            soid,
        }
    }
}
