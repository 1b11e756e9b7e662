//! Runs the job files printed by `setup` step by step, as the CI systems would.

use crate::harness::call::Call;
use crate::harness::{Outcome, PROGRAM, Test};
use crate::world::{command, have_all, on_path, python, run, shown, yaml};
use serde_json::Value;

/// The environment of a job: variables from the job file, secrets of the CI system, and variables set by steps.
struct Job {
    test: Test,
    vars: Vec<(String, String)>,
    log: String,
}

impl Job {
    fn new() -> (Self, Test) {
        let source = Test::new();
        source.get().ok();
        let test = Test::new().without_environment().var("ZOHO_ACCOUNTS_URL", "").var("ZOHO_CLIENT_ID", "");
        let test = on_path(test);
        (Job { test, vars: Vec::new(), log: String::new() }, source)
    }

    fn set(&mut self, values: &Value, source: &Test) {
        for (name, value) in values.as_object().into_iter().flatten() {
            let value = secret(value.as_str().unwrap(), source, &self.vars);
            self.vars.push((name.clone(), value));
        }
    }

    fn step(&mut self, script: &str, env: &Value, source: &Test) -> Outcome {
        let mut command = command(&self.test, "bash", &["-e", "-o", "pipefail", "-c", script]);
        command.envs(self.vars.iter().cloned());
        for (name, value) in env.as_object().into_iter().flatten() {
            command.env(name, secret(value.as_str().unwrap(), source, &self.vars));
        }
        let outcome = self.test.start(command).wait();
        assert_eq!(outcome.code, 0, "{script}: {outcome:?}");
        self.log += &outcome.stdout;
        self.log += &outcome.stderr;
        outcome
    }

    fn value(&self, name: &str) -> &str {
        &self.vars.iter().rev().find(|(found, _)| found == name).unwrap().1
    }
}

/// Resolves a reference to a secret or to a variable of an earlier step, as the CI system does.
fn secret(text: &str, source: &Test, vars: &[(String, String)]) -> String {
    let name = text.trim_start_matches("${{ secrets.").trim_end_matches(" }}");
    let name = name.trim_start_matches("$(").trim_end_matches(')');
    match name {
        "ZOHO_CLIENT_SECRET" => source.sandbox.client_secret().to_owned(),
        "ZOHO_REFRESH_TOKEN" => source.sandbox.refresh_token().to_owned(),
        name => match vars.iter().rev().find(|(found, _)| found == name) {
            Some((_, value)) => value.clone(),
            None => text.to_owned(),
        },
    }
}

/// The Python for the tests of whole jobs, if everything else that they need is installed.
fn tools() -> Option<std::path::PathBuf> {
    python("python").filter(|_| have_all(&["bash", "curl"]))
}

fn installs(script: &str) -> bool {
    script.starts_with("cargo install ")
}

