//! Environment variables, read once.

/// A secret only if the URL contains a password.
const STORE: &str = "ZOHO_CRED_STORE";

/// Secrets in any case.
const SECRET_VARIABLES: [&str; 4] =
    ["ZOHO_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN", "ZOHO_CRED_STORE_KEY", "ZOHO_CRED_STORE_KEY_OLD"];

/// Variables to remove from a child's environment. A child receives a token, not the secrets that issue it.
pub(crate) fn secret_variables() -> impl Iterator<Item = &'static str> {
    let store = Env::real().get(STORE).is_some_and(holds_password).then_some(STORE);
    SECRET_VARIABLES.into_iter().chain(store)
}

/// Whether a store's URL contains a password, which may be badly encoded. True if it is neither a URL nor `none`.
fn holds_password(address: &str) -> bool {
    let Some((_, rest)) = address.split_once("://") else { return address != "none" };
    rest.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) || rest.contains("pass=")
}

/// The environment of a call. Empty variables count as unset, because CI systems set many of them. Of duplicate names
/// the first counts, as in `getenv(3)`.
#[derive(Clone, Default)]
pub struct Env {
    variables: Vec<(String, String)>,
}

impl Env {
    /// This process's environment. Variables that are not UTF-8 are ignored, except our own and those for certificates:
    /// without them, a call would use another profile, store or authority. Their damaged values are refused where they are
    /// used.
    pub fn real() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            let name = name.into_string().ok()?;
            let is_kept = name.split_once('_').is_some_and(|(first, _)| ["ZOHO", "SSL"].contains(&first));
            let lossy = |value: std::ffi::OsString| is_kept.then(|| value.to_string_lossy().into_owned());
            let value = value.into_string().map_or_else(lossy, Some)?;
            Some((name, value))
        };
        Env { variables: std::env::vars_os().filter_map(text).collect() }
    }

    /// An environment of the given variables.
    pub fn of<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let variables = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Env { variables }
    }

    /// `None` if the variable is unset or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.variables.iter().find(|(found, _)| is_name(found, name));
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Whether the variable is set, even if it is empty.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.names().any(|found| found == name)
    }

    /// The names of all variables.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|(name, _)| name.as_str())
    }
}

/// Windows ignores the case of names.
fn is_name(found: &str, name: &str) -> bool {
    if cfg!(windows) { found.eq_ignore_ascii_case(name) } else { found == name }
}

/// The user's language on Windows and macOS. On other systems, the environment variables are the setting.
pub(super) fn locale() -> Option<String> {
    #[cfg(any(windows, target_vendor = "apple"))]
    return sys_locale::get_locale();
    #[cfg(not(any(windows, target_vendor = "apple")))]
    None
}

#[cfg(test)]
mod tests {
    use super::holds_password;

    #[test]
    fn a_stores_password_is_seen_wherever_it_stands() {
        for address in
            ["rediss://fleet:h/2@x", "redis+cluster://:h@x:1,y:2", "redis+unix:///s?pass=hunter2", "hunter2"]
        {
            assert!(holds_password(address), "{address}");
        }
        for address in [
            "rediss://redis.example:6379/1",
            "redis://fleet@x",
            "redis+unix:///run/redis.sock?db=1",
            "redis+cluster://x:1,y:2",
            "s3://bucket/prefix",
            "none",
        ] {
            assert!(!holds_password(address), "{address}");
        }
    }
}
