//! Secrets in a real Secret Service (gnome-keyring on its own D-Bus), and the errors when it is unavailable.

use crate::harness::{Outcome, Test, files_below};
use crate::world::{command, have_all, on_path, run};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::process::{Child, Stdio};
use std::time::Duration;

/// Upper bound for a call with an unavailable keyring.
const BOUND: Duration = Duration::from_secs(15);

const LOGIN: &str = "zoho-cred login crm --flow refresh-token --secrets keyring --no-verify";
const UNSET: &str = "unset ZOHO_CLIENT_ID ZOHO_CLIENT_SECRET ZOHO_REFRESH_TOKEN ZOHO_ACCOUNTS_URL";
pub const UNLOCK: &str = "printf pass | gnome-keyring-daemon --unlock --components=secrets > /dev/null 2>&1";
const LOCK: &str = "dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets \
                    org.freedesktop.Secret.Service.Lock array:objpath:/org/freedesktop/secrets/collection/login \
                    > /dev/null";

pub fn have_keyring() -> bool {
    have_all(&["bash", "dbus-run-session", "dbus-send", "gnome-keyring-daemon", "secret-tool"])
}

/// An environment with our program on PATH, without a display, and with only the D-Bus that a test provides.
fn world() -> Option<Test> {
    have_keyring().then(|| apart(Test::new()))
}

pub fn apart(test: Test) -> Test {
    let mut test = on_path(test);
    let runtime = test.dir.path().join("run");
    std::fs::create_dir(&runtime).unwrap();
    test.set("XDG_RUNTIME_DIR", runtime.to_str().unwrap());
    test.set("DBUS_SESSION_BUS_ADDRESS", &format!("unix:path={}", runtime.join("nobody").display()));
    test
}

/// A D-Bus with an unlocked keyring, until this is dropped.
pub struct Open {
    session: Child,
}

impl Open {
    pub fn keyring(test: &mut Test) -> Self {
        let script = format!("{UNLOCK}; echo $DBUS_SESSION_BUS_ADDRESS; exec cat");
        let mut session =
            command(test, "dbus-run-session", &["--", "bash", "-euo", "pipefail", "-c", &script]);
        let mut session = session.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(session.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
        test.set("DBUS_SESSION_BUS_ADDRESS", address.trim());
        Open { session }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(self.session.stdin.take());
        let _ = self.session.wait();
    }
}

/// Runs a script on its own D-Bus.
fn on_bus(test: &Test, script: &str) -> Outcome {
    run(test, "dbus-run-session", &["--", "bash", "-euo", "pipefail", "-c", script])
}

/// Runs a script on a D-Bus with only these services.
fn on_bare_bus(test: &Test, services: &str, script: &str) -> Outcome {
    let folder = test.dir.path().join("services");
    std::fs::create_dir(&folder).unwrap();
    if !services.is_empty() {
        std::fs::write(folder.join("org.freedesktop.secrets.service"), services).unwrap();
    }
    let config = test.file(
        "bus.conf",
        &format!(
            "<busconfig><type>session</type><listen>unix:tmpdir={}</listen><servicedir>{}</servicedir>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            test.dir.path().display(),
            folder.display()
        ),
    );
    let config = format!("--config-file={}", config.display());
    run(test, "dbus-run-session", &[&config, "--", "bash", "-euo", "pipefail", "-c", script])
}

/// Asserts that no file in the test's directory contains a secret.
#[track_caller]
fn nothing_in_plain_files(test: &Test) {
    for file in files_below(test.dir.path()) {
        let Ok(bytes) = std::fs::read(&file) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        assert!(!test.canaries().iter().any(|secret| text.contains(secret)), "{}", file.display());
    }
}

/// Asserts that the login failed in time with a cause and a hint, and left no files.
#[track_caller]
fn refused(test: &Test, outcome: &Outcome, words: &str) {
    outcome.exits(74).says("error[store]").says(words).says("--secrets file").within(BOUND);
    assert!(!test.config().exists() && files_below(&test.state().join("secrets")).is_empty());
    nothing_in_plain_files(test);
}

#[test]
fn secrets_are_stored_read_back_and_gone_after_logout() {
    let Some(test) = world() else { return };
    let found = "secret-tool search --all service zoho-cred 2>&1 | grep -c '^secret = ' || true";
    let outcome = on_bus(
        &test,
        &format!(
            "{UNLOCK}; {LOGIN}; {UNSET}; zoho-cred get crm > token; {found}; zoho-cred get crm --refresh > token2; \
             zoho-cred logout crm; {found}; zoho-cred get crm && exit 1; test $? = 77"
        ),
    );
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, "2\n0\n"), "{outcome:?}");
    outcome.says("its refresh token is revoked");
    assert!(std::fs::read_to_string(test.dir.path().join("token2")).unwrap().starts_with("1000."));
    assert_eq!(test.sandbox.token_requests(), 2, "both came by the secrets of the keyring");
    nothing_in_plain_files(&test);
}

