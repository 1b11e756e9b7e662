//! `list`, and the output of `zoho-cred` without a command.

use crate::harness::Test;

#[test]
fn every_profile_is_a_row() {
    let test = Test::new().with_profile();
    test.get().ok();
    let config = test.read_config();
    test.write_config(&format!(
        "{config}\n[profile.books]\ndata_center = 'jp'\nclient_id = '1000.B'\nsecrets = 'file'\n\
         [profile.odd]\naccounts_url = 'http://example.com'\nclient_id = '1000.C'\n"
    ));
    let rows = test.json("list");
    let row = |name: &str| rows.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone();
    assert_eq!((&row("crm")["state"], &row("crm")["default"]), (&"ready".into(), &true.into()));
    assert!(row("crm")["expires_at"].as_str().unwrap().ends_with('Z'));
    let books = row("books");
    assert_eq!((&books["state"], &books["data_center"]), (&"login_required".into(), &"jp".into()));
    assert!(row("odd")["state"].is_null() && row("odd")["problem"].is_string(), "{rows}");
    let text = test.run("list").ok().to_owned();
    assert!(text.contains("crm *") && text.contains("login required") && !text.contains('\u{1b}'), "{text}");
    assert_eq!(test.sandbox.token_requests(), 1);
}

/// Regression: `list` and `status` ran the `secret_command` of a profile that had never got a token.
#[test]
fn nothing_that_only_reports_runs_a_secret_command() {
    let test = Test::new().without_environment();
    let mark = test.dir.path().join("mark");
    test.write_config(&format!(
        "[profile.crm]\ndata_center='jp'\nclient_id='1000.A'\nsecret_command=['touch','{}']\n\
         [store]\nurl='redis://127.0.0.1:1'\n",
        mark.display()
    ));
    for args in ["list", "list -o json", "status", "status -o json"] {
        test.run(args).exits(0);
        assert!(!mark.exists(), "{args:?} ran the command");
    }
    test.run("get --timeout 2s").failed(74, "store");
    assert!(mark.exists());
}

#[test]
fn the_environment_is_listed_where_it_is_set() {
    let test = Test::new();
    let rows = test.run("list -o json").json();
    assert_eq!((&rows[0]["name"], &rows[0]["default"]), (&"env".into(), &true.into()));
}

#[test]
fn nothing_to_list() {
    let test = Test::new().without_environment();
    assert_eq!(test.run("list -o json").ok(), "[]");
    let outcome = test.run("list");
    assert!(outcome.code == 0 && outcome.stderr.contains("zoho-cred login"), "{outcome:?}");
}

#[test]
fn without_a_command_there_is_help() {
    let outcome = Test::new().run("");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
    outcome.says("Usage: zoho-cred");
}
