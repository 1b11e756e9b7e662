//! The commands that other programs call all day, understood without the definitions of all the others: making those
//! takes longer than the rest of the call.

use super::{Cli, ExecArgs, GetArgs, Global, HelperArgs, RejectArgs};
use clap::{Args, FromArgMatches};
use std::ffi::OsString;
use std::mem::ManuallyDrop;

/// What [`clap::Parser::try_parse_from`] would make of `args` (the program's name first), or `None` where there is more
/// to it: another command, help, a complaint.
pub fn quick(args: &[OsString]) -> Option<Cli> {
    let word = args.iter().skip(1).find_map(|arg| arg.to_str().filter(|word| !word.starts_with('-')))?;
    let (name, define): (_, fn(clap::Command) -> clap::Command) = match word {
        "get" => ("get", GetArgs::augment_args),
        "reject" => ("reject", RejectArgs::augment_args),
        "exec" => ("exec", ExecArgs::augment_args),
        "helper" => ("helper", HelperArgs::augment_args),
        _ => return None,
    };
    let program = Global::augment_args(clap::Command::new("zoho-cred"));
    let program = program.subcommand(define(clap::Command::new(name)));
    // Taking them apart again would take a tenth of the call.
    let mut matches = ManuallyDrop::new(ManuallyDrop::new(program).try_get_matches_from_mut(args).ok()?);
    Cli::from_arg_matches_mut(&mut matches).ok()
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
            "--config",
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
        #![proptest_config(ProptestConfig::with_cases(3000))]

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
