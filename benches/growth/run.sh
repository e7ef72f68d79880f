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

fail() { echo "benches/growth/run.sh: $1" >&2; exit 2; }

missing=()
for pair in cc:build-essential python3:python3 faketime:faketime; do
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
    cc -O3 -Wall -Wextra -o "$state/$program" "$here/../peers/wire/$program.c"
done
if [ -z "${ENTRAGATE_BIN:-}" ]; then
    (cd "$root" && cargo build --release --locked -p entragate-cli >&2)
    ENTRAGATE_BIN=${CARGO_TARGET_DIR:-$root/target}/release/entragate
fi
faketime=$(find /usr/lib /usr/local/lib -name libfaketime.so.1 2>/dev/null | head -n 1)
[ -n "$faketime" ] || fail "found no libfaketime.so.1"
exec python3 "$here/growth.py" "entragate=$ENTRAGATE_BIN" "load=$state/load" "upstream=$state/upstream" "faketime=$faketime" "$@"
