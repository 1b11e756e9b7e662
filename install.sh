#!/bin/sh
# Builds zoho-cred from this checkout, or downloads a release, and installs it. See --help.
set -eu

programs='zoho-cred zoho-sandbox'
links='git-credential-zoho credential-helper-zoho' # zoho-cred chooses its protocol by the name it is called by

usage() {
  cat <<'EOF'
usage: ./install.sh [--to DIR] [--demo] [--debug | --release URL]
       ./install.sh [--to DIR] --uninstall

Builds zoho-cred and zoho-sandbox and installs them into DIR (default: ~/.local/bin), with the
links git-credential-zoho and credential-helper-zoho. If DIR ends in /bin, shell completions and
manual pages go to ../share. Nothing else is changed. Building needs Rust and a C compiler.

  --to DIR      install into DIR
  --demo        then run a demo against a sandbox on this machine: 50 concurrent callers,
                one token request, one API call
  --release URL download a release instead of building. URL is the folder of its files, such as
                https://github.com/OWNER/zoho-cred/releases/download/v1.0.0; https only, redirects
                included. The checksum is always verified; the build attestation is verified with
                the GitHub CLI (gh), and a warning is printed if that is not possible
  --debug       build without optimization: faster, for work on zoho-cred itself
  --uninstall   remove what this script installed into DIR; profiles and credentials stay
  --help        print this
EOF
}

say() { printf 'install.sh: %s\n' "$*"; }

# warn MESSAGE [HINT]
warn() {
  printf 'install.sh: warning: %s\n' "$1" >&2
  [ -z "${2:-}" ] || printf 'install.sh: hint: %s\n' "$2" >&2
}

# die MESSAGE [HINT]
die() {
  printf 'install.sh: error: %s\n' "$1" >&2
  [ -z "${2:-}" ] || printf 'install.sh: hint: %s\n' "$2" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# Prints the command that installs a package. Arguments: its name for apt, dnf, pacman and apk; the whole command on macOS.
how_to_get() {
  sudo='sudo '
  if [ "$(id -u)" -eq 0 ]; then sudo=; fi
  if has apt-get; then
    echo "${sudo}apt-get install $1"
  elif has dnf; then
    echo "${sudo}dnf install $2"
  elif has pacman; then
    echo "${sudo}pacman -S $3"
  elif has apk; then
    echo "${sudo}apk add $4"
  elif [ "$(uname -s)" = Darwin ]; then
    echo "$5"
  else
    echo "install $1 with your system's package manager"
  fi
}

# --- requirements ---

need_cargo() {
  if ! has cargo && [ -x "${CARGO_HOME:-${HOME:-}/.cargo}/bin/cargo" ]; then
    PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
  fi
  has cargo || die 'cargo is not installed' 'install Rust from https://rustup.rs, then run this again'
  wanted=$(sed -n 's/^rust-version = "1\.\([0-9]*\).*/\1/p' Cargo.toml)
  found=$(cargo --version) || die 'cargo --version failed' 'install Rust from https://rustup.rs, then run this again'
  minor=$(printf '%s\n' "$found" | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p')
  [ "${minor:-$wanted}" -ge "${wanted:-0}" ] || die "$found is too old: version 1.$wanted or later is required" 'rustup update stable'
}

need_c_compiler() {
  probe=$(mktemp -d)
  works=true
  # Compile a program: a compiler without headers is not enough. CC may contain arguments.
  printf '#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n' >"$probe/probe.c"
  # shellcheck disable=SC2086
  ${CC:-cc} -o "$probe/probe" "$probe/probe.c" >/dev/null 2>&1 || works=false
  rm -rf "$probe"
  $works || die "no working C compiler (${CC:-cc}); the TLS library needs one" \
    "$(how_to_get 'gcc libc6-dev' gcc gcc 'gcc musl-dev' 'xcode-select --install')"
}

need_curl() {
  has curl || die 'curl is not installed; --demo and --release need it' "$(how_to_get curl curl curl curl 'brew install curl')"
}

# --- build ---

# Prints the target for a static build, or fails if a static build might not work here.
static_target() {
  has musl-gcc && has rustup && [ "$(uname -s)" = Linux ] || return 1
  case $(uname -m) in
    x86_64) target=x86_64-unknown-linux-musl ;;
    aarch64) target=aarch64-unknown-linux-musl ;;
    *) return 1 ;;
  esac
  if ! rustup target list --installed | grep -qx "$target"; then
    timeout 60 rustup target add "$target" >/dev/null || return 1
  fi
  probe=$(mktemp -d) || return 1
  works=true
  echo 'fn main() {}' | rustc --target "$target" -o "$probe/probe" - || works=false
  "$probe/probe" || works=false
  rm -rf "$probe"
  $works && echo "$target"
}

