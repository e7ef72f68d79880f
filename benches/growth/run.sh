#!/usr/bin/env bash
# Whether the gateway grows: with rules, tokens, sessions, streams, and in 24 hours of traffic on a clock that runs faster.
#
#   benches/growth/run.sh [rules | tokens | sessions | streams | day]    all: about forty minutes
#
# Prints Markdown on stdout, progress on stderr; docs/performance.md explains it. Stands on benches/peers, and needs what that
# needs and libfaketime, which it installs as root on Debian or Ubuntu. The gateway is $ENTRAGATE_BIN, else it is built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
state=$root/target/peers
export PYTHONDONTWRITEBYTECODE=1

. "$root/benches/needs.sh"

needs cc:build-essential python3:python3 faketime:faketime
wire

if [ -z "${ENTRAGATE_BIN:-}" ]; then
    (cd "$root" && cargo build --release --locked -p entragate-cli >&2)
    ENTRAGATE_BIN=${CARGO_TARGET_DIR:-$root/target}/release/entragate
fi
faketime=$(find /usr/lib /usr/local/lib -name libfaketime.so.1 2>/dev/null | head -n 1)
[ -n "$faketime" ] || fail "found no libfaketime.so.1"
exec python3 "$here/growth.py" "entragate=$ENTRAGATE_BIN" "load=$state/load" "upstream=$state/upstream" "faketime=$faketime" "$@"
