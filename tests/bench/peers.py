"""The peers tests/bench/run measures: programs of others that print a stored credential, each with one stored."""

import http.server, json, os, select, shlex, shutil, subprocess, sys, threading
from functools import cached_property
from pathlib import Path

# What has them in Debian and what they need.
PACKAGES = ("git", "gh", "python3-venv", "oidc-agent-cli", "golang-docker-credential-helpers", "dbus", "gnome-keyring")
# What each of them has stored and must print.
SECRET = "1000." + "a" * 32 + "." + "b" * 32
URL = "https://example.test"


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


class Provider(http.server.BaseHTTPRequestHandler):
    """The least of an OpenID provider: its discovery document, and a token of an hour for every request for one."""

    def do_GET(self):
        issuer = f"http://{self.headers['Host']}"
        self.answer({"issuer": issuer, "authorization_endpoint": issuer + "/auth", "token_endpoint": issuer + "/token",
                     "scopes_supported": ["openid", "offline_access"], "response_types_supported": ["code"],
                     "grant_types_supported": ["authorization_code", "refresh_token"]})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer({"access_token": SECRET, "token_type": "Bearer", "expires_in": 3600, "refresh_token": "refresh",
                     "scope": "openid offline_access"})

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Peers:
    """Prepares each peer in `folder`, with the home of `env`; what it starts ends with `stack`, an ExitStack.

    A peer is prepared as its command, its environment, and where it matters the file that is its standard input.
    """

    def __init__(self, folder, env, stack):
        self.folder, self.stack = folder, stack
        for name in ("run", "oidc", "cache"):
            (folder / name).mkdir(mode=0o700)
        self.env = {**env, "XDG_RUNTIME_DIR": str(folder / "run"), "TMPDIR": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}

    def prepared(self):
        """The peers that print their secret here, and why the others do not."""
        rows = {
            "git credential-store": self.git_store, "git credential-cache": self.git_cache, "gh auth token": self.gh,
            "oidc-token": self.oidc_token, "docker-credential-secretservice": self.docker,
            "Python keyring (file)": self.keyring_file, "Python keyring (Secret Service)": self.keyring_service,
            "Zoho Python SDK FileStore": self.file_store,
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

    def oidc_token(self):
        """An account that the agent has loaded and fetched a token for. The provider is gone when it is asked."""
        token, generate = program("oidc-token"), program("oidc-gen")
        env = {**self.env, "OIDC_CONFIG_DIR": str(self.folder / "oidc")}
        script = 'eval "$(oidc-agent)" > /dev/null && echo "$OIDC_SOCK" && cat; kill "$OIDCD_PID"'
        env["OIDC_SOCK"] = self.running(script, env)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
            threading.Thread(target=server.serve_forever).start()
            try:
                output([generate, "bench", "--manual", "--no-save", "--issuer", f"http://127.0.0.1:{server.server_port}",
                        "--client-id", "bench", "--client-secret", "secret", "--flow", "refresh", "--rt", "refresh",
                        "--scope", "openid offline_access", "--redirect-uri", "http://localhost:4242",
                        "--prompt", "none", "--confirm-yes"], env)
            finally:
                server.shutdown()
        return [token, "bench"], env

    @cached_property
    def bus(self):
        """The environment of a bus of its own with an open Secret Service."""
        program("gnome-keyring-daemon")
        env = {**self.env, "DBUS_SESSION_BUS_ADDRESS": ""}
        script = "printf pass | gnome-keyring-daemon --unlock --components=secrets > /dev/null && " \
                 'echo "$DBUS_SESSION_BUS_ADDRESS" && exec cat'
        return {**env, "DBUS_SESSION_BUS_ADDRESS": self.running(script, env, program("dbus-run-session"), "--")}

    def docker(self):
        docker = program("docker-credential-secretservice")
        output([docker, "store"], self.bus, json.dumps({"ServerURL": URL, "Username": "me", "Secret": SECRET}))
        return [docker, "get"], self.bus, self.file("url", URL)

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

    def keyring_service(self):
        return self.keyring("keyring.backends.SecretService.Keyring", self.bus)

    def file_store(self):
        columns = "id,user_name,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_url,api_domain"
        tokens = self.file("tokens.csv", f"{columns}\n1,me,1000.BENCH,secret,1000.refresh,{SECRET},,,,https://www.zohoapis.jp\n")
        script = "from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore\n" \
                 f"print(FileStore({str(tokens)!r}).find_token_by_id('1').get_access_token())"
        return [self.python, "-c", script], self.env
