//! `setup TARGET`: prints settings to paste, with the profile's values. The templates are in this directory and
//! contain no secrets.

mod sample;

use crate::cli::{Global, SetupArgs, Target};
use crate::commands::Session;
use crate::commands::helper::known_api_domain;
use crate::config::hosts::{self, Place};
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::{Grant, Profile};
use crate::sanitize::sanitize;
use crate::system::{System, process};
use sample::Sample;

/// Prints the settings, which say themselves how to install and test them.
pub(crate) fn run(system: &mut System, global: &Global, args: &SetupArgs) -> Result<u8, Error> {
    let session = Session::open(system, global, args.profile.as_deref())?;
    let text = fill(&session, system, text(args.target), quoting(args.target))?;
    system.print(text.as_bytes())?;
    Ok(0)
}

/// How a value is written in the text of `target`.
fn quoting(target: Target) -> fn(&str) -> String {
    match target {
        Target::Systemd => in_systemd_quotes,
        Target::Kubernetes => in_yaml_quotes,
        _ => str::to_owned,
    }
}

/// The value as it stands between the double quotes of a unit file, where systemd reads escapes and `%` specifiers.
fn in_systemd_quotes(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', r#"\""#).replace('%', "%%")
}

/// The value as it stands between double quotes in YAML.
fn in_yaml_quotes(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', r#"\""#)
}

fn text(target: Target) -> &'static str {
    match target {
        Target::Git => include_str!("git.txt"),
        Target::Kubectl => include_str!("kubectl.yaml"),
        Target::Bazel => include_str!("bazel.txt"),
        Target::Curl => include_str!("curl.txt"),
        Target::GithubActions => include_str!("github-actions.yaml"),
        Target::GitlabCi => include_str!("gitlab-ci.yaml"),
        Target::AzurePipelines => include_str!("azure-pipelines.yaml"),
        Target::Prometheus => include_str!("prometheus.yaml"),
        Target::Systemd => include_str!("systemd.service"),
        Target::Python => include_str!("python.py"),
        Target::Node => include_str!("node.mjs"),
        Target::Powershell => include_str!("powershell.ps1"),
        Target::Kubernetes => include_str!("kubernetes.yaml"),
    }
}

/// Fills a template with the profile's values, each written by `quote`.
fn fill(session: &Session, system: &System, text: &str, quote: fn(&str) -> String) -> Result<String, Error> {
    let profile = &session.profile;
    let known = known_api_domain(session, system);
    let answered = known.as_deref().filter(|_| hosts::depend_on_answer(profile));
    let unknown = || {
        Error::new(
            Code::Config,
            tr!("the API domain of '{profile}' is not known yet", profile = profile.name),
            tr!(
                "run 'zoho-cred get {profile}' once, or set hosts in [profile.{profile}]",
                profile = profile.name
            ),
        )
    };
    let host = hosts::hosts(profile, answered).into_iter().next().ok_or_else(unknown)?;
    let is_host = |domain: &String| Place::of_uri(domain).is_some_and(|place| place.as_str() == host);
    let api_domain = known.filter(is_host).unwrap_or_else(|| format!("https://{host}"));
    let scheme = api_domain.split("://").next().unwrap_or("https").to_owned();
    let (name, value) = match hosts::own_data_center(profile) {
        Some(dc) => ("ZOHO_DATA_CENTER", dc.code),
        None => ("ZOHO_ACCOUNTS_URL", profile.accounts_url.as_str()),
    };
    let secrets: &[&str] = match profile.grant {
        Grant::RefreshToken => &["ZOHO_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN"],
        Grant::ClientCredentials { .. } => &["ZOHO_CLIENT_SECRET"],
    };
    let (url, job_url) = match Sample::of(profile) {
        Sample::Gateway(path) => (format!("{api_domain}{path}"), format!("$ZOHO_API_DOMAIN{path}")),
        Sample::Url(url) => (url.clone(), url),
    };
    let values = [
        ("{profile}", profile.name.to_string()),
        ("{client_id}", profile.client_id.clone()),
        ("{secrets}", secrets.join(", ")),
        ("{data_center}", format!("{name}: {value}")),
        ("{data_center_env}", format!("{name}={value}")),
        ("{data_center_name}", name.to_owned()),
        ("{data_center_value}", value.to_owned()),
        ("{api_domain}", api_domain),
        ("{url}", url),
        ("{job_url}", job_url),
        ("{host}", host),
        ("{scheme}", scheme),
        ("{program}", process::own_path().display().to_string()),
    ];
    let text = for_grant(profile, text, quote);
    Ok(values.iter().fold(text, |text, (name, value)| text.replace(name, &quote(&sanitize(value)))))
}

