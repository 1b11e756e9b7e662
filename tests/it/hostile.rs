//! Untrusted text is escaped: no value can control the terminal or the CI runner that reads stderr, a report or a
//! generated file.

use crate::harness::web::serve;
use crate::harness::{Outcome, Test, http_answer};
use std::io::{BufRead, BufReader, Write};

/// Starts a new line, moves the cursor, reorders text, and contains commands for three CI systems.
const EVIL: &str =
    "x\n::error::owned\r\n##vso[task.setvariable variable=A]b\u{1b}[2J\u{9b}31m\u{202e}##[error]y\u{2028}z";

/// The same, escaped for TOML and JSON.
fn escaped() -> String {
    serde_json::to_string(EVIL).unwrap()
}

fn is_harmless(outcome: &Outcome) {
    let text = &outcome.both();
    let bidirectional = ['\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}'];
    for c in text.chars() {
        let harmful = (c.is_control() && c != '\n')
            || bidirectional.contains(&c)
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(!harmful, "{c:?} in {outcome:?}");
    }
    assert!(!text.contains("##"), "GitHub and Azure obey it anywhere in a line: {outcome:?}");
    assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{outcome:?}");
}

/// Asserts that every line on stderr starts with the program's name.
fn says_it_safely(outcome: &Outcome) {
    is_harmless(outcome);
    assert!(outcome.stderr.lines().all(|line| line.starts_with("zoho-cred: ")), "{outcome:?}");
}

/// Asserts that the text is shown, and that it is escaped.
fn shows_it_safely(outcome: &Outcome) {
    says_it_safely(outcome);
    assert!(outcome.both().contains("owned"), "it is not shown at all: {outcome:?}");
}

#[test]
fn environment_values_forge_no_line() {
    for language in ["C", "ja_JP.UTF-8"] {
        let test = Test::new().unset("ZOHO_ACCOUNTS_URL").var("LC_ALL", language);
        let outcome = test.var("ZOHO_DATA_CENTER", EVIL).run("get");
        outcome.failed(78, "config");
        shows_it_safely(&outcome);
    }
    let test = Test::new().var("ZOHO_CRED_PROFILE", EVIL);
    says_it_safely(&test.run("get"));
    for name in
        ["ZOHO_CLIENT_ID", "ZOHO_ACCOUNTS_URL", "ZOHO_CRED_STORE", "ZOHO_CRED_CONFIG", "SSL_CERT_FILE"]
    {
        let outcome = Test::new().var(name, EVIL).run("-vv get");
        assert_ne!(outcome.code, 70, "{outcome:?}");
        says_it_safely(&outcome);
    }
}

/// Regression: `status` printed the state directory as it is, so a line break in its name began a new line.
#[test]
fn a_path_forges_no_line_in_a_report() {
    let test = Test::new();
    let folder = test.dir.path().join(EVIL);
    std::fs::create_dir(&folder).unwrap();
    let [state, config] = ["state", "config.toml"].map(|name| folder.join(name).display().to_string());
    std::fs::write(&config, "[profile.crm]\ndata_center='jp'\nclient_id='1000.A'\nsecrets='file'\n").unwrap();
    let test = test.var("ZOHO_CRED_STATE_DIR", &state).var("ZOHO_CRED_CONFIG", &config);
    for args in ["status env", "status crm", "list", "doctor env", "doctor crm", ""] {
        is_harmless(&test.run(args));
    }
    assert!(test.run("status env").stdout.contains("owned"));
}

#[test]
fn config_values_forge_no_line_in_errors_reports_and_json() {
    let evil = escaped();
    for config in [
        format!("[profile.crm]\nclient_id=\"1000.A\"\ndata_center={evil}\n"),
        format!("[profile.crm]\nclient_id=\"1000.A\"\ndata_center=\"jp\"\nscheme={evil}\n"),
        format!("[profile.{evil}]\nclient_id=\"1000.A\"\n"),
        format!("[profile.crm]\nclient_id=\"1000.A\"\ndata_center=\"jp\"\n{evil}=1\n"),
    ] {
        let test = Test::new().without_environment();
        test.write_config(&config);
        let outcome = test.run("get");
        outcome.failed(78, "config");
        shows_it_safely(&outcome);
        let reports = "--error-format json get, list, list -o json, doctor, doctor -o json, status";
        for args in reports.split(", ") {
            let outcome = test.run(args);
            is_harmless(&outcome);
            assert!(outcome.both().contains("owned"), "{args}: {outcome:?}");
        }
    }
}