# Builds the programs and sets $built to their folder.
build() {
  target_dir=${CARGO_TARGET_DIR:-$here/target}
  unset CARGO_BUILD_TARGET # it changes the output folder
  if $debug; then
    say 'building without optimization'
    cargo build --locked --bins --target-dir "$target_dir" || die 'the build failed; see the output above'
    built=$target_dir/debug
    need_programs
    return
  fi
  duration='this takes a few minutes, about half of them to optimize each program as a whole'
  if target=$(static_target 2>/dev/null </dev/null); then
    say "building static programs ($target); $duration"
    if env "CC_$(printf %s "$target" | tr - _)=musl-gcc" \
      cargo build --release --locked --bins --target-dir "$target_dir" --target "$target"; then
      built=$target_dir/$target/release
      return
    fi
    say 'the static build failed; building a dynamic one'
  else
    say "building; $duration"
  fi
  cargo build --release --locked --bins --target-dir "$target_dir" || die 'the build failed; see the output above'
  built=$target_dir/release
  need_programs
}

need_programs() {
  for name in $programs; do
    [ -x "$built/$name" ] || die "$built/$name is missing" 'check that no cargo configuration sets build.target'
  done
}

# --- download a release ---

# Prints the release target for this machine.
release_target() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) echo x86_64-unknown-linux-musl ;;
    Linux-aarch64 | Linux-arm64) echo aarch64-unknown-linux-musl ;;
    Darwin-x86_64) echo x86_64-apple-darwin ;;
    Darwin-arm64) echo aarch64-apple-darwin ;;
    *) return 1 ;;
  esac
}

check_release_url() {
  case $release in
    https://?*) ;;
    *) die "$release is not an https URL; programs are never downloaded over an unprotected connection" './install.sh --help' ;;
  esac
}

# Downloads with curl only: wget 1 follows redirects from https to http and cannot be told not to.
download() { curl -fsSL --proto '=https' --proto-redir '=https' --tlsv1.2 -o "$1" "$2"; }

# Verifies the SHA256SUMS lines on stdin.
check_sums() {
  if has sha256sum; then sha256sum -c -; else shasum -a 256 -c -; fi
}

# Prints why the build attestation cannot be verified here; nothing if it can.
no_attestation() {
  if [ -z "$repository" ]; then
    echo 'the URL is not a GitHub release'
  elif ! has gh; then
    echo 'the GitHub CLI (gh) is not installed'
  elif ! gh attestation verify --help 2>/dev/null | grep -q -e --source-ref; then
    echo 'this version of gh is too old'
  elif ! gh auth token >/dev/null 2>&1; then
    echo 'gh is not logged in to GitHub'
  fi
}

# Verifies that the release workflow of the repository built the archive, from the release's tag.
check_builder() {
  path=${release#https://github.com/}
  repository=$(printf '%s\n' "$release" | sed -n 's|^https://github\.com/\([^/]*/[^/]*\)/releases/download/[^/]*$|\1|p')
  reason=$(no_attestation)
  if [ -n "$reason" ]; then
    warn "NOBODY VERIFIED WHO BUILT THIS PROGRAM: $reason. Its checksum comes from the same server and only shows that the download is complete" \
      "install a current gh (https://cli.github.com), run 'gh auth login', then run this again"
    return 0
  fi
  gh attestation verify "$1" --repo "$repository" --deny-self-hosted-runners \
    --signer-workflow "$repository/.github/workflows/release.yml" --source-ref "refs/tags/${path##*/}" >/dev/null ||
    die "gh found no valid attestation that $repository built ${1##*/}; nothing was installed" 'gh attestation verify --help'
  say "verified the attestation: the release workflow of $repository built ${1##*/}"
}

# Downloads and verifies a release and sets $built to the folder of its programs.
fetch_release() {
  target=$(release_target) || die "there is no release for $(uname -s) on $(uname -m)" './install.sh'
  archive=zoho-cred-$target.tar.gz
  downloads=$(mktemp -d)
  trap 'rm -rf "$downloads"' EXIT
  for file in "$archive" SHA256SUMS; do
    download "$downloads/$file" "$release/$file" || die "could not download $release/$file; nothing was installed"
  done
  grep -E "^[0-9a-f]{64} [ *]$archive\$" "$downloads/SHA256SUMS" >"$downloads/sum" ||
    die "SHA256SUMS of the release does not list $archive; nothing was installed"
  (cd "$downloads" && check_sums <sum >/dev/null) ||
    die "the checksum of $archive is wrong; nothing was installed" 'run this again; if it fails again, report it as SECURITY.md says'
  say "verified the checksum of $archive"
  check_builder "$downloads/$archive"
  tar -xzf "$downloads/$archive" -C "$downloads"
  built=$downloads/zoho-cred-$target
  need_programs
}

# --- install and uninstall ---

# Succeeds if $to/$1 is a link that this script made.
ours() { [ -L "$to/$1" ] && [ "$(readlink "$to/$1")" = zoho-cred ]; }

taken() { [ -e "$to/$1" ] || [ -L "$to/$1" ]; }

check_destination() {
  for name in $programs; do
    if [ -d "$to/$name" ]; then die "$to/$name is a folder" 'choose another folder with --to DIR'; fi
  done
  for name in $links; do
    if taken "$name" && ! ours "$name"; then
      die "$to/$name exists and was not made by this script" 'move it away, or choose another folder with --to DIR'
    fi
  done
}

# Replaces each name with a rename, so that concurrent callers run either the old program or the new one.
install_all() {
  mkdir -p "$to" || die "could not create $to"
  to=$(cd "$to" && pwd)
  temporary=$to/.install-zoho.$$
  trap 'rm -rf "$temporary" "${downloads:-$temporary}"' EXIT
  trap 'exit 1' HUP INT TERM
  for name in $programs; do
    cp "$built/$name" "$temporary"
    chmod 755 "$temporary"
    mv -f "$temporary" "$to/$name"
  done
  for name in $links; do
    ln -s zoho-cred "$temporary"
    mv -f "$temporary" "$to/$name"
  done
  rm -rf "$temporary" "${downloads:-$temporary}"
  trap - EXIT HUP INT TERM
  say "installed into $to: $programs $links"
}

# Prints the folder for completions and manual pages; nothing if $to is not a bin folder.
share() {
  case $to in */bin) echo "${to%/bin}/share" ;; esac
}

