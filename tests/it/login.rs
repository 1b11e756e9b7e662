//! `login --flow refresh-token`: from files, stdin and the environment.

use crate::harness::Test;
use crate::person::Person;
use zoho_cred::sandbox::FaultKind;

fn login(test: &Test, more: &[&str], stdin: &str) -> crate::harness::Outcome {
    let secret = test.file("secret", test.sandbox.client_secret()).display().to_string();
    let flow = "login crm --flow refresh-token --secrets file --accounts-url".split(' ');
    let client = [test.sandbox.url(), "--client-id", test.sandbox.client_id()];
    let secret = ["--client-secret-file", &secret];
    let args = flow.chain(client).chain(secret).chain(more.iter().copied());
    test.run_with_stdin(args, stdin.as_bytes())
}

#[test]
fn a_refresh_token_from_stdin_is_proved_and_kept() {
    let test = Test::new().without_environment();
    let token = test.sandbox.refresh_token().to_owned();
    login(&test, &["--refresh-token-file", "-", "--scope", "A.b.READ,C.d.ALL"], &token).ok();
    assert_eq!(test.sandbox.token_requests(), 1);
    test.run(["get", "crm"]).ok();
    assert_eq!(test.sandbox.token_requests(), 1, "the login's own token is in the cache");
    let config = test.read_config();
    assert!(config.contains("scopes = [\"A.b.READ\", \"C.d.ALL\"]"), "{config}");
    assert!(!config.contains(&token) && !config.contains(test.sandbox.client_secret()));
}

#[test]
fn a_dead_refresh_token_is_not_kept() {
    let test = Test::new().without_environment();
    let outcome = login(&test, &[], "1000.dead.token");
    outcome.failed(77, "login_required");
    assert!(!test.config().exists());
}

#[test]
fn a_failed_login_leaves_the_old_credential_in_use() {
    let test = Test::new().with_profile();
    let old = test.get().ok().to_owned();
    test.fault(FaultKind::Html);
    assert_ne!(login(&test, &[], "1000.other.token").code, 0);
    test.sandbox.clear_faults();
    assert_eq!(test.get().ok(), old);
    test.run(["get", "--refresh"]).ok();
}

#[test]
fn what_is_missing_is_named_by_its_flag() {
    let test = Test::new().without_environment();
    let outcome = test.run(["login", "crm", "--flow", "refresh-token"]);
    outcome.failed(2, "usage");
    let all = "--data-center, --client-id, --client-secret-file";
    assert!(outcome.stderr.contains(all) && !outcome.stderr.contains("--scope"), "{outcome:?}");
    let outcome = test.run(["login", "--flow", "browser"]);
    assert!(outcome.stderr.contains(&format!("PROFILE, {all}, --scope")), "{outcome:?}");
    let outcome = test.run(["login", "crm", "--flow", "refresh-token", "--data-center", "jpp"]);
    assert!(outcome.stderr.contains("did you mean 'jp'?"), "{outcome:?}");
}

#[test]
fn a_new_refresh_token_takes_over_at_once() {
    let test = Test::new().with_profile();
    let old = test.get().ok().to_owned();
    let fresh = test.sandbox.new_refresh_token();
    login(&test, &[], &fresh).ok();
    assert_ne!(test.get().ok(), old);
    let secrets = crate::harness::files_below(&test.state().join("secrets"));
    assert_eq!(secrets.len(), 3, "the old items are gone: {secrets:?}");
}

#[test]
fn a_stored_client_secret_serves_its_own_client_and_server_only() {
    let test = Test::new().with_profile();
    let elsewhere = Test::new();
    let flow = ["login", "crm", "--flow", "refresh-token", "--refresh-token-file", "-", "-q"];
    let token = test.sandbox.refresh_token().as_bytes();
    for other in [["--client-id", "1000.OTHER"], ["--accounts-url", elsewhere.sandbox.url()]] {
        let outcome = test.run_with_stdin(flow.into_iter().chain(other), token);
        outcome.failed(2, "usage");
        assert!(outcome.stderr.contains("--client-secret-file"), "{outcome:?}");
    }
    assert_eq!((test.sandbox.token_requests(), elsewhere.sandbox.token_requests()), (0, 0));
    test.run_with_stdin(flow, token).ok();
    assert_eq!(test.sandbox.token_requests(), 1);
}

