//! Every error says what happened and what to do next, in both languages.

use crate::harness::{Outcome, Test};
use std::collections::BTreeSet;
use zoho_cred::error::{Code, Error};
use zoho_cred::sandbox::FaultKind;

/// A call that fails.
struct Failure {
    code: Code,
    args: &'static [&'static str],
    stdin: &'static str,
    var: Option<(&'static str, &'static str)>,
    /// What the accounts server answers.
    answer: Option<FaultKind>,
}

fn call(code: Code, args: &'static [&'static str]) -> Failure {
    Failure { code, args, stdin: "", var: None, answer: None }
}

fn told(code: Code, args: &'static [&'static str], stdin: &'static str) -> Failure {
    Failure { stdin, ..call(code, args) }
}

fn with(code: Code, args: &'static [&'static str], var: (&'static str, &'static str)) -> Failure {
    Failure { var: Some(var), ..call(code, args) }
}

fn answered(code: Code, status: u16, error: &str) -> Failure {
    let body = Some(format!("{{\"error\":\"{error}\"}}"));
    let answer = Some(FaultKind::Status { status, body, retry_after_s: None });
    Failure { answer, ..call(code, &["get", "crm"]) }
}

/// At least one call for every code that a call can end with.
fn failures() -> Vec<Failure> {
    vec![
        call(Code::Usage, &["gte"]),
        call(Code::Usage, &["get", "--ofline"]),
        call(Code::Usage, &["get", "a/b"]),
        call(Code::Usage, &["login", "new", "--secrets", "file", "--data-center", "jp"]),
        call(Code::Usage, &["login", "new", "--data-center", "jq"]),
        call(Code::Usage, &["import", "env", "crm"]),
        call(Code::UnknownProfile, &["get", "crn"]),
        call(Code::UnknownProfile, &["get", "zzzz"]),
        call(Code::Config, &["get", "-o", "github"]),
        call(Code::Config, &["get", "env"]),
        call(Code::Config, &["get", "--config", "/no/such/config.toml"]),
        with(Code::Config, &["get", "env"], ("ZOHO_CLIENT_ID", "1000.X")),
        with(Code::Config, &["get", "env"], ("ZOHO_DATA_CENTER", "jq")),
        with(
            Code::Config,
            &["get", "crm", "-o", "exec-credential"],
            ("KUBERNETES_EXEC_INFO", "{\"apiVersion\":\"x\"}"),
        ),
        with(Code::Config, &["get", "crm"], ("ZOHO_CRED_STORE", "redis://127.0.0.1:1")),
        call(Code::Unavailable, &["get", "crm", "--offline"]),
        call(Code::Store, &["import", "sdk", "/no/such/file.csv"]),
        call(Code::Store, &["get", "crm", "--output-file", "/dev/null/token"]),
        told(Code::BadInput, &["reject", "crm"], ""),
        told(Code::BadInput, &["helper", "git", "get"], "protocol=https\nhost"),
        told(Code::BadInput, &["helper", "uri", "get"], "no json"),
        told(
            Code::BadInput,
            &["helper", "uri", "get", "--profile", "crm"],
            "{\"uri\":\"https://x.example/\"}",
        ),
        call(Code::Command(127), &["exec", "crm", "--", "no-such-command"]),
        call(Code::Command(126), &["exec", "crm", "--", "/"]),
        answered(Code::LoginRequired, 200, "invalid_code"),
        answered(Code::ClientRejected, 200, "invalid_client"),
        answered(Code::ClientRejected, 200, "invalid_redirect_uri"),
        answered(Code::ClientRejected, 200, "unauthorized_client"),
        answered(Code::ClientRejected, 200, "invalid_scope"),
        answered(Code::ClientRejected, 200, "missing_org_info"),
        answered(Code::ClientRejected, 200, "inactive_client"),
        answered(Code::ClientRejected, 200, "access_denied_admin"),
        answered(Code::RateLimited, 429, "x"),
        answered(Code::Unavailable, 503, "x"),
        call(Code::LoginRequired, &["logout", "bare"]),
    ]
}

impl Failure {
    fn provoke(&self, lang: &str) -> Outcome {
        let mut test = Test::new().with_profile().var("LANG", lang);
        let config = std::fs::read_to_string(test.config()).unwrap();
        let bare = "\n[profile.bare]\nclient_id = \"1000.X\"\ndata_center = \"jp\"\nsecrets = \"file\"\n";
        test.write_config(&(config + bare));
        if let Some((name, value)) = self.var {
            test.set(name, value);
        }
        if let Some(answer) = &self.answer {
            test.fault(answer.clone());
        }
        test.run_with_stdin(self.args.iter().copied(), self.stdin.as_bytes())
    }
}

/// The texts of an error: message, cause and hint.
fn texts(outcome: &Outcome) -> Vec<String> {
    let lines = outcome.stderr.lines().filter(|line| !line.starts_with("zoho-cred: warning: "));
    lines.map(|line| line.splitn(3, ": ").last().unwrap().to_owned()).collect()
}

#[test]
fn every_error_says_what_to_do_next_in_both_languages() {
    let mut seen = BTreeSet::new();
    for failure in failures() {
        let (word, exit) = (failure.code.word(), i32::from(failure.code.exit_code()));
        seen.insert(word);
        let english = failure.provoke("C.UTF-8");
        assert_eq!(english.code, exit, "{:?}: {english:?}", failure.args);
        english.failed(exit, word);
        assert!(english.stderr.contains("\nzoho-cred: hint: "), "{}", english.stderr);
        for text in texts(&english) {
            let first =
                text.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default();
            let is_name = first == "Zoho" || first.chars().all(|c| !c.is_lowercase());
            assert!(is_name || !first.starts_with(|c: char| c.is_uppercase()), "{text}");
            assert!(!text.ends_with('.') && text.trim() == text && !text.is_empty(), "{text:?}");
        }
        if failure.args.first() == Some(&"helper") {
            continue;
        }
        let japanese = failure.provoke("ja_JP.UTF-8");
        japanese.failed(exit, word);
        let (english, japanese) = (texts(&english), texts(&japanese));
        assert_eq!(english.len(), japanese.len(), "{english:?} = {japanese:?}");
        for (english, japanese) in english.iter().zip(&japanese) {
            let is_japanese = japanese.chars().any(|c| ('\u{3040}'..'\u{a000}').contains(&c));
            assert!(is_japanese && !japanese.ends_with('。'), "{english} = {japanese}");
        }
    }
    let all = [
        "bad_input",
        "client_rejected",
        "command",
        "config",
        "login_required",
        "rate_limited",
        "store",
        "unavailable",
        "unknown_profile",
        "usage",
    ];
    assert_eq!(seen, BTreeSet::from(all));
}

#[test]
fn whoever_sent_a_signal_gets_no_hint() {
    let error = Error::interrupted(2);
    assert_eq!((error.code().exit_code(), error.hint()), (130, None));
}

#[test]
fn a_code_has_the_word_and_exit_code_of_the_contract() {
    let contract = [
        (Code::Failure, "failure", 1),
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
        (Code::Interrupted(15), "interrupted", 143),
        (Code::Command(127), "command", 127),
    ];
    for (code, word, exit) in contract {
        assert_eq!((code.word(), code.exit_code()), (word, exit));
    }
}