# Prints the completions and manual pages that are installed below $1.
shared_files() {
  for file in bash-completion/completions/zoho-cred zsh/site-functions/_zoho-cred fish/vendor_completions.d/zoho-cred.fish; do
    if [ -f "$1/$file" ]; then echo "$1/$file"; fi
  done
  for file in "$1"/man/man1/zoho-cred.1 "$1"/man/man1/zoho-cred-*.1; do
    if [ -f "$file" ]; then echo "$file"; fi
  done
}

# A failure here is only noted: the programs work without completions and manual pages.
install_shared() {
  share=$(share)
  if [ -z "$share" ]; then
    say "note: completions and manual pages are not installed because $to is not a bin folder; see zoho-cred completions --help"
    return 0
  fi
  bash=$share/bash-completion/completions zsh=$share/zsh/site-functions fish=$share/fish/vendor_completions.d
  if mkdir -p "$bash" "$zsh" "$fish" "$share/man/man1" &&
    "$to/zoho-cred" completions bash >"$bash/zoho-cred" &&
    "$to/zoho-cred" completions zsh >"$zsh/_zoho-cred" &&
    "$to/zoho-cred" completions fish >"$fish/zoho-cred.fish" &&
    "$to/zoho-cred" man --dir "$share/man/man1"; then
    say "installed completions and manual pages into $share"
  else
    say "note: could not write completions or manual pages to $share"
  fi
}

uninstall_shared() {
  share=$(share)
  [ -n "$share" ] || return 0
  shared_files "$share" | while IFS= read -r file; do rm -f "$file"; done
  for folder in bash-completion/completions bash-completion zsh/site-functions zsh fish/vendor_completions.d fish man/man1 man; do
    rmdir "$share/$folder" 2>/dev/null || true # not empty: other programs have files there
  done
  rmdir "$share" 2>/dev/null || true
}

check_path() {
  case :$PATH: in
    *:"$to":*)
      first=$(command -v zoho-cred || true)
      if [ "$first" != "$to/zoho-cred" ]; then say "note: your shell finds $first first; check the order of your PATH"; fi
      ;;
    *)
      say "note: $to is not on your PATH; add this line to your shell's startup file:"
      say "  export PATH=\"$to:\$PATH\""
      ;;
  esac
}

uninstall() {
  removed=
  for name in $links; do
    if ours "$name"; then rm -f "$to/$name" && removed="$removed $name"; fi
  done
  for name in $programs; do
    if [ -f "$to/$name" ]; then rm -f "$to/$name" && removed="$removed $name"; fi
  done
  if [ -z "$removed" ]; then
    say "zoho-cred is not installed in $to"
  else
    uninstall_shared
    say "removed from $to:$removed"
    say 'profiles, credentials and cached tokens were kept; to revoke a credential, run zoho-cred logout PROFILE before uninstalling'
  fi
}

