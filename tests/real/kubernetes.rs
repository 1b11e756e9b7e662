//! `setup kubernetes` and docs/kubernetes.md: validated against Kubernetes' schemas, and run in a root as kubelet makes it.

use crate::harness::{Outcome, PROGRAM, Running, Test, Tmpfs, have, root, set_mode, until};
use crate::world::{have_all, python, run, run_with, yaml};
use serde_json::Value;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;

/// What kubelet and the container runtime do: a read-only root with the program, an emptyDir, the pod's /dev/shm, the
/// mounted Secret, and a user without capabilities. Their folders are in the test's own.
const CONTAINER: &str = r#"
here=$1 program=$2 user=$3 groups=$4
shift 4
root=$here/root
mount -t tmpfs -o mode=755 tmpfs "$root"
mkdir -p "$root/usr" "$root/dev/shm" "$root/shared" "$root/etc/zoho-cred"
touch "$root/zoho-cred"
mount --bind "$program" "$root/zoho-cred"
mount --rbind /usr "$root/usr"
for lib in bin lib lib64; do
  if [ -L "/$lib" ]; then cp -a "/$lib" "$root/"; elif [ -d "/$lib" ]; then mkdir "$root/$lib"; mount --rbind "/$lib" "$root/$lib"; fi
done
mount --bind "$here/shared" "$root/shared"
mount --bind "$here/shm" "$root/dev/shm"
mount --bind "$here/secret" "$root/etc/zoho-cred"
mount -o remount,ro "$root"
exec chroot "$root" /usr/bin/setpriv --reuid "$user" --regid "$user" $groups --bounding-set=-all --inh-caps=-all \
  --no-new-privs "$@"
"#;

struct Pod {
    test: Test,
    sidecar: Value,
    _mounts: [Tmpfs; 2],
}

impl Pod {
    fn new() -> Option<Self> {
        let python = python("python")?;
        if !root() || !have_all(&["unshare", "setpriv", "chroot", "mount"]) {
            return None;
        }
        let test = Test::new();
        test.get().ok();
        let manifest = yaml(&python, &test.run("setup kubernetes").stdout);
        let sidecar = manifest["spec"]["template"]["spec"]["initContainers"][0].clone();
        let at = |name: &str| test.dir.path().join(name);
        let mounts = [Tmpfs::mount(&at("shared"), "mode=777")?, Tmpfs::mount(&at("shm"), "mode=1777")?];
        std::fs::create_dir(at("root")).unwrap();
        std::fs::create_dir(at("secret")).unwrap();
        for (name, secret) in
            [("client-secret", test.sandbox.client_secret()), ("refresh-token", test.sandbox.refresh_token())]
        {
            let file = test.file(&format!("secret/{name}"), secret);
            set_mode(file, 0o644);
        }
        Some(Pod { test, sidecar, _mounts: mounts })
    }

    fn shared(&self, name: &str) -> PathBuf {
        self.test.dir.path().join("shared").join(name)
    }

    fn container(&self, user: u64, groups: &str, command: &[&str]) -> Running {
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "sh", "-euc", CONTAINER, "sh"]).arg(self.test.dir.path());
        unshare.args([PROGRAM, &user.to_string(), groups]).args(command);
        // runc sets HOME to / if the image has no user database.
        unshare.env_clear().env("PATH", "/usr/bin:/usr/sbin:/bin:/sbin:/").env("HOME", "/");
        for variable in self.sidecar["env"].as_array().unwrap() {
            unshare.env(variable["name"].as_str().unwrap(), variable["value"].as_str().unwrap());
        }
        self.test.start(unshare)
    }

    /// Runs a command of the sidecar's manifest in its container.
    fn in_sidecar(&self, command: &Value) -> Running {
        let words: Vec<&str> =
            command.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        let user = &self.sidecar["securityContext"]["runAsUser"];
        self.container(user.as_u64().unwrap(), "--clear-groups", &words)
    }

    fn probe(&self, name: &str) -> Outcome {
        self.in_sidecar(&self.sidecar[name]["exec"]["command"]).wait()
    }

    fn token(&self) -> String {
        std::fs::read_to_string(self.shared("zoho-cred/token")).unwrap_or_default().trim().to_owned()
    }
}

