//! `docs/recipes.md`: each recipe replaces a dead token once, and never one that lacks a scope.

use crate::harness::{Outcome, Test, have};
use crate::world::{Answer, Web, on_path, packages, python, run, run_with};
use std::path::Path;
use std::process::Command;
use zoho_cred::sandbox::Endpoint;

/// A recipe: its program, the arguments before the URL, and whether its output begins with the status.
struct Recipe {
    program: String,
    args: Vec<String>,
    shows_status: bool,
}

/// The block of the page in this language.
fn block(language: &str) -> String {
    let page = include_str!("../../docs/recipes.md");
    let block = page.split(&format!("```{language}\n")).nth(1).unwrap();
    block.split("```").next().unwrap().to_owned()
}

/// Whether a program is installed. tests/run cannot install these everywhere, so their absence fails nothing, not even with
/// `CI=true`.
fn there(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    if !found.status.success() {
        eprintln!("SKIPPED: {program} is missing");
    }
    found.status.success()
}

impl Recipe {
    fn new(program: &str, args: &[&str]) -> Self {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Recipe { program: program.to_owned(), args, shows_status: true }
    }

    fn call(&self, test: &Test, url: &str) -> Outcome {
        let args: Vec<&str> = self.args.iter().map(String::as_str).chain([url]).collect();
        run(test, &self.program, &args)
    }