# --- demo ---

demo() {
  say 'demo: starting zoho-sandbox on this machine with a throwaway profile; nothing is sent to Zoho'
  PATH=$to:$PATH "$to/zoho-sandbox" run --profile crm -- sh "$here/install.sh" demo-in-sandbox ||
    die 'the demo failed; see the output above'
}

# The part of the demo that runs inside `zoho-sandbox run`, which sets the environment for zoho-cred.
demo_in_sandbox() {
  [ -n "${ZOHO_SANDBOX_URL:-}" ] || die 'demo-in-sandbox is internal to --demo' './install.sh --demo'
  answers=$(mktemp -d)
  trap 'rm -rf "$answers"' EXIT
  callers=50

  pids=
  caller=0
  while [ "$caller" -lt "$callers" ]; do
    caller=$((caller + 1))
    zoho-cred get crm >"$answers/token.$caller" 2>"$answers/error.$caller" &
    pids="$pids $!"
  done
  failed=0
  for pid in $pids; do wait "$pid" || failed=$((failed + 1)); done
  if [ "$failed" -gt 0 ]; then
    cat "$answers"/error.* | sort -u | head -n 5 >&2
    die "$failed of $callers callers failed"
  fi
  tokens=$(cat "$answers"/token.* | grep -c .) || true
  different=$(sort -u "$answers"/token.* | grep -c .) || true
  if [ "$tokens" -ne "$callers" ] || [ "$different" -ne 1 ]; then
    die "$callers callers got $tokens tokens, $different of them distinct"
  fi
  say "demo: $callers concurrent callers all got the same token"

  curl -fsS "$ZOHO_SANDBOX_URL/sandbox/log" >"$answers/log" || die 'could not read the log of the sandbox'
  requests=$(grep -o '"path" *: *"/oauth/v2/token"' "$answers/log" | grep -c .) || true
  [ "$requests" -eq 1 ] || die "the accounts server received $requests token requests instead of one"
  say 'demo: the accounts server received one token request'

  # shellcheck disable=SC2016 # printed as a user would type it
  say 'demo: curl -H "Authorization: Zoho-oauthtoken $(zoho-cred get crm)" "$ZOHO_API_DOMAIN/crm/v8/Leads?fields=Last_Name"'
  curl -fsS -H "Authorization: Zoho-oauthtoken $(zoho-cred get crm)" "$ZOHO_API_DOMAIN/crm/v8/Leads?fields=Last_Name" \
    >"$answers/leads" || die 'the CRM call failed'
  grep -q '"data" *: *\[ *{' "$answers/leads" || die 'the CRM answer has no records'
  say "demo: the CRM answered: $(cut -c 1-160 "$answers/leads" | head -n 1)"
}

# --- arguments ---

to=
demo=false
debug=false
release=
action=install
while [ $# -gt 0 ]; do
  case $1 in
    --to)
      [ -n "${2:-}" ] || die '--to needs a folder' './install.sh --help'
      to=$2
      shift
      ;;
    --to=?*) to=${1#--to=} ;;
    --demo) demo=true ;;
    --debug) debug=true ;;
    --release)
      [ -n "${2:-}" ] || die '--release needs a URL' './install.sh --help'
      release=${2%/}
      shift
      ;;
    --release=?*)
      release=${1#--release=}
      release=${release%/}
      ;;
    --uninstall) action=uninstall ;;
    demo-in-sandbox) action=demo_in_sandbox ;;
    --help | -h)
      usage
      exit
      ;;
    *) die "unknown argument $1" './install.sh --help' ;;
  esac
  shift
done

if [ "$action" = demo_in_sandbox ]; then
  demo_in_sandbox
  exit
fi

if [ -z "$to" ]; then
  [ -n "${HOME:-}" ] || die 'HOME is not set' 'choose a folder with --to DIR'
  to=$HOME/.local/bin
fi
# Relative paths are relative to the caller's folder, not to this script's.
case $to in /*) ;; *) to=$PWD/$to ;; esac
case ${CARGO_TARGET_DIR:-/} in /*) ;; *) CARGO_TARGET_DIR=$PWD/$CARGO_TARGET_DIR ;; esac

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$here"

if [ "$action" = uninstall ]; then
  if $demo; then die '--demo and --uninstall cannot be combined'; fi
  uninstall
  exit
fi

if [ -n "$release" ]; then
  if $debug; then die '--debug and --release cannot be combined'; fi
  check_release_url
  need_curl
else
  need_cargo
  need_c_compiler
  if $demo; then need_curl; fi
fi
check_destination
if [ -n "$release" ]; then fetch_release; else build; fi
install_all
install_shared
check_path
if $demo; then demo; fi
