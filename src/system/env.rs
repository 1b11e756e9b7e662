//! The environment's variables, read once.

/// The variables of a call. An empty variable counts as one that is not set, as CI systems set many so. Where a name
/// is there twice the first one counts, as for `getenv(3)`.
#[derive(Clone, Default)]
pub struct Env {
    variables: Vec<(String, String)>,
}

impl Env {
    /// The process's own; a variable that is not UTF-8 is not seen.
    pub fn real() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Env { variables: std::env::vars_os().filter_map(text).collect() }
    }

    /// Only these of the process's own, apart by spaces, which is quicker than all of them.
    #[expect(clippy::disallowed_methods, reason = "this is the one adapter")]
    pub fn real_ones(names: &'static str) -> Self {
        let text = |name: &str| Some((name.to_owned(), std::env::var_os(name)?.into_string().ok()?));
        Env { variables: names.split(' ').filter_map(text).collect() }
    }

    /// Variables for a test.
    pub fn of<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let variables = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Env { variables }
    }

    /// The variable's value; `None` where it is not set, or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.variables.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}
