#!/bin/sh
# Builds zoho-cred from this checkout and installs it. See --help.
set -eu

programs='zoho-cred zoho-sandbox'
links='git-credential-zoho credential-helper-zoho' # zoho-cred knows what to do by these names

usage() {
  cat <<'EOF'
usage: ./install.sh [--to DIR] [--demo] [--debug | --release URL]
       ./install.sh [--to DIR] --uninstall

Builds zoho-cred and its sandbox and puts them into DIR (default: ~/.local/bin), with the
links git-credential-zoho and credential-helper-zoho. Where DIR ends in /bin, completions for
bash, zsh and fish and the manual pages go to share/ beside it. It touches nothing else, and
may be run again at any time. Needs Rust and a C compiler.

  --to DIR      install into DIR
  --demo        then show it at work: 50 callers at once, one token request, one API call,
                all against a sandbox on this machine
  --release URL install a release's programs instead of building: URL is the folder of its files, such as
                https://github.com/OWNER/zoho-cred/releases/download/v1.0.0. Checksums are verified, and
                where gh is there, the attestation of who built them
  --debug       build quickly, without optimisation: for work on zoho-cred itself
  --uninstall   remove what this script installed into DIR; profiles and credentials stay
  --help        print this
EOF
}

say() { printf 'install.sh: %s\n' "$*"; }

# die MESSAGE [HINT]
die() {
  printf 'install.sh: error: %s\n' "$1" >&2
  [ -z "${2:-}" ] || printf 'install.sh: hint: %s\n' "$2" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# How to install a package here; the words that differ are given as apt, dnf, pacman, apk, brew.
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

# --- what is needed ---

need_cargo() {
  if ! has cargo && [ -x "${CARGO_HOME:-${HOME:-}/.cargo}/bin/cargo" ]; then
    PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
  fi
  has cargo || die 'cargo is missing: it builds Rust programs' 'get it from https://rustup.rs, then run this again'
  wanted=$(sed -n 's/^rust-version = "1\.\([0-9]*\).*/\1/p' Cargo.toml)
  found=$(cargo --version) || die 'cargo does not run' 'try: cargo --version'
  minor=$(printf '%s\n' "$found" | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p')
  [ "${minor:-$wanted}" -ge "${wanted:-0}" ] || die "$found is too old: 1.$wanted is needed" 'rustup update stable'
}

need_c_compiler() {
  probe=$(mktemp -d)
  works=true
  # A compiler without headers is of no use, so it is tried. CC may carry arguments.
  printf '#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n' >"$probe/probe.c"
  # shellcheck disable=SC2086
  ${CC:-cc} -o "$probe/probe" "$probe/probe.c" >/dev/null 2>&1 || works=false
  rm -rf "$probe"
  $works || die "a C compiler is missing (${CC:-cc} does not work): the TLS library needs one" \
    "$(how_to_get 'gcc libc6-dev' gcc gcc 'gcc musl-dev' 'xcode-select --install')"
}

need_curl() {
  has curl || die 'curl is missing: the demo and --release need it' "$(how_to_get curl curl curl curl 'brew install curl')"
}

# --- build ---

# Prints the target of a static build if one works here. It is a gift and never an obstacle: any doubt means no.
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

# Builds, and leaves the folder of the programs in $built.
build() {
  target_dir=${CARGO_TARGET_DIR:-$here/target}
  unset CARGO_BUILD_TARGET # it would move the programs elsewhere
  if $debug; then
    say 'building without optimisation'
    cargo build --locked --bins --target-dir "$target_dir" || die 'the build failed; see above'
    built=$target_dir/debug
    need_programs
    return
  fi
  if target=$(static_target 2>/dev/null </dev/null); then
    say "building static programs ($target); this takes a few minutes"
    if env "CC_$(printf %s "$target" | tr - _)=musl-gcc" \
      cargo build --release --locked --bins --target-dir "$target_dir" --target "$target"; then
      built=$target_dir/$target/release
      return
    fi
    say 'the static build did not work out here; building the usual way'
  else
    say 'building; this takes a few minutes'
  fi
  cargo build --release --locked --bins --target-dir "$target_dir" || die 'the build failed; see above'
  built=$target_dir/release
  need_programs
}

need_programs() {
  for name in $programs; do
    [ -x "$built/$name" ] || die "the build left no $name in $built" 'is build.target set in a configuration of cargo?'
  done
}

# --- or take a release ---

# Prints the target whose programs run here.
release_target() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) echo x86_64-unknown-linux-musl ;;
    Linux-aarch64 | Linux-arm64) echo aarch64-unknown-linux-musl ;;
    Darwin-x86_64) echo x86_64-apple-darwin ;;
    Darwin-arm64) echo aarch64-apple-darwin ;;
    *) return 1 ;;
  esac
}

