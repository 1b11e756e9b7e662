//! kubectl. All tools based on client-go use the same exec plugins.

use crate::harness::{Outcome, Test, http_status};
use crate::world::{have_all, on_path, run, shown};
use zoho_cred::sandbox::{Certificate, FaultKind, Options};

/// A kubeconfig with the TLS sandbox as its server and the user from `setup kubectl`.
fn world(version: &str) -> Option<Test> {
    if !have_all(&["kubectl"]) {
        return None;
    }
    let test = on_path(Test::with(Options { tls: Some(Certificate::Valid), ..Options::default() }));
    let ca = test.file("ca.pem", test.sandbox.ca_pem().unwrap());
    let mut test = test.var("SSL_CERT_FILE", ca.to_str().unwrap());
    test.get().ok();
    let users = test.run("setup kubectl").stdout.replace("client.authentication.k8s.io/v1", version);
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: zoho\nclusters:\n- name: zoho\n  cluster:\n    server: {}\n    \
         certificate-authority: {}\ncontexts:\n- name: zoho\n  context: {{cluster: zoho, user: zoho-env}}\n{users}",
        test.sandbox.url(),
        ca.display()
    );
    let file = test.file("kubeconfig", &kubeconfig);
    test.set("KUBECONFIG", file.to_str().unwrap());
    Some(test)
}

/// The user shown in the README, in both languages, with the sandbox's profile.
#[test]
fn the_user_of_the_readme() {
    for page in [include_str!("../../README.md"), include_str!("../../docs/ja/README.md")] {
        let Some(test) = world("client.authentication.k8s.io/v1") else { return };
        let file = test.dir.path().join("kubeconfig");
        let config = std::fs::read_to_string(&file).unwrap();
        let (before, _) = config.split_once("users:").unwrap();
        let user =
            shown(page, "users:").replace("name: zoho", "name: zoho-env").replace("get, crm", "get, env");
        std::fs::write(&file, format!("{before}{user}")).unwrap();
        org(&test).exits(0).prints("\"org\"");
    }
}

fn org(test: &Test) -> Outcome {
    run(test, "kubectl", &["get", "--raw", "/crm/v8/org"])
}

#[test]
fn both_versions_reach_the_api() {
    for version in ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"] {
        let Some(test) = world(version) else { return };
        org(&test).exits(0).says_nothing().prints("\"org\"");
        let log = test.sandbox.log();
        let call = log.iter().find(|entry| entry.path == "/crm/v8/org").unwrap();
        assert_eq!(call.authorization_scheme.as_deref(), Some("Bearer"));
        assert_eq!(test.sandbox.token_requests(), 1);
    }
}

#[test]
fn a_failure_and_a_needed_login_are_shown_to_the_person() {
    for (fault, word, code, more) in [
        (http_status(503), "unavailable", 69, ""),
        (FaultKind::InvalidCode, "login_required", 77, "ZOHO_REFRESH_TOKEN"),
    ] {
        let Some(test) = world("client.authentication.k8s.io/v1") else { return };
        test.age_token(3600);
        test.fault(fault);
        let outcome = org(&test);
        outcome.exits(1).says(&format!("error[{word}]")).says(&format!("exit code {code}")).says(more);
    }
}

#[test]
fn a_missing_program_is_explained() {
    let Some(test) = world("client.authentication.k8s.io/v1") else { return };
    std::fs::remove_file(test.dir.path().join("bin/zoho-cred")).unwrap();
    org(&test).says("build it from a checkout");
}