    /// Runs the recipe against the sandbox and against a server that refuses every token.
    fn behaves(&self, test: &Test) {
        let url = format!("{}/crm/v8/Leads?fields=Last_Name", test.sandbox.api_domain());
        test.get().ok();
        assert!(self.call(test, &url).ok().contains("Yamada"));
        test.sandbox.kill_tokens();
        assert!(self.call(test, &url).ok().contains("Yamada"));
        assert_eq!(test.sandbox.token_requests(), 2, "the dead token was replaced once");

        // The sandbox's token has no scope of Desk.
        let tickets = format!("{}/api/v1/tickets", test.sandbox.api_domain());
        let user = format!("{}/oauth/user/info", test.sandbox.url());
        for (url, status) in [(&tickets, "403"), (&user, "401")] {
            let outcome = self.call(test, url);
            let told = if self.shows_status { outcome.stdout.starts_with(status) } else { outcome.code != 0 };
            assert!(told && (outcome.stdout + &outcome.stderr).contains("SCOPE"), "{url}");
        }
        assert_eq!(test.sandbox.token_requests(), 2, "no token was replaced for a missing scope");

        // A refusal that may mean anything: zoho-cred finds the token alive, and it is not sent again.
        let web = Web::start(|_| Answer("401 Unauthorized", String::new(), r#"{"code":57}"#.into()));
        for requests in [1, 2] {
            self.call(test, &web.url());
            assert_eq!(web.seen().len(), requests);
        }
        let asked = test.sandbox.log().iter().filter(|it| it.endpoint == Endpoint::UserInfo).count();
        assert_eq!(test.sandbox.token_requests(), 2);
        assert!(asked >= 2, "{asked}: the recipe's own call, and a check of the token");
    }
}

#[test]
fn php() {
    if !have("php") {
        return;
    }
    let test = on_path(Test::new());
    let file = test.file("zoho.php", &block("php")).display().to_string();
    Recipe::new("php", &[&file]).behaves(&test);
}

#[test]
fn go() {
    if !have("go") {
        return;
    }
    let test = on_path(Test::new());
    let (file, program) = (test.file("main.go", &block("go")), test.dir.path().join("recipe"));
    let mut build = Command::new("go");
    build.args(["build", "-o"]).args([&program, &file]).env("GO111MODULE", "off");
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go");
    assert!(build.env("GOCACHE", cache).status().unwrap().success());
    Recipe::new(program.to_str().unwrap(), &[]).behaves(&test);
}

#[test]
fn java() {
    if !have("javac") {
        return;
    }
    let test = on_path(Test::new());
    let file = test.file("Zoho.java", &block("java"));
    let folder = test.dir.path().to_str().unwrap();
    // Short programs: compiling less and one thread for the garbage make a virtual machine start sooner.
    let quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];
    let mut javac = Command::new("javac");
    javac.args(quick.map(|flag| format!("-J{flag}"))).args(["-d", folder]).arg(file);
    assert!(javac.status().unwrap().success());
    Recipe::new("java", &[&quick[..], &["-cp", folder, "Zoho"]].concat()).behaves(&test);
}

#[test]
fn powershell() {
    if !there("pwsh") {
        return;
    }
    let test = on_path(Test::new());
    test.get().ok();
    let file = test.file("zoho.ps1", &test.run("setup powershell").stdout).display().to_string();
    let recipe = Recipe::new("pwsh", &["-NoProfile", "-File", &file]);
    Recipe { shows_status: false, ..recipe }.behaves(&test);
}

/// PowerShell itself is not in Debian. At least a parser reads every script of this project.
#[test]
fn powershell_scripts_have_no_syntax_error() {
    let Some(python) = python("powershell") else { return };
    let parse = "import sys, tree_sitter as ts, tree_sitter_powershell as ps\n\
                 tree = ts.Parser(ts.Language(ps.language())).parse(sys.stdin.buffer.read())\n\
                 print(len(tree.root_node.children), tree.root_node.has_error)";
    let test = Test::new();
    test.get().ok();
    let parsed = |text: &str| run_with(&test, python.to_str().unwrap(), &["-c", parse], text).ok().to_owned();
    assert!(parsed("if ($true) {").ends_with("True"), "the parser sees errors");
    let read =
        |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let printed = ["setup powershell", "completions powershell", "get -o env --shell powershell"];
    let mut scripts = vec![read("install.ps1")];
    scripts.extend(printed.map(|args| test.run(args).stdout));
    for page in ["recipes.md", "windows.md", "ja/recipes.md", "ja/windows.md"] {
        let page = read(&format!("docs/{page}"));
        let blocks = page.split("```powershell\n").skip(1);
        scripts.extend(blocks.map(|block| block.split("```").next().unwrap().to_owned()));
    }
    assert!(scripts.len() >= 8, "{scripts:?}");
    for script in scripts {
        let found = parsed(&script);
        assert!(found.ends_with("False") && !found.starts_with("0 "), "{found}: {script}");
    }
}

#[test]
fn requests() {
    let Some(python) = python("python") else { return };
    let test = on_path(Test::new());
    test.get().ok();
    test.file("zoho_auth.py", &test.run("setup python").stdout);
    let call = "import requests, sys\nfrom zoho_auth import ZohoAuth\n\
                answer = requests.get(sys.argv[1], auth=ZohoAuth())\nprint(answer.status_code, answer.text)\n";
    let file = test.file("call.py", call).display().to_string();
    Recipe::new(python.to_str().unwrap(), &[&file]).behaves(&test);
    shown_call(&test, python.to_str().unwrap(), "py", "shown.py");
}

/// A fresh token, and the file that `setup node` prints. `None` without Node.
fn with_zoho_fetch() -> Option<Test> {
    let test = have("node").then(|| on_path(Test::new()))?;
    test.get().ok();
    test.file("zoho-fetch.mjs", &test.run("setup node").stdout);
    Some(test)
}

#[test]
fn fetch() {
    let Some(test) = with_zoho_fetch() else { return };
    let call = "import { zohoFetch } from './zoho-fetch.mjs';\n\
                const answer = await zohoFetch(process.argv[2]);\n\
                console.log(answer.status, await answer.text());\n";
    let file = test.file("call.mjs", call).display().to_string();
    Recipe::new("node", &[&file]).behaves(&test);
    shown_call(&test, "node", "js", "shown.mjs");
}

#[test]
fn fetch_hands_a_refusal_that_stays_on_after_one_more_try() {
    let Some(test) = with_zoho_fetch() else { return };
    let web = Web::start(|_| Answer("401 Unauthorized", String::new(), "no".into()));
    let call = "import { zohoFetch } from './zoho-fetch.mjs';\n\
                const answer = await zohoFetch(process.argv[2], { method: 'POST', body: 'x' });\n\
                console.log(answer.status);\n";
    let file = test.file("call.mjs", call).display().to_string();
    assert_eq!(run(&test, "node", &[&file, &web.url()]).ok(), "401");
    let seen = web.seen();
    assert_eq!(seen.len(), 2);
    assert_ne!(seen[0].authorization(), seen[1].authorization());
    assert!(seen.iter().all(|request| request.line.starts_with("POST ") && request.body == "x"), "{seen:?}");
}

/// Runs the call that the page shows.
fn shown_call(test: &Test, program: &str, language: &str, name: &str) {
    let text = block(language).replace("https://www.zohoapis.jp", test.sandbox.api_domain());
    let file = test.file(name, &text);
    let outcome = run(test, program, &[file.to_str().unwrap()]);
    assert!(outcome.ok().contains("Yamada"), "{outcome:?}");
}

#[test]
fn zohos_sdk_for_node_takes_its_tokens_from_us() {
    let node = have("node") && there("npm");
    let Some(sdk) = node.then(|| packages("node")).flatten() else { return };
    let test = on_path(Test::new());
    test.get().ok();
    std::os::unix::fs::symlink(sdk.join("node_modules"), test.dir.path().join("node_modules")).unwrap();
    test.file("zoho-cred-store.mjs", include_str!("../../docs/recipes/zoho-cred-store.mjs"));
    let here = test.dir.path().display().to_string();
    let url = test.sandbox.url();
    let script = format!(
        "import * as sdk from '@zohocrm/nodejs-sdk-8.0';\n\
         import {{ Environment }} from './node_modules/@zohocrm/nodejs-sdk-8.0/lib/routes/dc/environment.js';\n\
         import {{ OrgOperations }} from \
         './node_modules/@zohocrm/nodejs-sdk-8.0/lib/core/com/zoho/crm/api/org/org_operations.js';\n\
         import {{ ZohoCredStore }} from './zoho-cred-store.mjs';\n\
         const builder = await new sdk.InitializeBuilder();\n\
         await builder.environment(new Environment('{url}', '{url}/oauth/v2/token', '{url}'))\n\
           .token(new sdk.OAuthBuilder().id('env').build()).store(new ZohoCredStore())\n\
           .resourcePath('{here}').initialize();\n\
         for (let i = 0; i < 2; i += 1) {{\n\
           const answer = await new OrgOperations().getOrganization();\n\
           console.log(answer.getStatusCode(), answer.getObject().getOrg()[0].getCompanyName());\n\
         }}\n"
    );
    let script = test.file("script.mjs", &script);
    let call = || run(&test, "node", &[script.to_str().unwrap()]);
    let outcome = call();
    assert_eq!(outcome.ok(), "200 Sandbox K.K.\n200 Sandbox K.K.", "{outcome:?}");
    assert_eq!(test.sandbox.token_requests(), 1, "the SDK asked for no token of its own");
    test.sandbox.kill_tokens();
    let rejected = test.token();
    test.reject(&rejected).ok();
    assert!(call().ok().starts_with("200 "));
    assert_eq!(test.sandbox.token_requests(), 2);
}

/// The recipes look for `scope` and `org_mismatch`: that is what the product table says of a 401 at any product.
#[test]
fn the_rule_is_that_of_the_product_table() {
    let table: toml::Table = include_str!("../../src/zoho/products.toml").parse().unwrap();
    let any = &table["any"];
    let not_dead = |word: &str| ["scope", "org_mismatch"].iter().any(|it| word.to_lowercase().contains(it));
    for (list, expected) in [("dead", false), ("scope", true), ("org", true)] {
        let words = any[list].as_array().unwrap();
        assert!(!words.is_empty());
        for word in words {
            assert_eq!(not_dead(word.as_str().unwrap()), expected, "{list}: {word}");
        }
    }
}
