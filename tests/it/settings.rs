//! Profile selection and invalid settings.

use crate::harness::Test;
use zoho_cred::sandbox::{Certificate, Options};

#[test]
fn the_order_of_resolution() {
    let mut test = Test::new();
    let url = test.sandbox.url().to_owned();
    let id = test.sandbox.client_id().to_owned();
    let profile =
        |name: &str| format!("[profile.{name}]\naccounts_url='{url}'\nclient_id='{id}'\nsecrets='file'\n");
    test.write_config(&format!("{}{}", profile("one"), profile("two")));
    test.get().ok();
    test = test.without_environment();
    test.get().failed_with(2, "usage", "one, two");
    test.set("ZOHO_CRED_PROFILE", "two");
    test.get().failed_with(77, "login_required", "'two'");
    test = test.unset("ZOHO_CRED_PROFILE");
    test.write_config(&format!("default_profile='one'\n{}{}", profile("one"), profile("two")));
    assert!(test.get().stderr.contains("'one'"));
    assert!(test.run("get onee").stderr.contains("did you mean 'one'?"));
}

#[test]
fn complete_variables_come_before_the_config() {
    let test = Test::new();
    let env: Vec<_> = test.vars().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    let mut test = test.with_profile();
    assert!(
        test.read_config().starts_with("default_profile = \"crm\"\n\n[profile.crm]\n"),
        "{}",
        test.read_config()
    );
    for (name, value) in env {
        test.set(&name, &value);
    }
    let profile = |args: &[&str]| {
        let outcome = test.run([args, &["-o", "json"]].concat());
        assert_eq!(outcome.stderr, "");
        outcome.json()["profile"].as_str().unwrap().to_owned()
    };
    assert_eq!(profile(&["get"]), "env");
    for args in
        [&["get", "crm"][..], &["get", "-p", "crm"], &["-p", "crm", "get"], &["get", "--profile=crm", "crm"]]
    {
        assert_eq!(profile(args), "crm");
    }
    test.run("get crm -p env").failed(2, "usage");
    for contradiction in ["ZOHO_CLIENT_SECRET_FILE", "ZOHO_REFRESH_TOKEN_FILE", "ZOHO_SOID"] {
        test.set(contradiction, "/nowhere");
        test.get().failed(78, "config");
        test = test.unset(contradiction);
    }
}

/// Regression: it was as if they were not set, so that a call used no shared store, or another profile.
#[cfg(unix)]
#[test]
fn variables_that_are_not_utf_8_are_errors() {
    use std::os::unix::ffi::OsStrExt;
    let test = Test::new();
    for (name, code, word) in [
        ("ZOHO_CRED_STORE", 78, "config"),
        ("ZOHO_CRED_STORE_KEY", 78, "config"),
        ("ZOHO_CRED_PROFILE", 2, "usage"),
        ("ZOHO_CRED_CONFIG", 78, "config"),
        ("SSL_CERT_FILE", 78, "config"),
    ] {
        let mut command = test.command("get");
        command.env(name, std::ffi::OsStr::from_bytes(b"/x\xff"));
        test.start(command).wait().failed(code, word);
    }
    assert_eq!(test.sandbox.token_requests(), 0);
}

/// A missing CI secret must never mean refreshes that no other machine knows of.
#[test]
fn settings_of_a_store_that_may_be_missing_are_errors_before_any_request() {
    let mut test = Test::new();
    let (store, file, key) = ("ZOHO_CRED_STORE", "ZOHO_CRED_STORE_FILE", "ZOHO_CRED_STORE_KEY");
    let url = "redis://:hunter2@127.0.0.1:1/0";
    let good = test.run("keygen").ok().to_owned();
    for (vars, words) in [
        (&[(store, "")][..], "ZOHO_CRED_STORE is set but empty"),
        (&[(store, " \n"), (key, &good)], "ZOHO_CRED_STORE is set but empty"),
        (&[(file, "")], "ZOHO_CRED_STORE_FILE is set but empty"),
        (&[(store, url), (file, "/nowhere")], "are both set"),
        (&[(key, &good)], "no shared store is"),
        (&[("ZOHO_CRED_STORE_KEY_FILE", "/nowhere")], "no shared store is"),
        (&[("ZOHO_CRED_STROE", url)], "no variable ZOHO_CRED_STROE"),
        (&[("ZOHO_CRED_STORE_URL", url)], "no variable ZOHO_CRED_STORE_URL"),
        (&[("ZOHO_CRED_STORE_KEY_ODL", "hunter2")], "no variable ZOHO_CRED_STORE_KEY_ODL"),
        (&[(store, "redis://:hun/ter2@127.0.0.1:1/0"), (key, &good)], "not percent-encoded"),
        (&[(store, "rediss://fleet:hun@ter2@127.0.0.1:1/0"), (key, &good)], "not percent-encoded"),
        (&[(store, "hunter2"), (key, &good)], "is not one"),
        (&[(store, url)], "needs ZOHO_CRED_STORE_KEY"),
        (&[(store, url), (key, "")], "needs ZOHO_CRED_STORE_KEY"),
        (&[(store, url), (key, "hunter2")], "is not 32 bytes in base64"),
        (&[(store, "s3://bucket/x"), (key, "hunter2")], "is not 32 bytes in base64"),
    ] {
        for (name, value) in vars {
            test.set(name, value);
        }
        let outcome = test.run("-vv get");
        outcome.failed_with(78, "config", words);
        assert!(!outcome.stderr.contains("ter2") && !outcome.stderr.contains(&good), "{outcome:?}");
        for (name, _) in vars {
            test = test.unset(name);
        }
    }
    assert_eq!(test.sandbox.token_requests(), 0);
    test.set(store, "none");
    test.get().ok();
}

