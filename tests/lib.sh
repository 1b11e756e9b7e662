# shellcheck shell=bash
# What tests/run and .ci/run share. Sourced from the top of the repository, by a script that has set $program.
: "${program:?}"

# One absolute target folder for cargo, the tools and every script below.
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}
[[ $CARGO_TARGET_DIR == /* ]] || CARGO_TARGET_DIR=$PWD/$CARGO_TARGET_DIR
export CARGO_TARGET_DIR

say() { printf '%s: %s\n' "$program" "$*"; }

# For a wrong call.
die() {
  say "$*" >&2
  exit 2
}

steps=()
failures=0

# step NAME COMMAND…: runs a step, and goes on after one that failed, so that one run shows all that is wrong.
# (The command runs as a condition, so set -e does not hold inside it.)
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

# The times of all steps; fails if one of them did.
summary() {
  printf '\n== %s: %d s in all\n' "$program" "$SECONDS"
  printf '   %s\n' "${steps[@]}"
  ((failures == 0))
}