/// Hostile text from a store's server, as an error and as content.
#[test]
fn a_shared_store_forges_no_line() {
    let evil = EVIL.replace(['\n', '\r'], " ");
    let bulk = format!("${}\r\n{EVIL}\r\n", EVIL.len());
    for reply in [format!("-ERR {evil}\r\n"), format!("-{evil}\r\n"), bulk] {
        let address = serve(move |stream| {
            // One answer per command; each command starts with `*`.
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let mut commands = lines.filter(|line| line.starts_with('*'));
            let _ = commands.try_for_each(|_| (&stream).write_all(reply.as_bytes()));
        });
        let test = Test::new().var("ZOHO_CRED_STORE", &format!("redis://{address}"));
        for args in ["-vv get --timeout 2s", "status", "doctor", "list"] {
            says_it_safely(&test.run(args));
        }
        assert_ne!(test.run("get --timeout 2s").code, 0);
    }
}

/// A line break in a client ID would add a line to the unit file, which systemd would execute.
#[test]
fn setup_copies_no_line_break_into_a_generated_file() {
    let evil = r#""1000.A\nExecStartPre=/bin/touch /tmp/owned""#;
    for config in [
        format!("[profile.crm]\ndata_center=\"jp\"\nclient_id={evil}\n"),
        format!(
            "[profile.crm]\ndata_center=\"jp\"\nclient_id=\"1000.A\"\ngrant=\"client_credentials\"\nscopes=[\"A.b.C\"]\nsoid={evil}\n"
        ),
        format!("[profile.crm]\ndata_center=\"jp\"\nclient_id=\"1000.A\"\nhosts=[{evil}]\n"),
    ] {
        let test = Test::new().without_environment();
        test.write_config(&config);
        for target in ["systemd", "github-actions", "git", "curl"] {
            test.run(["setup", target, "crm"]).failed(78, "config");
        }
    }
}

/// Regression: an accounts server could put a command into the scripts that `setup` prints.
#[test]
fn the_servers_api_domain_brings_no_command_into_a_script() {
    for domain in [
        "http://127.0.0.1:1/$(touch${IFS}owned)",
        "http://127.0.0.1:1/';touch${IFS}owned;'",
        "https://$(owned).example",
        "https://api.example/`owned`",
    ] {
        let test = Test::new().with_profile();
        let body =
            serde_json::json!({"access_token": "1000.aa.bb", "expires_in": 3600, "api_domain": domain});
        test.fault(http_answer(200, body));
        test.run("get -o env").exits(0).hides(&["owned"]);
        for target in ["gitlab-ci", "curl", "node", "python", "systemd", "git", "bazel"] {
            test.run(["setup", target, "crm"]).hides(&["owned"]);
        }
    }
}

/// Tokens are read from stdin, but people try arguments.
#[test]
fn a_token_given_as_an_argument_is_not_shown() {
    for language in ["C", "ja_JP.UTF-8"] {
        let test = Test::new().with_profile().var("LC_ALL", language);
        let token = test.token();
        // They differ in the words only.
        let values = [&token, test.sandbox.client_secret(), test.sandbox.refresh_token()];
        for value in &values[..if language == "C" { 3 } else { 1 }] {
            let calls = "reject crm X, reject -p X, reject X, get crm X, get --timeout X, get -o X, \
                --ca-file X get --refresh, --config X get, login crm --data-center X, exec X, exec -- X, \
                exec crm X, setup X, X, --error-format json reject crm X";
            for args in calls.split(", ") {
                let outcome = test.run(&*args.replace('X', value));
                assert!(!outcome.stderr.contains(value), "{args}: {outcome:?}");
                assert!(outcome.code == 0 || outcome.stdout.is_empty(), "{args}: {outcome:?}");
            }
        }
        for args in [&["reject", "crm", &token][..], &["reject", &token], &["reject", "1000.a.b"]] {
            test.run(args).failed(2, "usage").hides(&["1000."]);
        }
        // A real token is longer than a profile name may be, and the message was about such names.
        let said = test.run(["reject", &format!("1000.{}.{}", "a1".repeat(16), "b2".repeat(16))]);
        let stdin = if language == "C" { "read from stdin" } else { "標準入力" };
        said.failed_with(2, "usage", stdin);
    }
}