#[test]
fn the_sidecar_runs_as_kubelet_runs_it() {
    let Some(pod) = Pod::new() else { return };
    let sidecar = &pod.sidecar;
    assert_eq!(pod.probe("startupProbe").code, 74, "it has not started");
    let running = pod.in_sidecar(&sidecar["command"]);
    until("a token", || !pod.token().is_empty());
    until("a health file", || pod.shared("zoho-cred/health").exists());
    for probe in ["startupProbe", "livenessProbe"] {
        pod.probe(probe).ok();
    }
    let found = |name: &str| {
        let found = std::fs::metadata(pod.shared(name)).unwrap();
        (found.mode() & 0o777, found.uid())
    };
    assert_eq!((found("zoho-cred/token"), found("zoho-cred")), ((0o640, 65534), (0o750, 65534)));

    // The app: another user in the pod's supplementary group. It reads the token, and rejects it without our program.
    let app = |groups: &str, script: &str| pod.container(1000, groups, &["sh", "-euc", script]).wait();
    let old = pod.token();
    assert_eq!(app("--groups=65534", "cat /shared/zoho-cred/token").ok(), old);
    assert_ne!(app("--clear-groups", "cat /shared/zoho-cred/token").code, 0);
    let page = include_str!("../../docs/kubernetes.md");
    let (_, report) = page.split_once("```sh\nprintf").unwrap();
    let (report, _) = report.split_once("```").unwrap();
    app("--groups=65534", &format!("TOKEN=$(cat /shared/zoho-cred/token); printf{report}")).ok();
    until("another token", || !["", &old].contains(&&*pod.token()));
    let new = pod.token();

    // A container that restarts goes on with the state in /dev/shm.
    let outcome = running.terminate();
    assert_eq!((outcome.code, &*outcome.stderr), (143, ""), "{outcome:?}");
    std::fs::remove_dir_all(pod.shared("zoho-cred")).unwrap();
    let running = pod.in_sidecar(&sidecar["command"]);
    until("the token", || pod.token() == new);
    running.terminate();
    // One request was the test's own, for `setup`.
    assert_eq!(pod.test.sandbox.token_requests(), 3);

    let mut direct = sidecar["command"].clone();
    for word in direct.as_array_mut().unwrap() {
        if word == "/shared/zoho-cred/token" {
            *word = "/shared/token".into();
        }
    }
    pod.in_sidecar(&direct).wait().failed(74, "store").says("use --output-file /shared/zoho-cred/token;");
}

/// The YAML blocks of a page.
fn blocks(page: &str) -> impl Iterator<Item = &str> {
    page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next())
}

#[test]
fn every_manifest_is_valid_for_kubernetes() {
    let Some(python) = python("kubernetes") else { return };
    let test = Test::new();
    test.get().ok();
    let pages = [include_str!("../../docs/kubernetes.md"), include_str!("../../docs/ja/kubernetes.md")];
    assert_eq!(blocks(pages[0]).collect::<Vec<_>>(), blocks(pages[1]).collect::<Vec<_>>());
    let mut manifests = vec![test.run("setup kubernetes").stdout, test.run("get -o k8s-secret").stdout];
    manifests.extend(blocks(pages[0]).filter(|block| block.starts_with("apiVersion")).map(str::to_owned));
    assert!(manifests.len() > 2);
    let program = python.with_file_name("kubernetes-validate");
    for manifest in &manifests {
        let file = test.file("manifest.yaml", manifest);
        for version in ["1.29.0", "1.37.0"] {
            let args = ["--strict", "-k", version, file.to_str().unwrap()];
            let outcome = run(&test, program.to_str().unwrap(), &args);
            assert_eq!(outcome.code, 0, "{outcome:?}\n{manifest}");
        }
    }
    let broken = test.file("manifest.yaml", &manifests[0].replace("startupProbe:", "startProbe:"));
    let outcome = run(&test, program.to_str().unwrap(), &["--strict", broken.to_str().unwrap()]);
    assert_ne!(outcome.code, 0, "the schema finds mistakes: {outcome:?}");
}

#[test]
fn kubectl_reads_the_secret() {
    if !have("kubectl") {
        return;
    }
    let test = Test::new();
    let token = test.token();
    let secret = test.run("get -o k8s-secret").ok().to_owned();
    let template = "go-template={{.metadata.name}} {{.data.token | base64decode}}";
    let args = ["label", "--local", "-f", "-", "app=importer", "-o", template];
    let outcome = run_with(&test, "kubectl", &args, &secret);
    assert_eq!(outcome.ok(), format!("zoho-env {token}"));
}

/// The container beside the sidecar in docs/kubernetes.md, with a cluster that fails at first.
#[test]
fn a_changed_secret_is_applied_once_it_can_be() {
    let test = Test::new();
    let shared = test.dir.path().join("shared");
    let page = include_str!("../../docs/kubernetes.md");
    let (_, script) = page.split_once("            - |\n").unwrap();
    let (script, _) = script.split_once("          env:").unwrap();
    let script = script.replace("/shared", shared.to_str().unwrap());
    let kubectl =
        "#!/bin/sh\n[ \"$1 $2 $3\" = 'apply --server-side -f' ] && cat \"$4\" >>../applied && [ -e ../up ]\n";
    let bin = test.dir.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    test.executable("bin/kubectl", kubectl);
    let secret = shared.join("zoho-cred/secret.json");
    let args = ["get", "--watch", "-o", "k8s-secret", "--output-file", secret.to_str().unwrap()];
    let sidecar = test.call(args).start();
    until("a secret", || secret.exists());
    let mut sh = Command::new("sh");
    sh.args(["-c", &script]).env_clear().env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    let sh = test.start(sh);
    let applied = || std::fs::read_to_string(shared.join("applied")).unwrap_or_default();
    let first = std::fs::read_to_string(&secret).unwrap();
    until("two attempts", || applied().starts_with(&first.repeat(2)));
    std::fs::write(shared.join("up"), "").unwrap();
    until("it to be applied", || shared.join("zoho-cred/applied").exists());
    let attempts = applied();
    test.run("get --refresh").ok();
    let second = || std::fs::read_to_string(&secret).unwrap();
    until("the next token", || second() != first && applied().ends_with(&second()));
    assert_eq!(applied(), attempts + &second(), "nothing is applied twice");
    for running in [sh, sidecar] {
        running.terminate();
    }
}
