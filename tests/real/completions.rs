//! Completions in real shells, and manual pages.

use crate::harness::{Test, have};
use crate::world::{bash, on_path, run};
use std::process::Command;

fn world() -> Test {
    let test = on_path(Test::new().without_environment());
    test.write_config(
        "[profile.crm]\ndata_center='jp'\nclient_id='1000.A'\n[profile.books]\ndata_center='jp'\nclient_id='1000.B'\n",
    );
    test
}

#[test]
fn bash_completes_profiles_and_flags() {
    if !have("bash") {
        return;
    }
    let test = world();
    let ask = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let array: String = words.iter().map(|word| format!("'{word}' ")).collect();
        let script = format!(
            "source <(zoho-cred completions bash); spec=($(complete -p zoho-cred)); \
             for i in \"${{!spec[@]}}\"; do [[ ${{spec[i]}} != -F ]] || call=${{spec[i+1]}}; done; \
             COMP_WORDS=({array}); COMP_CWORD={}; COMP_TYPE=9; \"$call\" zoho-cred '{}' ''; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words.len() - 1,
            words.last().unwrap(),
        );
        let outcome = bash(&test, &script);
        assert_eq!(outcome.code, 0, "{outcome:?}");
        outcome.stdout
    };
    let profiles = ask("zoho-cred get ");
    assert!(
        profiles.lines().any(|line| line == "crm") && profiles.lines().any(|line| line == "books"),
        "{profiles}"
    );
    assert_eq!(ask("zoho-cred get cr").trim(), "crm");
    assert_eq!(ask("zoho-cred doc").trim(), "doctor");
    assert!(ask("zoho-cred get --min").contains("--min-ttl"));
    assert!(ask("zoho-cred helper git get --profile b").contains("books"));
}

#[test]
fn fish_completes_profiles() {
    if !have("fish") {
        return;
    }
    let test = world();
    let outcome = run(
        &test,
        "fish",
        &["--no-config", "-c", "zoho-cred completions fish | source; complete -C 'zoho-cred get '"],
    );
    assert!(outcome.stdout.lines().any(|line| line.starts_with("crm")), "{outcome:?}");
    assert!(outcome.stdout.lines().any(|line| line.starts_with("books")), "{outcome:?}");
}

/// Runs zsh in a pseudo-terminal, because it completes only at a prompt.
#[test]
fn zsh_completes_profiles() {
    if !have("zsh") {
        return;
    }
    let test = world();
    let mut zsh = Command::new("zsh");
    zsh.args(["-f", "-i"]).env_clear().envs(test.vars()).env("TERM", "vt100").env("PS1", "ready> ");
    let mut zsh = rexpect::session::spawn_command(zsh, Some(20_000)).unwrap();
    zsh.exp_string("ready> ").unwrap();
    zsh.send_line(
        "autoload -U compinit && compinit -u -D; source <(zoho-cred completions zsh); print loaded=$?",
    )
    .unwrap();
    zsh.exp_string("loaded=0").unwrap();
    zsh.exp_string("ready> ").unwrap();
    zsh.send("zoho-cred get boo\t").unwrap();
    zsh.flush().unwrap();
    zsh.exp_string("books").unwrap();
    zsh.send_control('u').unwrap();
    zsh.send_line("exit").unwrap();
    zsh.exp_eof().unwrap();
}

#[test]
fn every_shell_and_every_page_can_be_had() {
    let test = world();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(test.run(["completions", shell]).ok().contains("zoho-cred"), "{shell}");
    }
    test.run(["completions", "tcsh"]).failed(2, "usage");
    assert!(test.run(["man"]).ok().contains(".TH zoho-cred 1"));
    let folder = test.dir.path().join("man");
    std::fs::create_dir(&folder).unwrap();
    test.run(["man", "--dir", folder.to_str().unwrap()]).ok();
    for page in ["zoho-cred.1", "zoho-cred-get.1", "zoho-cred-helper-git.1", "zoho-cred-doctor.1"] {
        assert!(std::fs::read_to_string(folder.join(page)).unwrap().contains(".SH SYNOPSIS"), "{page}");
    }
    test.run(["man", "--dir", "/nonexistent"]).failed(74, "store");
}
