//! Every error says what happened and what to do next, in both languages.

use crate::harness::{Outcome, Test, http_answer};
use crate::in_process::{ManualClock, run, run_in, system};
use clap::{CommandFactory, Parser};
use std::collections::BTreeSet;
use std::path::PathBuf;
use zoho_cred::cli::Cli;
use zoho_cred::error::{Code, Error};
use zoho_cred::sandbox::FaultKind;
use zoho_cred::system::{Env, System};

/// A call that fails.
struct Failure {
    code: Code,
    args: &'static str,
    stdin: &'static str,
    var: Option<(&'static str, &'static str)>,
    /// Lines that are added to the config: at its beginning, or as another profile.
    config: String,
    /// What the accounts server answers.
    answer: Option<FaultKind>,
}

fn call(code: Code, args: &'static str) -> Failure {
    Failure { code, args, stdin: "", var: None, config: String::new(), answer: None }
}

/// Calls by the code that they end with.
const CALLS: [(Code, &str); 9] = [
    (
        Code::Usage,
        "gte; token; get --ofline; get --format json; get a/b; get crm crm; get --min-ttl 50m; get --wait soon; \
         get --watch; get --output-file x --mode 999; get crm --health-file x; exec crm env; setup fortran; \
         completions tcsh; man nothing; helper uri set; api; api -p crm --product nothing x; \
         api -p crm -X GET -f a x; import env crm; login --color sometimes; login env; \
         login new --secrets file --data-center jp; login new --data-center jq; login crm --client-secret-only; \
         login crm --client-secret-only --flow paste; login crm --client-secret-file - --code-file -; \
         profile remove; profile rename crm env; profile rename crm bare",
    ),
    (Code::BadInput, "api -p crm https://zoho.example/x"),
    (Code::UnknownProfile, "get crn; get zzzz; export nobody; profile use nobody; setup kubernetes nobody"),
    (Code::LoginRequired, "export bare; logout bare; get bare"),
    (
        Code::Config,
        "import -; get -o github; get env; get --config /no/such/config.toml; \
         get crm --refresh --ca-file /no/such/ca.pem",
    ),
    (Code::Unavailable, "get crm --offline"),
    (Code::Store, "import sdk /no/such/file.csv; get crm --output-file /dev/null/token"),
    (Code::Command(127), "exec crm -- no-such-command"),
    (Code::Command(126), "exec crm -- /"),
];

/// Settings of a profile that are wrong.
const SETTINGS: [&str; 13] = [
    "client_id = '1'\ndata_center = 'com'",
    "client_id = '1'\ndata_center = 'mars'",
    "client_id = '1'",
    "data_center = 'jp'",
    "client_id = 1\ndata_center = 'jp'",
    "client_id = '1 2'\ndata_center = 'jp'",
    "client_id = '1'\naccounts_url = 'http://zoho.example'",
    "client_id = '1'\ndata_center = 'jp'\nsecrets = 'vault'",
    "client_id = '1'\ndata_center = 'jp'\nsecrets = 'command'",
    "client_id = '1'\ndata_center = 'jp'\ngrant = 'client_credentials'",
    "client_id = '1'\ndata_center = 'jp'\nsoid = 'a.1'",
    "client_id = '1'\ndata_center = 'jp'\nbudget = { tokens = 0 }",
    "client_id = '1'\ndata_center = 'jp'\nrefresh_token = 'x'",
];

/// At least one call for every code that a call can end with.
fn failures() -> Vec<Failure> {
    let calls = CALLS.iter().flat_map(|(code, calls)| calls.split("; ").map(|args| call(*code, args)));
    let told = [
        ("reject crm", ""),
        ("reject crm", "no token at all"),
        ("helper git get", "protocol=https\nhost"),
        ("helper uri get", "no json"),
        ("helper uri get --profile crm", "{\"uri\":\"https://x.example/\"}"),
    ];
    let told = told.map(|(args, stdin)| Failure { stdin, ..call(Code::BadInput, args) });
    let variables = [
        ("get env", ("ZOHO_CLIENT_ID", "1000.X")),
        ("get env", ("ZOHO_DATA_CENTER", "jq")),
        ("get crm -o exec-credential", ("KUBERNETES_EXEC_INFO", "{\"apiVersion\":\"x\"}")),
        ("get crm --refresh", ("ZOHO_CRED_STORE", "redis://127.0.0.1:1")),
    ];
    let variables = variables.map(|(args, var)| Failure { var: Some(var), ..call(Code::Config, args) });
    let configs = SETTINGS.map(|settings| format!("[profile.bad]\n{settings}"));
    let configs = configs.into_iter().chain(["colour = 1", "[profile.bad"].map(str::to_owned));
    let configs = configs.map(|config| Failure { config, ..call(Code::Config, "get bad") });
    let rejected = "invalid_client invalid_client_secret invalid_redirect_uri unauthorized_client \
        unsupported_grant_type unauthorized_device invalid_scope missing_org_info inactive_client \
        restricted_client access_denied_admin";
    let answers = rejected.split(' ').map(|word| (Code::ClientRejected, 200, word));
    let answers = answers.chain([
        (Code::LoginRequired, 200, "invalid_code"),
        (Code::RateLimited, 429, "x"),
        (Code::Unavailable, 503, "x"),
    ]);
    let answers = answers.map(|(code, status, word)| Failure {
        answer: Some(http_answer(status, format!("{{\"error\":\"{word}\"}}"))),
        ..call(code, "get crm --refresh")
    });
    calls.chain(told).chain(variables).chain(configs).chain(answers).collect()
}

/// A profile with a cached token, and its files.
struct World {
    test: Test,
    config: String,
    state: Vec<(PathBuf, Vec<u8>)>,
}

impl World {
    fn new() -> Self {
        let test = Test::new().with_profile();
        test.sandbox.set_limits(|limits| limits.budget = 1_000).unwrap();
        run(&test, &ManualClock::at_the_wall(), "get").ok();
        let bare = "[profile.bare]\nclient_id = \"1000.X\"\ndata_center = \"jp\"\nsecrets = \"file\"";
        let config = format!("{}\n{bare}\n", test.read_config());
        let state = test.state_files().into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap()));
        World { config, state: state.collect(), test }
    }

    /// Runs the call in English and Japanese: in this process, because there are so many of them.
    fn provoke(&mut self, failure: &Failure) -> [Outcome; 2] {
        for (path, bytes) in &self.state {
            std::fs::write(path, bytes).unwrap();
        }
        if failure.args.contains("--offline") {
            std::fs::remove_file(self.test.state_file("credentials")).unwrap();
        }
        let (own, config) = (failure.config.as_str(), &self.config);
        let (head, tail) = if own.starts_with('[') { ("", own) } else { (own, "") };
        self.test.write_config(&format!("{head}\n{config}{tail}\n"));
        self.test.sandbox.clear_faults();
        failure.answer.iter().for_each(|answer| self.test.fault(answer.clone()));
        let clock = ManualClock::at_the_wall();
        ["C.UTF-8", "ja_JP.UTF-8"].map(|lang| {
            let vars = self.test.vars().chain(failure.var).chain([("LANG", lang)]);
            let env = Env::of(vars);
            let stdin = Box::new(failure.stdin.as_bytes());
            run_in(env, System { stdin, ..system(&clock) }, failure.args)
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
    let (mut seen, mut world) = (BTreeSet::new(), World::new());
    let failures = failures();
    assert!(failures.len() >= 60);
    for failure in failures {
        let (word, exit) = (failure.code.word(), i32::from(failure.code.exit_code()));
        seen.insert(word);
        let [english, japanese] = world.provoke(&failure);
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
