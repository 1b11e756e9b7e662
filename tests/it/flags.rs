//! Global flags.

use crate::harness::Test;

#[test]
fn the_last_of_a_repeated_flag_counts() {
    let test = Test::new();
    let token = test.token();
    let outcome = test.run("get -o json -o token --timeout 1s --timeout 5s");
    assert_eq!(outcome.ok(), token);
    test.run("--error-format json get nobody --error-format text").failed(78, "unknown_profile");
}

/// Regression: a flag of the command that `exec` runs made our own usage errors JSON.
#[test]
fn flags_of_the_command_of_exec_are_not_ours() {
    let test = Test::new().var("LANG", "ja_JP.UTF-8");
    test.run("exec --nope -- curl --error-format json").failed(2, "usage");
    let outcome = test.run("exec -- /nonexistent --error-format=json");
    outcome.failed(127, "command");
    assert!(!outcome.stderr.is_ascii(), "it is in the user's language: {outcome:?}");
}

#[test]
fn verbose_says_what_was_asked_and_no_secret() {
    let test = Test::new();
    let outcome = test.run("get -vv --refresh");
    outcome.exits(0);
    let url = format!("{}/oauth/v2/token", test.sandbox.url());
    outcome.says(&format!("POST {url} was answered with 200"));
    let (secret, refresh) = (test.sandbox.client_secret(), test.sandbox.refresh_token());
    for secret in [outcome.stdout.trim(), secret, refresh] {
        assert!(!outcome.stderr.contains(secret), "{outcome:?}");
    }
    assert_eq!(test.run("get -q -v").stderr, "");
}

#[test]
fn color_works_for_errors_and_help_in_both_languages() {
    for lang in ["C.UTF-8", "ja_JP.UTF-8"] {
        let test = Test::new().var("LANG", lang);
        for (args, label) in [
            ("get nobody", "\u{1b}[1;31merror[unknown_profile]:\u{1b}[0m "),
            ("gte", "\u{1b}[1;31merror[usage]:\u{1b}[0m "),
            ("get nobody", "\u{1b}[1;32m"),
            ("get --help", "\u{1b}[1"),
        ] {
            for color in ["--color always", "--color=always"] {
                let shown = test.call(color).args(args).run().both();
                assert!(shown.contains(label), "{args:?}: {shown:?}");
                // The label is all that differs.
                let plain = test.run(args).both();
                assert!(!plain.contains('\u{1b}'), "{plain:?}");
                assert_eq!(without_styles(&shown), plain);
            }
        }
    }
    assert_eq!(Test::new().run("exec -- echo --color=always").ok(), "--color=always");
}

/// It ended with 1 and said nothing.
#[test]
fn a_help_that_cannot_be_written_is_an_error() {
    let outcome = Test::new().shell("$0 --help > /dev/full", &[]).run();
    outcome.failed_with(1, "failure", "could not write to standard output");
}

fn without_styles(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |all, part| all + part.split_once('m').unwrap().1)
}