/// The program reads and sends nothing where the profile's accounts server is not the one that the secrets are for.
#[test]
fn an_edited_accounts_server_gets_nothing_out_of_the_keyring() {
    let Some(test) = world() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = format!("http://{}", listener.local_addr().unwrap());
    let edit = format!("sed -i 's|{}|{elsewhere}|' '{}'", test.sandbox.url(), test.config().display());
    // A read of an item shows as GetSecret or GetSecrets on the bus.
    let watch = "dbus-monitor --session \"type='method_call',interface='org.freedesktop.Secret.Service'\" \
                 \"type='method_call',interface='org.freedesktop.Secret.Item'\" > calls & monitor=$!; \
                 until test -s calls; do sleep 0.05; done";
    let attempts = "for args in get 'get --refresh' 'exec -- true' 'logout crm' 'profile remove crm' status; do \
                    code=0; zoho-cred $args >> out 2>> err || code=$?; echo $code; done; \
                    echo 1000.a.b | zoho-cred reject || echo $?";
    let outcome = on_bus(
        &test,
        &format!(
            "{UNLOCK}; {LOGIN}; {UNSET}; cd '{}'; {watch}; zoho-cred get crm --refresh > token; \
             until grep -q GetSecret calls; do sleep 0.05; done; before=$(grep -c GetSecret calls); \
             {edit}; {attempts}; kill $monitor; wait; echo $(($(grep -c GetSecret calls) - before))",
            test.dir.path().display()
        ),
    );
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (0, "77\n77\n77\n77\n77\n77\n77\n0\n"),
        "{outcome:?}"
    );
    let said = std::fs::read_to_string(test.dir.path().join("err")).unwrap();
    assert!(said.contains("settings changed since the login"), "{said}");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "somebody connected");
    assert_eq!(test.sandbox.token_requests(), 1, "only the token before the edit");
    assert!(!test.sandbox.log().iter().any(|entry| entry.path.contains("revoke")));
}

#[test]
fn a_local_logout_without_the_keyring_is_completed_by_the_next_login() {
    let Some(test) = world() else { return };
    let found = "secret-tool search --all service zoho-cred 2>&1 | grep -c '^secret = ' || true";
    let gone = "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent";
    let outcome = on_bus(
        &test,
        &format!(
            "{UNLOCK}; {LOGIN}; {gone} zoho-cred logout crm && exit 1; {gone} zoho-cred logout crm --local; {found}; \
             {LOGIN}; {found}"
        ),
    );
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, "2\n2\n"), "{outcome:?}");
    outcome.says("its next login tries again");
}

#[test]
fn a_second_login_leaves_no_old_items_and_a_new_name_is_in_the_labels() {
    let Some(test) = world() else { return };
    let found = "secret-tool search --all service zoho-cred 2>&1 | grep '^label = ' | sort";
    let rename = "zoho-cred profile rename crm sales";
    let outcome = on_bus(&test, &format!("{UNLOCK}; {LOGIN}; {LOGIN}; {found}; {rename}; {found}"));
    let labels = "label = zoho-cred crm (client secret)\nlabel = zoho-cred crm (refresh token)\n";
    let both = labels.to_owned() + &labels.replace("crm", "sales");
    assert_eq!((outcome.code, outcome.stdout), (0, both));
    // The bus of this test is not the one that systemd starts.
    assert!(outcome.stderr.contains("cron and systemd cannot reach"), "{}", outcome.stderr);
}

