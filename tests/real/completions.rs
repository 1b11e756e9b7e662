//! Completions in real shells, and manual pages.

use crate::harness::{Test, have};
use crate::person::Person;
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
        outcome.exits(0);
        outcome.stdout
    };
    for (line, candidate) in [
        ("get ", "crm"),
        ("get ", "books"),
        ("get cr", "crm"),
        ("doc", "doctor"),
        ("get --min", "--min-ttl"),
        ("helper git get --profile b", "books"),
        ("login --data-center j", "jp"),
        ("login --scope A.b.READ,crm-r", "A.b.READ,crm-readonly"),
        ("login --scope ZohoCRM.mod", "ZohoCRM.modules.ALL"),
        ("api --product des", "desk"),
        ("exec crm -- zoho-c", "zoho-cred"),
    ] {
        let candidates = ask(&format!("zoho-cred {line}"));
        assert!(candidates.lines().any(|found| found == candidate), "{line}: {candidates}");
    }
}

#[test]
fn fish_completes_profiles() {
    if !have("fish") {
        return;
    }
    let test = world();
    let ask = "zoho-cred completions fish | source; complete -C 'zoho-cred get '; \
               complete -C 'zoho-cred exec crm -- zoho-c'; complete -C 'zoho-cred login --data-center '";
    let outcome = run(&test, "fish", &["--no-config", "-c", ask]);
    for candidate in ["crm", "books", "zoho-cred", "jp\tzoho.jp"] {
        assert!(outcome.stdout.lines().any(|line| line.starts_with(candidate)), "{outcome:?}");
    }
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
    for (line, completed) in
        [("get boo\t", "books"), ("login --scope A.b.READ,crm-r\t", "A.b.READ,crm-readonly")]
    {
        zsh.send(&format!("zoho-cred {line}")).unwrap();
        zsh.flush().unwrap();
        zsh.exp_string(completed).unwrap();
        zsh.send_control('u').unwrap();
    }
    zsh.send_line("exit").unwrap();
    zsh.exp_eof().unwrap();
}

#[test]
fn every_shell_and_every_page_can_be_had() {
    let test = world();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(test.run(["completions", shell]).ok().contains("zoho-cred"), "{shell}");
    }
    test.run("completions tcsh").failed(2, "usage");
    let folder = test.dir.path().join("man");
    std::fs::create_dir(&folder).unwrap();
    test.run(["man", "--dir", folder.to_str().unwrap()]).ok();
    for page in ["zoho-cred.1", "zoho-cred-get.1", "zoho-cred-helper-git.1", "zoho-cred-doctor.1"] {
        let text = std::fs::read_to_string(folder.join(page)).unwrap();
        for section in ["SYNOPSIS", "EXAMPLES", "\"EXIT STATUS\"", "ENVIRONMENT", "FILES"] {
            assert!(text.contains(&format!(".SH {section}\n")), "{page} has no {section}: {text}");
        }
    }
    test.run("man --dir /nonexistent").failed(74, "store");
}

#[test]
fn man_opens_the_page_on_a_terminal_and_prints_it_elsewhere() {
    let test = on_path(Test::new());
    let printed = test.run("man");
    assert!(printed.ok().contains(".TH zoho-cred 1"));
    assert!(test.run("man helper git").ok().contains(".TH zoho-cred-helper-git 1"));
    test.run("man nothing").failed(2, "usage");
    if !have("man") {
        return;
    }
    let test = test.var("MANPAGER", "cat").var("TERM", "dumb").var("LANG", "C.UTF-8");
    // A terminal without bold text gets each letter twice, with a backspace between.
    let read = |args: &[&str]| {
        let (code, shown) = Person::calls(&test, args).leaves();
        let letters: Vec<char> = shown.chars().collect();
        let is_left = |at: usize| letters[at] != '\u{8}' && letters.get(at + 1) != Some(&'\u{8}');
        (code, (0..letters.len()).filter(|at| is_left(*at)).map(|at| letters[at]).collect::<String>())
    };
    let (code, shown) = read(&["man"]);
    for words in ["EXIT STATUS", "ZOHO_CRED_STATE_DIR", "zoho-cred login crm"] {
        assert!(code == 0 && shown.contains(words), "{code}: {shown}");
    }
    let (code, shown) = read(&["man", "exec"]);
    assert!(code == 0 && shown.contains("zoho-cred exec"), "{code}: {shown}");
}
