//! Runs every shell and Python block of README and guide, in both languages, as printed. Logins run on a pseudo-terminal.
//! Only external names are replaced: the data center, the API host and IDs.

use crate::every_flow::connect;
use crate::harness::consent::{press, visit, world};
use crate::harness::{PROGRAM, Test, until};
use crate::person::Person;
use crate::world::{bash, on_path, python, run};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use zoho_cred::sandbox::{ClientKind, Options};

/// Blocks that tests/installer and the test runner themselves cover.
const DONE_ELSEWHERE: [&str; 4] = [
    "./install.sh --demo",
    "./install.sh",
    "tests/run",
    "zoho-cred login crm --flow refresh-token --client-secret-file new-secret.txt \\\n  --refresh-token-file <(zoho-cred export crm -o json | jq -r .refresh_token)",
];

fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    let fence = format!("```{language}");
    // Blocks of list items are indented.
    while let Some(begin) = lines.by_ref().find(|line| line.trim_start() == fence) {
        let indent = begin.len() - fence.len();
        let block = lines.by_ref().take_while(|line| line.trim_start() != "```");
        blocks.push(block.map(|line| line.get(indent..).unwrap_or_default()).collect::<Vec<_>>().join("\n"));
    }
    blocks
}

/// Splits a block into commands: one per line, except for continued lines and `sh -c` scripts.
fn commands(block: &str) -> Vec<String> {
    if block.contains("sh -c '") {
        return vec![block.to_owned()];
    }
    let whole = block.replace("\\\n", " ");
    whole.lines().map(|line| line.split("  #").next().unwrap().trim().to_owned()).collect()
}

/// Runs all blocks of a page and returns the number of commands.
fn follow(page: &str) -> usize {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    // tests/it/docs.rs runs `console` blocks, and wizard.rs the `text` block; ci.rs and kubectl.rs run `yaml` blocks.
    let kinds: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("```")).collect();
    assert!(
        kinds.is_subset(&["", "sh", "python", "console", "text", "yaml"].into()),
        "untested blocks: {kinds:?}"
    );
    let mut done = 0;
    for block in blocks(&text, "sh") {
        if DONE_ELSEWHERE.contains(&block.as_str()) {
            continue;
        }
        let (mut test, callback) = world();
        let programs = Path::new(PROGRAM).parent().unwrap().display().to_string();
        test.set("PATH", &format!("{programs}:{}", std::env::var("PATH").unwrap()));
        if !block.starts_with("zoho-cred login") {
            test = test.with_profile();
        }
        for command in commands(&block) {
            match command.strip_prefix("zoho-cred login ") {
                Some(args) => log_in(&mut test, &callback, args),
                None => call(&test, &command),
            }
            done += 1;
        }
    }
    for block in blocks(&text, "python") {
        run_python(&block);
        done += 1;
    }
    done
}

/// Runs a Python block as a script; it must print the sandbox's lead.
fn run_python(block: &str) {
    let Some(python) = python("python") else { return };
    let test = on_path(Test::new().with_profile());
    let script = test.file("script.py", &block.replace("https://www.zohoapis.jp", test.sandbox.api_domain()));
    let outcome = run(&test, python.to_str().unwrap(), &[script.to_str().unwrap()]);
    assert!(outcome.ok().contains("'Last_Name': 'Yamada'"), "{outcome:?}");
}

/// Runs a command that does not prompt.
fn call(test: &Test, command: &str) {
    if let Some((_, rest)) = command.split_once(" --product ") {
        return call_product(command, rest.split(' ').next().unwrap());
    }
    if command.starts_with("zoho-cred import env ") {
        let outcome = bash(&on_path(Test::new()), &format!("{command} --secrets file"));
        return assert!(outcome.stderr.contains("1 imported"), "{command}: {outcome:?}");
    }
    // Another machine is another home without a keyring.
    let server = "mkdir -p ~/server; HOME=~/server ZOHO_CRED_STATE_DIR=~/server/state";
    let here = command
        .replace("https://www.zohoapis.jp", test.sandbox.api_domain())
        .replace("ssh server zoho-cred import", &format!("({server} zoho-cred import --secrets file"));
    let here = if here.contains("(mkdir") { here + ")" } else { here };
    let outcome = bash(test, &here);
    let prints = !command.starts_with("zoho-cred profile ");
    assert!(outcome.code == 0 && prints != outcome.stdout.is_empty(), "{command}: {outcome:?}");
    if command.contains("data[][Last_Name]") {
        assert!(outcome.stdout.contains("SUCCESS"), "{command}: {outcome:?}");
    } else if command.contains("/crm/v8/Leads") {
        assert!(outcome.stdout.contains("\"Last_Name\":\"Yamada\""), "{command}: {outcome:?}");
    }
}

