//! Runs every `console` block of the documentation, in order, in its own sandbox.
//!
//! A line that starts with `$ ` is a command. Its output must match the lines below it, where `…` matches anything.

use crate::harness::call::Call;
use crate::harness::{PROGRAM, Test};
use std::path::Path;
use std::time::Duration;
use zoho_cred::sandbox::ClientKind;

fn blocks(text: &str) -> Vec<Vec<&str>> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while lines.by_ref().any(|line| line == "```console") {
        blocks.push(lines.by_ref().take_while(|line| *line != "```").collect());
    }
    blocks
}

/// Whether `printed` matches `pattern`, where `…` matches anything.
fn matches(pattern: &str, printed: &str) -> bool {
    let mut rest = printed;
    let mut parts = pattern.split('…');
    let Some(after) = rest.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    rest = after;
    parts.all(|part| match rest.find(part) {
        Some(found) => {
            rest = &rest[found + part.len()..];
            true
        }
        None => false,
    }) && (pattern.ends_with('…') || rest.trim().is_empty())
}

fn run_all(page: &str) {
    let mut test = Test::new().with_profile();
    let client = test.sandbox.client(ClientKind::Any).clone();
    let (id, secret) = (&client.client_id, &client.client_secrets["us"]);
    let code = test.sandbox.self_client_code(&["ZohoCRM.modules.ALL"], Duration::from_secs(180));
    let header =
        "user_name,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_uri";
    let csv = format!("{header}\nann,{id},{secret},{},,,,\n", test.sandbox.new_refresh_token());
    let token = test.sandbox.new_refresh_token();
    for (name, text) in [("SECRET", secret), ("CODE", &code), ("TOKEN", &token), ("CSV", &csv)] {
        let file = test.file(name, text);
        test.set(&format!("SANDBOX_{name}_FILE"), file.to_str().unwrap());
    }
    let programs = Path::new(PROGRAM).parent().unwrap().display();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
    let (url, domain) = (test.sandbox.url().to_owned(), test.sandbox.api_domain().to_owned());
    let test = test.var("PATH", &path).var("SANDBOX_CLIENT_ID", id);
    let test = test.var("ZOHO_SANDBOX_URL", &url).var("ZOHO_API_DOMAIN", &domain);
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let blocks = blocks(&text);
    assert!(!blocks.is_empty(), "{page} has no console block");
    for block in blocks {
        let mut lines = block.into_iter().peekable();
        while let Some(line) = lines.next() {
            let Some(words) = line.strip_prefix("$ ") else { panic!("{page}: no command before {line:?}") };
            let mut wanted = Vec::new();
            while let Some(next) = lines.next_if(|next| !next.starts_with("$ ")) {
                wanted.push(next);
            }
            let outcome = Call::new(&test, ["sh", "-c", &format!("({words}) 2>&1")]).run();
            let printed = &outcome.exits(0).stdout;
            assert!(matches(&wanted.join("\n"), printed), "{page}: {words}\n{wanted:?}\n{printed}");
        }
    }
}

#[test]
fn the_guide() {
    run_all("docs/guide.md");
}

#[test]
fn coming_from() {
    run_all("docs/coming-from.md");
}

#[test]
fn the_sandbox() {
    run_all("docs/sandbox.md");
}
