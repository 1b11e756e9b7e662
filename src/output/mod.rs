//! The output formats: one pure function for each, from a token to the bytes on stdout.

pub(crate) mod ci;
pub(crate) mod kubernetes;
mod plain;
pub(crate) mod shell;
mod view;

pub(crate) use kubernetes::ApiVersion;
pub(crate) use shell::Shell;
pub use view::rfc3339;
pub(crate) use view::{View, expired_meanwhile, variables};

use crate::model::MinTtl;
use std::time::Duration;

/// The formats of `get -o`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// The token only
    #[default]
    Token,
    /// A JSON object with the token and its metadata
    Json,
    /// An HTTP header line for 'curl -H @-'
    Header,
    /// A config line for 'curl -K -'
    Curl,
    /// A JSON object of HTTP headers
    HeadersJson,
    /// Shell commands that set variables
    Env,
    /// NAME=value lines
    Dotenv,
    /// A Kubernetes ExecCredential
    ExecCredential,
    /// A Kubernetes Secret for 'kubectl apply --server-side -f -'
    K8sSecret,
    /// A GitHub Actions step: mask the token, then set variables for later steps
    Github,
    /// An Azure Pipelines step: mask the token, then set variables for later steps
    Azure,
}

/// The least remaining lifetime of a token that is used for a while after it was printed.
pub(crate) const USED_FOR_A_WHILE: Duration = Duration::from_secs(30 * 60);

impl Output {
    /// The `min-ttl` of this format if `--min-ttl` is not given.
    pub fn min_ttl(self) -> MinTtl {
        match self {
            Output::Token | Output::Json | Output::Header | Output::Curl | Output::HeadersJson => {
                MinTtl::Default
            }
            Output::Env | Output::Dotenv | Output::K8sSecret | Output::Github | Output::Azure => {
                MinTtl::Implied(USED_FOR_A_WHILE)
            }
            Output::ExecCredential => MinTtl::Reported,
        }
    }

    /// The `min-ttl` of this format for a given `--min-ttl`.
    pub(crate) fn explicit_min_ttl(self, min_ttl: Duration) -> MinTtl {
        MinTtl::Explicit(match self {
            Output::ExecCredential => min_ttl.saturating_add(MARGIN),
            _ => min_ttl,
        })
    }

    /// Whether the caller treats stderr as part of the answer, so that success must print nothing there.
    pub fn is_silent(self) -> bool {
        self == Output::ExecCredential
    }
}

/// How much earlier than the true expiry is reported to callers without a safety margin of their own.
const MARGIN: Duration = Duration::from_secs(60);

/// Settings of a format that come from the caller's environment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Form {
    pub(crate) shell: Shell,
    pub(crate) api_version: ApiVersion,
}

pub(crate) fn render(output: Output, view: &View<'_>, form: &Form) -> Vec<u8> {
    let text = match output {
        Output::Token => plain::token(view),
        Output::Json => plain::json(view),
        Output::Header => plain::header(view) + "\n",
        Output::Curl => plain::curl(view),
        Output::HeadersJson => plain::headers_json(view),
        Output::Env => shell::env(view, form.shell),
        Output::Dotenv => shell::dotenv(view),
        Output::ExecCredential => kubernetes::exec_credential(view, form.api_version),
        Output::K8sSecret => kubernetes::secret(view),
        Output::Github => ci::github_mask(view),
        Output::Azure => ci::azure(view),
    };
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let scopes = ["ZohoCRM.modules.ALL".to_owned()];
        let view = view::tests::view(&scopes);
        let rendered = |output, shell| {
            String::from_utf8(render(output, &view, &Form { shell, api_version: ApiVersion::V1Beta1 }))
                .unwrap()
        };
        for (output, bytes) in [
            (Output::Token, "1000.aa.bb\n"),
            (
                Output::Json,
                "{\"version\":1,\"profile\":\"crm\",\"access_token\":\"1000.aa.bb\",\"scheme\":\"Zoho-oauthtoken\",\
                 \"expires_at\":\"2030-01-01T00:01:00Z\",\"expires_in\":3471,\"api_domain\":\"https://www.zohoapis.jp\",\
                 \"data_center\":\"jp\",\"scopes\":[\"ZohoCRM.modules.ALL\"]}\n",
            ),
            (Output::Header, "Authorization: Zoho-oauthtoken 1000.aa.bb\n"),
            (Output::Curl, "header = \"Authorization: Zoho-oauthtoken 1000.aa.bb\"\n"),
            (Output::HeadersJson, "{\"Authorization\":\"Zoho-oauthtoken 1000.aa.bb\"}\n"),
            (
                Output::Dotenv,
                "ZOHO_ACCESS_TOKEN=1000.aa.bb\nZOHO_API_DOMAIN=https://www.zohoapis.jp\n\
                 ZOHO_ACCESS_TOKEN_EXPIRES_AT=2030-01-01T00:01:00Z\nZOHO_CRED_PROFILE=crm\n",
            ),
            (
                Output::ExecCredential,
                "{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"kind\":\"ExecCredential\",\
                 \"status\":{\"token\":\"1000.aa.bb\",\"expirationTimestamp\":\"2030-01-01T00:00:00Z\"}}\n",
            ),
            (
                Output::K8sSecret,
                "{\"apiVersion\":\"v1\",\"data\":{\"api_domain\":\"aHR0cHM6Ly93d3cuem9ob2FwaXMuanA=\",\
                 \"expires_at\":\"MjAzMC0wMS0wMVQwMDowMTowMFo=\",\
                 \"header\":\"QXV0aG9yaXphdGlvbjogWm9oby1vYXV0aHRva2VuIDEwMDAuYWEuYmI=\",\"token\":\"MTAwMC5hYS5iYg==\"},\
                 \"kind\":\"Secret\",\"metadata\":{\"name\":\"zoho-crm\"},\"type\":\"Opaque\"}\n",
            ),
            (Output::Github, "::add-mask::1000.aa.bb\n"),
            (
                Output::Azure,
                "##vso[task.setsecret]1000.aa.bb\n\
                 ##vso[task.setvariable variable=ZOHO_ACCESS_TOKEN;issecret=true]1000.aa.bb\n\
                 ##vso[task.setvariable variable=ZOHO_API_DOMAIN]https://www.zohoapis.jp\n\
                 ##vso[task.setvariable variable=ZOHO_ACCESS_TOKEN_EXPIRES_AT]2030-01-01T00:01:00Z\n\
                 ##vso[task.setvariable variable=ZOHO_CRED_PROFILE]crm\n",
            ),
        ] {
            assert_eq!(rendered(output, Shell::Sh), bytes, "{output:?}");
        }
        let line = |begin: &str, equals: &str, end: &str| {
            let values = ["1000.aa.bb", "https://www.zohoapis.jp", "2030-01-01T00:01:00Z", "crm"];
            let names = ["ACCESS_TOKEN", "API_DOMAIN", "ACCESS_TOKEN_EXPIRES_AT", "CRED_PROFILE"];
            let lines = names.iter().zip(values);
            lines.map(|(name, value)| format!("{begin}ZOHO_{name}{equals}{value}{end}\n")).collect::<String>()
        };
        for (shell, bytes) in [
            (Shell::Sh, line("export ", "='", "'")),
            (Shell::Fish, line("set -gx ", " '", "'")),
            (Shell::Powershell, line("$env:", " = '", "'")),
            (Shell::Cmd, line("set \"", "=", "\"")),
        ] {
            assert_eq!(rendered(Output::Env, shell), bytes);
        }
        assert_eq!(ci::github_env(&view, "END"), line("", "<<END\n", "\nEND"));
    }
}
