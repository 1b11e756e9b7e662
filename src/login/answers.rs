//! Checks of what a person typed. The error is the reason, shown before the question is repeated.

use crate::i18n::tr;
use crate::model::{consists_of, is_scope, split_scopes};
use crate::zoho::scopes;

/// The shape of a Client ID: `1000.` and letters or digits.
pub(super) fn client_id(text: &str) -> Result<String, String> {
    let (number, name) = text.split_once('.').unwrap_or_default();
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    if is_number && !name.is_empty() && consists_of(name, b"") {
        Ok(text.to_owned())
    } else {
        Err(tr!("that is not a Client ID; it looks like 1000.ABCDEF0123456789"))
    }
}

/// A client secret that is not something else of the same page.
pub(super) fn client_secret(text: &str) -> Result<(), String> {
    match () {
        () if client_id(text).is_ok() => {
            Err(tr!("that is a Client ID; the Client Secret is the line below it"))
        }
        () if !consists_of(text, b"._-") => Err(tr!("a Client Secret has only letters and digits")),
        () => Ok(()),
    }
}

/// The scopes in a list of scopes and presets.
pub(super) fn scopes(text: &str) -> Result<Vec<String>, String> {
    let words = split_scopes(text);
    for word in &words {
        let is_named =
            word.contains('.') || scopes::preset(word).is_some() || OPENID.contains(&word.as_str());
        if !is_scope(word) || !is_named {
            return Err(match scopes::suggestion(word).filter(|_| is_scope(word)) {
                Some(near) => tr!("'{word}' is not a scope, did you mean '{near}'?", word, near),
                None => tr!("'{word}' is not a scope; a scope looks like ZohoCRM.modules.ALL", word),
            });
        }
    }
    Ok(with_presets(&words))
}

/// Scopes of OpenID Connect, the only ones without a dot.
const OPENID: [&str; 4] = ["openid", "email", "profile", "phone"];

/// `words` with each preset replaced by its scopes, without duplicates.
pub(super) fn with_presets(words: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for word in words {
        let preset = scopes::preset(word).map(<[String]>::to_vec);
        let scopes = preset.unwrap_or_else(|| vec![word.clone()]);
        for scope in scopes {
            if !all.contains(&scope) {
                all.push(scope);
            }
        }
    }
    all
}

/// The warning about scopes that no list has, if there are any.
pub(super) fn unknown_scopes(scopes: &[String]) -> Option<String> {
    let is_unknown = |scope: &&String| !scopes::is_known(scope) && !OPENID.contains(&scope.as_str());
    let unknown: Vec<&String> = scopes.iter().filter(is_unknown).collect();
    let [first, ..] = unknown.as_slice() else { return None };
    let names = unknown.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(&tr!(", "));
    Some(match scopes::suggestion(first).filter(|_| unknown.len() == 1) {
        Some(near) => tr!("zoho-cred does not know the scope {names}; did you mean '{near}'?", names, near),
        None => tr!("zoho-cred does not know the scope {names}; Zoho will say whether it exists", names),
    })
}

/// An organization for client credentials.
pub(super) fn soid(text: &str) -> Result<Option<String>, String> {
    let has_both = |(service, id): (&str, &str)| !service.is_empty() && !id.is_empty();
    match text {
        "" => Ok(None),
        text if consists_of(text, b"._-") && text.split_once('.').is_some_and(has_both) => {
            Ok(Some(text.to_owned()))
        }
        _ => Err(tr!("that is not an organization; it looks like ZohoCRM.600000434")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_client_is_told_by_its_shape() {
        assert!(client_id("1000.ABC0").is_ok());
        for bad in ["MyZohoApp", "https://api-console.zoho.jp", "me@example.com", "1000.", "1000.A B", ""] {
            assert!(client_id(bad).is_err(), "{bad}");
        }
        assert!(client_secret("0af3").is_ok());
        for bad in ["1000.ABC0", "two words", "あ"] {
            assert!(client_secret(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn scopes_and_presets_are_separated_in_any_way() {
        let read = scopes("ZohoCRM.modules.ALL、A.b.READ，C.d.ALL  books").unwrap();
        assert_eq!(read[..4], ["ZohoCRM.modules.ALL", "A.b.READ", "C.d.ALL", "ZohoBooks.fullaccess.all"]);
        assert_eq!(scopes("crm ZohoCRM.modules.ALL crm").unwrap().len(), scopes("crm").unwrap().len());
        assert!(scopes("cmr").unwrap_err().contains("'crm'"));
        assert!(scopes("A.b!").is_err());
    }
}
