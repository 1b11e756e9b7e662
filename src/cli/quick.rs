//! The commands that other programs call all day, understood without the definitions of all the others: making those
//! takes longer than the rest of the call.

use super::{Cli, Command, GetArgs, Global, Loudness, RareGetArgs, UsualGetArgs};
use clap::{ArgMatches, Args, Error, FromArgMatches};
use std::ffi::OsString;
use std::mem::ManuallyDrop;

/// Flags that every command takes, beside [`Loudness`].
const GLOBAL: [&str; 4] = ["--config", "--ca-file", "--error-format", "--color"];

/// Long flags of [`UsualGetArgs`] and [`Loudness`].
const USUAL: [&str; 4] = ["--output", "--min-ttl", "--quiet", "--verbose"];

/// What [`clap::Parser::try_parse_from`] would make of `args` (the program's name first), or `None` where there is more
/// to it: another command, help, a complaint.
pub fn quick(args: &[OsString]) -> Option<Cli> {
    let words: Vec<&str> = args.iter().map_while(|arg| arg.to_str()).collect();
    let command = 1 + words.iter().skip(1).position(|word| !word.starts_with('-'))?;
    // Not `-v`: clap does not add those before a command to those after it.
    if !words[1..command].iter().all(|word| matches!(*word, "-q" | "--quiet")) {
        return None;
    }
    let own = words[command + 1..].iter().take_while(|word| **word != "--");
    let flags = own.filter(|word| word.starts_with("--")).filter_map(|word| word.split('=').next());
    let (global, others): (Vec<_>, Vec<_>) = flags.partition(|flag| GLOBAL.contains(flag));
    let line = Line { args, command, global: !global.is_empty() };
    match words[command] {
        "get" if others.iter().all(|flag| USUAL.contains(flag)) => {
            line.parse(|usual: UsualGetArgs| Command::Get(GetArgs { usual, rare: RareGetArgs::default() }))
        }
        "get" => line.parse(Command::Get),
        "reject" => line.parse(Command::Reject),
        "exec" => line.parse(Command::Exec),
        "helper" => line.parse(Command::Helper),
        _ => None,
    }
}

/// A command line.
struct Line<'a> {
    args: &'a [OsString],
    /// Where the command stands.
    command: usize,
    /// Whether flags of [`GLOBAL`] follow it.
    global: bool,
}

impl Line<'_> {
    /// Parses it as if the command, whose arguments are `A`, were the whole program: a command within a program is twice
    /// the work.
    fn parse<A: Args + FromArgMatches>(&self, command: fn(A) -> Command) -> Option<Cli> {
        let program = clap::Command::new("zoho-cred").disable_help_flag(true).disable_help_subcommand(true);
        let program = match self.global {
            true => Global::augment_args(A::augment_args(program)),
            false => Loudness::augment_args(A::augment_args(program)),
        };
        // Taking them apart again would take a tenth of the call.
        let mut program = ManuallyDrop::new(program);
        let words = self.args[..self.command].iter().chain(&self.args[self.command + 1..]);
        let mut matches = ManuallyDrop::new(program.try_get_matches_from_mut(words).ok()?);
        let read = |matches: &mut ArgMatches| -> Result<Cli, Error> {
            let global = match self.global {
                true => Global::from_arg_matches_mut(matches)?,
                false => Global { loudness: Loudness::from_arg_matches_mut(matches)?, ..Global::default() },
            };
            Ok(Cli { global, command: Some(command(A::from_arg_matches_mut(matches)?)) })
        };
        read(&mut matches).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use proptest::prelude::*;

    fn line() -> impl Strategy<Value = Vec<String>> {
        let command = ["get", "reject", "exec", "helper", "git", "uri", "list", "gte"];
        let flag = [
            "-q",
            "-v",
            "-vv",
            "-ojson",
            "--quiet",
            "--output=env",
            "--config",
            "--config=a",
            "--ca-file=a",
            "--out=a",
            "--watch",
            "--wait=5s",
            "--color=never",
            "--error-format",
            "json",
            "--",
            "-o",
            "--refresh",
            "--offline",
            "--profile",
            "--min-ttl=5m",
            "--timeout",
            "10s",
            "--help",
            "-V",
            "--version",
            "--scheme=bearer",
        ];
        let word = prop_oneof![
            3 => prop::sample::select(command.to_vec()).prop_map(str::to_owned),
            3 => prop::sample::select(flag.to_vec()).prop_map(str::to_owned),
            1 => Just("crm".to_owned()),
            1 => "[ -~]{0,4}",
        ];
        prop::collection::vec(word, 0..6)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        #[test]
        fn what_is_understood_quickly_is_understood_the_same_way_slowly(line in line()) {
            let args: Vec<OsString> = std::iter::once("zoho-cred").map(str::to_owned).chain(line).map(Into::into).collect();
            if let Some(quick) = quick(&args) {
                let slow = Cli::try_parse_from(&args).map(|cli| format!("{cli:?}")).ok();
                prop_assert_eq!(Some(format!("{quick:?}")), slow);
            }
        }
    }

    #[test]
    fn the_commands_of_every_day_are_understood_quickly() {
        let is_quick = |line: &str| quick(&line.split(' ').map(Into::into).collect::<Vec<_>>()).is_some();
        for line in [
            "zoho-cred get",
            "zoho-cred -q get crm -o exec-credential",
            "zoho-cred exec crm -- curl -s list",
            "zoho-cred helper git --profile crm get",
            "zoho-cred reject crm",
        ] {
            assert!(is_quick(line), "{line}");
        }
        for line in [
            "zoho-cred",
            "zoho-cred list",
            "zoho-cred get --help",
            "zoho-cred get crm crm",
            "zoho-cred help get",
        ] {
            assert!(!is_quick(line), "{line}");
        }
    }
}