/// Nobody owns the name on crates.io yet, so the step builds the commit of the repository that its variables name, and
/// nothing without them.
#[test]
fn the_install_step_takes_no_name_from_a_registry() {
    let test = Test::new();
    test.get().ok();
    let (ran, bin) = (test.dir.path().join("ran"), test.dir.path().join("bin"));
    std::fs::create_dir(&bin).unwrap();
    test.executable("bin/cargo", &format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > '{}'\n", ran.display()));
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    for target in ["github-actions", "gitlab-ci", "azure-pipelines"] {
        let file = test.run(["setup", target]).ok().to_owned();
        let script = file.lines().find_map(|line| Some(&line[line.find("cargo install ")?..])).unwrap();
        let step = || Call::new(&test, ["bash", "-e", "-c", script]).env("PATH", &path);
        assert_ne!(step().run().code, 0);
        assert!(!ran.exists(), "{target}: cargo ran without a repository");
        let step = step().env("ZOHO_CRED_REPOSITORY", "https://git.example/x");
        step.env("ZOHO_CRED_REVISION", "0123abcd").run().ok();
        let args = std::fs::read_to_string(&ran).unwrap();
        let wanted = "install\n--git\nhttps://git.example/x\n--rev\n0123abcd\n--locked\nzoho-cred\n";
        assert_eq!(args, wanted, "{target}");
        std::fs::remove_file(&ran).unwrap();
    }
}

/// Runs the steps of GitHub's runner, with the variables that they set, and asserts that the last one reads a record.
fn run_steps(job: &mut Job, source: &Test, steps: &Value) {
    let github_env = job.test.file("github-env", "EARLIER=1\n");
    job.vars.push(("GITHUB_ENV".into(), github_env.display().to_string()));
    let mut last = None;
    for step in steps.as_array().unwrap() {
        let script = step["run"].as_str().unwrap();
        if !installs(script) {
            last = Some(job.step(script, &step["env"], source));
            job.vars.extend(read_github_env(&std::fs::read_to_string(&github_env).unwrap()));
        }
    }
    assert!(last.unwrap().stdout.contains("Yamada"), "{}", job.log);
    assert_eq!(job.value("EARLIER"), "1", "the file was appended to");
}

/// Asserts that the log does not contain the token before its mask, and does not contain the secrets.
fn is_clean(log: &str, token: &str, mask: &str, source: &Test) {
    let masked_at = log.find(mask).unwrap_or_else(|| panic!("no {mask} in {log}"));
    assert!(!log[..masked_at].contains(token), "{log}");
    for secret in [source.sandbox.client_secret(), source.sandbox.refresh_token()] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn github() {
    let Some(python) = tools() else { return };
    let (mut job, source) = Job::new();
    let file = yaml(&python, &source.run("setup github-actions").stdout);
    let steps = &file["jobs"]["zoho"];
    job.set(&steps["env"], &source);
    run_steps(&mut job, &source, &steps["steps"]);
    let token = job.value("ZOHO_ACCESS_TOKEN").to_owned();
    assert_eq!(job.value("ZOHO_API_DOMAIN"), source.sandbox.api_domain());
    is_clean(&job.log, &token, &format!("::add-mask::{token}\n"), &source);
    assert_eq!(job.log.matches(&token).count(), 1, "{}", job.log);
}

/// The steps shown in the README, in both languages.
#[test]
fn the_step_of_the_readme() {
    let Some(python) = tools() else { return };
    for page in [include_str!("../../README.md"), include_str!("../../docs/ja/README.md")] {
        let (mut job, source) = Job::new();
        let here = shown(page, "- run: zoho-cred")
            .replace("ZOHO_DATA_CENTER: jp", &format!("ZOHO_ACCOUNTS_URL: {}", source.sandbox.url()))
            .replace("${{ vars.ZOHO_CLIENT_ID }}", source.sandbox.client_id());
        run_steps(&mut job, &source, &yaml(&python, &here));
    }
}

/// Parses the file as the runner does: `NAME=value`, or `NAME<<DELIMITER` up to a line equal to the delimiter.
fn read_github_env(text: &str) -> Vec<(String, String)> {
    let (mut lines, mut found) = (text.lines(), Vec::new());
    while let Some(line) = lines.next() {
        match line.split_once("<<") {
            Some((name, delimiter)) => {
                let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
                found.push((name.to_owned(), value.join("\n")));
            }
            None => found.extend(line.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned()))),
        }
    }
    found
}

#[test]
fn gitlab() {
    let Some(python) = tools() else { return };
    let (mut job, source) = Job::new();
    let file = yaml(&python, &source.run("setup gitlab-ci").stdout);
    let zoho = &file["zoho"];
    job.set(&zoho["variables"], &source);
    for name in ["ZOHO_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN"] {
        job.vars.push((name.into(), secret(name, &source, &[])));
    }
    assert!(installs(zoho["before_script"][0].as_str().unwrap()));
    for script in zoho["script"].as_array().unwrap() {
        let outcome = job.step(script.as_str().unwrap(), &Value::Null, &source);
        assert!(outcome.stdout.contains("Yamada"), "{outcome:?}");
    }
    assert!(!job.log.contains("1000."), "no token in the log: {}", job.log);
}

#[test]
fn azure() {
    let Some(python) = tools() else { return };
    let (mut job, source) = Job::new();
    let file = yaml(&python, &source.run("setup azure-pipelines").stdout);
    job.set(&file["variables"], &source);
    let mut secrets = Vec::new();
    let mut last = None;
    for step in file["steps"].as_array().unwrap() {
        let script = step["script"].as_str().unwrap();
        if installs(script) {
            continue;
        }
        let outcome = job.step(script, &step["env"], &source);
        for line in outcome.stdout.lines() {
            if let Some(secret) = line.strip_prefix("##vso[task.setsecret]") {
                secrets.push(secret.to_owned());
            }
            if let Some((settings, value)) =
                line.strip_prefix("##vso[task.setvariable variable=").and_then(|rest| rest.split_once(']'))
            {
                let name = settings.split(';').next().unwrap();
                assert!(name != "ZOHO_ACCESS_TOKEN" || secrets.contains(&value.to_owned()), "masked first");
                job.vars.push((name.to_owned(), value.to_owned()));
            }
        }
        last = Some(outcome);
    }
    assert!(last.unwrap().stdout.contains("Yamada"), "{}", job.log);
    assert_eq!(secrets.len(), 1);
    is_clean(&job.log, &secrets[0], &format!("##vso[task.setsecret]{}\n", secrets[0]), &source);
}

