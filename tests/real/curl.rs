//! curl, in every form shown in the documentation.

use crate::world::{Answer, Web, bash, command, command_lines_with, documented, with_tools};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

#[test]
fn every_form_arrives() {
    let Some((test, token)) = with_tools(&["curl", "bash"]) else { return };
    let leads = format!("{}/crm/v8/Leads?fields=Last_Name", test.sandbox.api_domain());
    for form in [
        "zoho-cred get -o curl | curl -sSf -K - $URL",
        "curl -sSf -K <(zoho-cred get -o curl) $URL",
        "zoho-cred get -o header | curl -sSf -H @- $URL",
        "curl -sSf -H @<(zoho-cred get -o header) $URL",
        "curl -sSf -H \"Authorization: Zoho-oauthtoken $(zoho-cred get)\" $URL",
        "zoho-cred exec -- sh -c 'echo \"Authorization: Zoho-oauthtoken $ZOHO_ACCESS_TOKEN\" | curl -sSf -H @- $0' $URL",
    ] {
        let outcome = bash(&test, &format!("URL={leads}; {}", documented(form)));
        assert!(outcome.ok().contains("Yamada"), "{form}: {outcome:?}");
        assert_eq!(outcome.stderr, "");
        assert!(!outcome.stdout.contains(&token));
    }
    let log = test.sandbox.log();
    let calls: Vec<_> = log.iter().filter(|entry| entry.path == "/crm/v8/Leads").collect();
    assert_eq!(calls.len(), 6);
    assert!(calls.iter().all(|entry| entry.authorization_scheme.as_deref() == Some("Zoho-oauthtoken")));
    assert_eq!(test.sandbox.token_requests(), 1);
}

/// A server that delays each answer until the test releases it.
fn gate() -> (Web, Arc<(Mutex<u32>, Condvar)>) {
    let passes = Arc::new((Mutex::new(0), Condvar::new()));
    let inner = Arc::clone(&passes);
    let web = Web::start(move |_| {
        let (passes, opened) = &*inner;
        let mut passes = passes.lock().unwrap();
        while *passes == 0 {
            passes = opened.wait_timeout(passes, Duration::from_secs(30)).unwrap().0;
        }
        *passes -= 1;
        Answer("200 OK", String::new(), "through".to_owned())
    });
    (web, passes)
}

#[test]
fn the_token_stands_on_no_command_line() {
    let Some((test, token)) = with_tools(&["curl", "bash"]) else { return };
    let (web, passes) = gate();
    let forms = [
        ("zoho-cred get -o curl | curl -sS -K - $URL", false),
        ("zoho-cred get -o header | curl -sS -H @- $URL", false),
        ("curl -sS -H @<(zoho-cred get -o header) $URL", false),
        ("zoho-cred exec -- curl -sS -o /dev/null $URL", false),
        ("curl -sS -H \"Authorization: Zoho-oauthtoken $(zoho-cred get)\" $URL", true),
    ];
    for (earlier, (form, visible)) in forms.into_iter().enumerate() {
        let script = format!("URL={}; {form}", web.url());
        let running = test.start(command(&test, "bash", &["-c", &script]));
        crate::harness::until("curl to be connected", || web.seen().len() == earlier + 1);
        assert_eq!(!command_lines_with(&token).is_empty(), visible, "{form}");
        *passes.0.lock().unwrap() += 1;
        passes.1.notify_all();
        running.wait().ok();
    }
    let sent: Vec<_> = web.seen().iter().map(|request| request.authorization().map(str::to_owned)).collect();
    let header = Some(format!("Zoho-oauthtoken {token}"));
    assert_eq!(sent, [header.clone(), header.clone(), header.clone(), None, header]);
}

#[test]
fn setup_curl_is_a_function_that_works() {
    let Some((test, _)) = with_tools(&["curl", "bash"]) else { return };
    let function = test.run("setup curl").stdout;
    let script = format!("{function}\nzoho -sSf {}/crm/v8/org", test.sandbox.url());
    bash(&test, &script).exits(0).prints("\"org\"");
}
