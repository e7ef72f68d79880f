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

fail() { echo "benches/peers/instructions.sh: $1" >&2; exit 2; }

missing=()
for pair in valgrind:valgrind cc:build-essential python3:python3; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "needs ${missing[*]}"
    echo "installing ${missing[*]}" >&2
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

mkdir -p "$state"
for program in load upstream; do
    cc -O3 -Wall -Wextra -o "$state/$program" "$here/wire/$program.c"
done
if [ -z "${ENTRAGATE_BIN:-}" ]; then
    (cd "$root" && CARGO_TARGET_DIR="$root/target/instructions" CARGO_PROFILE_RELEASE_STRIP=none \
        CARGO_PROFILE_RELEASE_DEBUG=line-tables-only cargo build --release --locked -p entragate-cli >&2)
    ENTRAGATE_BIN=$root/target/instructions/release/entragate
fi
[ -n "$(nm "$ENTRAGATE_BIN" 2>/dev/null | head -n 1)" ] ||
    fail "$ENTRAGATE_BIN has no symbols to name functions by; without ENTRAGATE_BIN one with symbols is built"
exec python3 "$here/counts.py" "entragate=$ENTRAGATE_BIN" "load=$state/load" "upstream=$state/upstream"
