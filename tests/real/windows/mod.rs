//! The Windows program under Wine. What Wine cannot prove is in `docs/contributing.md`. The login flows are in
//! `every_flow.rs`.

use crate::harness::{Outcome, PROGRAM, Running, Test, files_below, one_token, or_skipped, until};
use crate::person::Person;
use crate::world::run;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use zoho_cred::sandbox::ClientKind;

const WINE: &str = "/usr/lib/wine/wine64";

/// Where `tests/wine` puts what it builds.
fn home() -> PathBuf {
    Path::new(PROGRAM).ancestors().nth(2).unwrap().join("wine")
}

/// Under Wine, the folder above decides who may use a new folder, even without inheritance.
fn close(folder: &Path) {
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o700)).unwrap();
}

/// Makes the test run the Windows program. If `tests/wine` has not built it, the test prints that it is skipped, or fails
/// if `CI=true`.
pub fn under_wine(mut test: Test) -> Option<Test> {
    let home = home();
    if !or_skipped(home.join("ready").exists(), "tests/wine has not built the Windows program") {
        return None;
    }
    close(test.dir.path());
    test.program = vec![WINE.into(), home.join("zoho-cred.exe")];
    let config = test.config().display().to_string();
    let prefix = home.join("prefix").display().to_string();
    let vars =
        [("WINEPREFIX", &*prefix), ("WINEDEBUG", "-all"), ("LANG", "C.UTF-8"), ("ZOHO_CRED_CONFIG", &config)];
    vars.into_iter().for_each(|(name, value)| test.set(name, value));
    Some(test)
}

/// A test with the Windows program and a profile `crm`, whose secrets are in files or in Credential Manager.
fn with_profile(secrets: &str) -> Option<Test> {
    let test = under_wine(Test::new())?.without_environment();
    log_in(&test, secrets, test.sandbox.refresh_token()).ok();
    Some(test)
}

fn log_in(test: &Test, secrets: &str, refresh_token: &str) -> Outcome {
    let login =
        test.login("crm", ClientKind::Any).args("--flow refresh-token --no-verify --secrets").arg(secrets);
    login.file("--refresh-token-file", refresh_token).run()
}

/// A path as the Windows program sees it.
fn windows(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', "\\")
}

/// Runs commands of `cmd`.
fn cmd(test: &Test, commands: &str) -> Outcome {
    let program = windows(&home().join("zoho-cred.exe"));
    let commands = commands.replace("zoho-cred", &program);
    let mut command = Command::new(WINE);
    command.args(["cmd", "/c", &commands]).env_clear().envs(test.vars());
    test.start(command).wait()
}

/// The same tests with secrets in files and in Credential Manager.
macro_rules! tests {
    ($($test:ident),+) => {
        mod files {
            $(#[test]
            fn $test() {
                super::$test("file");
            })+
        }
        mod in_credential_manager {
            $(#[test]
            fn $test() {
                super::$test("keyring");
            })+
        }
    };
}

tests!(
    fifty_callers_send_one_request,
    callers_after_a_reject_send_one_request,
    callers_take_over_from_a_killed_holder,
    doctor_checks_the_access_list,
    exec_passes_arguments_and_the_code_unchanged,
    the_folders_of_the_user_may_have_any_name,
    a_japanese_system_gets_japanese_text,
    the_guide
);

fn fifty_callers_send_one_request(secrets: &str) {
    let Some(test) = with_profile(secrets) else { return };
    test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(1)).unwrap();
    let outcomes = test.run_many(50, "get crm --timeout 2m");
    one_token(&outcomes);
    assert_eq!(test.sandbox.token_requests(), 1);
    assert!(outcomes.iter().all(|outcome| outcome.stderr.is_empty()), "{outcomes:?}");
}

/// Regression: a caller that read a file while it was replaced denied the replacing caller access, and was denied itself. It then
/// sent a request of its own, or ended with 74.
fn callers_after_a_reject_send_one_request(secrets: &str) {
    let Some(test) = with_profile(secrets) else { return };
    for round in 1..=3 {
        let outcomes = test.run_many(12, "get crm --timeout 2m");
        let token = one_token(&outcomes);
        assert_eq!(test.sandbox.token_requests(), round, "{outcomes:?}");
        assert!(test.sandbox.kill_token(&token));
        test.run_with_stdin("reject crm", token.as_bytes()).ok();
    }
}