#[test]
fn a_half_set_environment_names_what_is_missing() {
    for missing in ["ZOHO_CLIENT_ID", "ZOHO_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN"] {
        let test = Test::new().unset(missing);
        test.get().failed_with(78, "config", missing);
    }
    Test::new().unset("ZOHO_ACCOUNTS_URL").get().failed_with(78, "config", "ZOHO_DATA_CENTER");
    Test::new().without_environment().get().failed(2, "usage");
    let all = Test::new().without_environment().var("ZOHO_GRANT", "refresh_token").get();
    all.failed(78, "config");
    let names = "ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN, ZOHO_DATA_CENTER";
    all.says(&format!("lacks {names}")).says("ZOHO_CLIENT_SECRET or ZOHO_CLIENT_SECRET_FILE");
}

#[test]
fn the_grant_of_the_environment_is_client_credentials_if_it_says_so() {
    let mut test = Test::new().with_client_credentials("").var("ZOHO_REFRESH_TOKEN", "1000.a.b");
    let soid = test.sandbox.soid().to_owned();
    let refused = |test: &Test, words: &str| {
        test.get().failed_with(78, "config", words);
    };
    refused(&test, "ZOHO_REFRESH_TOKEN and ZOHO_GRANT are both set");
    test = test.unset("ZOHO_REFRESH_TOKEN").unset("ZOHO_SOID");
    refused(&test, "lacks ZOHO_SCOPES");
    test.set("ZOHO_SCOPES", "ZohoCliq.Webhooks.CREATE");
    test.get().ok();
    assert!(!test.sandbox.log()[0].params.contains_key("soid"));
    test.set("ZOHO_SCOPES", "ZohoCRM.modules.ALL");
    test.get().failed(78, "client_rejected");
    test.set("ZOHO_SOID", &soid);
    test.get().ok();
    test.set("ZOHO_GRANT", "client_credential");
    refused(&test, "did you mean 'client_credentials'?");
}

#[test]
fn secrets_may_be_given_as_files() {
    let test = Test::new();
    let secret = test.file("s", &format!("{}\n", test.sandbox.client_secret()));
    let token = test.file("t", &format!("{}\r\n\n", test.sandbox.refresh_token()));
    let link = test.dir.path().join("link");
    std::os::unix::fs::symlink(&token, &link).unwrap();
    let first = test.token();
    let both = Test::new().var("ZOHO_CLIENT_SECRET_FILE", secret.to_str().unwrap());
    both.get().failed(78, "config");
    let test = test
        .unset("ZOHO_CLIENT_SECRET")
        .unset("ZOHO_REFRESH_TOKEN")
        .var("ZOHO_CLIENT_SECRET_FILE", secret.to_str().unwrap())
        .var("ZOHO_REFRESH_TOKEN_FILE", link.to_str().unwrap());
    assert_eq!(test.get().ok(), first, "trailing newlines make no other credential");
}

#[test]
fn systemds_credentials_are_read() {
    let test = Test::new();
    test.file("zoho-client-secret", test.sandbox.client_secret());
    test.file("zoho-refresh-token", test.sandbox.refresh_token());
    let dir = test.dir.path().display().to_string();
    let test =
        test.unset("ZOHO_CLIENT_SECRET").unset("ZOHO_REFRESH_TOKEN").var("CREDENTIALS_DIRECTORY", &dir);
    test.get().ok();
}

#[test]
fn client_credentials_share_a_ledger_and_not_a_cache() {
    let mut test = Test::new().with_client_credentials("ZohoCRM.modules.ALL,ZohoCRM.org.READ");
    let first = test.token();
    test.set("ZOHO_SCOPES", "ZohoCRM.org.READ ZohoCRM.modules.ALL");
    assert_eq!(test.get().ok(), first, "the order of scopes makes no other credential");
    test.set("ZOHO_SCOPES", "ZohoCRM.modules.ALL");
    assert_ne!(test.get().ok(), first);
    let ledgers = crate::harness::files_below(&test.state().join("ledgers"));
    assert_eq!(ledgers.len(), 1, "{ledgers:?}");
}

