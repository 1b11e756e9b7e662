//! `env` and `dotenv`: variables in the syntax of shells and of `.env` files.

use crate::output::view::{View, variables};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shell {
    /// sh, bash, zsh and other POSIX shells
    #[default]
    Sh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
    /// cmd.exe
    Cmd,
}

/// One line for each variable, for `eval`, `source` or `Invoke-Expression`.
pub(crate) fn env(view: &View<'_>, shell: Shell) -> String {
    let line = |(name, value): (&str, String)| match shell {
        Shell::Sh => format!("export {name}='{}'\n", value.replace('\'', r"'\''")),
        Shell::Fish => {
            format!("set -gx {name} '{}'\n", value.replace('\\', r"\\").replace('\'', r"\'"))
        }
        Shell::Powershell => format!("$env:{name} = '{}'\n", value.replace('\'', "''")),
        // Nothing quotes a quote for `set`; no value has one.
        Shell::Cmd => format!("set \"{name}={}\"\n", value.replace('"', "")),
    };
    variables(view).into_iter().map(line).collect()
}

/// `NAME=value` lines without quotes, which every `.env` parser understands.
pub(crate) fn dotenv(view: &View<'_>) -> String {
    variables(view).into_iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_left_out() {
        let view = View { api_domain: None, ..crate::output::view::tests::view(&[]) };
        assert!(!dotenv(&view).contains("API_DOMAIN"));
    }

    #[test]
    fn a_quote_stays_inside_its_quotes() {
        let view = View { api_domain: Some(r"a'b\c".into()), ..crate::output::view::tests::view(&[]) };
        assert!(env(&view, Shell::Sh).contains(r"'a'\''b\c'"));
        assert!(env(&view, Shell::Fish).contains(r"'a\'b\\c'"));
        assert!(env(&view, Shell::Powershell).contains(r"'a''b\c'"));
    }
}
