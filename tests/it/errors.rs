//! Every error says what happened and what to do next, in both languages.

use crate::harness::{Outcome, Test};
use crate::in_process::{ManualClock, run, run_on, system};
use clap::{CommandFactory, Parser};
use std::collections::BTreeSet;
use zoho_cred::cli::Cli;
use zoho_cred::error::{Code, Error};
use zoho_cred::sandbox::FaultKind;
use zoho_cred::system::System;

/// A call that fails.
struct Failure {
    code: Code,
    args: &'static str,
    stdin: &'static str,
    var: Option<(&'static str, &'static str)>,
    /// Lines that are added to the config: at its beginning, or as another profile.
    config: &'static str,
    /// What the accounts server answers.
    answer: Option<FaultKind>,
}

fn call(code: Code, args: &'static str) -> Failure {
    Failure { code, args, stdin: "", var: None, config: "", answer: None }
}

fn told(code: Code, args: &'static str, stdin: &'static str) -> Failure {
    Failure { stdin, ..call(code, args) }
}

fn with(code: Code, args: &'static str, var: (&'static str, &'static str)) -> Failure {
    Failure { var: Some(var), ..call(code, args) }
}

fn configured(config: &'static str) -> Failure {
    Failure { config, ..call(Code::Config, "get bad") }
}

fn answered(code: Code, status: u16, error: &str) -> Failure {
    let body = Some(format!("{{\"error\":\"{error}\"}}"));
    let answer = Some(FaultKind::Status { status, body, retry_after_s: None });
    Failure { answer, ..call(code, "get crm --refresh") }
}

/// At least one call for every code that a call can end with.
fn failures() -> Vec<Failure> {
    vec![
        call(Code::Usage, "gte"),
        call(Code::Usage, "token"),
        call(Code::Usage, "get --ofline"),
        call(Code::Usage, "get --format json"),
        call(Code::Usage, "get a/b"),
        call(Code::Usage, "get crm crm"),
        call(Code::Usage, "get --min-ttl 50m"),
        call(Code::Usage, "get --wait soon"),
        call(Code::Usage, "get --watch"),
        call(Code::Usage, "get --output-file x --mode 999"),
        call(Code::Usage, "exec crm env"),
        call(Code::Usage, "setup fortran"),
        call(Code::Usage, "completions tcsh"),
        call(Code::Usage, "helper uri set"),
        call(Code::Usage, "api"),
        call(Code::Usage, "api -p crm --product nothing x"),
        call(Code::Usage, "api -p crm -X GET -f a x"),
        call(Code::Usage, "get crm --health-file x"),
        call(Code::Usage, "login crm --client-secret-only"),
        call(Code::Usage, "login crm --client-secret-only --flow paste"),
        call(Code::Usage, "man nothing"),
        call(Code::Usage, "profile remove"),
        call(Code::Usage, "profile rename crm env"),
        call(Code::Usage, "profile rename crm bare"),
        call(Code::BadInput, "api -p crm https://zoho.example/x"),
        call(Code::UnknownProfile, "export nobody"),
        call(Code::UnknownProfile, "profile use nobody"),
        call(Code::UnknownProfile, "setup kubernetes nobody"),
        call(Code::LoginRequired, "export bare"),
        told(Code::Config, "import -", ""),
        call(Code::Usage, "login --color sometimes"),
        call(Code::Usage, "login new --secrets file --data-center jp"),
        call(Code::Usage, "login new --data-center jq"),
        call(Code::Usage, "login env"),
        call(Code::Usage, "login crm --client-secret-file - --code-file -"),
        call(Code::Usage, "import env crm"),
        call(Code::UnknownProfile, "get crn"),
        call(Code::UnknownProfile, "get zzzz"),
        call(Code::Config, "get -o github"),
        call(Code::Config, "get env"),
        call(Code::Config, "get --config /no/such/config.toml"),
        call(Code::Config, "get crm --refresh --ca-file /no/such/ca.pem"),
        with(Code::Config, "get env", ("ZOHO_CLIENT_ID", "1000.X")),
        with(Code::Config, "get env", ("ZOHO_DATA_CENTER", "jq")),
        with(Code::Config, "get crm -o exec-credential", ("KUBERNETES_EXEC_INFO", "{\"apiVersion\":\"x\"}")),
        with(Code::Config, "get crm --refresh", ("ZOHO_CRED_STORE", "redis://127.0.0.1:1")),
        configured("colour = 1"),
        configured("[profile.bad]\nclient_id = '1'\ndata_center = 'com'"),
        configured("[profile.bad]\nclient_id = '1'\ndata_center = 'mars'"),
        configured("[profile.bad]\nclient_id = '1'"),
        configured("[profile.bad]\ndata_center = 'jp'"),
        configured("[profile.bad]\nclient_id = 1\ndata_center = 'jp'"),
        configured("[profile.bad]\nclient_id = '1 2'\ndata_center = 'jp'"),
        configured("[profile.bad]\nclient_id = '1'\naccounts_url = 'http://zoho.example'"),
        configured("[profile.bad]\nclient_id = '1'\ndata_center = 'jp'\nsecrets = 'vault'"),
        configured("[profile.bad]\nclient_id = '1'\ndata_center = 'jp'\nsecrets = 'command'"),
        configured("[profile.bad]\nclient_id = '1'\ndata_center = 'jp'\ngrant = 'client_credentials'"),
        configured("[profile.bad]\nclient_id = '1'\ndata_center = 'jp'\nsoid = 'a.1'"),
        configured("[profile.bad]\nclient_id = '1'\ndata_center = 'jp'\nbudget = { tokens = 0 }"),
        configured("[profile.bad]\nclient_id = '1'\ndata_center = 'jp'\nrefresh_token = 'x'"),
        configured("[profile.bad"),
        call(Code::Unavailable, "get crm --offline"),
        call(Code::Store, "import sdk /no/such/file.csv"),
        call(Code::Store, "get crm --output-file /dev/null/token"),
        told(Code::BadInput, "reject crm", ""),
        told(Code::BadInput, "reject crm", "no token at all"),
        told(Code::BadInput, "helper git get", "protocol=https\nhost"),
        told(Code::BadInput, "helper uri get", "no json"),
        told(Code::BadInput, "helper uri get --profile crm", "{\"uri\":\"https://x.example/\"}"),
        call(Code::Command(127), "exec crm -- no-such-command"),
        call(Code::Command(126), "exec crm -- /"),
        answered(Code::LoginRequired, 200, "invalid_code"),
        answered(Code::ClientRejected, 200, "invalid_client"),
        answered(Code::ClientRejected, 200, "invalid_client_secret"),
        answered(Code::ClientRejected, 200, "invalid_redirect_uri"),
        answered(Code::ClientRejected, 200, "unauthorized_client"),
        answered(Code::ClientRejected, 200, "unsupported_grant_type"),
        answered(Code::ClientRejected, 200, "unauthorized_device"),
        answered(Code::ClientRejected, 200, "invalid_scope"),
        answered(Code::ClientRejected, 200, "missing_org_info"),
        answered(Code::ClientRejected, 200, "inactive_client"),
        answered(Code::ClientRejected, 200, "restricted_client"),
        answered(Code::ClientRejected, 200, "access_denied_admin"),
        answered(Code::RateLimited, 429, "x"),
        answered(Code::Unavailable, 503, "x"),
        call(Code::LoginRequired, "logout bare"),
        call(Code::LoginRequired, "get bare"),
    ]
}

