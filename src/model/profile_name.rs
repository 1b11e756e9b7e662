use crate::error::{Code, Error};
use crate::i18n::tr;
use std::fmt;

/// A profile name that matches `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`, so that it is safe in paths and messages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileName(String);

/// The name of the profile that is read from environment variables.
pub(crate) const ENVIRONMENT: &str = "env";

impl ProfileName {
    /// `Code::Usage` if `name` does not match.
    pub fn new(name: &str) -> Result<Self, Error> {
        let is_legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let starts_well = name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if name.len() > 64 || !starts_well || !name.bytes().all(is_legal) {
            return Err(Error::new(
                Code::Usage,
                tr!("that is not a profile name"),
                tr!("choose a name such as 'crm'"),
            )
            .with_cause(tr!("a name is 1 to 64 of A-Z a-z 0-9 . _ - and starts with a letter or digit")));
        }
        Ok(ProfileName(name.to_owned()))
    }

    pub fn environment() -> Self {
        ProfileName(ENVIRONMENT.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_folder_are_refused() {
        for bad in ["", ".", "..", "a/b", "../x", "a\0b", "-x", "a b", "é", "x\n"] {
            assert!(ProfileName::new(bad).is_err(), "{bad:?}");
        }
        assert!(ProfileName::new(&"a".repeat(65)).is_err());
        assert!(ProfileName::new(&"a".repeat(64)).is_ok());
        assert!(ProfileName::new("crm-2.eu_x").is_ok());
    }
}
