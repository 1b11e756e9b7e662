//! Which hosts get a token, from the helpers and from `api`, whose proxy sees where it goes.

use crate::harness::Test;
use crate::harness::web::{Answer, Web};
use crate::in_process::{ManualClock, run_on, system};
use std::io::Cursor;
use zoho_cred::system::{Http, HttpAnswer, HttpFailure, HttpRequest, System};

/// 40 hosts of more than 15 products, by data center.
const HOSTS: [(&str, &str); 5] = [
    (
        "us",
        "developer.zohoapis.com books.zoho.com projects.zoho.com recruitsandbox.zoho.com creator.zoho.com \
         upload.zoho.com download-accl.zoho.com calendar.zoho.com sprintsapi.zoho.com bookings.zoho.com \
         payments.zoho.com",
    ),
    (
        "eu",
        "sandbox.zohoapis.eu crmsandbox.zoho.eu projectsapi.zoho.eu analytics.zoho.eu download.zoho.eu \
         signsandbox.zoho.eu meeting.zoho.eu api.catalyst.zoho.eu",
    ),
    (
        "au",
        "content.zohoapis.com.au desk.zoho.com.au people.zoho.com.au cliq.zoho.com.au sign.zoho.com.au \
         contacts.zoho.com.au",
    ),
    (
        "jp",
        "www.zohoapis.jp zohoapis.jp invoice.zoho.jp mail.zoho.jp analyticsapi.zoho.jp files.zoho.jp \
         sheet.zoho.jp campaigns.zoho.jp assist.zoho.jp",
    ),
    (
        "ca",
        "www.zohoapis.ca desk.zohocloud.ca recruit.zohocloud.ca workdrive.zohocloud.ca writer.zohocloud.ca \
         salesiq.zohocloud.ca",
    ),
];

/// Look-alikes, other schemes, other services, and hosts that parsers may read differently.
const OTHERS: &str = r"http://www.zohoapis.jp/ https://wwwzohoapis.jp/ https://www.zohoapis.jp.evil.example/
    https://evil.example/www.zohoapis.jp https://desk-zoho.com/ https://zoho.com/ https://www.zoho.com/
    https://desk.zoho.co/ https://desk.zohoo.com/ https://desk.zoho.com.evil.example/ https://desk.zoho.ca/
    https://xdesk.zoho.com/ https://desk.zoho.com:8443/ https://user@desk.zoho.com/
    https://desk.zoho.com@evil.example/ https://evil.example\@desk.zoho.com/ https://desk%2ezoho.com/
    https://desk.zoho.com\.evil.example/ https://app.site24x7.com/ https://mcp.zohomcp.com/
    https://zohoapis.com.evil.example/";

/// An accounts server of Zoho's that grants every refresh.
struct Granting;

impl Http for Granting {
    fn send(&self, _: &HttpRequest<'_>) -> Result<HttpAnswer, HttpFailure> {
        let body = br#"{"access_token":"1000.a.b","expires_in":3600}"#.to_vec();
        Ok(HttpAnswer { status: 200, retry_after: None, date: None, body })
    }
}

/// A caller with a cached token of this data center. Its requests go to `proxy`.
fn caller(dc: &str, proxy: &Web) -> Test {
    let test = Test::new().unset("ZOHO_ACCOUNTS_URL").var("ZOHO_DATA_CENTER", dc);
    let http = Box::new(|_: &_| Box::new(Granting) as Box<dyn Http>);
    let system = System { http, ..system(&ManualClock::at_the_wall()) };
    assert_eq!(run_on(&test, system, "get").ok(), "1000.a.b");
    test.var("HTTPS_PROXY", &proxy.url())
}

/// Whether `helper git`, `helper uri` and `api` serve a URL.
fn served(test: &Test, url: &str) -> [bool; 3] {
    let (scheme, rest) = url.split_once("://").unwrap();
    let host = rest.split('/').next().unwrap();
    let call = |args: &str, stdin: String| {
        let stdin = Box::new(Cursor::new(stdin));
        run_on(test, System { stdin, ..system(&ManualClock::at_the_wall()) }, args)
    };
    let request = format!("capability[]=authtype\nprotocol={scheme}\nhost={host}\n\n");
    let git = call("helper git get", request);
    let uri = call("helper uri get", serde_json::json!({ "uri": url }).to_string());
    // A process, because the proxy is that of the environment. It lets nothing through: a request that is sent is 69.
    let api = test.run(["api", url]);
    assert!(
        git.code == 0 && [0, 65].contains(&uri.code) && [65, 69].contains(&api.code),
        "{git:?} {uri:?} {api:?}"
    );
    [git.stdout.contains("1000.a.b"), uri.stdout.contains("1000.a.b"), api.code == 69]
}

#[test]
fn products_are_served_in_their_data_center_and_look_alikes_nowhere() {
    let proxy = Web::start(|_| Answer("502 Bad Gateway", String::new(), String::new()));
    let callers = HOSTS.map(|(dc, _)| caller(dc, &proxy));
    let mut expected = Vec::new();
    for (at, (dc, hosts)) in HOSTS.iter().enumerate() {
        let elsewhere = &callers[(at + 1) % callers.len()];
        for host in hosts.split(' ') {
            let url = format!("https://{host}/x");
            assert_eq!(served(&callers[at], &url), [true; 3], "{host} in {dc}");
            assert_eq!(served(elsewhere, &url), [false; 3], "{host} of {dc}, elsewhere");
            expected.push(format!("CONNECT {host}:443 HTTP/1.1"));
        }
    }
    assert_eq!(expected.len(), 40);
    assert_eq!(OTHERS.split_whitespace().count(), 21);
    for url in OTHERS.split_whitespace() {
        let caller = &callers[if url.contains(".jp") { 3 } else { 0 }];
        assert_eq!(served(caller, url), [false; 3], "{url}");
    }
    let seen: Vec<_> = proxy.seen().into_iter().map(|request| request.line).collect();
    assert_eq!(seen, expected);
}