/// Others wait for a holder that has sent its request, and are told who it is. When it is killed, one of them sends a second
/// request for all. The first one stays counted.
fn callers_take_over_from_a_killed_holder(secrets: &str) {
    let Some(test) = with_profile(secrets) else { return };
    test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(9)).unwrap();
    let holder = test.call("get crm").start();
    until("the holder's request", || test.sandbox.token_requests() == 1);
    holder.signal("STOP");
    test.sandbox.set_limits(|limits| limits.latency = Duration::ZERO).unwrap();
    let status = || test.json("status crm");
    let pid = status()["lock"]["pid"].as_u64().unwrap();
    let holds = format!("process {pid} is refreshing the token");
    test.run("get crm --timeout 1s").failed_with(75, "busy", &holds);
    let callers: Vec<_> = (0..8).map(|_| test.call("get crm --timeout 2m -vv").start()).collect();
    for caller in &callers {
        until("the caller", || caller.stderr().contains("no token is cached"));
    }
    let killed = Instant::now();
    holder.kill();
    let outcomes: Vec<_> = callers.into_iter().map(Running::wait).collect();
    let took = killed.elapsed();
    let token = outcomes[0].stdout.clone();
    assert!(token.starts_with("1000."), "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| outcome.code == 0 && outcome.stdout == token), "{outcomes:?}");
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert_eq!(test.sandbox.token_requests(), 2);
    let status = status();
    assert_eq!((&status["budget"]["used"], &status["lock"]["held"]), (&2.into(), &false.into()), "{status}");
}

#[test]
fn watch_restores_its_file() {
    let Some(test) = with_profile("file") else { return };
    let file = test.dir.path().join("token");
    let path = windows(&file);
    let watch = test.call(["get", "crm", "--output-file", &path, "--watch"]).start();
    let token = || std::fs::read_to_string(&file).unwrap_or_default().trim().to_owned();
    until("the token", || !token().is_empty());
    let first = token();
    std::fs::write(&file, "changed").unwrap();
    until("the token again", || token() == first);
    watch.kill();
    assert_eq!(test.sandbox.token_requests(), 1);
}

fn doctor_checks_the_access_list(secrets: &str) {
    let Some(test) = with_profile(secrets) else { return };
    test.run("get crm").ok();
    let report = test.run("doctor crm -o json");
    for (check, status) in
        [("file modes", "ok"), ("file system", "skipped"), ("lock", "ok"), ("secrets", "ok")]
    {
        assert_eq!(report.finding(check).0, status, "{report:?}");
    }
    run(&test, "chmod", &["-R", "o+rwx", test.state().to_str().unwrap()]).exits(0);
    test.run("doctor crm -o json").found("file modes", "failed", "icacls");
}

fn exec_passes_arguments_and_the_code_unchanged(secrets: &str) {
    let Some(mut test) = with_profile(secrets) else { return };
    let token = test.run("get crm").ok().to_owned();
    let hostile = ["a b", "", "\"", "a\\\\\" b\\", "%PATH%", "^&|<>()!", "山田 太郎", "'$(x)`", "--", "*"];
    let args = windows(&home().join("args.exe"));
    let outcome = test.call(["exec", "crm", "--", &args]).args(hostile).run();
    let expected = hostile.map(|arg| format!("{arg}\r\n")).concat();
    assert_eq!(outcome.stdout, format!("{expected}{token}\r\nno refresh token\r\n"), "{outcome:?}");
    // Linux passes on the low byte of a Windows program's code.
    assert_eq!(outcome.code, 300 & 0xff);

    // A batch file is found without its ending. cmd reads its arguments, so no argument may end one and begin a command.
    let folder = test.dir.path().join("bin");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("tool.cmd"), format!("@\"{args}\" %*\r\n")).unwrap();
    test.set("WINEPATH", &windows(&folder));
    let outcome = test.run(["exec", "crm", "--", "tool", "a b", "plain"]);
    assert!(outcome.stdout.starts_with("a b\r\nplain\r\n"), "{outcome:?}");
    for arg in ["\"&args.exe injected", "%CD:~,1%&args.exe injected"] {
        let outcome = test.run(["exec", "crm", "--", "tool", arg]);
        assert!(!outcome.stdout.lines().any(|line| line == "injected"), "{outcome:?}");
    }
    test.run("exec crm -- no-such-tool").failed(127, "command");
}

/// The names are those that `docs/windows.md` tells. Credentials of this computer do not roam.
#[test]
fn credential_manager_keeps_the_secrets() {
    let Some(test) = with_profile("keyring") else { return };
    log_in(&test, "keyring", &"x".repeat(2561)).failed(74, "store").says("too long for the keyring");
    let record = files_below(&test.state().join("secrets"));
    let [record] = &record[..] else { panic!("{record:?}") };
    let record = std::fs::read_to_string(record).unwrap();
    assert!(!record.contains(test.sandbox.refresh_token()) && !record.contains(test.sandbox.client_secret()));
    let has = |kind: &str| {
        let item = record.split('"').find(|word| word.starts_with(kind)).unwrap();
        let key = format!("HKCU\\Software\\Wine\\Credential Manager\\Generic: {item}.zoho-cred");
        run(&test, WINE, &["reg", "query", &key, "/v", "Persist"]).stdout.contains("0x2")
    };
    assert!(has("refresh-token-") && has("client-secret-"));
    test.run("logout crm --local").ok();
    assert!(!has("refresh-token-") && !has("client-secret-"));
    test.run("get crm").failed(77, "login_required");
}

