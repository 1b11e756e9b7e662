//! "Access Denied" in the languages that Zoho has: the error of a throttle is in the language of the account.
//!
//! The languages are those of SalesIQ's `setLanguage`
//! (<https://www.zoho.com/salesiq/help/developer-guides/flutter-sdk-chat-setlanguage.html>) and Malay. The texts that clients
//! of Zoho recorded are marked. The others are the usual translations: those of ppy/osu-web,
//! `resources/lang/*/authorization.php`, whose Chinese text is exactly Zoho's, and further common ones.

/// Language and text, in lower case and without a final period.
const TEXTS: [(&str, &str); 63] = [
    ("en", "access denied"), // recorded in many clients' logs
    ("en", "too many requests"),
    ("pt", "acesso negado"), // recorded
    ("pt", "o acesso foi negado"),
    ("pt", "acesso recusado"),
    ("ro", "acces refuzat"), // recorded
    ("ro", "acces respins"),
    ("ro", "acces interzis"),
    ("zh", "拒绝访问"), // recorded by guanguans/notify
    ("zh", "访问被拒绝"),
    ("zh_TW", "拒絕存取"),
    ("zh_TW", "沒有權限"),
    ("ja", "アクセスが拒否されました"),
    ("ja", "アクセス拒否"),
    ("ko", "접근이 거부되었습니다"),
    ("ko", "액세스 거부"),
    ("de", "zugriff verweigert"),
    ("de", "zugang verweigert"),
    ("fr", "accès refusé"),
    ("fr", "acces refuse"),
    ("fr", "accès interdit"),
    ("es", "acceso denegado"),
    ("it", "accesso negato"),
    ("it", "accesso rifiutato"),
    ("nl", "toegang geweigerd"),
    ("da", "adgang nægtet"),
    ("da", "adgang forbudt"),
    ("nb", "ingen tilgang"),
    ("nb", "tilgang nektet"),
    ("sv", "åtkomst nekad"),
    ("fi", "pääsy evätty"),
    ("fi", "pääsy estetty"),
    ("pl", "odmowa dostępu"),
    ("pl", "dostęp zabroniony"),
    ("cs", "přístup odepřen"),
    ("cs", "přístup byl odepřen"),
    ("sk", "prístup zamietnutý"),
    ("sk", "prístup odmietnutý"),
    ("sl", "dostop zavrnjen"),
    ("hr", "zabranjen pristup"),
    ("hr", "pristup odbijen"),
    ("hu", "hozzáférés megtagadva"),
    ("bg", "достъпът е отказан"),
    ("bg", "достъпът отказан"),
    ("ru", "доступ запрещ"),
    ("ru", "отказано в доступе"),
    ("uk", "в доступі відмовлено"),
    ("uk", "доступ заборонено"),
    ("el", "απαγορεύεται η πρόσβαση"),
    ("el", "δεν επιτρέπεται η πρόσβαση"),
    ("tr", "erişim engellendi"),
    ("tr", "erişim reddedildi"),
    ("he", "הגישה נדחתה"),
    ("ar", "الوصول مرفوض"),
    ("ar", "تم رفض الوصول"),
    ("fa", "دسترسی امکان‌پذیر نیست"),
    ("th", "ปฏิเสธการเข้า"),
    ("vi", "truy cập bị từ chối"),
    ("id", "akses ditolak"),
    ("ms", "capaian ditolak"),
    ("ms", "akses dinafikan"),
    ("fil", "pag-access ay tinanggihan"),
    ("ga", "rochtain diúltaithe"),
];

/// Whether the value of `error` says "Access Denied". Zoho's error codes are ASCII, so any other text is a sentence in the
/// language of the account, of which only this one is known.
pub(crate) fn says_access_denied(error: &str) -> bool {
    let lower = error.to_lowercase();
    !error.is_ascii() || TEXTS.iter().any(|(_, text)| lower.contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_recognized_however_it_is_written() {
        for (language, text) in TEXTS {
            assert_eq!(text, text.to_lowercase(), "{language}");
            for written in [text.to_owned(), text.to_uppercase(), format!("{text}.")] {
                assert!(says_access_denied(&written), "{language}: {written}");
            }
        }
        for other in ["access_denied", "access_denied_admin", "invalid_code", "general_error", "denied", ""] {
            assert!(!says_access_denied(other), "{other}");
        }
    }
}
