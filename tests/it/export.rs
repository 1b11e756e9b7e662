//! `export`, and `import -` as its inverse.

use crate::harness::{Test, in_order};

/// Imports `exported` as `crm` on another machine.
fn imported(test: &Test, exported: &str) -> Test {
    let other = Test::new().without_environment();
    let args = ["import", "-", "-p", "crm", "--secrets", "file"];
    let shown = other.run_with_stdin(args, exported.as_bytes());
    assert!(shown.ok().starts_with("crm\t") && shown.stderr.contains("nothing was written"), "{shown:?}");
    shown.hides(&test.canaries());
    assert!(!other.config().exists());
    let written = other.run_with_stdin([&args[..], &["--write"]].concat(), exported.as_bytes());
    written.exits(0).hides(&test.canaries());
    other
}

#[test]
fn what_is_exported_is_imported_on_another_machine() {
    let test = Test::new().with_profile();
    for format in ["dotenv", "json"] {
        let exported = test.run(["export", "crm", "-o", format]);
        exported.exits(0).says("share one budget");
        assert_eq!(test.run(["export", "-p", "crm", "-o", format, "-q"]).ok(), exported.stdout.trim_end());
        let other = imported(&test, &exported.stdout);
        let requests = test.sandbox.token_requests();
        other.run("get crm").ok();
        assert_eq!(test.sandbox.token_requests(), requests + 1);
        let again = other.run(["export", "-o", format, "-q"]);
        assert_eq!(again.ok(), exported.stdout.trim_end());
    }
}

#[test]
fn an_export_of_a_newer_version_is_refused() {
    let test = Test::new().with_profile();
    let exported = test.run("export crm -o json -q").ok().to_owned();
    let newer = exported.replace("\"version\":1", "\"version\":2");
    assert_ne!(newer, exported);
    let other = Test::new().without_environment();
    let outcome = other.run_with_stdin("import - crm --secrets file --write", newer);
    outcome.failed_with(65, "bad_input", "newer zoho-cred");
    assert!(!other.config().exists());
}

#[test]
fn the_bytes_of_both_formats() {
    let test = Test::new().with_profile();
    test.configure("scopes = ['A.b.READ', 'C.d.ALL']");
    let (id, url) = (test.sandbox.client_id(), test.sandbox.url());
    let (secret, token) = (test.sandbox.client_secret(), test.sandbox.refresh_token());
    let outcome = test.run("export -q");
    assert_eq!(
        outcome.stdout,
        format!(
            "ZOHO_CLIENT_ID={id}\nZOHO_CLIENT_SECRET={secret}\nZOHO_REFRESH_TOKEN={token}\nZOHO_ACCOUNTS_URL={url}\n\
             ZOHO_SCOPES=A.b.READ,C.d.ALL\n"
        )
    );
    let json = serde_json::json!({
        "version": 1, "client_id": id, "client_secret": secret, "refresh_token": token, "data_center": null,
        "accounts_url": url, "scopes": ["A.b.READ", "C.d.ALL"],
    });
    let exported = test.run("export -o json -q");
    assert_eq!(exported.json(), json);
    let keys =
        ["version", "client_id", "client_secret", "refresh_token", "data_center", "accounts_url", "scopes"];
    in_order(&exported.stdout, &keys);
}

/// Regression: `export` named the data center and not the accounts server, so the other machine sent the secrets to Zoho's.
#[test]
fn an_accounts_server_is_exported_although_a_data_center_is_set() {
    let test = Test::new().with_profile();
    let exported = test.run("export -q").stdout;
    test.write_config(&format!("{}data_center = \"jp\"\n", test.read_config()));
    assert_eq!(test.run("export -q").stdout, exported);
    assert!(test.run("export -o json -q").json()["data_center"].is_null());
}

#[test]
fn the_environment_and_client_credentials_can_be_exported() {
    let test = Test::new();
    let exported = test.run("export env -q");
    assert!(exported.ok().contains(test.sandbox.refresh_token()));
    let test = test.with_client_credentials("ZohoCRM.modules.ALL");
    for format in ["dotenv", "json"] {
        let exported = test.run(["export", "-o", format, "-q"]).ok().to_owned();
        let config = imported(&test, &exported).read_config();
        assert!(config.contains("grant = \"client_credentials\""), "{config}");
        assert!(config.contains(test.sandbox.soid()), "{config}");
    }
}

#[test]
fn what_was_not_exported_is_refused() {
    let test = Test::new().without_environment();
    let import = |text: &str| test.run_with_stdin("import -", text.as_bytes());
    import("").failed(78, "config");
    import("not an export").failed(65, "bad_input");
    import("ZOHO_CLIENT_ID=1000.X\nZOHO_DATA_CENTER=jp\n").failed_with(
        78,
        "config",
        "ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN",
    );
    test.run("export nobody").failed(78, "unknown_profile");
}

/// Secrets are bound to the settings of their login, also when they would only be printed.
#[test]
fn a_profile_whose_settings_changed_exports_nothing() {
    let test = Test::new().with_profile();
    let config = test.read_config().replace(test.sandbox.url(), "https://accounts.zoho.example");
    test.write_config(&config);
    let outcome = test.run("export crm");
    outcome.failed(77, "login_required").hides(&test.canaries());
}
