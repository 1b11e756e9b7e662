//! What people type: Japanese input methods leave full-width letters, digits and punctuation.

use crate::i18n::catalog;
use icu_normalizer::ComposingNormalizerBorrowed;

/// `text` in its usual width (NFKC), without blanks around it.
pub(crate) fn normalize(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfkc().normalize(text).trim().to_owned()
}

/// Whether `text` says yes; anything unclear does not.
pub(crate) fn is_yes(text: &str) -> bool {
    let answer = normalize(text).to_lowercase();
    matches!(answer.as_str(), "y" | "yes") || catalog::means_yes(&answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_width_input_is_read() {
        assert_eq!(normalize("　ｊｐ\r\n"), "jp");
        assert_eq!(normalize("Ａ．ｂ．ＲＥＡＤ，Ｃ､Ｄ"), "A.b.READ,C、D");
        for yes in ["y", "YES", "ｙ", "Ｙｅｓ", " はい"] {
            assert!(is_yes(yes), "{yes}");
        }
        for no in ["", "n", "いいえ", "yep", "はいいいえ"] {
            assert!(!is_yes(no), "{no}");
        }
    }
}
