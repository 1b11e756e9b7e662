//! Every error says what happened and what to do next, in both languages.

use clap::{CommandFactory, Parser};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;
use zoho_cred::cli::Cli;
use zoho_cred::error::{ChangedSetting, Code, Error, KeyringTrouble};
use zoho_cred::i18n::{Language, speak};
use zoho_cred::problem::Problem;

/// Generates the variant names and a match that fails to compile if a variant is missing.
macro_rules! variants {
    ($($name:ident),+ $(,)?) => {
        const VARIANTS: &[&str] = &[$(stringify!($name)),+];

        fn variant(error: &Error) -> &'static str {
            match error {
                $(Error::$name { .. } => stringify!($name)),+
            }
        }
    };
}

variants! {
    Usage, CommandLine, BadProfileName, NoProfile, UnknownProfile, Config, Setting, EnvironmentIncomplete,
    NeverLoggedIn, SettingsChanged, Refused, Denied, CodeRefused, NoRefreshToken, LoginTimedOut, PortTaken, UntrustedRedirect,
    ClientRejected, CoolingDown, OutOfBudget, TooManyRejects, Busy, LoginUnderWay, ConcurrentModification, LeaseLost, Unavailable, NoAnswer, Offline,
    Store, Keyring, SecretsGone, Shared, NotRevoked, Unsafe, BadInput, BadAnswer, HostNotServed, Out, Command, HostileToken,
    Stdout, Interrupted,
}

/// At least one error per variant, covering every condition that changes its text.
fn samples() -> Vec<Error> {
    let (profile, retry_after, path) =
        (|| "crm".to_owned(), Duration::from_secs(192), PathBuf::from("/x/config.toml"));
    let word = |text: &str| text.to_owned();
    let rejected = |error: &str| Error::ClientRejected {
        profile: profile(),
        error: word(error),
        accounts_url: word("https://accounts.zoho.jp"),
    };
    let no_answer = |problem| Error::NoAnswer { host: word("accounts.zoho.jp"), problem, retry_after: None };
    let mut samples = vec![
        Error::Usage { problem: word("which command?"), command: "zoho-cred exec" },
        Error::CommandLine { problem: word("unexpected"), nearest: None, command: word("zoho-cred get") },
        Error::CommandLine {
            problem: word("unexpected"),
            nearest: Some(word("--offline")),
            command: word("zoho-cred get"),
        },
        Error::BadProfileName,
        Error::NoProfile { known: Vec::new() },
        Error::NoProfile { known: vec![word("crm"), word("books")] },
        Error::UnknownProfile { name: word("crn"), known: vec![word("crm"), word("books")] },
        Error::UnknownProfile { name: word("desk"), known: vec![word("crm")] },
        Error::UnknownProfile { name: word("desk"), known: Vec::new() },
        Error::Config {
            path: path.clone(),
            line: Some(3),
            problem: word("unknown key 'scope'"),
            nearest: Some(word("scopes")),
        },
        Error::Config {
            path: path.clone(),
            line: None,
            problem: word("profile is not a table"),
            nearest: None,
        },
        Error::Config { path: path.clone(), line: Some(3), problem: word("is twice"), nearest: None },
        Error::Setting { problem: word("there is no home folder"), hint: word("set HOME") },
        Error::EnvironmentIncomplete { missing: "ZOHO_CLIENT_ID" },
        Error::NeverLoggedIn { profile: profile() },
        Error::SettingsChanged { profile: profile(), setting: ChangedSetting::AccountsServer },
        Error::SettingsChanged { profile: profile(), setting: ChangedSetting::ClientId },
        Error::SettingsChanged { profile: profile(), setting: ChangedSetting::Grant },
        Error::Refused { profile: profile(), error: word("invalid_code"), retry_after },
        Error::Refused { profile: word("env"), error: word("invalid_code"), retry_after },
        Error::Denied { error: word("access_denied") },
        Error::CodeRefused { error: word("invalid_code") },
        Error::NoRefreshToken { profile: profile() },
        Error::LoginTimedOut,
        Error::PortTaken { port: 9437 },
        Error::UntrustedRedirect { problem: word("it carries no code") },
        Error::ClientRejected {
            profile: profile(),
            error: word("invalid_client"),
            accounts_url: word("https://accounts.zoho.jp"),
        },
        rejected("unauthorized_client"),
        rejected("invalid_redirect_uri"),
        rejected("invalid_scope"),
        rejected("missing_org_info"),
        Error::ClientRejected {
            profile: word("env"),
            error: word("invalid_client"),
            accounts_url: word("https://accounts.zoho.jp"),
        },
        Error::CoolingDown { retry_after },
        Error::OutOfBudget { used: 9, limit: 10, retry_after },
        Error::TooManyRejects { retry_after },
        Error::Busy { waited: retry_after, holder: Some(7) },
        Error::Busy { waited: retry_after, holder: None },
        Error::LoginUnderWay { waited: retry_after },
        Error::ConcurrentModification { profile: "crm".into() },
        Error::LeaseLost,
        Error::Unavailable {
            problem: word("the accounts server answered 503"),
            retry_after: Some(retry_after),
        },
        Error::Unavailable { problem: word("the accounts server answered 503"), retry_after: None },
        no_answer(Problem::UntrustedCertificate),
        no_answer(Problem::ExpiredCertificate),
        no_answer(Problem::WrongHostCertificate),
        no_answer(Problem::Error(word("general_error"))),
        Error::Offline,
        Error::SecretsGone { profile: profile(), place: "keyring" },
        Error::Shared { profile: profile(), others: vec![word("books")] },
        Error::NotRevoked { profile: profile(), problem: word("the accounts server answered 503") },
        Error::Unsafe { path: path.clone(), problem: word("is a link"), hint: word("remove it") },
        Error::BadInput { problem: word("the request is too long") },
        Error::BadAnswer { problem: word("it carries no code") },
        Error::HostNotServed { host: Some(word("x.example")), profile: profile() },
        Error::HostNotServed { host: None, profile: profile() },
        Error::Out { path, problem: word("no space left") },
        Error::Command { program: word("curl"), found: true, problem: word("permission denied") },
        Error::Command { program: word("curl"), found: false, problem: String::new() },
        Error::HostileToken,
        Error::Stdout { problem: word("broken pipe") },
        Error::Interrupted { signal: 2 },
    ];
    let actions =
        ["create", "listen on", "lock", "protect", "read", "remove", "run", "settle on", "write", "chew"];
    samples.extend(actions.map(|action| Error::Store {
        action,
        what: word("/x/ledger"),
        problem: word("no space left"),
    }));
    let troubles = [
        KeyringTrouble::NoService,
        KeyringTrouble::Locked,
        KeyringTrouble::NoCollection,
        KeyringTrouble::Silent { waited: retry_after },
        KeyringTrouble::Failed,
    ];
    samples.extend(troubles.map(|trouble| Error::Keyring { trouble, problem: word("no such item") }));
    samples
}

