//! The few command lines that the warm path fully understands. clap understands them all the same way.

use crate::config::profile_name::is_legal;
use crate::output::Output;

/// `get [PROFILE] [-o token|json|header]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// The profile that was named.
    pub profile: Option<&'a str>,
    /// What to print.
    pub output: Output,
}

impl<'a> Call<'a> {
    /// The call that `args` (the program's name first) make; `None` for everything else.
    pub fn read(args: &[&'a str]) -> Option<Self> {
        let (program, args) = args.split_first()?;
        let mut args = args.iter().copied();
        // By another name it may be another program: a helper of git's, say.
        if program.rsplit('/').next() != Some("zoho-cred") || args.next()? != "get" {
            return None;
        }
        let (mut profile, mut output) = (None, None);
        while let Some(arg) = args.next() {
            let format = match arg {
                "-o" | "--output" => args.next()?,
                _ => match arg.strip_prefix("--output=") {
                    Some(format) => format,
                    None if profile.is_none() && is_legal(arg) => {
                        profile = Some(arg);
                        continue;
                    }
                    None => return None,
                },
            };
            if output.replace(plain(format)?).is_some() {
                return None;
            }
        }
        Some(Call { profile, output: output.unwrap_or_default() })
    }
}

fn plain(format: &str) -> Option<Output> {
    match format {
        "token" => Some(Output::Token),
        "json" => Some(Output::Json),
        "header" => Some(Output::Header),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;
    use proptest::prelude::*;

    fn words() -> impl Strategy<Value = Vec<String>> {
        let word = prop_oneof![
            4 => Just("-o".to_owned()),
            2 => prop_oneof![Just("token"), Just("json"), Just("header"), Just("curl")].prop_map(str::to_owned),
            2 => prop_oneof![Just("crm"), Just("env"), Just("get"), Just("a/b"), Just("help")].prop_map(str::to_owned),
            2 => prop_oneof![Just("--output"), Just("--output=json"), Just("-ojson"), Just("-o=json")]
                .prop_map(str::to_owned),
            1 => prop_oneof![Just("--"), Just("-"), Just(""), Just("-v"), Just("--config"), Just("--refresh")]
                .prop_map(str::to_owned),
            1 => "[ -~]{0,4}",
        ];
        prop::collection::vec(word, 0..5)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn what_is_understood_clap_understands_the_same_way(words in words()) {
            let args = ["zoho-cred", "get"].map(str::to_owned).into_iter().chain(words);
            let args: Vec<String> = args.collect();
            let texts: Vec<&str> = args.iter().map(String::as_str).collect();
            if let Some(call) = Call::read(&texts) {
                let cli = Cli::try_parse_from(&args).unwrap();
                let Some(Command::Get(get)) = cli.command else { panic!("not get") };
                prop_assert_eq!(get.usual.profile.as_deref(), call.profile);
                prop_assert_eq!(get.usual.output, call.output);
                let plain = Cli::try_parse_from(["zoho-cred", "get"]).unwrap();
                let Some(Command::Get(mut plain_get)) = plain.command else { panic!("not get") };
                (plain_get.usual.profile, plain_get.usual.output) = (get.usual.profile.clone(), get.usual.output);
                prop_assert_eq!(format!("{get:?}"), format!("{plain_get:?}"));
                prop_assert_eq!(format!("{:?}", cli.global), format!("{:?}", plain.global));
            }
        }
    }

    #[test]
    fn only_the_plain_forms() {
        let read = |line: &str| {
            let args: Vec<&str> = line.split(' ').collect();
            Call::read(&args).map(|call| (call.profile.map(str::to_owned), call.output))
        };
        assert_eq!(read("/usr/bin/zoho-cred get"), Some((None, Output::Token)));
        assert_eq!(read("zoho-cred get crm -o json"), Some((Some("crm".into()), Output::Json)));
        assert_eq!(read("zoho-cred get --output=header crm"), Some((Some("crm".into()), Output::Header)));
        for line in [
            "zoho-cred",
            "zoho-cred get -o",
            "zoho-cred get -o env",
            "zoho-cred get crm books",
            "zoho-cred get -o json -o json",
            "zoho-cred get crm --min-ttl 5m",
            "zoho-cred -v get crm",
            "git-credential-zoho get",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
