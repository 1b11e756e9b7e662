//! `api`: what the server received, what stdout had, and where a token goes.

use crate::harness::person::Person;
use crate::harness::web::{Answer, Request, Web, read_request, serve};
use crate::harness::{Outcome, PROGRAM, Test};
use std::io::Write;
use std::process::Command;
use zoho_cred::sandbox::{Endpoint, Options};

const LEADS: &str = "/crm/v8/Leads?fields=Last_Name";

/// A profile whose token may go to `web`, with more settings.
fn serving(web: &Web, settings: &str) -> Test {
    let test = Test::new().with_profile();
    test.configure(&format!("hosts = ['{}']\n{settings}", web.host));
    test
}

fn json(body: &str) -> Answer {
    Answer("200 OK", "Content-Type: application/json\r\n".into(), body.into())
}

#[track_caller]
fn refused(outcome: &Outcome, status: u16, words: &[&str]) {
    outcome.exits(1).says(&format!("error[api]: HTTP {status} "));
    for word in words {
        outcome.says(word);
    }
}

#[test]
fn records_are_read_and_created() {
    let test = Test::new();
    test.run("api /crm/v8/Leads -f data[][Last_Name]=Kuroda").exits(0).prints("record added");
    test.run("api -X GET crm/v8/Leads -f fields=Last_Name").exits(0).prints("Kuroda");
    let body = test.file("body.json", r#"{"data":[{"Last_Name":"Aoki"}]}"#);
    test.call("api --product crm Leads --input").arg(body).run().ok();
    test.run_with_stdin("api /crm/v8/Leads --input -", br#"{"data":[{"Last_Name":"Ito"}]}"#).ok();
    test.run(["api", &format!("{}{LEADS}", test.sandbox.url())]).exits(0).prints("Aoki").prints("Ito");
    let included = test.run(["api", "-i", LEADS]);
    assert!(included.prints("\n\n{").ok().starts_with("HTTP/1.1 200 OK\n"), "{included:?}");
    let missing = test.run("api /crm/v8/Nowhere?fields=x");
    refused(&missing, 404, &["cause: Please check if the URL"]);
    assert_eq!(missing.json()["code"], "INVALID_URL_PATTERN", "the body is printed");
    refused(&test.run("api /crm/v8/Leads"), 400, &["hint: add the parameter fields"]);
    assert_eq!(test.sandbox.token_requests(), 1);
}

#[test]
fn requests_are_what_was_asked_for() {
    let web = Web::start(|_| json("{}"));
    let test = serving(&web, "org_id = '77'");
    let token = test.token();
    let url = |path: &str| format!("{}{path}", web.url());
    for args in [
        vec!["api", &*url("/books/v3/contacts?a=1"), "-H", "X-Mine: yes"],
        vec!["api", &*url("/books/v3/contacts?organization_id=5"), "-X", "delete"],
        vec!["api", "--product", "desk", &*url("/api/v1/tickets")],
        vec!["api", "--product", "desk", &*url("/api/v1/tickets"), "-H", "orgId: 5", "-f", "a[b]=c"],
        vec!["api", &*url("/invoice/v3/items"), "-X", "GET", "-f", "name=a b&c"],
    ] {
        test.run(args).ok();
    }
    let seen = web.seen();
    let line = |at: usize| seen[at].line.trim_end_matches(" HTTP/1.1").to_owned();
    let header = |at: usize, name: &str| seen[at].headers.get(name).map(String::as_str);
    assert_eq!(line(0), "GET /books/v3/contacts?a=1&organization_id=77");
    assert_eq!((header(0, "x-mine"), header(0, "orgid")), (Some("yes"), None));
    assert_eq!(line(1), "DELETE /books/v3/contacts?organization_id=5");
    assert_eq!((line(2), header(2, "orgid")), ("GET /api/v1/tickets".into(), Some("77")));
    assert_eq!((line(3), header(3, "orgid")), ("POST /api/v1/tickets".into(), Some("5")));
    assert_eq!((&*seen[3].body, header(3, "content-type")), (r#"{"a":{"b":"c"}}"#, Some("application/json")));
    assert_eq!(line(4), "GET /invoice/v3/items?name=a+b%26c");
    assert_eq!(header(4, "x-com-zoho-invoice-organizationid"), Some("77"));
    for request in &seen {
        assert_eq!(request.headers["authorization"], format!("Zoho-oauthtoken {token}"));
    }
    for bad in [
        vec!["api", &*url("/x"), "-H", "Authorization: Bearer x"],
        vec!["api", &*url("/x"), "-H", "no header"],
        vec!["api", &*url("/x"), "-f", "novalue"],
        vec!["api", &*url("/x"), "-f", "a=1", "-f", "a[b]=2"],
        vec!["api", &*url("/x"), "--product", "dsk"],
        vec!["api", &*url("/x"), "--paginate"],
        vec!["api", &*url("/crm/v8/x"), "--paginate", "-X", "POST"],
    ] {
        test.run(bad).failed(2, "usage");
    }
    assert_eq!(web.seen().len(), seen.len());

    // A product that refuses Bearer gets the scheme that every product accepts.
    test.configure("scheme = 'bearer'");
    for (path, scheme) in [("/crm/v8/org", "Bearer"), ("/books/v3/contacts", "Zoho-oauthtoken")] {
        test.run(["api", &url(path)]).ok();
        assert_eq!(web.seen().last().unwrap().headers["authorization"], format!("{scheme} {token}"));
    }
}

#[test]
fn fifty_callers_with_a_dead_token_cost_one_refresh() {
    let test = Test::new();
    let old = test.token();
    assert!(test.sandbox.kill_token(&old));
    for outcome in test.run_many(50, ["api", LEADS]) {
        assert!(outcome.ok().contains("Yamada"), "{outcome:?}");
        assert_eq!(outcome.stderr, "");
    }
    assert_eq!(test.sandbox.token_requests(), 2);
}

#[test]
fn a_missing_scope_is_named_and_costs_no_refresh() {
    let answers: [(&str, &str, &str); 3] = [
        ("/crm/v8/Leads", r#"{"code":"OAUTH_SCOPE_MISMATCH","message":"x"}"#, "ZohoCRM.modules.Leads.READ"),
        ("/books/v3/invoices", r#"{"code":57,"message":"not authorized"}"#, "ZohoBooks.invoices.READ"),
        ("/bigin/v2/Contacts", "<html>", "ZohoBigin.modules.Contacts.READ"),
    ];
    let body =
        move |request: &Request| answers.iter().find(|(path, ..)| request.line.contains(path)).unwrap().1;
    let web = Web::start(move |request| Answer("401 Unauthorized", String::new(), body(request).into()));
    let test = serving(&web, "");
    let token = test.token();
    for (path, body, scope) in answers {
        let outcome = test.run(["api", &format!("{}{path}", web.url())]);
        refused(&outcome, 401, &[scope, "zoho-cred login crm --scope "]);
        assert_eq!(outcome.stdout, body);
    }
    assert_eq!((test.sandbox.token_requests(), web.seen().len()), (1, 3));
    assert_eq!(test.get().ok(), token);
}

#[test]
fn books_and_desk_are_called_as_they_want_it() {
    let scopes = ["ZohoBooks.invoices.READ", "Desk.tickets.READ"].map(str::to_owned).to_vec();
    let test = Test::with(Options { scopes, ..Options::default() }).with_profile();
    let config = test.read_config();
    let with_org = |id: &str| test.write_config(&format!("{config}org_id = '{id}'\n"));
    let books = "api --product books invoices";
    refused(&test.run(books), 400, &["set org_id in [profile.crm]"]);
    with_org("10234695");
    test.run(books).exits(0).prints("INV-000001");
    // Code 57 of a dead token: Zoho is asked, and the token is replaced.
    test.sandbox.kill_tokens();
    test.run(books).exits(0).prints("INV-000001");
    let desk = "api --product desk /api/v1/tickets --paginate -f limit=1";
    refused(&test.run(desk), 403, &["check org_id"]);
    with_org("2389290");
    let pages = test.run(desk);
    assert_eq!(pages.ok().lines().filter(|line| line.contains("ticketNumber")).count(), 3, "{pages:?}");
    assert_eq!(test.sandbox.token_requests(), 2);
}

#[test]
fn five_pages_of_crm_books_and_desk_are_walked() {
    let test = Test::new();
    for name in ["A", "B", "C"] {
        test.run(["api", "/crm/v8/Leads", "-f", &format!("data[][Last_Name]={name}")]).ok();
    }
    let pages = test.run(["api", "--paginate", &format!("{LEADS}&per_page=1")]);
    let pages: Vec<serde_json::Value> =
        pages.ok().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = pages.iter().map(|page| page["data"][0]["Last_Name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Yamada", "Miller", "A", "B", "C"]);

    // Five pages of each: the last one of Desk is not full.
    let web = Web::start(|request| {
        let query = request.line.split([' ', '?']).nth(2).unwrap_or_default();
        let number = |key: &str| {
            let value = query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
            value.map_or(1, |text| text.parse::<usize>().unwrap())
        };
        json(&if request.line.contains("/books/") {
            let page = number("page");
            format!(r#"{{"page_context":{{"page":{page},"has_more_page":{}}}}}"#, page < 5)
        } else {
            format!(r#"{{"data":[{}]}}"#, vec!["{}"; if number("from") < 41 { 10 } else { 3 }].join(","))
        })
    });
    let test = serving(&web, "");
    for (product, path) in [("books", "/books/v3/contacts"), ("desk", "/api/v1/tickets")] {
        let before = web.seen().len();
        let pages = test.run(["api", "--paginate", "--product", product, &format!("{}{path}", web.url())]);
        assert_eq!((pages.ok().lines().count(), web.seen().len() - before), (5, 5), "{product}");
    }
}

/// Regression: the call ended with 0 although pages were missing.
#[test]
fn a_page_that_comes_again_is_an_error() {
    let web = Web::start(|request| {
        let next = if request.line.contains("=a") { "b" } else { "a" };
        json(&format!(r#"{{"info":{{"more_records":true,"next_page_token":"{next}"}}}}"#))
    });
    let test = serving(&web, "");
    let outcome = test.run(["api", "--paginate", &format!("{}{LEADS}", web.url())]);
    assert_eq!((outcome.code, web.seen().len()), (69, 3), "{outcome:?}");
}

/// Regression: numbers could be sent as text only, and no empty list at all.
#[test]
fn fields_have_the_types_that_gh_gives_them() {
    let web = Web::start(|_| json("{}"));
    let test = serving(&web, "");
    let url = format!("{}/crm/v8/x", web.url());
    let call = |args: &str| test.call(["api", &*url]).args(args).run();
    call("-f a=1 -f b[]").ok();
    call("-F a=1.5 -F b=true -F c=null -F d=x -F e[]=2 -f f=3").ok();
    call("-X GET -F a=1 -f b=x -f c[]").ok();
    call("-X POST").ok();
    call("-f novalue").failed(2, "usage");
    let seen = web.seen();
    assert_eq!(seen[0].body, r#"{"a":"1","b":[]}"#);
    assert_eq!(seen[1].body, r#"{"a":1.5,"b":true,"c":null,"d":"x","e":[2],"f":"3"}"#);
    assert!(seen[2].line.contains("?b=x&c%5B%5D=&a=1"), "{}", seen[2].line);
    assert_eq!(seen[3].headers["content-length"], "0", "some servers insist on it");
}

/// Regression: certificate authorities and proxies that only a person can repair were 69 with a cached token.
#[test]
fn settings_of_the_connection_that_do_not_work_are_78() {
    let test = Test::new().with_profile();
    test.get().ok();
    test.write_config(&format!("{}hosts = ['api.invalid']\n", test.read_config()));
    let call = || test.call(["api", "https://api.invalid/crm/v8/x"]);
    call().args("--ca-file /nonexistent").run().failed_with(78, "config", "/nonexistent");
    call().env("HTTPS_PROXY", "ftp://x").run().failed_with(78, "config", "HTTPS_PROXY");
}

#[test]
fn a_token_goes_to_the_profiles_hosts_only() {
    let other = Web::start(|_| json("{}"));
    let away = format!("{}/crm/v8/org", other.url());
    let web = Web::start(move |request| match request.line.contains("/away") {
        true => Answer("302 Found", format!("Location: {away}\r\n"), "moved".into()),
        false if request.line.contains("/near") => {
            Answer("302 Found", "Location: /crm\r\n".into(), String::new())
        }
        false => json("here"),
    });
    let test = serving(&web, "");
    let outcome = test.run(["api", &format!("{}/crm/away", web.url())]);
    refused(&outcome, 302, &["redirects to 127.0.0.1", "no other host"]);
    assert_eq!(outcome.stdout, "moved");
    assert_eq!(test.run(["api", &format!("{}/near", web.url())]).ok(), "here");
    // Regression: the hint named the other host as the reason.
    refused(&test.run(["api", &format!("{}/near", web.url()), "-X", "POST"]), 302, &["only GET follows"]);
    let host = &web.host;
    let (name, port) = host.split_once(':').unwrap();
    let requests = (web.seen().len(), test.sandbox.log().len());
    let foreign = &other.host;
    let urls = format!(
        "http://{foreign}/crm http://{host}@{foreign}/ http://user@{host}/ http://{host}.evil.example/ \
         http://{name}/ http://localhost:{port}/ http://{host}\\@{foreign}/ https://{foreign} ftp://{host}/ \
         grpcs://{host}/ https://www.zohoapis.com/crm/v8/org https://evil.example/"
    );
    for url in urls.split(' ') {
        test.run(["api", url]).failed(65, "bad_input");
    }
    assert_eq!((web.seen().len(), test.sandbox.log().len()), requests);
    assert_eq!(other.seen().len(), 0);
}

/// `ZOHO_CRED_STREAM_MIB` is the size, to try 10 GB by hand.
#[test]
fn a_huge_answer_streams_in_little_memory() {
    let mib = std::env::var("ZOHO_CRED_STREAM_MIB").map_or(600, |mib| mib.parse().unwrap());
    let bytes: usize = mib << 20;
    let host = serve(move |mut stream| {
        read_request(&stream);
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n");
        let piece = vec![b'x'; 1 << 20];
        let _ = (0..mib).try_for_each(|_| stream.write_all(&piece));
    });
    let test = Test::new().with_profile();
    test.configure(&format!("hosts = ['{host}']"));
    test.get().ok();
    let mut shell = Command::new("sh");
    let script = "ulimit -v 400000; \"$0\" api \"$1\" | wc -c";
    shell.args(["-c", script, PROGRAM, &format!("http://{host}/crm/v8/x")]);
    shell.env_clear().envs(test.vars()).env("MALLOC_ARENA_MAX", "1");
    assert_eq!(test.start(shell).wait().ok(), bytes.to_string());
}

#[test]
fn an_answer_on_a_terminal_is_escaped_and_ends_its_line() {
    let web = Web::start(|_| Answer("404 Not Found", String::new(), "gone\u{1b}[2J".into()));
    let test = serving(&web, "");
    test.get().ok();
    let shown = Person::calls(&test, ["api", &*format!("{}/crm/v8/x", web.url())]).ends(1);
    assert!(!shown.contains("\u{1b}[2J"), "{shown:?}");
    let (body, error) = shown.split_once('\n').unwrap();
    assert!(body.starts_with("gone") && error.contains("HTTP 404"), "{shown:?}");
}

#[test]
fn a_token_that_stays_dead_is_replaced_once() {
    let web = Web::start(|_| {
        let body = r#"{"code":"INVALID_TOKEN","message":"invalid oauth token"}"#;
        Answer("401 Unauthorized", String::new(), body.into())
    });
    let test = serving(&web, "");
    let old = test.token();
    refused(&test.run(["api", &format!("{}{LEADS}", web.url())]), 401, &["a new token", "zoho-cred doctor"]);
    assert_eq!((web.seen().len(), test.sandbox.token_requests()), (2, 2));
    assert_ne!(test.get().ok(), old);
    assert!(test.sandbox.log().iter().all(|entry| entry.endpoint == Endpoint::Token));
}
