//! `login --flow refresh-token`: from files, stdin and the environment.

use crate::harness::call::Call;
use crate::harness::{Outcome, Test};
use crate::person::Person;
use zoho_cred::sandbox::{ClientKind, FaultKind};

fn login<'t>(test: &'t Test, args: &str) -> Call<'t> {
    test.login("crm", ClientKind::Any).args("--flow refresh-token").args(args)
}

#[test]
fn a_quiet_login_prints_no_warning() {
    let test = Test::new().without_environment();
    let token = test.sandbox.refresh_token().to_owned();
    let args = "--refresh-token-file - --scope ZohoCRM.modulez.ALL";
    assert!(login(&test, args).stdin(&token).run().stderr.contains("warning:"));
    let quiet = login(&test, args).args("-q").stdin(&token).run();
    assert_eq!((quiet.code, &*quiet.stderr), (0, ""));
}

#[test]
fn a_dead_refresh_token_is_not_kept() {
    let test = Test::new().without_environment();
    login(&test, "").stdin("1000.dead.token").run().failed(77, "login_required");
    assert!(!test.config().exists());
}

#[test]
fn a_failed_login_leaves_the_old_credential_in_use() {
    let test = Test::new().with_profile();
    let old = test.token();
    test.fault(FaultKind::Html);
    login(&test, "").stdin("1000.other.token").run().exits(69);
    test.sandbox.clear_faults();
    assert_eq!(test.get().ok(), old);
    test.run("get --refresh").ok();
}

#[test]
fn what_is_missing_is_named_by_its_flag() {
    let test = Test::new().without_environment();
    let all = "--data-center, --client-id, --client-secret-file";
    test.run("login crm --flow refresh-token").failed_with(2, "usage", all).hides(&["--scope"]);
    test.run("login --flow browser").says(&format!("PROFILE, {all}, --scope"));
}

#[test]
fn a_stored_client_secret_serves_its_own_client_and_server_only() {
    let test = Test::new().with_profile();
    let elsewhere = Test::new();
    let login = |more: [&str; 2]| {
        let login = test.call("login crm --flow refresh-token --refresh-token-file - -q").args(more);
        login.stdin(test.sandbox.refresh_token()).run()
    };
    for other in [["--client-id", "1000.OTHER"], ["--accounts-url", elsewhere.sandbox.url()]] {
        login(other).failed_with(2, "usage", "--client-secret-file");
    }
    assert_eq!((test.sandbox.token_requests(), elsewhere.sandbox.token_requests()), (0, 0));
    login(["--accounts-url", test.sandbox.url()]).ok();
    assert_eq!(test.sandbox.token_requests(), 1);
}

#[test]
fn an_empty_stdin_is_a_missing_code_that_names_its_flag() {
    let test = Test::new().without_environment();
    for flow in ["paste", "self-client"] {
        let login = test.login("crm", ClientKind::Any).args("--scope A.b.READ --flow").arg(flow);
        login.stdin("\n").run().failed_with(2, "usage", "--code-file");
    }
}

#[test]
fn scopes_and_organization_of_the_environment_serve_a_login() {
    let test = Test::new().unset("ZOHO_REFRESH_TOKEN").var("ZOHO_SCOPES", "ZohoCRM.modules.ALL");
    let soid = test.sandbox.soid().to_owned();
    let test = test.var("ZOHO_SOID", &soid);
    test.run("login crm --flow client-credentials --secrets file").ok();
    let sent = &test.sandbox.log()[0].params;
    assert_eq!((&sent["soid"], sent["scope"].as_str()), (&soid, "ZohoCRM.modules.ALL"));
    let config = test.read_config();
    assert!(config.contains(&soid) && config.contains("scopes = [\"ZohoCRM.modules.ALL\"]"), "{config}");
}

#[test]
fn client_credentials_of_a_product_without_organizations_need_none() {
    let test = Test::new().without_environment();
    let login = |name| {
        let login = test.login(name, ClientKind::SelfClient).args("--flow client-credentials");
        login.args("--scope ZohoCliq.Webhooks.CREATE")
    };
    login("a").run().ok();
    let mut person = Person::runs(login("b"));
    person.answers("or Enter if the product has none: ", "");
    person.ends(0);
    assert!(!test.read_config().contains("soid"));
    for name in ["a", "b"] {
        test.run(["get", name, "--refresh"]).ok();
    }
}