# Verifies the lines of SHA256SUMS that are on stdin.
check_sums() {
  if has sha256sum; then sha256sum -c -; else shasum -a 256 -c -; fi
}

# Fetches and verifies, and leaves the folder of the programs in $built.
fetch_release() {
  target=$(release_target) || die "there is no release for $(uname -s) on $(uname -m)" 'build it: ./install.sh'
  archive=zoho-cred-$target.tar.gz
  downloads=$(mktemp -d)
  trap 'rm -rf "$downloads"' EXIT
  for file in "$archive" SHA256SUMS; do
    curl -fsSL --proto '=https,http' -o "$downloads/$file" "$release/$file" || die "$release/$file could not be fetched"
  done
  grep -E "^[0-9a-f]{64} [ *]$archive\$" "$downloads/SHA256SUMS" >"$downloads/sum" ||
    die "SHA256SUMS of the release does not name $archive"
  (cd "$downloads" && check_sums <sum >/dev/null) || die "$archive is not what its checksum says" 'fetch it again; nothing was installed'
  say "the checksum of $archive is right"
  repository=$(printf '%s\n' "$release" | sed -n 's|^https://github.com/\([^/]*/[^/]*\)/releases/download/.*|\1|p')
  if [ -n "$repository" ] && has gh; then
    gh attestation verify "$downloads/$archive" --repo "$repository" >/dev/null ||
      die "nobody attests that $repository built $archive" 'see: gh attestation verify --help; nothing was installed'
    say "$repository attests that it built $archive"
  fi
  tar -xzf "$downloads/$archive" -C "$downloads"
  built=$downloads/zoho-cred-$target
  need_programs
}

# --- install and uninstall ---

# Whether the name in $to is a link that this script made.
ours() { [ -L "$to/$1" ] && [ "$(readlink "$to/$1")" = zoho-cred ]; }

taken() { [ -e "$to/$1" ] || [ -L "$to/$1" ]; }

check_place() {
  for name in $programs; do
    if [ -d "$to/$name" ]; then die "$to/$name is a folder" 'choose another place with --to DIR'; fi
  done
  for name in $links; do
    if taken "$name" && ! ours "$name"; then
      die "$to/$name is there and was not made by this script" 'move it away, or choose another place with --to DIR'
    fi
  done
}

# Each name is replaced in one step, so that a caller meanwhile finds the old program or the new one.
install_all() {
  mkdir -p "$to" || die "$to could not be made"
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
  say "installed in $to: $programs $links"
}

# Where completions and manual pages of programs in $to belong; nothing where $to is no bin folder.
share() {
  case $to in */bin) echo "${to%/bin}/share" ;; esac
}

# The files of ours below share/, as far as they are there.
shared_files() {
  for file in bash-completion/completions/zoho-cred zsh/site-functions/_zoho-cred fish/vendor_completions.d/zoho-cred.fish; do
    if [ -f "$1/$file" ]; then echo "$1/$file"; fi
  done
  for file in "$1"/man/man1/zoho-cred.1 "$1"/man/man1/zoho-cred-*.1; do
    if [ -f "$file" ]; then echo "$file"; fi
  done
}

# They are a gift: where they cannot be written, the programs are installed all the same.
install_shared() {
  share=$(share)
  if [ -z "$share" ]; then
    say "note: completions and manual pages are not installed, as $to is no bin folder; see zoho-cred completions --help"
    return 0
  fi
  bash=$share/bash-completion/completions zsh=$share/zsh/site-functions fish=$share/fish/vendor_completions.d
  if mkdir -p "$bash" "$zsh" "$fish" "$share/man/man1" &&
    "$to/zoho-cred" completions bash >"$bash/zoho-cred" &&
    "$to/zoho-cred" completions zsh >"$zsh/_zoho-cred" &&
    "$to/zoho-cred" completions fish >"$fish/zoho-cred.fish" &&
    "$to/zoho-cred" man --dir "$share/man/man1"; then
    say "completions and manual pages are in $share"
  else
    say "note: completions or manual pages could not be written to $share"
  fi
}

