# Sourced by the scripts of the suites, with $root set: sees to the gateway's binary in $ENTRAGATE_BIN.
# Given there, or else the newest one in the target directory, or else it is built.
# shellcheck shell=sh disable=SC2154 # root is the caller's

if [ -z "${ENTRAGATE_BIN:-}" ]; then
    target=${CARGO_TARGET_DIR:-$root/target}
    # One of the two is missing as a rule, which must not end a caller with pipefail.
    newest() { { ls -t "$target/release/entragate" "$target/debug/entragate" 2>/dev/null || :; } | head -n 1; }
    if [ -z "$(newest)" ]; then
        (cd "$root" && cargo build --locked -p entragate-cli) || exit 2
    fi
    ENTRAGATE_BIN=$(newest)
fi
export ENTRAGATE_BIN
echo "entragate: $("$ENTRAGATE_BIN" --version)" >&2
