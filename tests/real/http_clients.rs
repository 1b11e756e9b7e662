//! rclone, HTTPie and wget, each in the form that keeps the token out of arguments.

use crate::harness::Test;
use crate::world::{Answer, Web, bash, documented, run, with_tools};

#[test]
fn rclone_runs_a_command_for_its_bearer_token() {
    let Some((test, token)) = with_tools(&["rclone"]) else { return };
    let web = Web::start(|_| {
        let body = "<?xml version=\"1.0\"?><d:multistatus xmlns:d=\"DAV:\"><d:response><d:href>/</d:href><d:propstat>\
                    <d:prop><d:resourcetype><d:collection/></d:resourcetype></d:prop><d:status>HTTP/1.1 200 OK\
                    </d:status></d:propstat></d:response></d:multistatus>";
        Answer("207 Multi-Status", "Content-Type: application/xml\r\n".into(), body.to_owned())
    });
    let url = web.url();
    let args = ["lsf", ":webdav:", "--retries", "1", "--webdav-url", &url, "--webdav-bearer-token-command"];
    let rclone = |test: &Test| run(test, "rclone", &[&args[..], &["zoho-cred get"]].concat());
    rclone(&test).exits(0);
    let (seen, bearer) = (web.seen(), format!("Bearer {token}"));
    assert!(!seen.is_empty());
    assert!(seen.iter().all(|request| request.authorization() == Some(&*bearer)), "{seen:?}");

    test.age_token(3600);
    test.sandbox.kill_token(test.sandbox.refresh_token());
    rclone(&test).says("error[login_required]");
}

#[test]
fn httpie_reads_the_header_from_a_pipe() {
    let Some((test, token)) = with_tools(&["http", "bash"]) else { return };
    let web = Web::echo();
    let form = "http --ignore-stdin --body $URL Authorization:@<(zoho-cred get -o header | cut -d' ' -f2-)";
    let outcome = bash(&test, &format!("URL={}; {}", web.url(), documented(form)));
    assert_eq!(outcome.stdout.trim(), format!("Zoho-oauthtoken {token}"), "{outcome:?}");
}

#[test]
fn wget_reads_the_header_from_a_file_and_follows_nobody() {
    let Some((test, token)) = with_tools(&["wget", "bash"]) else { return };
    let web = Web::echo();
    let elsewhere = Web::echo();
    let target = elsewhere.url();
    let redirecting =
        Web::start(move |_| Answer("302 Found", format!("Location: {target}/\r\n"), String::new()));
    let form = "umask 077; rc=$(mktemp); trap 'rm -f $rc' EXIT\n\
                { printf 'header = '; zoho-cred get -o header; } >$rc\n\
                WGETRC=$rc wget --quiet --max-redirect=0 --output-document=- $URL";
    let outcome = bash(&test, &format!("URL={}; {}", web.url(), documented(form)));
    assert_eq!(outcome.stdout.trim(), format!("Zoho-oauthtoken {token}"), "{outcome:?}");
    bash(&test, &format!("URL={}; {form}", redirecting.url())).exits(8);
    assert!(elsewhere.seen().is_empty(), "wget would send the header to the other host as well");
}
