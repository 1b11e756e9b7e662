//! Runs every `console` block of the documentation, in order, in its own sandbox.
//!
//! A line that starts with `$ ` is a command. Its output must match the lines below it, where `…` matches anything.

use crate::harness::{PROGRAM, Test};
use std::path::Path;
use std::process::Command;
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
    let test = Test::new().with_profile();
    let client = test.sandbox.client(ClientKind::Any).clone();
    let code = test.sandbox.self_client_code(&["ZohoCRM.modules.ALL"], Duration::from_secs(180));
    let files = [
        ("SANDBOX_SECRET_FILE", test.file("s", &client.client_secrets["us"])),
        ("SANDBOX_CODE_FILE", test.file("c", &code)),
        ("SANDBOX_TOKEN_FILE", test.file("t", &test.sandbox.new_refresh_token())),
    ];
    let (id, secret) = (&client.client_id, &client.client_secrets["us"]);
    let header =
        "user_name,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_uri";
    let csv = format!("{header}\nann,{id},{secret},{},,,,\n", test.sandbox.new_refresh_token());
    let files = files.into_iter().chain([("SANDBOX_CSV_FILE", test.file("csv", &csv))]);
    let programs = Path::new(PROGRAM).parent().unwrap().display().to_string();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let mut commands = 0;
    for block in blocks(&text) {
        let mut lines = block.into_iter().peekable();
        while let Some(line) = lines.next() {
            let Some(words) = line.strip_prefix("$ ") else { panic!("{page}: no command before {line:?}") };
            let mut wanted = Vec::new();
            while let Some(next) = lines.next_if(|next| !next.starts_with("$ ")) {
                wanted.push(next);
            }
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("({words}) 2>&1")]).env_clear().envs(test.vars()).envs(files.clone());
            shell.env("PATH", &path).env("ZOHO_SANDBOX_URL", test.sandbox.url());
            shell
                .env("ZOHO_API_DOMAIN", test.sandbox.api_domain())
                .env("SANDBOX_CLIENT_ID", &client.client_id);
            let output = shell.output().unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{page}: {words}: {printed}");
            assert!(
                matches(&wanted.join("\n"), &printed),
                "{page}: {words}\nwanted {wanted:?}\nprinted {printed}"
            );
            commands += 1;
        }
    }
    assert!(commands > 0, "{page} has no console block");
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
