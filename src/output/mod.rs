//! One pure function a format: a token to the bytes on stdout.

pub(crate) mod ci;
mod http;
pub(crate) mod kubernetes;
mod plain;
pub(crate) mod shell;

pub(crate) use kubernetes::ApiVersion;
pub(crate) use shell::Shell;

use crate::error::Error;
use crate::model::ClockReading;
use crate::model::is_well_formed;
use crate::model::{CacheRecord, MinTtl};
use crate::model::{Profile, Scheme};
use crate::zoho::DataCenter;
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
    /// A GitHub Actions step: mask the token, then set variables for later steps
    Github,
    /// An Azure Pipelines step: mask the token, then set variables for later steps
    Azure,
}

/// Life that a token has to have left where it is used for a while after it was handed out.
pub(crate) const USED_FOR_A_WHILE: Duration = Duration::from_secs(30 * 60);

impl Output {
    /// The life that a token must have left for this output, unless `--min-ttl` says something.
    pub fn min_ttl(self) -> MinTtl {
        match self {
            Output::Token | Output::Json | Output::Header | Output::Curl | Output::HeadersJson => {
                MinTtl::Default
            }
            Output::Env | Output::Dotenv | Output::Github | Output::Azure => {
                MinTtl::Implied(USED_FOR_A_WHILE)
            }
            Output::ExecCredential => MinTtl::Reported,
        }
    }

    /// The life that a token must have left for this output where the caller wants `min_ttl`.
    pub(crate) fn explicit_min_ttl(self, min_ttl: Duration) -> MinTtl {
        MinTtl::Explicit(match self {
            Output::ExecCredential => min_ttl.saturating_add(MARGIN),
            _ => min_ttl,
        })
    }

    /// Whether its reader takes stderr for a part of the answer, so that a success must be silent there.
    pub fn is_silent(self) -> bool {
        self == Output::ExecCredential
    }
}

/// How much earlier than the truth an expiry is reported to callers with no margin of their own.
const MARGIN: Duration = Duration::from_secs(60);

/// What a format takes from the surroundings of the call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Form {
    /// Whose syntax `env` is in.
    pub(crate) shell: Shell,
    /// Which version of ExecCredential the caller speaks.
    pub(crate) api_version: ApiVersion,
}

/// All that a format may print.
#[derive(Clone, Debug)]
pub(crate) struct View<'a> {
    /// Name of the profile.
    pub(crate) profile: &'a str,
    /// The token, checked for its bytes.
    pub(crate) access_token: &'a str,
    /// Scheme of the `Authorization` header.
    pub(crate) scheme: Scheme,
    /// When the token expires, in seconds since 1970.
    pub(crate) expires_at: i64,
    /// The same for callers with no margin of their own: a minute earlier, or half a life where that is less. A token
    /// that has less than that left keeps its true expiry, as they would not use it otherwise.
    pub(crate) reported_expires_at: i64,
    /// Seconds until then.
    pub(crate) expires_in: i64,
    /// Where the APIs are.
    pub(crate) api_domain: Option<String>,
    /// Code of the data centre, where it is one of Zoho's.
    pub(crate) data_center: Option<&'a str>,
    /// The scopes.
    pub(crate) scopes: &'a [String],
}

/// What a format prints of a profile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Its data centre, where it is one of Zoho's.
    pub(crate) data_center: Option<&'static DataCenter>,
    /// Its scopes, as far as no answer named others.
    pub(crate) scopes: &'a [String],
}

impl<'a> Subject<'a> {
    /// What is printed of `profile`.
    pub(crate) fn of(profile: &'a Profile) -> Self {
        Subject { name: profile.name.as_str(), data_center: profile.data_center, scopes: &profile.scopes }
    }
}

impl<'a> View<'a> {
    /// What may be printed of `record`; [`Error::HostileToken`] where its token has bytes that no token has, and
    /// [`Error::Unavailable`] where the machine has slept through the rest of its life.
    pub(crate) fn of(
        profile: &'a Profile,
        scheme: Scheme,
        record: &'a CacheRecord,
        now: ClockReading,
    ) -> Result<Self, Error> {
        if record.token.as_ref().is_some_and(|token| token.left_ms(now) <= 0) {
            return Err(Error::expired_meanwhile());
        }
        View::new(Subject::of(profile), scheme, record, now)
    }