impl Failure {
    /// Runs the call in English and Japanese: in this process, because there are so many of them.
    fn provoke(&self) -> [Outcome; 2] {
        let mut test = Test::new().with_profile();
        let clock = ManualClock::at_the_wall();
        if !self.args.contains("--offline") {
            run(&test, &clock, "get").ok();
        }
        let (config, bare) =
            (test.read_config(), "[profile.bare]\nclient_id = \"1000.X\"\ndata_center = \"jp\"");
        let (head, tail) = if self.config.starts_with('[') { ("", self.config) } else { (self.config, "") };
        test.write_config(&format!("{head}\n{config}\n{bare}\nsecrets = \"file\"\n{tail}\n"));
        if let Some((name, value)) = self.var {
            test.set(name, value);
        }
        if let Some(answer) = &self.answer {
            test.fault(answer.clone());
        }
        ["C.UTF-8", "ja_JP.UTF-8"].map(|lang| {
            test.set("LANG", lang);
            run_on(&test, System { stdin: Box::new(self.stdin.as_bytes()), ..system(&clock) }, self.args)
        })
    }
}

/// The texts of an error: message, cause and hint.
fn texts(outcome: &Outcome) -> Vec<String> {
    let lines = outcome.stderr.lines().filter(|line| !line.starts_with("zoho-cred: warning: "));
    lines.map(|line| line.splitn(3, ": ").last().unwrap().to_owned()).collect()
}