/// The complete text of an error in one language: message, cause and hint.
fn said(error: &Error, language: Language) -> Vec<String> {
    let _speaking = speak(language);
    [Some(error.message()), error.cause(), error.hint()].into_iter().flatten().collect()
}

#[test]
fn every_error_has_a_sample() {
    let sampled: BTreeSet<&str> = samples().iter().map(variant).collect();
    let missing: Vec<_> = VARIANTS.iter().filter(|name| !sampled.contains(*name)).collect();
    assert!(missing.is_empty(), "no sample of {missing:?}");
}

#[test]
fn every_error_says_what_to_do_next() {
    for error in samples() {
        // A user who interrupted the call needs no hint.
        let ended = matches!(error, Error::Interrupted { .. });
        assert_eq!(error.hint().is_some(), !ended, "{error:?}");
    }
}

#[test]
fn errors_are_written_as_the_contract_has_it() {
    for error in samples() {
        for text in said(&error, Language::English) {
            let first =
                text.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default();
            let is_name = ["Zoho", "PATH", "ZOHO"].contains(&first);
            assert!(is_name || !first.starts_with(|c: char| c.is_uppercase()), "{text}");
            assert!(
                !text.ends_with('.') && !text.contains('\n') && text.trim() == text && !text.is_empty(),
                "{text:?}"
            );
        }
    }
}

#[test]
fn errors_are_said_in_japanese() {
    for error in samples() {
        let (english, japanese) = (said(&error, Language::English), said(&error, Language::Japanese));
        assert_eq!(english.len(), japanese.len());
        for (english, japanese) in english.iter().zip(&japanese) {
            // Text from the sample, another program or the system is not translated.
            let debug = format!("{error:?}");
            let given = debug.split('"').filter(|part| part.len() > 2);
            let ours = given.fold(english.clone(), |text, part| text.replace(part, ""));
            let is_given = !ours.contains(char::is_alphabetic);
            let is_japanese = japanese.chars().any(|c| ('\u{3040}'..'\u{a000}').contains(&c));
            assert!(is_given || is_japanese, "{english} = {japanese}");
            assert!(!japanese.ends_with('。') && !japanese.contains(['{', '\n']), "{japanese}");
        }
    }
}

#[test]
fn commands_in_hints_can_be_pasted() {
    let mut pasted = 0;
    for error in samples() {
        let hints: Vec<String> = [Language::English, Language::Japanese]
            .map(|language| said(&error, language).pop().unwrap())
            .into_iter()
            .collect();
        let commands = hints.iter().flat_map(|hint| hint.split(['\'', '「', '」']));
        for command in commands.filter(|part| part.starts_with("zoho-cred ")) {
            let parsed = Cli::try_parse_from(command.split(' '));
            let is_help = parsed.as_ref().is_err_and(|error| !error.use_stderr());
            assert!(parsed.is_ok() || is_help, "{command}");
            pasted += 1;
        }
        let words =
            hints.iter().flat_map(|hint| hint.split(|c: char| !c.is_ascii_alphanumeric() && c != '-'));
        for flag in words.filter_map(|word| word.strip_prefix("--")).filter(|name| !name.is_empty()) {
            assert!(is_flag(&Cli::command(), flag), "--{flag}");
        }
    }
    assert!(pasted > 10);
}

fn is_flag(command: &clap::Command, name: &str) -> bool {
    command.get_arguments().any(|arg| arg.get_long() == Some(name))
        || ["help", "version"].contains(&name)
        || command.get_subcommands().any(|sub| is_flag(sub, name))
}

#[test]
fn a_code_has_one_word_and_one_exit_code() {
    let mut exits: BTreeMap<&str, u8> = BTreeMap::new();
    for code in samples().iter().map(Error::code) {
        let varies = matches!(code, Code::Interrupted(_) | Code::Command(_));
        let before = exits.insert(code.word(), code.exit_code());
        assert!(varies || before.is_none_or(|before| before == code.exit_code()), "{code:?}");
        assert!(code.word().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code:?}");
    }
    let contract = [
        ("bad_input", 65),
        ("busy", 75),
        ("client_rejected", 78),
        ("config", 78),
        ("failure", 1),
        ("login_required", 77),
        ("rate_limited", 75),
        ("store", 74),
        ("unavailable", 69),
        ("unknown_profile", 78),
        ("usage", 2),
    ];
    for (word, exit) in contract {
        assert_eq!(exits.get(word), Some(&exit), "{word}");
    }
}
