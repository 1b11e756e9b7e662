//! Python: requests with an auth class, and Zoho's official SDK with a token store.

use crate::harness::{Outcome, Test};
use crate::world::{Answer, Web, on_path, python, run};
use std::path::Path;

fn world() -> Test {
    let test = on_path(Test::new());
    test.get().ok();
    let recipe = test.run("setup python").stdout;
    test.file("zoho_auth.py", &recipe);
    test
}

fn script(test: &Test, python: &Path, text: &str) -> Outcome {
    let file = test.file("script.py", text);
    run(test, python.to_str().unwrap(), &[file.to_str().unwrap()])
}

#[test]
fn requests_hands_a_lasting_refusal_on_and_sends_the_body_twice() {
    let Some(python) = python("python") else { return };
    let test = world();
    let web = Web::start(|_| Answer("401 Unauthorized", String::new(), "no".into()));
    let text = format!(
        "import io, requests\nfrom zoho_auth import ZohoAuth\n\
         print(requests.post('{}', data=io.BytesIO(b'xyz'), auth=ZohoAuth()).status_code)\n",
        web.url()
    );
    assert_eq!(script(&test, &python, &text).ok(), "401");
    let seen = web.seen();
    assert_eq!(seen.len(), 2);
    assert_ne!(seen[0].authorization(), seen[1].authorization());
    assert!(seen.iter().all(|request| request.headers["content-length"] == "3"), "{seen:?}");
}

#[test]
fn requests_brings_no_token_to_a_host_it_was_redirected_to() {
    let Some(python) = python("python") else { return };
    let test = world();
    let stranger = Web::start(|_| Answer("401 Unauthorized", String::new(), "no".into()));
    let address = stranger.url().replace("127.0.0.1", "localhost");
    let web = Web::start(move |_| Answer("302 Found", format!("Location: {address}/\r\n"), String::new()));
    let text = format!(
        "import requests\nfrom zoho_auth import ZohoAuth\nprint(requests.get('{}', auth=ZohoAuth()).status_code)\n",
        web.url()
    );
    assert_eq!(script(&test, &python, &text).ok(), "401");
    let seen = stranger.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].authorization(), None);
    assert_eq!(test.sandbox.token_requests(), 1, "nothing was rejected for a stranger's 401");
}

#[test]
fn zohos_sdk_takes_its_tokens_from_us() {
    let Some(python) = python("python") else { return };
    let test = world();
    let store = include_str!("../../docs/recipes/zoho_cred_store.py");
    test.file("zoho_cred_store.py", store);
    let resources = test.dir.path().join("sdk");
    std::fs::create_dir(&resources).unwrap();
    let text = format!(
        "from zohocrmsdk.src.com.zoho.api.authenticator import OAuthToken\n\
         from zohocrmsdk.src.com.zoho.crm.api import Initializer\n\
         from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter\n\
         from zohocrmsdk.src.com.zoho.crm.api.org import OrgOperations\n\
         from zoho_cred_store import ZohoCredStore\n\
         here = DataCenter.Environment('{url}', '{url}/oauth/v2/token', '{url}')\n\
         Initializer.initialize(environment=here, token=OAuthToken(id='env'), store=ZohoCredStore(), \
         resource_path='{resources}')\n\
         for _ in range(2):\n    \
             answer = OrgOperations().get_organization()\n    \
             print(answer.get_status_code(), answer.get_object().get_org()[0].get_company_name())\n",
        url = test.sandbox.url(),
        resources = resources.display(),
    );
    assert_eq!(script(&test, &python, &text).ok(), "200 Sandbox K.K.\n200 Sandbox K.K.");
    assert_eq!(test.sandbox.token_requests(), 1, "the SDK asked for no token of its own");

    test.sandbox.kill_tokens();
    let rejected = test.token();
    test.reject(&rejected).ok();
    assert!(script(&test, &python, &text).ok().starts_with("200 "));
    assert_eq!(test.sandbox.token_requests(), 2);
}