#[test]
fn the_environments_secret_of_another_client_is_not_sent() {
    let test = Test::new().with_profile();
    let test = test.var("ZOHO_CLIENT_ID", "1000.OTHER").var("ZOHO_CLIENT_SECRET", "others");
    let login = "login crm --flow refresh-token --refresh-token-file -";
    test.run_with_stdin(login, test.sandbox.refresh_token()).ok();
    assert_eq!(test.sandbox.log()[0].outcome, "granted", "it was the stored one");
}

#[test]
fn a_login_without_a_flow_goes_on_as_the_profile_is() {
    let grant = |config: &str, login: &dyn Fn(&Test) -> Outcome| {
        let test = Test::new().with_profile().var("DISPLAY", ":9").var("BROWSER", "false");
        test.write_config(&(test.read_config() + &config.replace("SOID", test.sandbox.soid())));
        login(&test);
        test.sandbox.log()[0].grant_type.clone().unwrap()
    };
    let pasted = "redirect_uri = \"https://www.google.com/\"\n";
    let login = |test: &Test| test.call("login crm --scope A.b.READ").stdin("1000.not.good").run();
    assert_eq!(grant(pasted, &login), "authorization_code");
    let client = "grant = \"client_credentials\"\nsoid = \"SOID\"\nscopes = [\"ZohoCRM.modules.ALL\"]\n";
    let login =
        |test: &Test| test.call("login crm").file("--client-secret-file", test.sandbox.client_secret()).run();
    assert_eq!(grant(client, &login), "client_credentials");
}

/// It named a command that reads the default config, in which there is no such profile.
#[test]
fn the_next_command_reads_the_config_that_the_login_wrote() {
    let test = Test::new().without_environment();
    let config = test.dir.path().canonicalize().unwrap().join("other.toml").display().to_string();
    let login = test.self_client_login("crm").args(["--config", &config]).run();
    let next = format!("get crm --config {config}");
    login.says(&format!("'zoho-cred {next}'"));
    test.run(&*next).ok();
}

#[test]
fn a_flag_that_only_one_flow_has_chooses_it() {
    let test = Test::new().without_environment();
    let login = |name| test.login(name, ClientKind::Any).args("--scope ZohoCRM.modules.ALL");
    login("a").file("--refresh-token-file", test.sandbox.refresh_token()).run().ok();
    login("b").arg("--soid").arg(test.sandbox.soid()).run().ok();
    let log = test.sandbox.log();
    let grants: Vec<_> = log.iter().filter_map(|entry| entry.grant_type.as_deref()).collect();
    assert_eq!(grants, ["refresh_token", "client_credentials"]);
}

#[test]
fn a_cached_token_proves_nothing_of_a_new_secret() {
    let test = Test::new().with_profile();
    test.get().ok();
    let login = test.call("login crm --flow refresh-token").file("--client-secret-file", "wrong");
    login.stdin(test.sandbox.refresh_token()).run().failed(78, "client_rejected");
    test.refresh();
}

/// After a rotation, the new secret is tested and stored for every profile of the client; the refresh token stays.
#[test]
fn a_rotated_client_secret_needs_no_new_consent() {
    let test = Test::new().without_environment();
    let new = test.sandbox.client_secret();
    for profile in ["crm", "same"] {
        let login = test.call("login --flow refresh-token --no-verify --secrets file").arg(profile);
        let login =
            login.args(["--accounts-url", test.sandbox.url(), "--client-id", test.sandbox.client_id()]);
        let login = login.file("--client-secret-file", "0123456789abcdef");
        login.file("--refresh-token-file", test.sandbox.refresh_token()).run().ok();
    }
    test.run("get crm").failed_with(78, "client_rejected", "login crm --client-secret-only'");
    let rotate =
        |secret: &str| test.call("login crm --client-secret-only").file("--client-secret-file", secret).run();
    rotate("fedcba").failed(78, "client_rejected");
    let outcome = rotate(new);
    outcome.exits(0).says("stored for ").hides(&[new]);
    let requests = test.sandbox.token_requests();
    for profile in ["crm", "same"] {
        outcome.says(profile);
        test.run(["export", profile, "-q"]).exits(0).prints(new).prints(test.sandbox.refresh_token());
        test.run(["get", profile]).ok();
    }
    assert_eq!(test.sandbox.token_requests(), requests, "the test's token serves");
    assert_eq!(test.secrets().len(), 6, "an old item was left");
    test.run("login same --client-secret-only").failed(2, "usage");
}
