//! Global flags.

use crate::harness::Test;

#[test]
fn the_last_of_a_repeated_flag_counts() {
    let test = Test::new();
    let token = test.get().ok().to_owned();
    let outcome = test.run(["get", "-o", "json", "-o", "token", "--timeout", "1s", "--timeout", "5s"]);
    assert_eq!(outcome.ok(), token);
    test.run(["--error-format", "json", "get", "nobody", "--error-format", "text"])
        .failed(78, "unknown_profile");
}

#[test]
fn flags_that_may_come_often_still_add_up() {
    let test = Test::new();
    let args = ["exec", "--env", "A=token", "--env", "B=token", "--", "sh", "-c", "echo $A $B"];
    let token = test.get().ok().to_owned();
    assert_eq!(test.run(args).ok(), format!("{token} {token}"));
}

#[test]
fn verbose_says_what_was_asked_and_no_secret() {
    let test = Test::new();
    let outcome = test.run(["get", "-vv", "--refresh"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let url = format!("{}/oauth/v2/token", test.sandbox.url());
    assert!(outcome.stderr.contains(&format!("POST {url} was answered with 200")), "{outcome:?}");
    let (secret, refresh) = (test.sandbox.client_secret(), test.sandbox.refresh_token());
    for secret in [outcome.stdout.trim(), secret, refresh] {
        assert!(!outcome.stderr.contains(secret), "{outcome:?}");
    }
    assert_eq!(test.run(["get", "-q", "-v"]).stderr, "");
}

#[test]
fn color_works_for_errors_and_help_in_both_languages() {
    let test = Test::new();
    for lang in ["C.UTF-8", "ja_JP.UTF-8"] {
        let test = Test::new().var("LANG", lang);
        for (args, label) in [
            (&["get", "nobody"][..], "\u{1b}[1;31merror[unknown_profile]:\u{1b}[0m "),
            (&["gte"], "\u{1b}[1;31merror[usage]:\u{1b}[0m "),
            (&["get", "nobody"], "\u{1b}[1;32m"),
            (&["get", "--help"], "\u{1b}[1"),
        ] {
            for color in [&["--color", "always"][..], &["--color=always"]] {
                let outcome = test.run(color.iter().chain(args).copied());
                let shown = outcome.stdout + &outcome.stderr;
                assert!(shown.contains(label), "{args:?}: {shown:?}");
                // The label is all that differs.
                let plain = test.run(args.iter().copied());
                let plain = plain.stdout + &plain.stderr;
                assert!(!plain.contains('\u{1b}'), "{plain:?}");
                assert_eq!(without_styles(&shown), plain);
            }
        }
    }
    let outcome = test.run(["exec", "--", "echo", "--color=always"]);
    assert_eq!(outcome.ok(), "--color=always");
}

fn without_styles(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |all, part| all + part.split_once('m').unwrap().1)
}