/// Adapts a template to the profile's grant: client credentials have no refresh token, but an organization and
/// scopes.
fn for_grant(profile: &Profile, text: &str, quote: fn(&str) -> String) -> String {
    let Grant::ClientCredentials { soid } = &profile.grant else { return text.to_owned() };
    let named: Vec<(&str, String)> = [
        Some(("ZOHO_GRANT", "client_credentials".to_owned())),
        soid.clone().map(|soid| ("ZOHO_SOID", soid)),
        Some(("ZOHO_SCOPES", profile.scopes.join(","))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut lines = Vec::new();
    for line in text.lines() {
        let kept = line.replace("; gh secret set ZOHO_REFRESH_TOKEN", "");
        let kept = kept.replace(" --from-file=refresh-token", "");
        if kept.contains("REFRESH_TOKEN") || kept.contains("refresh-token") {
            continue;
        }
        if kept.contains("{data_center") {
            lines.extend(named.iter().map(|(name, value)| {
                let value = quote(&sanitize(value));
                kept.replace("{data_center}", &format!("{name}: {value}"))
                    .replace("{data_center_env}", &format!("{name}={value}"))
                    .replace("{data_center_name}", name)
                    .replace("{data_center_value}", &value)
            }));
        }
        lines.push(kept);
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigFile;
    use crate::model::ProfileName;
    use std::path::Path;

    #[test]
    fn client_credentials_want_an_organization_instead_of_a_refresh_token() {
        let text = "[profile.crm]\nclient_id='x'\ndata_center='jp'\ngrant='client_credentials'\n\
                    soid='ZohoCRM.1'\nscopes=['A.b.READ','C.d.ALL']\n";
        let file = ConfigFile::parse(Path::new("c"), text).unwrap();
        let profile = file.profile(&ProfileName::new("crm").unwrap()).unwrap().unwrap();
        for (target, separator, end) in [
            (Target::GithubActions, ": ", "\n"),
            (Target::GitlabCi, ": ", "\n"),
            (Target::AzurePipelines, ": ", "\n"),
            (Target::Systemd, "=", "\"\n"),
            (Target::Kubernetes, ", value: \"", "\" }\n"),
        ] {
            let text = for_grant(&profile, super::text(target), quoting(target));
            assert!(!text.to_lowercase().replace('-', "_").contains("refresh_token"), "{text}");
            assert!(text.contains(&format!("ZOHO_GRANT{separator}client_credentials{end}")), "{text}");
            assert!(text.contains(&format!("ZOHO_SOID{separator}ZohoCRM.1{end}")), "{text}");
            assert!(text.contains(&format!("ZOHO_SCOPES{separator}A.b.READ,C.d.ALL{end}")), "{text}");
        }
    }

    #[test]
    fn nothing_in_a_file_is_a_specifier_or_ends_the_quotes() {
        assert_eq!(in_yaml_quotes(r#"a"\b"#), r#"a\"\\b"#);
        assert_eq!(in_systemd_quotes(r#"/opt/my "tools" 100%\t/x"#), r#"/opt/my \"tools\" 100%%\\t/x"#);
    }
}