#[test]
fn an_empty_stdin_is_a_missing_code_that_names_its_flag() {
    let test = Test::new().without_environment();
    let secret = test.file("secret", "x").display().to_string();
    let url = test.sandbox.url().to_owned();
    for flow in ["paste", "self-client"] {
        let settings = ["--accounts-url", &url, "--client-id", "1000.X", "--scope", "A.b.READ"];
        let login = ["login", "crm", "--secrets", "file", "--client-secret-file", &secret, "--flow", flow];
        let outcome = test.run_with_stdin(login.into_iter().chain(settings), b"\n");
        outcome.failed(2, "usage");
        assert!(outcome.stderr.contains("--code-file"), "{outcome:?}");
    }
}

#[test]
fn scopes_and_organization_of_the_environment_serve_a_login() {
    let test = Test::new().unset("ZOHO_REFRESH_TOKEN").var("ZOHO_SCOPES", "ZohoCRM.modules.ALL");
    let soid = test.sandbox.soid().to_owned();
    let test = test.var("ZOHO_SOID", &soid);
    test.run(["login", "crm", "--flow", "client-credentials", "--secrets", "file"]).ok();
    let sent = &test.sandbox.log()[0].params;
    assert_eq!((&sent["soid"], sent["scope"].as_str()), (&soid, "ZohoCRM.modules.ALL"));
    let config = test.read_config();
    assert!(config.contains(&soid) && config.contains("scopes = [\"ZohoCRM.modules.ALL\"]"), "{config}");
}

#[test]
fn client_credentials_of_a_product_without_organizations_need_none() {
    let test = Test::new();
    let client = test.sandbox.client(zoho_cred::sandbox::ClientKind::SelfClient).clone();
    let secret = test.file("s", &client.client_secrets["us"]).display().to_string();
    let test = test.without_environment();
    let settings = ["--accounts-url", test.sandbox.url(), "--client-id", &client.client_id];
    let scope = ["--scope", "ZohoCliq.Webhooks.CREATE", "--client-secret-file", &secret];
    let flow = ["--flow", "client-credentials", "--secrets", "file"];
    let login = |name| ["login", name].into_iter().chain(settings).chain(scope).chain(flow);
    test.run(login("a")).ok();
    let mut person = Person::calls(&test, login("b"));
    person.answers("or Enter if the product has none: ", "");
    assert_eq!(person.leaves().0, 0);
    assert!(!test.read_config().contains("soid"));
    for name in ["a", "b"] {
        test.run(["get", name, "--refresh"]).ok();
    }
}

#[test]
fn the_environments_secret_of_another_client_is_not_sent() {
    let test = Test::new().with_profile();
    let test = test.var("ZOHO_CLIENT_ID", "1000.OTHER").var("ZOHO_CLIENT_SECRET", "others");
    let token = test.sandbox.refresh_token().as_bytes();
    let flow = ["login", "crm", "--flow", "refresh-token", "--refresh-token-file", "-"];
    test.run_with_stdin(flow, token).ok();
    assert_eq!(test.sandbox.log()[0].outcome, "granted", "it was the stored one");
}

#[test]
fn a_login_without_a_flow_goes_on_as_the_profile_is() {
    let desktop = |test: Test| test.var("DISPLAY", ":9").var("BROWSER", "false");
    let test = desktop(Test::new().with_profile());
    let uri = "redirect_uri = \"https://www.google.com/\"\n";
    let config = test.read_config();
    test.write_config(&(config + uri));
    let settings = ["login", "crm", "--scope", "A.b.READ"];
    let outcome = test.run_with_stdin(settings, b"1000.not.good");
    outcome.failed(77, "login_required");
    assert_eq!(test.sandbox.log()[0].grant_type.as_deref(), Some("authorization_code"), "it was pasted");
    let test = desktop(Test::new().with_profile());
    let config = test.read_config();
    test.write_config(&format!(
        "{config}grant = \"client_credentials\"\nsoid = \"{}\"\nscopes = [\"ZohoCRM.modules.ALL\"]\n",
        test.sandbox.soid()
    ));
    let secret = test.file("s", test.sandbox.client_secret()).display().to_string();
    test.run(["login", "crm", "--client-secret-file", &secret]).ok();
    assert_eq!(test.sandbox.log()[0].grant_type.as_deref(), Some("client_credentials"));
}

