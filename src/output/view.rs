//! The values that every output format is made of.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::{CacheRecord, ClockReading, Profile, Scheme, is_well_formed};

/// The values that a format can print. None has a quote, a blank, a backslash, a `%` or a control character, so no format escapes
/// them; `scopes` is for JSON only.
#[derive(Clone, Debug)]
pub(crate) struct View<'a> {
    pub(crate) profile: &'a str,
    /// Well-formed: see [`is_well_formed`].
    pub(crate) access_token: &'a str,
    pub(crate) scheme: Scheme,
    /// In seconds since 1970.
    pub(crate) expires_at: i64,
    /// The expiry for callers without a safety margin: 60 s earlier, or half a lifetime if that is less. A token
    /// with less time left keeps its true expiry, because these callers would not use it otherwise.
    pub(crate) reported_expires_at: i64,
    pub(crate) expires_in: i64,
    pub(crate) api_domain: Option<String>,
    /// Code of a Zoho data center; `None` for other accounts servers.
    pub(crate) data_center: Option<&'a str>,
    pub(crate) scopes: &'a [String],
}

impl<'a> View<'a> {
    /// Errors: `Code::Unavailable` if the token has illegal bytes, or expired while the machine was suspended.
    pub(crate) fn of(
        profile: &'a Profile,
        scheme: Scheme,
        record: &'a CacheRecord,
        now: ClockReading,
    ) -> Result<Self, Error> {
        let token = record.token.as_ref().filter(|token| is_well_formed(token.access_token.expose()));
        let token = token.ok_or_else(hostile_token)?;
        let left_ms = token.left_ms(now);
        if left_ms <= 0 {
            return Err(expired_meanwhile());
        }
        let margin = token.margin_ms();
        let reported_ms = token.expires_at_ms - if left_ms > margin { margin } else { 0 };
        let dc_domain = || profile.data_center.map(|dc| dc.api_domain());
        Ok(View {
            profile: profile.name.as_str(),
            access_token: token.access_token.expose(),
            scheme,
            expires_at: token.expires_at_ms.div_euclid(1000),
            reported_expires_at: reported_ms.div_euclid(1000),
            expires_in: left_ms.div_euclid(1000),
            api_domain: record.api_domain.clone().filter(|domain| is_plain(domain)).or_else(dc_domain),
            data_center: profile.data_center.map(|dc| dc.code),
            scopes: if record.scopes.is_empty() { &profile.scopes } else { &record.scopes },
        })
    }

    /// The value of the `Authorization` header.
    pub(crate) fn authorization(&self) -> String {
        format!("{} {}", self.scheme.word(), self.access_token)
    }
}

/// Whether a URL is safe in every format: no quotes, blanks, control characters or `%`. A manipulated cache must
/// not be able to inject a line or a command.
pub(crate) fn is_plain(address: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/[]".contains(&b);
    !address.is_empty() && address.bytes().all(legal)
}

/// The names and values of the variables of `exec`; unknown values are omitted.
pub(crate) fn variables(view: &View<'_>) -> Vec<(&'static str, String)> {
    let mut variables = vec![("ZOHO_ACCESS_TOKEN", view.access_token.to_owned())];
    variables.extend(view.api_domain.clone().map(|domain| ("ZOHO_API_DOMAIN", domain)));
    variables.push(("ZOHO_ACCESS_TOKEN_EXPIRES_AT", rfc3339(view.expires_at)));
    variables.push(("ZOHO_CRED_PROFILE", view.profile.to_owned()));
    variables
}

/// Formats a time as RFC 3339 in UTC with whole seconds and `Z`.
pub fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

/// The machine slept while a token was on its way to the caller.
pub(crate) fn expired_meanwhile() -> Error {
    Error::unavailable(&tr!("the token expired before it could be used"))
}

fn hostile_token() -> Error {
    Error::new(
        Code::Unavailable,
        tr!("the access token has illegal bytes, so it was not printed"),
        tr!("check that the accounts server is Zoho's"),
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The input of the golden tests of every format.
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