/// The action installs the release that its inputs name, and sets the variables.
#[test]
fn the_action() {
    let Some(python) = tools() else { return };
    let (mut job, source) = Job::new();
    let text = include_str!("../../packaging/action/action.yml")
        .replace("${{ inputs.repository }}", "OWNER/zoho-cred")
        .replace("${{ inputs.version }}", "v1.2.3");
    let action = yaml(&python, &text);
    let path = |name: &str| job.test.dir.path().join(name).display().to_string();
    std::fs::create_dir_all(path("checkout/packaging/action")).unwrap();
    let args = path("args");
    job.test.executable("checkout/install.sh", &format!("#!/bin/sh\necho \"$@\" > '{args}'\n"));
    let github_env = job.test.file("github-env", "");
    let github_path = job.test.file("github-path", "");
    let vars = [
        ("GITHUB_ACTION_PATH", path("checkout/packaging/action")),
        ("GITHUB_ENV", github_env.display().to_string()),
        ("GITHUB_PATH", github_path.display().to_string()),
        ("RUNNER_TEMP", path("temp")),
        ("ZOHO_CLIENT_ID", source.sandbox.client_id().to_owned()),
        ("ZOHO_CLIENT_SECRET", source.sandbox.client_secret().to_owned()),
        ("ZOHO_REFRESH_TOKEN", source.sandbox.refresh_token().to_owned()),
        ("ZOHO_ACCOUNTS_URL", source.sandbox.url().to_owned()),
    ];
    job.vars.extend(vars.map(|(name, value)| (name.to_owned(), value)));
    let mut ran = 0;
    for step in action["runs"]["steps"].as_array().unwrap() {
        if step["shell"] == "bash" {
            ran += 1;
            job.step(step["run"].as_str().unwrap(), &step["env"], &source);
        }
    }
    assert_eq!(ran, 2);
    let release = "--release https://github.com/OWNER/zoho-cred/releases/download/v1.2.3 --to ";
    let to = job.test.dir.path().join("temp/zoho-cred/bin").display().to_string();
    assert_eq!(std::fs::read_to_string(args).unwrap(), format!("{release}{to}\n"));
    assert_eq!(std::fs::read_to_string(github_path).unwrap(), format!("{to}\n"));
    job.vars.extend(read_github_env(&std::fs::read_to_string(github_env).unwrap()));
    let token = job.value("ZOHO_ACCESS_TOKEN").to_owned();
    is_clean(&job.log, &token, &format!("::add-mask::{token}\n"), &source);
}

/// The GitLab component verifies the release, and leaves the token in a file for curl.
#[test]
fn the_gitlab_component() {
    let Some(python) = tools() else { return };
    let test = Test::new();
    let name = "zoho-cred-x86_64-unknown-linux-musl";
    for folder in ["bin", "release", &format!("release/{name}")] {
        std::fs::create_dir(test.dir.path().join(folder)).unwrap();
    }
    std::os::unix::fs::symlink(PROGRAM, test.dir.path().join(format!("release/{name}/zoho-cred"))).unwrap();
    let curl = "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\ncp \"../release.tar.gz\" \"$2\"\n";
    test.executable("bin/curl", curl);
    let path = format!("{}/bin:{}", test.dir.path().display(), std::env::var("PATH").unwrap());
    let test = test.var("PATH", &path);
    let shell = |script: &str| run(&test, "bash", &["-e", "-o", "pipefail", "-c", script]);
    let pack =
        format!("tar -czf release.tar.gz -C release {name} && sha256sum release.tar.gz && mkdir job other");
    let sum = shell(&pack).ok()[..64].to_owned();
    let script = |sum: &str| {
        let text = include_str!("../../packaging/gitlab/zoho-token.yml").split("---\n").nth(1).unwrap();
        let text = text.replace("$[[ inputs.sha256 ]]", sum);
        let job = yaml(&python, &text.replace("$[[ inputs.release ]]", "https://releases.example/v1"));
        job[".zoho-token"]["before_script"][0].as_str().unwrap().to_owned()
    };
    let outcome = shell(&format!("cd job\n{}", script(&sum)));
    outcome.exits(0);
    let token = test.token();
    let header = std::fs::read_to_string(test.dir.path().join("job/.zoho/curl")).unwrap();
    assert!(header.contains(&token) && !outcome.stdout.contains(&token), "{header}");
    assert_ne!(shell(&format!("cd other\n{}", script(&"0".repeat(64)))).code, 0);
    assert!(!test.dir.path().join("other/.zoho").exists());
}
