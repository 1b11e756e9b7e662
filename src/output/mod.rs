//! One pure function a format: a token to the bytes on stdout.

mod plain;

use crate::config::{Profile, Scheme};
use crate::error::Error;
use crate::oauth::token::is_well_formed;
use crate::system::Now;
use crate::token::CacheRecord;

/// The formats of `get -o`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// The token alone
    #[default]
    Token,
    /// A JSON object with everything known of it
    Json,
    /// An HTTP header line
    Header,
}

/// All that a format may print.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// Name of the profile.
    pub profile: &'a str,
    /// The token, checked for its bytes.
    pub access_token: &'a str,
    /// Scheme of the `Authorization` header.
    pub scheme: Scheme,
    /// When the token expires, in seconds since 1970.
    pub expires_at: i64,
    /// Seconds until then.
    pub expires_in: i64,
    /// Where the APIs are.
    pub api_domain: Option<String>,
    /// Code of the data centre, where it is one of Zoho's.
    pub data_center: Option<&'a str>,
    /// The scopes.
    pub scopes: &'a [String],
}

impl<'a> View<'a> {
    /// What may be printed of `record`; [`Error::HostileToken`] where its token has bytes that no token has.
    pub fn of(
        profile: &'a Profile,
        scheme: Scheme,
        record: &'a CacheRecord,
        now: Now,
    ) -> Result<Self, Error> {
        let token = record.token.as_ref().filter(|token| is_well_formed(token.access_token.expose()));
        let token = token.ok_or(Error::HostileToken)?;
        let dc_domain = || profile.data_center.map(|dc| dc.api_domain());
        Ok(View {
            profile: profile.name.as_str(),
            access_token: token.access_token.expose(),
            scheme,
            expires_at: token.expires_at_ms.div_euclid(1000),
            expires_in: token.left_ms(now).div_euclid(1000),
            api_domain: record.api_domain.clone().or_else(dc_domain),
            data_center: profile.data_center.map(|dc| dc.code),
            scopes: if record.scopes.is_empty() { &profile.scopes } else { &record.scopes },
        })
    }
}

/// The bytes of `view` in the format `output`.
pub fn render(output: Output, view: &View<'_>) -> Vec<u8> {
    let text = match output {
        Output::Token => plain::token(view),
        Output::Json => plain::json(view),
        Output::Header => plain::header(view),
    };
    text.into_bytes()
}

/// A time as RFC 3339 in UTC, whole seconds, `Z`: the one form that every caller reads.
pub fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}
