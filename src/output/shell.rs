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
        Shell::Sh => format!("export {name}='{value}'\n"),
        Shell::Fish => format!("set -gx {name} '{value}'\n"),
        Shell::Powershell => format!("$env:{name} = '{value}'\n"),
        Shell::Cmd => format!("set \"{name}={value}\"\n"),
    };
    variables(view).into_iter().map(line).collect()
}

/// `NAME=value` lines without quotes, which every `.env` parser understands.
pub(crate) fn dotenv(view: &View<'_>) -> String {
    variables(view).into_iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}
