# shellcheck shell=bash
# Shared by tests/run, tests/installer and .ci/run. The caller sets $program and sources this at the top of the repository.
: "${program:?}"

# The scripts change folders, so the target folder is absolute.
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}
[[ $CARGO_TARGET_DIR == /* ]] || CARGO_TARGET_DIR=$PWD/$CARGO_TARGET_DIR
export CARGO_TARGET_DIR

say() { printf '%s: %s\n' "$program" "$*"; }

# die MESSAGE: ends the script.
die() {
  say "$*" >&2
  exit 2
}

# From here on, Clippy compiles this package instead of rustc, as `cargo clippy -- -D warnings` sets it up. Unlike cargo clippy,
# cargo build and cargo test then make programs. Fails without Clippy.
compile_with_clippy() {
  local clippy
  clippy=$(rustup which clippy-driver 2>/dev/null || command -v clippy-driver) || return
  export RUSTC_WORKSPACE_WRAPPER=$clippy CLIPPY_ARGS=-Dwarnings__CLIPPY_HACKERY__
}

steps=()
failures=0

# step NAME COMMAND...: runs a command and records its time and result. A failure does not end the script, so that one run
# shows all failures. (The command runs as a condition, so set -e has no effect inside it.)
step() {
  local name=$1 start=$SECONDS outcome=ok
  shift
  printf '\n== %s: %s\n' "$program" "$name"
  if ! "$@"; then
    outcome=FAILED
    failures=$((failures + 1))
  fi
  steps+=("$(printf '%-10s %5d s  %s' "$name" $((SECONDS - start)) "$outcome")")
}

# Prints the times of all steps. Fails if a step failed.
summary() {
  printf '\n== %s: %d s in total\n' "$program" "$SECONDS"
  printf '   %s\n' "${steps[@]}"
  ((failures == 0))
}
