//! `setup`: every target prints settings for the profile, without secrets.

use crate::harness::Test;
use crate::world::{on_path, run_with};

const TARGETS: &str = "git kubectl bazel curl github-actions gitlab-ci azure-pipelines prometheus systemd python node powershell kubernetes";

#[test]
fn every_target_is_made_for_the_profile() {
    let test = Test::new().with_profile();
    let token = test.token();
    for target in TARGETS.split(' ') {
        let outcome = test.run(["setup", target, "crm"]);
        outcome.exits(0).says_nothing().hides(&[&token]).hides(&test.canaries());
        let settings =
            "{profile} {host} {url} {job_url} {api_domain} {client_id} {data_center {scheme} {program}";
        outcome.hides(&settings.split(' ').collect::<Vec<_>>());
        let host = test.sandbox.url().trim_start_matches("http://").to_owned();
        let own = ["crm", &host, test.sandbox.client_id()];
        assert!(own.iter().any(|value| outcome.stdout.contains(value)), "{outcome:?}");
    }
    test.run("setup emacs").failed(2, "usage");
}

#[test]
fn where_the_apis_are_unknown_the_way_to_know_is_named() {
    let test = Test::new().with_profile();
    test.run("setup git").failed(78, "config").says("zoho-cred get crm");
    test.write_config("[profile.jp]\ndata_center = \"jp\"\nclient_id = \"1000.X\"\n");
    let outcome = test.run("setup git jp");
    assert!(outcome.stdout.contains("[credential \"https://www.zohoapis.jp\"]"), "{outcome:?}");
}

/// Regression: on loopback the URL was https, whatever the API domain was.
#[test]
fn the_url_is_that_of_the_api_domain() {
    let test = Test::new().with_profile();
    let host = test.sandbox.url().trim_start_matches("http://");
    test.configure(&format!("hosts = ['{host}']"));
    test.get().ok();
    let shown = test.run("setup curl").stdout;
    assert!(shown.contains(&format!("zoho '{}/crm/v8/Leads?fields=", test.sandbox.api_domain())), "{shown}");
}

#[test]
fn the_program_that_bazel_runs_answers_by_its_name_alone() {
    let test = on_path(Test::new());
    let token = test.token();
    let rc = test.run("setup bazel").stdout;
    let setting = rc.lines().find_map(|line| line.strip_prefix("common --credential_helper=")).unwrap();
    let (host, program) = setting.split_once('=').unwrap();
    let request = format!("{{\"uri\":\"http://{host}/x\"}}");
    let outcome = run_with(&test, program, &["get"], &request);
    assert!(outcome.ok().contains(&token), "{outcome:?}");
    assert_eq!(outcome.stderr, "");
}
