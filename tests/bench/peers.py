"""The peers tests/bench/run measures: programs of others that print a stored credential, each with one stored."""

import os, select, shlex, shutil, subprocess, sys
from functools import cached_property
from pathlib import Path

# What has them in Debian and what they need.
PACKAGES = ("git", "gh", "python3-venv")
# What each of them has stored and must print.
SECRET = "1000." + "a" * 32 + "." + "b" * 32


class Missing(Exception):
    """Why a peer cannot be measured here."""


def program(name, path=None):
    found = shutil.which(name, path=path)
    if not found:
        raise Missing(f"no program {name}")
    return found


def output(argv, env, given="", within=60):
    done = subprocess.run(argv, env=env, input=given, capture_output=True, text=True, timeout=within)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise Missing(f"{Path(argv[0]).name} ended with {done.returncode} and said: {last}")
    return done.stdout


class Peers:
    """Prepares each peer in `folder`, with the home of `env`; what it starts ends with `stack`, an ExitStack.

    A peer is prepared as its command, its environment, and where it matters the file that is its standard input.
    """

    def __init__(self, folder, env, stack):
        self.folder, self.stack = folder, stack
        for name in ("run", "cache"):
            (folder / name).mkdir(mode=0o700)
        self.env = {**env, "XDG_RUNTIME_DIR": str(folder / "run"), "TMPDIR": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}

    def prepared(self):
        """The peers that print their secret here, and why the others do not."""
        rows = {
            "git credential-store": self.git_store, "git credential-cache": self.git_cache, "gh auth token": self.gh,
            "Python keyring (file)": self.keyring_file, "Zoho Python SDK FileStore": self.file_store,
        }
        found, missing = {}, {}
        for name, prepare in rows.items():
            try:
                argv, env, *stdin = call = prepare()
                if SECRET not in output(argv, env, stdin[0].read_text() if stdin else ""):
                    raise Missing("it does not print what was stored")
                found[name] = call
            except (Missing, OSError, subprocess.TimeoutExpired) as why:
                missing[name] = why
        return found, missing

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def running(self, script, env, *before):
        """Runs a shell script until the end. It prints a line once it is ready, and ends with its standard input:
        so it also ends where we are killed, and in a session of its own an interrupt does not keep it from clearing up."""
        process = subprocess.Popen([*before, program("sh"), "-c", script], env=env, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)

        def end():
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        self.stack.callback(end)
        line = process.stdout.readline().strip() if select.select([process.stdout], [], [], 30)[0] else ""
        if not line:
            raise Missing(f"it did not start: {script}")
        return line

    def git(self, name):
        core = output([program("git"), "--exec-path"], self.env).strip()
        return program("git-credential-" + name, core), self.file("ask", "protocol=https\nhost=example.test\n\n")

    def git_store(self):
        git, ask = self.git("store")
        Path(self.env["HOME"], ".git-credentials").write_text(f"https://me:{SECRET}@example.test\n")
        return [git, "get"], self.env, ask

    def git_cache(self):
        git, ask = self.git("cache")
        cache = [git, "--socket", str(self.folder / "cache/socket")]
        given = self.file("given", f"{ask.read_text().strip()}\nusername=me\npassword={SECRET}\n\n")
        store = f"{shlex.join(cache)} --timeout 3600 store < {shlex.quote(str(given))}"
        self.running(f"{store} && echo ready && cat; {shlex.join(cache)} exit", self.env)
        return [*cache, "get"], self.env, ask

    def gh(self):
        (self.folder / "gh").mkdir()
        self.file("gh/hosts.yml", f"github.com:\n    oauth_token: {SECRET}\n    user: me\n")
        return [program("gh"), "auth", "token"], {**self.env, "GH_CONFIG_DIR": str(self.folder / "gh")}

    @cached_property
    def python(self):
        venv = self.folder / "venv"
        output([sys.executable, "-m", "venv", str(venv)], os.environ, within=300)
        python = str(venv / "bin/python")
        output([python, "-m", "pip", "install", "-q", "keyring", "keyrings.alt", "zohocrmsdk8_0"], os.environ, within=900)
        return python

    def keyring(self, backend, env):
        keyring, env = [self.python, "-m", "keyring"], {**env, "PYTHON_KEYRING_BACKEND": backend}
        output([*keyring, "set", "zoho", "me"], env, SECRET + "\n")
        return [*keyring, "get", "zoho", "me"], env

    def keyring_file(self):
        return self.keyring("keyrings.alt.file.PlaintextKeyring", self.env)

    def file_store(self):
        columns = "id,user_name,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_url,api_domain"
        tokens = self.file("tokens.csv", f"{columns}\n1,me,1000.BENCH,secret,1000.refresh,{SECRET},,,,https://www.zohoapis.jp\n")
        script = "from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore\n" \
                 f"print(FileStore({str(tokens)!r}).find_token_by_id('1').get_access_token())"
        return [self.python, "-c", script], self.env