    /// The same for what is known of a profile.
    pub(crate) fn new(
        profile: Subject<'a>,
        scheme: Scheme,
        record: &'a CacheRecord,
        now: ClockReading,
    ) -> Result<Self, Error> {
        let token = record.token.as_ref().filter(|token| is_well_formed(token.access_token.expose()));
        let token = token.ok_or(Error::HostileToken)?;
        let margin = token.lifetime().margin_ms();
        let reported_ms =
            if token.left_ms(now) > margin { token.expires_at_ms - margin } else { token.expires_at_ms };
        let dc_domain = || profile.data_center.map(|dc| dc.api_domain());
        Ok(View {
            profile: profile.name,
            access_token: token.access_token.expose(),
            scheme,
            expires_at: token.expires_at_ms.div_euclid(1000),
            reported_expires_at: reported_ms.div_euclid(1000),
            expires_in: token.left_ms(now).div_euclid(1000),
            api_domain: record.api_domain.clone().filter(|domain| is_plain(domain)).or_else(dc_domain),
            data_center: profile.data_center.map(|dc| dc.code),
            scopes: if record.scopes.is_empty() { profile.scopes } else { &record.scopes },
        })
    }
}

/// Whether an address can stand in any format as it is: no quote, blank, control character or `%`. A cache that
/// somebody wrote into must not be able to forge a line or a command.
pub(crate) fn is_plain(address: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/[]".contains(&b);
    !address.is_empty() && address.bytes().all(legal)
}

/// The bytes of `view` on stdout in the format `output`.
pub(crate) fn render(output: Output, view: &View<'_>, form: &Form) -> Vec<u8> {
    let text = match output {
        Output::Token => plain::token(view),
        Output::Json => plain::json(view),
        Output::Header => plain::header(view),
        Output::Curl => http::curl(view),
        Output::HeadersJson => http::headers_json(view),
        Output::Env => shell::env(view, form.shell),
        Output::Dotenv => shell::dotenv(view),
        Output::ExecCredential => kubernetes::exec_credential(view, form.api_version),
        Output::Github => ci::github_mask(view),
        Output::Azure => ci::azure(view),
    };
    text.into_bytes()
}

/// The names and values of the variables that hold a token; what is not known is left out.
pub(crate) fn variables(view: &View<'_>) -> Vec<(&'static str, String)> {
    let mut variables = vec![("ZOHO_ACCESS_TOKEN", view.access_token.to_owned())];
    variables.extend(view.api_domain.clone().map(|domain| ("ZOHO_API_DOMAIN", domain)));
    variables.push(("ZOHO_ACCESS_TOKEN_EXPIRES_AT", rfc3339(view.expires_at)));
    variables
}

/// `Authorization: Zoho-oauthtoken …`, without a newline.
pub(crate) fn header_line(view: &View<'_>) -> String {
    plain::header(view).trim_end().to_owned()
}

/// A time as RFC 3339 in UTC, whole seconds, `Z`: the one form that every caller reads.
pub fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What the golden bytes of every format are made of.
    pub(crate) fn view(scopes: &[String]) -> View<'_> {
        View {
            profile: "crm",
            access_token: "1000.aa.bb",
            scheme: Scheme::Zoho,
            expires_at: 1_893_456_060,
            reported_expires_at: 1_893_456_000,
            expires_in: 3471,
            api_domain: Some("https://www.zohoapis.jp".into()),
            data_center: Some("jp"),
            scopes,
        }
    }

    #[test]
    fn an_address_that_could_forge_something_is_left_out() {
        assert!(is_plain("https://www.zohoapis.jp") && is_plain("http://[::1]:8080/x"));
        for bad in ["", "https://x/%0A", "https://x\n::set", "https://x'y", "https://x y", "https://x\u{85}"]
        {
            assert!(!is_plain(bad), "{bad:?}");
        }
    }
}
