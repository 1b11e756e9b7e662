//! The name a person chose for a profile.

use crate::error::Error;
use std::fmt;

/// A checked profile name: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`, so it can stand in a path and in a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileName(String);

/// The name of the profile that the environment's variables make up.
pub(crate) const ENVIRONMENT: &str = "env";

impl ProfileName {
    /// Checks `name`; anything that does not match is [`Error::BadProfileName`].
    pub fn new(name: &str) -> Result<Self, Error> {
        match is_legal(name) {
            true => Ok(ProfileName(name.to_owned())),
            false => Err(Error::BadProfileName),
        }
    }

    /// The environment profile's name.
    pub fn environment() -> Self {
        ProfileName(ENVIRONMENT.to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a profile may have this name.
pub(crate) fn is_legal(name: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let starts_well = name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    name.len() <= 64 && starts_well && name.bytes().all(legal)
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
