//! The environment's variables, read once.

/// The shared store's address: a secret where it holds a password.
const STORE: &str = "ZOHO_CRED_STORE";

/// Secrets, whatever they hold.
const SECRET_VARIABLES: [&str; 4] =
    ["ZOHO_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN", "ZOHO_CRED_STORE_KEY", "ZOHO_CRED_STORE_KEY_OLD"];

/// Names that this tool takes out of a child's environment: the child gets a token, not what mints it.
pub(crate) fn secret_variables() -> impl Iterator<Item = &'static str> {
    let env = Env::real_ones(STORE);
    let store = env.get(STORE).is_some_and(holds_password).then_some(STORE);
    SECRET_VARIABLES.into_iter().chain(store)
}

/// Whether a store's address holds a password, as far as can be told: one that is no URL may.
fn holds_password(address: &str) -> bool {
    url::Url::parse(address)
        .map_or(true, |url| url.password().is_some() || url.query_pairs().any(|(name, _)| name == "pass"))
}

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
    pub(crate) fn real_ones(names: &'static str) -> Self {
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

#[cfg(test)]
mod tests {
    use super::holds_password;

    #[test]
    fn a_stores_password_is_seen_wherever_it_stands() {
        for address in
            ["rediss://fleet:hunter2@x", "redis://:hunter2@x", "redis+unix:///s?pass=hunter2", "hunter2"]
        {
            assert!(holds_password(address), "{address}");
        }
        for address in
            ["rediss://redis.example:6379/1", "redis://fleet@x", "redis+unix:///run/redis.sock?db=1"]
        {
            assert!(!holds_password(address), "{address}");
        }
    }
}
