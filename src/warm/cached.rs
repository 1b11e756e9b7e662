//! The record in a cache file, read byte by byte in the one form that this program writes it in. Everything else,
//! such as a text with an escape, is `None`: JSON is understood by the long way.

use crate::oauth::token::is_well_formed;
use crate::token::Lifetime;

/// A token and what was answered with it.
#[derive(Clone, Copy)]
pub struct Cached<'a> {
    /// The token, checked for its bytes.
    pub access_token: &'a str,
    /// Its times, checked to be possible ones.
    pub lifetime: Lifetime,
    /// Where the APIs are.
    pub api_domain: Option<&'a str>,
    /// The scopes as JSON; empty where the answers named none.
    pub scopes: &'a str,
}

impl<'a> Cached<'a> {
    /// The record in a file's bytes.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        if !bytes.is_ascii() {
            return None;
        }
        let mut rest = Rest(std::str::from_utf8(bytes).ok()?);
        rest.skip("{\"version\":1,\"token\":{\"access_token\":")?;
        let access_token = rest.text()?;
        rest.skip(",\"obtained_at_ms\":")?;
        let obtained_at_ms = rest.number()?;
        rest.skip(",\"expires_at_ms\":")?;
        let expires_at_ms = rest.number()?;
        rest.skip(",\"clock_offset_ms\":")?;
        let clock_offset_ms = rest.number()?;
        rest.skip("},\"api_domain\":")?;
        let api_domain = match rest.skip("null") {
            Some(()) => None,
            None => Some(rest.text()?),
        };
        rest.skip(",\"scopes\":")?;
        let scopes = rest.texts()?;
        rest.skip(",\"rejected\":false")?;
        if rest.skip(",\"tombstone\":").is_some() {
            rest.text()?;
        }
        let lifetime = Lifetime { obtained_at_ms, expires_at_ms, clock_offset_ms };
        let sound = rest.0 == "}\n" && is_well_formed(access_token) && lifetime.is_sound();
        sound.then_some(Cached { access_token, lifetime, api_domain, scopes })
    }
}

/// What has not been read yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    fn take(&mut self, length: usize) -> Option<&'a str> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A JSON text that means what it says.
    fn text(&mut self) -> Option<&'a str> {
        self.skip("\"")?;
        let length = self.0.bytes().position(|b| matches!(b, b'"' | b'\\' | 0..=31 | 127))?;
        let text = self.take(length)?;
        self.skip("\"")?;
        Some(text)
    }

    /// A JSON list of such texts, as it stands there; empty for the empty list.
    fn texts(&mut self) -> Option<&'a str> {
        self.skip("[")?;
        if self.skip("]").is_some() {
            return Some("");
        }
        let mut ahead = Rest(self.0);
        ahead.text()?;
        while ahead.skip(",").is_some() {
            ahead.text()?;
        }
        let length = self.0.len() - ahead.0.len();
        let texts = self.take(length)?;
        self.skip("]")?;
        Some(texts)
    }

    fn number(&mut self) -> Option<i64> {
        let length = self.0.bytes().position(|b| !matches!(b, b'-' | b'0'..=b'9'))?;
        let digits = self.take(length)?;
        let unusual = digits.starts_with("-0") || (digits.starts_with('0') && digits.len() > 1);
        if unusual { None } else { digits.parse().ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::records::encode;
    use crate::token::{CacheRecord, TokenSet};
    use proptest::prelude::*;

    fn record() -> impl Strategy<Value = CacheRecord> {
        let text = "[ -~]{0,20}|[a-zA-Z.]{1,9}|\\PC{0,4}";
        let lifetime = (any::<i64>(), 0i64..4_000_000, any::<i64>());
        let token =
            ("[a-z0-9.]{0,20}|[ -~]{1,5}", lifetime).prop_map(|(text, (at, life, offset))| TokenSet {
                access_token: crate::secret::Secret::new(text),
                obtained_at_ms: at,
                expires_at_ms: at.saturating_add(life),
                clock_offset_ms: offset,
            });
        let scopes = prop::collection::vec(text, 0..3);
        let rest = (prop::option::of(text), scopes, any::<bool>(), prop::option::of("[a-f0-9]{8}"));
        (prop::option::weighted(0.9, token), rest).prop_map(
            |(token, (api_domain, scopes, rejected, tombstone))| CacheRecord {
                token,
                api_domain,
                scopes,
                rejected,
                tombstone,
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_is_understood_serde_understands_the_same_way(record in record(), cut in 0usize..400) {
            let mut bytes = encode(&record);
            if cut < 40 {
                bytes.truncate(bytes.len().saturating_sub(cut));
            }
            let found = Cached::read(&bytes);
            let long = crate::store::decode_cache(&bytes);
            if let Some(found) = found {
                let long = long.unwrap();
                let token = long.token.as_ref().unwrap();
                prop_assert_eq!(found.access_token, token.access_token.expose());
                prop_assert_eq!(found.lifetime, token.lifetime());
                prop_assert_eq!(found.api_domain, long.api_domain.as_deref());
                let scopes = serde_json::to_string(&long.scopes).unwrap();
                prop_assert_eq!(format!("[{}]", found.scopes), scopes);
            }
        }
    }

    #[test]
    fn an_ordinary_record_is_understood() {
        let token = TokenSet {
            access_token: crate::secret::Secret::new("1000.a.b"),
            obtained_at_ms: 1_700_000_000_000,
            expires_at_ms: 1_700_003_600_000,
            clock_offset_ms: -5,
        };
        for (scopes, tombstone) in
            [(vec!["ZohoCRM.modules.ALL".into(), "b".into()], None), (vec![], Some("ab".into()))]
        {
            let api_domain = Some("https://www.zohoapis.jp".into());
            let record =
                CacheRecord { token: Some(token.clone()), api_domain, scopes, rejected: false, tombstone };
            assert!(Cached::read(&encode(&record)).is_some());
        }
    }
}