#[test]
fn a_flag_that_only_one_flow_has_chooses_it() {
    let test = Test::new().without_environment();
    let file = |name: &str, text: &str| test.file(name, text).display().to_string();
    let (secret, token) = (file("s", test.sandbox.client_secret()), file("t", test.sandbox.refresh_token()));
    let settings = ["--accounts-url", test.sandbox.url(), "--client-id", test.sandbox.client_id()];
    let secret = ["--client-secret-file", &secret, "--secrets", "file", "--scope", "ZohoCRM.modules.ALL"];
    for (name, more) in [("a", ["--refresh-token-file", &token]), ("b", ["--soid", test.sandbox.soid()])] {
        let login = ["login", name].into_iter().chain(settings).chain(secret).chain(more);
        test.run(login).ok();
    }
    let log = test.sandbox.log();
    let grants: Vec<_> = log.iter().filter_map(|entry| entry.grant_type.as_deref()).collect();
    assert_eq!(grants, ["refresh_token", "client_credentials"]);
}

#[test]
fn a_cached_token_proves_nothing_of_a_new_secret() {
    let test = Test::new().with_profile();
    test.get().ok();
    let wrong = test.file("wrong", "wrong").display().to_string();
    let token = test.sandbox.refresh_token().as_bytes();
    let outcome = test
        .run_with_stdin(["login", "crm", "--flow", "refresh-token", "--client-secret-file", &wrong], token);
    outcome.failed(78, "client_rejected");
    test.run(["get", "--refresh"]).ok();
}

/// After a rotation, the new secret is tested and stored for every profile of the client; the refresh token stays.
#[test]
fn a_rotated_client_secret_needs_no_new_consent() {
    let test = Test::new().without_environment();
    let file = |text: &str| test.file(&format!("secret-{}", text.len()), text).display().to_string();
    let (id, url, new) = (test.sandbox.client_id(), test.sandbox.url(), test.sandbox.client_secret());
    let (old, token) = (file("0123456789abcdef"), file(test.sandbox.refresh_token()));
    for profile in ["crm", "same"] {
        let flow = ["login", profile, "--flow", "refresh-token", "--no-verify", "--secrets", "file"];
        let of = ["--accounts-url", url, "--client-id", id, "--client-secret-file", &old];
        test.run([&flow[..], &of, &["--refresh-token-file", &token]].concat()).ok();
    }
    let rejected = test.run(["get", "crm"]);
    rejected.failed(78, "client_rejected");
    assert!(rejected.stderr.contains("login crm --client-secret-only'"), "{rejected:?}");
    let rotate = |secret: &str| {
        test.run(["login", "crm", "--client-secret-only", "--client-secret-file", &file(secret)])
    };
    rotate("fedcba").failed(78, "client_rejected");
    let outcome = rotate(new);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.stderr.contains("stored for ") && !outcome.stderr.contains(new), "{outcome:?}");
    let requests = test.sandbox.token_requests();
    for profile in ["crm", "same"] {
        assert!(outcome.stderr.contains(profile), "{outcome:?}");
        let exported = test.run(["export", profile, "-q"]).ok().to_owned();
        assert!(exported.contains(new) && exported.contains(test.sandbox.refresh_token()), "{exported}");
        test.run(["get", profile]).ok();
    }
    assert_eq!(test.sandbox.token_requests(), requests, "the test's token serves");
    assert_eq!(crate::harness::files_below(&test.state().join("secrets")).len(), 6, "an old item was left");
    test.run(["login", "same", "--client-secret-only"]).failed(2, "usage");
    test.run(["login", "crm", "--client-secret-only", "--flow", "paste"]).failed(2, "usage");
}