/// Runs a call to Desk or Books for a profile with its scope and organization.
fn call_product(command: &str, product: &str) {
    let (scope, organization, answer) = match product {
        "desk" => ("Desk.tickets.READ", "2389290", "ticketNumber"),
        "books" => ("ZohoBooks.invoices.READ", "10234695", "INV-000001"),
        other => panic!("{other} is not in the sandbox"),
    };
    let scopes = vec![scope.to_owned()];
    let test = on_path(Test::with(Options { scopes, ..Options::default() }).with_profile());
    test.configure(&format!("org_id = '{organization}'"));
    let outcome = bash(&test, command);
    assert!(outcome.ok().contains(answer), "{command}: {outcome:?}");
}

fn log_in(test: &mut Test, callback: &str, line: &str) {
    let browser = test.executable("browser", "#!/bin/sh\necho \"$1\" > \"$0.seen\"\n");
    test.set("BROWSER", browser.to_str().unwrap());
    let kind = match line {
        line if line.contains("self-client") || line.contains("client-credentials") => ClientKind::SelfClient,
        line if line.contains("--flow device") => ClientKind::Device,
        line if line.contains("refresh-token") => ClientKind::Any,
        _ => ClientKind::ServerBased,
    };
    let client = test.sandbox.client(kind).clone();
    let url = test.sandbox.url().to_owned();
    let here = line
        .replace("--data-center jp", "")
        .replace("1000.XXXX", &client.client_id)
        .replace("ZohoCRM.600000434", test.sandbox.soid());
    // Replaces what the reader's environment has: the data center and a keyring.
    let mut args = vec!["login", "--accounts-url", &url, "--secrets", "file"];
    args.extend(here.split_whitespace());
    if kind == ClientKind::ServerBased && !line.contains("--redirect-uri") {
        args.extend(["--redirect-uri", callback]);
    }
    let mut person = Person::calls(test, args);
    if !line.contains("--client-id") {
        person.answers("Client ID: ", &client.client_id);
    }
    person.answers("Client Secret (not shown): ", &client.client_secrets["us"]);
    if !line.contains("--scope") && !line.contains("refresh-token") {
        let question = if line.contains("self-client") { "in the API console: " } else { "Scopes: " };
        person.answers(question, "ZohoCRM.modules.ALL");
    }
    match line {
        line if line.contains("--flow paste") => {
            let landed = press("accept", &person.finds("http://127"));
            person.answers("Paste the whole URL: ", &landed);
        }
        line if line.contains("--flow device") => {
            connect(&person.finds("zoho-cred: or visit "));
        }
        line if line.contains("self-client") => {
            let code = test.sandbox.self_client_code(&["ZohoCRM.modules.ALL"], Duration::from_secs(180));
            person.answers("Code (not shown): ", &code);
        }
        line if line.contains("refresh-token") => {
            person.answers("Refresh token (not shown): ", test.sandbox.refresh_token());
        }
        line if line.contains("client-credentials") => {}
        _ => {
            let page = person.finds("http://127");
            let seen = browser.with_extension("seen");
            until("the browser", || seen.exists());
            assert!(visit(&press("accept", &page)).text().unwrap().contains("Access granted"));
        }
    }
    let shown = person.ends(0);
    assert!(shown.contains("logged in"), "{line}: {shown}");
    test.run(["get", line.split_whitespace().next().unwrap()]).ok();
}

#[test]
fn the_readme() {
    assert!(follow("README.md") >= 4);
}

#[test]
fn the_guide() {
    assert!(follow("docs/guide.md") >= 7);
}

#[test]
fn coming_from() {
    assert!(follow("docs/coming-from.md") >= 5);
}

#[test]
fn the_japanese_readme() {
    assert!(follow("docs/ja/README.md") >= 4);
}

#[test]
fn the_japanese_guide() {
    assert!(follow("docs/ja/guide.md") >= 6);
}
