//! "Did you mean …?"

/// The candidate that `word` was most likely meant to be, or `None` where none is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&word.to_lowercase(), &c.to_lowercase()), c))
        .filter(|(distance, c)| *distance <= 1 + c.len() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_met_and_a_stranger_is_not() {
        assert_eq!(nearest("data_centre", ["client_id", "data_center"]), Some("data_center"));
        assert_eq!(nearest("zzz", ["client_id", "data_center"]), None);
    }
}
