//! No text of the project tells anybody to install a package whose name the project does not own: whoever registers that
//! name in a registry would run code beside the secrets.

use crate::harness::{Test, files_below};
use std::path::Path;

/// Commands that install what follows from a registry.
const INSTALLERS: &str = "cargo install, cargo binstall, pip install, pip3 install, pipx install, pipx run, uv add, tool \
    install, uvx, npm install, npm i, npx, pnpm add, yarn add, gem install, go install, brew install, \
    apt install, apt-get install, dnf install, yum install, apk add, pacman -S, snap install, winget \
    install, scoop install, choco install, conda install, docker pull, image:";

/// Packages of others that our texts may name.
const FOREIGN: [&str; 5] = ["requests", "zohocrmsdk8_0", "@zohocrm/nodejs-sdk-8.0", "build-base", "rust:1"];

/// The names that a line installs from a registry and that are not allowed.
fn unowned(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for command in line.split(['`', '\'', '"', ';', '&', '|', ',', '(', ')', '#']) {
        let words: Vec<&str> = command.split_whitespace().collect();
        for installer in INSTALLERS.split(", ") {
            let installer: Vec<&str> = installer.split(' ').collect();
            let begins = words.windows(installer.len()).position(|window| window == installer);
            let Some(at) = begins else { continue };
            let rest = &words[at + installer.len()..];
            // The name then is that of a crate in the repository. Its URL may be in quotes.
            let from_source = rest.contains(&"--git") || rest.contains(&"--path");
            if installer[0] == "cargo" && from_source {
                continue;
            }
            let names = rest.iter().filter(|word| !word.starts_with('-'));
            // `.example` belongs to nobody, and no image has a name in capitals.
            let is_placeholder = |name: &str| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
            let allowed = |name: &str| {
                FOREIGN.contains(&name) || name.starts_with("registry.example/") || is_placeholder(name)
            };
            found.extend(names.filter(|name| !allowed(name)).map(|name| format!("{name} in: {line}")));
        }
    }
    // A container's options take values, so that its image is not the first word.
    let runs = ["docker run", "podman run"].iter().any(|run| line.contains(run));
    found.extend((runs && line.contains("zoho-cred:")).then(|| line.to_owned()));
    found
}

#[track_caller]
fn installs_nothing_unowned(place: &str, text: &str) {
    let found: Vec<_> = text.lines().flat_map(unowned).collect();
    assert!(found.is_empty(), "{place}: {found:#?}");
}

#[test]
fn the_scan_finds_names_in_every_kind_of_install() {
    for bad in [
        "cargo install zoho-cred",
        "      - run: cargo install --locked zoho-cred",
        "installHint: \"run 'cargo install zoho-cred'\"",
        "pip install requests zoho-cred",
        "first `brew install zoho-cred`, then log in",
        "npm i -g zoho-cred",
        "npx zoho-cred get",
        "true && sudo apt-get install -y zoho-cred",
        "          image: example/zoho-cred",
        "docker pull zoho-cred",
        "docker run --rm -e A zoho-cred:1 get",
    ] {
        assert!(!unowned(bad).is_empty(), "{bad}");
    }
    for good in [
        "cargo install --git \"$REPOSITORY\" --locked zoho-cred",
        "cargo install --path . --locked",
        "pip install requests, save it as zoho_auth.py",
        "image: rust:1",
        "image: registry.example/zoho-cred",
        "image: ZOHO_CRED_IMAGE # replace: an image of your own registry",
        "docker run --env-file zoho.env IMAGE get",
        "./install.sh",
    ] {
        assert_eq!(unowned(good), Vec::<String>::new(), "{good}");
    }
}

#[test]
fn no_page_or_template_installs_a_name_that_is_not_ours() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("README.md"), root.join("src/i18n/ja.toml")];
    for folder in ["docs", "src/commands/setup"] {
        let before = files.len();
        files.extend(files_below(&root.join(folder)));
        assert!(files.len() > before, "{folder} is empty");
    }
    for file in files {
        // Pictures are no text.
        if let Ok(text) = String::from_utf8(std::fs::read(&file).unwrap()) {
            installs_nothing_unowned(&file.display().to_string(), &text);
        }
    }
}

#[test]
fn no_setup_target_installs_a_name_that_is_not_ours() {
    for language in ["C", "ja_JP.UTF-8"] {
        let test = Test::new().with_profile().var("LC_ALL", language);
        test.get().ok();
        let help = test.run("setup --help").stdout;
        let targets: Vec<_> = help.lines().filter_map(|line| line.trim().strip_prefix("- ")).collect();
        let targets = targets.iter().map(|line| line.split(':').next().unwrap().trim());
        let mut count = 0;
        for target in targets {
            let outcome = test.run(["setup", target, "crm"]);
            installs_nothing_unowned(target, outcome.ok());
            count += 1;
        }
        assert!(count >= 11, "{help}");
    }
}