/// Checks that a hint works when pasted: its commands are accepted, its flags exist, and it names no file that an
/// installed program does not have.
fn check_hint(hint: &str) {
    assert!(!hint.contains("docs/") && !hint.contains(".md"), "{hint}");
    let quoted = hint.split(['\'', '「', '」']).skip(1).step_by(2);
    for command in quoted {
        if command.starts_with("zoho-cred ") {
            let accepted = Cli::try_parse_from(command.split(' '));
            let is_help = accepted.as_ref().is_err_and(|error| !error.use_stderr());
            assert!(accepted.is_ok() || is_help, "'{command}' in: {hint}");
        }
    }
    for flag in hint.split([' ', '\'', ',', '、', '=']).filter_map(|word| word.strip_prefix("--")) {
        let flag: String = flag.chars().take_while(|c| c.is_ascii_alphabetic() || *c == '-').collect();
        assert!(flag.is_empty() || super::words::is_flag(&Cli::command(), &flag), "--{flag} in: {hint}");
    }
}

#[test]
fn every_error_says_what_to_do_next_in_both_languages() {
    let mut seen = BTreeSet::new();
    let failures = failures();
    assert!(failures.len() >= 60);
    for failure in failures {
        let (word, exit) = (failure.code.word(), i32::from(failure.code.exit_code()));
        seen.insert(word);
        let [english, japanese] = failure.provoke();
        assert_eq!(english.code, exit, "{}: {english:?}", failure.args);
        english.failed(exit, word);
        let (_, hint) = english.stderr.split_once("\nzoho-cred: hint: ").expect(&english.stderr);
        check_hint(hint.trim_end());
        if !failure.config.is_empty() || failure.args == "get zzzz" {
            assert!(english.stderr.contains("/.config/zoho-cred/config.toml"), "{}", english.stderr);
        }
        for text in texts(&english) {
            let first =
                text.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default();
            let is_name = first == "Zoho" || first.chars().all(|c| !c.is_lowercase());
            assert!(is_name || !first.starts_with(|c: char| c.is_uppercase()), "{text}");
            assert!(!text.ends_with('.') && text.trim() == text && !text.is_empty(), "{text:?}");
        }
        if failure.args.starts_with("helper ") {
            continue;
        }
        japanese.failed(exit, word);
        let (english, japanese) = (texts(&english), texts(&japanese));
        assert_eq!(english.len(), japanese.len(), "{english:?} = {japanese:?}");
        check_hint(japanese.last().unwrap());
        for (english, japanese) in english.iter().zip(&japanese) {
            let is_japanese = japanese.chars().any(|c| ('\u{3040}'..'\u{a000}').contains(&c));
            assert!(is_japanese && !japanese.ends_with('。'), "{english} = {japanese}");
        }
    }
    let all = "bad_input client_rejected command config login_required rate_limited store unavailable \
        unknown_profile usage";
    assert_eq!(seen, all.split(' ').collect());
}

#[test]
fn words_of_other_tools_suggest_ours() {
    let test = Test::new();
    for (args, ours) in [
        ("token", "get"),
        ("refresh", "get --refresh"),
        ("ls", "list"),
        ("get --format json", "--output"),
        ("get --json", "--output json"),
        ("login --dc jp", "--data-center"),
        ("login --code 1", "--code-file"),
        ("get --no-cache", "--refresh"),
    ] {
        test.run(args).failed_with(2, "usage", &format!("did you mean '{ours}'?"));
    }
}

#[test]
fn whoever_sent_a_signal_gets_no_hint() {
    let error = Error::interrupted(2);
    assert_eq!((error.code().exit_code(), error.hint()), (130, None));
}

/// All codes with their words and exit codes, as the contract has them.
pub const CODES: [(Code, &str, u8); 17] = [
    (Code::Failure, "failure", 1),
    (Code::Api, "api", 1),
    (Code::Usage, "usage", 2),
    (Code::BadInput, "bad_input", 65),
    (Code::Unavailable, "unavailable", 69),
    (Code::Internal, "internal", 70),
    (Code::Store, "store", 74),
    (Code::RateLimited, "rate_limited", 75),
    (Code::Busy, "busy", 75),
    (Code::LoginRequired, "login_required", 77),
    (Code::Config, "config", 78),
    (Code::UnknownProfile, "unknown_profile", 78),
    (Code::ClientRejected, "client_rejected", 78),
    (Code::Interrupted(2), "interrupted", 130),
    (Code::Interrupted(15), "interrupted", 143),
    (Code::Command(126), "command", 126),
    (Code::Command(127), "command", 127),
];

#[test]
fn a_code_has_the_word_and_exit_code_of_the_contract() {
    for (code, word, exit) in CODES {
        assert_eq!((code.word(), code.exit_code()), (word, exit));
    }
}