/// The default folders, for a user whose name has a space and Japanese characters.
fn the_folders_of_the_user_may_have_any_name(secrets: &str) {
    let Some(test) = under_wine(Test::new()) else { return };
    let home = test.dir.path().join("山田 太郎");
    std::fs::create_dir_all(home.join("Local")).unwrap();
    close(&home.join("Local"));
    let test = test.unset("ZOHO_CRED_CONFIG").unset("ZOHO_CRED_STATE_DIR");
    let folders = format!("set APPDATA={0}\\Roaming&& set LOCALAPPDATA={0}\\Local", windows(&home));
    let (id, url) = (test.sandbox.client_id(), test.sandbox.url());
    let [secret, token] =
        [("secret", test.sandbox.client_secret()), ("refresh", test.sandbox.refresh_token())]
            .map(|(name, text)| windows(&test.file(name, text)));
    let login = format!(
        "{folders}&& zoho-cred login crm --flow refresh-token --secrets {secrets} --no-verify --accounts-url {url} \
         --client-id {id} --client-secret-file {secret} --refresh-token-file {token}"
    );
    cmd(&test, &login).ok();
    let printed = cmd(&test, &format!("{folders}&& zoho-cred get crm"));
    assert!(printed.ok().starts_with("1000."), "{printed:?}");
    assert!(home.join("Roaming/zoho-cred/config.toml").is_file());
    assert!(home.join("Local/zoho-cred/credentials").is_dir());
}

/// A console shows the language of the system. A file gets it only from `LANG`, as nobody knows the encoding of its reader.
fn a_japanese_system_gets_japanese_text(secrets: &str) {
    let Some(mut test) = with_profile(secrets) else { return };
    let japanese = "プロファイル「other」はありません";
    test.set("LANG", "ja_JP.UTF-8");
    test.set("LOCPATH", home().join("locale").to_str().unwrap());
    test.set("TERM", "xterm");
    // Wine takes the system's language from its own variable.
    let program = test.program.splice(1.., ["cmd".into(), "/c".into()]).next().unwrap();
    let alone = format!("set LANG=&& {} get other", windows(&program));
    let (code, shown) = Person::calls(&test, [&*alone]).leaves();
    let shown = String::from_utf8(shown.chars().map(|byte| byte as u8).collect()).unwrap();
    assert!(code == 78 && shown.contains(japanese), "{code}: {shown}");
    let unknown = test.run([&*alone]);
    unknown.says("no profile 'other'");
    let unknown = cmd(&test, "zoho-cred get other");
    unknown.says(japanese);
}

/// Runs the commands of `docs/windows.md` in order, with the sandbox instead of Zoho, and compares those of the Japanese page.
fn the_guide(secrets: &str) {
    let Some(mut test) = under_wine(Test::new()) else { return };
    let blocks = |page: &str| {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
        let blocks =
            text.split("```bat\n").skip(1).map(|block| block.split("```").next().unwrap().to_owned());
        blocks.collect::<String>()
    };
    let commands = blocks("docs/windows.md");
    assert_eq!(commands, blocks("docs/ja/windows.md"));
    let login = format!(
        "login crm --accounts-url {} --client-id {} --client-secret-file {} --refresh-token-file {} --flow refresh-token --secrets {secrets}",
        test.sandbox.url(),
        test.sandbox.client_id(),
        windows(&test.file("secret", test.sandbox.client_secret())),
        windows(&test.file("refresh", test.sandbox.refresh_token())),
    );
    // curl is a part of Windows, but not of Wine, which runs that of Linux and does not wait for its end.
    let leads = test.dir.path().join("leads");
    let bin = test.dir.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink("/usr/bin/curl", bin.join("curl.exe")).unwrap();
    test.set("WINEPATH", &windows(&bin));
    let api = test.sandbox.api_domain().to_owned();
    let test = test.without_environment();
    let program = windows(&home().join("zoho-cred.exe"));
    let mut printed = String::new();
    for command in commands.lines() {
        let real = command
            .replace("login crm --data-center jp --scope ZohoCRM.modules.ALL", &login)
            .replace("https://www.zohoapis.jp", &api)
            .replace("curl -sS", &format!("curl -sS -o {}", leads.display()));
        assert!(!real.contains("zohoapis.jp") && !real.contains("--data-center"), "{real}");
        let batch = test.file("line.cmd", &format!("@{}\r\n", real.replace("zoho-cred", &program)));
        let outcome = cmd(&test, &windows(&batch));
        // The sandbox is no server that is expected in a data center, and the file system's kind is unknown.
        assert!(outcome.code == 0 || command.contains("doctor"), "{command}: {outcome:?}");
        printed += &outcome.stdout;
    }
    until("the record", || std::fs::read_to_string(&leads).is_ok_and(|text| text.contains("\"Last_Name\"")));
    for part in ["zoho-cred 0.", "ZOHO_API_DOMAIN=http", &format!("in {}", windows(&test.config()))] {
        assert!(printed.contains(part), "{part} in {printed}");
    }
}