uninstall_shared() {
  share=$(share)
  [ -n "$share" ] || return 0
  shared_files "$share" | while IFS= read -r file; do rm -f "$file"; done
  for folder in bash-completion/completions bash-completion zsh/site-functions zsh fish/vendor_completions.d fish man/man1 man; do
    rmdir "$share/$folder" 2>/dev/null || true # others may have files there
  done
  rmdir "$share" 2>/dev/null || true
}

check_path() {
  case :$PATH: in
    *:"$to":*)
      first=$(command -v zoho-cred || true)
      if [ "$first" != "$to/zoho-cred" ]; then say "note: $first comes first on your PATH"; fi
      ;;
    *)
      say "note: $to is not on your PATH; add this line to your shell's start-up file:"
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
    say "nothing of zoho-cred is in $to"
  else
    uninstall_shared
    say "removed from $to:$removed"
    say 'profiles, credentials and cached tokens are untouched; zoho-cred logout PROFILE, before this, revokes them'
  fi
}

# --- demo ---

demo() {
  say 'demo: starting a sandbox of Zoho on this machine, with a profile of its own; nothing leaves it'
  PATH=$to:$PATH "$to/zoho-sandbox" run --profile crm -- sh "$here/install.sh" demo-in-sandbox ||
    die 'the demo failed; see above'
}

# What the demo does inside `zoho-sandbox run`, which points zoho-cred at the sandbox.
demo_in_sandbox() {
  [ -n "${ZOHO_SANDBOX_URL:-}" ] || die 'this is a part of --demo' './install.sh --demo'
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
    die "$failed of $callers callers got no token"
  fi
  tokens=$(cat "$answers"/token.* | grep -c .) || true
  different=$(sort -u "$answers"/token.* | grep -c .) || true
  if [ "$tokens" -ne "$callers" ] || [ "$different" -ne 1 ]; then
    die "$callers callers got $tokens tokens, $different of them different"
  fi
  say "demo: $callers callers asked for a token at once, and all got the same one"

  curl -fsS "$ZOHO_SANDBOX_URL/sandbox/log" >"$answers/log" || die 'the log of the sandbox could not be read'
  requests=$(grep -o '"path" *: *"/oauth/v2/token"' "$answers/log" | grep -c .) || true
  [ "$requests" -eq 1 ] || die "the accounts server was asked for a token $requests times instead of once"
  say 'demo: the accounts server was asked for a token once'

  # shellcheck disable=SC2016 # shown as a person would type it
  say 'demo: curl -H "Authorization: Zoho-oauthtoken $(zoho-cred get crm)" "$ZOHO_API_DOMAIN/crm/v8/Leads"'
  curl -fsS -H "Authorization: Zoho-oauthtoken $(zoho-cred get crm)" "$ZOHO_API_DOMAIN/crm/v8/Leads" \
    >"$answers/leads" || die 'the CRM refused the call'
  grep -q '"data" *: *\[ *{' "$answers/leads" || die 'the CRM answered without records'
  say "demo: the CRM answered: $(cut -c 1-160 "$answers/leads" | head -n 1)"
}

# --- the arguments ---

to=
demo=false
debug=false
release=
action=install
while [ $# -gt 0 ]; do
  case $1 in
    --to)
      [ -n "${2:-}" ] || die '--to wants a folder' './install.sh --help'
      to=$2
      shift
      ;;
    --to=?*) to=${1#--to=} ;;
    --demo) demo=true ;;
    --debug) debug=true ;;
    --release)
      [ -n "${2:-}" ] || die '--release wants an address' './install.sh --help'
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
  [ -n "${HOME:-}" ] || die 'HOME is not set' 'say where to install with --to DIR'
  to=$HOME/.local/bin
fi
# What was said relative to the caller's folder stays so.
case $to in /*) ;; *) to=$PWD/$to ;; esac
case ${CARGO_TARGET_DIR:-/} in /*) ;; *) CARGO_TARGET_DIR=$PWD/$CARGO_TARGET_DIR ;; esac

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$here"

if [ "$action" = uninstall ]; then
  if $demo; then die '--demo and --uninstall do not go together'; fi
  uninstall
  exit
fi

if [ -n "$release" ]; then
  if $debug; then die '--debug and --release do not go together'; fi
  need_curl
else
  need_cargo
  need_c_compiler
  if $demo; then need_curl; fi
fi
check_place
if [ -n "$release" ]; then fetch_release; else build; fi
install_all
install_shared
check_path
if $demo; then demo; fi
