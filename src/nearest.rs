//! "Did you mean …?"

use crate::i18n::tr;

pub(crate) fn did_you_mean(near: &str) -> String {
    tr!("did you mean '{near}'?", near)
}

/// The candidate most likely meant by `word`: the nearest one within a few typos, otherwise the only one with this
/// prefix.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (word, candidates) = (word.to_lowercase(), candidates.into_iter().collect::<Vec<_>>());
    let slip = candidates
        .iter()
        .map(|c| (strsim::damerau_levenshtein(&word, &c.to_lowercase()), *c))
        .filter(|(distance, c)| *distance <= 1 + c.len() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c);
    let mut begun = candidates.iter().filter(|c| word.len() > 1 && c.to_lowercase().starts_with(&word));
    let only = begun.next().filter(|_| begun.next().is_none()).copied();
    slip.or(only)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_met_and_a_stranger_is_not() {
        assert_eq!(nearest("data_centre", ["client_id", "data_center"]), Some("data_center"));
        assert_eq!(nearest("github", ["git", "github-actions"]), Some("github-actions"));
        assert_eq!(nearest("secret_", ["secret_command", "secret_of_somebody_else"]), None);
        assert_eq!(nearest("zzz", ["client_id", "data_center"]), None);
    }
}
