//! Parses the commands that other programs run all day with a clap definition of that command alone.
//!
//! Defining every command takes clap longer than the rest of a cached `get`.

use super::{Cli, ExecArgs, GetArgs, Global, Protocol, RejectArgs};
use clap::{Args, Command, FromArgMatches, Subcommand};
use std::ffi::OsString;

/// Parses `args` (the program's name first) as [`clap::Parser::try_parse_from`] does. `None` means that the whole
/// definition is needed: for another command, for help, or for an error.
pub(crate) fn parse(args: &[OsString]) -> Option<Cli> {
    let (name, augment): (&str, fn(Command) -> Command) = match args.get(1)?.to_str()? {
        "get" => ("get", GetArgs::augment_args),
        "reject" => ("reject", RejectArgs::augment_args),
        "exec" => ("exec", ExecArgs::augment_args),
        "helper" => ("helper", |helper| Protocol::augment_subcommands(helper).subcommand_required(true)),
        _ => return None,
    };
    let command = augment(Command::new(name).disable_help_flag(true));
    let program = Command::new("zoho-cred").args_override_self(true).disable_help_flag(true);
    let program = Global::augment_args(program).disable_help_subcommand(true).subcommand(command);
    let mut matches = program.try_get_matches_from(args).ok()?;
    Cli::from_arg_matches_mut(&mut matches).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use proptest::prelude::*;

    const WORDS: &str = "get reject exec helper git uri list gte crm env -q -v -vv -ojson --quiet --output=env --config \
        --config=a --ca-file=a --output-file=a --watch --wait=5s --color=never --error-format json -- \
        -o --refresh --offline --profile --min-ttl=5m --timeout 10s --help -V --scheme=bearer";

    fn line() -> impl Strategy<Value = Vec<String>> {
        let words: Vec<&str> = WORDS.split(' ').collect();
        let first = prop::sample::select(words[..6].to_vec()).prop_map(str::to_owned);
        let word = prop_oneof![9 => prop::sample::select(words).prop_map(str::to_owned), 1 => "[ -~]{0,4}"];
        (first, prop::collection::vec(word, 0..6))
            .prop_map(|(first, rest)| ["zoho-cred".to_owned(), first].into_iter().chain(rest).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        #[test]
        fn one_command_parses_as_the_whole_definition_does(line in line()) {
            let args: Vec<OsString> = line.into_iter().map(Into::into).collect();
            if let Some(cli) = parse(&args) {
                let whole = Cli::try_parse_from(&args).map(|cli| format!("{cli:?}")).ok();
                prop_assert_eq!(Some(format!("{cli:?}")), whole);
            }
        }
    }

    #[test]
    fn the_commands_of_callers_are_parsed_alone() {
        let alone = |line: &str| parse(&line.split(' ').map(Into::into).collect::<Vec<_>>()).is_some();
        for line in [
            "zoho-cred get",
            "zoho-cred get crm -o exec-credential",
            "zoho-cred exec crm -- curl -s --help",
            "zoho-cred helper git --profile crm get",
            "zoho-cred reject crm",
        ] {
            assert!(alone(line), "{line}");
        }
        for line in ["zoho-cred", "zoho-cred list", "zoho-cred get --help", "zoho-cred get crm crm"] {
            assert!(!alone(line), "{line}");
        }
    }
}
