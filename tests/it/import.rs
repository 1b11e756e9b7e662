//! `import` from the environment and from an SDK's CSV: writes only with `--write`, and prints no secret.

use crate::harness::Test;
use std::path::PathBuf;

const TEN: &str = "id,user_name,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_uri,api_domain\n";

/// A CSV as written by Zoho's Python SDK 8.0, with two users, one of them without a refresh token.
fn csv(test: &Test, second: &str) -> PathBuf {
    let (id, secret) = (test.sandbox.client_id(), test.sandbox.client_secret());
    let first = test.sandbox.refresh_token();
    let text = format!(
        "{TEN}1,ann@example.jp,{id},{secret},{first},1000.old,,1700000000000,https://www.google.com/,\n\
         2,\"bob, jr\",{id},{secret},{second},,,,,\n3,eve,{id},{secret},,,,,,\n"
    );
    test.file("sdk_tokens.csv", &text)
}

#[test]
fn the_environment_becomes_a_profile() {
    let test = Test::new();
    let shown = test.run("import env crm --secrets file");
    assert!(shown.ok().starts_with("crm\t") && shown.stderr.contains("nothing was written"), "{shown:?}");
    shown.hides(&test.canaries());
    assert!(!test.config().exists() && test.state_files().is_empty());
    let blocked = test.file("blocked", "");
    let mut command = test.command("import env crm --secrets file --write");
    command.env("ZOHO_CRED_CONFIG", std::path::Path::new(&blocked).join("config.toml"));
    test.start(command).wait().failed(74, "store");
    test.run("import env crm --secrets file --write").hides(&test.canaries());
    let test = test.without_environment();
    test.run("get crm").ok();
    assert_eq!(test.sandbox.token_requests(), 1);
    assert!(!test.read_config().contains(test.sandbox.client_secret()));
}

#[test]
fn several_users_become_several_profiles() {
    let test = Test::new().without_environment();
    let second = test.sandbox.new_refresh_token();
    let (file, url) = (csv(&test, &second), test.sandbox.url().to_owned());
    let args = ["import", "sdk", file.to_str().unwrap(), "--accounts-url", &url, "--secrets", "file"];
    let shown = test.run(args);
    shown.hides(&test.canaries());
    shown.warned("line 4 lacks a refresh token");
    assert_eq!(shown.stdout.lines().count(), 2, "{shown:?}");
    assert!(!test.config().exists() && test.state_files().is_empty());
    let written = test.call(args).arg("--write").run();
    written.hides(&test.canaries());
    written.exits(0);
    let tokens = ["ann", "bob--jr"].map(|name| test.run(["get", name]).ok().to_owned());
    assert_ne!(tokens[0], tokens[1]);
    let config = test.read_config();
    assert!(config.contains("redirect_uri = \"https://www.google.com/\""), "{config}");
    let again = test.call(args).arg("--write").run();
    again.warned("'ann' already has this refresh token");
    assert_eq!(again.stdout, "");
    assert_eq!(test.read_config(), config, "a second import changes nothing");
}

#[test]
fn invalid_imports_are_reported() {
    let test = Test::new().with_profile();
    let file = csv(&test, "1000.b");
    let file = file.to_str().unwrap();
    test.run(["import", "sdk", file]).failed_with(2, "usage", "--data-center");
    test.run(["import", "sdk", file, "--data-center", "jpp"]).failed(2, "usage");
    let strange = test.file("strange.csv", "a,b\n1,2\n");
    test.run(["import", "sdk", strange.to_str().unwrap(), "--data-center", "jp"]).failed(78, "config");
    test.run("import sdk /nowhere.csv").failed(74, "store");
    let test = test.var("ZOHO_CLIENT_SECRET", "x").var("ZOHO_REFRESH_TOKEN", "1000.x");
    test.run("import env crm").failed(2, "usage");
}
