//! "Access Denied" in the languages that Zoho has: the error of a throttle is in the language of the account.
//!
//! The languages are those of SalesIQ's `setLanguage`
//! (<https://www.zoho.com/salesiq/help/developer-guides/flutter-sdk-chat-setlanguage.html>) and Malay. The texts that clients
//! of Zoho recorded are marked. The others are the usual translations: those of ppy/osu-web,
//! `resources/lang/*/authorization.php`, whose Chinese text is exactly Zoho's, and further common ones.

/// Language and text, in lower case and without a final period, for the languages that can be written in ASCII.
const TEXTS: [(&str, &str); 28] = [
    ("en", "access denied"), // recorded in many clients' logs
    ("en", "too many requests"),
    ("pt", "acesso negado"), // recorded
    ("pt", "o acesso foi negado"),
    ("pt", "acesso recusado"),
    ("ro", "acces refuzat"), // recorded
    ("ro", "acces respins"),
    ("ro", "acces interzis"),
    ("de", "zugriff verweigert"),
    ("de", "zugang verweigert"),
    ("fr", "acces refuse"),
    ("es", "acceso denegado"),
    ("it", "accesso negato"),
    ("it", "accesso rifiutato"),
    ("nl", "toegang geweigerd"),
    ("nl", "toegang ontzegd"),
    ("da", "adgang forbudt"),
    ("nb", "ingen tilgang"),
    ("nb", "ingen adgang"),
    ("nb", "adgang nektet"),
    ("nb", "tilgang nektet"),
    ("sl", "dostop zavrnjen"),
    ("hr", "zabranjen pristup"),
    ("hr", "pristup odbijen"),
    ("id", "akses ditolak"),
    ("ms", "capaian ditolak"),
    ("ms", "akses dinafikan"),
    ("fil", "pag-access ay tinanggihan"),
];

/// Whether the value of `error` says "Access Denied". Zoho's error codes are ASCII, so any other text is a sentence in the
/// language of the account, and only this sentence is known to occur (`拒绝访问`, recorded by guanguans/notify).
pub(crate) fn says_access_denied(error: &str) -> bool {
    let lower = error.to_ascii_lowercase();
    !error.is_ascii() || TEXTS.iter().any(|(_, text)| lower.contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_recognized_however_it_is_written() {
        let others =
            ["拒绝访问", "アクセスが拒否されました", "Доступ запрещён", "accès refusé", "الوصول مرفوض"];
        for text in TEXTS.iter().map(|(_, text)| *text).chain(others) {
            for written in [text.to_owned(), text.to_uppercase(), format!("{text}.")] {
                assert!(says_access_denied(&written), "{written}");
            }
        }
        for other in ["access_denied", "access_denied_admin", "invalid_code", "general_error", "denied", ""] {
            assert!(!says_access_denied(other), "{other}");
        }
    }
}
