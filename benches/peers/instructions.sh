#!/usr/bin/env bash
# Instructions and allocations of the gateway per authenticated call, by layer and function, in relay and broker mode.
#
# Prints Markdown on stdout. Needs Valgrind and a C compiler (installed as root on Debian or Ubuntu). The binary is
# $ENTRAGATE_BIN, which must have symbols, else one is built with symbols and line tables into target/instructions.
# BENCH_CALLS: how many calls are counted. BENCH_KEEP: a directory for the Callgrind and DHAT files.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
state=$root/target/peers
export PYTHONDONTWRITEBYTECODE=1

. "$root/benches/needs.sh"

needs valgrind:valgrind cc:build-essential python3:python3
wire

if [ -z "${ENTRAGATE_BIN:-}" ]; then
    (cd "$root" && CARGO_TARGET_DIR="$root/target/instructions" CARGO_PROFILE_RELEASE_STRIP=none \
        CARGO_PROFILE_RELEASE_DEBUG=line-tables-only cargo build --release --locked -p entragate-cli >&2)
    ENTRAGATE_BIN=$root/target/instructions/release/entragate
fi
[ -n "$(nm "$ENTRAGATE_BIN" 2>/dev/null | head -n 1)" ] ||
    fail "$ENTRAGATE_BIN has no symbols to name functions by; without ENTRAGATE_BIN one with symbols is built"
exec python3 "$here/counts.py" "entragate=$ENTRAGATE_BIN" "load=$state/load" "upstream=$state/upstream"