#[test]
fn a_locked_keyring_says_so_and_is_not_needed_while_the_token_is_fresh() {
    let Some(test) = world() else { return };
    let script = format!("{UNLOCK}; {LOGIN}; {UNSET}; zoho-cred get crm; {LOCK}; zoho-cred get crm; ");
    let outcome = on_bus(&test, &(script + "zoho-cred get crm --refresh"));
    outcome.exits(74);
    let tokens: Vec<_> = outcome.stdout.lines().collect();
    assert!(tokens.len() == 2 && tokens[0] == tokens[1], "{outcome:?}");
    outcome.says("error[store]: the keyring is locked");
    assert!(outcome.took < BOUND, "{outcome:?}");
    nothing_in_plain_files(&test);
}

#[test]
fn an_item_that_somebody_removed_is_a_message_of_its_own() {
    let Some(test) = world() else { return };
    let script =
        format!("{UNLOCK}; {LOGIN}; {UNSET}; secret-tool clear service zoho-cred; zoho-cred get crm");
    on_bus(&test, &script).failed(77, "login_required").says("no longer in its keyring store");
}

#[test]
fn a_bus_without_a_keyring_says_so() {
    let Some(test) = world() else { return };
    refused(&test, &on_bare_bus(&test, "", LOGIN), "no keyring service can be reached");
}

#[test]
fn a_keyring_that_never_starts_is_not_waited_for() {
    let Some(test) = world() else { return };
    let service = "[D-BUS Service]\nName=org.freedesktop.secrets\nExec=/bin/sleep 20\n";
    refused(&test, &on_bare_bus(&test, service, LOGIN), "the keyring did not answer within 2 s");
}

/// A bus that accepts connections, and answers none.
fn silent(test: &mut Test) -> UnixListener {
    let socket = test.dir.path().join("run/silent");
    test.set("DBUS_SESSION_BUS_ADDRESS", &format!("unix:path={}", socket.display()));
    UnixListener::bind(socket).unwrap()
}

#[test]
fn a_bus_that_never_answers_is_not_waited_for_and_without_one_no_keyring_can_be_reached() {
    let mut test = apart(Test::new());
    let login = LOGIN.strip_prefix("zoho-cred ").unwrap();
    refused(&test, &test.run(login), "no keyring service can be reached");
    let _bus = silent(&mut test);
    refused(&test, &test.run(login), "the keyring did not answer within 2 s");
}

#[test]
fn at_a_terminal_a_person_is_told_what_is_waited_for() {
    if !have_all(&["bash", "timeout", "script"]) {
        return;
    }
    let mut test = apart(Test::new());
    let _bus = silent(&mut test);
    let outcome = run(&test, "timeout", &["5", "script", "-qec", LOGIN, "/dev/null"]);
    let told = outcome.stdout.matches("waiting for the keyring to be unlocked").count();
    assert_eq!(told, 1, "{outcome:?}");
    assert!(!outcome.stdout.contains("did not answer"), "a person has a minute: {outcome:?}");
}

/// Nor is anything stored.
#[test]
fn nothing_is_asked_of_zoho_before_the_keyring_takes_a_secret() {
    let spends = LOGIN.replace(" --no-verify", "");
    for locked in [true, false] {
        let Some(test) = world() else { return };
        let begin = if locked { format!("{UNLOCK}; {LOCK}; ") } else { String::new() };
        let outcome = on_bus(&test, &(begin + &spends));
        refused(&test, &outcome, if locked { "the keyring is locked" } else { "no default collection" });
        assert_eq!(test.sandbox.token_requests(), 0, "what Zoho grants would be lost");
    }
}