/// A profile with a shell script as its `secret_command`.
fn with_command(test: &Test, script: &str) {
    test.write_config(&test.command_profile("crm", script));
}

#[test]
fn a_secret_command_cannot_bring_a_secret_into_a_log() {
    let test = Test::new().without_environment();
    let (token, answer) = (test.sandbox.refresh_token(), test.secrets_json());
    with_command(&test, &format!("echo {token} >&2; echo '{answer}'"));
    test.get().ok();
    test.run("get --refresh").exits(0).says_nothing();
    with_command(&test, &format!("echo {token} >&2; exit 1"));
    test.run("get --refresh").failed(74, "store").hides(&[token]);
    with_command(&test, "echo not json");
    test.run("get --refresh").failed(74, "store");
}

#[test]
fn what_a_secret_command_prints_is_normalised() {
    let test = Test::new().without_environment();
    let [secret, token] = test.canaries();
    let answers = |secret: &str, token: &str| {
        let json = serde_json::json!({"client_secret": secret, "refresh_token": token});
        with_command(&test, &format!("cat <<'END'\n{json}\nEND"));
        test.get()
    };
    answers(secret, "").failed(77, "login_required");
    answers("", token).failed(74, "store");
    assert_eq!(test.sandbox.token_requests(), 0, "an empty secret is none");
    answers(&format!("{secret}\n"), &format!("{token}\n")).ok();
    assert_eq!(test.sandbox.log()[0].outcome, "granted");
}

/// The hint was a login, which runs the same command, or `--client-secret-only`, which such a profile refuses.
#[test]
fn what_a_secret_command_prints_is_corrected_where_it_comes_from() {
    let test = Test::new();
    let secret = test.sandbox.client_secret().to_owned();
    let test = test.without_environment();
    let prints = |secret: &str| {
        format!("echo '{{\"client_secret\":\"{secret}\",\"refresh_token\":\"1000.dead.token\"}}'")
    };
    with_command(&test, &prints(&secret));
    let outcome = test.get();
    outcome.failed_with(77, "login_required", "another refresh token where secret_command reads it");
    with_command(&test, &prints("wrong"));
    let outcome = test.get();
    outcome.failed_with(78, "client_rejected", "where secret_command reads it").hides(&["zoho-cred login"]);
}

/// It was shown as a file that cannot be read.
#[test]
fn a_secret_that_is_given_as_the_name_of_its_file_is_not_shown() {
    let secret = "0123456789abcdef0123456789abcdef01234567";
    let test = Test::new().without_environment();
    let login =
        test.call("login crm --secrets file --flow refresh-token --data-center jp --client-id 1000.X");
    let outcome = login.args(["--client-secret-file", secret]).run();
    outcome.failed_with(74, "store", "could not read ***").hides(&[secret]);
}

/// The error did not say which of the secrets is empty.
#[test]
fn an_empty_secret_is_named() {
    let mut test = Test::new();
    let file = test.file("token", "\n").display().to_string();
    test.set("ZOHO_CLIENT_SECRET", "\n");
    test.get().failed_with(78, "config", "ZOHO_CLIENT_SECRET contains no secret");
    let test = Test::new().unset("ZOHO_REFRESH_TOKEN").var("ZOHO_REFRESH_TOKEN_FILE", &file);
    test.get().failed_with(78, "config", &format!("{file} contains no secret"));
}

#[test]
fn a_first_login_through_a_linked_folder_is_found_again() {
    let link = |to: &str, at: std::path::PathBuf| {
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(to, at).unwrap();
    };
    let folder = Test::new();
    std::fs::create_dir(folder.dir.path().join("dotfiles")).unwrap();
    link("../dotfiles", folder.dir.path().join(".config/zoho-cred"));
    let file = Test::new();
    link("../../dotfiles/zoho.toml", file.config());
    for (test, real) in [(folder, "dotfiles/config.toml"), (file, "dotfiles/zoho.toml")] {
        let test = test.with_profile();
        test.run("get crm").ok();
        assert!(test.dir.path().join(real).is_file(), "the link is written through: {real}");
    }
}

#[test]
fn secrets_and_the_authority_may_come_from_pipes_that_can_be_read_once() {
    let test = Test::with(Options { tls: Some(Certificate::Valid), ..Options::default() });
    let [secret, token] = test.canaries().map(str::to_owned);
    let ca = test.file("ca.pem", test.sandbox.ca_pem().unwrap());
    let script = "ZOHO_CLIENT_SECRET_FILE=<(echo $1) ZOHO_REFRESH_TOKEN_FILE=<(echo $2) exec $0 get --ca-file <(cat $3)";
    let test = test.unset("ZOHO_CLIENT_SECRET").unset("ZOHO_REFRESH_TOKEN");
    test.shell(script, &[&secret, &token, ca.to_str().unwrap()]).run().ok();
}
